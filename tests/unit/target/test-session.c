/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "target/conn.h"
#include "target/session.h"

#define REST " 00000000:00000000 00:00000000 00000000     0        0 1172 1 0 100 0 0 10 0\n"
#define LISTENING "   0: 0E2E650A:1144 00000000:0000 0A" REST
/* 10.101.46.14:4420 with two queues of 10.101.46.15 and one of 10.101.46.16 */
#define QUEUE_15A "   1: 0E2E650A:1144 0F2E650A:A7B2 01" REST
#define QUEUE_15B "   2: 0E2E650A:1144 0F2E650A:A7B3 01" REST
#define QUEUE_16 "   3: 0E2E650A:1144 102E650A:A7B2 01" REST
#define QUEUE_15C "   4: 0E2E650A:1144 0F2E650A:A7B4 01" REST
#define ELSEWHERE "   5: 0E2E650A:0016 0F2E650A:A7B2 01" REST
#define HOST_A "nqn.2014-08.org.nvmexpress:uuid:a"
#define HOST_B "nqn.2014-08.org.nvmexpress:uuid:b"
/* also under a sanitizer on a busy machine what is there is seen by then */
#define SOON_MS 1000
#define LONG_MS 20000

/* What the pretended kernel does with a write, in the child that session_cut makes. */
enum reaction {
	REACT_CUT_ALL,
	REACT_CUT_15,
	REACT_NOTHING,
	REACT_HANG,
	REACT_FAIL,
	/* as Linux 6.1: only unlinking from a port cuts */
	REACT_UNLINK,
	REACT_UNLINK_BUSY
};

struct fixture {
	char path[32];
	int fd;
	struct session_source src;
	struct model_object *actual;
	enum reaction reaction;
	struct conn_list rdma;
	int rdma_result;
};

static struct fixture *now;

int __real_fs_write_at(int dirfd, const char *path, const void *value, size_t length);
int __wrap_fs_write_at(int dirfd, const char *path, const void *value, size_t length);
int __wrap_conn_list_rdma(struct conn_list *list, struct err *err);
int __real_symlinkat(const char *target, int dirfd, const char *path);
int __wrap_symlinkat(const char *target, int dirfd, const char *path);

