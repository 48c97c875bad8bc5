/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ddc-store - direct discovery controllers as documents and events.
 *
 * What a controller says is taken over in memory at once, since it is so whether we can store it or
 * not. It is marked, and all that are marked are written with the next transaction. If that fails
 * they stay marked and are tried again: events are about the difference to what was stored last.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/collector.h"
#include "collector/ddc-own.h"
#include "core/log.h"
#include "nvmf/nvme-spec.h"

#define KEY "ddc/"
#define KEY_LOG "ddc-log/"
#define RETRY_MS 1000
#define RAW_COUNT 9

/* --- as JSON */

static const char *security_of(const struct disc_record *record)
{
	if (record->trtype != NVME_TRTYPE_TCP)
		return "";
	return record->sectype == NVME_SECTYPE_TLS13 ? "tls13" : "none";
}

static const char *channel_of(const struct disc_record *record)
{
	switch (record->treq & NVME_TREQ_MASK) {
	case NVME_TREQ_REQUIRED:
		return "required";
	case NVME_TREQ_NOT_REQUIRED:
		return "not-required";
	default:
		return "";
	}
}

struct js *ddc_format_record(const struct disc_record *record)
{
	struct js *js = js_object();
	char scratch[8];

	js_set(js, "nqn", js_string(record->subnqn));
	js_set(js, "type", js_string(disc_subtype_word(record->subtype, scratch)));
	js_set(js, "transport", js_string(disc_trtype_word(record->trtype, scratch)));
	js_set(js, "family", js_string(disc_adrfam_word(record->adrfam, scratch)));
	js_set(js, "address", js_string(record->traddr));
	js_set(js, "service", js_string(record->trsvcid));
	js_set(js, "port_id", js_int(record->port_id));
	js_set(js, "security", js_string(security_of(record)));
	js_set(js, "secure_channel", js_string(channel_of(record)));
	return js;
}

static struct js *format_sources(unsigned int sources)
{
	static const char *const words[] = { "conf", "report", "referral", "registered" };
	struct js *list = js_array();
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (sources & (1u << i))
			js_append(list, js_string(words[i]));
	return list;
}

struct js *ddc_format(const struct ddc *ddc)
{
	struct js *js = js_object();

	js_set(js, "key", js_string(ddc->key));
	js_set(js, "name", js_string(ddc->name));
	js_set(js, "transport", js_string("tcp"));
	js_set(js, "address", js_string(ddc->address));
	js_set(js, "service", js_string(ddc->service));
	js_set(js, "tenant", js_string(ddc->tenant));
	js_set(js, "sources", format_sources(ddc->sources));
	js_set(js, "state", js_string(ddc_state_word(ddc->state)));
	js_set(js, "since", js_int(ddc->since_ms));
	js_set(js, "cause", js_string(ddc->cause));
	js_set(js, "records", js_int(ddc->log ? (int64_t)ddc->log->n_records : 0));
	js_set(js, "generation", js_int(ddc->log ? (int64_t)ddc->log->genctr : 0));
	js_set(js, "read", js_int(ddc->read_ms));
	js_set(js, "stale", js_bool(ddc->log && ddc->state != DDC_UP));
	return js;
}

/* --- the log as a document */

/* The words are for people who look into the store; the numbers are all there is, exactly. */
static struct js *format_stored_record(const struct disc_record *record)
{
	struct js *js = js_object();
	struct js *raw = js_array();
	const uint32_t numbers[RAW_COUNT] = { record->trtype, record->adrfam,  record->subtype,
					      record->treq,   record->port_id, record->cntlid,
					      record->asqsz,  record->eflags,  record->sectype };
	size_t i;

	for (i = 0; i < RAW_COUNT; i++)
		js_append(raw, js_int(numbers[i]));
	js_set(js, "nqn", js_string(record->subnqn));
	js_set(js, "address", js_string(record->traddr));
	js_set(js, "service", js_string(record->trsvcid));
	js_set(js, "raw", raw);
	return js;
}

