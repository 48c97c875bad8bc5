/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "nvmf/addr.h"

enum cell {
	CELL_TEXT,    /* text, number or list */
	CELL_STATE,   /* with a colour */
	CELL_SIZE,    /* bytes */
	CELL_YES,     /* yes, no */
	CELL_ADDRESS, /* transport, address and service of the item */
	CELL_PATHS,   /* live of all */
	CELL_HELD,    /* text, but not of what has ended */
	CELL_UNTIL,   /* a time that comes, but as above */
	CELL_COUNT,   /* how many there are in a list */
	CELL_SAYS,    /* who says so: sources of a place */
	CELL_TIME,
	CELL_WHY, /* the first that says something: error, why, waiting_for, drift, cause .. */
};

#define COLUMNS_MAX 9

struct column {
	const char *title;
	const char *key;
	enum cell cell;
};

struct view_listing {
	const char *verb;
	const char *path;
	const char *nothing;
	struct column columns[COLUMNS_MAX + 1];
};

static const struct view_listing listings[] = {
	{ "nodes",
	  "/nodes",
	  "no node has reported yet",
	  { { "NODE", NULL, 0 },
	    { "ROLE", NULL, 0 },
	    { "STATE", NULL, 0 },
	    { "FOR", NULL, 0 },
	    { "ADDRESS", NULL, 0 },
	    { "PROGRAM", NULL, 0 } } },
	{ "endpoints",
	  "/endpoints",
	  "no target listens",
	  { { "NODE", "node", CELL_TEXT },
	    { "LISTENER", NULL, CELL_ADDRESS },
	    { "STATE", NULL, CELL_STATE },
	    { "INTERFACE", "ifname", CELL_TEXT },
	    { "RDMA", "rdma_device", CELL_TEXT },
	    { "SUBSYSTEMS", "subsystems", CELL_TEXT } } },
	{ "subsystems",
	  "/subsystems",
	  "no target exports anything",
	  { { "NODE", "node", CELL_TEXT },
	    { "NQN", "nqn", CELL_TEXT },
	    { "STATE", NULL, CELL_STATE },
	    { "WANTED BY", "wanted", CELL_TEXT },
	    { "ANY HOST", "any_host", CELL_YES },
	    { "SERIAL", "serial", CELL_TEXT },
	    { "WHY", NULL, CELL_WHY } } },
	{ "namespaces",
	  "/namespaces",
	  "there is no namespace",
	  { { "NODE", "node", CELL_TEXT },
	    { "NQN", "nqn", CELL_TEXT },
	    { "NSID", "nsid", CELL_TEXT },
	    { "SIZE", "size_bytes", CELL_SIZE },
	    { "STATE", NULL, CELL_STATE },
	    { "DEVICE", "device", CELL_TEXT },
	    { "DRIVE", "drive", CELL_TEXT } } },
	{ "drives",
	  "/drives",
	  "no target has a drive",
	  { { "NODE", "node", CELL_TEXT },
	    { "PATH", "path", CELL_TEXT },
	    { "SIZE", "size_bytes", CELL_SIZE },
	    { "STATE", NULL, CELL_STATE },
	    { "MODEL", "model", CELL_TEXT },
	    { "SERIAL", "serial", CELL_TEXT },
	    { "WHY", NULL, CELL_WHY } } },
	{ "hosts",
	  "/hosts",
	  "no initiator has reported",
	  { { "NODE", "node", CELL_TEXT },
	    { "HOSTNQN", "hostnqn", CELL_TEXT },
	    { "DEFAULT", "default", CELL_YES },
	    { "HOSTID", "hostid", CELL_TEXT } } },
	{ "connections",
	  "/connections",
	  "no initiator wants a connection",
	  { { "NODE", "node", CELL_TEXT },
	    { "NQN", "nqn", CELL_TEXT },
	    { "LISTENER", NULL, CELL_ADDRESS },
	    { "STATE", NULL, CELL_STATE },
	    { "CONTROLLER", "controller", CELL_TEXT },
	    { "WANTED BY", "source", CELL_TEXT },
	    { "WHY", NULL, CELL_WHY } } },
	{ "devices",
	  "/devices",
	  "no initiator has a remote namespace",
	  { { "NODE", "node", CELL_TEXT },
	    { "DEVICE", "device", CELL_TEXT },
	    { "NQN", "nqn", CELL_TEXT },
	    { "NSID", "nsid", CELL_TEXT },
	    { "SIZE", "size_bytes", CELL_SIZE },
	    { "PATHS", NULL, CELL_PATHS },
	    { "MOUNTED", "mounts", CELL_TEXT } } },
	{ "sessions",
	  "/sessions",
	  "no host is connected, as far as targets can see",
	  { { "NODE", "node", CELL_TEXT },
	    { "NQN", "nqn", CELL_TEXT },
	    { "HOSTNQN", "hostnqn", CELL_TEXT },
	    { "ADDRESS", "address", CELL_TEXT },
	    { "PORT", "port_id", CELL_TEXT },
	    { "STATE", NULL, CELL_STATE } } },
	{ "attachments",
	  "/attachments",
	  "nothing is attached",
	  { { "ID", "id", CELL_TEXT },
	    { "SUBSYSTEM", "subsystem", CELL_TEXT },
	    { "TARGET", "target", CELL_TEXT },
	    { "HOST", "host", CELL_TEXT },
	    { "STATE", NULL, CELL_STATE },
	    { "DEVICE", "device", CELL_HELD },
	    { "LEASE", "expires", CELL_UNTIL },
	    { "JOB", "job", CELL_TEXT },
	    { "WHY", NULL, CELL_WHY } } },
	{ "ddcs",
	  "/ddcs",
	  "no discovery controller is known: name some in collector.conf, or let targets report",
	  { { "NAME", "name", CELL_TEXT },
	    { "LISTENER", NULL, CELL_ADDRESS },
	    { "STATE", NULL, CELL_STATE },
	    { "RECORDS", "records", CELL_TEXT },
	    { "KNOWN BY", "sources", CELL_TEXT },
	    { "TENANT", "tenant", CELL_TEXT },
	    { "WHY", NULL, CELL_WHY } } },
	{ "registrations",
	  "/registrations",
	  "nobody registered with the discovery controller: see registrations in collector.conf",
	  { { "ID", "id", CELL_TEXT },
	    { "ENTITY", "entity", CELL_TEXT },
	    { "NAME", "name", CELL_TEXT },
	    { "FROM", "from", CELL_TEXT },
	    { "HOST", "host", CELL_TEXT } } },
	{ "places",
	  "/places",
	  "nothing is exported anywhere, as far as anybody says",
	  { { "NQN", "nqn", CELL_TEXT },
	    { "PORT", "port", CELL_TEXT },
	    { "SAID BY", "sources", CELL_SAYS },
	    { "WHY", NULL, CELL_WHY } } },
	{ "zone list",
	  "/zones",
	  "there is no zone: hosts see what the targets allow",
	  { { "NAME", "name", CELL_TEXT },
	    { "TENANT", "tenant", CELL_TEXT },
	    { "HOSTS", "hosts", CELL_COUNT },
	    { "SUBSYSTEMS", "subsystems", CELL_TEXT },
	    { "PORTS", "ports", CELL_TEXT } } },
	{ "export list",
	  "/exports",
	  "nothing was exported from here",
	  { { "ID", "id", CELL_TEXT },
	    { "NODE", "node", CELL_TEXT },
	    { "NQN", "nqn", CELL_TEXT },
	    { "STATE", NULL, CELL_STATE },
	    { "DEVICES", "devices", CELL_TEXT },
	    { "WHY", NULL, CELL_WHY } } },
	{ "view",
	  "/views",
	  "that host sees nothing",
	  { { "SUBSYSTEM", "nqn", CELL_TEXT },
	    { "LISTENER", NULL, CELL_ADDRESS },
	    { "NODE", "node", CELL_TEXT },
	    { "ANY HOST", "any_host", CELL_YES },
	    { "STALE", "stale", CELL_YES } } },
	{ "views",
	  "/views",
	  "no host asked the discovery controller yet",
	  { { "HOST", "host", CELL_TEXT },
	    { "CONNECTED", "connected", CELL_TEXT },
	    { "ADDRESS", "address", CELL_TEXT },
	    { "SEES", "records", CELL_TEXT },
	    { "GENERATION", "generation", CELL_TEXT },
	    { "HAS READ", "read_generation", CELL_TEXT },
	    { "AT", "read", CELL_TIME } } },
	{ "audit",
	  "/audit",
	  "no host has read a view yet",
	  { { "HOST", "host", CELL_TEXT },
	    { "FROM", "address", CELL_TEXT },
	    { "GENERATION", "generation", CELL_TEXT },
	    { "RECORDS", "records", CELL_TEXT },
	    { "FIRST", "first", CELL_TIME },
	    { "LAST", "last", CELL_TIME },
	    { "TIMES", "times", CELL_TEXT } } },
};