static void put(const char *path, const char *text)
{
	CLEANUP_CLOSE int fd =
		openat(now->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void make_controller(const char *nqn, const char *name, const char *hostnqn,
			    const char *port)
{
	const char *const files[][2] = {
		{ "hostnqn", hostnqn },
		{ "port", port },
		{ "state", "ready\n" },
		{ "kato", "5\n" },
		{ "host_traddr", "10.101.46.15\n" },
	};
	char path[128];
	size_t i;

	snprintf(path, sizeof(path), "debug/nvmet/%s/%s", nqn, name);
	assert_int_equal(fs_mkdir_p(now->fd, path, 0700), 0);
	for (i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "debug/nvmet/%s/%s/%s", nqn, name, files[i][0]);
		put(path, files[i][1]);
	}
}

/* "nvmet/a/ctrl1/state": the directory goes. */
static void remove_controller(const char *path)
{
	const char *const files[] = { "hostnqn", "port", "state", "kato", "host_traddr", "" };
	char file[192];
	size_t i;

	for (i = 0; i < 6; i++) {
		snprintf(file, sizeof(file), "debug/%.*s%s", (int)(strrchr(path, '/') + 1 - path),
			 path, files[i]);
		unlinkat(now->fd, file, *files[i] ? 0 : AT_REMOVEDIR);
	}
}

int __wrap_fs_write_at(int dirfd, const char *path, const void *value, size_t length)
{
	bool is_qid_max = strcmp(path, "subsystems/a/attr_qid_max") == 0;
	const char *expected = is_qid_max ? "128" : "fatal";

	if (dirfd != (is_qid_max ? now->src.nvmet_fd : now->src.debugfs_fd) ||
	    length != strlen(expected) || memcmp(value, expected, length) != 0)
		return -EINVAL;
	if (now->reaction == REACT_HANG) {
		/* not longer than the test: it would keep the reader of its output waiting */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
	}
	if (now->reaction == REACT_FAIL)
		return -EIO;
	if (now->reaction == REACT_NOTHING || now->reaction >= REACT_UNLINK)
		return 0;
	if (!is_qid_max)
		remove_controller(path);
	else if (now->reaction == REACT_CUT_15)
		put("proc/net/tcp", LISTENING QUEUE_16 QUEUE_15C);
	else
		put("proc/net/tcp", LISTENING QUEUE_15C);
	return 0;
}

/* The first try fails, as when the listener's address is not free yet. */
int __wrap_symlinkat(const char *target, int dirfd, const char *path)
{
	if (now->reaction == REACT_UNLINK_BUSY || faccessat(now->fd, "tried", F_OK, 0) < 0) {
		put("tried", "");
		errno = EADDRINUSE;
		return -1;
	}
	put("proc/net/tcp", LISTENING QUEUE_15C);
	return __real_symlinkat(target, dirfd, path);
}

int __wrap_conn_list_rdma(struct conn_list *list, struct err *err)
{
	size_t i;

	(void)err;
	for (i = 0; i < now->rdma.count; i++)
		assert_int_equal(conn_list_add(list, &now->rdma.items[i]), 0);
	return now->rdma_result;
}

static struct model_object *add_port(uint32_t id, const char *trtype, const char *address)
{
	struct model_object *port = model_add_id(now->actual, MODEL_PORT, id);

	assert_int_equal(model_set(port, "addr_trtype", trtype), 0);
	assert_int_equal(model_set(port, "addr_traddr", address), 0);
	assert_int_equal(model_set(port, "addr_trsvcid", "4420"), 0);
	return port;
}

static int open_dir(const char *name)
{
	return openat(now->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){ .path = "/tmp/test-session-XXXXXX",
				    .src = SESSION_SOURCE_NULL,
				    .actual = model_new() };
	now = &fixture;
	assert_non_null(mkdtemp(fixture.path));
	fixture.fd = open(fixture.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(fs_mkdir_p(fixture.fd, "proc/net", 0700), 0);
	assert_int_equal(fs_mkdir_p(fixture.fd, "nvmet/subsystems/a", 0700), 0);
	put("nvmet/subsystems/a/attr_qid_max", "128\n");
	assert_int_equal(fs_mkdir_p(fixture.fd, "nvmet/ports/1/subsystems", 0700), 0);
	assert_int_equal(__real_symlinkat("/", fixture.fd, "nvmet/ports/1/subsystems/a"), 0);
	put("proc/net/tcp", LISTENING QUEUE_15A QUEUE_15B QUEUE_16 ELSEWHERE);
	fixture.src.proc_fd = open_dir("proc");
	fixture.src.nvmet_fd = open_dir("nvmet");
	model_add(fixture.actual, MODEL_SUBSYSTEM, "a");
	model_add(fixture.actual, MODEL_SUBSYSTEM, "b");
	model_link(add_port(1, "tcp", "10.101.46.14"), "a", false);
	*state = &fixture;
	return 0;
}

static int remove_it(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	(void)state;
	model_free(now->actual);
	conn_list_deinit(&now->rdma);
	close(now->src.proc_fd);
	close(now->src.nvmet_fd);
	if (now->src.debugfs_fd >= 0)
		close(now->src.debugfs_fd);
	close(now->fd);
	return nftw(now->path, remove_it, 8, FTW_DEPTH | FTW_PHYS);
}

/* Subsystem a with two controllers of host A, one of host B; b with one of host A. */
static void have_debugfs(void)
{
	make_controller("a", "ctrl1", HOST_A "\n", "1\n");
	make_controller("a", "ctrl3", HOST_A "\n", "1\n");
	make_controller("a", "ctrl2", HOST_B "\n", "1\n");
	make_controller("b", "ctrl4", HOST_A "\n", "1\n");
	assert_int_equal(fs_mkdir_p(now->fd, "debug/nvmet/a/ns1", 0700), 0);
	now->src.debugfs_fd = open_dir("debug");
}

/* --- listing */

static void makes_one_session_of_the_queues_of_a_host(void **state)
{
	CLEANUP_SESSION_LIST struct session_list list = SESSION_LIST_NULL;

	(void)state;
	assert_int_equal(session_list(&now->src, NULL, now->actual, &list, NULL), 0);
	assert_true(list.complete);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].host_address, "10.101.46.15");
	assert_int_equal(list.items[0].n_connections, 2);
	assert_int_equal(list.items[0].port_id, 1);
	assert_string_equal(list.items[0].nqn, "a");
	assert_false(list.items[0].from_debugfs);
	assert_string_equal(list.items[1].host_address, "10.101.46.16");
	assert_int_equal(list.items[1].n_connections, 1);
}

static void does_not_guess_the_subsystem_of_a_shared_listener(void **state)
{
	CLEANUP_SESSION_LIST struct session_list list = SESSION_LIST_NULL;

	(void)state;
	model_link(model_find_id(now->actual, MODEL_PORT, 1), "b", false);
	assert_int_equal(session_list(&now->src, "a", now->actual, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].nqn, "");
}

