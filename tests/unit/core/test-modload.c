/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "core/modload.h"

/* A libkmod and a kernel that answer what a test says, in place of the real ones. */
struct fake {
	char directory[64];
	int sysfs_fd;
	bool has_library;
	const char *lacks; /* a function that the library has not */
	bool is_known;	   /* the lookup finds the module */
	const char *install;
	const char *path;
	int insert_result;
	char asked[64];
	unsigned int flags;
	int n_open; /* contexts, lists, modules and handles not given back */
	long fs_type;
	int mount_result;
	int mount_result_later; /* once a module was loaded */
	int n_mounts;
};

static struct fake *fake;

void *__wrap_dlopen(const char *name, int flags);
void *__wrap_dlsym(void *handle, const char *name);
int __wrap_dlclose(void *handle);
int __wrap_statfs(const char *path, struct statfs *ret);
int __wrap_mount(const char *source, const char *path, const char *type, unsigned long flags,
		 const void *data);

static struct kmod_ctx *fake_new(const char *directory, const char *const *paths)
{
	assert_null(directory);
	assert_null(paths);
	fake->n_open++;
	return (struct kmod_ctx *)fake;
}

static struct kmod_ctx *fake_unref(struct kmod_ctx *ctx)
{
	assert_ptr_equal(ctx, fake);
	fake->n_open--;
	return NULL;
}

static void fake_set_log_fn(struct kmod_ctx *ctx,
			    void (*log)(void *, int, const char *, int, const char *, const char *,
					va_list),
			    const void *data)
{
	(void)ctx, (void)data;
	assert_non_null(log);
}

static int fake_lookup(struct kmod_ctx *ctx, const char *name, struct kmod_list **ret)
{
	(void)ctx;
	snprintf(fake->asked, sizeof(fake->asked), "%s", name);
	if (fake->is_known) {
		fake->n_open++;
		*ret = (struct kmod_list *)fake;
	}
	return 0;
}

static struct kmod_list *fake_next(const struct kmod_list *list, const struct kmod_list *at)
{
	(void)list, (void)at;
	return NULL;
}

static struct kmod_module *fake_get(const struct kmod_list *at)
{
	fake->n_open++;
	return (struct kmod_module *)at;
}

static struct kmod_module *fake_module_unref(struct kmod_module *mod)
{
	(void)mod;
	fake->n_open--;
	return NULL;
}

static int fake_unref_list(struct kmod_list *list)
{
	if (list)
		fake->n_open--;
	return 0;
}

static const char *fake_install(const struct kmod_module *mod)
{
	(void)mod;
	return fake->install;
}

static const char *fake_path(const struct kmod_module *mod)
{
	(void)mod;
	return fake->path;
}

static int fake_insert(struct kmod_module *mod, unsigned int flags, const char *options,
		       int (*run)(struct kmod_module *, const char *, void *), const void *data,
		       void (*print)(struct kmod_module *, bool, const char *))
{
	(void)mod, (void)options, (void)run, (void)data, (void)print;
	fake->flags = flags;
	return fake->insert_result;
}

void *__wrap_dlopen(const char *name, int flags)
{
	(void)flags;
	assert_string_equal(name, "libkmod.so.2");
	if (!fake->has_library)
		return NULL;
	fake->n_open++;
	return fake;
}

int __wrap_dlclose(void *handle)
{
	assert_ptr_equal(handle, fake);
	fake->n_open--;
	return 0;
}