static bool parse_stored_record(const struct js *js, struct disc_record *ret)
{
	const char *nqn = js_text(js_get(js, "nqn"));
	const char *address = js_text(js_get(js, "address"));
	const char *service = js_text(js_get(js, "service"));
	const struct js *raw = js_get(js, "raw");
	int64_t n[RAW_COUNT];
	size_t i;

	if (!nqn || !address || !service || js_length(raw) != RAW_COUNT)
		return false;
	for (i = 0; i < RAW_COUNT; i++)
		n[i] = js_number(js_at(raw, i), 0);
	*ret = (struct disc_record){
		.trtype = (uint8_t)n[0],
		.adrfam = (uint8_t)n[1],
		.subtype = (uint8_t)n[2],
		.treq = (uint8_t)n[3],
		.port_id = (uint16_t)n[4],
		.cntlid = (uint16_t)n[5],
		.asqsz = (uint16_t)n[6],
		.eflags = (uint16_t)n[7],
		.sectype = (uint8_t)n[8],
	};
	snprintf(ret->subnqn, sizeof(ret->subnqn), "%s", nqn);
	snprintf(ret->traddr, sizeof(ret->traddr), "%s", address);
	snprintf(ret->trsvcid, sizeof(ret->trsvcid), "%s", service);
	return true;
}

static struct js *format_log(const struct disc_log *log)
{
	struct js *js = js_object();
	struct js *list = js_array();
	struct disc_record record;
	size_t i;

	for (i = 0; i < log->n_records; i++)
		if (disc_record_decode(disc_log_record(log, i), &record, NULL) == 0)
			js_append(list, format_stored_record(&record));
	js_set(js, "generation", js_int((int64_t)log->genctr));
	js_set(js, "records", list);
	return js;
}

static struct disc_log *parse_log(const struct js *js)
{
	const struct js *list = js_get(js, "records");
	size_t n = js_length(list);
	struct disc_log *log =
		disc_log_new((uint64_t)js_number(js_get(js, "generation"), 0), NULL, n);
	struct disc_record record;
	size_t i;

	for (i = 0; log && i < n; i++) {
		if (!parse_stored_record(js_at(list, i), &record)) {
			disc_log_unref(log);
			return NULL;
		}
		disc_record_encode(&record, log->bytes + DISC_HEADER_BYTES + i * DISC_RECORD_BYTES);
	}
	return log;
}

static int put_doc(struct ddcs *ddcs, const char *prefix, const char *key, struct js *take_js,
		   struct err *err)
{
	CLEANUP_JS struct js *js = take_js;
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);
	char doc[sizeof(KEY_LOG) + DDC_KEY_MAX];

	snprintf(doc, sizeof(doc), "%s%s", prefix, key);
	return text ? store_doc_put(ddcs->collector->store, doc, text, err) : err_nomem(err);
}

static int delete_doc(struct ddcs *ddcs, const char *prefix, const char *key, struct err *err)
{
	char doc[sizeof(KEY_LOG) + DDC_KEY_MAX];

	snprintf(doc, sizeof(doc), "%s%s", prefix, key);
	return store_doc_delete(ddcs->collector->store, doc, err);
}

/* --- what differs between two logs */

struct entry {
	struct disc_record record;
	const uint8_t *bytes;
};

static int by_place(const void *a, const void *b)
{
	const struct entry *left = a;
	const struct entry *right = b;
	int r = strcmp(left->record.subnqn, right->record.subnqn);

	if (r == 0)
		r = (int)left->record.trtype - (int)right->record.trtype;
	if (r == 0)
		r = strcmp(left->record.traddr, right->record.traddr);
	if (r == 0)
		r = strcmp(left->record.trsvcid, right->record.trsvcid);
	return r;
}

/* Those that lead somewhere, in order. Returns: owned; NULL: out of memory. */
static struct entry *sort(const struct disc_log *log, size_t *ret_count)
{
	size_t n = log ? log->n_records : 0;
	struct entry *entries = calloc(n ? n : 1, sizeof(*entries));
	size_t i;

	*ret_count = 0;
	for (i = 0; entries && i < n; i++) {
		struct entry *entry = &entries[*ret_count];

		entry->bytes = disc_log_record(log, i);
		if (disc_record_decode(entry->bytes, &entry->record, NULL) == 0)
			++*ret_count;
	}
	if (entries)
		qsort(entries, *ret_count, sizeof(*entries), by_place);
	return entries;
}

