/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "target/apply.h"
#include "target/cfs.h"

#define HOST "nqn.2014-08.org.example:host"

int __real_mkdirat(int fd, const char *path, mode_t mode);
int __wrap_mkdirat(int fd, const char *path, mode_t mode);
int __real_unlinkat(int fd, const char *path, int flags);
int __wrap_unlinkat(int fd, const char *path, int flags);
int __wrap_fs_write_at(int fd, const char *path, const void *value, size_t length);

/* --- a directory that behaves as nvmet does: objects come and go with their attributes */

static const char *const subsystem_dirs[] = { "namespaces", "allowed_hosts", NULL };
static const char *const port_dirs[] = { "subsystems", "referrals", "ana_groups", NULL };
static const char *const no_dirs[] = { NULL };
static const char *const host_files[] = { "dhchap_key", "dhchap_ctrl_key", NULL };
static const char *const subsystem_files[] = { "attr_serial", "attr_allow_any_host", NULL };
static const char *const namespace_files[] = { "device_path", "enable", NULL };
static const char *const port_files[] = { "addr_trtype", "addr_traddr", "addr_trsvcid", NULL };

static const struct kind {
	const char *parent; /* the last directory before the name */
	const char *const *dirs;
	const char *const *files;
} kinds[] = {
	{ "hosts", no_dirs, host_files },
	{ "namespaces", no_dirs, namespace_files },
	{ "ports", port_dirs, port_files },
	{ "subsystems", subsystem_dirs, subsystem_files },
};

static const struct kind *kind_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t i;

	for (i = 0; slash && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t length = strlen(kinds[i].parent);

		if ((size_t)(slash - path) >= length &&
		    memcmp(slash - length, kinds[i].parent, length) == 0)
			return &kinds[i];
	}
	return NULL;
}

static const char *default_of(const char *file)
{
	if (strcmp(file, "enable") == 0 || strcmp(file, "attr_allow_any_host") == 0)
		return "0";
	return strcmp(file, "device_path") == 0 ? "(null)" : "";
}

