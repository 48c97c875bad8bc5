/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/capability.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "target/attr.h"

/* modules.dep of a large distribution has 1 MB. */
#define INDEX_MAX (16u << 20)
#define PORT_MAX 65535
#define OBJECTS_MAX 6

void capability_list_deinit(struct capability_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		free(list->items[i].name);
	free(list->items);
	*list = CAPABILITY_LIST_NULL;
}

const char *capability_kind_name(enum model_kind kind)
{
	switch (kind) {
	case MODEL_ROOT:
		return "target";
	case MODEL_HOST:
		return "host";
	case MODEL_SUBSYSTEM:
		return "subsystem";
	case MODEL_NAMESPACE:
		return "namespace";
	case MODEL_PASSTHRU:
		return "passthru";
	case MODEL_PORT:
		return "port";
	case MODEL_ANA_GROUP:
		return "ANA group";
	case MODEL_REFERRAL:
		return "referral";
	}
	return "?";
}

const char *capability_module_name(enum capability_module state)
{
	switch (state) {
	case CAPABILITY_ABSENT:
		return "absent";
	case CAPABILITY_LOADABLE:
		return "loadable";
	case CAPABILITY_LOADED:
		return "loaded";
	case CAPABILITY_BUILTIN:
		return "builtin";
	}
	return "?";
}

static struct capability *find(const struct capability_list *list, enum model_kind kind,
			       const char *name)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (list->items[i].kind == kind && strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	return NULL;
}

bool capability_has(const struct capability_list *list, enum model_kind kind, const char *name)
{
	const struct capability *found = find(list, kind, name);

	return found && found->is_present;
}

static int add(struct capability_list *list, enum model_kind kind, const char *name, bool is_known,
	       bool is_present)
{
	struct capability *items = realloc(list->items, (list->count + 1) * sizeof(*items));
	char *copy = strdup(name);

	if (items)
		list->items = items;
	if (!items || !copy) {
		free(copy);
		return -ENOMEM;
	}
	items[list->count++] = (struct capability){ kind, copy, is_known, is_present };
	return 0;
}

/* --- modules */

/* "nvmet-tcp" and "nvmet_tcp" are the same. */
static bool is_same_module(const char *a, const char *b, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++) {
		char x = a[i] == '-' ? '_' : a[i];
		char y = b[i] == '-' ? '_' : b[i];

		if (x != y)
			return false;
	}
	return true;
}

/* Has one line of an index "kernel/drivers/.../NAME.ko.xz: ..." that name? */
static bool index_has(int root_fd, const char *release, const char *index, const char *module)
{
	CLEANUP_FREE char *text = NULL;
	size_t length = strlen(module);
	char path[256];
	const char *at;

	snprintf(path, sizeof(path), "lib/modules/%s/%s", release, index);
	if (fs_read_file(root_fd, path, INDEX_MAX, &text, NULL) < 0)
		return false;
	for (at = text; (at = strstr(at, ".ko")); at += 3) {
		const char *name = at - length;

		/* dependencies stand in a line too, but a dependency has a line of its own */
		if (at - text > (ptrdiff_t)length && name[-1] == '/' &&
		    is_same_module(name, module, length))
			return true;
	}
	return false;
}

enum capability_module capability_module_state(int root_fd, const char *release, const char *module)
{
	char path[256];
	char *dash;

	/* only what was loaded has a state; what is built in has at most parameters */
	snprintf(path, sizeof(path), "sys/module/%s/initstate", module);
	while ((dash = strchr(path, '-')))
		*dash = '_';
	if (faccessat(root_fd, path, F_OK, 0) == 0)
		return CAPABILITY_LOADED;
	*strrchr(path, '/') = '\0';
	if (faccessat(root_fd, path, F_OK, 0) == 0)
		return CAPABILITY_BUILTIN;
	if (index_has(root_fd, release, "modules.builtin", module))
		return CAPABILITY_BUILTIN;
	return index_has(root_fd, release, "modules.dep", module) ? CAPABILITY_LOADABLE
								  : CAPABILITY_ABSENT;
}

