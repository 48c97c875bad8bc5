/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/top.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "ctl/view.h"

#define N_COUNTERS 4
#define RATE_HOLDS_MS 25000 /* without a step for so long nothing is read or written */
#define ROWS_PER_LIST 10    /* where no terminal says how many fit */

static const char *const counter_names[N_COUNTERS] = { "read_bytes", "write_bytes", "read_ios",
						       "write_ios" };

/* One namespace's counters. */
struct rate {
	char *key; /* node and id */
	int64_t values[N_COUNTERS];
	double rates[N_COUNTERS];
	int64_t changed_ms;
	unsigned int steps; /* that were seen, 2 are enough */
	size_t item;	    /* in the list of namespaces, now */
};

struct top {
	struct js *documents[TOP_LISTS];
	struct rate *rates; /* in the order of the keys */
	size_t n_rates;
	unsigned int takes;
	int64_t first_ms;
	char why[256];
};

const char *top_path(enum top_list list)
{
	static const char *const paths[TOP_LISTS] = {
		[TOP_NODES] = "/nodes",
		[TOP_SUBSYSTEMS] = "/subsystems",
		[TOP_NAMESPACES] = "/namespaces",
		[TOP_CONTROLLERS] = "/objects?kind=controller",
		[TOP_ATTACHMENTS] = "/attachments",
		[TOP_EVENTS] = "/events?last=50",
	};

	return paths[list];
}

struct top *top_new(void)
{
	return calloc(1, sizeof(struct top));
}

static void free_rates(struct rate *rates, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		free(rates[i].key);
	free(rates);
}

void top_free(struct top *top)
{
	size_t i;

	if (!top)
		return;
	for (i = 0; i < TOP_LISTS; i++)
		js_free(top->documents[i]);
	free_rates(top->rates, top->n_rates);
	free(top);
}

void top_fail(struct top *top, const char *why)
{
	snprintf(top->why, sizeof(top->why), "%s", why);
}

static const struct js *items_of(const struct top *top, enum top_list list)
{
	return js_get(top->documents[list], "items");
}

/* --- rates */

static int compare_keys(const void *a, const void *b)
{
	return strcmp(((const struct rate *)a)->key, ((const struct rate *)b)->key);
}

static struct rate *find_rate(const struct top *top, const char *key)
{
	struct rate wanted = { .key = (char *)key };

	return top->n_rates
		       ? bsearch(&wanted, top->rates, top->n_rates, sizeof(wanted), compare_keys)
		       : NULL;
}

static void read_counters(const struct js *item, int64_t values[N_COUNTERS])
{
	const struct js *counters = js_get(item, "counters");
	size_t i;

	for (i = 0; i < N_COUNTERS; i++)
		values[i] = js_number(js_get(counters, counter_names[i]), 0);
}

/* What was known before, and what is between that and now. */
static void step(struct rate *rate, const struct rate *before, int64_t now_ms)
{
	bool is_back = false;
	bool is_same = true;
	size_t i;

	for (i = 0; before && i < N_COUNTERS; i++) {
		is_same &= rate->values[i] == before->values[i];
		is_back |= rate->values[i] < before->values[i];
	}
	rate->changed_ms = now_ms;
	if (!before || is_back)
		return;
	rate->steps = before->steps;
	memcpy(rate->rates, before->rates, sizeof(rate->rates));
	if (is_same) {
		rate->changed_ms = before->changed_ms;
		return;
	}
	rate->steps += rate->steps < 2;
	for (i = 0; i < N_COUNTERS && now_ms > before->changed_ms; i++)
		rate->rates[i] = (double)(rate->values[i] - before->values[i]) * 1000 /
				 (double)(now_ms - before->changed_ms);
}

