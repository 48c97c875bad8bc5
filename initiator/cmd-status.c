/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/wait.h"
#include "initiator/client.h"
#include "initiator/ctl.h"
#include "initiator/look.h"
#include "initiator/view.h"

#define ANSWER_MS 3000

static const char *state_of(const struct look *look, const struct look_wanted *wanted)
{
	const struct inventory_controller *controller =
		inventory_find_tid(look->inventory, &wanted->tid, look->host.hostnqn);

	if (*wanted->state)
		return wanted->state;
	if (!controller)
		return "missing";
	return paths_is_live(controller) ? "up" : controller->state;
}

static void add_wanted(const struct look *look, const struct look_wanted *wanted,
		       struct table *table)
{
	const char *state = state_of(look, wanted);
	CLEANUP_STR struct str address = STR_NULL;
	char span[CLOCK_TEXT_MAX];

	view_address(&wanted->tid, &address);
	table_add(table, wanted->tid.nqn);
	table_add(table, str_get(&address));
	table_add_tinted(table, strcmp(state, "up") == 0 ? TABLE_GOOD : TABLE_BAD, state);
	table_add(table, wanted->source);
	table_add(table, wanted->next_ms > look->now_ms
				 ? clock_format_span(wanted->next_ms - look->now_ms, span)
				 : "");
	table_add(table, wanted->why);
}

static void print_wanted(struct ctl *ctl, const struct look *look)
{
	static const char *const names[] = { "NQN",	  "ADDRESS",	 "STATE",
					     "WANTED BY", "NEXT TRY IN", "LAST ERROR" };
	CLEANUP_TABLE struct table table = TABLE(6);
	size_t i;

	if (look->n_wanted == 0) {
		cli_say(&ctl->cli, "%s\n",
			look->is_partial ? "only root sees what is wanted" : "nothing is wanted");
		return;
	}
	for (i = 0; i < 6; i++)
		table_add(&table, names[i]);
	for (i = 0; i < look->n_wanted; i++)
		add_wanted(look, &look->wanted[i], &table);
	cli_print_table(&ctl->cli, &table, "");
}

static struct js *wanted_json(const struct look *look)
{
	struct js *list = js_array();
	char text[TID_TEXT_MAX];
	size_t i;

	for (i = 0; i < look->n_wanted; i++) {
		const struct look_wanted *wanted = &look->wanted[i];
		struct js *json = js_object();

		js_set(json, "connection", js_string(tid_format(&wanted->tid, text)));
		js_set(json, "nqn", js_string(wanted->tid.nqn));
		js_set(json, "state", js_string(state_of(look, wanted)));
		js_set(json, "source", js_string(wanted->source));
		js_set(json, "attempts", js_int(wanted->attempts));
		if (wanted->next_ms)
			js_set(json, "next_ms", js_int(wanted->next_ms));
		if (*wanted->why)
			js_set(json, "error", js_string(wanted->why));
		js_append(list, json);
	}
	return list;
}

static void add_collector(const struct js *collector, struct str *text)
{
	const char *url = js_text(js_get(collector, "url"));
	const char *error = js_text(js_get(collector, "error"));
	const char *why = js_text(js_get(collector, "lost_why"));

	str_add(text, "collector: ");
	if (!js_is_true(js_get(collector, "configured")) && !url) {
		str_add(text, "none is configured\n");
		return;
	}
	str_add_clean(text, url ? url : "configured");
	str_add(text,
		js_is_true(js_get(collector, "connected")) ? ", connected" : ", not connected");
	if (error && *error) {
		str_add(text, ": ");
		str_add_clean(text, error);
	}
	str_add(text, "\n");
	if (js_number(js_get(collector, "lost"), 0)) {
		str_addf(text, "  %" PRId64 " events were lost: ",
			 js_number(js_get(collector, "lost"), 0));
		str_add_clean(text, why ? why : "");
		str_add(text, "\n");
	}
	if (js_text(js_get(collector, "in_memory")))
		str_addf(text, "  events are kept in memory only: %s\n",
			 js_text(js_get(collector, "in_memory")));
	if (js_number(js_get(collector, "refused"), 0))
		str_addf(text, "  %" PRId64 " events were refused by it and set aside\n",
			 js_number(js_get(collector, "refused"), 0));
}

static void print_daemon(struct ctl *ctl, const struct js *status)
{
	const char *program = js_text(js_get(status, "program"));
	int64_t since = js_number(js_get(status, "since"), 0);
	CLEANUP_STR struct str text = STR_NULL;
	char span[CLOCK_TEXT_MAX];

	str_add_clean(&text, program ? program : "nvme-sunfishd");
	str_addf(&text, " runs, process %lld", (long long)js_number(js_get(status, "pid"), 0));
	if (since)
		str_addf(&text, ", for %s", clock_format_span(clock_wall_ms() - since, span));
	str_add(&text, "\n");
	add_collector(js_get(status, "collector"), &text);
	cli_print(&ctl->cli, str_get(&text));
}

static void tell_absent(struct ctl *ctl, int r)
{
	if (client_is_absent(r))
		cli_say(&ctl->cli,
			"nvme-sunfishd does not run: what is lost is connected again by the "
			"kernel only, until that gives up\n");
	else if (r == -EACCES)
		cli_say(&ctl->cli, "only root may ask nvme-sunfishd\n");
}

int cmd_status(struct ctl *ctl, struct err *err)
{
	CLEANUP_LOOK struct look look = LOOK_NULL;
	CLEANUP_JS struct js *daemon = NULL;
	struct err why = ERR_NULL;
	int r = look_read(ctl, &look, err);

	if (r < 0)
		return r;
	if (look.has_daemon && client_ask(ctl->socket_path, REQUEST_STATUS,
					  wait_deadline(ANSWER_MS), &daemon, &why) < 0)
		cli_warn(&ctl->cli, "nvme-sunfishd does not say how it is: %s", why.text);
	if (ctl->cli.result) {
		js_set(ctl->cli.result, "daemon", daemon ? js_ref(daemon) : js_string(NULL));
		js_set(ctl->cli.result, "wanted", wanted_json(&look));
		return 0;
	}
	if (daemon)
		print_daemon(ctl, daemon);
	else
		tell_absent(ctl, look.daemon_code);
	cli_say(&ctl->cli, "this host: %s%s\n",
		*look.host.hostnqn ? look.host.hostnqn : "has no NQN",
		look.host.made_up ? " (no /etc/nvme/hostnqn: after the machine id)" : "");
	print_wanted(ctl, &look);
	return 0;
}
