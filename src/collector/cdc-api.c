/* SPDX-License-Identifier: BSD-3-Clause */
/* Of cdc: requests about views and about who read them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/js.h"
#include "collector/cdc-own.h"
#include "collector/collector.h"
#include "wire/report.h"

static int need_cdc(const struct collector *collector, struct err *err)
{
	return collector->cdc ? 0
			      : err_set(err, -ENOENT,
					"there is no discovery controller here: set cdc in the "
					"collector's configuration");
}

/* Who says it, and may not be heard of at the moment. */
static void add_source(const struct collector *collector, const struct cdc_place *place,
		       struct js *js)
{
	const struct cdc_part *part = place->entries->part;
	const struct registry_source *source;
	struct ddc_view ddc;
	const char *name = part->id;
	bool is_heard = false;

	if (part->is_log && ddc_get(collector->ddcs, part->id, &ddc)) {
		name = ddc.name;
		is_heard = ddc.state == DDC_UP;
	} else if (!part->is_log) {
		source = registry_source_find(collector->registry, part->id, REPORT_TARGET);
		name = source ? source->node->name : name;
		is_heard = source && source->online;
	}
	js_set(js, "node", js_string(name));
	js_set(js, "stale", js_bool(!is_heard));
}

static struct js *place_view(const struct collector *collector, const struct cdc_place *place)
{
	struct disc_record record;
	struct js *js = js_object();
	char scratch[8];

	cdc_place_record(place, &record);
	js_set(js, "nqn", js_string(record.subnqn));
	js_set(js, "transport", js_string(disc_trtype_word(record.trtype, scratch)));
	js_set(js, "family", js_string(disc_adrfam_word(record.adrfam, scratch)));
	js_set(js, "address", js_string(record.traddr));
	js_set(js, "service", js_string(record.trsvcid));
	js_set(js, "port_id", js_int(record.port_id));
	js_set(js, "any_host", js_bool(place->entries->any_host));
	add_source(collector, place, js);
	return js;
}

/* Of those that are connected, or were. */
static void add_host(struct js *js, const struct cdc_host *host)
{
	const struct cdc_conn *conn;
	int64_t count = 0;

	for (conn = host ? host->conns : NULL; conn; conn = conn->next)
		count++;
	js_set(js, "connected", js_int(count));
	js_set(js, "address", js_string(count ? host->conns->address : NULL));
	js_set(js, "generation", host ? js_int((int64_t)host->generation) : js_string(NULL));
	js_set(js, "read_generation",
	       host && host->read_ms ? js_int((int64_t)host->read_generation) : js_string(NULL));
	js_set(js, "read", host && host->read_ms ? js_int(host->read_ms) : js_string(NULL));
}

static int view_of(struct cdc *cdc, const char *hostnqn, struct js *js, struct err *err)
{
	CLEANUP_FREE struct cdc_place **seen = NULL;
	struct js *items = js_array();
	size_t count = 0;
	size_t i;
	int r = cdc_model_view(cdc->model, hostnqn, &seen, &count, err);

	for (i = 0; r == 0 && i < count; i++)
		js_append(items, place_view(cdc->collector, seen[i]));
	js_set(js, "host", js_string(hostnqn));
	add_host(js, cdc_host_find(cdc, hostnqn));
	js_set(js, "items", items);
	return r;
}

static void list_hosts(const struct cdc *cdc, struct js *js)
{
	struct js *items = js_array();
	const struct cdc_host *host;

	for (host = cdc->newest; host; host = host->older) {
		struct js *item = js_object();

		js_set(item, "host", js_string(host->nqn));
		add_host(item, host);
		if (host->conns) {
			const struct disc_log *log = disc_conn_log(host->conns->conn);

			js_set(item, "records", js_int((int64_t)log->n_records - 1));
		}
		js_append(items, item);
	}
	js_set(js, "items", items);
}

static int get_views(struct collector *collector, const struct api_request *request,
		     struct api_answer *answer, struct err *err)
{
	const char *host = api_query(request, "host");
	CLEANUP_JS struct js *js = js_object();
	int r = need_cdc(collector, err);

	js_set(js, "version", js_int(REPORT_VERSION));
	if (r == 0 && host)
		r = nqn_check_host(host, err);
	if (r == 0)
		r = cdc_need_model(collector->cdc, err);
	if (r == 0 && host)
		r = view_of(collector->cdc, host, js, err);
	else if (r == 0)
		list_hosts(collector->cdc, js);
	return r < 0 ? r : api_answer_js(answer, 200, TAKE_PTR(js), err);
}

static int get_audit(struct collector *collector, const struct api_request *request,
		     struct api_answer *answer, struct err *err)
{
	const char *host = api_query(request, "host");
	const struct cdc *cdc = collector->cdc;
	struct js *items;
	struct js *js;
	size_t i;
	int r = need_cdc(collector, err);

	if (r < 0)
		return r;
	items = js_array();
	for (i = 0; i < cdc->n_readings; i++) {
		/* oldest first */
		const size_t at = cdc->n_readings < CDC_READINGS_MAX ? 0 : cdc->next_reading;
		const struct cdc_reading *reading = &cdc->readings[(at + i) % CDC_READINGS_MAX];
		struct js *item;

		if (host && strcmp(host, reading->nqn) != 0)
			continue;
		item = js_object();
		js_set(item, "host", js_string(reading->nqn));
		js_set(item, "address", js_string(reading->address));
		js_set(item, "generation", js_int((int64_t)reading->generation));
		js_set(item, "records", js_int((int64_t)reading->n_records - 1));
		js_set(item, "first", js_int(reading->first_ms));
		js_set(item, "last", js_int(reading->last_ms));
		js_set(item, "times", js_int((int64_t)reading->times));
		js_append(items, item);
	}
	js = js_object();
	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "items", items);
	return api_answer_js(answer, 200, js, err);
}

const struct api_route cdc_routes[] = {
	{ "GET", "/views", AUTH_VIEWER, 0, get_views },
	{ "GET", "/audit", AUTH_VIEWER, 0, get_audit },
	{ 0 },
};
