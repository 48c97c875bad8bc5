/* SPDX-License-Identifier: BSD-3-Clause */
/* ddc-api - requests about direct discovery controllers. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/collector.h"
#include "collector/ddc-own.h"

static bool fits_text(const char *asked, const char *text)
{
	return !asked || (text && strcmp(asked, text) == 0);
}

static bool has_nqn(const struct ddc *ddc, const char *nqn)
{
	struct disc_record record;
	size_t i;

	for (i = 0; ddc->log && i < ddc->log->n_records; i++)
		if (disc_record_decode(disc_log_record(ddc->log, i), &record, NULL) == 0 &&
		    strcmp(record.subnqn, nqn) == 0)
			return true;
	return false;
}

static bool fits(const struct ddc *ddc, const struct api_request *request)
{
	const char *nqn;

	if (!ddc->sources || !fits_text(api_query(request, "state"), ddc_state_word(ddc->state)) ||
	    !fits_text(api_query(request, "node"), ddc->name) ||
	    !fits_text(api_query(request, "tenant"), ddc->tenant))
		return false;
	nqn = api_query(request, "nqn");
	return !nqn || has_nqn(ddc, nqn);
}

static int get_ddcs(struct collector *collector, const struct api_request *request,
		    struct api_answer *answer, struct err *err)
{
	const struct ddcs *ddcs = collector->ddcs;
	struct js *js = js_object();
	struct js *items = js_array();
	size_t i;

	for (i = 0; i < ddcs->count; i++)
		if (fits(ddcs->items[i], request))
			js_append(items, ddc_format(ddcs->items[i]));
	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "items", items);
	return api_answer_js(answer, 200, js, err);
}

static int get_ddc(struct collector *collector, const struct api_request *request,
		   struct api_answer *answer, struct err *err)
{
	const struct ddc *ddc = ddc_find(collector->ddcs, request->id);
	struct disc_record record;
	struct js *list;
	struct js *js;
	size_t i;

	if (!ddc || !ddc->sources)
		return err_set(err, -ENOENT,
			       "there is no discovery controller %s; see: sunfishctl ddc list",
			       request->id);
	js = ddc_format(ddc);
	list = js_array();
	for (i = 0; ddc->log && i < ddc->log->n_records; i++)
		if (disc_record_decode(disc_log_record(ddc->log, i), &record, NULL) == 0)
			js_append(list, ddc_format_record(&record));
	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "log", list);
	return api_answer_js(answer, 200, js, err);
}

const struct api_route ddc_routes[] = {
	{ "GET", "/ddcs", AUTH_VIEWER, 0, get_ddcs },
	{ "GET", "/ddcs/*", AUTH_VIEWER, 0, get_ddc },
	{ 0 },
};
