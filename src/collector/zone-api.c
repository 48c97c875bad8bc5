/* SPDX-License-Identifier: BSD-3-Clause */
/* zone-api - requests about zones. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/collector.h"
#include "collector/zone-own.h"

static const char *word_of(enum zone_kind kind)
{
	static const char *const words[] = { "host", "subsystem", "port" };

	return words[kind];
}

/* --- what would be wider than before */

/* Is it in a zone of a tenant, other than @but? */
static bool is_fenced(const struct zones *zones, enum zone_kind kind, const char *name,
		      const struct zone *but)
{
	size_t i;

	for (i = 0; i < zones->count; i++) {
		const struct zone *zone = zones->items[i];

		if (zone != but && zone->tenant && zone_set_has(&zone->sets[kind], name))
			return true;
	}
	return false;
}

/* @after  NULL: the zone goes */
static int check_fences(const struct zones *zones, const struct zone *before,
			const struct zone *after, struct err *err)
{
	size_t set, i;

	if (!before->tenant)
		return 0;
	for (set = 0; set < ZONE_SETS; set++) {
		for (i = 0; i < before->sets[set].count; i++) {
			const char *name = before->sets[set].names[i];
			enum zone_kind kind = (enum zone_kind)set;

			if ((after && after->tenant && zone_set_has(&after->sets[kind], name)) ||
			    is_fenced(zones, kind, name, before))
				continue;
			return err_set(
				err, -EBUSY,
				"%s %s would be in no zone of a tenant any more, so that %s: "
				"put it into another one first, or use --force",
				word_of(kind), name,
				kind == ZONE_HOSTS
					? "it would see what others may see who are in none"
					: "hosts of no tenant could see it");
		}
	}
	return 0;
}

static bool is_forced(const struct api_request *request)
{
	const char *force = api_query(request, "force");

	return force && strcmp(force, "1") == 0;
}

/* --- answers */

static struct js *answer_of(const struct zone *zone)
{
	struct js *js = zone_format(zone);

	js_set(js, "version", js_int(REPORT_VERSION));
	return js;
}

static bool fits(const struct zone *zone, const struct api_request *request)
{
	static const char *const keys[ZONE_SETS] = { "host", "nqn", "port" };
	const char *tenant = api_query(request, "tenant");
	size_t set;

	for (set = 0; set < ZONE_SETS; set++) {
		const char *asked = api_query(request, keys[set]);

		if (asked && !zone_set_has(&zone->sets[set], asked))
			return false;
	}
	return !tenant || (zone->tenant && strcmp(zone->tenant, tenant) == 0);
}

static int get_zones(struct collector *collector, const struct api_request *request,
		     struct api_answer *answer, struct err *err)
{
	const struct zones *zones = collector->zones;
	struct js *js = js_object();
	struct js *items = js_array();
	size_t i;

	for (i = 0; i < zones->count; i++)
		if (fits(zones->items[i], request))
			js_append(items, zone_format(zones->items[i]));
	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "items", items);
	return api_answer_js(answer, 200, js, err);
}

static int find_asked(struct zones *zones, const struct api_request *request, struct zone **ret,
		      struct err *err)
{
	*ret = zone_find(zones, request->id);
	return *ret ? 0
		    : err_set(err, -ENOENT, "there is no zone %s; see: sunfishctl zone list",
			      request->id);
}

static int get_zone(struct collector *collector, const struct api_request *request,
		    struct api_answer *answer, struct err *err)
{
	struct zone *zone;
	int r = find_asked(collector->zones, request, &zone, err);

	return r < 0 ? r : api_answer_js(answer, 200, answer_of(zone), err);
}

/* --- changes */

/* Store it, take it over, tell of it. @take_zone  owned, also on failure. */
static int settle(struct zones *zones, const char *type, struct zone *take_zone, const char *cause,
		  struct err *err)
{
	CLEANUP_JS struct js *js = zone_format(take_zone);
	int r = zone_save(zones, take_zone->name, js, err);

	if (r == 0)
		r = events_add_own(zones->collector->events, type, "zone", take_zone->name, cause,
				   js, err);
	if (r == 0)
		r = zone_put(zones, take_zone, err);
	if (r < 0) {
		zone_drop(take_zone);
		return r;
	}
	return zone_index(zones, err);
}

static void describe(const struct zone *zone, const char *what, char text[256])
{
	snprintf(text, 256, "%s: %zu hosts, %zu subsystems, %zu ports%s%s", what,
		 zone->sets[ZONE_HOSTS].count, zone->sets[ZONE_SUBSYSTEMS].count,
		 zone->sets[ZONE_PORTS].count, zone->tenant ? ", tenant " : "",
		 zone->tenant ? zone->tenant : "");
}

static int post_zone(struct collector *collector, const struct api_request *request,
		     struct api_answer *answer, struct err *err)
{
	CLEANUP_JS struct js *body = NULL;
	struct zone *zone = NULL;
	char text[256];
	char name[ZONE_NAME_MAX];
	int r = api_body(request, &body, err);