static void lists_only_listeners_of_the_subsystem(void **state)
{
	CLEANUP_SESSION_LIST struct session_list list = SESSION_LIST_NULL;

	(void)state;
	assert_int_equal(session_list(&now->src, "b", now->actual, &list, NULL), 0);
	assert_int_equal(list.count, 0);
	assert_true(list.complete);
}

static void keeps_the_same_host_apart_on_two_ports(void **state)
{
	CLEANUP_SESSION_LIST struct session_list list = SESSION_LIST_NULL;
	struct conn conn;

	(void)state;
	model_link(add_port(2, "rdma", "10.101.46.14"), "a", false);
	assert_int_equal(conn_addr_parse("10.101.46.14", "4420", &conn.local), 0);
	assert_int_equal(conn_addr_parse("10.101.46.15", "777", &conn.remote), 0);
	assert_int_equal(conn_list_add(&now->rdma, &conn), 0);
	assert_int_equal(session_list(&now->src, "a", now->actual, &list, NULL), 0);
	assert_true(list.complete);
	assert_int_equal(list.count, 3);
	assert_int_equal(list.items[2].port_id, 2);
	assert_string_equal(list.items[2].host_address, "10.101.46.15");
	assert_int_equal(list.items[2].n_connections, 1);
}

static void says_that_a_transport_cannot_be_asked(void **state)
{
	CLEANUP_SESSION_LIST struct session_list list = SESSION_LIST_NULL;
	struct model_object *port = add_port(2, "rdma", "10.101.46.14");

	(void)state;
	now->rdma_result = -EOPNOTSUPP;
	model_link(port, "a", false);
	assert_int_equal(session_list(&now->src, "a", now->actual, &list, NULL), 0);
	assert_false(list.complete);
	assert_int_equal(list.count, 2);
	session_list_deinit(&list);
	now->rdma_result = 0;
	assert_int_equal(session_list(&now->src, "a", now->actual, &list, NULL), 0);
	assert_true(list.complete);
	session_list_deinit(&list);
	model_set(port, "addr_trtype", "loop");
	assert_int_equal(session_list(&now->src, "a", now->actual, &list, NULL), 0);
	assert_false(list.complete);
}

static void lists_controllers_with_their_hosts(void **state)
{
	CLEANUP_SESSION_LIST struct session_list list = SESSION_LIST_NULL;
	const struct session *first;

	(void)state;
	have_debugfs();
	assert_int_equal(session_list(&now->src, NULL, now->actual, &list, NULL), 0);
	assert_int_equal(list.count, 4);
	assert_true(list.complete);
	first = &list.items[0];
	assert_string_equal(first->nqn, "a");
	assert_string_equal(first->hostnqn, HOST_A);
	assert_string_equal(first->host_address, "10.101.46.15");
	assert_string_equal(first->state, "ready");
	assert_int_equal(first->cntlid, 1);
	assert_int_equal(first->port_id, 1);
	assert_true(first->from_debugfs);
	assert_string_equal(list.items[1].hostnqn, HOST_B);
	assert_string_equal(list.items[3].nqn, "b");
	session_list_deinit(&list);
	assert_int_equal(session_list(&now->src, "b", now->actual, &list, NULL), 0);
	assert_int_equal(list.count, 1);
}

