/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/modload.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define CONFIGFS_TYPE 0x62656570 /* CONFIGFS_MAGIC of linux/magic.h, which glibc need not have */
#define NAME_ROOM 64		 /* MODULE_NAME_LEN of the kernel, rounded up */

/* The functions of libkmod that are called, by their own names. */
struct library {
	void *handle;
	__typeof__(kmod_new) *new_context;
	__typeof__(kmod_unref) *unref;
	__typeof__(kmod_set_log_fn) *set_log_fn;
	__typeof__(kmod_module_new_from_lookup) *new_from_lookup;
	__typeof__(kmod_list_next) *list_next;
	__typeof__(kmod_module_get_module) *get_module;
	__typeof__(kmod_module_unref) *module_unref;
	__typeof__(kmod_module_unref_list) *unref_list;
	__typeof__(kmod_module_get_install_commands) *get_install_commands;
	__typeof__(kmod_module_get_path) *get_path;
	__typeof__(kmod_module_probe_insert_module) *probe_insert;
};

static void library_close(struct library *lib)
{
	if (lib->handle)
		dlclose(lib->handle);
	lib->handle = NULL;
}

static int library_open(struct library *lib, struct err *err)
{
	void *handle = dlopen("libkmod.so.2", RTLD_NOW | RTLD_LOCAL);

	if (!handle) {
		err_set(err, -ELIBACC,
			"libkmod.so.2 is not on this system (Debian libkmod2, Fedora kmod-libs)");
		return -ELIBACC;
	}
	lib->handle = handle;
	if ((lib->new_context = dlsym(handle, "kmod_new")) &&
	    (lib->unref = dlsym(handle, "kmod_unref")) &&
	    (lib->set_log_fn = dlsym(handle, "kmod_set_log_fn")) &&
	    (lib->new_from_lookup = dlsym(handle, "kmod_module_new_from_lookup")) &&
	    (lib->list_next = dlsym(handle, "kmod_list_next")) &&
	    (lib->get_module = dlsym(handle, "kmod_module_get_module")) &&
	    (lib->module_unref = dlsym(handle, "kmod_module_unref")) &&
	    (lib->unref_list = dlsym(handle, "kmod_module_unref_list")) &&
	    (lib->get_install_commands = dlsym(handle, "kmod_module_get_install_commands")) &&
	    (lib->get_path = dlsym(handle, "kmod_module_get_path")) &&
	    (lib->probe_insert = dlsym(handle, "kmod_module_probe_insert_module")))
		return 0;
	library_close(lib);
	err_set(err, -ELIBACC, "libkmod.so.2 is not kmod's: functions are missing");
	return -ELIBACC;
}