static int tell_record(struct ddc *ddc, const char *type, const struct disc_record *record,
		       struct err *err)
{
	CLEANUP_JS struct js *js = ddc_format_record(record);
	char id[DDC_KEY_MAX + 640];
	char scratch[8];

	snprintf(id, sizeof(id), "%s/%s/%s,%s,%s", ddc->key, record->subnqn,
		 disc_trtype_word(record->trtype, scratch), record->traddr, record->trsvcid);
	js_set(js, "ddc", js_string(ddc->key));
	return events_add_own(ddc->ddcs->collector->events, type, "record", id,
			      "the discovery log changed", js, err);
}

static int tell_difference(struct ddc *ddc, const struct disc_log *before,
			   const struct disc_log *after, struct err *err)
{
	size_t n_old, n_new;
	size_t i = 0, j = 0;
	CLEANUP_FREE struct entry *old = sort(before, &n_old);
	CLEANUP_FREE struct entry *now = sort(after, &n_new);
	int r = old && now ? 0 : err_nomem(err);

	while (r == 0 && (i < n_old || j < n_new)) {
		int order = i == n_old ? 1 : j == n_new ? -1 : by_place(&old[i], &now[j]);

		if (order < 0) {
			r = tell_record(ddc, "removed", &old[i++].record, err);
		} else if (order > 0) {
			r = tell_record(ddc, "added", &now[j++].record, err);
		} else {
			if (memcmp(old[i].bytes, now[j].bytes, DISC_RECORD_BYTES) != 0)
				r = tell_record(ddc, "changed", &now[j].record, err);
			i++;
			j++;
		}
	}
	return r;
}

/* --- a transaction */

static int write_log(struct ddc *ddc, struct err *err)
{
	const struct disc_log *before = ddc->written ? ddc->written : ddc->stored;
	int r = 0;

	if (before == ddc->log)
		return 0;
	if (before && ddc->log)
		r = tell_difference(ddc, before, ddc->log, err);
	if (r == 0)
		r = ddc->log ? put_doc(ddc->ddcs, KEY_LOG, ddc->key, format_log(ddc->log), err)
			     : delete_doc(ddc->ddcs, KEY_LOG, ddc->key, err);
	return r;
}

static int write_one(struct ddc *ddc, struct err *err)
{
	struct ddcs *ddcs = ddc->ddcs;
	bool is_there = ddc->is_told || ddc->is_written;
	CLEANUP_JS struct js *js = ddc_format(ddc);
	int r;

	if (!ddc->sources && !is_there)
		return 0;
	r = write_log(ddc, err);
	if (r == 0)
		r = ddc->sources ? put_doc(ddcs, KEY, ddc->key, js_ref(js), err)
				 : delete_doc(ddcs, KEY, ddc->key, err);
	if (r == 0)
		r = events_add_own(ddcs->collector->events,
				   !ddc->sources ? "removed"
				   : is_there	 ? "changed"
						 : "added",
				   "ddc", ddc->key,
				   !ddc->sources ? "nobody refers to it any more"
				   : ddc->cause	 ? ddc->cause
						 : "",
				   js, err);
	return r;
}

static void put_written(struct ddc *ddc)
{
	if (!ddc->is_written) {
		ddc->is_written = true;
		ddc->written_next = ddc->ddcs->written;
		ddc->ddcs->written = ddc;
	}
	disc_log_unref(ddc->written);
	ddc->written = ddc->log ? disc_log_ref(ddc->log) : NULL;
}

static int write_dirty(void *data, struct err *err)
{
	struct ddcs *ddcs = data;
	int r = 0;

	ddcs->has_joined = false;
	while (r == 0 && ddcs->dirty) {
		struct ddc *ddc = ddcs->dirty;

		r = write_one(ddc, err);
		if (r < 0)
			break;
		ddcs->dirty = ddc->dirty_next;
		ddc->is_dirty = false;
		put_written(ddc);
	}
	return r;
}

