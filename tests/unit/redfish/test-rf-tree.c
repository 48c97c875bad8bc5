/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <string.h>

#include "base/cleanup.h"
#include "redfish/rf-tree.h"

struct thing {
	const char *name;
	const char *state;
};

static int render(void *data, struct rf_resource *resource, struct js *doc)
{
	struct thing *thing = rf_resource_object(resource);

	(void)data;
	js_set(doc, "Name", js_string(thing->name));
	rf_set_status(resource, doc, thing->state, "OK", NULL);
	rf_set_links(rf_resource_tree(resource), doc, "To", 1, resource, false);
	rf_set_links(rf_resource_tree(resource), doc, "From", 1, resource, true);
	return 0;
}

static int nothing(void *data, struct rf_call *call)
{
	(void)data;
	(void)call;
	return 0;
}

static const struct rf_action actions[] = { { "#Thing.Turn", nothing }, { 0 } };
static const struct rf_class class = { .type = "#Thing.v1_0_0.Thing",
				       .render = render,
				       .actions = actions };
static const struct rf_class collection = { .type = "#ThingCollection.ThingCollection",
					    .collection = true,
					    .name = "Things" };

static struct thing a = { "a", "Enabled" }, b = { "b", "Enabled" };

struct log {
	char text[4096];
};

static void note(void *data, const struct rf_event *event)
{
	static const char *const words[] = { "+", "~", "-" };
	struct log *log = data;
	size_t used = strlen(log->text);

	snprintf(log->text + used, sizeof(log->text) - used, "%s%s(%s>%s) ", words[event->change],
		 event->uri + strlen("/redfish/v1/"), event->before_state, event->state);
}

static struct rf_resource *add(struct rf_tree *tree, const char *uri, const struct rf_class *of,
			       void *object)
{
	struct rf_resource *resource;

	assert_int_equal(rf_tree_add(tree, uri, of, object, &resource, NULL), 0);
	return resource;
}

static const char *text(struct rf_tree *tree, struct rf_resource *resource)
{
	const char *ret;
	size_t length;

	assert_int_equal(rf_resource_text(tree, resource, &ret, &length, NULL), 0);
	assert_int_equal(length, strlen(ret));
	return ret;
}

static void members_come_before_their_collection_or_after(void **state)
{
	struct rf_tree *tree = rf_tree_new();
	struct rf_resource *x = add(tree, "/redfish/v1/T/x", &class, &a);
	struct rf_resource *all;

	(void)state;
	assert_null(rf_resource_parent(x));
	assert_null(rf_tree_find(tree, "/redfish/v1/T"));
	all = add(tree, "/redfish/v1/T", &collection, NULL);
	add(tree, "/redfish/v1/T/b", &class, &b);
	assert_ptr_equal(rf_resource_parent(x), all);
	assert_int_equal(rf_resource_child_count(all), 2);
	assert_string_equal(rf_resource_id(rf_resource_child_at(all, 0)), "b");
	assert_non_null(strstr(text(tree, all), "\"Members@odata.count\":2,\"Members\":[{"
						"\"@odata.id\":\"/redfish/v1/T/b\"}"));
	rf_tree_remove(tree, x);
	assert_non_null(strstr(text(tree, all), "\"Members@odata.count\":1"));
	rf_tree_remove(tree, all);
	assert_int_equal(rf_tree_count(tree), 0);
	rf_tree_free(tree);
}

static void the_tag_is_of_what_a_resource_says(void **state)
{
	struct rf_tree *tree = rf_tree_new();
	struct thing thing = { "a", "Enabled" };
	struct rf_resource *x = add(tree, "/redfish/v1/T/x", &class, &thing);
	char tag[RF_ETAG_MAX];

	(void)state;
	assert_string_equal(rf_resource_etag(x), "");
	assert_non_null(strstr(text(tree, x), "\"Id\":\"x\",\"Name\":\"a\""));
	assert_non_null(strstr(text(tree, x), "\"Actions\":{\"#Thing.Turn\":{\"target\":"
					      "\"/redfish/v1/T/x/Actions/Thing.Turn\"}}"));
	strcpy(tag, rf_resource_etag(x));
	rf_resource_touch(tree, x);
	text(tree, x);
	assert_string_equal(rf_resource_etag(x), tag);
	thing.name = "other";
	rf_resource_touch(tree, x);
	text(tree, x);
	assert_string_not_equal(rf_resource_etag(x), tag);
	rf_tree_free(tree);
}

