/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "initiator/wish.h"

struct example {
	struct ctl ctl;
	struct conf_connection wishes[CTL_MANY];
	struct err err;
};

static int set_up(void **state)
{
	struct example *e = calloc(1, sizeof(*e));

	e->ctl.opt = CTL_OPTIONS_NULL;
	*state = e;
	return 0;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void give(struct example *e, const char *transport, const char *spec)
{
	e->ctl.opt.addresses.items[e->ctl.opt.addresses.count++] =
		(struct cli_item){ transport, spec };
}

static void each_address_is_a_connection(void **state)
{
	struct example *e = *state;
	char text[TID_TEXT_MAX];

	give(e, "tcp", "10.101.46.14");
	give(e, "rdma", "[FD00:46::14]:4430");
	assert_int_equal(wish_read(&e->ctl, "blake14", e->wishes, &e->err), 2);
	assert_string_equal(tid_format(&e->wishes[0].tid, text), "tcp,10.101.46.14,4420,blake14");
	assert_string_equal(tid_format(&e->wishes[1].tid, text), "rdma,fd00:46::14,4430,blake14");
}

static void what_is_said_twice_is_one(void **state)
{
	struct example *e = *state;

	give(e, "tcp", "10.101.46.14");
	give(e, "tcp", "10.101.46.14:4420");
	give(e, "tcp", "10.101.46.14:4421");
	assert_int_equal(wish_read(&e->ctl, "blake14", e->wishes, &e->err), 2);
}

static void a_name_is_looked_up(void **state)
{
	struct example *e = *state;

	give(e, "tcp", "localhost");
	assert_int_equal(wish_read(&e->ctl, "blake14", e->wishes, &e->err), 1);
	assert_true(strcmp(e->wishes[0].tid.traddr, "127.0.0.1") == 0 ||
		    strcmp(e->wishes[0].tid.traddr, "::1") == 0);
}

static void options_become_tuning_and_the_rest_stays_open(void **state)
{
	struct example *e = *state;

	give(e, "tcp", "10.1.1.1");
	e->ctl.opt.ctrl_loss_tmo = -1;
	e->ctl.opt.queue_size = 64;
	e->ctl.opt.hdr_digest = true;
	e->ctl.opt.hostnqn = "nqn.2026-01.org.example:me";
	assert_int_equal(wish_read(&e->ctl, "blake14", e->wishes, &e->err), 1);
	assert_int_equal(e->wishes[0].tuning.ctrl_loss_tmo, -1);
	assert_int_equal(e->wishes[0].tuning.queue_size, 64);
	assert_int_equal(e->wishes[0].tuning.hdr_digest, 1);
	assert_int_equal(e->wishes[0].tuning.data_digest, HOST_UNSET);
	assert_int_equal(e->wishes[0].tuning.keep_alive_tmo, HOST_UNSET);
	assert_string_equal(e->wishes[0].tid.hostnqn, "nqn.2026-01.org.example:me");
}

static void refuses(struct example *e, const char *spec, const char *nqn, const char *part)
{
	e->ctl.opt.addresses.count = 0;
	give(e, "tcp", spec);
	assert_true(wish_read(&e->ctl, nqn, e->wishes, &e->err) < 0);
	if (!strstr(e->err.text, part))
		fail_msg("\"%s\" does not say \"%s\"", e->err.text, part);
}

static void what_is_no_address_is_an_error_of_usage(void **state)
{
	struct example *e = *state;

	refuses(e, "10.1.1.1:x", "blake14", "port \"x\"");
	assert_int_equal(e->ctl.cli.status, CLI_USAGE);
}

static void refuses_what_cannot_be_connected(void **state)
{
	struct example *e = *state;

	refuses(e, "10.1.1.400", "blake14", "--tcp 10.1.1.400: ");
	refuses(e, "10.1.1.1:0", "blake14", "--tcp 10.1.1.1:0: ");
	refuses(e, "0.0.0.0", "blake14", "any address");
	refuses(e, "[::]:4420", "blake14", "any address");
	refuses(e, "fe80::1", "blake14", "fe80::1");
	refuses(e, "10.1.1.1", "nqn.bad", "nqn.bad");
	refuses(e, "10.1.1.1", "", "");
	e->ctl.opt.queue_size = 1;
	refuses(e, "10.1.1.1", "blake14", "queue_size");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_address_is_a_connection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_said_twice_is_one, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_name_is_looked_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(options_become_tuning_and_the_rest_stays_open,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_address_is_an_error_of_usage, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(refuses_what_cannot_be_connected, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
