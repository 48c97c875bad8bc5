/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/collector.h"
#include "collector/zone-own.h"
#include "core/log.h"
#include "nvmf/addr.h"
#include "nvmf/nqn.h"

#define KEY "zone/"

const char *const zone_sets[ZONE_SETS] = {
	[ZONE_HOSTS] = "hosts",
	[ZONE_SUBSYSTEMS] = "subsystems",
	[ZONE_PORTS] = "ports",
};

const char *zone_port(const char *transport, const char *address, const char *service,
		      char text[ZONE_PORT_MAX])
{
	snprintf(text, ZONE_PORT_MAX, "%.15s,%.300s,%.31s", transport, address, service);
	return text;
}

/* --- one zone */

void zone_drop(struct zone *zone)
{
	size_t set;
	size_t i;

	if (!zone)
		return;
	for (set = 0; set < ZONE_SETS; set++) {
		for (i = 0; i < zone->sets[set].count; i++)
			free(zone->sets[set].names[i]);
		free(zone->sets[set].names);
	}
	free(zone->name);
	free(zone->tenant);
	free(zone);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool zone_set_has(const struct zone_set *set, const char *name)
{
	return set->count && bsearch(&name, set->names, set->count, sizeof(char *), by_name);
}

static bool is_word(const char *text)
{
	return *text && strlen(text) < ZONE_NAME_MAX &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789-_.")] == '\0';
}

int zone_check_word(const char *what, const char *text, struct err *err)
{
	if (text && is_word(text))
		return 0;
	return err_set(err, -EINVAL,
		       "%s \"%.80s\" must be 1 to %d letters, digits, '-', '_' or '.'", what,
		       text ? text : "", ZONE_NAME_MAX - 1);
}

/* TRTYPE,ADDRESS,SERVICE in the spelling that addresses have everywhere here. */
static int take_port(const char *text, char ret[ZONE_PORT_MAX], struct err *err)
{
	char copy[ZONE_PORT_MAX];
	char *address, *service;
	struct addr addr;
	int r;

	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return err_set(err, -EINVAL, "port \"%.40s..\" is too long", text);
	address = strchr(copy, ',');
	service = address ? strrchr(address + 1, ',') : NULL;
	if (!service)
		return err_set(err, -EINVAL,
			       "port \"%s\" must be TRANSPORT,ADDRESS,SERVICE, such as "
			       "tcp,10.1.1.14,4420",
			       text);
	*address++ = *service++ = '\0';
	if (strcmp(copy, "tcp") != 0 && strcmp(copy, "rdma") != 0) {
		snprintf(ret, ZONE_PORT_MAX, "%s", text);
		return 0;
	}
	r = addr_parse_host(address, &addr, err);
	if (r == 0)
		r = addr_parse_port(service, addr.port, err);
	if (r < 0)
		return err_prefix(err, "port \"%s\": ", text), -EINVAL;
	zone_port(copy, addr.host, addr.port, ret);
	return 0;
}

static int check_member(enum zone_kind kind, const char *text, char ret[ZONE_PORT_MAX],
			struct err *err)
{
	int r;

	if (kind == ZONE_PORTS)
		return take_port(text, ret, err);
	r = kind == ZONE_HOSTS ? nqn_check_host(text, err) : nqn_check(text, err);
	if (r < 0)
		return -EINVAL;
	snprintf(ret, ZONE_PORT_MAX, "%s", text);
	return 0;
}

static int set_add(struct zone_set *set, const char *name, struct err *err)
{
	char **names;

	if (zone_set_has(set, name))
		return 0;
	names = reallocarray(set->names, set->count + 1, sizeof(char *));
	if (!names)
		return err_nomem(err);
	set->names = names;
	names[set->count] = strdup(name);
	if (!names[set->count])
		return err_nomem(err);
	set->count++;
	qsort(names, set->count, sizeof(char *), by_name);
	return 0;
}

static void set_remove(struct zone_set *set, const char *name)
{
	char **at =
		set->count ? bsearch(&name, set->names, set->count, sizeof(char *), by_name) : NULL;

	if (!at)
		return;
	free(*at);
	set->count--;
	memmove(at, at + 1, (set->count - (size_t)(at - set->names)) * sizeof(char *));
}

/* Many at once: sorted at the end instead of at each. */
static int set_fill(struct zone_set *set, enum zone_kind kind, const struct js *list,
		    struct err *err)
{
	char text[ZONE_PORT_MAX];
	size_t i;
	size_t kept = 0;
	int r;

	set->names = calloc(js_length(list) ? js_length(list) : 1, sizeof(char *));
	if (!set->names)
		return err_nomem(err);
	for (i = 0; i < js_length(list); i++) {
		r = check_member(kind, js_text(js_at(list, i)), text, err);
		if (r < 0)
			return r;
		set->names[set->count] = strdup(text);
		if (!set->names[set->count])
			return err_nomem(err);
		set->count++;
	}
	qsort(set->names, set->count, sizeof(char *), by_name);
	for (i = 0; i < set->count; i++) {
		if (kept && strcmp(set->names[kept - 1], set->names[i]) == 0)
			free(set->names[i]);
		else
			set->names[kept++] = set->names[i];
	}
	set->count = kept;
	return 0;
}

int zone_check_list(const struct js *list, const char *key, struct err *err)
{
	size_t i;

	if (list && js_type(list) != JS_ARRAY)
		return err_set(err, -EINVAL, "\"%s\" must be a list of texts", key);
	if (js_length(list) > ZONE_MEMBERS_MAX)
		return err_set(err, -E2BIG, "\"%s\" has more than %d members", key,
			       ZONE_MEMBERS_MAX);
	for (i = 0; list && i < js_length(list); i++)
		if (!js_text(js_at(list, i)))
			return err_set(err, -EINVAL, "\"%s\" must be a list of texts", key);
	return 0;
}

int zone_parse(const struct js *js, struct zone **ret, struct err *err)
{
	const char *name = js_text(js_get(js, "name"));
	const char *tenant = js_text(js_get(js, "tenant"));
	struct zone *zone;
	size_t set;
	int r = zone_check_word("the name", name, err);

	if (r == 0 && js_get(js, "tenant") && js_type(js_get(js, "tenant")) != JS_NULL)
		r = zone_check_word("the tenant", tenant, err);
	for (set = 0; r == 0 && set < ZONE_SETS; set++)
		r = zone_check_list(js_get(js, zone_sets[set]), zone_sets[set], err);
	if (r < 0)
		return r;
	zone = calloc(1, sizeof(*zone));
	if (!zone)
		return err_nomem(err);
	zone->name = strdup(name);
	zone->tenant = tenant ? strdup(tenant) : NULL;
	if (!zone->name || (tenant && !zone->tenant))
		r = err_nomem(err);
	for (set = 0; r == 0 && set < ZONE_SETS; set++)
		r = set_fill(&zone->sets[set], (enum zone_kind)set, js_get(js, zone_sets[set]),
			     err);
	if (r < 0)
		zone_drop(zone);
	else
		*ret = zone;
	return r;
}

int zone_change(struct zone *zone, enum zone_kind kind, const struct js *list, bool add,
		struct err *err)
{
	char text[ZONE_PORT_MAX];
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && list && i < js_length(list); i++) {
		r = check_member(kind, js_text(js_at(list, i)), text, err);
		if (r < 0)
			return r;
		if (add)
			r = set_add(&zone->sets[kind], text, err);
		else
			set_remove(&zone->sets[kind], text);
	}
	if (r == 0 && zone->sets[kind].count > ZONE_MEMBERS_MAX)
		return err_set(err, -E2BIG, "zone %s would have more than %d %s", zone->name,
			       ZONE_MEMBERS_MAX, zone_sets[kind]);
	return r;
}

