/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * disc-client - one connection to one discovery controller over NVMe/TCP, in user space.
 *
 * No root, no controller in the kernel, nothing that blocks: many thousands of them live on one
 * loop. After the handshake everything goes pipelined: six round trips until the log is there, one
 * to see that it did not change. A client that stays arms one event request, reads the log again
 * when the event comes, keeps the connection alive, and says once when it is lost. It does not
 * connect again by itself: when and how often is for its user to say.
 *
 * What a controller says is hostile: it is never read beyond the length that it announced, a log
 * that changes while it is read is read again (at most DISC_CLIENT_REREADS times), and every number
 * has a bound. "No answer" is told as lost, never as an empty log.
 *
 * Source: NVM Express Base Specification 2.0, 5.16.1.23 (reading the log consistently); libnvme
 * commit 4204cb3c for the order that all targets take.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "core/loop.h"
#include "nvmf/disc-log.h"
#include "nvmf/nvme-spec.h"

#define DISC_CLIENT_REREADS 10

struct disc_client;
struct disc_transport; /* TLS, when it is there; NULL: plain TCP */

struct disc_client_params {
	const char *address; /* numeric; %scope for link-local IPv6 */
	const char *port;    /* NULL: 8009 */
	const char *source;  /* address to come from; NULL any */
	const char *subnqn;  /* NULL: the well-known one */
	const char *hostnqn;
	uint8_t hostid[NVME_HOSTID_BYTES];
	/* "DHHC-1:.." of dhchap.h: ours, for a controller that wants us to prove who we are, and
	 * that of the controller, which then must as well; NULL none. Not kept longer than that. */
	const char *host_key, *controller_key;
	bool stay;	      /* keep the connection, with an event request and keep-alives */
	uint32_t kato_ms;     /* of one that stays: at least 1,000 */
	bool hdgst, ddgst;    /* ask for digests */
	uint32_t timeout_ms;  /* for connecting and reading the log; later for each answer */
	uint32_t connect_ms;  /* for the connection alone; 0: .timeout_ms */
	uint32_t max_records; /* a longer log is refused; 0: DISC_RECORDS_MAX */
};

/* What it is, once known. */
struct disc_client_info {
	struct nvme_identify identify; /* .oaes says if it has events: 0 also if it refused them */
	uint16_t cntlid;
	uint32_t round_trips; /* until the first log */
};

struct disc_client_hooks {
	/* The whole log: at first, and whenever its generation counter is another one. A client
	 * that does not stay has closed and is done after it; free it here or later. @log is
	 * borrowed. */
	void (*log)(void *data, struct disc_client *client, struct disc_log *log);
	/* The log is as it was: the answer to disc_client_look. May be NULL. */
	void (*same)(void *data, struct disc_client *client);
	/*
	 * Once, and nothing after it. @r: -ECONNREFUSED, -EHOSTUNREACH, -ENETUNREACH, -ETIMEDOUT
	 * (connect or an answer), -ECONNRESET closed, -EPROTO it does not keep to the protocol,
	 * -EACCES it refuses this host for good (DNR), -EBUSY it refuses for now, -ENOENT no such
	 * NQN there, -EKEYREJECTED it wants authentication or TLS, -EBADMSG the log makes no sense,
	 * -E2BIG it is too long, -EAGAIN it kept on changing. @text  cause and cure
	 */
	void (*lost)(void *data, struct disc_client *client, int r, const char *text);
	void *data;
};

/* Begin. No hook is called from within. All is copied. Returns: 0, *ret owned; -EINVAL; negative
 * errno of making a socket (-EMFILE ..). */
int disc_client_start(struct loop *loop, const struct disc_client_params *params,
		      const struct disc_client_hooks *hooks, struct disc_client **ret,
		      struct err *err);
/* Close and free, from anywhere, no hook is called; a clean shutdown is not waited for. NULL is
 * allowed. */
void disc_client_free(struct disc_client *client);

/* Has the log changed? One round trip; log or same follows. Returns: 0 (also if it is being read
 * just now); -ENOTCONN. */
int disc_client_look(struct disc_client *client);
/* NULL before the first log. */
const struct disc_client_info *disc_client_info(const struct disc_client *client);

/*
 * Discovery Information Management (TP8010): register, deregister or update this host.
 * @tas   0 register, 1 deregister, 2 update
 * @take_data of the command, as TP8010 has it; owned
 * @done  once, unless the client is lost or freed before. @status  NVME_SC_x
 * Returns: 0; -ENOTCONN; -EBUSY one is under way.
 */
int disc_client_dim(struct disc_client *client, uint8_t tas, uint8_t *take_data, uint32_t length,
		    void (*done)(void *data, uint16_t status), void *data);
