/* SPDX-License-Identifier: BSD-3-Clause */
/* Of cdc: pages, and which of them a host gets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/cdc-own.h"
#include "collector/collector.h"

/* --- all pages */

static uint64_t hash_of(const struct disc_log *log)
{
	return cdc_hash(disc_log_record(log, 0), log->n_records * DISC_RECORD_BYTES);
}

/* One of these records that the host may get after what it knows. */
static struct disc_log *page_find(struct cdc *cdc, uint64_t hash, const struct disc_log *log,
				  uint64_t after)
{
	struct cdc_page *page;

	for (page = cdc->pages[hash % CDC_BUCKETS]; page; page = page->next)
		if (page->hash == hash && page->log->genctr >= after &&
		    disc_log_equal(page->log, log))
			return page->log;
	return NULL;
}

static int page_add(struct cdc *cdc, uint64_t hash, struct disc_log *log)
{
	struct cdc_page *page = calloc(1, sizeof(*page));

	if (!page)
		return -ENOMEM;
	*page = (struct cdc_page){ cdc->pages[hash % CDC_BUCKETS], hash, disc_log_ref(log) };
	cdc->pages[hash % CDC_BUCKETS] = page;
	return 0;
}

void cdc_pages_drop(struct cdc *cdc, bool all)
{
	size_t i;

	for (i = 0; i < CDC_BUCKETS; i++) {
		struct cdc_page **at = &cdc->pages[i];

		while (*at) {
			struct cdc_page *page = *at;

			if (!all && page->log->count > 1) {
				at = &page->next;
				continue;
			}
			*at = page->next;
			disc_log_unref(page->log);
			free(page);
		}
	}
}

/* Returns: NULL out of memory. */
static struct disc_log *make_log(struct cdc *cdc, const struct cdc_conn *conn)
{
	CLEANUP_FREE struct cdc_place **seen = NULL;
	struct disc_record record;
	struct disc_log *log;
	size_t count;
	size_t i;

	if (cdc_model_view(cdc->model, conn->host->nqn, &seen, &count, NULL) < 0)
		return NULL;
	if (count >= DISC_RECORDS_MAX)
		count = DISC_RECORDS_MAX - 1;
	log = disc_log_new(cdc->generation + 1, NULL, count + 1);
	if (!log)
		return NULL;
	disc_record_encode(&conn->self, log->bytes + DISC_HEADER_BYTES);
	for (i = 0; i < count; i++) {
		cdc_place_record(seen[i], &record);
		disc_record_encode(&record,
				   log->bytes + DISC_HEADER_BYTES + (i + 1) * DISC_RECORD_BYTES);
	}
	return log;
}

/* The one page of these records that is at least of that generation.
 * @take_log  owned; NULL: out of memory. Returns: NULL out of memory. */
static struct disc_log *make_page(struct cdc *cdc, struct disc_log *take_log, uint64_t after)
{
	uint64_t hash;
	struct disc_log *known;

	if (!take_log)
		return NULL;
	hash = hash_of(take_log);
	known = page_find(cdc, hash, take_log, after);
	if (known) {
		disc_log_unref(take_log);
		return disc_log_ref(known);
	}
	if (page_add(cdc, hash, take_log) < 0) {
		disc_log_unref(take_log);
		return NULL;
	}
	cdc->generation++;
	return take_log;
}

/* --- classes of hosts */

static void class_free(struct cdc_class *class)
{
	disc_log_unref(class->log);
	free(class->zones);
	free(class);
}

void cdc_classes_drop(struct cdc *cdc)
{
	size_t i;

	for (i = 0; i < CDC_CLASS_BUCKETS; i++) {
		while (cdc->classes[i]) {
			struct cdc_class *class = cdc->classes[i];

			cdc->classes[i] = class->next;
			class_free(class);
		}
	}
}

static bool is_in(const struct cdc_class *class, const struct zone_host *host,
		  const struct cdc_conn *conn)
{
	size_t i;

	if (class->n_zones != host->count || strcmp(class->self.traddr, conn->self.traddr) != 0 ||
	    strcmp(class->self.trsvcid, conn->self.trsvcid) != 0)
		return false;
	for (i = 0; i < host->count; i++)
		if (class->zones[i] != zone_host_at(host, i))
			return false;
	return true;
}

/* Returns: NULL out of memory. */
static struct cdc_class *class_need(struct cdc *cdc, const struct cdc_conn *conn)
{
	struct zone_host host;
	struct cdc_class **bucket;
	struct cdc_class *class;
	size_t i;

	zone_host_begin(cdc->collector->zones, conn->host->nqn, &host);
	i = host.count ? (uintptr_t)zone_host_at(&host, 0) / 64 : 0;
	bucket = &cdc->classes[(i + cdc_hash(conn->self.traddr, strlen(conn->self.traddr))) %
			       CDC_CLASS_BUCKETS];
	for (class = *bucket; class; class = class->next)
		if (is_in(class, &host, conn))
			return class;
	class = calloc(1, sizeof(*class));
	if (!class)
		return NULL;
	class->zones = calloc(host.count + 1, sizeof(const struct zone *));
	if (!class->zones) {
		free(class);
		return NULL;
	}
	class->self = conn->self;
	class->n_zones = host.count;
	for (i = 0; i < host.count; i++)
		class->zones[i] = zone_host_at(&host, i);
	class->next = *bucket;
	*bucket = class;
	return class;
}

/* --- the page of one */

static struct disc_log *page_of_class(struct cdc *cdc, const struct cdc_conn *conn)
{
	struct cdc_class *class = class_need(cdc, conn);
	struct disc_log *log;

	if (!class)
		return NULL;
	/* who knows a newer one of other records gets this one anew */
	if (!class->log || class->log->genctr < conn->host->generation) {
		log = make_page(cdc, make_log(cdc, conn), conn->host->generation);
		if (!log)
			return NULL;
		disc_log_unref(class->log);
		class->log = log;
	}
	return disc_log_ref(class->log);
}

int cdc_page_of(struct cdc *cdc, const struct cdc_conn *conn, struct disc_log **ret,
		struct err *err)
{
	const struct disc_log *now = conn->conn ? disc_conn_log(conn->conn) : NULL;
	struct disc_log *log;

	if (cdc_guest_find(cdc->model, conn->host->nqn))
		log = make_page(cdc, make_log(cdc, conn), conn->host->generation);
	else
		log = page_of_class(cdc, conn);
	if (!log)
		return err_nomem(err);
	if (now && disc_log_equal(now, log)) {
		disc_log_unref(log);
		log = NULL;
	} else if (conn->host->generation < log->genctr) {
		conn->host->generation = log->genctr;
	}
	*ret = log;
	return 0;
}
