/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "nvmf/kmsg.h"

static void keeps_what_the_hosts_drivers_write(void **state)
{
	static const char record[] = "3,577,23041212,-;nvme nvme0: failed to connect socket: -111\n"
				     " SUBSYSTEM=nvme\n";
	char text[KMSG_TEXT_MAX];

	(void)state;
	assert_true(kmsg_parse(record, strlen(record), text));
	assert_string_equal(text, "nvme nvme0: failed to connect socket: -111");
}

static void drops_all_else(void **state)
{
	static const char *const others[] = { "", "3,4,5,-",
					      "6,1,2,-;nvmet: creating nvm controller 1",
					      "6,1,2,-;usb 1-1: new", "6,1,2,-;" };
	char text[KMSG_TEXT_MAX] = "untouched";
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(kmsg_parse(others[i], strlen(others[i]), text));
	assert_string_equal(text, "untouched");
}

static void cuts_what_is_too_long(void **state)
{
	char record[1000];
	char text[KMSG_TEXT_MAX];

	(void)state;
	memset(record, 'x', sizeof(record));
	memcpy(record, "3,1,1,-;nvme \x1b", 14);
	assert_true(kmsg_parse(record, sizeof(record), text));
	assert_int_equal(strlen(text), KMSG_TEXT_MAX - 1);
	assert_null(strchr(text, '\x1b'));
}

static void knows_why_a_connect_failed(void **state)
{
	(void)state;
	assert_int_equal(
		kmsg_meaning("nvme nvme0: Connect Invalid Data Parameter, subsysnqn \"x\""),
		-ENOENT);
	assert_int_equal(
		kmsg_meaning("nvme nvme0: Connect for subsystem x is not allowed, hostnqn: y"),
		-EACCES);
	assert_int_equal(kmsg_meaning("nvme nvme0: qid 0: authentication failed"), -EACCES);
	assert_int_equal(kmsg_meaning("nvme nvme1: no valid PSK found"), -ENOKEY);
	assert_int_equal(kmsg_meaning("nvme_fabrics: unknown parameter or missing value 'tls' in "
				      "ctrl creation request"),
			 -EOPNOTSUPP);
	assert_int_equal(kmsg_meaning("nvme nvme0: failed to connect socket: -111"), 0);
}

static void knows_whom_it_is_about(void **state)
{
	char name[32];

	(void)state;
	kmsg_controller("nvme nvme12: Removing ctrl: NQN \"x\"", name, sizeof(name));
	assert_string_equal(name, "nvme12");
	kmsg_controller("nvme_fabrics: nvme3", name, sizeof(name));
	assert_string_equal(name, "");
	kmsg_controller("nvme nvmex: y", name, sizeof(name));
	assert_string_equal(name, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_the_hosts_drivers_write),
		cmocka_unit_test(drops_all_else),
		cmocka_unit_test(cuts_what_is_too_long),
		cmocka_unit_test(knows_why_a_connect_failed),
		cmocka_unit_test(knows_whom_it_is_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
