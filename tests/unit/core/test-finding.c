/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/js.h"
#include "core/finding.h"

static char said[1024];

/* What is printed goes to `said`. */
static int tell(const struct findings *findings, struct cli *cli, struct err *err)
{
	int file = memfd_create("said", MFD_CLOEXEC);
	int saved = dup(STDOUT_FILENO);
	ssize_t n;
	int r;

	assert_true(file >= 0 && saved >= 0);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	r = findings_tell(findings, cli, err);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	n = pread(file, said, sizeof(said) - 1, 0);
	assert_true(n >= 0);
	said[n] = '\0';
	close(file);
	close(saved);
	return r;
}

static void failures_are_counted_and_told_with_cause_and_cure(void **state)
{
	CLEANUP_FINDINGS struct findings findings = FINDINGS_NULL;
	struct err err = ERR_NULL;
	struct cli cli = { 0 };

	(void)state;
	findings_add(&findings, FINDING_FAIL, "port 1", "plug it in", "link %s is down", "eth0");
	findings_add(&findings, FINDING_FAIL, "", "", "nothing\033[2J works");
	findings_add(&findings, FINDING_OK, "nvmet", "", "is loaded");
	assert_int_equal(findings.worst, FINDING_FAIL);
	assert_int_equal(tell(&findings, &cli, &err), -EIO);
	assert_string_equal(err.text, "2 problems found");
	assert_string_equal(said, "FAIL  port 1: link eth0 is down; plug it in\n"
				  "FAIL  nothing?[2J works\n");
}

static void what_is_fine_is_told_to_those_who_want_more(void **state)
{
	CLEANUP_FINDINGS struct findings findings = FINDINGS_NULL;
	struct err err = ERR_NULL;
	struct cli cli = { 0 };

	(void)state;
	findings_add(&findings, FINDING_OK, "nvmet", "", "is loaded");
	assert_int_equal(tell(&findings, &cli, &err), 0);
	assert_string_equal(said, "no problem found\n");
	cli.verbose = true;
	assert_int_equal(tell(&findings, &cli, &err), 0);
	assert_string_equal(said, "ok    nvmet: is loaded\nno problem found\n");
	findings_add(&findings, FINDING_WARN, "nvmet", "", "is old");
	assert_int_equal(tell(&findings, &cli, &err), 0);
	assert_null(strstr(said, "no problem found"));
}

static void programs_get_all_of_them(void **state)
{
	CLEANUP_FINDINGS struct findings findings = FINDINGS_NULL;
	CLEANUP_JS struct js *result = js_object();
	struct err err = ERR_NULL;
	struct cli cli = { .json = true, .result = result };
	const struct js *first;

	(void)state;
	findings_add(&findings, FINDING_OK, "nvmet", "", "is loaded");
	findings_add(&findings, FINDING_NOTE, "host", "look", "is new");
	assert_int_equal(tell(&findings, &cli, &err), 0);
	assert_string_equal(said, "");
	assert_string_equal(js_text(js_get(result, "worst")), "note");
	assert_int_equal(js_length(js_get(result, "findings")), 2);
	first = js_at(js_get(result, "findings"), 0);
	assert_string_equal(js_text(js_get(first, "level")), "ok");
	assert_null(js_text(js_get(first, "cure")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_are_counted_and_told_with_cause_and_cure),
		cmocka_unit_test(what_is_fine_is_told_to_those_who_want_more),
		cmocka_unit_test(programs_get_all_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
