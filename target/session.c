/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/wait.h"
#include "target/conn.h"

#define LOOK_MS 20
/* A listener that others share is given up once nothing changed for so long. */
#define QUIET_MS 1000
/* A kernel that drops controllers at a write of attr_qid_max has begun by then. */
#define BEGIN_MS 500
#define RELINK_TRIES 50
#define PATH_SIZE 320 /* "nvmet/", a directory's name, "/ctrl65535/state" */

void session_list_deinit(struct session_list *list)
{
	free(list->items);
	*list = SESSION_LIST_NULL;
}

static struct session *add(struct session_list *list)
{
	struct session *items = realloc(list->items, (list->count + 1) * sizeof(*items));

	if (!items)
		return NULL;
	list->items = items;
	items += list->count++;
	*items = (struct session){ 0 };
	return items;
}

static int compare(const void *a, const void *b)
{
	const struct session *x = a;
	const struct session *y = b;
	int order = (int)x->port_id - (int)y->port_id;

	if (order == 0)
		order = strcmp(x->host_address, y->host_address);
	if (order == 0)
		order = strcmp(x->nqn, y->nqn);
	return order ? order : (int)x->cntlid - (int)y->cntlid;
}

static int no_subsystem(const char *nqn, struct err *err)
{
	return err_set(err, -ENOENT, "there is no subsystem %s", nqn);
}

/* --- debugfs: one directory for each controller */

static void read_text(int dir_fd, const char *name, char *ret, size_t size)
{
	if (fs_read_at(dir_fd, name, ret, size) < 0)
		*ret = '\0';
}

static int read_controller(int dir_fd, const char *name, struct session *ret)
{
	CLEANUP_CLOSE int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char text[16];
	uint64_t id;
	ssize_t r;

	if (fd < 0)
		return -errno;
	r = fs_read_at(fd, "hostnqn", ret->hostnqn, sizeof(ret->hostnqn));
	if (r < 0)
		return (int)r;
	read_text(fd, "host_traddr", ret->host_address, sizeof(ret->host_address));
	read_text(fd, "state", ret->state, sizeof(ret->state));
	read_text(fd, "port", text, sizeof(text));
	if (str_parse_uint(text, UINT16_MAX, &id) == 0)
		ret->port_id = (uint16_t)id;
	if (str_parse_uint(name + strlen("ctrl"), UINT16_MAX, &id) == 0)
		ret->cntlid = (uint16_t)id;
	ret->from_debugfs = true;
	return 0;
}

static int add_controller(int dir_fd, const char *name, const char *nqn, struct session_list *list)
{
	struct session found = { 0 };
	struct session *session;
	int r = read_controller(dir_fd, name, &found);

	/* it went while we looked */
	if (r == -ENOENT)
		return 0;
	session = r < 0 ? NULL : add(list);
	if (!session)
		return r < 0 ? r : -ENOMEM;
	*session = found;
	snprintf(session->nqn, sizeof(session->nqn), "%s", nqn);
	return 0;
}

