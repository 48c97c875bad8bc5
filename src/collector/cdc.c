/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/cdc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/js.h"
#include "collector/cdc-own.h"
#include "collector/collector.h"
#include "collector/hostkey.h"
#include "core/listener.h"
#include "core/log.h"
#include "nvmf/addr.h"
#include "nvmf/nvme-spec.h"

#define SOON_MS 20	     /* what comes together is told together */
#define REST_FACTOR 9	     /* making views takes a tenth of the time at most */
#define RESERVE (1ULL << 32) /* generations of one run */
#define KEY "cdc/generation"

/* --- generations */

static int take_reserved(void *data, const char *key, const char *text)
{
	CLEANUP_JS struct js *js = NULL;
	int64_t reserved = -1;

	(void)key;
	if (js_parse(text, strlen(text), &js, NULL) == 0)
		reserved = js_number(js_get(js, "generation"), -1);
	if (reserved < 0)
		return -EBADMSG;
	*(uint64_t *)data = (uint64_t)reserved;
	return 0;
}

/* In no two runs the same ones: a host that knows the last run's must not take ours for it. */
static int reserve(struct cdc *cdc, struct err *err)
{
	struct store *store = cdc->collector->store;
	uint64_t reserved = 0;
	char text[64];
	int r = store_doc_each(store, KEY, take_reserved, &reserved, err);

	if (r == -EBADMSG)
		return err_set(err, r, "the stored generation of the discovery log makes no sense");
	cdc->generation = reserved;
	snprintf(text, sizeof(text), "{\"generation\":%llu}",
		 (unsigned long long)(reserved + RESERVE));
	if (r == 0)
		r = store_begin(store, err);
	if (r < 0)
		return r;
	r = store_doc_put(store, KEY, text, err);
	if (r == 0)
		r = store_commit(store, err);
	if (r < 0)
		store_rollback(store);
	return r;
}

/* --- hosts that were here */

static uint64_t hash_of(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	while (length--)
		hash = (hash ^ *at++) * UINT64_C(0x100000001b3);
	return hash;
}

struct cdc_host *cdc_host_find(const struct cdc *cdc, const char *nqn)
{
	struct cdc_host *host = cdc->hosts[hash_of(nqn, strlen(nqn)) % CDC_BUCKETS];

	while (host && strcmp(host->nqn, nqn) != 0)
		host = host->next;
	return host;
}

static void host_unlink(struct cdc *cdc, struct cdc_host *host)
{
	*(host->newer ? &host->newer->older : &cdc->newest) = host->older;
	*(host->older ? &host->older->newer : &cdc->oldest) = host->newer;
	host->newer = host->older = NULL;
}

static void host_link(struct cdc *cdc, struct cdc_host *host)
{
	host->older = cdc->newest;
	if (cdc->newest)
		cdc->newest->newer = host;
	else
		cdc->oldest = host;
	cdc->newest = host;
}

static void host_free(struct cdc *cdc, struct cdc_host *host)
{
	struct cdc_host **at = &cdc->hosts[hash_of(host->nqn, strlen(host->nqn)) % CDC_BUCKETS];

	while (*at != host)
		at = &(*at)->next;
	*at = host->next;
	host_unlink(cdc, host);
	free(host->nqn);
	free(host);
	cdc->n_hosts--;
}

/* Find or make. Returns: NULL out of memory. */
static struct cdc_host *host_need(struct cdc *cdc, const char *nqn)
{
	struct cdc_host *host = cdc_host_find(cdc, nqn);
	struct cdc_host **bucket = &cdc->hosts[hash_of(nqn, strlen(nqn)) % CDC_BUCKETS];
	struct cdc_host *old;

	if (host) {
		host_unlink(cdc, host);
		host_link(cdc, host);
		return host;
	}
	for (old = cdc->oldest; old && cdc->n_hosts >= CDC_HOSTS_MAX; old = old->newer) {
		if (old->conns)
			continue;
		/* who comes back as a stranger gets no page that is older than what he knows */
		if (cdc->floor < old->generation)
			cdc->floor = old->generation;
		host_free(cdc, old);
		break;
	}
	host = calloc(1, sizeof(*host));
	if (!host)
		return NULL;
	host->nqn = strdup(nqn);
	if (!host->nqn) {
		free(host);
		return NULL;
	}
	host->generation = cdc->floor;
	host->next = *bucket;
	*bucket = host;
	host_link(cdc, host);
	cdc->n_hosts++;
	return host;
}

/* --- pages */

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

/* Those that no host has any more. @all  whoever has them */
static void pages_drop(struct cdc *cdc, bool all)
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

