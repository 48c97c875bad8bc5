/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/prober.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/job.h"
#include "nvmf/probe.h"

#define RDMA_GRACE_MS 2000 /* the helper ends by itself before */

struct prober {
	struct loop *loop;
	prober_fn fn;
	void *data;
	char transport[8];
	char address[80];
	char port[8];
	char helper[256];
	unsigned int timeout_ms;
	/* TCP */
	int fd;
	bool connected;
	uint8_t answer[PROBE_PDU_BYTES];
	size_t got;
	struct loop_source *io;
	struct loop_source *timer;
	/* RDMA */
	struct job *job;
};

static void prober_free(struct prober *p)
{
	loop_source_free(p->io);
	loop_source_free(p->timer);
	job_abandon(p->job);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}

void prober_cancel(struct prober *prober)
{
	if (prober)
		prober_free(prober);
}

static void finish(struct prober *p, int r, const char *text)
{
	prober_fn fn = p->fn;
	void *data = p->data;
	struct err kept = ERR_NULL;

	snprintf(kept.text, sizeof(kept.text), "%s", text);
	prober_free(p);
	fn(data, r, kept.text);
}

static void finish_err(struct prober *p, int r, const struct err *err)
{
	finish(p, r, r < 0 ? err->text : "");
}

/* --- TCP */

static void take_answer(struct prober *p)
{
	struct err err = ERR_NULL;
	int r = probe_judge(p->address, p->port, p->answer, p->got, &err);

	finish_err(p, r, &err);
}

static void on_connected(struct prober *p)
{
	uint8_t pdu[PROBE_PDU_BYTES];
	struct err err = ERR_NULL;
	socklen_t size = sizeof(int);
	int failed = 0;

	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &failed, &size) < 0)
		failed = errno;
	if (failed) {
		finish_err(p, probe_explain(p->address, p->port, -failed, &err), &err);
		return;
	}
	probe_request(pdu);
	if (send(p->fd, pdu, sizeof(pdu), MSG_NOSIGNAL) != (ssize_t)sizeof(pdu)) {
		take_answer(p);
		return;
	}
	p->connected = true;
	loop_io_set(p->io, EPOLLIN);
}

static void on_answer(struct prober *p)
{
	ssize_t more = read(p->fd, p->answer + p->got, sizeof(p->answer) - p->got);

	if (more < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* a reset is an end as well */
	if (more > 0)
		p->got += (size_t)more;
	if (more <= 0 || p->got == sizeof(p->answer))
		take_answer(p);
}

static void on_io(void *data, int fd, uint32_t events)
{
	struct prober *p = data;

	(void)fd;
	(void)events;
	if (p->connected)
		on_answer(p);
	else
		on_connected(p);
}

static void on_timeout(void *data)
{
	struct prober *p = data;
	struct err err = ERR_NULL;

	if (p->got) {
		take_answer(p);
		return;
	}
	if (!p->connected) {
		finish_err(p, probe_explain(p->address, p->port, -ETIMEDOUT, &err), &err);
		return;
	}
	err_set_text(&err, -ETIMEDOUT,
		     "%s port %s takes the connection, but does not answer: the target hangs, or "
		     "another service listens there",
		     p->address, p->port);
	finish_err(p, -ETIMEDOUT, &err);
}

static int open_socket(struct prober *p, struct err *err)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *to = NULL;
	int r = getaddrinfo(p->address, p->port, &hints, &to);

	if (r != 0)
		return err_set(err, -EINVAL, "%s port %s is no numeric address and port",
			       p->address, p->port);
	p->fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = p->fd < 0 || (connect(p->fd, to->ai_addr, to->ai_addrlen) < 0 && errno != EINPROGRESS)
		    ? -errno
		    : 0;
	freeaddrinfo(to);
	return r < 0 ? probe_explain(p->address, p->port, r, err) : 0;
}

/* What fails at once is told like the rest, from the loop. */
static void on_failed_start(void *data)
{
	struct prober *p = data;
	struct err err = ERR_NULL;
	int r;

	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	r = open_socket(p, &err);
	finish_err(p, r < 0 ? r : -EAGAIN, &err);
}

static int start_tcp(struct prober *p, struct err *err)
{
	int r = open_socket(p, NULL);

	if (r < 0) {
		r = loop_add_timer(p->loop, on_failed_start, p, &p->timer, err);
		if (r == 0)
			loop_timer_set(p->timer, 0, 0);
		return r;
	}
	r = loop_add_io(p->loop, p->fd, EPOLLOUT, on_io, p, &p->io, err);
	if (r == 0)
		r = loop_add_timer(p->loop, on_timeout, p, &p->timer, err);
	if (r == 0)
		loop_timer_set(p->timer, p->timeout_ms, 0);
	return r;
}

/* --- RDMA */

static int run_rdma(void *data, int result_fd)
{
	const struct prober *p = data;
	struct err err = ERR_NULL;
	int r = probe_rdma(p->helper, p->address, p->port, p->timeout_ms, &err);

	dprintf(result_fd, "%d %s", r, err.text);
	return 0;
}

static void on_rdma_done(void *data, int status, const char *result, size_t length)
{
	struct prober *p = data;
	char *text;
	long r = strtol(result, &text, 10);

	(void)status;
	p->job = NULL;
	/* without the helper nothing is known */
	if (!length || r == -ENOENT)
		r = -EOPNOTSUPP;
	finish(p, (int)r, *text == ' ' ? text + 1 : text);
}

static void on_rdma_late(void *data)
{
	struct prober *p = data;

	job_abandon(TAKE_PTR(p->job));
	finish(p, -ETIMEDOUT, "the RDMA probe hangs");
}

/* --- what nobody can ask */

static void on_nobody_knows(void *data)
{
	struct prober *p = data;
	bool local = strcmp(p->transport, "loop") == 0;

	finish(p, local ? 0 : -EOPNOTSUPP, "");
}

static int start_none(struct prober *p, struct err *err)
{
	int r = loop_add_timer(p->loop, on_nobody_knows, p, &p->timer, err);

	if (r == 0)
		loop_timer_set(p->timer, 0, 0);
	return r;
}

int prober_start(struct loop *loop, const struct prober_target *target, unsigned int timeout_ms,
		 prober_fn fn, void *data, struct prober **ret, struct err *err)
{
	struct prober *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return err_nomem(err);
	*p = (struct prober){
		.loop = loop, .fn = fn, .data = data, .timeout_ms = timeout_ms, .fd = -1
	};
	snprintf(p->transport, sizeof(p->transport), "%s", target->transport);
	snprintf(p->address, sizeof(p->address), "%s", target->address);
	snprintf(p->port, sizeof(p->port), "%s", target->port);
	snprintf(p->helper, sizeof(p->helper), "%s", target->helper ? target->helper : "");
	if (strcmp(p->transport, "tcp") == 0)
		r = start_tcp(p, err);
	else if (strcmp(p->transport, "rdma") == 0)
		r = job_start(loop, run_rdma, on_rdma_done, on_rdma_late, p,
			      (int64_t)timeout_ms + RDMA_GRACE_MS, &p->job, err);
	else
		r = start_none(p, err);
	if (r < 0) {
		prober_free(p);
		return r;
	}
	*ret = p;
	return 0;
}