struct js *zone_format(const struct zone *zone)
{
	struct js *js = js_object();
	size_t set;
	size_t i;

	js_set(js, "name", js_string(zone->name));
	js_set(js, "tenant", js_string(zone->tenant));
	for (set = 0; set < ZONE_SETS; set++) {
		struct js *list = js_array();

		for (i = 0; i < zone->sets[set].count; i++)
			js_append(list, js_string(zone->sets[set].names[i]));
		js_set(js, zone_sets[set], list);
	}
	return js;
}

/* --- all of them, and the index */

static int by_member(const void *a, const void *b)
{
	const struct zone_entry *left = a;
	const struct zone_entry *right = b;

	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	return strcmp(left->name, right->name);
}

int zone_index(struct zones *zones, struct err *err)
{
	struct zone_entry *index;
	size_t n = 0;
	size_t i, set, m;

	for (i = 0; i < zones->count; i++)
		for (set = 0; set < ZONE_SETS; set++)
			n += zones->items[i]->sets[set].count;
	index = calloc(n ? n : 1, sizeof(*index));
	if (!index)
		return err_nomem(err);
	n = 0;
	for (i = 0; i < zones->count; i++)
		for (set = 0; set < ZONE_SETS; set++)
			for (m = 0; m < zones->items[i]->sets[set].count; m++)
				index[n++] = (struct zone_entry){
					.kind = (enum zone_kind)set,
					.name = zones->items[i]->sets[set].names[m],
					.zone = zones->items[i],
				};
	qsort(index, n, sizeof(*index), by_member);
	free(zones->index);
	zones->index = index;
	zones->n_index = n;
	zones->version++;
	return 0;
}