void *__wrap_dlsym(void *handle, const char *name)
{
	static const struct {
		const char *name;
		void *function;
	} symbols[] = {
		{ "kmod_new", (void *)fake_new },
		{ "kmod_unref", (void *)fake_unref },
		{ "kmod_set_log_fn", (void *)fake_set_log_fn },
		{ "kmod_module_new_from_lookup", (void *)fake_lookup },
		{ "kmod_list_next", (void *)fake_next },
		{ "kmod_module_get_module", (void *)fake_get },
		{ "kmod_module_unref", (void *)fake_module_unref },
		{ "kmod_module_unref_list", (void *)fake_unref_list },
		{ "kmod_module_get_install_commands", (void *)fake_install },
		{ "kmod_module_get_path", (void *)fake_path },
		{ "kmod_module_probe_insert_module", (void *)fake_insert },
	};
	size_t i;

	assert_ptr_equal(handle, fake);
	for (i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		if (strcmp(symbols[i].name, name) == 0)
			return fake->lacks && strcmp(fake->lacks, name) == 0 ? NULL
									     : symbols[i].function;
	return NULL;
}

int __wrap_statfs(const char *path, struct statfs *ret)
{
	(void)path;
	memset(ret, 0, sizeof(*ret));
	ret->f_type = fake->fs_type;
	return 0;
}

int __wrap_mount(const char *source, const char *path, const char *type, unsigned long flags,
		 const void *data)
{
	int r = fake->asked[0] ? fake->mount_result_later : fake->mount_result;

	(void)source, (void)path, (void)flags, (void)data;
	assert_string_equal(type, "configfs");
	fake->n_mounts++;
	if (r == -EBUSY)
		fake->fs_type = 0x62656570;
	errno = -r;
	return r < 0 ? -1 : 0;
}

static int set_up(void **state)
{
	static struct fake one;

	memset(&one, 0, sizeof(one));
	fake = &one;
	*state = fake;
	strcpy(fake->directory, "/tmp/test-modload-XXXXXX");
	if (!mkdtemp(fake->directory))
		return -1;
	fake->sysfs_fd = open(fake->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fake->has_library = true;
	fake->is_known = true;
	fake->path = "/lib/modules/x/nvmet-rdma.ko";
	return fake->sysfs_fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	char command[128];
	struct fake *f = *state;

	close(f->sysfs_fd);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->directory);
	return system(command); /* NOLINT(cert-env33-c): a directory of ours */
}

static void add(const char *directory, const char *file, const char *text)
{
	char path[256];

	assert_int_equal(fs_mkdir_p(fake->sysfs_fd, directory, 0755), 0);
	if (!file)
		return;
	snprintf(path, sizeof(path), "%s/%s", directory, file);
	assert_int_equal(fs_replace_file(fake->sysfs_fd, path, text, strlen(text), 0644), 0);
}

static void ensure_fails(int code, const char *words)
{
	struct err err = ERR_NULL;

	assert_int_equal(modload_ensure(fake->sysfs_fd, "nvmet-rdma", &err), code);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" is not in: %s", words, err.text);
	assert_null(strchr(err.text, '\n'));
	assert_int_equal(fake->n_open, 0);
}

static void a_loaded_module_is_present_with_either_dash(void **state)
{
	(void)state;
	add("module/nvmet_rdma", "initstate", "live\n");
	assert_true(modload_is_present(fake->sysfs_fd, "nvmet-rdma"));
	assert_true(modload_is_present(fake->sysfs_fd, "nvmet_rdma"));
	assert_false(modload_is_present(fake->sysfs_fd, "nvmet"));
}

static void a_module_that_is_built_in_is_present(void **state)
{
	(void)state;
	add("module/nvmet", NULL, NULL);
	assert_true(modload_is_present(fake->sysfs_fd, "nvmet"));
}

static void a_module_on_its_way_in_or_out_is_not_present(void **state)
{
	(void)state;
	add("module/nvmet", "initstate", "coming\n");
	assert_false(modload_is_present(fake->sysfs_fd, "nvmet"));
	add("module/nvmet", "initstate", "going\n");
	assert_false(modload_is_present(fake->sysfs_fd, "nvmet"));
}

static void a_name_cannot_lead_out_of_the_directory(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	add("module/nvmet", NULL, NULL);
	add("class", NULL, NULL);
	assert_false(modload_is_present(fake->sysfs_fd, "../class"));
	assert_false(modload_is_present(fake->sysfs_fd, ""));
	assert_int_equal(modload_ensure(fake->sysfs_fd, "../class", &err), -EINVAL);
	assert_int_equal(modload_ensure(fake->sysfs_fd, "", &err), -EINVAL);
}

static void what_is_present_is_not_asked_of_libkmod(void **state)
{
	(void)state;
	add("module/nvmet_rdma", "initstate", "live\n");
	fake->has_library = false;
	assert_int_equal(modload_ensure(fake->sysfs_fd, "nvmet-rdma", NULL), 0);
}

static void loads_a_module_with_the_blacklist_respected(void **state)
{
	(void)state;
	assert_int_equal(modload_ensure(fake->sysfs_fd, "nvmet-rdma", NULL), 0);
	assert_string_equal(fake->asked, "nvmet-rdma");
	assert_int_equal(fake->flags, KMOD_PROBE_APPLY_BLACKLIST);
	assert_int_equal(fake->n_open, 0);
}

static void a_module_that_another_one_loaded_meanwhile_is_fine(void **state)
{
	(void)state;
	fake->insert_result = -EEXIST;
	assert_int_equal(modload_ensure(fake->sysfs_fd, "nvmet-rdma", NULL), 0);
}