#define N_LISTINGS (sizeof(listings) / sizeof(listings[0]))

const struct view_listing *view_listing_find(const char *verb)
{
	size_t i;

	for (i = 0; i < N_LISTINGS; i++)
		if (strcmp(listings[i].verb, verb) == 0)
			return &listings[i];
	return NULL;
}

const char *view_listing_path(const struct view_listing *listing)
{
	return listing->path;
}

const char *view_listing_nothing(const struct view_listing *listing)
{
	return listing->nothing;
}

/* --- words */

enum table_tint view_state_tint(const char *state)
{
	static const struct {
		enum table_tint tint;
		const char *states;
	} tints[] = {
		{ TABLE_GOOD, " active listening online up live attached done free optimized " },
		{ TABLE_WARN, " partly waiting idle disabled probing connecting disconnecting new "
			      "resetting attaching detaching creating deleting working busy "
			      "foreign " },
		{ TABLE_BAD, " failed missing hung lost down no-address no-rdma dead fatal "
			     "inaccessible persistent-loss " },
		{ TABLE_DIM, " detached deleted excluded " },
	};
	char word[40];
	size_t i;

	snprintf(word, sizeof(word), " %.*s ", (int)strcspn(state, " "), state);
	for (i = 0; i < sizeof(tints) / sizeof(tints[0]); i++)
		if (strlen(word) > 2 && strstr(tints[i].states, word))
			return tints[i].tint;
	return TABLE_PLAIN;
}

