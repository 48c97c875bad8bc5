/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sunfish-rdma-probe - does an NVMe/RDMA target listen there?
 *
 *   sunfish-rdma-probe ADDRESS PORT TIMEOUT_MS
 *
 * A program of its own, since librdmacm and what it loads may hang and cost memory that nobody
 * else needs. Exit status: PROBE_HELPER_* of nvmf/probe.h, with one line on standard error.
 *
 * The gentlest question that only an NVMe target answers: a connection request whose private data
 * has a record format that does not exist. The target must reject it with private data that says
 * "invalid record format", before it makes a queue pair, a queue or a controller. So nothing is
 * left behind there, and any other service is told apart, since it accepts, or rejects
 * otherwise.
 *
 * Source: NVM Express RDMA Transport Specification 1.0, 3.2 (connection establishment: request
 * and reject private data, status codes); rdma_cm(7).
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <rdma/rdma_cma.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/wait.h"
#include "nvmf/probe.h"

#define RECORD_FORMAT_NONE 0xffff
#define STATUS_INVALID_RECORD_FORMAT 2
#define REQUEST_SIZE 32

struct probe {
	struct rdma_event_channel *channel;
	struct rdma_cm_id *id;
	const char *address;
	const char *port;
	int64_t deadline;
};

static int say(const struct probe *probe, int status, const char *what)
{
	fprintf(stderr, "%s port %s: %s\n", probe->address, probe->port, what);
	return status;
}

static int say_errno(const struct probe *probe, int status, const char *what)
{
	fprintf(stderr, "%s port %s: %s: %s\n", probe->address, probe->port, what, strerror(errno));
	return status;
}

/* The next event; NULL if the time is over. */
static struct rdma_cm_event *next_event(const struct probe *probe)
{
	struct pollfd poller = { .fd = probe->channel->fd, .events = POLLIN };
	struct rdma_cm_event *event = NULL;

	if (poll(&poller, 1, wait_left(probe->deadline)) <= 0)
		return NULL;
	return rdma_get_cm_event(probe->channel, &event) == 0 ? event : NULL;
}

/* Wait for one event and tell whether it is the one hoped for. */
static int expect(const struct probe *probe, enum rdma_cm_event_type type, const char *otherwise)
{
	struct rdma_cm_event *event = next_event(probe);
	int status = PROBE_HELPER_OK;

	if (!event)
		return say(probe, PROBE_HELPER_REFUSED, otherwise);
	if (event->event != type) {
		fprintf(stderr, "%s port %s: %s (%s, status %d)\n", probe->address, probe->port,
			otherwise, rdma_event_str(event->event), event->status);
		status = PROBE_HELPER_REFUSED;
	}
	rdma_ack_cm_event(event);
	return status;
}

static int resolve(struct probe *probe)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
					.ai_socktype = SOCK_STREAM };
	struct addrinfo *to = NULL;
	int r = getaddrinfo(probe->address, probe->port, &hints, &to);

	if (r != 0)
		return say(probe, PROBE_HELPER_USAGE, gai_strerror(r));
	r = rdma_resolve_addr(probe->id, NULL, to->ai_addr, wait_left(probe->deadline));
	freeaddrinfo(to);
	if (r < 0)
		return say_errno(probe, PROBE_HELPER_REFUSED, "no RDMA way to that address");
	r = expect(probe, RDMA_CM_EVENT_ADDR_RESOLVED,
		   "no RDMA device leads to that address, or its neighbour does not answer");
	if (r != PROBE_HELPER_OK)
		return r;
	if (rdma_resolve_route(probe->id, wait_left(probe->deadline)) < 0)
		return say_errno(probe, PROBE_HELPER_REFUSED, "no RDMA route to that address");
	return expect(probe, RDMA_CM_EVENT_ROUTE_RESOLVED, "no RDMA route to that address");
}

/* iWARP needs a queue pair to connect with; InfiniBand and RoCE only its number. */
static int make_queue_pair(const struct probe *probe)
{
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 1, .max_recv_wr = 1, .max_send_sge = 1, .max_recv_sge = 1 },
	};

	if (probe->id->verbs->device->transport_type != IBV_TRANSPORT_IWARP)
		return PROBE_HELPER_OK;
	if (rdma_create_qp(probe->id, NULL, &attr) < 0)
		return say_errno(probe, PROBE_HELPER_UNABLE, "cannot make a queue pair");
	return PROBE_HELPER_OK;
}