static int make_rate(const struct top *top, size_t index, int64_t now_ms, struct rate *ret)
{
	const struct js *item = js_at(items_of(top, TOP_NAMESPACES), index);
	CLEANUP_STR struct str key = STR_NULL;

	str_addf(&key, "%s %s", view_text(item, "node"), view_text(item, "id"));
	*ret = (struct rate){ .key = str_take(&key), .item = index };
	if (!ret->key)
		return -ENOMEM;
	read_counters(item, ret->values);
	step(ret, find_rate(top, ret->key), now_ms);
	return 0;
}

static int take_rates(struct top *top, int64_t now_ms)
{
	size_t count = js_length(items_of(top, TOP_NAMESPACES));
	struct rate *rates = calloc(count + 1, sizeof(*rates));
	size_t i;
	int r = rates ? 0 : -ENOMEM;

	for (i = 0; r == 0 && i < count; i++)
		r = make_rate(top, i, now_ms, &rates[i]);
	if (r < 0) {
		if (rates)
			free_rates(rates, count);
		return r;
	}
	qsort(rates, count, sizeof(*rates), compare_keys);
	free_rates(top->rates, top->n_rates);
	top->rates = rates;
	top->n_rates = count;
	return 0;
}

int top_take(struct top *top, struct js *take_documents[TOP_LISTS], int64_t now_ms)
{
	size_t i;

	for (i = 0; i < TOP_LISTS; i++) {
		js_free(top->documents[i]);
		top->documents[i] = take_documents[i];
	}
	top->why[0] = '\0';
	if (top->takes++ == 0)
		top->first_ms = now_ms;
	return take_rates(top, now_ms);
}

/* Returns: is it known? */
static bool rate_now(const struct top *top, const struct rate *rate, int64_t now_ms,
		     double ret[N_COUNTERS])
{
	size_t i;

	for (i = 0; i < N_COUNTERS; i++)
		ret[i] = 0;
	if (now_ms - rate->changed_ms > RATE_HOLDS_MS)
		return now_ms - top->first_ms > RATE_HOLDS_MS;
	if (rate->steps < 2)
		return false;
	for (i = 0; i < N_COUNTERS; i++)
		ret[i] = rate->rates[i];
	return true;
}

/* --- counting */

static size_t count_state(const struct js *items, const char *state)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < js_length(items); i++)
		n += strcmp(view_text(js_at(items, i), "state"), state) == 0 &&
		     !js_is_true(js_get(js_at(items, i), "stale"));
	return n;
}

static size_t count_stale(const struct js *items)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < js_length(items); i++)
		n += js_is_true(js_get(js_at(items, i), "stale"));
	return n;
}

struct nodes {
	size_t online;
	size_t lost;
};

static struct nodes count_nodes(const struct js *items)
{
	struct nodes nodes = { 0 };
	size_t i;
	size_t j;

	for (i = 0; i < js_length(items); i++) {
		const struct js *roles = js_get(js_at(items, i), "roles");
		bool is_lost = false;

		for (j = 0; j < js_length(roles); j++)
			is_lost |= strcmp(view_text(js_value_at(roles, j), "state"), "lost") == 0;
		nodes.lost += is_lost;
		nodes.online += !is_lost && js_length(roles) > 0;
	}
	return nodes;
}

static bool is_io(const struct js *controller)
{
	return strcmp(view_text(controller, "type"), "discovery") != 0;
}

struct paths {
	size_t live;
	size_t lost;
	size_t stale; /* nobody knows */
};

static struct paths count_paths(const struct js *items)
{
	struct paths paths = { 0 };
	size_t i;

	for (i = 0; i < js_length(items); i++) {
		if (!is_io(js_at(items, i)))
			continue;
		if (js_is_true(js_get(js_at(items, i), "stale")))
			paths.stale++;
		else if (strcmp(view_text(js_at(items, i), "state"), "live") == 0)
			paths.live++;
		else
			paths.lost++;
	}
	return paths;
}

/* --- drawing */

struct draw {
	const struct top *top;
	const struct top_frame *frame;
	struct str *text;
};