const char *view_text(const struct js *item, const char *key)
{
	const char *text = js_text(js_get(item, key));

	return text ? text : "";
}

char *view_state(const struct js *item)
{
	CLEANUP_STR struct str text = STR_NULL;

	str_add(&text, view_text(item, "state"));
	if (js_is_true(js_get(item, "stale")))
		str_add(&text, text.length ? " (stale)" : "stale");
	return str_take(&text);
}

char *view_address(const struct js *item)
{
	CLEANUP_STR struct str text = STR_NULL;
	const char *address = view_text(item, "address");
	const char *service = view_text(item, "service");
	char both[ADDR_TEXT_MAX];

	str_add(&text, view_text(item, "transport"));
	if (*address)
		str_addf(&text, "%s%s", text.length ? " " : "",
			 *service ? addr_format_parts(address, service, both) : address);
	return str_take(&text);
}

static void add_value(struct str *text, const struct js *value)
{
	if (js_type(value) == JS_STRING)
		str_add(text, js_text(value));
	else if (js_type(value) == JS_INT)
		str_addf(text, "%lld", (long long)js_number(value, 0));
	else if (js_type(value) == JS_BOOL)
		str_add(text, js_is_true(value) ? "yes" : "no");
}

char *view_list(const struct js *list)
{
	CLEANUP_STR struct str text = STR_NULL;
	size_t i;

	if (js_type(list) != JS_ARRAY)
		add_value(&text, list);
	else
		for (i = 0; i < js_length(list); i++) {
			str_add(&text, i ? ", " : "");
			add_value(&text, js_at(list, i));
		}
	return str_take(&text);
}

void view_paths(const struct js *device, size_t *ret_live, size_t *ret_all)
{
	const struct js *paths = js_get(device, "paths");
	size_t live = 0;
	size_t i;

	for (i = 0; i < js_length(paths); i++)
		live += strcmp(view_text(js_at(paths, i), "state"), "live") == 0;
	*ret_live = live;
	*ret_all = js_length(paths);
}

const char *view_time(int64_t wall_ms, char text[VIEW_TIME_MAX])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char date[24];
	struct tm tm;

	if (wall_ms <= 0 || wall_ms > 253402300799999 || !localtime_r(&seconds, &tm) ||
	    !strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(text, VIEW_TIME_MAX, "-");
	else
		snprintf(text, VIEW_TIME_MAX, "%s.%03d", date, (int)(wall_ms % 1000));
	return text;
}

