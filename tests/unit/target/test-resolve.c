/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "target/export.h"
#include "target/resolve.h"

#define NEW MODEL_PORT_UNRESOLVED

static struct model_object *port(struct model_object *root, uint32_t id, const char *trtype,
				 const char *traddr, const char *trsvcid)
{
	struct model_object *made = model_add_id(root, MODEL_PORT, id);

	assert_non_null(made);
	model_set(made, "addr_trtype", trtype);
	if (traddr)
		model_set(made, "addr_traddr", traddr);
	if (trsvcid)
		model_set(made, "addr_trsvcid", trsvcid);
	return made;
}

static void a_port_is_found_by_transport_address_and_service(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *rdma = port(root, 1, "rdma", "10.0.0.1", "4420");
	struct model_object *tcp = port(root, 2, "tcp", "10.0.0.1", "4420");

	(void)state;
	assert_ptr_equal(resolve_find_port(root, "rdma", "10.0.0.1", "4420"), rdma);
	assert_ptr_equal(resolve_find_port(root, "tcp", "10.0.0.1", "4420"), tcp);
	assert_null(resolve_find_port(root, "tcp", "10.0.0.1", "4421"));
	assert_null(resolve_find_port(root, "tcp", "10.0.0.2", "4420"));
	assert_null(resolve_find_port(root, "fc", "10.0.0.1", "4420"));
	assert_null(resolve_find_port(root, NULL, NULL, NULL));
	assert_null(resolve_find_port(NULL, "tcp", "10.0.0.1", "4420"));
}

static void a_port_without_a_transport_is_nowhere(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();

	(void)state;
	port(root, 1, "", "", "");
	assert_null(resolve_find_port(root, "", "", ""));
}

static void ipv6_is_compared_as_a_number_and_its_scope_as_text(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *made = port(root, 1, "rdma", "fe80::1%ib0", "4420");

	(void)state;
	assert_ptr_equal(resolve_find_port(root, "rdma", "FE80:0:0::0001%ib0", "4420"), made);
	assert_null(resolve_find_port(root, "rdma", "fe80::1%ib1", "4420"));
	assert_null(resolve_find_port(root, "rdma", "fe80::1", "4420"));
	assert_null(resolve_find_port(root, "rdma", "fe80::2%ib0", "4420"));
	assert_null(resolve_find_port(root, "rdma", "fe80:::1%ib0", "4420"));
}

static void fibre_channel_has_no_service_and_no_case(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *made =
		port(root, 1, "fc", "nn-0x10000090fa942779:pn-0x10000090fa942779", NULL);

	(void)state;
	assert_ptr_equal(resolve_find_port(root, "fc",
					   "nn-0x10000090FA942779:pn-0x10000090FA942779", "none"),
			 made);
	assert_null(
		resolve_find_port(root, "fc", "nn-0x10000090fa942779:pn-0x10000090fa942770", NULL));
}

static void loop_is_found_by_its_name_alone(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *made = port(root, 3, "loop", NULL, NULL);

	(void)state;
	assert_ptr_equal(resolve_find_port(root, "loop", NULL, NULL), made);
	assert_ptr_equal(resolve_find_port(root, "loop", "x", "1"), made);
}

static void a_listener_becomes_the_port_that_is_there(void **state)
{
	CLEANUP_MODEL struct model_object *actual = model_new();
	CLEANUP_MODEL struct model_object *wanted = model_new();
	struct model_object *listener = port(wanted, NEW, "rdma", "10.0.0.1", "4420");
	struct model_object *resolved;

	(void)state;
	port(actual, 14, "rdma", "10.0.0.1", "4420");
	model_link(listener, "blake14", false);
	model_set(model_add_id(listener, MODEL_ANA_GROUP, 2), "ana_state", "optimized");
	assert_int_equal(resolve_ports(wanted, actual, NULL), 0);
	assert_int_equal(wanted->n_children, 1);
	resolved = model_find_id(wanted, MODEL_PORT, 14);
	assert_string_equal(model_text(resolved, "addr_traddr"), "10.0.0.1");
	assert_true(model_has_link(resolved, "blake14"));
	assert_string_equal(model_text(model_find_id(resolved, MODEL_ANA_GROUP, 2), "ana_state"),
			    "optimized");
}

