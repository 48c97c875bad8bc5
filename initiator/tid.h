/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tid - which connection: transport, address, service, subsystem, and whose.
 *
 * As text TRTYPE,TRADDR,TRSVCID,NQN[,HOSTNQN[,HOST-TRADDR[,HOST-IFACE]]], such as
 * tcp,10.101.46.14,4420,blake14. Fields that may be empty and are last are left out. In names a
 * ',' is written %2C and a '%' %25. Addresses are numeric and in one spelling, so that equal
 * ones are equal texts; host names are for the caller to look up. No input or output.
 *
 * Source: drivers/nvme/host/fabrics.c (nvmf_ctrl_matches_baseopts, nvmf_get_address).
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "nvmf/nqn.h"

#define TID_ADDRESS_MAX 80 /* with NUL: numeric with %scope, or Fibre Channel */
#define TID_TEXT_MAX 1664  /* with NUL */
#define TID_DEFAULT_PORT "4420"
#define TID_DISCOVERY_PORT "8009"

struct tid {
	char transport[8];		   /* tcp, rdma, fc, loop */
	char traddr[TID_ADDRESS_MAX];	   /* "" for loop; IPv6 without brackets */
	char trsvcid[8];		   /* decimal port; "" for fc and loop */
	char nqn[NQN_MAX + 1];		   /* of the subsystem */
	char hostnqn[NQN_MAX + 1];	   /* "" the host's own */
	char host_traddr[TID_ADDRESS_MAX]; /* "" any */
	char host_iface[16];		   /* "" any */
};

/* What a tid is made of; NULL is as "". An empty trsvcid of tcp and rdma becomes 4420, of a
 * discovery subsystem 8009. */
struct tid_parts {
	const char *transport;
	const char *traddr; /* IPv6 also in [] */
	const char *trsvcid;
	const char *nqn;
	const char *hostnqn;
	const char *host_traddr;
	const char *host_iface;
};

/* Check and spell each. Returns: 0, *ret filled; -EINVAL; -ENAMETOOLONG. */
int tid_make(const struct tid_parts *parts, struct tid *ret, struct err *err);

/* Parse the text. Returns: as tid_make. */
int tid_parse(const char *text, struct tid *ret, struct err *err);

/* The text that tid_parse reads back. Returns: @text. */
const char *tid_format(const struct tid *tid, char text[TID_TEXT_MAX]);

/* For people: "blake14 at 10.101.46.14:4420 (tcp)". Returns: @text. */
const char *tid_describe(const struct tid *tid, char text[TID_TEXT_MAX]);

bool tid_equal(const struct tid *a, const struct tid *b);

/*
 * Is the wanted connection there in the form of @actual?
 * @wanted           its empty hostnqn stands for @default_hostnqn; its empty host_traddr and
 *                   host_iface match any
 * @actual           as of tid_read_address and sysfs, with hostnqn
 */
bool tid_is_met_by(const struct tid *wanted, const struct tid *actual, const char *default_hostnqn);

/*
 * Fill traddr, trsvcid, host_traddr and host_iface from the attribute `address` of a controller:
 * "traddr=10.0.0.1,trsvcid=4420,src_addr=10.0.0.2". The transport of @io must be set. What is not
 * said or not understood stays empty; "none" is empty. Numeric addresses get our spelling.
 */
void tid_read_address(const char *address, struct tid *io);