static int list_controllers(int debugfs_fd, const char *nqn, struct session_list *list)
{
	CLEANUP_CLOSEDIR DIR *dir = NULL;
	CLEANUP_CLOSE int fd = -1;
	char path[PATH_SIZE];
	struct dirent *entry;
	int r = 0;

	snprintf(path, sizeof(path), "nvmet/%s", nqn);
	fd = openat(debugfs_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	take_fd(&fd);
	while (r == 0 && (entry = readdir(dir)))
		if (strncmp(entry->d_name, "ctrl", 4) == 0)
			r = add_controller(dirfd(dir), entry->d_name, nqn, list);
	return r;
}

/* Returns: 0; -EOPNOTSUPP there is none, or it is locked; -ENOMEM. */
static int list_debugfs(const struct session_source *src, const char *nqn,
			const struct model_object *actual, struct session_list *list)
{
	const struct model_object *subsystem;
	size_t i = 0;
	int r = 0;

	if (src->debugfs_fd < 0 || faccessat(src->debugfs_fd, "nvmet", R_OK | X_OK, 0) < 0)
		return -EOPNOTSUPP;
	while (r == 0 && (subsystem = model_next(actual, MODEL_SUBSYSTEM, &i)))
		if (!nqn || strcmp(nqn, subsystem->name) == 0)
			r = list_controllers(src->debugfs_fd, subsystem->name, list);
	if (r == 0 || r == -ENOMEM)
		return r;
	/* kernel lockdown shows the directories, but not the files */
	session_list_deinit(list);
	return -EOPNOTSUPP;
}

/* --- connections of the listeners */

struct tables {
	struct conn_list tcp;
	struct conn_list rdma;
	bool has_rdma;
};

static void tables_deinit(struct tables *tables)
{
	conn_list_deinit(&tables->tcp);
	conn_list_deinit(&tables->rdma);
}

#define CLEANUP_TABLES __attribute__((cleanup(tables_deinit)))

static int tables_read(const struct session_source *src, struct tables *tables, struct err *err)
{
	int r = conn_list_rdma(&tables->rdma, NULL);

	tables->has_rdma = r == 0;
	if (r == -ENOMEM)
		return err_nomem(err);
	return conn_list_tcp(src->proc_fd, &tables->tcp, err);
}

static const struct conn_list *table_of(const struct tables *tables,
					const struct model_object *port)
{
	const char *trtype = model_text(port, "addr_trtype");

	if (strcmp(trtype, "tcp") == 0)
		return &tables->tcp;
	return strcmp(trtype, "rdma") == 0 && tables->has_rdma ? &tables->rdma : NULL;
}

static int listener_of(const struct model_object *port, struct conn_addr *ret)
{
	return conn_addr_parse(model_text(port, "addr_traddr"), model_text(port, "addr_trsvcid"),
			       ret);
}

/* Does the port serve that subsystem, or any if @nqn is NULL? */
static bool serves(const struct model_object *port, const char *nqn)
{
	return nqn ? model_has_link(port, nqn) : port->n_links > 0;
}

/* Add the connections of a listener. Returns: 0; -EOPNOTSUPP they cannot be seen; -ENOMEM. */
static int collect_port(const struct tables *tables, const struct model_object *port,
			struct conn_list *ret)
{
	const struct conn_list *table = table_of(tables, port);
	struct conn_addr listener;
	size_t i;

	if (!table || listener_of(port, &listener) < 0)
		return -EOPNOTSUPP;
	for (i = 0; i < table->count; i++)
		if (conn_is_at(&table->items[i], &listener) &&
		    conn_list_add(ret, &table->items[i]) < 0)
			return -ENOMEM;
	return 0;
}

static struct session *find_address(struct session_list *list, size_t from, const char *address)
{
	for (; from < list->count; from++)
		if (strcmp(list->items[from].host_address, address) == 0)
			return &list->items[from];
	return NULL;
}

static struct session *add_address(struct session_list *list, const struct model_object *port,
				   const char *address)
{
	struct session *session = add(list);

	if (!session)
		return NULL;
	session->port_id = (uint16_t)model_id(port);
	snprintf(session->host_address, sizeof(session->host_address), "%s", address);
	if (port->n_links == 1)
		snprintf(session->nqn, sizeof(session->nqn), "%s", port->links[0].name);
	return session;
}

/* One session for each address; its connections are counted. */
static int add_port(const struct tables *tables, const struct model_object *port,
		    struct session_list *list)
{
	CLEANUP_CONN_LIST struct conn_list conns = CONN_LIST_NULL;
	int r = collect_port(tables, port, &conns);
	size_t first = list->count;
	size_t i;

	if (r == -EOPNOTSUPP)
		list->complete = false;
	if (r < 0)
		return r == -EOPNOTSUPP ? 0 : r;
	for (i = 0; i < conns.count; i++) {
		struct session *session;
		char address[64];

		conn_addr_format(&conns.items[i].remote, address, sizeof(address));
		session = find_address(list, first, address);
		if (!session)
			session = add_address(list, port, address);
		if (!session)
			return -ENOMEM;
		session->n_connections++;
	}
	return 0;
}

static int list_connections(const struct session_source *src, const char *nqn,
			    const struct model_object *actual, struct session_list *list,
			    struct err *err)
{
	CLEANUP_TABLES struct tables tables = { 0 };
	const struct model_object *port;
	size_t i = 0;
	int r = tables_read(src, &tables, err);

	while (r == 0 && (port = model_next(actual, MODEL_PORT, &i)))
		if (serves(port, nqn) && add_port(&tables, port, list) < 0)
			r = err_nomem(err);
	return r;
}

int session_list(const struct session_source *src, const char *nqn,
		 const struct model_object *actual, struct session_list *ret, struct err *err)
{
	CLEANUP_SESSION_LIST struct session_list list = { .complete = true };
	int r;

	if (nqn && !model_find(actual, MODEL_SUBSYSTEM, nqn))
		return no_subsystem(nqn, err);
	r = list_debugfs(src, nqn, actual, &list);
	if (r == -ENOMEM)
		return err_nomem(err);
	if (r == -EOPNOTSUPP) {
		list.complete = true;
		r = list_connections(src, nqn, actual, &list, err);
	}
	if (r < 0)
		return r;
	if (list.count)
		qsort(list.items, list.count, sizeof(*list.items), compare);
	*ret = list;
	list = SESSION_LIST_NULL;
	return 0;
}

/* --- cutting */

/* What was there before: a controller's directory by its inode, since a later one may get the
 * same id; a connection by both its ends. */
struct victim {
	char path[PATH_SIZE];
	ino_t inode;
};

struct cut {
	const struct session_source *src;
	const struct model_object *actual;
	const char *nqn;
	const char *hostnqn;
	int64_t deadline;
	struct victim *victims;
	size_t n_victims;
	struct conn_list conns;
	struct session_report *report;
};

/* Call @write in a child: the kernel may hang there, with its configuration locked. */
static int in_child(const struct cut *cut, int (*write)(const struct cut *cut), struct err *err)
{
	int status = 0;
	pid_t pid = fork();
	int r;

	if (pid < 0)
		return err_set(err, -errno, "cannot fork: %s", strerror(errno));
	/* neither killed nor hit by ^C: half of a relink leaves the subsystem without its port */
	if (pid == 0) {
		setsid();
		_exit(-write(cut));
	}
	r = wait_child(pid, cut->deadline, &status);
	if (r == -ETIMEDOUT)
		return err_set(err, r,
			       "the kernel does not come back from cutting the hosts of %s; look "
			       "for a drive that hangs with `dmesg | grep blocked`",
			       cut->nqn);
	if (r == 0)
		r = WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
	if (r < 0 && r != -EOPNOTSUPP)
		return err_set(err, r, "cannot cut the hosts of %s: %s", cut->nqn, strerror(-r));
	return r;
}

static int remember_controllers(struct cut *cut, const struct session_list *list)
{
	size_t i;

	cut->victims = calloc(list->count ? list->count : 1, sizeof(*cut->victims));
	if (!cut->victims)
		return -ENOMEM;
	for (i = 0; i < list->count; i++) {
		const struct session *session = &list->items[i];
		struct victim *victim = &cut->victims[cut->n_victims];
		struct stat st;

		if (cut->hostnqn && strcmp(cut->hostnqn, session->hostnqn) != 0)
			continue;
		snprintf(victim->path, sizeof(victim->path), "nvmet/%s/ctrl%u", session->nqn,
			 session->cntlid);
		if (fstatat(cut->src->debugfs_fd, victim->path, &st, 0) < 0)
			continue;
		victim->inode = st.st_ino;
		cut->n_victims++;
	}
	return 0;
}

static bool is_there(const struct cut *cut, const struct victim *victim)
{
	struct stat st;

	return fstatat(cut->src->debugfs_fd, victim->path, &st, 0) == 0 &&
	       st.st_ino == victim->inode;
}

static int kill_controllers(const struct cut *cut)
{
	size_t i;
	int result = 0;

	for (i = 0; i < cut->n_victims; i++) {
		char path[PATH_SIZE + 8];
		int r;

		if (!is_there(cut, &cut->victims[i]))
			continue;
		snprintf(path, sizeof(path), "%s/state", cut->victims[i].path);
		r = fs_write_at(cut->src->debugfs_fd, path, "fatal", strlen("fatal"));
		if (r < 0 && r != -ENOENT)
			result = r;
	}
	return result;
}

static int count_controllers(const struct cut *cut, unsigned int *ret, struct err *err)
{
	unsigned int left = 0;
	size_t i;

	(void)err;
	for (i = 0; i < cut->n_victims; i++)
		left += is_there(cut, &cut->victims[i]);
	*ret = left;
	return 0;
}

/* All connections that may be of the subsystem. */
static int collect(const struct cut *cut, struct conn_list *ret, bool *ret_complete,
		   struct err *err)
{
	CLEANUP_TABLES struct tables tables = { 0 };
	const struct model_object *port;
	size_t i = 0;
	int r = tables_read(cut->src, &tables, err);

	if (r < 0)
		return r;
	while ((port = model_next(cut->actual, MODEL_PORT, &i))) {
		r = serves(port, cut->nqn) ? collect_port(&tables, port, ret) : 0;
		if (r == -ENOMEM)
			return err_nomem(err);
		if (r == -EOPNOTSUPP)
			*ret_complete = false;
	}
	return 0;
}

/* In any order: a connection has no padding. */
static int compare_conns(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct conn));
}

