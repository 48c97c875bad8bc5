/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/log.h"

int __wrap_sd_journal_sendv(const struct iovec *iov, int n);

/* What came to the journal: a field a line. */
static char journal[8192];
static int journal_result;

int __wrap_sd_journal_sendv(const struct iovec *iov, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		const size_t used = strlen(journal);

		snprintf(journal + used, sizeof(journal) - used, "%.*s\n", (int)iov[i].iov_len,
			 (const char *)iov[i].iov_base);
	}
	return journal_result;
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
	log_init("testd", level);
}

static void end(void)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, printed, sizeof(printed) - 1);

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

static void what_the_journal_does_not_take_is_printed(void **state)
{
	(void)state;
	begin(1, LOG_INFO);
	journal_result = -ENOENT;
	log_info("a");
	journal_result = 0;
	end();
	assert_string_equal(printed, "testd: a\n");
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
		cmocka_unit_test(what_the_journal_does_not_take_is_printed),
		cmocka_unit_test(a_message_is_one_line_without_control_characters),
		cmocka_unit_test(a_message_without_end_is_cut),
		cmocka_unit_test(errno_may_be_told_and_is_kept),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
