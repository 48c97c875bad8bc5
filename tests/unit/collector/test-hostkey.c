/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/harness.h"

#include "collector/hostkey.h"

#define HOST "nqn.2024-01.example:a"

static void without_its_folder_no_host_is_let_in(void **state)
{
	HARNESS h;
	struct hostkeys *keys = NULL;
	struct disc_secrets secrets = { 0 };
	char *dir;

	(void)state;
	harness_start(&h);
	dir = h.collector.setup.cdc_keys_dir;
	snprintf(dir, sizeof(h.collector.setup.cdc_keys_dir), "%s", h.dir);
	assert_int_equal(hostkey_new(&h.collector, &keys, NULL), 0);
	assert_int_equal(hostkey_secrets(keys, HOST, "10.0.0.1", &secrets), 0);
	snprintf(dir, sizeof(h.collector.setup.cdc_keys_dir), "%s/gone", h.dir);
	assert_int_equal(hostkey_secrets(keys, HOST, "10.0.0.1", &secrets), -EAGAIN);
	commit_now(h.collector.commit);
	hostkey_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_its_folder_no_host_is_let_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
