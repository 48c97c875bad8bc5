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

#define SLICE_MS 20	     /* of making views and telling them; then others have their turn */
#define AGAIN_MS 1000	     /* after memory ran out */
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

struct cdc_host *cdc_host_find(const struct cdc *cdc, const char *nqn)
{
	struct cdc_host *host = cdc->hosts[cdc_hash(nqn, strlen(nqn)) % CDC_BUCKETS];

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

/* Its view is to be looked at. */
static void host_due(struct cdc *cdc, struct cdc_host *host)
{
	if (host->due_at || !host->conns)
		return;
	host->due_next = NULL;
	host->due_at = cdc->due_end;
	*cdc->due_end = host;
	cdc->due_end = &host->due_next;
}

static void host_not_due(struct cdc *cdc, struct cdc_host *host)
{
	if (!host->due_at)
		return;
	*host->due_at = host->due_next;
	if (host->due_next)
		host->due_next->due_at = host->due_at;
	else
		cdc->due_end = host->due_at;
	host->due_next = NULL;
	host->due_at = NULL;
}

static void host_free(struct cdc *cdc, struct cdc_host *host)
{
	struct cdc_host **at = &cdc->hosts[cdc_hash(host->nqn, strlen(host->nqn)) % CDC_BUCKETS];

	while (*at != host)
		at = &(*at)->next;
	*at = host->next;
	host_not_due(cdc, host);
	host_unlink(cdc, host);
	free(host->nqn);
	free(host);
	cdc->n_hosts--;
}

/* Find or make. Returns: NULL out of memory. */
static struct cdc_host *host_need(struct cdc *cdc, const char *nqn)
{
	struct cdc_host *host = cdc_host_find(cdc, nqn);
	struct cdc_host **bucket = &cdc->hosts[cdc_hash(nqn, strlen(nqn)) % CDC_BUCKETS];
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

/* --- changes */

/* At the end of this round of the loop, when all is in that comes together. */
static void begin_soon(struct cdc *cdc)
{
	if (cdc->is_due)
		return;
	cdc->is_due = true;
	loop_post_set(cdc->post);
}

static int make_model(struct cdc *cdc)
{
	const struct collector *collector = cdc->collector;
	int r = 0;

	if (!cdc->model) {
		cdc->model = cdc_model_new(collector->zones);
		cdc->is_all_dirty = true;
	}
	if (!cdc->model)
		return -ENOMEM;
	if (cdc->is_all_dirty)
		r = cdc_model_mark_all(cdc->model, collector->registry, collector->ddcs);
	if (r == 0)
		r = cdc_model_update(cdc->model, collector->registry, collector->ddcs);
	return r;
}

static void guest_due(void *data, const struct cdc_guest *guest)
{
	struct cdc_host *host = cdc_host_find(data, guest->nqn);

	if (host)
		host_due(data, host);
}

static void take_changes(struct cdc *cdc)
{
	const uint64_t zones_version = zone_version(cdc->collector->zones);
	struct cdc_host *host;
	bool all = cdc->model->is_all_changed || cdc->zones_version != zones_version;

	cdc->zones_version = zones_version;
	cdc->model->is_all_changed = false;
	if (all || cdc->model->dirty_guests)
		cdc_classes_drop(cdc);
	cdc_model_each_dirty(cdc->model, guest_due, cdc);
	for (host = all ? cdc->newest : NULL; host; host = host->older)
		host_due(cdc, host);
}

int cdc_need_model(struct cdc *cdc, struct err *err)
{
	if (cdc->model && !cdc->is_dirty &&
	    cdc->zones_version == zone_version(cdc->collector->zones))
		return 0;
	if (make_model(cdc) < 0) {
		cdc_model_free(cdc->model);
		cdc->model = NULL;
		cdc->is_dirty = true;
		return err_nomem(err);
	}
	cdc->is_dirty = cdc->is_all_dirty = false;
	take_changes(cdc);
	if (cdc->due)
		begin_soon(cdc);
	return 0;
}

static int tell(struct cdc *cdc, const struct cdc_host *host, struct err *err)
{
	struct cdc_conn *conn;
	struct cdc_conn *next;
	int r = 0;

	for (conn = host->conns; conn && r == 0; conn = next) {
		struct disc_log *log = NULL;

		/* one that is dead is found out when it is told */
		next = conn->next;
		r = cdc_page_of(cdc, conn, &log, err);
		if (log)
			disc_conn_set_log(conn->conn, log);
		disc_log_unref(log);
	}
	return r;
}

/* A slice of those that are due; the others in the next round. */
static void tell_some(struct cdc *cdc)
{
	const int64_t end_ms = clock_monotonic_ms() + SLICE_MS;
	struct err err = ERR_NULL;
	int r = cdc_need_model(cdc, &err);

	while (cdc->due && r == 0 && clock_monotonic_ms() < end_ms) {
		struct cdc_host *host = cdc->due;

		host_not_due(cdc, host);
		r = tell(cdc, host, &err);
		if (r < 0)
			host_due(cdc, host);
	}
	if (!cdc->due)
		cdc_pages_drop(cdc, false);
	if (r < 0) {
		log_error("discovery views: %s; they stay as they are for now", err.text);
		loop_timer_set(cdc->timer, AGAIN_MS, AGAIN_MS / 10);
	} else if (cdc->due) {
		loop_timer_set(cdc->timer, 0, 0);
	}
	cdc->is_due = cdc->due || r < 0;
}

static void on_due(void *data)
{
	tell_some(data);
}

void cdc_mark(struct cdc *cdc)
{
	if (cdc)
		cdc->is_dirty = cdc->is_all_dirty = true;
}

static void mark_part(struct cdc *cdc, bool is_log, const char *id)
{
	cdc->is_dirty = true;
	if (!cdc->model || cdc_model_mark(cdc->model, is_log, id) < 0)
		cdc->is_all_dirty = true;
}

void cdc_mark_log(struct cdc *cdc, const char *key)
{
	if (cdc)
		mark_part(cdc, true, key);
}

void cdc_flush(struct cdc *cdc)
{
	if (cdc && (cdc->is_dirty || cdc->zones_version != zone_version(cdc->collector->zones)))
		begin_soon(cdc);
}

int cdc_on_event(void *data, const struct store_event *event, struct err *err)
{
	static const char *const kinds[] = { "listener", "subsystem", "allowed", "node" };
	struct cdc *cdc = data;
	size_t i;

	(void)err;
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(event->kind, kinds[i]) == 0 && event->role != REPORT_INITIATOR)
			mark_part(cdc, false, *event->node ? event->node : event->object_id);
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
		r = cdc_page_of(cdc, conn, ret_log, NULL);
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
		r = loop_add_timer(cdc->collector->loop, on_due, cdc, &cdc->timer, err);
	if (r == 0)
		r = loop_add_post(cdc->collector->loop, on_due, cdc, &cdc->post, err);
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
		cdc->due_end = &cdc->due;
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
	loop_source_free(cdc->post);
	while (cdc->newest)
		host_free(cdc, cdc->newest);
	cdc_classes_drop(cdc);
	cdc_pages_drop(cdc, true);
	cdc_model_free(cdc->model);
	for (i = 0; i < cdc->n_readings; i++)
		free(cdc->readings[i].nqn);
	free(cdc);
}

void cdc_counters(const struct cdc *cdc, struct disc_server_counters *ret)
{
	disc_server_counters(cdc->server, ret);
}