static void uses_connections_where_debugfs_is_locked(void **state)
{
	CLEANUP_SESSION_LIST struct session_list list = SESSION_LIST_NULL;

	(void)state;
	have_debugfs();
	/* what cannot be read, for root as well */
	unlinkat(now->fd, "debug/nvmet/a/ctrl2/hostnqn", 0);
	assert_int_equal(mkdirat(now->fd, "debug/nvmet/a/ctrl2/hostnqn", 0700), 0);
	assert_int_equal(session_list(&now->src, "a", now->actual, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	assert_false(list.items[0].from_debugfs);
}

static void tells_that_there_is_no_such_subsystem(void **state)
{
	struct session_list untouched = { .count = 5 };
	struct session_report report = { .n_left = 9 };
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(session_list(&now->src, "c", now->actual, &untouched, &err), -ENOENT);
	assert_int_equal(untouched.count, 5);
	assert_non_null(strstr(err.text, "c"));
	assert_int_equal(session_cut(&now->src, now->actual, "c", NULL, 10, &report, &err),
			 -ENOENT);
	assert_int_equal(report.n_left, 9);
}

static void tells_that_no_connection_table_can_be_read(void **state)
{
	CLEANUP_SESSION_LIST struct session_list list = SESSION_LIST_NULL;

	(void)state;
	unlinkat(now->fd, "proc/net/tcp", 0);
	assert_int_equal(session_list(&now->src, "a", now->actual, &list, NULL), -ENOENT);
}

/* --- cutting */

static int cut(const char *hostnqn, unsigned int deadline_ms, struct session_report *report,
	       struct err *err)
{
	return session_cut(&now->src, now->actual, "a", hostnqn, deadline_ms, report, err);
}

static unsigned int elapsed_ms(const struct timespec *since)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (unsigned int)((at.tv_sec - since->tv_sec) * 1000 +
			      (at.tv_nsec - since->tv_nsec) / 1000000);
}

/* Queue 15C comes after the cut: an allowed host that is back does not count as left. */
static void proves_that_all_connections_went(void **state)
{
	struct session_report report;

	(void)state;
	assert_int_equal(cut(HOST_A, LONG_MS, &report, NULL), 0);
	assert_int_equal(report.n_before, 3);
	assert_int_equal(report.n_cut, 3);
	assert_int_equal(report.n_left, 0);
	assert_false(report.by_debugfs);
	assert_false(report.is_shared);
	assert_true(report.complete);
}

static void does_not_disturb_the_kernel_if_nobody_is_connected(void **state)
{
	struct session_report report;

	(void)state;
	now->reaction = REACT_FAIL;
	put("proc/net/tcp", LISTENING ELSEWHERE);
	assert_int_equal(cut(NULL, LONG_MS, &report, NULL), 0);
	assert_int_equal(report.n_before, 0);
}

static void cuts_also_what_it_cannot_see(void **state)
{
	struct session_report report;

	(void)state;
	model_link(add_port(2, "loop", ""), "a", false);
	put("proc/net/tcp", LISTENING);
	now->reaction = REACT_FAIL;
	assert_int_equal(cut(NULL, LONG_MS, &report, NULL), -EIO);
	now->reaction = REACT_CUT_ALL;
	assert_int_equal(cut(NULL, LONG_MS, &report, NULL), 0);
	assert_false(report.complete);
}

static void tells_what_is_left_at_the_deadline(void **state)
{
	struct session_report report;
	struct err err = ERR_NULL;

	(void)state;
	now->reaction = REACT_CUT_15;
	assert_int_equal(cut(NULL, SOON_MS, &report, &err), -ETIMEDOUT);
	assert_int_equal(report.n_before, 3);
	assert_int_equal(report.n_cut, 2);
	assert_int_equal(report.n_left, 1);
	assert_non_null(strstr(err.text, "1 of 3"));
}

static void does_not_wait_for_those_of_other_subsystems(void **state)
{
	struct session_report report;
	struct timespec start;
	struct err err = ERR_NULL;

	(void)state;
	model_link(model_find_id(now->actual, MODEL_PORT, 1), "b", false);
	now->reaction = REACT_CUT_15;
	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(cut(NULL, LONG_MS, &report, &err), -ETIMEDOUT);
	assert_true(elapsed_ms(&start) < LONG_MS / 2);
	assert_true(report.is_shared);
	assert_true(report.is_unsure);
	assert_int_equal(report.n_left, 1);
	assert_non_null(strstr(err.text, "other subsystems"));
}

static void gives_up_on_a_kernel_that_hangs(void **state)
{
	struct session_report report;
	struct timespec start;
	struct err err = ERR_NULL;

	(void)state;
	now->reaction = REACT_HANG;
	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(cut(NULL, 100, &report, &err), -ETIMEDOUT);
	assert_in_range(elapsed_ms(&start), 99, 10000);
	assert_int_equal(report.n_left, 3);
	assert_non_null(strstr(err.text, "does not come back"));
	assert_false(report.is_unsure);
}

static void passes_on_the_error_of_the_write(void **state)
{
	struct session_report report = { .n_left = 9 };
	struct err err = ERR_NULL;

	(void)state;
	now->reaction = REACT_FAIL;
	assert_int_equal(cut(NULL, LONG_MS, &report, &err), -EIO);
	assert_int_equal(report.n_left, 9);
	assert_non_null(strstr(err.text, "hosts of a"));
}

static void assert_linked(bool is_linked)
{
	char target[64] = "";
	ssize_t length = readlinkat(now->fd, "nvmet/ports/1/subsystems/a", target, 63);

	assert_int_equal(length > 0, is_linked);
	assert_true(!is_linked || strstr(target, "/subsystems/a"));
}

static void links_anew_where_the_number_of_queues_cuts_nobody(void **state)
{
	struct session_report report;

	(void)state;
	now->reaction = REACT_UNLINK;
	assert_int_equal(cut(NULL, LONG_MS, &report, NULL), 0);
	assert_int_equal(report.n_cut, 3);
	assert_linked(true);
}

static void links_anew_where_the_number_of_queues_is_unknown(void **state)
{
	struct session_report report;
	struct err err = ERR_NULL;

	(void)state;
	now->reaction = REACT_UNLINK;
	unlinkat(now->fd, "nvmet/subsystems/a/attr_qid_max", 0);
	assert_int_equal(cut(NULL, LONG_MS, &report, &err), 0);
	assert_int_equal(err.code, 0);
	assert_int_equal(report.n_cut, 3);
	assert_linked(true);
}

static void tells_that_it_could_not_be_linked_again(void **state)
{
	struct session_report report;
	struct err err = ERR_NULL;

	(void)state;
	now->reaction = REACT_UNLINK_BUSY;
	assert_int_equal(cut(NULL, LONG_MS, &report, &err), -EADDRINUSE);
	assert_linked(false);
	assert_non_null(strstr(err.text, "a may be off its ports"));
}

static bool exists(const char *path)
{
	return faccessat(now->fd, path, F_OK, 0) == 0;
}

static void cuts_the_controllers_of_that_host_alone(void **state)
{
	struct session_report report;

	(void)state;
	have_debugfs();
	assert_int_equal(cut(HOST_A, LONG_MS, &report, NULL), 0);
	assert_true(report.by_debugfs);
	assert_int_equal(report.n_before, 2);
	assert_int_equal(report.n_cut, 2);
	assert_false(exists("debug/nvmet/a/ctrl1"));
	assert_false(exists("debug/nvmet/a/ctrl3"));
	assert_true(exists("debug/nvmet/a/ctrl2"));
	assert_true(exists("debug/nvmet/b/ctrl4"));
}

static void cuts_all_controllers_of_the_subsystem(void **state)
{
	struct session_report report;

	(void)state;
	have_debugfs();
	assert_int_equal(cut(NULL, LONG_MS, &report, NULL), 0);
	assert_int_equal(report.n_cut, 3);
	assert_true(exists("debug/nvmet/b/ctrl4"));
}

static void tells_of_controllers_that_stay(void **state)
{
	struct session_report report;
	struct err err = ERR_NULL;

	(void)state;
	have_debugfs();
	now->reaction = REACT_NOTHING;
	assert_int_equal(cut(HOST_A, SOON_MS, &report, &err), -ETIMEDOUT);
	assert_int_equal(report.n_left, 2);
	assert_non_null(strstr(err.text, "2 of 2 controllers"));
}

static void a_host_that_is_not_connected_is_cut(void **state)
{
	struct session_report report;

	(void)state;
	have_debugfs();
	now->reaction = REACT_FAIL;
	assert_int_equal(cut("nqn.nobody", LONG_MS, &report, NULL), 0);
	assert_int_equal(report.n_before, 0);
	assert_true(report.by_debugfs);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(makes_one_session_of_the_queues_of_a_host),
		TEST(does_not_guess_the_subsystem_of_a_shared_listener),
		TEST(lists_only_listeners_of_the_subsystem),
		TEST(keeps_the_same_host_apart_on_two_ports),
		TEST(says_that_a_transport_cannot_be_asked),
		TEST(lists_controllers_with_their_hosts),
		TEST(uses_connections_where_debugfs_is_locked),
		TEST(tells_that_there_is_no_such_subsystem),
		TEST(tells_that_no_connection_table_can_be_read),
		TEST(proves_that_all_connections_went),
		TEST(does_not_disturb_the_kernel_if_nobody_is_connected),
		TEST(cuts_also_what_it_cannot_see),
		TEST(tells_what_is_left_at_the_deadline),
		TEST(does_not_wait_for_those_of_other_subsystems),
		TEST(gives_up_on_a_kernel_that_hangs),
		TEST(passes_on_the_error_of_the_write),
		TEST(links_anew_where_the_number_of_queues_cuts_nobody),
		TEST(links_anew_where_the_number_of_queues_is_unknown),
		TEST(tells_that_it_could_not_be_linked_again),
		TEST(cuts_the_controllers_of_that_host_alone),
		TEST(cuts_all_controllers_of_the_subsystem),
		TEST(tells_of_controllers_that_stay),
		TEST(a_host_that_is_not_connected_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