static bool is_name(const char *module)
{
	size_t length = strlen(module);

	return length && length < NAME_ROOM &&
	       strspn(module, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
		       length;
}

bool modload_is_present(int sysfs_fd, const char *module)
{
	char path[sizeof("module//initstate") + NAME_ROOM];
	char state[16];
	size_t base;
	char *c;

	if (!is_name(module))
		return false;
	base = (size_t)snprintf(path, sizeof(path), "module/%s", module);
	for (c = path; *c; c++)
		if (*c == '-')
			*c = '_';
	snprintf(path + base, sizeof(path) - base, "/initstate");
	if (fs_read_at(sysfs_fd, path, state, sizeof(state)) >= 0)
		return strcmp(state, "live") == 0;
	/* what is built in has no state */
	path[base] = '\0';
	return faccessat(sysfs_fd, path, F_OK, 0) == 0;
}

static void release_of(char *release, size_t size)
{
	struct utsname name;

	if (uname(&name) < 0)
		name.release[0] = '\0';
	snprintf(release, size, "%s", name.release);
}

static int not_built(const char *module, struct err *err)
{
	char release[65];
	char path[sizeof("/lib/modules//modules.dep.bin") + sizeof(release)];

	release_of(release, sizeof(release));
	snprintf(path, sizeof(path), "/lib/modules/%s/modules.dep.bin", release);
	if (faccessat(AT_FDCWD, path, F_OK, 0) < 0)
		return err_set(err, -ENOENT,
			       "cannot load %s: the modules of the running kernel %s are not in "
			       "/lib/modules. If its package was upgraded, reboot; else install it "
			       "or run: depmod -a",
			       module, release);
	return err_set(err, -ENOENT,
		       "%s is not built for kernel %s: install the package with the extra modules "
		       "(Ubuntu linux-modules-extra-%s, Fedora and RHEL kernel-modules-extra), or "
		       "boot a kernel that has it",
		       module, release, release);
}

static int not_permitted(int sysfs_fd, const char *module, int code, struct err *err)
{
	char text[64];
	const char *why = "run as root (CAP_SYS_MODULE is needed)";

	if (code == -EKEYREJECTED)
		why = "its signature is not accepted by this kernel (Secure Boot): use the modules "
		      "of the kernel's own package, or enroll the key they are signed with";
	else if (fs_read_at(AT_FDCWD, "/proc/sys/kernel/modules_disabled", text, sizeof(text)) >
			 0 &&
		 text[0] == '1')
		why = "kernel.modules_disabled is 1 until the next boot: load it before that is "
		      "set, from /etc/modules-load.d";
	else if (geteuid() == 0 &&
		 fs_read_at(sysfs_fd, "kernel/security/lockdown", text, sizeof(text)) > 0 &&
		 strchr(text, '[') && !strstr(text, "[none]"))
		why = "the kernel is locked down and takes signed modules only";
	return err_set(err, -EPERM, "cannot load %s: %s", module, why);
}

/* The errors of insertion; positive ones are libkmod's word for its blacklist. */
static int explain(int sysfs_fd, const char *module, const char *install, bool has_file, int code,
		   struct err *err)
{
	char release[65];

	if (code == 0 || code == -EEXIST)
		return 0;
	if (code > 0)
		return err_set(err, -EACCES,
			       "%s is blacklisted: take its line \"blacklist\" out of "
			       "/etc/modprobe.d, or load it by hand: modprobe %s",
			       module, module);
	if (code == -EPERM || code == -EKEYREJECTED)
		return not_permitted(sysfs_fd, module, code, err);
	if (install)
		return err_set(err, -EACCES,
			       "%s is not loaded, but modprobe.d says \"install %s\", and that "
			       "failed: take the line out of /etc/modprobe.d",
			       module, install);
	if (code == -ENOENT && !has_file)
		return not_built(module, err);
	release_of(release, sizeof(release));
	/* the kernel's words for a symbol that is not there, and for one of another version */
	if (code == -ENOENT || code == -EINVAL || code == -ENOEXEC)
		return err_set(
			err, -ENOEXEC,
			"%s does not fit kernel %s (see dmesg): modules of another build are "
			"in the way, such as a vendor's RDMA stack. Install those of this "
			"kernel and run: depmod -a",
			module, release);
	return err_set(err, code, "cannot load %s: %s (see dmesg)", module, strerror(-code));
}

static int insert_all(const struct library *lib, int sysfs_fd, struct kmod_list *list,
		      const char *module, struct err *err)
{
	struct kmod_list *at;
	int r = 0;

	for (at = list; at && r == 0; at = lib->list_next(list, at)) {
		struct kmod_module *mod = lib->get_module(at);
		const char *install = lib->get_install_commands(mod);
		bool has_file = lib->get_path(mod) != NULL;
		int code =
			lib->probe_insert(mod, KMOD_PROBE_APPLY_BLACKLIST, NULL, NULL, NULL, NULL);

		r = explain(sysfs_fd, module, install, has_file, code, err);
		lib->module_unref(mod);
	}
	return r;
}

/* libkmod writes to standard error unless it is given something better. */
static void __attribute__((format(printf, 6, 0)))
stay_silent(void *data, int priority, const char *file, int line, const char *function,
	    const char *format, va_list args)
{
	(void)data, (void)priority, (void)file, (void)line, (void)function, (void)format,
		(void)args;
}

static int load(const struct library *lib, int sysfs_fd, const char *module, struct err *err)
{
	struct kmod_list *list = NULL;
	struct kmod_ctx *ctx = lib->new_context(NULL, NULL);
	int r;

	if (!ctx)
		return err_nomem(err);
	lib->set_log_fn(ctx, stay_silent, NULL);
	r = lib->new_from_lookup(ctx, module, &list);
	if (r == -ENOMEM)
		r = err_nomem(err);
	else if (r < 0 || !list)
		r = not_built(module, err);
	else
		r = insert_all(lib, sysfs_fd, list, module, err);
	lib->unref_list(list);
	lib->unref(ctx);
	return r;
}

int modload_ensure(int sysfs_fd, const char *module, struct err *err)
{
	struct library lib = { 0 };
	int r;

	if (modload_is_present(sysfs_fd, module))
		return 0;
	if (!is_name(module))
		return err_set(err, -EINVAL, "\"%s\" is not the name of a kernel module", module);
	r = library_open(&lib, err);
	if (r < 0) {
		err_prefix(err, "cannot load %s, load it by hand (modprobe %s): ", module, module);
		return r;
	}
	r = load(&lib, sysfs_fd, module, err);
	library_close(&lib);
	return r;
}

bool modload_has_configfs(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == CONFIGFS_TYPE;
}

static int mount_configfs(const char *path)
{
	if (mount("configfs", path, "configfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0)
		return 0;
	/* another one may have done it in between */
	return modload_has_configfs(path) ? 0 : -errno;
}

int modload_mount_configfs(const char *path, struct err *err)
{
	CLEANUP_CLOSE int sysfs_fd = -1;
	int r;

	if (modload_has_configfs(path))
		return 0;
	r = mount_configfs(path);
	/* the mount point is made by the module, too */
	if (r == -ENODEV || r == -ENOENT) {
		sysfs_fd = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = modload_ensure(sysfs_fd, "configfs", err);
		if (r < 0)
			return r;
		r = mount_configfs(path);
	}
	if (r == -EPERM)
		return err_set(err, r, "cannot mount configfs on %s: run as root", path);
	if (r == -ENOENT)
		return err_set(err, r, "cannot mount configfs: there is no directory %s", path);
	if (r == -ENODEV)
		return err_set(err, -ENOENT, "cannot mount configfs: this kernel has none");
	if (r < 0)
		return err_set(err, r, "cannot mount configfs on %s: %s", path, strerror(-r));
	return 0;
}
