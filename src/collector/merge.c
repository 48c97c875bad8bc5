/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/collector.h"
#include "nvmf/nvme-spec.h"

/* --- what is said, one by one */

struct saying {
	char *nqn; /* "": about the port alone */
	char *port;
	struct merge_source source;
};

struct sayings {
	struct saying *items;
	size_t count, room;
	bool failed;
};

static void say(struct sayings *sayings, const char *nqn, const char *port,
		const struct merge_source *source, const char *name)
{
	struct saying *saying;

	if (sayings->count == sayings->room) {
		size_t room = sayings->room ? 2 * sayings->room : 64;
		struct saying *items = reallocarray(sayings->items, room, sizeof(*items));

		if (!items) {
			sayings->failed = true;
			return;
		}
		sayings->items = items;
		sayings->room = room;
	}
	saying = &sayings->items[sayings->count++];
	*saying = (struct saying){ strdup(nqn), strdup(port), *source };
	saying->source.name = strdup(name);
	if (!saying->nqn || !saying->port || !saying->source.name)
		sayings->failed = true;
}

static bool port_of(const struct js *attrs, char port[ZONE_PORT_MAX])
{
	const char *transport = js_text(js_get(attrs, "transport"));
	const char *address = js_text(js_get(attrs, "address"));
	const char *service = js_text(js_get(attrs, "service"));

	if (!transport || !address || !service)
		return false;
	zone_port(transport, address, service, port);
	return true;
}

static int say_listener(void *data, const struct registry_source *source,
			const struct registry_object *object)
{
	CLEANUP_JS struct js *attrs = registry_object_attrs(object);
	const struct js *list = js_get(attrs, "subsystems");
	struct merge_source target = { .kind = MERGE_TARGET, .stale = !source->online };
	char port[ZONE_PORT_MAX];
	size_t i;

	if (!port_of(attrs, port))
		return 0;
	/* that the target speaks for the port at all */
	say(data, "", port, &target, source->node->name);
	for (i = 0; i < js_length(list); i++) {
		const char *nqn = js_text(js_at(list, i));
		const struct registry_object *subsystem =
			nqn ? registry_object_find(source, "subsystem", nqn) : NULL;
		CLEANUP_JS struct js *of = subsystem ? registry_object_attrs(subsystem) : NULL;

		target.any_host = js_is_true(js_get(of, "any_host"));
		if (nqn)
			say(data, nqn, port, &target, source->node->name);
	}
	return 0;
}

static int say_controller(void *data, const struct registry_source *source,
			  const struct registry_object *object)
{
	CLEANUP_JS struct js *attrs = NULL;
	const struct merge_source host = { .kind = MERGE_HOST, .stale = !source->online };
	const char *nqn;
	char port[ZONE_PORT_MAX];

	if (!registry_object_is(object, "state", "live") ||
	    registry_object_is(object, "type", "discovery"))
		return 0;
	attrs = registry_object_attrs(object);
	nqn = js_text(js_get(attrs, "nqn"));
	if (nqn && port_of(attrs, port))
		say(data, nqn, port, &host, source->node->name);
	return 0;
}

static void say_log(void *data, const struct ddc_view *ddc)
{
	const struct merge_source source = { .kind = MERGE_DDC, .stale = ddc->state != DDC_UP };
	struct disc_record record;
	char port[ZONE_PORT_MAX];
	char scratch[8];
	size_t i;

	if (!ddc->log)
		return;
	say(data, "", ddc->key, &source, ddc->key);
	for (i = 0; i < ddc->log->n_records; i++) {
		if (disc_record_decode(disc_log_record(ddc->log, i), &record, NULL) < 0 ||
		    record.subtype != NVME_SUBTYPE_NVM)
			continue;
		zone_port(disc_trtype_word(record.trtype, scratch), record.traddr, record.trsvcid,
			  port);
		say(data, record.subnqn, port, &source, ddc->key);
	}
}

/* --- to places */