	if (r == 0)
		r = zone_parse(body, &zone, err);
	if (r < 0 || !zone)
		return r;
	if (zone_find(collector->zones, zone->name))
		r = err_set(err, -EEXIST, "there is a zone %s already", zone->name);
	else if (collector->zones->count >= ZONE_MAX)
		r = err_set(err, -EAGAIN, "there are %d zones already", ZONE_MAX);
	if (r < 0) {
		zone_drop(zone);
		return r;
	}
	snprintf(name, sizeof(name), "%s", zone->name);
	describe(zone, "made", text);
	r = settle(collector->zones, "added", zone, text, err);
	if (r < 0)
		return r;
	return api_answer_js(answer, 201, answer_of(zone_find(collector->zones, name)), err);
}

static int take_tenant(struct zone *zone, const struct js *body, struct err *err)
{
	const struct js *js = js_get(body, "tenant");
	char *copy = NULL;
	int r;

	if (!js)
		return 0;
	if (js_type(js) != JS_NULL) {
		r = zone_check_word("the tenant", js_text(js), err);
		if (r < 0)
			return r;
		copy = strdup(js_text(js));
		if (!copy)
			return err_nomem(err);
	}
	free(zone->tenant);
	zone->tenant = copy;
	return 0;
}

/* {"add": {"hosts": [..]}, "remove": {..}, "tenant": ..} */
static int apply(struct zone *zone, const struct js *body, struct err *err)
{
	const struct js *add = js_get(body, "add");
	const struct js *remove = js_get(body, "remove");
	size_t set;
	int r = take_tenant(zone, body, err);

	if ((add && js_type(add) != JS_OBJECT) || (remove && js_type(remove) != JS_OBJECT))
		return err_set(err, -EINVAL,
			       "\"add\" and \"remove\" must be objects with lists: hosts, "
			       "subsystems, ports");
	for (set = 0; r == 0 && set < ZONE_SETS; set++) {
		r = zone_check_list(js_get(add, zone_sets[set]), zone_sets[set], err);
		if (r == 0)
			r = zone_check_list(js_get(remove, zone_sets[set]), zone_sets[set], err);
		if (r == 0)
			r = zone_change(zone, (enum zone_kind)set, js_get(remove, zone_sets[set]),
					false, err);
		if (r == 0)
			r = zone_change(zone, (enum zone_kind)set, js_get(add, zone_sets[set]),
					true, err);
	}
	return r;
}

static int patch_zone(struct collector *collector, const struct api_request *request,
		      struct api_answer *answer, struct err *err)
{
	CLEANUP_JS struct js *body = NULL;
	CLEANUP_JS struct js *now = NULL;
	struct zone *zone = NULL;
	struct zone *changed = NULL;
	char text[256];
	int r = find_asked(collector->zones, request, &zone, err);

	if (r == 0)
		r = api_body(request, &body, err);
	if (r < 0)
		return r;
	now = zone_format(zone);
	r = zone_parse(now, &changed, err);
	if (r < 0)
		return r;
	r = apply(changed, body, err);
	if (r == 0 && !is_forced(request))
		r = check_fences(collector->zones, zone, changed, err);
	if (r < 0) {
		zone_drop(changed);
		return r;
	}
	describe(changed, "changed", text);
	r = settle(collector->zones, "changed", changed, text, err);
	return r < 0 ? r
		     : api_answer_js(answer, 200,
				     answer_of(zone_find(collector->zones, request->id)), err);
}

static int delete_zone(struct collector *collector, const struct api_request *request,
		       struct api_answer *answer, struct err *err)
{
	struct zones *zones = collector->zones;
	CLEANUP_JS struct js *js = NULL;
	struct zone *zone;
	int r = find_asked(zones, request, &zone, err);

	/* one that cannot be read is only in the store */
	if (r == -ENOENT && zones->is_broken) {
		r = zone_save(zones, request->id, NULL, err);
		zone_reload(zones);
		return r < 0 ? r : api_answer_js(answer, 200, js_object(), err);
	}
	if (r == 0 && !is_forced(request))
		r = check_fences(zones, zone, NULL, err);
	if (r < 0)
		return r;
	js = answer_of(zone);
	r = zone_save(zones, zone->name, NULL, err);
	if (r == 0)
		r = events_add_own(collector->events, "removed", "zone", zone->name, "deleted", js,
				   err);
	if (r < 0)
		return r;
	zone_remove(zones, zone);
	r = zone_index(zones, err);
	return r < 0 ? r : api_answer_js(answer, 200, js_ref(js), err);
}

const struct api_route zone_routes[] = {
	{ "GET", "/zones", AUTH_VIEWER, 0, get_zones },
	{ "GET", "/zones/*", AUTH_VIEWER, 0, get_zone },
	{ "POST", "/zones", AUTH_ADMIN, API_WRITES, post_zone },
	{ "PATCH", "/zones/*", AUTH_ADMIN, API_WRITES, patch_zone },
	{ "DELETE", "/zones/*", AUTH_ADMIN, API_WRITES, delete_zone },
	{ 0 },
};
