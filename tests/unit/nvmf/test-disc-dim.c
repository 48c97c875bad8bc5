/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/nvmf/dim-data.h"
#include "tests/unit/unit.h"

#include <errno.h>

#include "nvmf/disc-dim.h"

#define EID "nqn.2014-08.org.nvmexpress:uuid:11111111-1111-4111-8111-111111111111"

static uint8_t bytes[DIM_DATA_EXTENDED];

static void is_refused(const char *part)
{
	struct disc_dim_head head = { .entity = 77 };
	struct err err = ERR_NULL;

	assert_int_equal(disc_dim_parse(bytes, sizeof(bytes), &head, &err), -EINVAL);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" has no \"%s\"", err.text, part);
	assert_int_equal(head.entity, 77);
}

static void what_a_host_registers_is_read(void **state)
{
	struct disc_dim_head head;
	struct disc_dim_entry entry;
	size_t at = 0;

	(void)state;
	dim_data(bytes, 1, EID, 0, "", "");
	memcpy(bytes + 536, "  Linux 6.1 ", 12);
	assert_int_equal(disc_dim_parse(bytes, sizeof(bytes), &head, NULL), 0);
	assert_int_equal(head.entity, DISC_DIM_HOST);
	assert_string_equal(head.eid, EID);
	assert_string_equal(head.name, "blake15");
	assert_string_equal(head.version, "Linux 6.1");
	assert_true(disc_dim_next(bytes, &head, &at, &entry));
	assert_int_equal(entry.trtype, 3);
	assert_string_equal(entry.traddr, "");
	assert_string_equal(entry.nqn, EID);
	assert_false(disc_dim_next(bytes, &head, &at, &entry));
}

static void basic_entries_are_read_one_after_the_other(void **state)
{
	uint8_t basic[3 * 1024];
	struct disc_dim_head head;
	struct disc_dim_entry entry;
	size_t at = 0;

	(void)state;
	dim_data(bytes, 2, EID, 3, "192.0.2.1", "8009");
	memcpy(basic, bytes, 2048);
	memcpy(basic + 2048, bytes + 1024, 1024);
	memcpy(basic + 2048 + 512, "192.0.2.2  ", 11);
	dim_put(basic, sizeof(basic), 4);
	dim_put(basic + 8, 2, 8);
	dim_put(basic + 16, 1, 2);
	assert_int_equal(disc_dim_parse(basic, sizeof(basic), &head, NULL), 0);
	assert_int_equal(head.entity, DISC_DIM_DDC);
	assert_true(disc_dim_next(basic, &head, &at, &entry));
	assert_string_equal(entry.traddr, "192.0.2.1");
	assert_true(disc_dim_next(basic, &head, &at, &entry));
	assert_string_equal(entry.traddr, "192.0.2.2");
	assert_int_equal(entry.subtype, 3);
	assert_false(disc_dim_next(basic, &head, &at, &entry));
}

static void lengths_that_lie_are_refused(void **state)
{
	struct disc_dim_head head;

	(void)state;
	dim_data(bytes, 1, EID, 0, "", "");
	assert_int_equal(disc_dim_parse(bytes, 1023, &head, NULL), -EINVAL);
	dim_put(bytes, sizeof(bytes) + 1, 4);
	is_refused("sent");
	dim_put(bytes, 5, 4);
	is_refused("sent");
	dim_data(bytes, 1, EID, 0, "", "");
	dim_put(bytes + 8, 1ULL << 60, 8);
	is_refused("do not fit");
	dim_data(bytes, 1, EID, 0, "", "");
	dim_put(bytes + 2048, 1031, 4);
	is_refused("entry 1 does not end");
	dim_put(bytes + 2048, 1053, 4);
	is_refused("entry 1 does not end");
}

static void what_makes_no_sense_is_refused(void **state)
{
	(void)state;
	dim_data(bytes, 4, EID, 0, "", "");
	is_refused("type 4");
	dim_data(bytes, 1, "", 0, "", "");
	is_refused("its id");
	dim_data(bytes, 1, EID, 0, "", "");
	dim_put(bytes + 16, 3, 2);
	is_refused("format 3");
	dim_data(bytes, 1, EID, 0, "\x1b[2J", "");
	is_refused("no text");
	dim_data(bytes, 1, EID, 0, "", "");
	memcpy(bytes + 280, "a\nb", 3);
	is_refused("no text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_host_registers_is_read),
		cmocka_unit_test(basic_entries_are_read_one_after_the_other),
		cmocka_unit_test(lengths_that_lie_are_refused),
		cmocka_unit_test(what_makes_no_sense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