static void add_count(const struct draw *draw, const char *before, size_t count,
		      enum table_tint tint, const char *word)
{
	char text[64];

	snprintf(text, sizeof(text), "%zu %s", count, word);
	str_add(draw->text, before);
	table_tint(draw->text, draw->frame->style.colours, count ? tint : TABLE_PLAIN, text);
}

static void draw_head(const struct draw *draw)
{
	char time[VIEW_TIME_MAX];
	CLEANUP_STR struct str line = STR_NULL;

	str_addf(&line, "%s  %.19s", draw->frame->url, view_time(draw->frame->wall_ms, time));
	table_tint(draw->text, draw->frame->style.colours, TABLE_STRONG, str_get(&line));
	if (*draw->top->why) {
		CLEANUP_STR struct str why = STR_NULL;

		str_add(draw->text, "  ");
		str_add_clean(&why, draw->top->why);
		table_tint(draw->text, draw->frame->style.colours, TABLE_BAD, str_get(&why));
	}
	str_add(draw->text, "\n");
}

static void draw_counts(const struct draw *draw)
{
	const struct js *subsystems = items_of(draw->top, TOP_SUBSYSTEMS);
	const struct js *namespaces = items_of(draw->top, TOP_NAMESPACES);
	struct paths paths = count_paths(items_of(draw->top, TOP_CONTROLLERS));
	const struct js *attachments = items_of(draw->top, TOP_ATTACHMENTS);
	struct nodes nodes = count_nodes(items_of(draw->top, TOP_NODES));

	add_count(draw, "nodes        ", nodes.online, TABLE_GOOD, "online");
	add_count(draw, ", ", nodes.lost, TABLE_BAD, "lost");
	add_count(draw, "\nsubsystems   ", count_state(subsystems, "active"), TABLE_GOOD, "active");
	add_count(draw, ", ", count_state(subsystems, "waiting"), TABLE_WARN, "waiting");
	add_count(draw, ", ", count_state(subsystems, "partly"), TABLE_WARN, "partly");
	add_count(draw, ", ", count_state(subsystems, "failed"), TABLE_BAD, "failed");
	add_count(draw, ", ", count_stale(subsystems), TABLE_DIM, "stale");
	add_count(draw, "\nnamespaces   ", count_state(namespaces, "active"), TABLE_GOOD, "active");
	add_count(draw, ", ", count_state(namespaces, "missing"), TABLE_BAD, "missing");
	add_count(draw, ", ", count_state(namespaces, "hung"), TABLE_BAD, "hung");
	add_count(draw, "\npaths        ", paths.live, TABLE_GOOD, "live");
	add_count(draw, ", ", paths.lost, TABLE_BAD, "lost");
	add_count(draw, ", ", paths.stale, TABLE_DIM, "stale");
	add_count(draw, "\nattachments  ", count_state(attachments, "attached"), TABLE_GOOD,
		  "attached");
	add_count(draw, ", ", count_state(attachments, "attaching"), TABLE_WARN, "attaching");
	add_count(draw, ", ", count_state(attachments, "detaching"), TABLE_WARN, "detaching");
	add_count(draw, ", ", count_state(attachments, "failed"), TABLE_BAD, "failed");
	str_add(draw->text, "\n");
}

static void add_table(const struct draw *draw, const struct table *table)
{
	if (table_rows(table) == 0 && !table->failed)
		return;
	str_add(draw->text, "\n");
	table_format_styled(table, &draw->frame->style, "", draw->text);
}

static void add_titles(struct table *table, const char *const *titles)
{
	for (; *titles; titles++)
		table_add(table, *titles);
}

