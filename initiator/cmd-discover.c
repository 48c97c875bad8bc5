/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "initiator/ask.h"
#include "initiator/ctl.h"
#include "initiator/look.h"
#include "initiator/view.h"
#include "initiator/wish.h"

#define TARGETS_MAX CTL_MANY

struct discovery {
	struct ctl *ctl;
	struct look look;
	struct tid targets[TARGETS_MAX];
	size_t n_targets;
	struct js *json; /* or NULL */
	size_t n_failed;
};

static void add_target(struct discovery *discovery, const struct tid *tid)
{
	size_t i;

	for (i = 0; i < discovery->n_targets; i++)
		if (strcmp(discovery->targets[i].transport, tid->transport) == 0 &&
		    strcmp(discovery->targets[i].traddr, tid->traddr) == 0 &&
		    strcmp(discovery->targets[i].trsvcid, tid->trsvcid) == 0)
			return;
	if (discovery->n_targets < TARGETS_MAX)
		discovery->targets[discovery->n_targets++] = *tid;
}

/* Without an address: wherever something is wanted or connected. */
static void add_known(struct discovery *discovery)
{
	const struct look *look = &discovery->look;
	size_t i;

	for (i = 0; i < look->n_wanted; i++)
		add_target(discovery, &look->wanted[i].tid);
	for (i = 0; i < look->inventory->n_controllers; i++)
		add_target(discovery, &look->inventory->controllers[i].tid);
}

static int find_targets(struct discovery *discovery, struct err *err)
{
	const struct ctl_options *opt = &discovery->ctl->opt;
	struct tid tid;
	size_t i;
	int r;

	for (i = 0; i < opt->addresses.count; i++) {
		r = wish_address(discovery->ctl, &opt->addresses.items[i], TID_DEFAULT_PORT, &tid,
				 err);
		if (r < 0)
			return r;
		add_target(discovery, &tid);
	}
	if (opt->addresses.count == 0)
		add_known(discovery);
	if (discovery->n_targets)
		return 0;
	return cli_usage(
		&discovery->ctl->cli,
		err_set(err, -EINVAL,
			"say whom to ask: --tcp ADDR[:PORT] or --rdma ADDR[:PORT]; nothing "
			"is connected or wanted here"));
}

/* --- telling */

/* The connection that leads to it; NULL if there is none. */
static const struct inventory_controller *find_connected(const struct look *look,
							 const struct host_record *record)
{
	struct tid_parts parts = {
		.transport = record->transport,
		.traddr = record->traddr,
		.trsvcid = record->trsvcid,
		.nqn = record->nqn,
	};
	struct tid tid;

	if (tid_make(&parts, &tid, NULL) < 0)
		return NULL;
	return inventory_find_tid(look->inventory, &tid, look->host.hostnqn);
}

static struct js *record_json(const struct look *look, const struct host_record *record)
{
	const struct inventory_controller *controller = find_connected(look, record);
	struct js *json = js_object();

	js_set(json, "type", js_string(record->subtype));
	js_set(json, "nqn", js_string(record->nqn));
	js_set(json, "transport", js_string(record->transport));
	js_set(json, "family", js_string(record->family));
	js_set(json, "address", js_string(record->traddr));
	js_set(json, "service", js_string(record->trsvcid));
	js_set(json, "security", js_string(record->security));
	js_set(json, "secure_channel", js_string(record->requires));
	js_set(json, "port_id", js_int(record->port_id));
	js_set(json, "controller", js_string(controller ? controller->name : NULL));
	js_set(json, "cntlid", js_int(record->cntlid));
	return json;
}

/* What the discovery controller says of itself. */
static void add_controller(struct js *json, const struct ask_records *records)
{
	static const char *const kinds[] = { "", "direct", "central" };
	const struct nvme_identify *identify = &records->info.identify;
	struct js *controller = js_object();

	js_set(controller, "nqn", js_string(identify->subnqn));
	js_set(controller, "model", js_string(identify->model));
	js_set(controller, "serial", js_string(identify->serial));
	js_set(controller, "firmware", js_string(identify->firmware));
	js_set(controller, "kind", js_string(identify->dctype < 3 ? kinds[identify->dctype] : ""));
	js_set(controller, "events", js_bool(identify->oaes & NVME_OAES_DISCOVERY));
	js_set(json, "discovery_controller", controller);
	js_set(json, "generation", js_int((int64_t)records->log->genctr));
	js_set(json, "left_out", js_int((int64_t)(records->log->n_records - records->count)));
	js_set(json, "ms", js_int(records->ms));
}

static void add_row(const struct look *look, const struct host_record *record, struct table *table)
{
	const struct inventory_controller *controller = find_connected(look, record);
	CLEANUP_STR struct str address = STR_NULL;

	str_addf(&address, "%s ", record->transport);
	if (strcmp(record->family, "ipv6") == 0)
		str_addf(&address, "[%s]:%s", record->traddr, record->trsvcid);
	else
		str_addf(&address, "%s:%s", record->traddr, record->trsvcid);
	table_add(table, record->nqn);
	table_add(table, record->subtype);
	table_add(table, str_get(&address));
	table_add(table, strcmp(record->security, "none") == 0 ? "" : record->security);
	table_add(table, controller ? controller->name : "");
}