static void put_file(int fd, const char *path, const char *text, size_t length)
{
	CLEANUP_CLOSE int file = openat(fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(file >= 0);
	assert_int_equal(write(file, text, length), length);
}

/* A name that tree_of does not show: what the kernel does at once is made or taken apart there. */
static const char *hidden(char name[64])
{
	static unsigned int n;

	snprintf(name, 64, ".%d-%u", (int)getpid(), n++);
	return name;
}

int __wrap_mkdirat(int fd, const char *path, mode_t mode)
{
	const struct kind *kind = kind_of(path);
	char place[64];
	char name[512];
	size_t i;

	if (__real_mkdirat(fd, hidden(place), mode) < 0)
		return -1;
	for (i = 0; kind && kind->dirs[i]; i++) {
		snprintf(name, sizeof(name), "%s/%s", place, kind->dirs[i]);
		__real_mkdirat(fd, name, 0755);
	}
	for (i = 0; kind && kind->files[i]; i++) {
		snprintf(name, sizeof(name), "%s/%s", place, kind->files[i]);
		put_file(fd, name, default_of(kind->files[i]), strlen(default_of(kind->files[i])));
	}
	return renameat2(fd, place, fd, path, RENAME_NOREPLACE);
}

static bool is_empty(int fd, const char *path, const char *dir)
{
	struct dirent **entries = NULL;
	char name[512];
	int n;
	int i;

	snprintf(name, sizeof(name), "%s/%s", path, dir);
	n = scandirat(fd, name, &entries, NULL, NULL);
	for (i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return n <= 2;
}

int __wrap_unlinkat(int fd, const char *path, int flags)
{
	const struct kind *kind = flags & AT_REMOVEDIR ? kind_of(path) : NULL;
	char place[64];
	char name[512];
	size_t i;

	if (!kind)
		return __real_unlinkat(fd, path, flags);
	for (i = 0; kind->dirs[i]; i++) {
		if (is_empty(fd, path, kind->dirs[i]))
			continue;
		errno = ENOTEMPTY;
		return -1;
	}
	if (renameat(fd, path, fd, hidden(place)) < 0)
		return -1;
	for (i = 0; kind->dirs[i]; i++) {
		snprintf(name, sizeof(name), "%s/%s", place, kind->dirs[i]);
		__real_unlinkat(fd, name, AT_REMOVEDIR);
	}
	for (i = 0; kind->files[i]; i++) {
		snprintf(name, sizeof(name), "%s/%s", place, kind->files[i]);
		__real_unlinkat(fd, name, 0);
	}
	return __real_unlinkat(fd, place, AT_REMOVEDIR);
}

/* What a write does beside writing; before a fork, so that children know it. */
static struct {
	const char *refused; /* value that no attribute takes */
	const char *asks_to_end;
	bool ignores_enable;
} kernel;

static bool is_on(int fd, const char *path)
{
	char enable[512];
	char value[8];

	snprintf(enable, sizeof(enable), "%.*s/enable", (int)(strrchr(path, '/') - path), path);
	return fs_read_at(fd, enable, value, sizeof(value)) > 0 && value[0] == '1';
}

int __wrap_fs_write_at(int fd, const char *path, const void *value, size_t length)
{
	struct stat st;

	if (fstatat(fd, path, &st, 0) < 0)
		return -errno;
	if (kernel.refused && length == strlen(kernel.refused) &&
	    memcmp(value, kernel.refused, length) == 0)
		return -EINVAL;
	if (strstr(path, "device_path") && is_on(fd, path))
		return -EBUSY;
	if (kernel.ignores_enable && strstr(path, "enable"))
		return 0;
	if (kernel.asks_to_end && strstr(path, kernel.asks_to_end)) {
		kill(getppid(), SIGTERM);
		usleep(200000);
	}
	put_file(fd, path, value, *(const char *)value ? length : 0);
	return 0;
}

/* --- one test's place */

struct place {
	char path[64];
	char store[96];
	struct apply_env env;
	struct plan plan;
	struct err err;
	struct str traced;
};

static int open_below(const struct place *place, const char *name)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", place->path, name);
	assert_int_equal(mkdir(path, 0755), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void on_trace(void *data, const struct plan_action *act, bool is_undo)
{
	struct place *place = data;

	str_addf(&place->traced, "%s%s\n", is_undo ? "undo " : "", act->path);
}

static int set_up(void **state)
{
	static const char *const dirs[] = { "hosts", "subsystems", "ports" };
	struct place *place = calloc(1, sizeof(*place));
	size_t i;

	memset(&kernel, 0, sizeof(kernel));
	snprintf(place->path, sizeof(place->path), "/tmp/test-apply-XXXXXX");
	assert_non_null(mkdtemp(place->path));
	snprintf(place->store, sizeof(place->store), "%s/blake14.conf", place->path);
	place->env = (struct apply_env){
		.nvmet_fd = open_below(place, "nvmet"),
		.run_fd = open_below(place, "run"),
		.lock_fd = -1,
		.hang_seconds = 20,
		.n_workers = 3,
		.trace = on_trace,
		.trace_data = place,
	};
	for (i = 0; i < 3; i++)
		mkdirat(place->env.nvmet_fd, dirs[i], 0755);
	*state = place;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct place *place = *state;

	close(place->env.nvmet_fd);
	close(place->env.run_fd);
	plan_deinit(&place->plan);
	str_deinit(&place->traced);
	nftw(place->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(place);
	return 0;
}

static void add_tree(int dirfd, const char *path, struct str *text)
{
	struct dirent **entries = NULL;
	int n = scandirat(dirfd, path, &entries, NULL, alphasort);
	int i;

	assert_true(n >= 0);
	for (i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		char below[1024];
		char value[FS_ATTR_MAX];

		snprintf(below, sizeof(below), "%s/%s", path, name);
		if (name[0] != '.') {
			str_addf(text, "%s", below);
			if (entries[i]->d_type == DT_REG &&
			    fs_read_at(dirfd, below, value, sizeof(value)) >= 0)
				str_addf(text, " = %s", value);
			str_add(text, "\n");
			if (entries[i]->d_type == DT_DIR)
				add_tree(dirfd, below, text);
		}
		free(entries[i]);
	}
	free(entries);
}

static char *tree_of(const struct place *place)
{
	struct str text CLEANUP_STR = STR_NULL;

	add_tree(place->env.nvmet_fd, ".", &text);
	return str_take(&text);
}

static void assert_tree(const struct place *place, const char *expected)
{
	char *now CLEANUP_FREE = tree_of(place);

	assert_string_equal(now, expected);
}

static void assert_no_journal(const struct place *place)
{
	assert_int_equal(faccessat(place->env.run_fd, "journal", F_OK, 0), -1);
	assert_int_equal(faccessat(place->env.run_fd, "journal.new", F_OK, 0), -1);
}

/* --- plans */

static void want_export(struct model_object *wanted, const char *nqn, const char *port)
{
	struct model_object *host = model_add(wanted, MODEL_HOST, HOST);
	struct model_object *s = model_add(wanted, MODEL_SUBSYSTEM, nqn);
	struct model_object *ns = model_add_id(s, MODEL_NAMESPACE, 1);
	struct model_object *p = model_add(wanted, MODEL_PORT, port);

	model_set_secret(host, "dhchap_key", "DHHC-1:00:a:");
	model_link(s, HOST, false);
	model_set(ns, "device_path", "/dev/nvme1n1");
	model_set(ns, "enable", "1");
	model_set(p, "addr_trtype", "tcp");
	model_set(p, "addr_traddr", "10.0.0.1");
	model_link(p, nqn, false);
}

static void plan_for(struct place *place, const struct model_object *wanted)
{
	struct model_object *actual CLEANUP_MODEL = NULL;

	assert_int_equal(cfs_read(place->env.nvmet_fd, &actual, NULL), 0);
	plan_deinit(&place->plan);
	if (plan_make(wanted, actual, 0, &place->plan, &place->err) < 0)
		fail_msg("%s", place->err.text);
}

static void plan_create(struct place *place)
{
	struct model_object *wanted CLEANUP_MODEL = model_new();

	want_export(wanted, "blake14", "1");
	plan_for(place, wanted);
	assert_int_equal(place->plan.n_steps, 14);
}

static int run(struct place *place, const char *fault, const char *text)
{
	struct apply_store store = { place->store, text };
	struct apply_result result;

	place->env.fault = fault;
	place->err = ERR_NULL;
	return apply_run(&place->env, &place->plan, &store, 1, &result, &place->err);
}

/* Three exports on one port, each with a namespace, then the plan to remove them all. */
static void plan_delete(struct place *place)
{
	static const char *const nqns[] = { "blake14", "blake15", "blake16" };
	struct model_object *wanted CLEANUP_MODEL = model_new();
	struct model_object *actual CLEANUP_MODEL = NULL;
	struct model_object *gone CLEANUP_MODEL = model_new();
	size_t i;

	for (i = 0; i < 3; i++)
		want_export(wanted, nqns[i], "1");
	plan_for(place, wanted);
	assert_int_equal(run(place, NULL, "stored\n"), 0);
	assert_int_equal(cfs_read(place->env.nvmet_fd, &actual, NULL), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(plan_remove_subsystem(gone, actual, nqns[i]), 0);
	plan_for(place, gone);
	str_deinit(&place->traced);
	place->traced = STR_NULL;
}

static bool is_stored(const struct place *place)
{
	return access(place->store, F_OK) == 0;
}

/* --- done */

static void what_was_done_needs_no_second_time(void **state)
{
	struct model_object *wanted CLEANUP_MODEL = model_new();
	struct place *place = *state;
	struct stat st;

	plan_create(place);
	assert_int_equal(run(place, NULL, "stored\n"), 0);
	want_export(wanted, "blake14", "1");
	plan_for(place, wanted);
	assert_int_equal(place->plan.n_steps, 0);
	assert_no_journal(place);
	assert_int_equal(stat(place->store, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(fstatat(place->env.nvmet_fd, "hosts/" HOST "/dhchap_key", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void lanes_remove_everything_and_the_stored_export(void **state)
{
	char *empty CLEANUP_FREE = NULL;
	struct place *place = *state;

	empty = tree_of(place);
	plan_delete(place);
	assert_true(is_stored(place));
	assert_int_equal(run(place, NULL, NULL), 0);
	assert_tree(place, empty);
	assert_false(is_stored(place));
}

static void steps_of_children_are_traced_too(void **state)
{
	struct place *place = *state;
	size_t lines = 0;
	const char *c;

	plan_create(place);
	assert_int_equal(run(place, NULL, "stored\n"), 0);
	for (c = str_get(&place->traced); *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, place->plan.n_steps);
	assert_non_null(strstr(str_get(&place->traced), "ports/1/subsystems/blake14\n"));
}

/* --- failed */

static void fail_everywhere(struct place *place, const char *text)
{
	char *before CLEANUP_FREE = tree_of(place);
	bool stored = is_stored(place);
	char fault[32];
	size_t n;

	for (n = 0; n < place->plan.n_steps; n++) {
		snprintf(fault, sizeof(fault), "fail:%zu", n);
		assert_int_equal(run(place, fault, text), -EIO);
		assert_true(place->err.text[0]);
		assert_tree(place, before);
		assert_int_equal(is_stored(place), stored);
		assert_no_journal(place);
	}
}

static void a_create_that_fails_at_any_step_is_undone(void **state)
{
	plan_create(*state);
	fail_everywhere(*state, "stored\n");
}

static void a_delete_that_fails_at_any_step_is_undone(void **state)
{
	plan_delete(*state);
	fail_everywhere(*state, NULL);
}

static void an_enable_without_effect_is_a_failure(void **state)
{
	char *before CLEANUP_FREE = NULL;
	struct place *place = *state;

	before = tree_of(place);
	plan_create(place);
	kernel.ignores_enable = true;
	assert_int_equal(run(place, NULL, "stored\n"), -EIO);
	assert_non_null(strstr(place->err.text, "left it as it was"));
	assert_tree(place, before);
}

static void what_cannot_be_put_back_is_told_with_the_cause(void **state)
{
	struct place *place = *state;

	plan_delete(place);
	kernel.refused = "/dev/nvme1n1";
	assert_int_equal(run(place, "fail:13", NULL), -EIO);
	assert_non_null(strstr(place->err.text, "; and namespace 1 of "));
	assert_non_null(strstr(place->err.text, "could not be put back"));
	assert_no_journal(place);
}

/* --- killed */

static void kill_and_recover(struct place *place, size_t n, const char *text)
{
	struct str told CLEANUP_STR = STR_NULL;
	char fault[32];
	int status;
	pid_t pid = fork();

	snprintf(fault, sizeof(fault), "kill:%zu", n);
	if (pid == 0) {
		run(place, fault, text);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	place->env.fault = NULL;
	if (apply_recover(&place->env, &told, &place->err) != 1)
		fail_msg("killed at %zu: %s", n, place->err.text);
	assert_true(told.length > 0);
	assert_no_journal(place);
}

static void kill_everywhere(struct place *place, const char *text)
{
	char *before CLEANUP_FREE = tree_of(place);
	bool stored = is_stored(place);
	size_t n;

	for (n = 0; n <= place->plan.n_steps; n++) {
		kill_and_recover(place, n, text);
		assert_tree(place, before);
		assert_int_equal(is_stored(place), stored);
	}
	kill_and_recover(place, n, text);
	assert_string_not_equal(before, "");
	assert_int_equal(is_stored(place), text != NULL);
}

static void a_create_that_is_killed_at_any_step_is_undone_or_finished(void **state)
{
	struct place *place = *state;

	plan_create(place);
	kill_everywhere(place, "stored\n");
	assert_int_equal(faccessat(place->env.nvmet_fd, "ports/1/subsystems/blake14", F_OK,
				   AT_SYMLINK_NOFOLLOW),
			 0);
}

static void a_delete_that_is_killed_at_any_step_is_undone_or_finished(void **state)
{
	struct place *place = *state;

	plan_delete(place);
	kill_everywhere(place, NULL);
	assert_int_equal(faccessat(place->env.nvmet_fd, "subsystems/blake14", F_OK, 0), -1);
}

static void nothing_left_needs_no_recovery(void **state)
{
	struct str told CLEANUP_STR = STR_NULL;
	struct place *place = *state;

	assert_int_equal(apply_recover(&place->env, &told, &place->err), 0);
	assert_int_equal(told.length, 0);
}

static void recovery_waits_for_children_of_the_dead(void **state)
{
	struct str told CLEANUP_STR = STR_NULL;
	struct place *place = *state;
	CLEANUP_CLOSE int fd = -1;
	pid_t pid;

	plan_create(place);
	pid = fork();
	if (pid == 0) {
		run(place, "kill:3", NULL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	fd = openat(place->env.run_fd, "journal", O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	place->env.fault = NULL;
	place->env.hang_seconds = 0;
	assert_int_equal(apply_recover(&place->env, &told, &place->err), -ETIMEDOUT);
	assert_non_null(strstr(place->err.text, "still in the kernel"));
	flock(fd, LOCK_UN);
	place->env.hang_seconds = 5;
	assert_int_equal(apply_recover(&place->env, &told, &place->err), 1);
}

static void a_damaged_journal_is_told_even_to_nobody(void **state)
{
	struct str told CLEANUP_STR = STR_NULL;
	struct place *place = *state;

	put_file(place->env.run_fd, "journal", "nonsense", 8);
	assert_int_equal(apply_recover(&place->env, &told, NULL), -EBADMSG);
}

/* --- hanging */

static void hang_at(struct place *place, size_t n)
{
	struct apply_store store = { place->store, "stored\n" };
	struct apply_result result = { 0 };
	char fault[32];
	time_t from = time(NULL);

	snprintf(fault, sizeof(fault), "hang:%zu", n);
	place->env.fault = fault;
	place->env.hang_seconds = 1;
	assert_int_equal(apply_run(&place->env, &place->plan, &store, 1, &result, &place->err),
			 -ETIMEDOUT);
	assert_true(time(NULL) - from <= 4);
	assert_true(result.hung);
	assert_int_equal(result.n_done, n);
	assert_non_null(strstr(place->err.text, "has not come back"));
	assert_false(is_stored(place));
	assert_no_journal(place);
}

static void a_step_that_hangs_is_reported_and_left(void **state)
{
	struct place *place = *state;

	plan_create(place);
	hang_at(place, 8);
	assert_int_equal(faccessat(place->env.nvmet_fd, "subsystems/blake14", F_OK, 0), 0);
	assert_int_equal(faccessat(place->env.nvmet_fd, "ports/1", F_OK, 0), -1);
}

static void a_first_step_that_hangs_leaves_all_as_it_was(void **state)
{
	char *before CLEANUP_FREE = NULL;
	struct place *place = *state;

	before = tree_of(place);
	plan_create(place);
	hang_at(place, 0);
	assert_tree(place, before);
}

/* --- asked to end */

static void trace_and_ask_to_end(void *data, const struct plan_action *act, bool is_undo)
{
	on_trace(data, act, is_undo);
	if (!is_undo && strstr(act->path, "device_path"))
		raise(SIGTERM);
}

static void a_signal_midway_undoes(void **state)
{
	char *before CLEANUP_FREE = NULL;
	struct place *place = *state;

	before = tree_of(place);
	plan_create(place);
	place->env.trace = trace_and_ask_to_end;
	assert_int_equal(run(place, NULL, "stored\n"), -EINTR);
	assert_tree(place, before);
	assert_false(is_stored(place));
}

static void a_signal_while_a_child_works_undoes(void **state)
{
	char *before CLEANUP_FREE = NULL;
	struct place *place = *state;

	before = tree_of(place);
	plan_create(place);
	kernel.asks_to_end = "namespaces/1/enable";
	place->env.n_workers = 1;
	assert_int_equal(run(place, NULL, "stored\n"), -EINTR);
	assert_tree(place, before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_was_done_needs_no_second_time),
		TEST(lanes_remove_everything_and_the_stored_export),
		TEST(steps_of_children_are_traced_too),
		TEST(a_create_that_fails_at_any_step_is_undone),
		TEST(a_delete_that_fails_at_any_step_is_undone),
		TEST(an_enable_without_effect_is_a_failure),
		TEST(what_cannot_be_put_back_is_told_with_the_cause),
		TEST(a_create_that_is_killed_at_any_step_is_undone_or_finished),
		TEST(a_delete_that_is_killed_at_any_step_is_undone_or_finished),
		TEST(nothing_left_needs_no_recovery),
		TEST(recovery_waits_for_children_of_the_dead),
		TEST(a_damaged_journal_is_told_even_to_nobody),
		TEST(a_step_that_hangs_is_reported_and_left),
		TEST(a_first_step_that_hangs_leaves_all_as_it_was),
		TEST(a_signal_midway_undoes),
		TEST(a_signal_while_a_child_works_undoes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