const char *view_until(int64_t wall_ms, int64_t now_ms, char text[VIEW_TIME_MAX])
{
	char span[CLOCK_TEXT_MAX];

	if (wall_ms <= 0)
		snprintf(text, VIEW_TIME_MAX, "-");
	else if (wall_ms <= now_ms)
		snprintf(text, VIEW_TIME_MAX, "over");
	else
		snprintf(text, VIEW_TIME_MAX, "in %s", clock_format_span(wall_ms - now_ms, span));
	return text;
}

/* --- cells */

static void add_owned(struct table *table, enum table_tint tint, char *take_text)
{
	if (take_text)
		table_add_tinted(table, tint, take_text);
	else
		table->failed = true;
	free(take_text);
}

static void add_state(struct table *table, const struct js *item)
{
	char *state = view_state(item);
	bool stale = js_is_true(js_get(item, "stale"));

	add_owned(table, stale ? TABLE_DIM : view_state_tint(state ? state : ""), state);
}

static void add_paths(struct table *table, const struct js *item)
{
	bool is_stale = js_is_true(js_get(item, "stale"));
	size_t live;
	size_t all;
	char text[64];

	view_paths(item, &live, &all);
	snprintf(text, sizeof(text), "%zu of %zu live%s", live, all, is_stale ? " (stale)" : "");
	table_add_tinted(table,
			 is_stale      ? TABLE_DIM
			 : live == all ? TABLE_GOOD
			 : live	       ? TABLE_WARN
				       : TABLE_BAD,
			 text);
}

static void add_why(struct table *table, const struct js *item)
{
	static const char *const keys[] = { "error", "why",   "waiting_for",  "drift",
					    "proof", "cause", "contradiction" };
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		CLEANUP_FREE char *text = view_list(js_get(item, keys[i]));

		if (text && *text) {
			table_add(table, text);
			return;
		}
	}
	table_add(table, "");
}

/* "target blake14, ddc tcp,10.1.1.14,4420 (stale)" */
static void add_says(struct table *table, const struct js *sources)
{
	CLEANUP_STR struct str text = STR_NULL;
	size_t i;

	for (i = 0; i < js_length(sources); i++) {
		const struct js *source = js_at(sources, i);

		str_addf(&text, "%s%s %s%s", i ? ", " : "", view_text(source, "by"),
			 view_text(source, "name"),
			 js_is_true(js_get(source, "stale")) ? " (stale)" : "");
	}
	table_add(table, str_get(&text));
}

static void add_size(struct table *table, const struct js *value)
{
	char text[STR_SIZE_MAX];
	int64_t bytes = js_number(value, -1);

	table_add(table, bytes < 0 ? "" : str_format_size((uint64_t)bytes, text));
}

/* The collector keeps what was, but it is nobody's device any more, and no lease runs. */
static bool has_ended(const struct js *item)
{
	const char *state = view_text(item, "state");

	return strcmp(state, "detached") == 0 || strcmp(state, "failed") == 0;
}

static void add_cell(struct table *table, const struct column *column, const struct js *item,
		     int64_t now_ms)
{
	const struct js *value = column->key ? js_get(item, column->key) : NULL;
	char text[VIEW_TIME_MAX];

	switch (column->cell) {
	case CELL_TEXT:
		add_owned(table, TABLE_PLAIN, view_list(value));
		return;
	case CELL_STATE:
		add_state(table, item);
		return;
	case CELL_SIZE:
		add_size(table, value);
		return;
	case CELL_YES:
		table_add(table, !value ? "" : js_is_true(value) ? "yes" : "no");
		return;
	case CELL_ADDRESS:
		add_owned(table, TABLE_PLAIN, view_address(item));
		return;
	case CELL_PATHS:
		add_paths(table, item);
		return;
	case CELL_COUNT:
		snprintf(text, sizeof(text), "%zu", js_length(value));
		table_add(table, text);
		return;
	case CELL_SAYS:
		add_says(table, value);
		return;
	case CELL_HELD:
		add_owned(table, TABLE_PLAIN, has_ended(item) ? strdup("") : view_list(value));
		return;
	case CELL_UNTIL:
		table_add(table,
			  has_ended(item) ? "" : view_until(js_number(value, 0), now_ms, text));
		return;
	case CELL_TIME:
		table_add(table, view_time(js_number(value, 0), text));
		return;
	case CELL_WHY:
		add_why(table, item);
		return;
	}
}

static size_t count_columns(const struct view_listing *listing)
{
	size_t n = 0;

	while (n < COLUMNS_MAX && listing->columns[n].title)
		n++;
	return n;
}

