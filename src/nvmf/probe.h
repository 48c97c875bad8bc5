/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * probe - does somebody answer at an address and speak NVMe over Fabrics?
 *
 * Goes exactly as far as the transport's own handshake and no further: no Connect command is
 * sent, so the target makes no controller and logs nothing. It needs neither nvme-cli nor the
 * host's fabrics modules.
 *
 * Blocking, up to the deadline; re-entrant.
 * Source: NVM Express TCP Transport Specification 1.0, 3.6.2.2 (ICReq) and 3.6.2.3 (ICResp).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Connect to an NVMe/TCP port, send an ICReq and look at the answer; then close.
 * @address     numeric IPv4 or IPv6 address, the latter with %interface if it is link-local
 * @port        decimal
 * @timeout_ms  for all of it
 * Returns: 0 it speaks NVMe/TCP;
 *   -ECONNREFUSED  the machine is there, nobody listens;
 *   -EHOSTUNREACH, -ENETUNREACH  no way to it;
 *   -ETIMEDOUT     no answer to the connect, or none to the ICReq;
 *   -ECONNRESET    it closed at the ICReq without an answer, as a port does that requires TLS;
 *   -EPROTO        it answers, but does not speak NVMe/TCP;
 *   -EINVAL        @address or @port is none; other negative errno of socket calls.
 */
int probe_tcp(const char *address, const char *port, unsigned int timeout_ms, struct err *err);

/* --- the parts of it, for who does not block (prober.h) */

#define PROBE_PDU_BYTES 128

/* An ICReq that asks for nothing. */
void probe_request(uint8_t ret_pdu[PROBE_PDU_BYTES]);
/* What the answer means; none at all is length 0. Returns: as probe_tcp. */
int probe_judge(const char *address, const char *port, const uint8_t *answer, size_t length,
		struct err *err);
/* The text for an error of connect(). Returns: @r. */
int probe_explain(const char *address, const char *port, int r, struct err *err);

/* --- RDMA */

/* How the helper program ends; its reason is one line on standard error. */
enum {
	PROBE_HELPER_OK = 0,
	PROBE_HELPER_REFUSED = 1, /* it could not connect, or not to NVMe */
	PROBE_HELPER_USAGE = 2,
	PROBE_HELPER_UNABLE = 3, /* this host cannot ask: no rdma_ucm, no permission */
};

/*
 * The same for NVMe/RDMA, by a helper program (sunfish-rdma-probe), since it needs librdmacm.
 * @helper_path  absolute path of the program
 * Returns: 0 NVMe/RDMA answers; -ENOENT the helper is not installed; -ETIMEDOUT it did not come
 *   back in time and was killed; -ECONNREFUSED it could not connect, or to something else (its
 *   reason is in the text); -EOPNOTSUPP this host cannot ask, so nothing is known; -EINVAL
 *   @address or @port is none; other negative errno of starting it.
 */
int probe_rdma(const char *helper_path, const char *address, const char *port,
	       unsigned int timeout_ms, struct err *err);