static void add_lost(struct table *table, const struct js *controller)
{
	CLEANUP_FREE char *address = view_address(controller);
	CLEANUP_FREE char *state = view_state(controller);
	int64_t lost_ms = js_number(js_get(controller, "lost_for_ms"), -1);
	char span[CLOCK_TEXT_MAX];

	table_add(table, view_text(controller, "node"));
	table_add(table, view_text(controller, "id"));
	table_add(table, view_text(controller, "nqn"));
	table_add(table, address);
	table_add_tinted(table, TABLE_BAD, state);
	table_add(table, lost_ms < 0 ? "" : clock_format_span(lost_ms, span));
	table_add(table, view_text(controller, "cause"));
}

static void draw_lost(const struct draw *draw, size_t rows)
{
	static const char *const titles[] = { "LOST PATH", "CONTROLLER", "NQN",	  "LISTENER",
					      "STATE",	   "FOR",	 "CAUSE", NULL };
	const struct js *items = items_of(draw->top, TOP_CONTROLLERS);
	CLEANUP_TABLE struct table table = TABLE(7);
	size_t i;

	add_titles(&table, titles);
	for (i = 0; i < js_length(items) && table_rows(&table) < rows; i++)
		if (is_io(js_at(items, i)) &&
		    strcmp(view_text(js_at(items, i), "state"), "live") != 0)
			add_lost(&table, js_at(items, i));
	add_table(draw, &table);
}

struct ranked {
	const struct rate *rate;
	double rates[N_COUNTERS];
	double bytes;
	bool is_known;
};

static int compare_ranks(const void *a, const void *b)
{
	const struct ranked *left = a;
	const struct ranked *right = b;

	if (left->bytes != right->bytes)
		return left->bytes < right->bytes ? 1 : -1;
	return strcmp(left->rate->key, right->rate->key);
}

/* The busiest first; *ret owned. */
static int rank(const struct top *top, int64_t now_ms, struct ranked **ret)
{
	struct ranked *ranked = calloc(top->n_rates + 1, sizeof(*ranked));
	size_t i;

	if (!ranked)
		return -ENOMEM;
	for (i = 0; i < top->n_rates; i++) {
		ranked[i].rate = &top->rates[i];
		ranked[i].is_known = rate_now(top, &top->rates[i], now_ms, ranked[i].rates);
		ranked[i].bytes = ranked[i].rates[0] + ranked[i].rates[1];
	}
	qsort(ranked, top->n_rates, sizeof(*ranked), compare_ranks);
	*ret = ranked;
	return 0;
}

static void add_rates(struct table *table, const struct top *top, const struct ranked *ranked)
{
	const struct js *item = js_at(items_of(top, TOP_NAMESPACES), ranked->rate->item);
	CLEANUP_FREE char *nsid = view_list(js_get(item, "nsid"));
	CLEANUP_FREE char *state = view_state(item);
	char text[STR_SIZE_MAX];
	size_t i;

	table_add(table, view_text(item, "node"));
	table_add(table, view_text(item, "nqn"));
	table_add(table, nsid);
	table_add_tinted(table, view_state_tint(state ? state : ""), state);
	for (i = 0; i < N_COUNTERS; i++) {
		if (!ranked->is_known)
			table_add(table, "");
		else if (i < 2)
			table_addf(table, "%s/s",
				   str_format_size((uint64_t)ranked->rates[i], text));
		else
			table_addf(table, "%.0f", ranked->rates[i]);
	}
}

static void draw_io(const struct draw *draw, size_t rows)
{
	static const char *const titles[] = { "I/O ON", "NQN",	   "NSID",     "STATE", "READ",
					      "WRITE",	"READS/s", "WRITES/s", NULL };
	CLEANUP_TABLE struct table table = TABLE(8);
	CLEANUP_FREE struct ranked *ranked = NULL;
	size_t i;

	if (rank(draw->top, draw->frame->now_ms, &ranked) < 0) {
		draw->text->failed = true;
		return;
	}
	add_titles(&table, titles);
	for (i = 0; i < draw->top->n_rates && i < rows; i++)
		add_rates(&table, draw->top, &ranked[i]);
	add_table(draw, &table);
}

