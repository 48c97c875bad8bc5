/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * host - the host's side of NVMe over Fabrics: connect, disconnect, discover. The only user of
 * libnvme.
 *
 * libnvme is opened with dlopen when it is needed: linked, it would keep libcrypto and json-c in
 * each daemon. libnvme and the kernel block, a connect for as long as its address does not answer,
 * and all other connects of the machine wait for it. So host_connect, host_disconnect and
 * host_discover are for child processes with a deadline (core/job.h), never for a loop. No topology
 * is scanned: what there is says sysfs.
 *
 * Source: libnvme(2); drivers/nvme/host/fabrics.c.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "nvmf/disc-log.h"
#include "nvmf/nqn.h"

#define HOST_CONTROLLER_MAX 32 /* of a controller, "nvme123", with NUL */
#define HOST_UNSET INT_MIN
#define HOST_ID_MAX 37 /* a UUID as text, with NUL */
#define HOST_RECORDS_MAX DISC_RECORDS_MAX

/* How a connection behaves. HOST_UNSET: as the kernel does by itself. */
struct host_tuning {
	int ctrl_loss_tmo;    /* seconds until the kernel gives up; -1 never */
	int reconnect_delay;  /* seconds between its attempts */
	int fast_io_fail_tmo; /* seconds until I/O fails; -1 never */
	int keep_alive_tmo;   /* seconds */
	int nr_io_queues;
	int nr_write_queues;
	int nr_poll_queues;
	int queue_size;
	int tos;
	int hdr_digest;	 /* 0 or 1, TCP */
	int data_digest; /* 0 or 1, TCP */
	int tls;	 /* 0 or 1, TCP */
};

#define HOST_TUNING_NULL                                                                           \
	((struct host_tuning){ HOST_UNSET, HOST_UNSET, HOST_UNSET, HOST_UNSET, HOST_UNSET,         \
			       HOST_UNSET, HOST_UNSET, HOST_UNSET, HOST_UNSET, HOST_UNSET,         \
			       HOST_UNSET, HOST_UNSET })

/* What is set in @base and not in @io goes into @io. */
void host_tuning_default(struct host_tuning *io, const struct host_tuning *base);

/* NULL or "" for what is not said; borrowed. */
struct host_params {
	const char *transport;
	const char *traddr;
	const char *trsvcid;
	const char *nqn;
	const char *hostnqn; /* needed */
	const char *hostid;  /* needed */
	const char *host_traddr;
	const char *host_iface;
	const char *key; /* DHHC-1:.. of this host, of the controller; secret */
	const char *controller_key;
	struct host_tuning tuning;
};

/*
 * Connect one controller. Blocks.
 * @ret_name  nvmeN
 * Returns: 0 connected;
 *   -EALREADY this host has that connection; -ECONNREFUSED nobody listens or it was refused;
 *   -ETIMEDOUT no answer; -EHOSTUNREACH, -ENETUNREACH no way; -EACCES the target does not let
 *   this host in, or the keys do not fit; -ENOENT the target has no such subsystem; -EADDRINUSE
 *   host NQN and id do not belong together; -ENODEV no such interface, or the kernel has no
 *   fabrics; -EPROTONOSUPPORT the kernel has not that transport; -EOPNOTSUPP or -EINVAL an option
 *   it does not know; other negative errno. The text has what the kernel wrote to its log.
 */
int host_connect(const struct host_params *params, char ret_name[HOST_CONTROLLER_MAX],
		 struct err *err);

/*
 * Delete a controller; the kernel fails what I/O it has. Blocks.
 * @name  nvmeN
 * @nqn   of its subsystem: numbers are used again, so another's controller is left alone
 * Returns: 0; -ENODEV there is none of that name with that subsystem; other negative errno.
 */
int host_disconnect(const char *name, const char *nqn, struct err *err);

/* --- discovery */

/* One record of a discovery log page, in words. */
struct host_record {
	char transport[8]; /* tcp, rdma, fc, loop; a number if it is another */
	char family[8];	   /* ipv4, ipv6, ib, fc, "" */
	char subtype[12];  /* nvme, referral, current */
	char traddr[257];
	char trsvcid[33];
	char nqn[257];
	char security[12]; /* none, tls, or a number */
	char requires[16]; /* secure channel: "", required, not-required */
	uint16_t port_id;
	uint16_t cntlid;
};

/* A record (disc-log.h) in words. Returns: 0; -EINVAL it leads nowhere and is left out. */
int host_record_decode(const uint8_t bytes[DISC_RECORD_BYTES], struct host_record *ret);

/*
 * Ask a discovery controller for its log: connect, read, disconnect. Blocks.
 * @params       nqn may be empty: the well-known one; trsvcid: 8009 for TCP, 4420 for RDMA
 * @ret_records  owned array, free it
 * Returns: 0; as host_connect; -EBADMSG the log makes no sense; -ENOMEM.
 */
int host_discover(const struct host_params *params, struct host_record **ret_records,
		  size_t *ret_count, struct err *err);

/* --- what does not block and does not use libnvme */

/* Who this host is. */
struct host_identity {
	char hostnqn[NQN_MAX + 1];
	char hostid[HOST_ID_MAX];
	bool made_up; /* no /etc/nvme/hostnqn: derived from the machine id */
};

/*
 * Read nvme/hostnqn and nvme/hostid. Where a file is not there, the NQN comes from the machine id
 * and the id from the NQN's UUID; nothing is written.
 * @etc_fd  directory /etc
 * Returns: 0; -EINVAL a file is there and makes no sense; -ENOENT not even a machine id; other
 * negative errno.
 */
int host_identity_read(int etc_fd, struct host_identity *ret, struct err *err);

/* The host id that goes with a host NQN: the kernel wants one for each. Returns: 0; -EINVAL it is
 * not this host's own and has no UUID in it. */
int host_id_of(const char *hostnqn, const struct host_identity *host, char ret[HOST_ID_MAX],
	       struct err *err);

/* What /dev/nvme-fabrics says that it takes; empty before Linux 5.17. */
struct host_options {
	char text[1024]; /* ",transport,traddr,..," */
};

/* @path  /dev/nvme-fabrics. Returns: 0; -ENOENT the module nvme-fabrics is not loaded; -EACCES;
 * other negative errno. */
int host_options_read(const char *path, struct host_options *ret, struct err *err);
/* @option  such as "tls", "host_iface", "dhchap_secret" */
bool host_options_has(const struct host_options *options, const char *option);
