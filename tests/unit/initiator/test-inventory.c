/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>

#include "initiator/inventory.h"
#include "tests/unit/initiator/fake-sysfs.h"

#define CTL "devices/virtual/nvme-fabrics/ctl/"
#define ME "nqn.2014-08.org.nvmexpress:uuid:11112222-3333-4444-5555-666677778888"

static int setup_kernel(void **state, const char *kernel)
{
	*state = calloc(1, sizeof(struct fake_sysfs));
	fake_sysfs_open(*state, kernel);
	return 0;
}

static int setup(void **state)
{
	return setup_kernel(state, "7.3");
}

static int setup_old(void **state)
{
	return setup_kernel(state, "6.1");
}

static int setup_empty(void **state)
{
	return setup_kernel(state, NULL);
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
	struct err err = ERR_NULL;

	if (inventory_read(fake->sysfs_fd, fake->proc_fd, &inventory, &err) < 0)
		fail_msg("%s", err.text);
	return inventory;
}

static void is_empty_without_the_modules(void **state)
{
	CLEANUP_INVENTORY struct inventory *inventory = read_all(*state);

	assert_int_equal(inventory->n_controllers, 0);
	assert_int_equal(inventory->n_devices, 0);
}

static void reads_each_controller(void **state)
{
	CLEANUP_INVENTORY struct inventory *inventory = read_all(*state);
	const struct inventory_controller *c;
	char text[TID_TEXT_MAX];

	assert_int_equal(inventory->n_controllers, 4);
	c = inventory_find(inventory, "nvme1");
	assert_non_null(c);
	assert_string_equal(tid_format(&c->tid, text), "tcp,127.0.0.1,4421,blake14," ME);
	assert_string_equal(c->hostid, "99992222-3333-4444-5555-666677778888");
	assert_string_equal(c->state, "live");
	assert_string_equal(c->type, "io");
	assert_string_equal(c->subsystem, "nvme-subsys0");
	assert_string_equal(c->src_addr, "127.0.0.1");
	assert_int_equal(c->ctrl_loss_tmo, -1);
	assert_int_equal(c->fast_io_fail_tmo, -1);
	assert_int_equal(c->reconnect_delay, 10);
	assert_string_equal(inventory_find(inventory, "nvme3")->type, "discovery");
	assert_int_equal(inventory_find(inventory, "nvme3")->ctrl_loss_tmo, 600);
	assert_null(inventory_find(inventory, "nvme4"));
}

static void knows_counters_where_the_kernel_has_them(void **state)
{
	CLEANUP_INVENTORY struct inventory *inventory = read_all(*state);

	assert_int_equal(inventory->controllers[0].reconnects, 0);
	assert_int_equal(inventory->controllers[0].resets, 0);
}

static void an_old_kernel_has_no_counters(void **state)
{
	CLEANUP_INVENTORY struct inventory *inventory = read_all(*state);

	assert_int_equal(inventory->controllers[0].reconnects, INVENTORY_UNKNOWN);
}

static void finds_the_paths_of_each_device(void **state)
{
	CLEANUP_INVENTORY struct inventory *inventory = read_all(*state);
	const struct inventory_device *d = &inventory->devices[0];

	assert_int_equal(inventory->n_devices, 2);
	assert_string_equal(d->name, "nvme0n1");
	assert_string_equal(d->nqn, "blake14");
	assert_string_equal(d->uuid, "5cd8b0d3-7248-50f5-a42b-86dffd19a37d");
	assert_string_equal(d->wwid, "uuid.5cd8b0d3-7248-50f5-a42b-86dffd19a37d");
	assert_string_equal(d->iopolicy, "numa");
	assert_int_equal(d->nsid, 1);
	assert_true(d->size_bytes > 0);
	assert_int_equal(d->n_paths, 2);
	assert_string_equal(d->paths[0].controller, "nvme0");
	assert_string_equal(d->paths[1].controller, "nvme1");
	assert_string_equal(d->paths[1].ana_state, "optimized");
	assert_int_equal(d->n_uses, 0);
	assert_string_equal(inventory->devices[1].name, "nvme2n1");
	assert_int_equal(inventory->devices[1].n_paths, 1);
}