static void print(struct discovery *discovery, const struct tid *tid,
		  const struct ask_records *records)
{
	static const char *const names[] = { "NQN", "TYPE", "ADDRESS", "SECURITY", "CONNECTED" };
	CLEANUP_TABLE struct table table = TABLE(5);
	CLEANUP_STR struct str address = STR_NULL;
	size_t i;

	view_address(tid, &address);
	if (discovery->n_targets > 1)
		cli_say(&discovery->ctl->cli, "%s:\n", str_get(&address));
	for (i = 0; i < 5; i++)
		table_add(&table, names[i]);
	for (i = 0; i < records->count; i++)
		add_row(&discovery->look, &records->items[i], &table);
	if (records->count)
		cli_print_table(&discovery->ctl->cli, &table, "");
	else
		cli_say(&discovery->ctl->cli, "%s shows this host nothing\n", str_get(&address));
}

static void add_json(struct discovery *discovery, const struct tid *tid,
		     const struct ask_records *records, const struct err *failure)
{
	struct js *json = js_object();
	struct js *list = js_array();
	size_t i;

	for (i = 0; i < records->count; i++)
		js_append(list, record_json(&discovery->look, &records->items[i]));
	js_set(json, "transport", js_string(tid->transport));
	js_set(json, "address", js_string(tid->traddr));
	js_set(json, "service", js_string(tid->trsvcid));
	js_set(json, "ok", js_bool(!failure));
	if (failure)
		js_set(json, "message", js_string(failure->text));
	js_set(json, "records", list);
	if (records->log)
		add_controller(json, records);
	js_append(discovery->json, json);
}

/* --- the verb */

static void tell_one(struct discovery *discovery, struct ask_target *target)
{
	CLEANUP_STR struct str address = STR_NULL;
	bool failed = target->r < 0;

	if (failed) {
		view_address(target->tid, &address);
		err_prefix(&target->err, "%s: ", str_get(&address));
	}
	if (discovery->json)
		add_json(discovery, target->tid, &target->records, failed ? &target->err : NULL);
	else if (!failed)
		print(discovery, target->tid, &target->records);
}

static int tell_all(struct discovery *discovery, struct ask_target *asked, struct err *err)
{
	const struct ask_target *first = NULL;
	size_t i;

	for (i = 0; i < discovery->n_targets; i++) {
		tell_one(discovery, &asked[i]);
		if (asked[i].r == 0)
			continue;
		if (discovery->n_failed++ == 0)
			first = &asked[i];
		if (discovery->n_targets > 1)
			cli_warn(&discovery->ctl->cli, "%s", asked[i].err.text);
	}
	if (!first)
		return 0;
	if (discovery->n_failed < discovery->n_targets) {
		discovery->ctl->cli.status = CLI_PARTLY;
		return err_set(err, -EIO, "%zu of %zu targets could not be asked",
			       discovery->n_failed, discovery->n_targets);
	}
	/* the target's no is not this host's */
	if (first->r == -EACCES)
		discovery->ctl->cli.status = CLI_FAILED;
	*err = first->err;
	return first->r;
}

static int ask_targets(struct discovery *discovery, struct err *err)
{
	size_t n = discovery->n_targets;
	CLEANUP_FREE struct ask_target *asked = calloc(n, sizeof(*asked));
	size_t i;
	int r;

	if (!asked)
		return err_nomem(err);
	for (i = 0; i < n; i++)
		asked[i].tid = &discovery->targets[i];
	ask_all(discovery->ctl, &discovery->look.host, asked, n);
	r = tell_all(discovery, asked, err);
	for (i = 0; i < n; i++)
		ask_records_deinit(&asked[i].records);
	return r;
}

static int run(struct discovery *discovery, struct err *err)
{
	struct host_identity host;
	int r = look_read(discovery->ctl, &discovery->look, err);

	if (r == 0)
		r = find_targets(discovery, err);
	if (r == 0)
		r = ctl_identity(discovery->ctl, &host, err);
	if (r < 0)
		return r;
	discovery->look.host = host;
	return ask_targets(discovery, err);
}

int cmd_discover(struct ctl *ctl, struct err *err)
{
	CLEANUP_FREE struct discovery *discovery = calloc(1, sizeof(*discovery));
	int r;

	if (!discovery)
		return err_nomem(err);
	discovery->ctl = ctl;
	discovery->json = ctl->cli.result ? js_array() : NULL;
	r = run(discovery, err);
	look_deinit(&discovery->look);
	if (ctl->cli.result)
		js_set(ctl->cli.result, "targets", discovery->json);
	return r;
}