/* The newest at the bottom. */
static void draw_events(const struct draw *draw, size_t rows)
{
	const struct js *items = items_of(draw->top, TOP_EVENTS);
	size_t count = js_length(items);
	size_t i;

	if (count == 0 || rows == 0)
		return;
	str_add(draw->text, "\n");
	table_tint(draw->text, draw->frame->style.colours, TABLE_STRONG, "EVENTS");
	str_add(draw->text, "\n");
	for (i = count > rows ? count - rows : 0; i < count; i++)
		view_event_line(js_at(items, i), draw->frame->style.colours, draw->text);
}

static size_t count_lines(const struct str *text)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < text->length; i++)
		n += text->text[i] == '\n';
	return n;
}

/* What is left of the terminal, without the @own lines that a list has beside its rows. */
static size_t rows_left(const struct draw *draw, size_t own)
{
	size_t used = count_lines(draw->text) + own;

	if (draw->frame->rows == 0)
		return ROWS_PER_LIST;
	return draw->frame->rows > used ? draw->frame->rows - used : 0;
}

void top_format(const struct top *top, const struct top_frame *frame, struct str *text)
{
	struct draw draw = { top, frame, text };

	draw_head(&draw);
	draw_counts(&draw);
	/* lost paths get a third, I/O half of what is left, events the rest */
	draw_lost(&draw, rows_left(&draw, 6) / 3);
	draw_io(&draw, rows_left(&draw, 4) / 2);
	draw_events(&draw, rows_left(&draw, 3));
}

/* --- for programs */

static struct js *counts_json(const struct top *top)
{
	struct nodes nodes = count_nodes(items_of(top, TOP_NODES));
	struct paths paths = count_paths(items_of(top, TOP_CONTROLLERS));
	struct js *counts = js_object();

	js_set(counts, "nodes_online", js_int((int64_t)nodes.online));
	js_set(counts, "nodes_lost", js_int((int64_t)nodes.lost));
	js_set(counts, "subsystems_active",
	       js_int((int64_t)count_state(items_of(top, TOP_SUBSYSTEMS), "active")));
	js_set(counts, "namespaces_active",
	       js_int((int64_t)count_state(items_of(top, TOP_NAMESPACES), "active")));
	js_set(counts, "paths_live", js_int((int64_t)paths.live));
	js_set(counts, "paths_lost", js_int((int64_t)paths.lost));
	js_set(counts, "paths_stale", js_int((int64_t)paths.stale));
	js_set(counts, "attached",
	       js_int((int64_t)count_state(items_of(top, TOP_ATTACHMENTS), "attached")));
	return counts;
}

struct js *top_json(const struct top *top, int64_t now_ms)
{
	CLEANUP_FREE struct ranked *ranked = NULL;
	struct js *json;
	struct js *list;
	size_t i;
	size_t j;

	if (rank(top, now_ms, &ranked) < 0)
		return NULL;
	json = js_object();
	list = js_array();
	for (i = 0; i < top->n_rates; i++) {
		const struct js *item = js_at(items_of(top, TOP_NAMESPACES), ranked[i].rate->item);
		struct js *rate = js_object();

		js_set(rate, "node", js_string(view_text(item, "node")));
		js_set(rate, "id", js_string(view_text(item, "id")));
		for (j = 0; ranked[i].is_known && j < N_COUNTERS; j++) {
			CLEANUP_STR struct str key = STR_NULL;

			str_addf(&key, "%s_per_second", counter_names[j]);
			js_set(rate, str_get(&key), js_int((int64_t)ranked[i].rates[j]));
		}
		js_append(list, rate);
	}
	js_set(json, "counts", counts_json(top));
	js_set(json, "io", list);
	js_set(json, "events", js_ref(items_of(top, TOP_EVENTS)));
	return json;
}
