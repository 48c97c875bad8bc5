/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ddc-poll - when a discovery controller is asked: not too many at once, and who does not answer
 * ever more seldom. Times are spread, so that a restart of ours is no storm for them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "collector/collector.h"
#include "collector/ddc-own.h"
#include "nvmf/dhchap.h"
#include "nvmf/disc-server.h"

#define STARTING_MAX 128 /* at the same time */
#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 60000

/* From half of it to all of it. */
static int64_t spread(int64_t ms)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = (uint32_t)clock_monotonic_ms();
	return ms / 2 + (int64_t)(random % (uint32_t)(ms / 2 + 1));
}

static int64_t backoff(const struct ddc *ddc, int r)
{
	int64_t ms = BACKOFF_MIN_MS;
	unsigned int i;

	/* who refuses will refuse again */
	if (r == -EACCES || r == -EKEYREJECTED || r == -ENOENT || r == -EPROTO)
		return spread(BACKOFF_MAX_MS);
	for (i = 1; i < ddc->failures && ms < BACKOFF_MAX_MS; i++)
		ms *= 2;
	return spread(ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS);
}

/* --- whose turn it is */

static void begin(struct ddc *ddc);

static void end_start(struct ddc *ddc)
{
	struct ddcs *ddcs = ddc->ddcs;
	struct ddc *next = ddcs->waiting;

	if (!ddc->is_starting)
		return;
	ddc->is_starting = false;
	ddcs->starting--;
	if (!next)
		return;
	/* not from within a hook of another client */
	ddcs->waiting = next->waiting_next;
	if (!ddcs->waiting)
		ddcs->waiting_end = &ddcs->waiting;
	next->is_waiting = false;
	loop_timer_set(next->timer, 0, 0);
}

static void wait_turn(struct ddc *ddc)
{
	struct ddcs *ddcs = ddc->ddcs;

	ddc->is_waiting = true;
	ddc->waiting_next = NULL;
	*ddcs->waiting_end = ddc;
	ddcs->waiting_end = &ddc->waiting_next;
}

static void leave_queue(struct ddc *ddc)
{
	struct ddcs *ddcs = ddc->ddcs;
	struct ddc **at = &ddcs->waiting;

	if (!ddc->is_waiting)
		return;
	while (*at != ddc)
		at = &(*at)->waiting_next;
	*at = ddc->waiting_next;
	if (!*at)
		ddcs->waiting_end = at;
	ddc->is_waiting = false;
}

/* --- answers */

static void on_log(void *data, struct disc_client *client, struct disc_log *log)
{
	struct ddc *ddc = data;

	(void)client;
	end_start(ddc);
	ddc->failures = 0;
	ddc->read_ms = clock_wall_ms();
	if (!ddc->log || ddc->log->genctr != log->genctr || !disc_log_equal(ddc->log, log))
		ddc_set_log(ddc, log);
	ddc_set_state(ddc, DDC_UP, NULL);
	if (!ddc->poll_ms)
		return;
	disc_client_free(ddc->client);
	ddc->client = NULL;
	loop_timer_set(ddc->timer, spread(ddc->poll_ms), ddc->poll_ms / 20);
}

static void on_same(void *data, struct disc_client *client)
{
	struct ddc *ddc = data;

	(void)client;
	ddc->read_ms = clock_wall_ms();
}

static void fail(struct ddc *ddc, int r, const char *text)
{
	end_start(ddc);
	ddc->failures++;
	ddc_set_state(ddc, DDC_LOST, text);
	loop_timer_set(ddc->timer, backoff(ddc, r), BACKOFF_MIN_MS / 10);
}

static void on_lost(void *data, struct disc_client *client, int r, const char *text)
{
	struct ddc *ddc = data;

	disc_client_free(client);
	ddc->client = NULL;
	fail(ddc, r, text);
}

/* --- asking */

/* Keys are read each time: a new one counts at once. Returns: 0; -EKEYREJECTED. */
static int read_keys(const struct ddc *ddc, struct disc_secrets *ret, struct err *err)
{
	int r = 0;

	if (ddc->key_file)
		r = dhchap_read_file(AT_FDCWD, ddc->key_file, ret->host, err);
	if (r == 0 && ddc->controller_key_file)
		r = dhchap_read_file(AT_FDCWD, ddc->controller_key_file, ret->controller, err);
	return r < 0 ? -EKEYREJECTED : 0;
}

static void begin(struct ddc *ddc)
{
	static const struct disc_client_hooks hooks = { .log = on_log,
							.same = on_same,
							.lost = on_lost };
	const struct ddcs *ddcs = ddc->ddcs;
	struct disc_client_hooks mine = hooks;
	struct disc_client_params params = {
		.address = ddc->address,
		.port = ddc->service,
		.subnqn = ddc->nqn,
		.hostnqn = ddcs->hostnqn,
		.stay = !ddc->poll_ms,
		.kato_ms = (uint32_t)(1000 * ddcs->conf.keep_alive_seconds),
		.timeout_ms = (uint32_t)(1000 * ddcs->conf.timeout_seconds),
		.max_records = (uint32_t)ddcs->conf.records_max,
	};
	struct disc_secrets secrets = { 0 };
	struct err err = ERR_NULL;
	size_t i;
	int r;

	for (i = 0; i < sizeof(params.hostid); i++)
		params.hostid[i] = ddcs->hostid[i];
	mine.data = ddc;
	ddc->is_starting = true;
	ddc->ddcs->starting++;
	r = read_keys(ddc, &secrets, &err);
	if (ddc->key_file)
		params.host_key = secrets.host;
	if (ddc->controller_key_file)
		params.controller_key = secrets.controller;
	if (r == 0)
		r = disc_client_start(ddcs->collector->loop, &params, &mine, &ddc->client, &err);
	explicit_bzero(&secrets, sizeof(secrets));
	if (r < 0)
		fail(ddc, r, err.text);
}

static void on_timer(void *data)
{
	struct ddc *ddc = data;

	if (ddc->client || ddc->is_waiting || !ddc->sources)
		return;
	if (ddc->ddcs->starting >= STARTING_MAX)
		wait_turn(ddc);
	else
		begin(ddc);
}

void ddc_poll_start(struct ddc *ddc, int64_t after_ms)
{
	struct err err = ERR_NULL;

	if (!ddc->timer &&
	    loop_add_timer(ddc->ddcs->collector->loop, on_timer, ddc, &ddc->timer, &err) < 0) {
		ddc_set_state(ddc, DDC_LOST, err.text);
		return;
	}
	if (!ddc->client && !ddc->is_waiting)
		loop_timer_set(ddc->timer, after_ms, 1);
}

void ddc_poll_stop(struct ddc *ddc)
{
	if (ddc->timer)
		loop_timer_stop(ddc->timer);
	leave_queue(ddc);
	disc_client_free(ddc->client);
	ddc->client = NULL;
	end_start(ddc);
}