static int count_connections(const struct cut *cut, unsigned int *ret, struct err *err)
{
	CLEANUP_CONN_LIST struct conn_list now = CONN_LIST_NULL;
	unsigned int left = 0;
	bool complete = true;
	size_t i;
	int r = collect(cut, &now, &complete, err);

	if (r < 0)
		return r;
	if (now.count)
		qsort(now.items, now.count, sizeof(*now.items), compare_conns);
	for (i = 0; now.count && i < cut->conns.count; i++)
		left += bsearch(&cut->conns.items[i], now.items, now.count, sizeof(*now.items),
				compare_conns) != NULL;
	*ret = left;
	return 0;
}

/* A new number of queues, also the same as before, makes the kernel drop all controllers. */
static int rewrite_qid_max(const struct cut *cut)
{
	char path[PATH_SIZE];
	char value[16];
	ssize_t length;

	snprintf(path, sizeof(path), "subsystems/%s/attr_qid_max", cut->nqn);
	length = fs_read_at(cut->src->nvmet_fd, path, value, sizeof(value));
	if (length < 0)
		return length == -ENOENT ? -EOPNOTSUPP : (int)length;
	return fs_write_at(cut->src->nvmet_fd, path, value, (size_t)length);
}

static int relink_port(const struct cut *cut, const struct model_object *port)
{
	char target[PATH_SIZE];
	char path[PATH_SIZE];
	unsigned int i;
	int r = 0;

	snprintf(path, sizeof(path), "ports/%s/subsystems/%s", port->name, cut->nqn);
	/* configfs resolves it at once, from the directory of the process */
	snprintf(target, sizeof(target), "/proc/self/fd/%d/subsystems/%s", cut->src->nvmet_fd,
		 cut->nqn);
	if (unlinkat(cut->src->nvmet_fd, path, 0) < 0)
		return -errno;
	for (i = 0; i < RELINK_TRIES; i++) {
		r = symlinkat(target, cut->src->nvmet_fd, path) < 0 ? -errno : 0;
		if (r == 0)
			break;
		wait_sleep(LOOK_MS, wait_deadline(LOOK_MS));
	}
	return r;
}