/* Where the entries of a member begin, and how many there are. */
static size_t range(const struct zones *zones, enum zone_kind kind, const char *name,
		    size_t *ret_count)
{
	const struct zone_entry asked = { .kind = kind, .name = name };
	size_t low = 0;
	size_t high = zones->n_index;
	size_t end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_member(&zones->index[middle], &asked) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < zones->n_index && by_member(&zones->index[end], &asked) == 0;)
		end++;
	*ret_count = end - low;
	return low;
}

struct zone *zone_find(const struct zones *zones, const char *name)
{
	size_t i;

	for (i = 0; i < zones->count; i++)
		if (strcmp(zones->items[i]->name, name) == 0)
			return zones->items[i];
	return NULL;
}

int zone_put(struct zones *zones, struct zone *zone, struct err *err)
{
	struct zone **items;
	size_t i;

	for (i = 0; i < zones->count; i++) {
		if (strcmp(zones->items[i]->name, zone->name) != 0)
			continue;
		zone_drop(zones->items[i]);
		zones->items[i] = zone;
		return 0;
	}
	items = reallocarray(zones->items, zones->count + 1, sizeof(struct zone *));
	if (!items)
		return err_nomem(err);
	zones->items = items;
	items[zones->count++] = zone;
	return 0;
}

void zone_remove(struct zones *zones, struct zone *zone)
{
	size_t i = 0;

	while (zones->items[i] != zone)
		i++;
	zones->count--;
	memmove(&zones->items[i], &zones->items[i + 1], (zones->count - i) * sizeof(struct zone *));
	zone_drop(zone);
}

size_t zone_count(const struct zones *zones)
{
	return zones->count;
}

/* --- questions */

void zone_host_begin(const struct zones *zones, const char *hostnqn, struct zone_host *ret)
{
	size_t i;

	*ret = (struct zone_host){ .zones = zones };
	ret->first = range(zones, ZONE_HOSTS, hostnqn, &ret->count);
	for (i = 0; i < ret->count; i++)
		if (zones->index[ret->first + i].zone->tenant)
			ret->has_tenant = true;
}

bool zone_has_any(const struct zones *zones, const char *nqn, const char *port)
{
	size_t of_port;
	size_t count;

	range(zones, ZONE_SUBSYSTEMS, nqn, &count);
	range(zones, ZONE_PORTS, port, &of_port);
	return count || of_port;
}

uint64_t zone_version(const struct zones *zones)
{
	return zones->version;
}

const struct zone *zone_host_at(const struct zone_host *host, size_t index)
{
	return host->zones->index[host->first + index].zone;
}

struct meeting {
	bool shares_zone;
	bool shares_tenant;
	bool has_tenant; /* what is looked at */
};

static void meet(const struct zone_host *host, enum zone_kind kind, const char *name,
		 struct meeting *meeting)
{
	const struct zone_entry *index = host->zones->index;
	size_t count;
	size_t first = range(host->zones, kind, name, &count);
	size_t i, j;