static void look_at_modules(struct capability_list *list)
{
	static const struct capability_transport all[CAPABILITY_TRANSPORTS] = {
		{ "tcp", "nvmet-tcp", 0 },  { "rdma", "nvmet-rdma", 0 },   { "fc", "nvmet-fc", 0 },
		{ "loop", "nvme-loop", 0 }, { "pci", "nvmet-pci-epf", 0 },
	};
	CLEANUP_CLOSE int root_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct utsname names;
	size_t i;

	if (uname(&names) == 0)
		snprintf(list->release, sizeof(list->release), "%s", names.release);
	for (i = 0; i < CAPABILITY_TRANSPORTS; i++) {
		list->transports[i] = all[i];
		list->transports[i].state =
			capability_module_state(root_fd, list->release, all[i].module);
	}
	list->has_debugfs = faccessat(root_fd, "sys/kernel/debug/nvmet", F_OK, 0) == 0;
}

/* --- temporary objects */

struct probe {
	int nvmet_fd;
	struct capability_list *list;
	char paths[OBJECTS_MAX][128]; /* made, to be removed in reverse */
	size_t n_paths;
	char subsystem[128];
	char port[64];
};

static int try_make(struct probe *probe, const char *path)
{
	if (mkdirat(probe->nvmet_fd, path, 0755) < 0)
		return -errno;
	snprintf(probe->paths[probe->n_paths++], sizeof(probe->paths[0]), "%s", path);
	return 0;
}

static int explain_make(const char *path, int r, struct err *err)
{
	return err_set(err, r, "cannot make /sys/kernel/config/nvmet/%s for a moment: %s%s", path,
		       strerror(-r), r == -EACCES || r == -EPERM ? "; be root" : "");
}

static int make(struct probe *probe, const char *path, struct err *err)
{
	int r = try_make(probe, path);

	return r < 0 ? explain_make(path, r, err) : 0;
}

static int remove_all(const struct probe *probe, struct err *err)
{
	size_t i = probe->n_paths;
	int result = 0;

	while (i-- > 0) {
		const char *path = probe->paths[i];

		if (unlinkat(probe->nvmet_fd, path, AT_REMOVEDIR) < 0 && errno != ENOENT)
			result =
				err_set(err, -errno,
					"cannot remove /sys/kernel/config/nvmet/%s, which was made "
					"to ask the kernel: %s; rmdir it",
					path, strerror(errno));
	}
	return result;
}

/* Ports have numbers; the highest that is free is least likely to be somebody's. */
static int make_port(struct probe *probe, struct err *err)
{
	int id;

	for (id = PORT_MAX; id >= 0; id--) {
		int r;

		snprintf(probe->port, sizeof(probe->port), "ports/%d", id);
		r = try_make(probe, probe->port);
		if (r == 0)
			return 0;
		if (r != -EEXIST)
			return explain_make(probe->port, r, err);
	}
	return err_set(err, -ENOSPC, "no port number is free to ask the kernel with");
}

/* --- reading names */

static int add_unknown(struct probe *probe, enum model_kind kind, int dir_fd, const char *name)
{
	struct stat st;

	if (find(probe->list, kind, name) || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(st.st_mode))
		return 0;
	return add(probe->list, kind, name, false, true);
}