int cdc_need_model(struct cdc *cdc, struct err *err)
{
	struct cdc_model *model;
	int r;

	if (cdc->model && !cdc->is_dirty)
		return 0;
	r = cdc_model_new(cdc->collector->registry, cdc->collector->ddcs, &model, err);
	if (r < 0)
		return r;
	cdc_model_free(cdc->model);
	cdc->model = model;
	cdc->is_dirty = false;
	return 0;
}

/* The page of a connection, as it is now. Returns: 0, *ret owned; -ENOMEM. */
static int page_of(struct cdc *cdc, const struct cdc_conn *conn, struct disc_log **ret,
		   struct err *err)
{
	const struct disc_log *now = conn->conn ? disc_conn_log(conn->conn) : NULL;
	CLEANUP_FREE size_t *seen = NULL;
	struct disc_log *log;
	struct disc_log *known;
	uint64_t hash;
	size_t count;
	size_t i;
	int r = cdc_model_view(cdc->model, cdc->collector->zones, conn->host->nqn, &seen, &count,
			       err);

	if (r < 0)
		return r;
	if (count >= DISC_RECORDS_MAX)
		count = DISC_RECORDS_MAX - 1;
	log = disc_log_new(cdc->generation + 1, NULL, count + 1);
	if (!log)
		return err_nomem(err);
	disc_record_encode(&conn->self, log->bytes + DISC_HEADER_BYTES);
	for (i = 0; i < count; i++)
		disc_record_encode(&cdc->model->entries[seen[i]].record,
				   log->bytes + DISC_HEADER_BYTES + (i + 1) * DISC_RECORD_BYTES);
	if (now && disc_log_equal(now, log)) {
		disc_log_unref(log);
		*ret = NULL;
		return 0;
	}
	hash = hash_of(disc_log_record(log, 0), log->n_records * DISC_RECORD_BYTES);
	known = page_find(cdc, hash, log, conn->host->generation);
	if (known) {
		disc_log_unref(log);
		log = disc_log_ref(known);
	} else if (page_add(cdc, hash, log) < 0) {
		disc_log_unref(log);
		return err_nomem(err);
	} else {
		cdc->generation++;
	}
	if (conn->host->generation < log->genctr)
		conn->host->generation = log->genctr;
	*ret = log;
	return 0;
}

/* --- changes */

static void tell_all(struct cdc *cdc)
{
	struct err err = ERR_NULL;
	struct cdc_host *host;
	struct cdc_conn *conn;
	struct cdc_conn *next;
	int r = cdc_need_model(cdc, &err);

	for (host = cdc->newest; host && r == 0; host = host->older) {
		for (conn = host->conns; conn && r == 0; conn = next) {
			struct disc_log *log = NULL;

			/* one that is dead is found out when it is told */
			next = conn->next;
			r = page_of(cdc, conn, &log, &err);
			if (log)
				disc_conn_set_log(conn->conn, log);
			disc_log_unref(log);
		}
	}
	if (r < 0) {
		log_error("discovery views: %s; they stay as they are for now", err.text);
		cdc->is_dirty = true;
	}
	pages_drop(cdc, false);
}

static void on_timer(void *data)
{
	struct cdc *cdc = data;
	const int64_t began_ms = clock_monotonic_ms();

	cdc->is_due = false;
	if (cdc->is_dirty)
		tell_all(cdc);
	cdc->cost_ms = clock_monotonic_ms() - began_ms;
	/* out of memory: later again */
	if (cdc->is_dirty)
		cdc_flush(cdc);
}

void cdc_mark(struct cdc *cdc)
{
	if (cdc)
		cdc->is_dirty = true;
}

void cdc_flush(struct cdc *cdc)
{
	int64_t rest_ms;

	if (!cdc || !cdc->is_dirty || cdc->is_due)
		return;
	rest_ms = cdc->cost_ms * REST_FACTOR;
	cdc->is_due = true;
	loop_timer_set(cdc->timer, rest_ms > SOON_MS ? rest_ms : SOON_MS, 0);
}

int cdc_on_event(void *data, const struct store_event *event, struct err *err)
{
	static const char *const kinds[] = { "listener", "subsystem", "allowed", "zone",
					     "node",	 "ddc",	      "record" };
	struct cdc *cdc = data;
	size_t i;

	(void)err;
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(event->kind, kinds[i]) == 0)
			cdc->is_dirty = true;
	return 0;
}

/* --- hosts come and go */