static void others_take_the_lowest_free_numbers_in_their_order(void **state)
{
	CLEANUP_MODEL struct model_object *actual = model_new();
	CLEANUP_MODEL struct model_object *wanted = model_new();

	(void)state;
	port(actual, 1, "rdma", "10.0.0.9", "4420");
	port(actual, 3, "rdma", "10.0.0.9", "4421");
	port(wanted, 4, "tcp", "10.0.0.4", "4420");
	port(wanted, NEW, "tcp", "10.0.0.1", "4420");
	port(wanted, NEW + 1, "tcp", "10.0.0.2", "4420");
	assert_int_equal(resolve_ports(wanted, actual, NULL), 0);
	assert_int_equal(wanted->n_children, 3);
	assert_string_equal(model_text(model_find_id(wanted, MODEL_PORT, 2), "addr_traddr"),
			    "10.0.0.1");
	assert_string_equal(model_text(model_find_id(wanted, MODEL_PORT, 5), "addr_traddr"),
			    "10.0.0.2");
}

static void two_listeners_at_one_address_become_one_port(void **state)
{
	CLEANUP_MODEL struct model_object *actual = model_new();
	CLEANUP_MODEL struct model_object *wanted = model_new();
	struct model_object *resolved;

	(void)state;
	model_link(port(wanted, NEW, "rdma", "fd00::1", "4420"), "a", false);
	model_link(port(wanted, NEW + 1, "rdma", "FD00:0::1", "4420"), "b", false);
	model_link(port(wanted, 7, "tcp", "fd00::1", "4420"), "c", false);
	model_link(port(wanted, NEW + 2, "tcp", "fd00::1", "4420"), "d", false);
	assert_int_equal(resolve_ports(wanted, actual, NULL), 0);
	assert_int_equal(wanted->n_children, 2);
	resolved = model_find_id(wanted, MODEL_PORT, 1);
	assert_true(model_has_link(resolved, "a") && model_has_link(resolved, "b"));
	resolved = model_find_id(wanted, MODEL_PORT, 7);
	assert_true(model_has_link(resolved, "c") && model_has_link(resolved, "d"));
}

static void a_listener_that_goes_is_the_port_that_is_there_or_nothing(void **state)
{
	CLEANUP_MODEL struct model_object *actual = model_new();
	CLEANUP_MODEL struct model_object *wanted = model_new();

	(void)state;
	port(actual, 9, "rdma", "10.0.0.1", "4420");
	port(wanted, NEW, "rdma", "10.0.0.1", "4420")->absent = true;
	port(wanted, NEW + 1, "rdma", "10.0.0.2", "4420")->absent = true;
	assert_int_equal(resolve_ports(wanted, actual, NULL), 0);
	assert_int_equal(wanted->n_children, 1);
	assert_true(model_find_id(wanted, MODEL_PORT, 9)->absent);
}

static void the_number_of_a_port_that_goes_is_not_taken(void **state)
{
	CLEANUP_MODEL struct model_object *actual = model_new();
	CLEANUP_MODEL struct model_object *wanted = model_new();

	(void)state;
	port(actual, 1, "rdma", "10.0.0.1", "4420");
	model_add_id(wanted, MODEL_PORT, 1)->absent = true;
	port(wanted, NEW, "rdma", "10.0.0.1", "4420");
	assert_int_equal(resolve_ports(wanted, actual, NULL), 0);
	assert_true(model_find_id(wanted, MODEL_PORT, 1)->absent);
	assert_false(model_find_id(wanted, MODEL_PORT, 2)->absent);
}

static void a_number_that_is_at_another_address_is_refused(void **state)
{
	CLEANUP_MODEL struct model_object *actual = model_new();
	CLEANUP_MODEL struct model_object *wanted = model_new();
	struct err err = ERR_NULL;

	(void)state;
	port(actual, 1, "rdma", "10.0.0.1", "4420");
	port(wanted, 1, "rdma", "10.0.0.2", "4420");
	port(wanted, NEW, "tcp", "10.0.0.2", "4420");
	assert_int_equal(resolve_ports(wanted, actual, &err), -EEXIST);
	assert_non_null(strstr(err.text, "port 1"));
	assert_non_null(strstr(err.text, "10.0.0.1:4420"));
	assert_non_null(strstr(err.text, "10.0.0.2:4420"));
	/* untouched */
	assert_non_null(model_find_id(wanted, MODEL_PORT, NEW));
}

static void an_address_that_has_another_number_is_refused(void **state)
{
	CLEANUP_MODEL struct model_object *actual = model_new();
	CLEANUP_MODEL struct model_object *wanted = model_new();
	struct err err = ERR_NULL;

	(void)state;
	port(actual, 1, "rdma", "10.0.0.1", "4420");
	port(wanted, 2, "rdma", "10.0.0.1", "4420");
	assert_int_equal(resolve_ports(wanted, actual, &err), -EEXIST);
	assert_non_null(strstr(err.text, "port 1"));
	/* but not if that one goes */
	model_add_id(wanted, MODEL_PORT, 1)->absent = true;
	assert_int_equal(resolve_ports(wanted, actual, &err), 0);
}

