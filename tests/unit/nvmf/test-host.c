/* SPDX-License-Identifier: BSD-3-Clause */
/* What of host.h needs no kernel; tests/guest/t/host-* has the rest. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "nvmf/host.h"

#define UUID "11112222-3333-4444-5555-666677778888"
#define NQN "nqn.2014-08.org.nvmexpress:uuid:" UUID

struct etc {
	char path[32];
	int fd;
};

static int setup(void **state)
{
	struct etc *etc = calloc(1, sizeof(*etc));

	strcpy(etc->path, "/tmp/test-host.XXXXXX");
	if (!mkdtemp(etc->path))
		return -1;
	etc->fd = open(etc->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(etc->fd, "nvme", 0755);
	*state = etc;
	return etc->fd < 0;
}

static int teardown(void **state)
{
	struct etc *etc = *state;

	unlinkat(etc->fd, "nvme/hostnqn", 0);
	unlinkat(etc->fd, "nvme/hostid", 0);
	unlinkat(etc->fd, "machine-id", 0);
	unlinkat(etc->fd, "options", 0);
	unlinkat(etc->fd, "nvme", AT_REMOVEDIR);
	close(etc->fd);
	rmdir(etc->path);
	free(etc);
	return 0;
}

static void put(const struct etc *etc, const char *path, const char *text)
{
	assert_int_equal(fs_replace_file(etc->fd, path, text, strlen(text), 0644), 0);
}

static struct host_identity read_identity(const struct etc *etc)
{
	struct err err = ERR_NULL;
	struct host_identity identity;

	if (host_identity_read(etc->fd, &identity, &err) < 0)
		fail_msg("%s", err.text);
	return identity;
}

static void reads_who_this_host_is(void **state)
{
	struct host_identity identity;

	put(*state, "nvme/hostnqn", " nqn.2014-08.org.example:me \n# more\n");
	put(*state, "nvme/hostid", UUID "\n");
	identity = read_identity(*state);
	assert_string_equal(identity.hostnqn, "nqn.2014-08.org.example:me");
	assert_string_equal(identity.hostid, UUID);
	assert_false(identity.made_up);
}

static void takes_the_id_out_of_the_name(void **state)
{
	put(*state, "nvme/hostnqn", NQN "\n");
	assert_string_equal(read_identity(*state).hostid, UUID);
}

static void derives_both_from_the_machine(void **state)
{
	struct host_identity identity;

	put(*state, "machine-id", "11112222333344445555666677778888\n");
	identity = read_identity(*state);
	assert_string_equal(identity.hostnqn, NQN);
	assert_string_equal(identity.hostid, UUID);
	assert_true(identity.made_up);
}

static void assert_no_identity(const struct etc *etc, const char *because)
{
	struct host_identity identity = { .hostnqn = "untouched" };
	struct err err = ERR_NULL;

	assert_true(host_identity_read(etc->fd, &identity, &err) < 0);
	assert_string_equal(identity.hostnqn, "untouched");
	if (!strstr(err.text, because))
		fail_msg("\"%s\" does not say \"%s\"", err.text, because);
}

static void refuses_an_identity_that_makes_no_sense(void **state)
{
	const struct etc *etc = *state;

	assert_no_identity(etc, "machine-id");
	put(etc, "machine-id", "xyz\n");
	assert_no_identity(etc, "no machine id");
	put(etc, "nvme/hostnqn", "nqn.2014-08.org.example:me\n");
	assert_no_identity(etc, "has no UUID");
	put(etc, "nvme/hostid", "12\n");
	assert_no_identity(etc, "must be a UUID");
	put(etc, "nvme/hostnqn", "a/b\n");
	assert_no_identity(etc, "hostnqn");
}

static void each_host_name_has_its_own_id(void **state)
{
	struct host_identity host = { .hostnqn = "nqn.2014-08.org.example:me", .hostid = "mine" };
	char id[HOST_ID_MAX];

	(void)state;
	assert_int_equal(host_id_of("nqn.2014-08.org.example:me", &host, id, NULL), 0);
	assert_string_equal(id, "mine");
	assert_int_equal(host_id_of(NQN, &host, id, NULL), 0);
	assert_string_equal(id, UUID);
	assert_int_equal(host_id_of("nqn.2014-08.org.example:you", &host, id, NULL), -EINVAL);
}

static void knows_what_the_kernel_takes(void **state)
{
	const struct etc *etc = *state;
	char path[64];
	struct host_options options;
	struct err err = ERR_NULL;

	snprintf(path, sizeof(path), "%s/options", etc->path);
	assert_int_equal(host_options_read(path, &options, &err), -ENOENT);
	put(etc, "options", "transport=%s,traddr=%s,tls,dhchap_secret=%s\n");
	assert_int_equal(host_options_read(path, &options, &err), 0);
	assert_true(host_options_has(&options, "transport"));
	assert_true(host_options_has(&options, "tls"));
	assert_true(host_options_has(&options, "dhchap_secret"));
	assert_false(host_options_has(&options, "tls_key"));
	assert_false(host_options_has(&options, "trans"));
	assert_false(host_options_has(&options, "port"));
}

static void tuning_is_taken_where_none_is_set(void **state)
{
	struct host_tuning io = HOST_TUNING_NULL;
	struct host_tuning base = HOST_TUNING_NULL;

	(void)state;
	io.ctrl_loss_tmo = 5;
	base.ctrl_loss_tmo = -1;
	base.tls = 1;
	base.tos = 3;
	host_tuning_default(&io, &base);
	assert_int_equal(io.ctrl_loss_tmo, 5);
	assert_int_equal(io.tls, 1);
	assert_int_equal(io.tos, 3);
	assert_int_equal(io.queue_size, HOST_UNSET);
}

static void reads_a_record_of_a_discovery_log(void **state)
{
	uint8_t bytes[DISC_RECORD_BYTES] = {
		[0] = 3, [1] = 1, [2] = 2, [3] = 1, [4] = 42, [6] = 0xff, [7] = 0xff
	};
	struct host_record record;

	(void)state;
	memcpy(bytes + 32, "4420    ", 8);
	memset(bytes + 256, 'n', 223);
	memcpy(bytes + 512, "10.0.0.1\0garbage", 16);
	bytes[768] = 2;
	assert_int_equal(host_record_decode(bytes, &record), 0);
	assert_string_equal(record.transport, "tcp");
	assert_string_equal(record.family, "ipv4");
	assert_string_equal(record.subtype, "nvme");
	assert_string_equal(record.requires, "required");
	assert_string_equal(record.security, "tls");
	assert_string_equal(record.trsvcid, "4420");
	assert_string_equal(record.traddr, "10.0.0.1");
	assert_int_equal(strlen(record.nqn), 223);
	assert_int_equal(record.port_id, 42);
	assert_int_equal(record.cntlid, 0xffff);
	bytes[0] = 254;
	bytes[1] = 238;
	assert_int_equal(host_record_decode(bytes, &record), 0);
	assert_string_equal(record.transport, "loop");
	assert_string_equal(record.family, "238");
	assert_string_equal(record.security, "none");
}

static void leaves_out_a_record_that_leads_nowhere(void **state)
{
	uint8_t bytes[DISC_RECORD_BYTES];
	struct host_record record = { .transport = "kept" };

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	assert_int_equal(host_record_decode(bytes, &record), -EINVAL);
	assert_string_equal(record.transport, "kept");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reads_who_this_host_is),
		TEST(takes_the_id_out_of_the_name),
		TEST(derives_both_from_the_machine),
		TEST(refuses_an_identity_that_makes_no_sense),
		TEST(each_host_name_has_its_own_id),
		TEST(knows_what_the_kernel_takes),
		TEST(tuning_is_taken_where_none_is_set),
		TEST(reads_a_record_of_a_discovery_log),
		TEST(leaves_out_a_record_that_leads_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
