/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nvmf/nqn.h"

static void assert_refused(const char *text, const char *because)
{
	struct err err = ERR_NULL;

	assert_int_equal(nqn_check(text, &err), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	if (!strstr(err.text, because))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, because);
}

static void accepts_what_the_specification_and_others_use(void **state)
{
	static const char *const names[] = {
		"blake14",
		"scratch.a_b-c",
		"nqnfoo",
		"nqn.2014-08.com.example:nvme:nvm-subsystem-sn-d78432",
		"nqn.2014-08.org.nvmexpress:uuid:7f0c9f6e-2c1b-4c55-9a83-0a5f3a0e1d14",
		"nqn.2014-08.org.nvmexpress:NVMf:uuid:7f0c9f6e",
		"nqn.2026-01.org.example",
		"nqn.2026-12.org.ex-ample.2:a:b",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct err err = ERR_NULL;

		if (nqn_check(names[i], &err) != 0)
			fail_msg("%s: %s", names[i], err.text);
		assert_int_equal(nqn_check_host(names[i], NULL), 0);
	}
}

static void refuses_what_cannot_be_a_directory(void **state)
{
	(void)state;
	assert_refused("", "is empty");
	assert_refused(".", "is no name");
	assert_refused("..", "is no name");
	assert_refused("a/b", "cannot have a \"/\"");
	assert_refused("../hosts", "cannot have a \"/\"");
}

static void refuses_blanks_and_what_is_not_printable(void **state)
{
	(void)state;
	assert_refused("a b", "character 2");
	assert_refused("ab\n", "character 3");
	assert_refused("\xc3\xab", "character 1");
	assert_refused("a\x7f", "character 2");
}

static void accepts_223_characters_and_no_more(void **state)
{
	char name[NQN_MAX + 2];
	struct err err = ERR_NULL;

	(void)state;
	memset(name, 'x', sizeof(name));
	name[NQN_MAX] = '\0';
	assert_int_equal(nqn_check(name, NULL), 0);
	name[NQN_MAX] = 'x';
	name[NQN_MAX + 1] = '\0';
	assert_int_equal(nqn_check(name, &err), -ENAMETOOLONG);
	assert_non_null(strstr(err.text, "at most 223 characters, this one has 224"));
}

static void refuses_a_qualified_name_without_a_date(void **state)
{
	(void)state;
	assert_refused("nqn.", "year and month");
	assert_refused("nqn.2", "year and month");
	assert_refused("nqn.2026", "year and month");
	assert_refused("nqn.2026-01", "year and month");
	assert_refused("nqn.2026-00.org.example", "year and month");
	assert_refused("nqn.2026-13.org.example", "year and month");
	assert_refused("nqn.2026.01.org.example", "year and month");
	assert_refused("nqn.org.example:x", "year and month");
}

static void refuses_a_qualified_name_without_a_domain(void **state)
{
	(void)state;
	assert_refused("nqn.2026-01.", "domain name in reverse");
	assert_refused("nqn.2026-01.:x", "domain name in reverse");
	assert_refused("nqn.2026-01.org..example:x", "domain name in reverse");
	assert_refused("nqn.2026-01.org.example.:x", "domain name in reverse");
	assert_refused("nqn.2026-01.-org:x", "domain name in reverse");
	assert_refused("nqn.2026-01.org-.x:x", "domain name in reverse");
	assert_refused("nqn.2026-01.org_x:x", "domain name in reverse");
	assert_refused("nqn.2026-01.org.example:", "missing after the last \":\"");
}

static void refuses_a_uuid_that_is_none(void **state)
{
	(void)state;
	assert_refused("nqn.2014-08.org.nvmexpress:uuid:7f0c9f6e", "comes a UUID");
	assert_refused("nqn.2014-08.org.nvmexpress:uuid:7f0c9f6e-2c1b-4c55-9a83-0a5f3a0e1d1g",
		       "comes a UUID");
	assert_refused("nqn.2014-08.org.nvmexpress:uuid:7f0c9f6e-2c1b-4c55-9a83-0a5f3a0e1d14a",
		       "comes a UUID");
	assert_refused("nqn.2014-08.org.nvmexpress:uuid:7f0c9f6e02c1b-4c55-9a83-0a5f3a0e1d14",
		       "comes a UUID");
}

static void refuses_the_discovery_subsystem(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	assert_refused("nqn.2014-08.org.nvmexpress.discovery", "own discovery subsystem");
	assert_int_equal(nqn_check_host(NQN_DISCOVERY, &err), -EINVAL);
	assert_non_null(strstr(err.text, "not of a host"));
}

static void says_of_what_the_name_is(void **state)
{
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(nqn_check_host("a b", &err), -EINVAL);
	assert_non_null(strstr(err.text, "of a host"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_the_specification_and_others_use),
		cmocka_unit_test(refuses_what_cannot_be_a_directory),
		cmocka_unit_test(refuses_blanks_and_what_is_not_printable),
		cmocka_unit_test(accepts_223_characters_and_no_more),
		cmocka_unit_test(refuses_a_qualified_name_without_a_date),
		cmocka_unit_test(refuses_a_qualified_name_without_a_domain),
		cmocka_unit_test(refuses_a_uuid_that_is_none),
		cmocka_unit_test(refuses_the_discovery_subsystem),
		cmocka_unit_test(says_of_what_the_name_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