static void a_number_may_be_at_its_address_empty_or_only_mentioned(void **state)
{
	CLEANUP_MODEL struct model_object *actual = model_new();
	CLEANUP_MODEL struct model_object *wanted = model_new();

	(void)state;
	port(actual, 1, "rdma", "fd00::1", "4420");
	port(actual, 2, "", "", "");
	port(actual, 3, "tcp", "10.0.0.3", "4420");
	port(actual, 4, "loop", "", "");
	port(wanted, 1, "rdma", "FD00::1", "4420");
	port(wanted, 2, "tcp", "10.0.0.2", "4420");
	model_link(model_add_id(wanted, MODEL_PORT, 3), "blake14", false);
	port(wanted, 5, "loop", NULL, NULL);
	assert_int_equal(resolve_ports(wanted, actual, NULL), 0);
	assert_int_equal(wanted->n_children, 4);
}

static void all_numbers_in_use_is_an_error(void **state)
{
	CLEANUP_MODEL struct model_object *actual = model_new();
	CLEANUP_MODEL struct model_object *wanted = model_new();
	struct err err = ERR_NULL;
	uint32_t id;

	(void)state;
	for (id = 1; id <= 65535; id++)
		model_add_id(actual, MODEL_PORT, id);
	port(wanted, NEW, "tcp", "10.0.0.1", "4420");
	assert_int_equal(resolve_ports(wanted, actual, &err), -ENOSPC);
	assert_non_null(model_find_id(wanted, MODEL_PORT, NEW));
	model_free(model_find_id(actual, MODEL_PORT, 65535));
	assert_int_equal(resolve_ports(wanted, actual, &err), 0);
	assert_non_null(model_find_id(wanted, MODEL_PORT, 65535));
}

static void what_was_stored_gives_way_with_its_number(void **state)
{
	CLEANUP_MODEL struct model_object *actual = model_new();
	CLEANUP_MODEL struct model_object *wanted = model_new();
	struct err err = ERR_NULL;

	(void)state;
	port(actual, 1, "tcp", "10.0.0.1", "4420");
	port(actual, 3, "tcp", "10.0.0.3", "4420");
	port(actual, 6, "tcp", "10.0.0.6", "4420");
	/* taken by another address; there with another number; right; new */
	model_link(port(wanted, 1, "tcp", "10.0.0.2", "4420"), "a", false);
	port(wanted, 2, "tcp", "10.0.0.3", "4420");
	port(wanted, 6, "tcp", "10.0.0.6", "4420");
	port(wanted, 7, "tcp", "10.0.0.7", "4420");
	assert_int_equal(resolve_loosen(wanted, actual), 2);
	assert_int_equal(resolve_loosen(wanted, actual), 0);
	assert_int_equal(resolve_ports(wanted, actual, &err), 0);
	assert_int_equal(wanted->n_children, 4);
	assert_true(model_has_link(model_find_id(wanted, MODEL_PORT, 2), "a"));
	assert_string_equal(model_text(model_find_id(wanted, MODEL_PORT, 2), "addr_traddr"),
			    "10.0.0.2");
	assert_non_null(model_find_id(wanted, MODEL_PORT, 3));
	assert_non_null(model_find_id(wanted, MODEL_PORT, 6));
	assert_non_null(model_find_id(wanted, MODEL_PORT, 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_is_found_by_transport_address_and_service),
		cmocka_unit_test(a_port_without_a_transport_is_nowhere),
		cmocka_unit_test(ipv6_is_compared_as_a_number_and_its_scope_as_text),
		cmocka_unit_test(fibre_channel_has_no_service_and_no_case),
		cmocka_unit_test(loop_is_found_by_its_name_alone),
		cmocka_unit_test(a_listener_becomes_the_port_that_is_there),
		cmocka_unit_test(others_take_the_lowest_free_numbers_in_their_order),
		cmocka_unit_test(two_listeners_at_one_address_become_one_port),
		cmocka_unit_test(a_listener_that_goes_is_the_port_that_is_there_or_nothing),
		cmocka_unit_test(the_number_of_a_port_that_goes_is_not_taken),
		cmocka_unit_test(a_number_that_is_at_another_address_is_refused),
		cmocka_unit_test(an_address_that_has_another_number_is_refused),
		cmocka_unit_test(a_number_may_be_at_its_address_empty_or_only_mentioned),
		cmocka_unit_test(what_was_stored_gives_way_with_its_number),
		cmocka_unit_test(all_numbers_in_use_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