/* Called for each time it was joined; the first one does it all. */
static void done_dirty(void *data, int code, const struct err *err)
{
	struct ddcs *ddcs = data;

	(void)err;
	ddcs->has_joined = false;
	while (ddcs->written) {
		struct ddc *ddc = ddcs->written;

		ddcs->written = ddc->written_next;
		ddc->is_written = false;
		if (code == 0) {
			disc_log_unref(ddc->stored);
			ddc->stored = ddc->written;
			ddc->is_told = ddc->sources != 0;
		} else {
			disc_log_unref(ddc->written);
			if (!ddc->is_dirty) {
				ddc->is_dirty = true;
				ddc->dirty_next = ddcs->dirty;
				ddcs->dirty = ddc;
			}
		}
		ddc->written = NULL;
		if (code == 0 && !ddc->sources && !ddc->is_dirty)
			ddc_drop(ddc);
	}
	if (ddcs->dirty)
		loop_timer_set(ddcs->retry, RETRY_MS, RETRY_MS / 10);
}

void ddc_join(struct ddcs *ddcs)
{
	if (!ddcs->has_joined)
		ddcs->has_joined =
			commit_join(ddcs->collector->commit, write_dirty, done_dirty, ddcs) == 0;
	if (!ddcs->has_joined)
		loop_timer_set(ddcs->retry, RETRY_MS, RETRY_MS / 10);
}

/* --- at the start */

struct loading {
	struct ddcs *ddcs;
	struct err *err;
};

static unsigned int parse_sources(const struct js *list)
{
	unsigned int sources = 0;
	size_t i;

	for (i = 0; i < js_length(list); i++) {
		const char *word = js_text(js_at(list, i));

		/* who is named by the configuration or a report is found there again */
		if (word && strcmp(word, "referral") == 0)
			sources |= DDC_REFERRAL;
		if (word && strcmp(word, "registered") == 0)
			sources |= DDC_REGISTERED;
		if (word && strcmp(word, "conf") == 0)
			sources |= DDC_CONF;
		if (word && strcmp(word, "report") == 0)
			sources |= DDC_REPORT;
	}
	return sources;
}

static int load_one(void *data, const char *key, const char *text)
{
	const struct loading *loading = data;
	CLEANUP_JS struct js *js = NULL;
	struct err why = ERR_NULL;
	const char *address, *service, *name, *tenant;
	unsigned int sources;
	struct ddc *ddc;

	if (js_parse(text, strlen(text), &js, &why) == -ENOMEM)
		return err_nomem(loading->err);
	address = js_text(js_get(js, "address"));
	service = js_text(js_get(js, "service"));
	name = js_text(js_get(js, "name"));
	tenant = js_text(js_get(js, "tenant"));
	sources = parse_sources(js_get(js, "sources"));
	if (!address || !service || !name || !sources) {
		log_error("the stored %s is passed over: it makes no sense", key);
		return 0;
	}
	ddc = ddc_need(loading->ddcs, address, service, (enum ddc_source)sources);
	if (!ddc)
		return err_nomem(loading->err);
	ddc->is_told = true;
	ddc->since_ms = js_number(js_get(js, "since"), 0);
	ddc->read_ms = js_number(js_get(js, "read"), 0);
	free(ddc->name);
	ddc->name = strdup(name);
	ddc->tenant = tenant ? strdup(tenant) : NULL;
	return ddc->name && (!tenant || ddc->tenant) ? 0 : err_nomem(loading->err);
}

static int load_log(void *data, const char *key, const char *text)
{
	const struct loading *loading = data;
	struct ddc *ddc = ddc_find(loading->ddcs, key + strlen(KEY_LOG));
	CLEANUP_JS struct js *js = NULL;
	struct err why = ERR_NULL;

	if (!ddc)
		return 0;
	if (js_parse(text, strlen(text), &js, &why) == 0)
		ddc->log = parse_log(js);
	if (!ddc->log)
		log_error("the stored %s is passed over: it makes no sense", key);
	ddc->stored = ddc->log ? disc_log_ref(ddc->log) : NULL;
	return 0;
}

int ddc_load(struct ddcs *ddcs, struct err *err)
{
	struct loading loading = { ddcs, err };
	struct store *store = ddcs->collector->store;
	int r = store_doc_each(store, KEY, load_one, &loading, err);

	return r < 0 ? r : store_doc_each(store, KEY_LOG, load_log, &loading, err);
}