static void leaves_local_drives_out(void **state)
{
	const struct fake_sysfs *fake = *state;
	CLEANUP_INVENTORY struct inventory *inventory = NULL;

	fake_put(fake->sysfs_fd, "class/nvme/nvme9/transport", "pcie\n");
	fake_put(fake->sysfs_fd, "class/nvme/nvme9/subsysnqn", "nqn.2019-08.org.qemu:x\n");
	fake_put(fake->sysfs_fd, "class/nvme-subsystem/nvme-subsys9/subsysnqn", "local\n");
	fake_put(fake->sysfs_fd, "class/nvme-subsystem/nvme-subsys9/nvme9n1/size", "8\n");
	inventory = read_all(fake);
	assert_int_equal(inventory->n_controllers, 4);
	assert_int_equal(inventory->n_devices, 2);
}

static void knows_devices_without_native_multipath(void **state)
{
	const struct fake_sysfs *fake = *state;
	CLEANUP_INVENTORY struct inventory *inventory = NULL;

	fake_put(fake->sysfs_fd, "class/nvme/nvme9/transport", "rdma\n");
	fake_put(fake->sysfs_fd, "class/nvme/nvme9/subsysnqn", "single\n");
	fake_put(fake->sysfs_fd, "class/nvme/nvme9/nvme9n1/size", "8\n");
	inventory = read_all(fake);
	assert_int_equal(inventory->n_devices, 3);
	assert_string_equal(inventory->devices[2].name, "nvme9n1");
	assert_string_equal(inventory->devices[2].nqn, "single");
	assert_int_equal(inventory->devices[2].size_bytes, 4096);
	assert_string_equal(inventory->devices[2].paths[0].controller, "nvme9");
}

static void stands_a_controller_that_is_half_gone(void **state)
{
	const struct fake_sysfs *fake = *state;
	CLEANUP_INVENTORY struct inventory *inventory = NULL;

	unlinkat(fake->sysfs_fd, CTL "nvme2/state", 0);
	unlinkat(fake->sysfs_fd, CTL "nvme2/address", 0);
	unlinkat(fake->sysfs_fd, CTL "nvme3/transport", 0);
	assert_int_equal(symlinkat("../../nowhere", fake->sysfs_fd, "class/nvme/nvme7"), 0);
	fake_put(fake->sysfs_fd, "class/nvme/nvmeX/transport", "tcp");
	fake_put(fake->sysfs_fd, CTL "nvme1/state", "\n");
	inventory = read_all(fake);
	assert_int_equal(inventory->n_controllers, 3);
	assert_string_equal(inventory_find(inventory, "nvme2")->state, "");
	assert_string_equal(inventory_find(inventory, "nvme2")->tid.traddr, "");
}

static void finds_the_controller_of_a_wanted_connection(void **state)
{
	const struct fake_sysfs *fake = *state;
	CLEANUP_INVENTORY struct inventory *inventory = NULL;
	struct tid wanted;

	/* one that is being deleted counts only if there is no other */
	fake_put(fake->sysfs_fd, CTL "nvme0/address", "traddr=127.0.0.1,trsvcid=4421\n");
	fake_put(fake->sysfs_fd, CTL "nvme0/state", "deleting\n");
	inventory = read_all(fake);
	assert_int_equal(tid_parse("tcp,127.0.0.1,4421,blake14", &wanted, NULL), 0);
	assert_string_equal(inventory_find_tid(inventory, &wanted, ME)->name, "nvme1");
	assert_null(inventory_find_tid(inventory, &wanted, "another"));
	assert_int_equal(tid_parse("tcp,127.0.0.1,4420,blake14", &wanted, NULL), 0);
	assert_null(inventory_find_tid(inventory, &wanted, ME));
}

static void assert_blocked(const struct fake_sysfs *fake, const char *controller, const char *why)
{
	CLEANUP_INVENTORY struct inventory *inventory = read_all(fake);
	CLEANUP_STR struct str text = STR_NULL;
	size_t count = inventory_blockers(inventory, controller, &text);

	assert_int_equal(count, why ? 1 : 0);
	assert_string_equal(str_get(&text), why ? why : "");
}

/* The block device's own numbers as the fixture has them. */
static const char *device_number(const struct fake_sysfs *fake, const char *name, char text[32])
{
	char path[128];

	snprintf(path, sizeof(path), "class/block/%s/dev", name);
	assert_true(fs_read_at(fake->sysfs_fd, path, text, 32) > 0);
	return text;
}

static void mount_it(const struct fake_sysfs *fake, const char *device, const char *where)
{
	char line[256];

	snprintf(line, sizeof(line), "40 27 %s / %s rw - xfs /dev/x rw\n", device, where);
	fake_put(fake->proc_fd, "self/mountinfo", line);
}

