/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/export.h"
#include "target/spec.h"

struct fixture {
	struct ctl ctl;
	struct model_object *root;
	struct model_object *subsystem;
	struct err err;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->ctl.settings = SETTINGS_DEFAULT;
	f->ctl.cli.quiet = true;
	f->root = model_new();
	f->subsystem = model_add(f->root, MODEL_SUBSYSTEM, "blake14");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	model_free(f->root);
	free(f);
	return 0;
}

static struct model_object *the_namespace(struct fixture *f, const char *nsid)
{
	struct model_object *ns = model_find(f->subsystem, MODEL_NAMESPACE, nsid);

	assert_non_null(ns);
	return ns;
}

static struct model_object *add_listener(struct fixture *f, const char *transport, const char *spec)
{
	struct cli_item listener = { transport, spec };
	struct model_object *port = NULL;

	assert_int_equal(spec_add_listener(&f->ctl, f->root, &listener, "blake14", &port, &f->err),
			 0);
	assert_non_null(port);
	return port;
}

static int refused_listener(struct fixture *f, const char *transport, const char *spec)
{
	struct cli_item listener = { transport, spec };

	return spec_add_listener(&f->ctl, f->root, &listener, "blake14", NULL, &f->err);
}

static void refuses_one_port_number_for_two_listeners(void **state)
{
	struct fixture *f = *state;

	add_listener(f, "tcp", "127.0.0.1,port-id=5");
	assert_int_equal(refused_listener(f, "tcp", "127.0.0.2,port-id=5"), -EINVAL);
	assert_non_null(strstr(f->err.text, "port-id=5 is asked for twice"));
}

/* --- namespaces */

static void a_path_alone_is_an_enabled_namespace_of_the_next_number(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(spec_add_namespace(f->subsystem, "/dev/nvme1n1", 3, &f->err), 0);
	assert_string_equal(model_text(the_namespace(f, "3"), "device_path"), "/dev/nvme1n1");
	assert_string_equal(model_text(the_namespace(f, "3"), "enable"), "1");
}

static void settings_of_a_namespace_follow_its_path(void **state)
{
	struct fixture *f = *state;
	struct model_object *ns;

	assert_int_equal(spec_add_namespace(f->subsystem,
					    "/dev/sda,nsid=7,buffered-io,resv,ana-group=2,disabled",
					    1, &f->err),
			 0);
	ns = the_namespace(f, "7");
	assert_string_equal(model_text(ns, "device_path"), "/dev/sda");
	assert_string_equal(model_text(ns, "buffered_io"), "1");
	assert_string_equal(model_text(ns, "resv_enable"), "1");
	assert_string_equal(model_text(ns, "ana_grpid"), "2");
	assert_string_equal(model_text(ns, "enable"), "0");
}

static void refuses_a_namespace_without_a_path(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(spec_add_namespace(f->subsystem, ",nsid=2", 1, &f->err), -EINVAL);
	assert_non_null(strstr(f->err.text, "names no drive"));
}

static void refuses_the_same_namespace_number_twice(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(spec_add_namespace(f->subsystem, "/dev/sda,nsid=2", 1, &f->err), 0);
	assert_int_equal(spec_add_namespace(f->subsystem, "/dev/sdb,nsid=2", 1, &f->err), -EEXIST);
}

static void refuses_namespace_numbers_that_the_kernel_does(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(spec_add_namespace(f->subsystem, "/dev/sda,nsid=0", 1, &f->err), -EINVAL);
	assert_int_equal(spec_add_namespace(f->subsystem, "/dev/sda,nsid=4294967295", 1, &f->err),
			 -EINVAL);
	assert_int_equal(spec_add_namespace(f->subsystem, "/dev/sda,nsid=x", 1, &f->err), -EINVAL);
}

