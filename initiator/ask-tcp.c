/* SPDX-License-Identifier: BSD-3-Clause */
/* Of ask: over TCP, in this process, from all at the same time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/loop.h"
#include "initiator/ask.h"

struct round {
	const struct ctl *ctl;
	struct loop *loop;
	const char *hostnqn;
	uint8_t hostid[NVME_HOSTID_BYTES];
	int64_t begin_ms;
	size_t n_open;
};

/* One that is being asked. */
struct query {
	struct round *round;
	struct ask_target *target;
	struct disc_client *client;
};

bool ask_tcp_can(const struct tid *tid)
{
	return strcmp(tid->transport, "tcp") == 0 && !*tid->host_iface;
}

/* Records in words; those that lead nowhere are left out. */
static int take_records(struct disc_log *log, struct ask_records *ret, struct err *err)
{
	struct host_record *items = calloc(log->n_records ? log->n_records : 1, sizeof(*items));
	size_t i;

	if (!items)
		return err_nomem(err);
	for (i = 0; i < log->n_records; i++)
		if (host_record_decode(disc_log_record(log, i), &items[ret->count]) == 0)
			ret->count++;
	ret->items = items;
	ret->log = disc_log_ref(log);
	return 0;
}

static void done(struct query *query)
{
	query->target->records.ms = clock_monotonic_ms() - query->round->begin_ms;
	query->round->n_open--;
}

static void on_log(void *data, struct disc_client *client, struct disc_log *log)
{
	struct query *query = data;
	struct ask_target *target = query->target;

	target->r = take_records(log, &target->records, &target->err);
	target->records.info = *disc_client_info(client);
	done(query);
}

static void on_lost(void *data, struct disc_client *client, int r, const char *text)
{
	struct query *query = data;

	(void)client;
	query->target->r = err_set(&query->target->err, r, "%s", text);
	done(query);
}

static void start(struct query *query)
{
	static const struct disc_client_hooks hooks = { .log = on_log, .lost = on_lost };
	const struct round *round = query->round;
	const struct tid *tid = query->target->tid;
	struct disc_client_hooks own = hooks;
	struct disc_client_params params = {
		.address = tid->traddr,
		.port = tid->trsvcid,
		.source = *tid->host_traddr ? tid->host_traddr : NULL,
		.hostnqn = *tid->hostnqn ? tid->hostnqn : round->hostnqn,
		.timeout_ms = round->ctl->conf.connect_ms,
		.connect_ms = round->ctl->conf.probe_ms,
	};
	int r;

	memcpy(params.hostid, round->hostid, sizeof(params.hostid));
	own.data = query;
	r = disc_client_start(round->loop, &params, &own, &query->client, &query->target->err);
	query->target->r = r;
	if (r == 0)
		query->round->n_open++;
}

/* A UUID as text in the order of its bytes. */
static int take_hostid(const char *text, uint8_t ret[NVME_HOSTID_BYTES], struct err *err)
{
	const char *at = text;
	size_t i;

	for (i = 0; i < NVME_HOSTID_BYTES; i++) {
		char byte[3] = "";
		char *end;

		at += *at == '-';
		memcpy(byte, at, strnlen(at, 2));
		ret[i] = (uint8_t)strtoul(byte, &end, 16);
		if (end != byte + 2)
			return err_set(err, -EINVAL, "the host id \"%s\" is no UUID", text);
		at += 2;
	}
	return 0;
}

static int prepare(struct round *round, const struct host_identity *host, struct err *err)
{
	char hostid[HOST_ID_MAX];
	int r;

	round->hostnqn = round->ctl->opt.hostnqn ? round->ctl->opt.hostnqn : host->hostnqn;
	r = host_id_of(round->hostnqn, host, hostid, err);
	if (r == 0)
		r = take_hostid(hostid, round->hostid, err);
	if (r == 0)
		r = loop_new(&round->loop, err);
	return r;
}

static void ask(struct round *round, struct query *queries, size_t n)
{
	int r = 0;
	size_t i;

	round->begin_ms = clock_monotonic_ms();
	for (i = 0; i < n; i++)
		start(&queries[i]);
	while (round->n_open && r >= 0)
		r = loop_step(round->loop, -1);
	for (i = 0; i < n; i++)
		disc_client_free(queries[i].client);
}

void ask_tcp_all(const struct ctl *ctl, const struct host_identity *host,
		 struct ask_target *targets, size_t n_targets)
{
	struct round round = { .ctl = ctl };
	struct query queries[CTL_MANY];
	struct err err = ERR_NULL;
	size_t n = 0;
	size_t i;
	int r;

	for (i = 0; i < n_targets && n < CTL_MANY; i++)
		if (ask_tcp_can(targets[i].tid))
			queries[n++] = (struct query){ &round, &targets[i], NULL };
	if (n == 0)
		return;
	r = prepare(&round, host, &err);
	for (i = 0; i < n && r < 0; i++) {
		queries[i].target->r = r;
		queries[i].target->err = err;
	}
	if (r == 0)
		ask(&round, queries, n);
	loop_free(round.loop);
}
