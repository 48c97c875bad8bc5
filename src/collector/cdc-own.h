/* SPDX-License-Identifier: BSD-3-Clause */
/* cdc-own - what the files of cdc share: the model, hosts, pages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "collector/cdc.h"
#include "collector/ddc.h"
#include "collector/registry.h"
#include "collector/zone.h"
#include "core/loop.h"
#include "nvmf/disc-log.h"
#include "nvmf/disc-server.h"

/* --- model: what is exported where, and for whom */

/* A subsystem at a port. */
struct cdc_entry {
	struct disc_record record;
	char port[ZONE_PORT_MAX];
	const struct registry_source *source; /* valid as long as the model is fresh; NULL: only a
					       * discovery log has it */
	/* of that log's controller, owned; or NULL */
	char *ddc;
	char *tenant;
	bool stale;
	bool any_host;
	size_t twins; /* of the first of those that say the same place: their count; 0: of others */
};

/* A host that a target lets in. */
struct cdc_grant {
	char *hostnqn;
	size_t entry; /* the first of its twins, as below */
};

struct cdc_model {
	struct cdc_entry *entries; /* in the order of records */
	size_t n_entries;
	size_t *open; /* entries for any host */
	size_t n_open;
	struct cdc_grant *grants; /* in the order of host, entry */
	size_t n_grants;
};

/* Of all targets that ever reported, and all discovery logs that were read. What only a log has,
 * zones and tenants show, and nothing else. Returns: 0, *ret owned; -ENOMEM. */
int cdc_model_new(const struct registry *registry, const struct ddcs *ddcs, struct cdc_model **ret,
		  struct err *err);
void cdc_model_free(struct cdc_model *model); /* NULL is allowed */

/* The entries that a host sees, as indices in ascending order, of twins the first. A place that is
 * in the log of a tenant's controller is fenced by that tenant, whoever else says it. Returns: 0,
 * *ret owned; -ENOMEM. */
int cdc_model_view(const struct cdc_model *model, const struct zones *zones, const char *hostnqn,
		   size_t **ret, size_t *ret_count, struct err *err);

/* --- hosts and pages */

/* A connection of a host. */
struct cdc_conn {
	struct cdc_conn *next;
	struct cdc_host *host;
	struct disc_conn *conn;
	struct disc_record self; /* where it reached us */
	char address[64];
};

/* A host that was here since the start. */
struct cdc_host {
	struct cdc_host *next; /* of its bucket */
	struct cdc_host *newer, *older;
	char *nqn;
	struct cdc_conn *conns;
	uint64_t generation; /* the newest that it got */
	uint64_t read_generation;
	int64_t read_ms; /* wall clock */
};

/* Who read which generation. */
struct cdc_reading {
	char *nqn;
	char address[64];
	uint64_t generation;
	size_t n_records;
	int64_t first_ms, last_ms; /* wall clock */
	uint64_t times;
};

#define CDC_BUCKETS 8192
#define CDC_HOSTS_MAX 65536 /* remembered; of those that are gone the longest go first */
#define CDC_READINGS_MAX 4096

struct cdc_page {
	struct cdc_page *next;
	uint64_t hash;
	struct disc_log *log;
};

struct cdc {
	struct collector *collector;
	struct disc_server *server;
	struct hostkeys *keys;
	char nqn[NQN_MAX + 1];
	struct cdc_model *model; /* NULL: to be made anew */
	struct loop_source *timer;
	bool is_dirty; /* something happened since the model was made */
	bool is_due;   /* the timer runs */
	int64_t cost_ms;
	uint64_t generation; /* the last that was given */
	uint64_t floor;	     /* the newest that a host knows who was forgotten */
	struct cdc_host *hosts[CDC_BUCKETS];
	struct cdc_host *newest, *oldest;
	unsigned int n_hosts;
	struct cdc_page *pages[CDC_BUCKETS];
	struct cdc_reading readings[CDC_READINGS_MAX];
	size_t n_readings, next_reading;
};

/* NULL: it was not here. */
struct cdc_host *cdc_host_find(const struct cdc *cdc, const char *nqn);
/* The model as it is now. Returns: 0; -ENOMEM. */
int cdc_need_model(struct cdc *cdc, struct err *err);