/* Unlinking drops the subsystem's controllers on that port, on any kernel. */
static int relink(const struct cut *cut)
{
	const struct model_object *port;
	size_t i = 0;
	int result = 0;

	while ((port = model_next(cut->actual, MODEL_PORT, &i))) {
		int r = model_has_link(port, cut->nqn) ? relink_port(cut, port) : 0;

		result = result ? result : r;
	}
	return result;
}

static bool is_shared(const struct cut *cut)
{
	const struct model_object *port;
	size_t i = 0;

	while ((port = model_next(cut->actual, MODEL_PORT, &i)))
		if (model_has_link(port, cut->nqn) && port->n_links > 1)
			return true;
	return false;
}

static int explain_left(const struct cut *cut, struct err *err)
{
	struct session_report *report = cut->report;

	if (report->by_debugfs)
		return err_set(err, -ETIMEDOUT,
			       "%u of %u controllers of %s are still there: their drive may hang; "
			       "unlink the subsystem from its ports to keep the host out",
			       report->n_left, report->n_before, cut->nqn);
	if (report->is_shared) {
		report->is_unsure = true;
		return err_set(err, -ETIMEDOUT,
			       "the kernel dropped the hosts of %s; of the %u connections of its "
			       "listeners %u are gone, %u may be of the other subsystems there: "
			       "this kernel does not tell (it has no debugfs of nvmet)",
			       cut->nqn, report->n_before, report->n_cut, report->n_left);
	}
	return err_set(
		err, -ETIMEDOUT,
		"%u of %u connections to %s are still there: of a host that only asks for "
		"discovery, or of a drive that hangs; unlink the subsystem from its ports to "
		"keep the host out",
		report->n_left, report->n_before, cut->nqn);
}