static unsigned int le16(const uint8_t *bytes)
{
	return bytes[0] | (unsigned int)bytes[1] << 8;
}

static int judge_reject(const struct probe *probe, const struct rdma_cm_event *event)
{
	const uint8_t *answer = event->param.conn.private_data;

	/* format 0, then the status; the transport may pad it */
	if (answer && event->param.conn.private_data_len >= 4 && le16(answer) == 0 &&
	    le16(answer + 2) == STATUS_INVALID_RECORD_FORMAT)
		return PROBE_HELPER_OK;
	if (answer && event->param.conn.private_data_len >= 4 && le16(answer) == 0 &&
	    le16(answer + 2) != 0) {
		fprintf(stderr, "%s port %s: an NVMe/RDMA target refuses with status %u%s\n",
			probe->address, probe->port, le16(answer + 2),
			le16(answer + 2) == 6 ? ": it has no resources left" : "");
		return PROBE_HELPER_REFUSED;
	}
	fprintf(stderr,
		"%s port %s: rejected (status %d): no NVMe/RDMA target listens there; is a subsystem "
		"linked to the port, and is it the right RDMA address?\n",
		probe->address, probe->port, event->status);
	return PROBE_HELPER_REFUSED;
}

static int judge(const struct probe *probe)
{
	struct rdma_cm_event *event = next_event(probe);
	int status;

	if (!event)
		return say(probe, PROBE_HELPER_REFUSED,
			   "no answer to the RDMA connection request: look for packets that are "
			   "dropped (UDP port 4791 for RoCE), or a target that hangs");
	switch (event->event) {
	case RDMA_CM_EVENT_REJECTED:
		status = judge_reject(probe, event);
		break;
	case RDMA_CM_EVENT_ESTABLISHED:
	case RDMA_CM_EVENT_CONNECT_RESPONSE:
		status = say(probe, PROBE_HELPER_REFUSED,
			     "another RDMA service than NVMe listens there");
		break;
	default:
		fprintf(stderr, "%s port %s: no answer to the RDMA connection request (%s, %d)\n",
			probe->address, probe->port, rdma_event_str(event->event), event->status);
		status = PROBE_HELPER_REFUSED;
		break;
	}
	rdma_ack_cm_event(event);
	return status;
}

static int ask(const struct probe *probe)
{
	uint8_t request[REQUEST_SIZE] = { RECORD_FORMAT_NONE & 0xff, RECORD_FORMAT_NONE >> 8 };
	struct rdma_conn_param param = {
		.private_data = request,
		.private_data_len = sizeof(request),
		.qp_num = 1, /* of no queue pair: the connection is never made */
	};
	int status = make_queue_pair(probe);

	if (status != PROBE_HELPER_OK)
		return status;
	if (rdma_connect(probe->id, &param) < 0)
		return say_errno(probe, PROBE_HELPER_UNABLE, "cannot send a connection request");
	return judge(probe);
}

static int run(struct probe *probe)
{
	int status;

	probe->channel = rdma_create_event_channel();
	if (!probe->channel)
		return say_errno(probe, PROBE_HELPER_UNABLE,
				 "cannot ask, this host has no RDMA connection manager for "
				 "programs (modprobe rdma_ucm)");
	if (rdma_create_id(probe->channel, &probe->id, NULL, RDMA_PS_TCP) < 0)
		return say_errno(probe, PROBE_HELPER_UNABLE, "cannot ask");
	status = resolve(probe);
	/* the kernel ends at the exit of the process what is left, without waiting here */
	return status == PROBE_HELPER_OK ? ask(probe) : status;
}

int main(int argc, char **argv)
{
	struct probe probe = { 0 };
	uint64_t timeout_ms;

	if (argc != 4 || str_parse_uint(argv[3], 3600000, &timeout_ms) < 0) {
		fprintf(stderr, "usage: sunfish-rdma-probe ADDRESS PORT TIMEOUT_MS\n");
		return PROBE_HELPER_USAGE;
	}
	probe.address = argv[1];
	probe.port = argv[2];
	probe.deadline = wait_deadline((unsigned int)timeout_ms);
	return run(&probe);
}