static void the_last_path_of_what_is_mounted_blocks(void **state)
{
	const struct fake_sysfs *fake = *state;
	char device[32];

	assert_blocked(fake, "nvme2", NULL);
	mount_it(fake, device_number(fake, "nvme2n1", device), "/my\\040data");
	assert_blocked(fake, "nvme2", "nvme2n1 is mounted on /my data");
	assert_blocked(fake, "nvme0", NULL);
}

static void one_of_two_paths_does_not(void **state)
{
	const struct fake_sysfs *fake = *state;
	char device[32];

	mount_it(fake, device_number(fake, "nvme0n1", device), "/srv");
	assert_blocked(fake, "nvme0", NULL);
	fake_put(fake->sysfs_fd, CTL "nvme1/state", "connecting\n");
	assert_blocked(fake, "nvme0", "nvme0n1 is mounted on /srv");
	fake_put(fake->sysfs_fd, CTL "nvme1/state", "live\n");
	fake_put(fake->sysfs_fd, CTL "nvme1/nvme0c1n1/ana_state", "inaccessible\n");
	assert_blocked(fake, "nvme0", "nvme0n1 is mounted on /srv");
}

static void partitions_and_what_stands_on_them_block(void **state)
{
	const struct fake_sysfs *fake = *state;
	static const char head[] = "devices/virtual/nvme-subsystem/nvme-subsys2/nvme2n1/";
	char path[256];

	snprintf(path, sizeof(path), "%snvme2n1p1/partition", head);
	fake_put(fake->sysfs_fd, path, "1\n");
	snprintf(path, sizeof(path), "%snvme2n1p1/dev", head);
	fake_put(fake->sysfs_fd, path, "259:77\n");
	snprintf(path, sizeof(path), "%snvme2n1p1/holders/dm-3/", head);
	assert_int_equal(fs_mkdir_p(fake->sysfs_fd, path, 0755), 0);
	assert_blocked(fake, "nvme2", "nvme2n1 is held by dm-3");
	fake_put(fake->sysfs_fd, "class/block/dm-3/dev", "253:3\n");
	mount_it(fake, "253:3", "/home");
	assert_blocked(fake, "nvme2", "nvme2n1 is mounted on /home");
	mount_it(fake, "259:77", "/boot");
	assert_blocked(fake, "nvme2", "nvme2n1 is mounted on /boot");
}

static void a_circle_of_holders_ends(void **state)
{
	const struct fake_sysfs *fake = *state;

	assert_int_equal(fs_mkdir_p(fake->sysfs_fd, "class/block/nvme2n1/holders/dm-1", 0755), 0);
	assert_int_equal(fs_mkdir_p(fake->sysfs_fd, "class/block/dm-1/holders/dm-1", 0755), 0);
	assert_blocked(fake, "nvme2", "nvme2n1 is held by dm-1");
}

static void the_state_is_read_again_and_again(void **state)
{
	const struct fake_sysfs *fake = *state;
	CLEANUP_CLOSE int fd = inventory_state_open(fake->sysfs_fd, "nvme0");
	char word[INVENTORY_STATE_MAX];

	assert_true(fd >= 0);
	assert_int_equal(inventory_state_read(fd, word), 0);
	assert_string_equal(word, "live");
	fake_put(fake->sysfs_fd, CTL "nvme0/state", "deleting (no IO)\n");
	assert_int_equal(inventory_state_read(fd, word), 0);
	assert_string_equal(word, "deleting (no IO)");
	assert_int_equal(inventory_state_open(fake->sysfs_fd, "nvme77"), -ENOENT);
	assert_int_equal(inventory_state_open(fake->sysfs_fd, "../x"), -ENODEV);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TEST_OLD(f) cmocka_unit_test_setup_teardown(f, setup_old, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_empty_without_the_modules, setup_empty,
						teardown),
		TEST(reads_each_controller),
		TEST_OLD(reads_each_controller),
		TEST(knows_counters_where_the_kernel_has_them),
		TEST_OLD(an_old_kernel_has_no_counters),
		TEST(finds_the_paths_of_each_device),
		TEST_OLD(finds_the_paths_of_each_device),
		TEST(leaves_local_drives_out),
		TEST(knows_devices_without_native_multipath),
		TEST(stands_a_controller_that_is_half_gone),
		TEST(finds_the_controller_of_a_wanted_connection),
		TEST(the_last_path_of_what_is_mounted_blocks),
		TEST(one_of_two_paths_does_not),
		TEST(partitions_and_what_stands_on_them_block),
		TEST(a_circle_of_holders_ends),
		TEST(the_state_is_read_again_and_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
