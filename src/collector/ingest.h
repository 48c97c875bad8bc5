/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ingest - a report becomes state and events.
 *
 * Numbers decide: what was seen already changes nothing, what comes next is applied, and where one
 * is missing, or the boot is unknown, a snapshot is asked for. A snapshot is compared with what is
 * here; what differs becomes events of the collector's own making. All of a report is applied in
 * one transaction, together with its (boot, last number): nothing is lost or doubled by a crash.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "base/js.h"
#include "wire/report.h"

struct collector;

/* Only the lease and counters: nothing that must be durable. @ret is set then. Returns: was it
 * done? If not, ingest_report is to be called. */
bool ingest_renew(struct collector *collector, const struct report *report,
		  struct report_answer *ret);

/*
 * Apply a report that was decoded, in a transaction.
 * @address  of the peer
 * @ret_why  the report is refused and nothing of it was applied: -E2BIG a bound, -EINVAL; else 0
 * Returns: 0; as commit_write_fn: the transaction is void.
 */
int ingest_report(struct collector *collector, const struct report *report, const char *address,
		  struct report_answer *ret, int *ret_why, struct err *err);