/* What is said of a port alone comes before what is at it. */
static int by_port(const void *a, const void *b)
{
	const struct saying *left = a;
	const struct saying *right = b;
	int r = strcmp(left->port, right->port);

	if (r == 0)
		r = strcmp(left->nqn, right->nqn);
	if (r == 0)
		r = (int)left->source.kind - (int)right->source.kind;
	return r ? r : strcmp(left->source.name, right->source.name);
}

static const struct merge_source *find(const struct merge_place *place, enum merge_kind kind)
{
	size_t i;

	for (i = 0; i < place->n_sources; i++)
		if (place->sources[i].kind == kind)
			return &place->sources[i];
	return NULL;
}

/* Who speaks for the port and is heard of: the first of each kind, by enum merge_kind. */
static void contradict(struct merge_place *place, const struct saying *const speakers[2])
{
	const struct merge_source *target = find(place, MERGE_TARGET);
	const struct merge_source *ddc = find(place, MERGE_DDC);
	const struct merge_source *host = find(place, MERGE_HOST);
	const struct saying *daemon = speakers[MERGE_TARGET];
	const struct saying *log = speakers[MERGE_DDC];
	CLEANUP_STR struct str text = STR_NULL;

	if (!target && daemon && ddc && !ddc->stale)
		str_addf(&text, "the discovery log of %s has it, the target %s does not export it",
			 ddc->name, daemon->source.name);
	else if (!target && daemon && host && !host->stale)
		str_addf(&text, "%s is connected to it, the target %s does not export it",
			 host->name, daemon->source.name);
	/* what only some hosts may see, a log need not show to us */
	else if (target && !target->stale && target->any_host && !ddc && log)
		str_addf(&text,
			 "%s exports it to any host, the discovery log of %s does not have it",
			 target->name, log->source.name);
	place->contradiction = text.length ? str_take(&text) : NULL;
}

/* The first @n sayings are of one place: their texts go over into it. */
static int take_place(struct merge_place *place, struct saying *first, size_t n)
{
	size_t i;

	*place = (struct merge_place){ .nqn = TAKE_PTR(first->nqn), .port = TAKE_PTR(first->port) };
	place->sources = calloc(n, sizeof(*place->sources));
	if (!place->sources)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		const struct merge_source *last =
			place->n_sources ? &place->sources[place->n_sources - 1] : NULL;

		if (last && last->kind == first[i].source.kind &&
		    strcmp(last->name, first[i].source.name) == 0)
			continue;
		place->sources[place->n_sources++] = first[i].source;
		first[i].source.name = NULL;
	}
	return 0;
}

static void find_speakers(const struct saying *items, size_t n, const struct saying *ret[2])
{
	size_t i;

	ret[MERGE_TARGET] = ret[MERGE_DDC] = NULL;
	for (i = 0; i < n && !*items[i].nqn; i++)
		if (!items[i].source.stale && !ret[items[i].source.kind])
			ret[items[i].source.kind] = &items[i];
}

/* All that is said of one port. */
static int take_port(struct merge *merge, struct saying *items, size_t n)
{
	const struct saying *speakers[2];
	size_t i = 0;
	size_t end;

	find_speakers(items, n, speakers);
	while (i < n && !*items[i].nqn)
		i++;
	for (; i < n; i = end) {
		for (end = i + 1; end < n && strcmp(items[end].nqn, items[i].nqn) == 0;)
			end++;
		if (take_place(&merge->places[merge->count++], &items[i], end - i) < 0)
			return -ENOMEM;
		contradict(&merge->places[merge->count - 1], speakers);
	}
	return 0;
}

static int by_nqn(const void *a, const void *b)
{
	const struct merge_place *left = a;
	const struct merge_place *right = b;
	int r = strcmp(left->nqn, right->nqn);

	return r ? r : strcmp(left->port, right->port);
}

static int take_all(struct merge *merge, struct sayings *sayings)
{
	size_t i, end;

	merge->places = calloc(sayings->count ? sayings->count : 1, sizeof(*merge->places));
	if (!merge->places)
		return -ENOMEM;
	for (i = 0; i < sayings->count; i = end) {
		for (end = i + 1; end < sayings->count &&
				  strcmp(sayings->items[end].port, sayings->items[i].port) == 0;)
			end++;
		if (take_port(merge, &sayings->items[i], end - i) < 0)
			return -ENOMEM;
	}
	qsort(merge->places, merge->count, sizeof(*merge->places), by_nqn);
	return 0;
}