static void tells_what_is_known_when_a_word_is_not(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(spec_add_namespace(f->subsystem, "/dev/sda,size=3", 1, &f->err), -EINVAL);
	assert_non_null(strstr(f->err.text, "size=3"));
	assert_non_null(strstr(f->err.text, "nguid="));
}

static void refuses_a_word_without_its_value_and_one_with_a_value_too_many(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(spec_add_namespace(f->subsystem, "/dev/sda,uuid", 1, &f->err), -EINVAL);
	assert_non_null(strstr(f->err.text, "uuid=VALUE"));
	assert_int_equal(spec_add_namespace(f->subsystem, "/dev/sdb,resv=1,nsid=2", 1, &f->err),
			 -EINVAL);
	assert_non_null(strstr(f->err.text, "takes no value"));
}

static void refuses_values_that_the_kernel_would(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(spec_add_namespace(f->subsystem, "/dev/sda,uuid=12", 1, &f->err), -EINVAL);
	assert_int_equal(
		spec_add_namespace(f->subsystem, "/dev/sdb,nsid=2,ana-group=128", 1, &f->err),
		-EINVAL);
}

/* --- listeners */

static void an_address_alone_gets_the_default_port(void **state)
{
	struct fixture *f = *state;
	struct model_object *port = add_listener(f, "rdma", "10.101.46.14");

	assert_string_equal(model_text(port, "addr_trtype"), "rdma");
	assert_string_equal(model_text(port, "addr_adrfam"), "ipv4");
	assert_string_equal(model_text(port, "addr_traddr"), "10.101.46.14");
	assert_string_equal(model_text(port, "addr_trsvcid"), "4420");
	assert_true(model_has_link(port, "blake14"));
}

static void the_default_port_is_of_the_settings(void **state)
{
	struct fixture *f = *state;

	f->ctl.settings.default_port = 4500;
	assert_string_equal(model_text(add_listener(f, "tcp", "10.1.1.1"), "addr_trsvcid"), "4500");
}

static void ipv6_stands_in_brackets_before_a_port(void **state)
{
	struct fixture *f = *state;
	struct model_object *port = add_listener(f, "tcp", "[FD00::1]:4421");

	assert_string_equal(model_text(port, "addr_adrfam"), "ipv6");
	assert_string_equal(model_text(port, "addr_traddr"), "fd00::1");
	assert_string_equal(model_text(port, "addr_trsvcid"), "4421");
}

static void listeners_without_a_number_are_not_resolved_yet(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(model_id(add_listener(f, "tcp", "10.1.1.1")), MODEL_PORT_UNRESOLVED);
	assert_int_equal(model_id(add_listener(f, "tcp", "10.1.1.2")), MODEL_PORT_UNRESOLVED + 1);
	assert_int_equal(model_id(add_listener(f, "tcp", "10.1.1.3,port-id=14")), 14);
}

static void required_tls_closes_the_port_to_all_else(void **state)
{
	struct fixture *f = *state;
	struct model_object *port = add_listener(f, "tcp", "10.1.1.1,tls=required");

	assert_string_equal(model_text(port, "addr_tsas"), "tls1.3");
	assert_string_equal(model_text(port, "addr_treq"), "required");
	port = add_listener(f, "tcp", "10.1.1.2,tls=permitted");
	assert_string_equal(model_text(port, "addr_treq"), "not required");
	port = add_listener(f, "tcp", "10.1.1.3,tls=none");
	assert_string_equal(model_text(port, "addr_tsas"), "none");
}

static void refuses_tls_where_there_is_none(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(refused_listener(f, "rdma", "10.1.1.1,tls=required"), -EINVAL);
	assert_int_equal(refused_listener(f, "tcp", "10.1.1.2,tls=maybe"), -EINVAL);
}

static void refuses_a_port_over_65535(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(refused_listener(f, "tcp", "10.1.1.1:65536"), -EINVAL);
	assert_non_null(strstr(f->err.text, "--tcp 10.1.1.1:65536"));
	assert_int_equal(refused_listener(f, "tcp", "10.1.1.1,port-id=65536"), -EINVAL);
}