static void both_ends_of_a_link_say_so(void **state)
{
	struct rf_tree *tree = rf_tree_new();
	struct rf_resource *x = add(tree, "/redfish/v1/T/x", &class, &a);
	struct rf_resource *y = add(tree, "/redfish/v1/T/y", &class, &b);
	struct rf_resource *z = add(tree, "/redfish/v1/T/z", &class, &b);

	(void)state;
	rf_link_add(tree, 1, x, z);
	rf_link_add(tree, 1, x, y);
	rf_link_add(tree, 1, x, y);
	rf_link_add(tree, 2, x, x);
	assert_int_equal(rf_link_count(tree, 1, x, false), 2);
	assert_int_equal(rf_link_count(tree, 1, x, true), 0);
	assert_int_equal(rf_link_count(tree, 2, x, true), 1);
	assert_ptr_equal(rf_link_at(tree, 1, x, false, 0), y);
	assert_non_null(strstr(text(tree, y), "\"From\":[{\"@odata.id\":\"/redfish/v1/T/x\"}]"));
	assert_non_null(strstr(text(tree, x), "\"To\":[{\"@odata.id\":\"/redfish/v1/T/y\"},"));
	rf_link_replace(tree, 1, x, &z, 1);
	assert_null(strstr(text(tree, y), "From"));
	rf_tree_remove(tree, z);
	assert_null(strstr(text(tree, x), "\"To\""));
	rf_tree_free(tree);
}

static void watchers_hear_what_is_really_different(void **state)
{
	struct rf_tree *tree = rf_tree_new();
	struct thing thing = { "a", "Enabled" };
	struct log log = { "" };
	struct rf_resource *x;

	(void)state;
	rf_tree_watch(tree, note, &log);
	x = add(tree, "/redfish/v1/T/x", &class, &thing);
	assert_int_equal(rf_tree_settle(tree, NULL), 0);
	assert_string_equal(log.text, "");
	rf_resource_touch(tree, x);
	assert_true(rf_tree_is_touched(tree));
	rf_tree_settle(tree, NULL);
	assert_string_equal(log.text, "");
	thing.state = "Absent";
	rf_resource_touch(tree, x);
	/* that somebody has read it in between changes nothing */
	text(tree, x);
	add(tree, "/redfish/v1/T/x/S/y", &class, &b);
	add(tree, "/redfish/v1/T/x/S", &collection, NULL);
	rf_tree_settle(tree, NULL);
	assert_string_equal(log.text, "~T/x(Enabled>Absent) +T/x/S/y(>Enabled) ");
	log.text[0] = '\0';
	rf_tree_remove(tree, x);
	rf_tree_settle(tree, NULL);
	assert_string_equal(log.text, "-T/x/S/y(Enabled>) -T/x(Absent>) ");
	assert_false(rf_tree_is_touched(tree));
	rf_tree_free(tree);
}

static void refuses_what_is_no_uri_of_ours(void **state)
{
	static const char *const bad[] = {
		"/redfish",	    "/redfish/v1x",	"/redfish/v1/",
		"/redfish/v1//a",   "/redfish/v1/a b",	"/redfish/v1/a/..",
		"/redfish/v1/../a", "/redfish/v1/a%41", ""
	};
	struct rf_tree *tree = rf_tree_new();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(rf_tree_add(tree, bad[i], &class, &a, NULL, NULL), -EINVAL);
	add(tree, "/redfish/v1", &class, &a);
	assert_int_equal(rf_tree_add(tree, "/redfish/v1", &class, &a, NULL, NULL), -EEXIST);
	rf_tree_free(tree);
}

static void thousands_come_and_go_in_any_order(void **state)
{
	struct rf_tree *tree = rf_tree_new();
	struct rf_resource *all = add(tree, "/redfish/v1/T", &collection, NULL);
	unsigned int i;
	char uri[64];

	(void)state;
	for (i = 0; i < 3000; i++) {
		snprintf(uri, sizeof(uri), "/redfish/v1/T/%u/S/%u", i * 7919 % 3000, i);
		add(tree, uri, &class, &a);
	}
	assert_int_equal(rf_tree_count(tree), 3001);
	for (i = 0; i < 3000; i++) {
		snprintf(uri, sizeof(uri), "/redfish/v1/T/%u/S/%u", i * 7919 % 3000, i);
		rf_tree_remove(tree, rf_tree_find(tree, uri));
	}
	assert_int_equal(rf_resource_child_count(all), 0);
	assert_int_equal(rf_tree_count(tree), 1);
	rf_tree_free(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_come_before_their_collection_or_after),
		cmocka_unit_test(the_tag_is_of_what_a_resource_says),
		cmocka_unit_test(both_ends_of_a_link_say_so),
		cmocka_unit_test(watchers_hear_what_is_really_different),
		cmocka_unit_test(refuses_what_is_no_uri_of_ours),
		cmocka_unit_test(thousands_come_and_go_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
