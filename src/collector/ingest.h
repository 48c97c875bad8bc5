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

#include "base/err.h"
#include "base/js.h"
#include "wire/report.h"

struct collector;

/*
 * Apply a report that was decoded, in a transaction.
 * @address  of the peer
 * Returns: 0; -E2BIG a bound: nothing of it was applied; -EINVAL a snapshot that is none; -EPROTO,
 * -ENOSPC, -EIO, -ENOMEM of the store: the transaction is void.
 */
int ingest_report(struct collector *collector, const struct report *report, const char *address,
		  struct report_answer *ret, struct err *err);