static void a_loop_listener_has_no_address(void **state)
{
	struct fixture *f = *state;
	struct model_object *port = add_listener(f, "loop", "");

	assert_string_equal(model_text(port, "addr_trtype"), "loop");
	assert_null(model_get(port, "addr_traddr"));
}

static void a_fibre_channel_listener_is_written_as_the_kernel_wants_it(void **state)
{
	struct fixture *f = *state;
	struct model_object *port = add_listener(f, "fc", "20000090fae39fd2:10000090fae39fd2");

	assert_string_equal(model_text(port, "addr_adrfam"), "fc");
	assert_string_equal(model_text(port, "addr_traddr"),
			    "nn-0x20000090fae39fd2:pn-0x10000090fae39fd2");
}

/* --- hosts */

static void a_host_is_made_and_allowed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(spec_add_host(f->root, f->subsystem, "nqn.2026-01.org.example:a", &f->err),
			 0);
	assert_non_null(model_find(f->root, MODEL_HOST, "nqn.2026-01.org.example:a"));
	assert_true(model_has_link(f->subsystem, "nqn.2026-01.org.example:a"));
}

static void a_key_is_kept_as_the_absolute_path_of_its_file(void **state)
{
	struct fixture *f = *state;
	struct model_object *host;

	assert_int_equal(spec_add_host(f->root, f->subsystem,
				       "a,dhchap-key=/etc/k,dhchap-hash=hmac(sha512)", &f->err),
			 0);
	host = model_find(f->root, MODEL_HOST, "a");
	assert_string_equal(model_text(host, EXPORT_KEY_FILE), "/etc/k");
	assert_string_equal(model_text(host, "dhchap_hash"), "hmac(sha512)");
	assert_null(model_get(host, "dhchap_key"));
}

static void refuses_a_relative_key_file_that_is_not_there(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(spec_add_host(f->root, f->subsystem, "a,dhchap-key=no/such", &f->err),
			 -ENOENT);
	assert_non_null(strstr(f->err.text, "no/such"));
}

static void refuses_a_host_that_is_no_name(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(spec_add_host(f->root, f->subsystem, "", &f->err), -EINVAL);
	assert_int_equal(spec_add_host(f->root, f->subsystem, "nqn.x", &f->err), -EINVAL);
	assert_int_equal(spec_add_host(f->root, f->subsystem, "a,dhchap-hash=md5", &f->err),
			 -EINVAL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_path_alone_is_an_enabled_namespace_of_the_next_number),
		TEST(settings_of_a_namespace_follow_its_path),
		TEST(refuses_a_namespace_without_a_path),
		TEST(refuses_one_port_number_for_two_listeners),
		TEST(refuses_the_same_namespace_number_twice),
		TEST(refuses_namespace_numbers_that_the_kernel_does),
		TEST(tells_what_is_known_when_a_word_is_not),
		TEST(refuses_a_word_without_its_value_and_one_with_a_value_too_many),
		TEST(refuses_values_that_the_kernel_would),
		TEST(an_address_alone_gets_the_default_port),
		TEST(the_default_port_is_of_the_settings),
		TEST(ipv6_stands_in_brackets_before_a_port),
		TEST(listeners_without_a_number_are_not_resolved_yet),
		TEST(required_tls_closes_the_port_to_all_else),
		TEST(refuses_tls_where_there_is_none),
		TEST(refuses_a_port_over_65535),
		TEST(a_loop_listener_has_no_address),
		TEST(a_fibre_channel_listener_is_written_as_the_kernel_wants_it),
		TEST(a_host_is_made_and_allowed),
		TEST(a_key_is_kept_as_the_absolute_path_of_its_file),
		TEST(refuses_a_relative_key_file_that_is_not_there),
		TEST(refuses_a_host_that_is_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