static void fill_self(struct cdc *cdc, struct cdc_conn *conn, const struct sockaddr *local)
{
	struct disc_record *self = &conn->self;

	*self = (struct disc_record){
		.trtype = NVME_TRTYPE_TCP,
		.adrfam = NVME_ADRFAM_IPV4,
		.subtype = NVME_SUBTYPE_CURRENT,
		.cntlid = NVME_CNTLID_DYNAMIC,
		.asqsz = 32,
		.eflags = NVME_EFLAG_EPCSD,
	};
	snprintf(self->subnqn, sizeof(self->subnqn), "%s", cdc->nqn);
	if (local->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)local;

		inet_ntop(AF_INET, &in->sin_addr, self->traddr, sizeof(self->traddr));
		snprintf(self->trsvcid, sizeof(self->trsvcid), "%u", ntohs(in->sin_port));
	} else if (local->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)local;
		const bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);

		self->adrfam = mapped ? NVME_ADRFAM_IPV4 : NVME_ADRFAM_IPV6;
		inet_ntop(mapped ? AF_INET : AF_INET6,
			  (const uint8_t *)&in6->sin6_addr + (mapped ? 12 : 0), self->traddr,
			  sizeof(self->traddr));
		snprintf(self->trsvcid, sizeof(self->trsvcid), "%u", ntohs(in6->sin6_port));
	}
}

static void name_peer(const struct sockaddr *peer, char text[64])
{
	const void *at = NULL;

	text[0] = '\0';
	if (peer->sa_family == AF_INET)
		at = &((const struct sockaddr_in *)(const void *)peer)->sin_addr;
	else if (peer->sa_family == AF_INET6)
		at = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;
	if (at)
		inet_ntop(peer->sa_family, at, text, 64);
}

static int on_connect(void *data, struct disc_conn *disc, const struct disc_host *who,
		      struct disc_log **ret_log)
{
	struct cdc *cdc = data;
	struct cdc_host *host = host_need(cdc, who->hostnqn);
	struct cdc_conn *conn = host ? calloc(1, sizeof(*conn)) : NULL;
	int r = conn ? cdc_need_model(cdc, NULL) : -ENOMEM;

	if (r == 0) {
		conn->host = host;
		fill_self(cdc, conn, who->local);
		name_peer(who->peer, conn->address);
		r = page_of(cdc, conn, ret_log, NULL);
	}
	if (r < 0) {
		free(conn);
		return -EAGAIN;
	}
	conn->conn = disc;
	conn->next = host->conns;
	host->conns = conn;
	disc_conn_set(disc, conn);
	return 0;
}

static void on_gone(void *data, struct disc_conn *disc, enum disc_gone why, const char *text)
{
	struct cdc_conn *conn = disc_conn_get(disc);
	struct cdc_conn **at = &conn->host->conns;

	(void)data;
	if (why == DISC_GONE_PROTOCOL || why == DISC_GONE_KATO)
		log_notice("the discovery connection of %s from %s is over: %s", conn->host->nqn,
			   conn->address, text);
	while (*at != conn)
		at = &(*at)->next;
	*at = conn->next;
	free(conn);
}

/* --- who read what */

static struct cdc_reading *reading_add(struct cdc *cdc, const struct cdc_conn *conn)
{
	struct cdc_reading *reading = &cdc->readings[cdc->next_reading];

	free(reading->nqn);
	*reading = (struct cdc_reading){ .nqn = strdup(conn->host->nqn) };
	if (!reading->nqn)
		return NULL;
	snprintf(reading->address, sizeof(reading->address), "%s", conn->address);
	cdc->next_reading = (cdc->next_reading + 1) % CDC_READINGS_MAX;
	if (cdc->n_readings < CDC_READINGS_MAX)
		cdc->n_readings++;
	return reading;
}

static struct cdc_reading *reading_find(struct cdc *cdc, const char *nqn, uint64_t generation)
{
	size_t i;

	for (i = 0; i < cdc->n_readings; i++)
		if (cdc->readings[i].generation == generation &&
		    strcmp(cdc->readings[i].nqn, nqn) == 0)
			return &cdc->readings[i];
	return NULL;
}

static void on_read(void *data, struct disc_conn *disc, const struct disc_log *log)
{
	struct cdc *cdc = data;
	const struct cdc_conn *conn = disc_conn_get(disc);
	const int64_t now_ms = clock_wall_ms();
	struct cdc_reading *reading = NULL;

	/* who reads again what he has read is not told of anew */
	if (conn->host->read_generation == log->genctr)
		reading = reading_find(cdc, conn->host->nqn, log->genctr);
	if (!reading) {
		reading = reading_add(cdc, conn);
		if (!reading)
			return;
		reading->generation = log->genctr;
		reading->n_records = log->n_records;
		reading->first_ms = now_ms;
	}
	reading->last_ms = now_ms;
	reading->times++;
	conn->host->read_generation = log->genctr;
	conn->host->read_ms = now_ms;
}

