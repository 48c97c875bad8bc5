/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "base/str.h"
#include "target/capability.h"
#include "target/ctl.h"
#include "target/view.h"

struct feature {
	const char *key;
	const char *text;
	bool is_there;
};

#define N_FEATURES 4

static void get_features(const struct capability_list *list, struct feature features[N_FEATURES])
{
	features[0] = (struct feature){ "auth", "keys of hosts (DH-HMAC-CHAP)", list->has_auth };
	features[1] = (struct feature){ "tls", "TLS over TCP", list->has_tls };
	features[2] =
		(struct feature){ "passthru", "passthru of whole controllers", list->has_passthru };
	features[3] =
		(struct feature){ "debugfs", "hosts of sessions (debugfs)", list->has_debugfs };
}

static void add_json(const struct capability_list *list, struct js *result)
{
	struct feature features[N_FEATURES];
	struct js *transports = js_object();
	struct js *has = js_object();
	struct js *attributes = js_array();
	size_t i;

	get_features(list, features);
	for (i = 0; i < CAPABILITY_TRANSPORTS; i++)
		js_set(transports, list->transports[i].name,
		       js_string(capability_module_name(list->transports[i].state)));
	for (i = 0; i < N_FEATURES; i++)
		js_set(has, features[i].key, js_bool(features[i].is_there));
	for (i = 0; i < list->count; i++) {
		struct js *attribute = js_object();

		js_set(attribute, "object", js_string(capability_kind_name(list->items[i].kind)));
		js_set(attribute, "name", js_string(list->items[i].name));
		js_set(attribute, "present", js_bool(list->items[i].is_present));
		js_set(attribute, "known", js_bool(list->items[i].is_known));
		js_append(attributes, attribute);
	}
	js_set(result, "kernel", js_string(list->release));
	js_set(result, "transports", transports);
	js_set(result, "features", has);
	js_set(result, "attributes", attributes);
}

static void add_summary(const struct capability_list *list, struct str *text)
{
	CLEANUP_TABLE struct table table = TABLE(2);
	struct feature features[N_FEATURES];
	size_t i;

	get_features(list, features);
	table_add(&table, "TRANSPORT");
	table_add(&table, "MODULE");
	for (i = 0; i < CAPABILITY_TRANSPORTS; i++) {
		table_add(&table, list->transports[i].name);
		table_addf(&table, "%s %s", list->transports[i].module,
			   capability_module_name(list->transports[i].state));
	}
	str_addf(text, "kernel %s\n\n", list->release);
	table_format(&table, "", text);
	table_deinit(&table);
	table = TABLE(2);
	table_add(&table, "FEATURE");
	table_add(&table, "THERE");
	for (i = 0; i < N_FEATURES; i++) {
		table_add(&table, features[i].text);
		table_add(&table, features[i].is_there ? "yes" : "no");
	}
	str_add(text, "\n");
	table_format(&table, "", text);
}

static void add_attributes(const struct capability_list *list, struct str *text)
{
	CLEANUP_TABLE struct table table = TABLE(3);
	size_t i;

	table_add(&table, "OBJECT");
	table_add(&table, "ATTRIBUTE");
	table_add(&table, "THERE");
	for (i = 0; i < list->count; i++) {
		const struct capability *item = &list->items[i];

		table_add(&table, capability_kind_name(item->kind));
		table_add(&table, item->name);
		table_addf(&table, "%s%s", item->is_present ? "yes" : "no",
			   item->is_known ? "" : ", new to this program");
	}
	str_add(text, "\n");
	table_format(&table, "", text);
}

int cmd_capabilities(struct ctl *ctl, struct err *err)
{
	CLEANUP_CAPABILITY_LIST struct capability_list list = CAPABILITY_LIST_NULL;
	CLEANUP_STR struct str text = STR_NULL;
	int r;

	if (ctl->cli.n_args)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL, "capabilities takes no argument"));
	r = ctl_open_target(ctl, true, err);
	/* it makes and removes objects: no other command may plan with them */
	if (r == 0)
		r = ctl_lock(ctl, err);
	if (r == 0)
		r = capability_probe(ctl->nvmet_fd, &list, err);
	if (r < 0)
		return r;
	if (ctl->cli.result)
		add_json(&list, ctl->cli.result);
	add_summary(&list, &text);
	add_attributes(&list, &text);
	if (text.failed)
		return err_nomem(err);
	cli_print(&ctl->cli, str_get(&text));
	return 0;
}
