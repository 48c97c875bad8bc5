/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/view.h"

#define LAST 100
#define LAST_FILTERED "10000" /* so many are looked through for those that fit */
#define RETRY_FIRST_MS 500
#define RETRY_MOST_MS 10000
#define ID_MAX 128

static void add_filters(const struct ctl *ctl, struct str *path)
{
	client_add_query(path, "node", ctl->opt.node);
	client_add_query(path, "kind", ctl->opt.kind);
}

static bool is_or_any(const char *wanted, const struct js *object, const char *key)
{
	return !wanted || strcmp(view_text(object, key), wanted) == 0;
}

/* Of that host itself, or about it. */
static bool is_of_host(const char *host, const struct js *event, const struct js *object)
{
	return is_or_any(host, object, "hostnqn") || is_or_any(host, object, "host") ||
	       (strcmp(view_text(event, "role"), "initiator") == 0 &&
		is_or_any(host, event, "node"));
}

/* What only the object itself tells is not asked of the collector. */
static bool fits(const struct ctl *ctl, const struct js *event)
{
	const struct js *object = js_get(event, "object");

	return is_or_any(ctl->opt.nqn, object, "nqn") && is_of_host(ctl_host(ctl), event, object) &&
	       is_or_any(ctl->opt.state, object, "state");
}

static bool has_filter(const struct ctl *ctl)
{
	return ctl->opt.node || ctl->opt.kind || ctl->opt.nqn || ctl_host(ctl) || ctl->opt.state;
}

/* Those that fit, and of these the last ones if they were not asked for from an id on. */
static struct js *select_events(const struct ctl *ctl, const struct js *items)
{
	size_t most = ctl->opt.limit ? (size_t)ctl->opt.limit : LAST;
	CLEANUP_JS struct js *fitting = js_array();
	struct js *last = js_array();
	size_t i;

	for (i = 0; i < js_length(items); i++)
		if (fits(ctl, js_at(items, i)))
			js_append(fitting, js_ref(js_at(items, i)));
	i = ctl->opt.after < 0 && js_length(fitting) > most ? js_length(fitting) - most : 0;
	for (; i < js_length(fitting); i++)
		js_append(last, js_ref(js_at(fitting, i)));
	return last;
}

/* --- events */

static int get_events(struct ctl *ctl, struct js **ret, struct err *err)
{
	CLEANUP_STR struct str path = STR_NULL;
	CLEANUP_JS struct js *document = NULL;
	char limit[ID_MAX];
	char after[ID_MAX];
	int r;

	snprintf(limit, sizeof(limit), "%" PRId64, ctl->opt.limit ? ctl->opt.limit : LAST);
	snprintf(after, sizeof(after), "%" PRId64, ctl->opt.after);
	str_add(&path, "/events");
	client_add_query(&path, "after", ctl->opt.after < 0 ? NULL : after);
	if (ctl->opt.after >= 0)
		client_add_query(&path, "limit", limit);
	else
		client_add_query(&path, "last", has_filter(ctl) ? LAST_FILTERED : limit);
	add_filters(ctl, &path);
	if (path.failed)
		return err_nomem(err);
	r = client_get(ctl->client, str_get(&path), &document, err);
	if (r == 0)
		*ret = select_events(ctl, js_get(document, "items"));
	return r;
}

int cmd_events(struct ctl *ctl, struct err *err)
{
	CLEANUP_TABLE struct table table = TABLE(VIEW_EVENT_COLUMNS);
	CLEANUP_JS struct js *events = NULL;
	size_t i;
	int r = get_events(ctl, &events, err);

	if (r < 0)
		return r;
	if (ctl->cli.result) {
		js_set(ctl->cli.result, "events", js_ref(events));
		return 0;
	}
	view_event_header(&table);
	for (i = 0; i < js_length(events); i++)
		view_event_row(js_at(events, i), &table);
	ctl_print_table(ctl, &table,
			ctl->opt.after >= 0 || has_filter(ctl) ? "no event fits what was asked for"
							       : "nothing has happened yet");
	return 0;
}

/* --- watch */

struct watch {
	struct ctl *ctl;
	char last[ID_MAX]; /* "" nothing came yet, and nothing was there */
	int64_t count;
	bool is_open;  /* something came over this stream */
	bool was_open; /* over one before */
};

