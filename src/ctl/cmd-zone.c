/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/view.h"

/* Into @object, but empty lists. Returns: was there any? */
static bool set_members(struct ctl *ctl, struct js *object)
{
	const struct {
		const char *key;
		const struct cli_list *list;
	} sets[] = {
		{ "hosts", &ctl->opt.hosts },
		{ "subsystems", &ctl->opt.subsystems },
		{ "ports", &ctl->opt.ports },
	};
	bool any = false;
	size_t i, j;

	for (i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct js *array;

		if (!sets[i].list->count)
			continue;
		array = js_array();
		for (j = 0; j < sets[i].list->count; j++)
			js_append(array, js_string(sets[i].list->items[j].value));
		js_set(object, sets[i].key, array);
		any = true;
	}
	return any;
}

static int call(struct ctl *ctl, const char *method, const struct js *body, struct err *err)
{
	CLEANUP_STR struct str path = STR_NULL;
	CLEANUP_JS struct js *document = NULL;
	int r;

	str_add(&path, "/zones");
	if (strcmp(method, "POST") != 0)
		client_add_part(&path, ctl->cli.args[0]);
	client_add_query(&path, "force", ctl->opt.force ? "1" : NULL);
	if (path.failed)
		return err_nomem(err);
	r = client_call(ctl->client, method, str_get(&path), body, &document, err);
	if (r < 0)
		return r;
	if (ctl->cli.result)
		js_set(ctl->cli.result, "zone", js_ref(document));
	else if (strcmp(method, "DELETE") == 0)
		cli_say(&ctl->cli, "zone %s is deleted\n", ctl->cli.args[0]);
	else
		cli_say(&ctl->cli, "zone %s has %zu hosts, %zu subsystems, %zu ports%s%s\n",
			ctl->cli.args[0], js_length(js_get(document, "hosts")),
			js_length(js_get(document, "subsystems")),
			js_length(js_get(document, "ports")),
			*view_text(document, "tenant") ? ", tenant " : "",
			view_text(document, "tenant"));
	return 0;
}

int cmd_zone_create(struct ctl *ctl, struct err *err)
{
	CLEANUP_JS struct js *body = js_object();

	js_set(body, "name", js_string(ctl->cli.args[0]));
	if (ctl->opt.tenant)
		js_set(body, "tenant", js_string(ctl->opt.tenant));
	set_members(ctl, body);
	return call(ctl, "POST", body, err);
}

int cmd_zone_change(struct ctl *ctl, struct err *err)
{
	bool add = strcmp(ctl->cli.verb->name, "zone add") == 0;
	CLEANUP_JS struct js *body = js_object();
	struct js *members = js_object();
	bool any = set_members(ctl, members);

	js_set(body, add ? "add" : "remove", members);
	if (ctl->opt.tenant)
		js_set(body, "tenant", js_string(ctl->opt.tenant));
	if (!any && !ctl->opt.tenant)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL,
					 "say what: --host HOSTNQN, --subsystem NQN, --port "
					 "TRANSPORT,ADDRESS,PORT"));
	return call(ctl, "PATCH", body, err);
}

int cmd_zone_delete(struct ctl *ctl, struct err *err)
{
	return call(ctl, "DELETE", NULL, err);
}
