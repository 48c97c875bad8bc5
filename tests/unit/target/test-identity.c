/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "target/identity.h"

#define DRIVE "wwid:eui.0025385b71b0a1c2"

/*
 * Expected values were computed with Python's uuid.uuid5 from the names "uuid\0IDENTITY\0NQN" and
 * "serial\0IDENTITY\0NQN". If a test of these fails the code is wrong, never the value: hosts
 * mount by them.
 */
static void the_uuid_of_a_drive_in_a_subsystem_is_for_ever(void **state)
{
	char uuid[37];

	(void)state;
	identity_uuid(DRIVE, "blake14", uuid);
	assert_string_equal(uuid, "bdc7461a-3523-556d-b254-ab1673dd494e");
	identity_uuid(DRIVE, "nqn.2026-01.org.example:blake15", uuid);
	assert_string_equal(uuid, "ea2c386b-d2b9-5cd3-b335-4a6e3767fb8a");
	identity_uuid("path:/dev/ram0@0123456789abcdef0123456789abcdef", "blake14", uuid);
	assert_string_equal(uuid, "abebadc3-c117-52a2-8fa7-7eb62982ccd7");
}

static void nguid_and_uuid_are_the_same_bytes(void **state)
{
	char uuid[37];
	char nguid[37];

	(void)state;
	identity_uuid(DRIVE, "blake14", uuid);
	identity_nguid(DRIVE, "blake14", nguid);
	assert_string_equal(uuid, nguid);
}

static void the_serial_is_for_ever_and_not_a_piece_of_the_uuid(void **state)
{
	char serial[21];

	(void)state;
	identity_serial(DRIVE, "blake14", serial);
	assert_string_equal(serial, "0204591187785bc2a13e");
	identity_serial(DRIVE, "nqn.2026-01.org.example:blake15", serial);
	assert_string_equal(serial, "befada9499ce55babc7d");
}

static void a_byte_that_moves_from_identity_to_nqn_gives_another_id(void **state)
{
	char a[37];
	char b[37];

	(void)state;
	identity_uuid("wwid:a", "bc", a);
	identity_uuid("wwid:ab", "c", b);
	assert_string_not_equal(a, b);
}

static void texts_of_any_length_have_an_id(void **state)
{
	char text[5000];
	char uuid[37];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	identity_uuid(text, text, uuid);
	assert_int_equal(strlen(uuid), 36);
	assert_int_equal(uuid[14], '5');
}

static void a_drive_is_known_by_its_wwid_wherever_it_is_plugged(void **state)
{
	struct dev_info dev = { .path = "/dev/nvme7n1",
				.node = "nvme7n1",
				.wwid = "eui.0025385b71b0a1c2",
				.is_block = true };
	char text[IDENTITY_MAX];

	(void)state;
	assert_int_equal(identity_of(&dev, "machine", text, sizeof(text)), 0);
	assert_string_equal(text, DRIVE);
}

static void a_drive_without_wwid_is_known_by_name_and_machine(void **state)
{
	struct dev_info dev = { .path = "/dev/block/1:0", .node = "ram0", .is_block = true };
	char text[IDENTITY_MAX];

	(void)state;
	assert_int_equal(identity_of(&dev, "c0ffee", text, sizeof(text)), 0);
	assert_string_equal(text, "path:/dev/ram0@c0ffee");
	assert_int_equal(identity_of(&dev, "", text, sizeof(text)), 0);
	assert_string_equal(text, "path:/dev/ram0@");
}

static void a_file_is_known_by_path_and_machine(void **state)
{
	struct dev_info dev = { .path = "/srv/disk.img", .is_file = true };
	char text[IDENTITY_MAX];

	(void)state;
	assert_int_equal(identity_of(&dev, "c0ffee", text, sizeof(text)), 0);
	assert_string_equal(text, "file:/srv/disk.img@c0ffee");
}

static void an_identity_that_does_not_fit_is_refused_and_nothing_written(void **state)
{
	struct dev_info dev = { .path = "/srv/disk.img", .is_file = true };
	char text[8] = "before";

	(void)state;
	assert_int_equal(identity_of(&dev, "c0ffee", text, sizeof(text)), -ENAMETOOLONG);
	assert_string_equal(text, "before");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_uuid_of_a_drive_in_a_subsystem_is_for_ever),
		cmocka_unit_test(nguid_and_uuid_are_the_same_bytes),
		cmocka_unit_test(the_serial_is_for_ever_and_not_a_piece_of_the_uuid),
		cmocka_unit_test(a_byte_that_moves_from_identity_to_nqn_gives_another_id),
		cmocka_unit_test(texts_of_any_length_have_an_id),
		cmocka_unit_test(a_drive_is_known_by_its_wwid_wherever_it_is_plugged),
		cmocka_unit_test(a_drive_without_wwid_is_known_by_name_and_machine),
		cmocka_unit_test(a_file_is_known_by_path_and_machine),
		cmocka_unit_test(an_identity_that_does_not_fit_is_refused_and_nothing_written),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
