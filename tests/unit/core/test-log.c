/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/log.h"

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);

/* The journal: a socket of ours in its place, and what came there, a field a line. */
static struct sockaddr_un journal_address;
static int journal_fd = -1;
static char journal[65536];

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct msghdr here = *message;

	here.msg_name = &journal_address;
	here.msg_namelen = sizeof(journal_address);
	return __real_sendmsg(fd, &here, flags);
}

static void journal_open(void)
{
	journal_address.sun_family = AF_UNIX;
	snprintf(journal_address.sun_path, sizeof(journal_address.sun_path),
		 "/tmp/test-log-%d.socket", (int)getpid());
	unlink(journal_address.sun_path);
	journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(journal_fd, (struct sockaddr *)&journal_address, sizeof(journal_address)), 0);
}

static void journal_close(void)
{
	close(journal_fd);
	journal_fd = -1;
	unlink(journal_address.sun_path);
}

static void journal_read(void)
{
	size_t used = strlen(journal);
	ssize_t n;

	while ((n = recv(journal_fd, journal + used, sizeof(journal) - 1 - used, 0)) > 0) {
		used += (size_t)n;
		journal[used] = '\0';
	}
}

static char path[64];
static int kept_stderr;
static char printed[8192];

/* Standard error to a file, whose numbers are those of the journal's stream or not. */
static void begin(int is_journal, int level)
{
	char text[64];
	struct stat st;
	int fd;

	strcpy(path, "/tmp/test-log-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	fstat(fd, &st);
	snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino + !is_journal);
	setenv("JOURNAL_STREAM", text, 1);
	kept_stderr = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
	journal[0] = '\0';
	if (is_journal == 1)
		journal_open();
	log_init("testd", level);
}

static void end(void)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (journal_fd >= 0) {
		journal_read();
		journal_close();
	}
	n = read(fd, printed, sizeof(printed) - 1);

	printed[n > 0 ? n : 0] = '\0';
	close(fd);
	dup2(kept_stderr, STDERR_FILENO);
	close(kept_stderr);
	unlink(path);
	unsetenv("JOURNAL_STREAM");
}

static void a_person_reads_lines_with_the_programs_name(void **state)
{
	const struct log_about about = { .nqn = "nqn.a" };

	(void)state;
	begin(0, LOG_INFO);
	log_info("%d exports", 3);
	log_write(LOG_ERR, &about, "%s: no drive", "nqn.a");
	end();
	assert_string_equal(printed, "testd: 3 exports\ntestd: nqn.a: no drive\n");
	assert_string_equal(journal, "");
}

static void what_is_less_important_than_the_level_is_dropped(void **state)
{
	(void)state;
	begin(0, LOG_NOTICE);
	log_error("e");
	log_warning("w");
	log_notice("n");
	log_info("i");
	log_debug("d");
	assert_true(log_wants(LOG_NOTICE));
	assert_false(log_wants(LOG_INFO));
	end();
	assert_string_equal(printed, "testd: e\ntestd: w\ntestd: n\n");
}

static void the_journal_gets_fields(void **state)
{
	const struct log_about about = {
		.node = "blake14",
		.nqn = "n",
		.hostnqn = "h",
		.device = "/dev/nvme1n1",
		.address = "10.0.0.1",
		.intent = "a-9",
	};

	(void)state;
	begin(1, LOG_INFO);
	log_write(LOG_WARNING, &about, "%s", "gone");
	end();
	assert_string_equal(printed, "");
	assert_string_equal(journal, "MESSAGE=gone\nPRIORITY=4\nSYSLOG_IDENTIFIER=testd\n"
				     "SUNFISH_NODE=blake14\nNVME_NQN=n\nNVME_HOSTNQN=h\n"
				     "NVME_DEVICE=/dev/nvme1n1\nNVME_ADDRESS=10.0.0.1\n"
				     "SUNFISH_INTENT=a-9\n");
}

static void fields_that_are_not_known_are_left_out(void **state)
{
	const struct log_about about = { .device = "/dev/nvme1n1" };

	(void)state;
	begin(1, LOG_INFO);
	log_write(LOG_INFO, &about, "a");
	log_info("b");
	end();
	assert_string_equal(journal, "MESSAGE=a\nPRIORITY=6\nSYSLOG_IDENTIFIER=testd\n"
				     "NVME_DEVICE=/dev/nvme1n1\n"
				     "MESSAGE=b\nPRIORITY=6\nSYSLOG_IDENTIFIER=testd\n");
}

static void without_a_journal_it_is_printed(void **state)
{
	(void)state;
	begin(1, LOG_INFO);
	journal_close();
	log_info("a");
	end();
	assert_string_equal(printed, "testd: a\n");
	assert_string_equal(journal, "");
}

static void a_journal_that_stands_still_is_not_waited_for(void **state)
{
	const int64_t start = clock_monotonic_ms();
	unsigned long lost = 0;
	const char *at;
	int i;

	(void)state;
	begin(1, LOG_INFO);
	for (i = 0; i < 5000; i++)
		log_info("m");
	assert_true(clock_monotonic_ms() - start < 10000);
	/* it goes on: what it had is there, and the rest is counted */
	journal_read();
	journal[0] = '\0';
	log_info("again");
	end();
	at = strstr(journal, "MESSAGE=");
	assert_non_null(at);
	assert_int_equal(sscanf(at, "MESSAGE=%lu messages were lost", &lost), 1);
	assert_in_range(lost, 1000, 4999);
	assert_non_null(strstr(journal, "MESSAGE=again\n"));
	assert_string_equal(printed, "");
}

static void a_value_with_line_breaks_has_its_length(void **state)
{
	static const char wanted[] = "MESSAGE\n\3\0\0\0\0\0\0\0a\nb\nPRIORITY=6\n";

	(void)state;
	begin(1, LOG_INFO);
	log_info("a\nb");
	end();
	assert_memory_equal(journal, wanted, sizeof(wanted) - 1);
}

static void a_message_is_one_line_without_control_characters(void **state)
{
	(void)state;
	begin(0, LOG_INFO);
	log_info("a\ntestd: forged\033[2J");
	end();
	assert_string_equal(printed, "testd: a testd: forged?[2J\n");
}

static void a_message_without_end_is_cut(void **state)
{
	char text[5000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	begin(0, LOG_INFO);
	log_info("%s", text);
	end();
	assert_in_range(strlen(printed), 1000, 2100);
	begin(1, LOG_INFO);
	log_info("%s", text);
	end();
	assert_in_range(strlen(journal), 1000, 2200);
}

static void errno_may_be_told_and_is_kept(void **state)
{
	(void)state;
	begin(0, LOG_INFO);
	errno = ENOENT;
	log_info("cannot: %m");
	assert_int_equal(errno, ENOENT);
	end();
	assert_string_equal(printed, "testd: cannot: No such file or directory\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_person_reads_lines_with_the_programs_name),
		cmocka_unit_test(what_is_less_important_than_the_level_is_dropped),
		cmocka_unit_test(the_journal_gets_fields),
		cmocka_unit_test(fields_that_are_not_known_are_left_out),
		cmocka_unit_test(without_a_journal_it_is_printed),
		cmocka_unit_test(a_journal_that_stands_still_is_not_waited_for),
		cmocka_unit_test(a_value_with_line_breaks_has_its_length),
		cmocka_unit_test(a_message_is_one_line_without_control_characters),
		cmocka_unit_test(a_message_without_end_is_cut),
		cmocka_unit_test(errno_may_be_told_and_is_kept),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