static void set_last(struct watch *watch, const char *id)
{
	if (*id && strlen(id) < sizeof(watch->last))
		snprintf(watch->last, sizeof(watch->last), "%s", id);
}

static int print_event(struct ctl *ctl, const struct js *event)
{
	CLEANUP_FREE char *json = NULL;
	CLEANUP_STR struct str line = STR_NULL;

	if (ctl->cli.json) {
		json = js_format(event, JS_COMPACT);
		if (json)
			puts(json);
	} else {
		view_event_line(event, ctl->style.colours, &line);
		fputs(str_get(&line), stdout);
	}
	/* whoever reads it through a pipe wants it now */
	return fflush(stdout) == 0 && (json || line.length) ? 0 : -EIO;
}

static int on_event(void *data, const char *id, const struct js *event)
{
	struct watch *watch = data;
	int r;

	if (!watch->is_open && watch->was_open)
		cli_warn(&watch->ctl->cli,
			 "connected again; nothing was missed, it goes on behind event %s",
			 *watch->last ? watch->last : "0");
	watch->is_open = true;
	if (!event)
		return 0;
	set_last(watch, id);
	if (!fits(watch->ctl, event))
		return 0;
	r = print_event(watch->ctl, event);
	if (r == 0 && ++watch->count == watch->ctl->opt.limit)
		return 1;
	return r;
}

/* So that a break before the first event loses none: begin behind the last one there is. */
static int find_last(struct watch *watch, struct err *err)
{
	CLEANUP_JS struct js *document = NULL;
	CLEANUP_FREE char *id = NULL;
	int r;

	if (watch->ctl->opt.after >= 0) {
		snprintf(watch->last, sizeof(watch->last), "%" PRId64, watch->ctl->opt.after);
		return 0;
	}
	r = client_get(watch->ctl->client, "/events?last=1", &document, err);
	if (r < 0)
		return r;
	id = view_list(js_get(js_at(js_get(document, "items"), 0), "id"));
	set_last(watch, id && *id ? id : "0");
	return 0;
}

/* Does the collector answer no more, or did it never? */
static bool is_worth_retry(const struct watch *watch, int r)
{
	if (r >= 0)
		return false;
	if (r == -EPIPE)
		return true;
	return watch->was_open && r != -EINTR && r != -EPERM && r != -EINVAL && r != -EIO &&
	       r != -ENOMEM;
}

static int watch_on(struct watch *watch, const char *path, struct err *err)
{
	int64_t wait_ms = RETRY_FIRST_MS;
	bool is_told = false;

	for (;;) {
		int r;

		watch->is_open = false;
		r = client_stream(watch->ctl->client, path, watch->last, on_event, watch, err);
		if (watch->is_open) {
			watch->was_open = true;
			wait_ms = RETRY_FIRST_MS;
			is_told = false;
		}
		if (r == -EPIPE)
			watch->was_open = true;
		if (!is_worth_retry(watch, r))
			return r;
		if (!is_told)
			cli_warn(&watch->ctl->cli, "%s; trying again until it is back", err->text);
		is_told = true;
		if (client_sleep(watch->ctl->client, wait_ms) < 0)
			return -EINTR;
		wait_ms = wait_ms * 2 < RETRY_MOST_MS ? wait_ms * 2 : RETRY_MOST_MS;
	}
}

int cmd_watch(struct ctl *ctl, struct err *err)
{
	struct watch watch = { .ctl = ctl };
	CLEANUP_STR struct str path = STR_NULL;
	int r = client_catch_signals(ctl->client, err);

	str_add(&path, "/events/stream");
	add_filters(ctl, &path);
	if (path.failed)
		return err_nomem(err);
	if (r == 0)
		r = find_last(&watch, err);
	if (r < 0)
		return r;
	/* one document a line, and none around them */
	js_free(ctl->cli.result);
	js_free(ctl->cli.warnings);
	ctl->cli.result = ctl->cli.warnings = NULL;
	r = watch_on(&watch, str_get(&path), err);
	/* to be ended by a person is its way to end */
	return r == -EINTR || r == 1 ? 0 : r;
}
