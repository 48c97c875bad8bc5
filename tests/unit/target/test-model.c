/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/model.h"

static struct model_object *blake(struct model_object *root)
{
	struct model_object *subsystem = model_add(root, MODEL_SUBSYSTEM, "blake14");

	assert_non_null(subsystem);
	assert_int_equal(model_set(subsystem, "attr_allow_any_host", "0"), 0);
	assert_int_equal(model_link(subsystem, "nqn.2014-08.org.example:host", false), 0);
	assert_non_null(model_add_id(subsystem, MODEL_NAMESPACE, 1));
	return subsystem;
}

static void an_object_is_made_once_and_found_by_kind_and_name(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *host = model_add(root, MODEL_HOST, "a");
	struct model_object *subsystem = model_add(root, MODEL_SUBSYSTEM, "a");

	(void)state;
	assert_ptr_equal(model_add(root, MODEL_HOST, "a"), host);
	assert_ptr_equal(model_find(root, MODEL_HOST, "a"), host);
	assert_ptr_equal(model_find(root, MODEL_SUBSYSTEM, "a"), subsystem);
	assert_null(model_find(root, MODEL_PORT, "1"));
	assert_null(model_find(NULL, MODEL_PORT, "1"));
	assert_int_equal(root->n_children, 2);
}

static void numbers_are_sorted_as_numbers_and_names_as_names(void **state)
{
	static const uint32_t ids[] = { 10, 9, 65536, 1, 100 };
	static const uint32_t sorted[] = { 1, 9, 10, 100, 65536 };
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *object;
	size_t i;
	size_t n;

	(void)state;
	for (i = 0; i < 5; i++)
		model_add_id(root, MODEL_PORT, ids[i]);
	model_add(root, MODEL_HOST, "9");
	model_add(root, MODEL_HOST, "10");
	for (i = 0, n = 0; (object = model_next(root, MODEL_PORT, &i)); n++)
		assert_int_equal(model_id(object), sorted[n]);
	assert_int_equal(n, 5);
	i = 0;
	assert_string_equal(model_next(root, MODEL_HOST, &i)->name, "10");
	assert_string_equal(model_next(root, MODEL_HOST, &i)->name, "9");
	assert_null(model_next(root, MODEL_HOST, &i));
}

static void a_number_in_another_base_is_the_same_object(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *port = model_add(root, MODEL_PORT, "0x10");

	(void)state;
	assert_ptr_equal(model_find_id(root, MODEL_PORT, 16), port);
	assert_int_equal(model_id(port), 16);
}

static void an_object_that_is_freed_leaves_its_parent(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *middle;

	(void)state;
	model_add_id(root, MODEL_PORT, 1);
	middle = model_add_id(root, MODEL_PORT, 2);
	model_add_id(root, MODEL_PORT, 3);
	model_free(middle);
	model_free(NULL);
	assert_int_equal(root->n_children, 2);
	assert_null(model_find_id(root, MODEL_PORT, 2));
	assert_non_null(model_find_id(root, MODEL_PORT, 3));
}

static void a_value_is_replaced_in_its_place_and_can_be_set_from_itself(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();

	(void)state;
	model_set(root, "first", "1");
	model_set(root, "second", "2");
	model_set(root, "first", "one");
	assert_int_equal(model_set(root, "first", model_get(root, "first")), 0);
	assert_int_equal(root->n_attrs, 2);
	assert_string_equal(root->attrs[0].name, "first");
	assert_string_equal(model_get(root, "first"), "one");
	assert_null(model_get(root, "third"));
	assert_null(model_get(NULL, "first"));
	assert_string_equal(model_text(root, "third"), "");
}

static void only_the_text_1_is_on(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();

	(void)state;
	assert_false(model_is_on(root, "enable"));
	model_set(root, "enable", "0");
	assert_false(model_is_on(root, "enable"));
	model_set(root, "enable", "1");
	assert_true(model_is_on(root, "enable"));
}

static void an_attribute_is_unset_alone(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();

	(void)state;
	model_set(root, "a", "1");
	model_set(root, "b", "2");
	model_set(root, "c", "3");
	assert_int_equal(model_unset(root, "a"), 0);
	assert_int_equal(model_unset(root, "a"), 0);
	assert_null(model_get(root, "a"));
	assert_string_equal(model_get(root, "b"), "2");
	assert_string_equal(model_get(root, "c"), "3");
}

static void a_secret_stays_secret_when_it_is_replaced_and_copied(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	CLEANUP_MODEL struct model_object *copy = NULL;
	struct model_object *host = model_add(root, MODEL_HOST, "h");

	(void)state;
	model_set_secret(host, "dhchap_key", "DHHC-1:00:old:");
	model_set(host, "dhchap_key", "DHHC-1:00:new:");
	model_set(host, "dhchap_hash", "hmac(sha256)");
	copy = model_copy(NULL, root);
	host = model_find(copy, MODEL_HOST, "h");
	assert_true(host->attrs[0].secret);
	assert_string_equal(host->attrs[0].value, "DHHC-1:00:new:");
	assert_false(host->attrs[1].secret);
}