	for (i = first; i < first + count; i++) {
		const struct zone *zone = index[i].zone;

		if (zone->tenant)
			meeting->has_tenant = true;
		for (j = host->first; j < host->first + host->count; j++) {
			const struct zone *other = index[j].zone;

			if (zone == other)
				meeting->shares_zone = true;
			if (zone->tenant && other->tenant &&
			    strcmp(zone->tenant, other->tenant) == 0)
				meeting->shares_tenant = true;
		}
	}
}

static bool is_of(const struct zone_host *host, const char *tenant)
{
	size_t i;

	for (i = host->first; i < host->first + host->count; i++)
		if (host->zones->index[i].zone->tenant &&
		    strcmp(host->zones->index[i].zone->tenant, tenant) == 0)
			return true;
	return false;
}

bool zone_host_sees(const struct zone_host *host, const char *nqn, const char *port,
		    const char *tenant, bool allowed)
{
	struct meeting meeting = { 0 };

	if (host->zones->is_broken)
		return false;
	if (nqn)
		meet(host, ZONE_SUBSYSTEMS, nqn, &meeting);
	meet(host, ZONE_PORTS, port, &meeting);
	if (tenant) {
		meeting.has_tenant = true;
		if (is_of(host, tenant))
			meeting.shares_tenant = meeting.shares_zone = true;
	}
	if ((host->has_tenant || meeting.has_tenant) && !meeting.shares_tenant)
		return false;
	return allowed || meeting.shares_zone;
}

/* --- life */

struct loading {
	struct zones *zones;
	struct err *err;
};

static int load_one(void *data, const char *key, const char *text)
{
	const struct loading *loading = data;
	CLEANUP_JS struct js *js = NULL;
	struct zone *zone = NULL;
	struct err why = ERR_NULL;
	int r = js_parse(text, strlen(text), &js, &why);

	if (r == 0)
		r = zone_parse(js, &zone, &why);
	if (r == 0) {
		r = zone_put(loading->zones, zone, &why);
		if (r < 0)
			zone_drop(zone);
	}
	if (r == -ENOMEM)
		return err_nomem(loading->err);
	if (r < 0) {
		log_error("the stored %s makes no sense (%s): until it is deleted, or made again, "
			  "the discovery controller shows nobody any subsystem",
			  key, why.text);
		loading->zones->is_broken = true;
	}
	return 0;
}

static void clear(struct zones *zones)
{
	while (zones->count)
		zone_drop(zones->items[--zones->count]);
	zones->n_index = 0;
	zones->is_broken = false;
	zones->version++;
}

int zone_load(struct zones *zones, struct err *err)
{
	struct loading loading = { zones, err };

	clear(zones);
	return store_doc_each(zones->collector->store, KEY, load_one, &loading, err);
}

int zone_save(struct zones *zones, const char *name, const struct js *js, struct err *err)
{
	char key[sizeof(KEY) + ZONE_NAME_MAX];
	CLEANUP_FREE char *text = js ? js_format(js, JS_COMPACT) : NULL;

	snprintf(key, sizeof(key), KEY "%s", name);
	if (!js)
		return store_doc_delete(zones->collector->store, key, err);
	return text ? store_doc_put(zones->collector->store, key, text, err) : err_nomem(err);
}

int zone_new(struct collector *collector, struct zones **ret, struct err *err)
{
	struct zones *zones = calloc(1, sizeof(*zones));
	int r;

	if (!zones)
		return err_nomem(err);
	zones->collector = collector;
	r = zone_load(zones, err);
	if (r == 0)
		r = zone_index(zones, err);
	if (r < 0)
		zone_free(zones);
	else
		*ret = zones;
	return r;
}

void zone_free(struct zones *zones)
{
	if (!zones)
		return;
	clear(zones);
	free(zones->items);
	free(zones->index);
	free(zones);
}

void zone_reload(struct zones *zones)
{
	struct err err = ERR_NULL;

	if (!zones)
		return;
	if (zone_load(zones, &err) < 0 || zone_index(zones, &err) < 0) {
		log_error("zones cannot be read again: %s", err.text);
		zones->is_broken = true;
	}
}