/* Look until nothing is left. A table of /proc is not read at one moment and may miss a line:
 * so twice. */
static int wait_gone(const struct cut *cut,
		     int (*count)(const struct cut *cut, unsigned int *ret, struct err *err),
		     struct err *err)
{
	struct session_report *report = cut->report;
	int64_t quiet = wait_deadline(QUIET_MS);
	unsigned int zeros = 0;

	for (;;) {
		unsigned int left;
		int r = count(cut, &left, err);

		if (r < 0)
			return r;
		if (left != report->n_left)
			quiet = wait_deadline(QUIET_MS);
		report->n_left = left;
		report->n_cut = report->n_before - left;
		zeros = left ? 0 : zeros + 1;
		if (zeros == 2)
			return 0;
		if (!zeros &&
		    (wait_left(cut->deadline) == 0 || (report->is_shared && wait_left(quiet) == 0)))
			return explain_left(cut, err);
		if (!zeros)
			wait_sleep(LOOK_MS, cut->deadline);
	}
}

static int cut_controllers(struct cut *cut, const struct session_list *list, struct err *err)
{
	int r;

	if (remember_controllers(cut, list) < 0)
		return err_nomem(err);
	cut->report->by_debugfs = true;
	cut->report->complete = true;
	cut->report->n_before = cut->report->n_left = (unsigned int)cut->n_victims;
	if (cut->n_victims == 0)
		return 0;
	r = in_child(cut, kill_controllers, err);
	return r < 0 ? r : wait_gone(cut, count_controllers, err);
}

/* Did the kernel begin to drop connections? */
static bool has_begun(const struct cut *cut)
{
	int64_t patience = wait_deadline(BEGIN_MS);
	unsigned int left = cut->report->n_before;

	while (count_connections(cut, &left, NULL) == 0 && left == cut->report->n_before &&
	       wait_left(patience))
		wait_sleep(LOOK_MS, patience);
	return left < cut->report->n_before || left == 0;
}

static int drop_connections(const struct cut *cut, struct err *err)
{
	int r = in_child(cut, rewrite_qid_max, err);

	/* Linux 6.1 takes the number, but keeps the controllers */
	if (r == -EOPNOTSUPP || (r == 0 && !has_begun(cut))) {
		r = in_child(cut, relink, err);
		if (r < 0 && r != -ETIMEDOUT)
			err_prefix(err,
				   "%s may be off its ports, `nvmet-sunfishctl restore` links it: ",
				   cut->nqn);
	}
	return r;
}

static int cut_all(struct cut *cut, struct err *err)
{
	int r;

	cut->report->complete = true;
	cut->report->is_shared = is_shared(cut);
	r = collect(cut, &cut->conns, &cut->report->complete, err);
	if (r < 0)
		return r;
	cut->report->n_before = cut->report->n_left = (unsigned int)cut->conns.count;
	if (cut->conns.count == 0 && cut->report->complete)
		return 0;
	r = drop_connections(cut, err);
	return r < 0 ? r : wait_gone(cut, count_connections, err);
}

static int cut_hosts(struct cut *cut, struct err *err)
{
	CLEANUP_SESSION_LIST struct session_list list = SESSION_LIST_NULL;
	int r = list_debugfs(cut->src, cut->nqn, cut->actual, &list);

	if (r == -ENOMEM)
		return err_nomem(err);
	return r == 0 ? cut_controllers(cut, &list, err) : cut_all(cut, err);
}

int session_cut(const struct session_source *src, const struct model_object *actual,
		const char *nqn, const char *hostnqn, unsigned int deadline_ms,
		struct session_report *ret, struct err *err)
{
	struct session_report report = { 0 };
	struct cut cut = {
		.src = src,
		.actual = actual,
		.nqn = nqn,
		.hostnqn = hostnqn,
		.deadline = wait_deadline(deadline_ms),
		.report = &report,
	};
	int r;

	if (!model_find(actual, MODEL_SUBSYSTEM, nqn))
		return no_subsystem(nqn, err);
	r = cut_hosts(&cut, err);
	free(cut.victims);
	conn_list_deinit(&cut.conns);
	if (r == 0 || r == -ETIMEDOUT)
		*ret = report;
	return r;
}
