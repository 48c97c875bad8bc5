/* SPDX-License-Identifier: BSD-3-Clause */
/* The objects of a host, and what may be disconnected, on the trees that guests had. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "initiator/act.h"
#include "initiator/owner.h"
#include "initiator/state.h"
#include "tests/unit/initiator/fake-sysfs.h"

static const struct host_identity me = {
	.hostnqn = "nqn.2014-08.org.nvmexpress:uuid:11112222-3333-4444-5555-666677778888",
	.hostid = "99992222-3333-4444-5555-666677778888",
};

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct fake_sysfs));
	fake_sysfs_open(*state, "7.3");
	return 0;
}

static int teardown(void **state)
{
	fake_sysfs_close(*state);
	free(*state);
	return 0;
}

static struct inventory *read_all(const struct fake_sysfs *fake)
{
	struct inventory *inventory = NULL;

	assert_int_equal(inventory_read(fake->sysfs_fd, fake->proc_fd, &inventory, NULL), 0);
	return inventory;
}

static void assert_text(const struct js *attrs, const char *key, const char *expected)
{
	const char *text = js_text(js_get(attrs, key));

	if (!text || strcmp(text, expected) != 0)
		fail_msg("%s is %s, not %s", key, text ? text : "missing", expected);
}

static bool remember(void *data, const struct inventory_controller *controller,
		     struct state_memory *ret)
{
	(void)data;
	if (strcmp(controller->name, "nvme1") != 0)
		return false;
	*ret = (struct state_memory){ .since_ms = 1234,
				      .lost_for_ms = 12300,
				      .cause = "connection lost",
				      .owner = "sunfish",
				      .wanted = true,
				      .flaps = 3 };
	return true;
}

static void tells_of_controllers_devices_and_the_host(void **state)
{
	CLEANUP_INVENTORY struct inventory *inventory = read_all(*state);
	CLEANUP_OBJECT_SET struct object_set *set = object_set_new();
	const struct js *attrs;
	const struct js *paths;

	assert_int_equal(state_put(set, inventory, &me, remember, NULL, NULL), 0);
	assert_int_equal(object_set_count(set), 4 + 2 + 1);
	attrs = object_set_find(set, "controller", "nvme1");
	assert_text(attrs, "nqn", "blake14");
	assert_text(attrs, "service", "4421");
	assert_text(attrs, "state", "live");
	assert_text(attrs, "owner", "sunfish");
	assert_text(attrs, "cause", "connection lost");
	assert_int_equal(js_number(js_get(attrs, "lost_for_ms"), 0), 12300);
	assert_true(js_is_true(js_get(attrs, "wanted")));
	assert_int_equal(js_number(js_get(js_get(attrs, "counters"), "losses"), 0), 3);
	assert_null(js_get(object_set_find(set, "controller", "nvme0"), "wanted"));
	attrs = object_set_find(set, "device", "nvme0n1");
	assert_text(attrs, "device", "/dev/nvme0n1");
	paths = js_get(attrs, "paths");
	assert_int_equal(js_length(paths), 2);
	assert_text(js_at(paths, 1), "controller", "nvme1");
	assert_text(js_at(paths, 1), "state", "live");
	assert_text(js_at(paths, 1), "ana_state", "optimized");
	attrs = object_set_find(set, "host", me.hostnqn);
	assert_text(attrs, "hostid", me.hostid);
}

static void tells_what_the_kernel_can(void **state)
{
	const struct fake_sysfs *fake = *state;
	CLEANUP_OBJECT_SET struct object_set *set = object_set_new();
	struct host_options options = { .text = ",transport,tls,x" };
	const struct js *attrs;

	fake_put(fake->sysfs_fd, "module/nvme_tcp/initstate", "live\n");
	assert_int_equal(state_put_kernel(set, fake->sysfs_fd, &options, NULL), 0);
	attrs = object_set_find(set, "kernel", "nvme");
	assert_int_equal(js_length(js_get(attrs, "transports")), 1);
	assert_string_equal(js_text(js_at(js_get(attrs, "transports"), 0)), "tcp");
	assert_int_equal(js_length(js_get(attrs, "features")), 1);
}

static void assert_may(const struct fake_sysfs *fake, bool force, int expected, const char *because)
{
	CLEANUP_INVENTORY struct inventory *inventory = read_all(fake);
	const struct act_dirs dirs = { .run_fd = fake->proc_fd };
	struct err err = ERR_NULL;

	assert_int_equal(act_may_disconnect(&dirs, inventory, "nvme2", force, &err), expected);
	if (!strstr(err.text, because))
		fail_msg("\"%s\" does not say \"%s\"", err.text, because);
}

static void only_what_is_ours_may_be_disconnected(void **state)
{
	const struct fake_sysfs *fake = *state;

	assert_may(fake, false, -EPERM, "by somebody else");
	fake_put(fake->proc_fd, "nvme/registry/nvme2/owner", "stas");
	assert_may(fake, false, -EPERM, "by stas");
	assert_may(fake, true, 0, "");
	fake_put(fake->proc_fd, "nvme/registry/nvme2/owner", OWNER_SUNFISH);
	assert_may(fake, false, 0, "");
}

static void nothing_in_use_may_be_disconnected(void **state)
{
	const struct fake_sysfs *fake = *state;
	char device[32];
	char line[128];

	fake_put(fake->proc_fd, "nvme/registry/nvme2/owner", OWNER_SUNFISH);
	assert_true(fs_read_at(fake->sysfs_fd, "class/block/nvme2n1/dev", device, 32) > 0);
	snprintf(line, sizeof(line), "40 27 %s / /srv rw - xfs /dev/x rw\n", device);
	fake_put(fake->proc_fd, "self/mountinfo", line);
	assert_may(fake, false, -EBUSY, "nvme2n1 is mounted on /srv");
	assert_may(fake, true, 0, "");
}

static void what_is_not_there_cannot_be_disconnected(void **state)
{
	const struct fake_sysfs *fake = *state;
	CLEANUP_INVENTORY struct inventory *inventory = read_all(fake);
	const struct act_dirs dirs = { .run_fd = fake->proc_fd };

	assert_int_equal(act_may_disconnect(&dirs, inventory, "nvme9", true, NULL), -ENODEV);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tells_of_controllers_devices_and_the_host),
		TEST(tells_what_the_kernel_can),
		TEST(only_what_is_ours_may_be_disconnected),
		TEST(nothing_in_use_may_be_disconnected),
		TEST(what_is_not_there_cannot_be_disconnected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