static void tells_that_a_module_is_not_built_for_this_kernel(void **state)
{
	(void)state;
	fake->is_known = false;
	ensure_fails(-ENOENT, "nvmet-rdma");
}

static void tells_that_a_module_is_listed_but_its_file_is_gone(void **state)
{
	(void)state;
	fake->path = NULL;
	fake->insert_result = -ENOENT;
	ensure_fails(-ENOENT, "nvmet-rdma");
}

static void tells_that_a_module_is_blacklisted(void **state)
{
	(void)state;
	fake->insert_result = KMOD_PROBE_APPLY_BLACKLIST;
	ensure_fails(-EACCES, "nvmet-rdma is blacklisted");
}

static void shows_the_install_line_that_failed(void **state)
{
	(void)state;
	fake->install = "/bin/false";
	fake->insert_result = -EINVAL;
	ensure_fails(-EACCES, "install /bin/false");
}

static void tells_that_the_kernel_does_not_let_us(void **state)
{
	(void)state;
	fake->insert_result = -EPERM;
	ensure_fails(-EPERM, "cannot load nvmet-rdma");
	fake->insert_result = -EKEYREJECTED;
	ensure_fails(-EPERM, "signature");
}

static void a_module_of_another_build_is_not_taken_for_a_missing_one(void **state)
{
	(void)state;
	fake->insert_result = -ENOENT; /* unknown symbol */
	ensure_fails(-ENOEXEC, "does not fit");
	fake->insert_result = -EINVAL; /* symbol of another version */
	ensure_fails(-ENOEXEC, "does not fit");
}

static void hands_on_what_the_module_itself_says(void **state)
{
	(void)state;
	fake->insert_result = -ENODEV;
	ensure_fails(-ENODEV, "No such device");
}

static void tells_that_libkmod_is_not_there_or_not_whole(void **state)
{
	(void)state;
	fake->has_library = false;
	ensure_fails(-ELIBACC, "modprobe nvmet-rdma");
	fake->has_library = true;
	fake->lacks = "kmod_module_get_path";
	ensure_fails(-ELIBACC, "functions are missing");
}

static void a_mounted_configfs_is_left_alone(void **state)
{
	(void)state;
	fake->fs_type = 0x62656570;
	assert_int_equal(modload_mount_configfs("/sys/kernel/config", NULL), 0);
	assert_int_equal(fake->n_mounts, 0);
}

static void mounts_configfs(void **state)
{
	(void)state;
	assert_int_equal(modload_mount_configfs("/sys/kernel/config", NULL), 0);
	assert_int_equal(fake->n_mounts, 1);
	assert_string_equal(fake->asked, "");
}

static void a_mount_that_another_one_made_meanwhile_is_fine(void **state)
{
	(void)state;
	fake->mount_result = -EBUSY;
	assert_int_equal(modload_mount_configfs("/sys/kernel/config", NULL), 0);
}

static void tells_who_may_mount(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	fake->mount_result = -EPERM;
	assert_int_equal(modload_mount_configfs("/sys/kernel/config", &err), -EPERM);
	assert_non_null(strstr(err.text, "root"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
		TEST(a_loaded_module_is_present_with_either_dash),
		TEST(a_module_that_is_built_in_is_present),
		TEST(a_module_on_its_way_in_or_out_is_not_present),
		TEST(a_name_cannot_lead_out_of_the_directory),
		TEST(what_is_present_is_not_asked_of_libkmod),
		TEST(loads_a_module_with_the_blacklist_respected),
		TEST(a_module_that_another_one_loaded_meanwhile_is_fine),
		TEST(tells_that_a_module_is_not_built_for_this_kernel),
		TEST(tells_that_a_module_is_listed_but_its_file_is_gone),
		TEST(tells_that_a_module_is_blacklisted),
		TEST(shows_the_install_line_that_failed),
		TEST(tells_that_the_kernel_does_not_let_us),
		TEST(a_module_of_another_build_is_not_taken_for_a_missing_one),
		TEST(hands_on_what_the_module_itself_says),
		TEST(tells_that_libkmod_is_not_there_or_not_whole),
		TEST(a_mounted_configfs_is_left_alone),
		TEST(mounts_configfs),
		TEST(a_mount_that_another_one_made_meanwhile_is_fine),
		TEST(tells_who_may_mount),
	};

	return cmocka_run_group_tests_name("modload", tests, NULL, NULL);
}