static void forget(struct sayings *sayings)
{
	size_t i;

	for (i = 0; i < sayings->count; i++) {
		free(sayings->items[i].nqn);
		free(sayings->items[i].port);
		free(sayings->items[i].source.name);
	}
	free(sayings->items);
}

int merge_init(const struct collector *collector, struct merge *ret, struct err *err)
{
	struct registry_filter filter = REGISTRY_FILTER_ANY;
	struct sayings sayings = { 0 };
	struct merge merge = { 0 };
	int r = 0;

	filter.role = REPORT_TARGET;
	filter.kind = "listener";
	registry_each(collector->registry, &filter, say_listener, &sayings);
	filter.role = REPORT_INITIATOR;
	filter.kind = "controller";
	registry_each(collector->registry, &filter, say_controller, &sayings);
	ddc_each(collector->ddcs, say_log, &sayings);
	if (!sayings.failed) {
		if (sayings.count)
			qsort(sayings.items, sayings.count, sizeof(*sayings.items), by_port);
		r = take_all(&merge, &sayings);
	}
	if (sayings.failed || r < 0) {
		merge_deinit(&merge);
		r = err_nomem(err);
	} else {
		*ret = merge;
	}
	forget(&sayings);
	return r;
}

void merge_deinit(struct merge *merge)
{
	size_t i, s;

	for (i = 0; i < merge->count; i++) {
		struct merge_place *place = &merge->places[i];

		for (s = 0; s < place->n_sources; s++)
			free(place->sources[s].name);
		free(place->sources);
		free(place->nqn);
		free(place->port);
		free(place->contradiction);
	}
	free(merge->places);
	*merge = (struct merge){ 0 };
}

/* --- requests */

static struct js *format(const struct merge_place *place)
{
	static const char *const words[] = { "target", "ddc", "host" };
	struct js *js = js_object();
	struct js *list = js_array();
	size_t i;

	for (i = 0; i < place->n_sources; i++) {
		struct js *one = js_object();

		js_set(one, "by", js_string(words[place->sources[i].kind]));
		js_set(one, "name", js_string(place->sources[i].name));
		js_set(one, "stale", js_bool(place->sources[i].stale));
		js_append(list, one);
	}
	js_set(js, "nqn", js_string(place->nqn));
	js_set(js, "port", js_string(place->port));
	js_set(js, "sources", list);
	js_set(js, "contradiction", js_string(place->contradiction));
	return js;
}

static bool fits(const struct merge_place *place, const struct api_request *request)
{
	const char *nqn = api_query(request, "nqn");
	const char *port;
	const char *node;
	size_t i;

	if (nqn && strcmp(nqn, place->nqn) != 0)
		return false;
	port = api_query(request, "port");
	if (port && strcmp(port, place->port) != 0)
		return false;
	if (api_query(request, "contradictions") && !place->contradiction)
		return false;
	node = api_query(request, "node");
	for (i = 0; node && i < place->n_sources; i++)
		if (strcmp(place->sources[i].name, node) == 0)
			return true;
	return !node;
}

static int get_places(struct collector *collector, const struct api_request *request,
		      struct api_answer *answer, struct err *err)
{
	struct js *items;
	struct js *js;
	struct merge merge;
	size_t i;
	int r = merge_init(collector, &merge, err);

	if (r < 0)
		return r;
	items = js_array();
	for (i = 0; i < merge.count; i++)
		if (fits(&merge.places[i], request))
			js_append(items, format(&merge.places[i]));
	merge_deinit(&merge);
	js = js_object();
	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "items", items);
	return api_answer_js(answer, 200, js, err);
}

const struct api_route merge_routes[] = {
	{ "GET", "/places", AUTH_VIEWER, 0, get_places },
	{ 0 },
};