/* A node has one row for each of its helpers. */
static void add_node(struct table *table, const struct js *item, int64_t now_ms)
{
	const struct js *roles = js_get(item, "roles");
	const char *name = view_text(item, "name");
	size_t i;

	for (i = 0; i < js_length(roles); i++) {
		const struct js *role = js_value_at(roles, i);
		int64_t since = js_number(js_get(role, "since"), 0);
		char span[CLOCK_TEXT_MAX];

		table_add(table, *name ? name : view_text(item, "node"));
		table_add(table, js_key_at(roles, i));
		add_state(table, role);
		table_add(table, since ? clock_format_span(now_ms - since, span) : "");
		table_add(table, view_text(role, "address"));
		table_add(table, view_text(role, "program"));
	}
}

void view_listing_table(const struct view_listing *listing, const struct js *items, int64_t now_ms,
			struct table *ret)
{
	size_t n = count_columns(listing);
	size_t row;
	size_t i;

	*ret = TABLE(n);
	for (i = 0; i < n; i++)
		table_add(ret, listing->columns[i].title);
	for (row = 0; row < js_length(items); row++) {
		if (listing == &listings[0])
			add_node(ret, js_at(items, row), now_ms);
		else
			for (i = 0; i < n; i++)
				add_cell(ret, &listing->columns[i], js_at(items, row), now_ms);
	}
}

/* --- events */

void view_event_header(struct table *table)
{
	static const char *const titles[VIEW_EVENT_COLUMNS] = { "ID",	"TIME",	 "NODE", "EVENT",
								"WHAT", "STATE", "CAUSE" };
	size_t i;

	for (i = 0; i < VIEW_EVENT_COLUMNS; i++)
		table_add(table, titles[i]);
}

/* A node's id says less than its name, which stands before it; that of an intent says nothing. */
static void add_what(const struct js *event, struct str *text)
{
	const struct js *object = js_get(event, "object");
	const char *kind = view_text(event, "kind");

	if (strcmp(kind, "node") == 0 && *view_text(event, "node")) {
		str_add(text, kind);
		return;
	}
	str_addf(text, "%s %s", kind, view_text(event, "object_id"));
	if (strcmp(kind, "attachment") == 0 && *view_text(object, "subsystem"))
		str_addf(text, " (%s to %s)", view_text(object, "subsystem"),
			 view_text(object, "host"));
	if (strcmp(kind, "export") == 0 && *view_text(object, "nqn"))
		str_addf(text, " (%s on %s)", view_text(object, "nqn"), view_text(object, "node"));
}

static char *event_what(const struct js *event)
{
	CLEANUP_STR struct str text = STR_NULL;

	add_what(event, &text);
	return str_take(&text);
}

static enum table_tint event_tint(const struct js *event, const char *state)
{
	if (strcmp(view_text(event, "type"), "removed") == 0)
		return TABLE_DIM;
	return view_state_tint(state);
}

void view_event_row(const struct js *event, struct table *table)
{
	const char *state = view_text(js_get(event, "object"), "state");
	char time[VIEW_TIME_MAX];

	add_owned(table, TABLE_DIM, view_list(js_get(event, "id")));
	table_add(table, view_time(js_number(js_get(event, "time"), 0), time));
	table_add(table, view_text(event, "node"));
	table_add(table, view_text(event, "type"));
	add_owned(table, TABLE_PLAIN, event_what(event));
	table_add_tinted(table, event_tint(event, state), state);
	table_add(table, view_text(event, "cause"));
}

void view_event_line(const struct js *event, bool colours, struct str *text)
{
	const char *state = view_text(js_get(event, "object"), "state");
	const char *cause = view_text(event, "cause");
	CLEANUP_STR struct str line = STR_NULL;
	char time[VIEW_TIME_MAX];

	str_addf(&line, "%s  %-12s %-8s ", view_time(js_number(js_get(event, "time"), 0), time),
		 view_text(event, "node"), view_text(event, "type"));
	add_what(event, &line);
	str_add_clean(text, str_get(&line));
	if (*state) {
		CLEANUP_STR struct str clean = STR_NULL;

		str_add_clean(&clean, state);
		str_add(text, "  ");
		table_tint(text, colours, event_tint(event, state), str_get(&clean));
	}
	if (*cause) {
		str_add(text, "  (");
		str_add_clean(text, cause);
		str_add(text, ")");
	}
	str_add(text, "\n");
	text->failed |= line.failed;
}