static void links_are_sorted_and_an_absent_one_is_no_link(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();

	(void)state;
	model_link(root, "b", false);
	model_link(root, "c", false);
	model_link(root, "a", false);
	assert_string_equal(root->links[0].name, "a");
	assert_string_equal(root->links[2].name, "c");
	assert_true(model_has_link(root, "b"));
	model_link(root, "b", true);
	assert_false(model_has_link(root, "b"));
	assert_int_equal(root->n_links, 3);
	assert_false(model_has_link(root, "d"));
	assert_false(model_has_link(NULL, "a"));
}

static void a_copy_is_whole_and_on_its_own(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	CLEANUP_MODEL struct model_object *copy = NULL;
	struct model_object *subsystem = blake(root);
	struct model_object *copied;

	(void)state;
	subsystem->exact = true;
	model_find_id(subsystem, MODEL_NAMESPACE, 1)->absent = true;
	copy = model_copy(NULL, root);
	model_set(subsystem, "attr_allow_any_host", "1");
	model_free(model_find_id(subsystem, MODEL_NAMESPACE, 1));

	copied = model_find(copy, MODEL_SUBSYSTEM, "blake14");
	assert_true(copied->exact);
	assert_ptr_equal(copied->parent, copy);
	assert_string_equal(model_get(copied, "attr_allow_any_host"), "0");
	assert_true(model_has_link(copied, "nqn.2014-08.org.example:host"));
	assert_true(model_find_id(copied, MODEL_NAMESPACE, 1)->absent);
}

static void paths_are_those_below_nvmet(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *subsystem = blake(root);
	struct model_object *port = model_add_id(root, MODEL_PORT, 7);
	char path[MODEL_PATH_MAX];

	(void)state;
	assert_int_equal(model_path(root, path, sizeof(path)), 0);
	assert_string_equal(path, "");
	model_path(subsystem, path, sizeof(path));
	assert_string_equal(path, "subsystems/blake14");
	model_path(subsystem->children[0], path, sizeof(path));
	assert_string_equal(path, "subsystems/blake14/namespaces/1");
	model_path(model_add(subsystem, MODEL_PASSTHRU, "passthru"), path, sizeof(path));
	assert_string_equal(path, "subsystems/blake14/passthru");
	model_path(model_add(root, MODEL_HOST, "h"), path, sizeof(path));
	assert_string_equal(path, "hosts/h");
	model_path(model_add_id(port, MODEL_ANA_GROUP, 2), path, sizeof(path));
	assert_string_equal(path, "ports/7/ana_groups/2");
	model_path(model_add(port, MODEL_REFERRAL, "r"), path, sizeof(path));
	assert_string_equal(path, "ports/7/referrals/r");
}

static void a_path_that_does_not_fit_is_refused(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	char path[18];

	(void)state;
	assert_int_equal(model_path(blake(root), path, sizeof(path)), -ENAMETOOLONG);
}

static void objects_are_called_as_a_person_does(void **state)
{
	CLEANUP_MODEL struct model_object *root = model_new();
	struct model_object *subsystem = blake(root);
	struct model_object *port = model_add_id(root, MODEL_PORT, 7);
	char text[MODEL_NAME_MAX];

	(void)state;
	assert_string_equal(model_describe(subsystem->children[0], text, sizeof(text)),
			    "namespace 1 of blake14");
	assert_string_equal(
		model_describe(model_add_id(port, MODEL_ANA_GROUP, 2), text, sizeof(text)),
		"ANA group 2 of port 7");
	assert_string_equal(model_describe(root, text, 5), "the ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_object_is_made_once_and_found_by_kind_and_name),
		cmocka_unit_test(numbers_are_sorted_as_numbers_and_names_as_names),
		cmocka_unit_test(a_number_in_another_base_is_the_same_object),
		cmocka_unit_test(an_object_that_is_freed_leaves_its_parent),
		cmocka_unit_test(a_value_is_replaced_in_its_place_and_can_be_set_from_itself),
		cmocka_unit_test(only_the_text_1_is_on),
		cmocka_unit_test(an_attribute_is_unset_alone),
		cmocka_unit_test(a_secret_stays_secret_when_it_is_replaced_and_copied),
		cmocka_unit_test(links_are_sorted_and_an_absent_one_is_no_link),
		cmocka_unit_test(a_copy_is_whole_and_on_its_own),
		cmocka_unit_test(paths_are_those_below_nvmet),
		cmocka_unit_test(a_path_that_does_not_fit_is_refused),
		cmocka_unit_test(objects_are_called_as_a_person_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
