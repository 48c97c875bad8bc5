/* SPDX-License-Identifier: BSD-3-Clause */
/* status, watch: what nvmet-sunfishd knows. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/table.h"
#include "target/ctl.h"
#include "target/remote.h"

static int explain(int r, struct err *err)
{
	if (r != -ENOENT && r != -ECONNREFUSED)
		return r;
	return err_set(err, r,
		       "nvmet-sunfishd does not run: exports are as the last command left them, "
		       "and nobody waits for drives and addresses; systemctl start nvmet-sunfishd");
}

static const char *text_of(const struct js *js, const char *key)
{
	const char *text = js_text(js_get(js, key));

	return text ? text : "";
}

/* --- status */

static void add_row(const struct js *export, struct table *table)
{
	const struct js *waiting_for = js_get(export, "waiting_for");
	size_t n = js_length(waiting_for);
	const char *first = n ? js_text(js_at(waiting_for, 0)) : "";

	table_add(table, text_of(export, "nqn"));
	table_add(table, text_of(export, "state"));
	table_add(table, text_of(export, "wanted"));
	if (n > 1)
		table_addf(table, "%s (and %zu more)", first ? first : "", n - 1);
	else
		table_add(table, first);
}

static void add_exports(const struct js *exports, struct str *text)
{
	CLEANUP_TABLE struct table table = TABLE(4);
	size_t i;

	table_add(&table, "NQN");
	table_add(&table, "STATE");
	table_add(&table, "WANTED BY");
	table_add(&table, "WAITS FOR");
	for (i = 0; i < js_length(exports); i++)
		add_row(js_at(exports, i), &table);
	if (js_length(exports))
		table_format(&table, "", text);
	else
		str_add(text, "nothing is exported or stored\n");
}

static void add_drift(const struct js *exports, struct str *text)
{
	size_t i;
	size_t j;

	for (i = 0; i < js_length(exports); i++) {
		const struct js *drift = js_get(js_at(exports, i), "drift");

		for (j = 0; j < js_length(drift); j++)
			str_addf(text, "changed by others: %s\n", js_text(js_at(drift, j)));
	}
}

static void add_jobs(const struct js *jobs, struct str *text)
{
	char span[CLOCK_TEXT_MAX];
	size_t i;

	for (i = 0; i < js_length(jobs); i++) {
		const struct js *job = js_at(jobs, i);
		int64_t since = js_number(js_get(job, "since_ms"), 0);

		str_addf(text, "%s for %s: %s\n", text_of(job, "state"),
			 clock_format_span(clock_wall_ms() - since, span), text_of(job, "what"));
	}
}

static void add_hung(const struct js *hung, struct str *text)
{
	size_t i;

	for (i = 0; i < js_length(hung); i++)
		str_addf(text,
			 "the kernel hangs with %s: a drive does not answer (see: dmesg); it is "
			 "shown as it was\n",
			 js_text(js_at(hung, i)));
}

static void add_collector(const struct js *collector, struct str *text)
{
	char when[CLOCK_TEXT_MAX];

	if (!collector)
		return;
	str_addf(text, "collector %s: %s", text_of(collector, "url"),
		 js_is_true(js_get(collector, "connected")) ? "connected" : "not connected");
	if (js_number(js_get(collector, "since_ms"), 0))
		str_addf(text, ", last answer %s",
			 clock_format(js_number(js_get(collector, "since_ms"), 0), when));
	if (*text_of(collector, "error"))
		str_addf(text, ": %s", text_of(collector, "error"));
	str_add(text, "\n");
	if (js_number(js_get(collector, "lost"), 0))
		str_addf(text, "  %" PRId64 " events were lost: %s\n",
			 js_number(js_get(collector, "lost"), 0), text_of(collector, "lost_why"));
	if (*text_of(collector, "in_memory"))
		str_addf(text, "  events are kept in memory only: %s\n",
			 text_of(collector, "in_memory"));
	if (js_number(js_get(collector, "refused"), 0))
		str_addf(text, "  %" PRId64 " events were refused by it and set aside\n",
			 js_number(js_get(collector, "refused"), 0));
}

static void merge(struct js *to, const struct js *from)
{
	size_t i;

	for (i = 0; i < js_length(from); i++)
		js_set(to, js_key_at(from, i), js_ref(js_value_at(from, i)));
}

int cmd_status(struct ctl *ctl, struct err *err)
{
	CLEANUP_JS struct js *status = NULL;
	CLEANUP_STR struct str text = STR_NULL;
	int r = explain(remote_get_status(ctl->run_path, &status, err), err);

	if (r < 0)
		return r;
	if (ctl->cli.result)
		merge(ctl->cli.result, status);
	str_addf(&text, "%s, process %lld\n", text_of(status, "program"),
		 (long long)js_number(js_get(status, "pid"), 0));
	add_collector(js_get(status, "collector"), &text);
	str_add(&text, "\n");
	add_exports(js_get(status, "exports"), &text);
	add_drift(js_get(status, "exports"), &text);
	add_hung(js_get(status, "hung"), &text);
	add_jobs(js_get(status, "jobs"), &text);
	if (text.failed)
		return err_nomem(err);
	str_clean(text.text);
	cli_print(&ctl->cli, str_get(&text));
	return 0;
}

/* --- watch */

static void print_event(const struct rpc_message *message, bool json)
{
	CLEANUP_JS struct js *event = NULL;
	CLEANUP_STR struct str text = STR_NULL;
	char when[CLOCK_TEXT_MAX];
	const char *state;

	if (json) {
		printf("%s\n", message->text);
		return;
	}
	if (js_parse(message->text, message->length, &event, NULL) < 0)
		return;
	state = text_of(js_get(event, "object"), "state");
	str_addf(&text, "%s  %s %s %s%s%s  (%s)",
		 clock_format(js_number(js_get(event, "time"), 0), when), text_of(event, "kind"),
		 text_of(event, "id"), text_of(event, "type"), *state ? ": " : "", state,
		 text_of(event, "cause"));
	if (text.text)
		str_clean(text.text);
	printf("%s\n", str_get(&text));
}

int cmd_watch(struct ctl *ctl, struct err *err)
{
	CLEANUP_CLOSE int fd = -1;
	bool json = ctl->cli.result != NULL;
	int r = explain(remote_watch(ctl->run_path, &fd, err), err);

	while (r == 0) {
		CLEANUP_RPC_MESSAGE struct rpc_message message = RPC_MESSAGE_NULL;

		r = rpc_client_receive(fd, INT64_MAX, &message, err);
		if (r < 0)
			break;
		ctl->cli.is_answered = true;
		print_event(&message, json);
		if (fflush(stdout) != 0)
			return 0;
	}
	if (r == -EPIPE)
		err_set(err, r, "nvmet-sunfishd has ended");
	return r;
}