static int read_names(struct probe *probe, enum model_kind kind, const char *path)
{
	CLEANUP_CLOSE int fd = openat(probe->nvmet_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *dir = NULL;
	const struct attr_info *info;
	struct dirent *entry;
	unsigned int i;
	int r = 0;

	/* passthru is there only if the kernel has it */
	if (fd < 0 && errno != ENOENT)
		return -errno;
	for (i = 0; r == 0 && (info = attr_at(kind, i)); i++)
		r = add(probe->list, kind, info->name, true,
			fd >= 0 && faccessat(fd, info->name, F_OK, 0) == 0);
	if (fd < 0 || r < 0)
		return r;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	take_fd(&fd);
	while (r == 0 && (entry = readdir(dir)))
		r = add_unknown(probe, kind, dirfd(dir), entry->d_name);
	return r;
}

static int read_kind(struct probe *probe, enum model_kind kind, const char *path, struct err *err)
{
	int r = read_names(probe, kind, path);

	return r < 0 ? err_set(err, r, "cannot read /sys/kernel/config/nvmet/%s: %s", path,
			       strerror(-r))
		     : 0;
}

/* A port takes tls1.3 only if the kernel was built with it and its keyring is there. */
static bool takes_tls(const struct probe *probe)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/addr_trtype", probe->port);
	if (fs_write_at(probe->nvmet_fd, path, "tcp", 3) < 0)
		return false;
	snprintf(path, sizeof(path), "%s/addr_tsas", probe->port);
	return fs_write_at(probe->nvmet_fd, path, "tls1.3", 6) == 0;
}

static int probe_subsystem(struct probe *probe, struct err *err)
{
	char path[192];
	int r = make(probe, probe->subsystem, err);

	if (r == 0)
		r = read_kind(probe, MODEL_SUBSYSTEM, probe->subsystem, err);
	snprintf(path, sizeof(path), "%s/namespaces/1", probe->subsystem);
	if (r == 0)
		r = make(probe, path, err);
	if (r == 0)
		r = read_kind(probe, MODEL_NAMESPACE, path, err);
	snprintf(path, sizeof(path), "%s/passthru", probe->subsystem);
	if (r == 0)
		r = read_kind(probe, MODEL_PASSTHRU, path, err);
	return r;
}

static int probe_port(struct probe *probe, struct err *err)
{
	char path[96];
	int r = make_port(probe, err);

	if (r == 0)
		r = read_kind(probe, MODEL_PORT, probe->port, err);
	/* group 1 is there already */
	snprintf(path, sizeof(path), "%s/ana_groups/1", probe->port);
	if (r == 0)
		r = read_kind(probe, MODEL_ANA_GROUP, path, err);
	snprintf(path, sizeof(path), "%s/referrals/sunfish-probe", probe->port);
	if (r == 0)
		r = make(probe, path, err);
	if (r == 0)
		r = read_kind(probe, MODEL_REFERRAL, path, err);
	if (r == 0)
		probe->list->has_tls = takes_tls(probe);
	return r;
}

static int probe_all(struct probe *probe, struct err *err)
{
	char host[96];
	int r = read_kind(probe, MODEL_ROOT, ".", err);

	snprintf(host, sizeof(host), "hosts/sunfish-probe-%d", getpid());
	if (r == 0)
		r = make(probe, host, err);
	if (r == 0)
		r = read_kind(probe, MODEL_HOST, host, err);
	if (r == 0)
		r = probe_subsystem(probe, err);
	return r == 0 ? probe_port(probe, err) : r;
}

int capability_probe(int nvmet_fd, struct capability_list *ret, struct err *err)
{
	CLEANUP_CAPABILITY_LIST struct capability_list list = CAPABILITY_LIST_NULL;
	struct probe probe = { .nvmet_fd = nvmet_fd, .list = &list };
	int removed;
	int r;

	snprintf(probe.subsystem, sizeof(probe.subsystem), "subsystems/sunfish-probe-%d", getpid());
	r = probe_all(&probe, err);
	removed = remove_all(&probe, err);
	if (r < 0 || removed < 0)
		return removed < 0 ? removed : r;
	list.has_passthru = capability_has(&list, MODEL_PASSTHRU, "enable");
	list.has_auth = capability_has(&list, MODEL_HOST, "dhchap_key");
	look_at_modules(&list);
	*ret = list;
	list = CAPABILITY_LIST_NULL;
	return 0;
}