static int on_secrets(void *data, const struct disc_host *who, struct disc_secrets *ret)
{
	struct cdc *cdc = data;
	char address[64];

	name_peer(who->peer, address);
	return hostkey_secrets(cdc->keys, who->hostnqn, address, ret);
}

static void on_unproved(void *data, const struct disc_host *who, const char *why)
{
	struct cdc *cdc = data;
	char address[64];

	name_peer(who->peer, address);
	hostkey_failed(cdc->keys, who->hostnqn, address, why);
}

static uint16_t on_dim(void *data, struct disc_conn *disc, const struct disc_dim *dim)
{
	const struct cdc *cdc = data;
	const struct cdc_conn *conn = disc_conn_get(disc);

	return dim_command(cdc->collector->dims, conn->host->nqn, conn->address, dim);
}

/* --- life */

/* A name that stays with the store. */
static void own_name(const struct cdc *cdc, char ret[NQN_MAX + 1])
{
	const char *id = store_id(cdc->collector->store);

	if (*cdc->collector->setup.cdc_nqn)
		snprintf(ret, NQN_MAX + 1, "%s", cdc->collector->setup.cdc_nqn);
	else
		snprintf(ret, NQN_MAX + 1,
			 "nqn.2014-08.org.nvmexpress:uuid:%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8,
			 id + 12, id + 16, id + 20);
}

static int listen_at(struct cdc *cdc, const char *text, struct err *err)
{
	struct addr addr;
	int fd = -1;
	int r = addr_parse(text, NVME_TCP_DISCOVERY_PORT, &addr, err);

	if (r == 0)
		r = listener_bind(addr.host, (uint16_t)strtoul(addr.port, NULL, 10), &fd, err);
	if (r == 0)
		r = disc_server_listen(cdc->server, fd, err);
	return r;
}

static int start(struct cdc *cdc, struct err *err)
{
	const struct setup *setup = &cdc->collector->setup;
	const struct disc_server_hooks hooks = {
		.connect = on_connect,
		.secrets = on_secrets,
		.unproved = on_unproved,
		.read = on_read,
		.dim = on_dim,
		.gone = on_gone,
		.data = cdc,
	};
	struct disc_server_params params = {
		.nqn = cdc->nqn,
		.serial = store_id(cdc->collector->store),
		.version = "0.1",
		.cntlid_first = (uint16_t)setup->cdc_cntlid_first,
		.cntlid_last = (uint16_t)setup->cdc_cntlid_last,
		.bounds = DISC_SERVER_BOUNDS,
	};
	size_t i;
	int r = reserve(cdc, err);

	own_name(cdc, cdc->nqn);
	params.bounds.connections = (unsigned int)setup->connections_max;
	if (r == 0)
		r = loop_add_timer(cdc->collector->loop, on_timer, cdc, &cdc->timer, err);
	if (r == 0)
		r = hostkey_new(cdc->collector, &cdc->keys, err);
	if (r == 0)
		r = disc_server_new(cdc->collector->loop, &params, &hooks, &cdc->server, err);
	for (i = 0; r == 0 && i < setup->n_cdc_listen; i++)
		r = listen_at(cdc, setup->cdc_listen[i], err);
	if (r < 0)
		err_prefix(err, "discovery controller: ");
	return r;
}

int cdc_new(struct collector *collector, struct cdc **ret, struct err *err)
{
	struct cdc *cdc = NULL;
	int r = 0;

	if (collector->setup.n_cdc_listen) {
		cdc = calloc(1, sizeof(*cdc));
		if (!cdc)
			return err_nomem(err);
		cdc->collector = collector;
		r = start(cdc, err);
		if (r == 0)
			r = events_subscribe(collector->events, cdc_on_event, cdc);
	}
	if (r < 0) {
		cdc_free(cdc);
		return r;
	}
	*ret = cdc;
	return 0;
}

void cdc_free(struct cdc *cdc)
{
	size_t i;

	if (!cdc)
		return;
	disc_server_free(cdc->server);
	hostkey_free(cdc->keys);
	loop_source_free(cdc->timer);
	while (cdc->newest)
		host_free(cdc, cdc->newest);
	pages_drop(cdc, true);
	cdc_model_free(cdc->model);
	for (i = 0; i < cdc->n_readings; i++)
		free(cdc->readings[i].nqn);
	free(cdc);
}

void cdc_counters(const struct cdc *cdc, struct disc_server_counters *ret)
{
	disc_server_counters(cdc->server, ret);
}
