/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * intent - do what one entry of the collector's document asks for, in a child of the daemon.
 *
 * What is true already is done. Everything else is done by the verbs of nvmet-sunfishctl, so that
 * it is checked, stored and undone like theirs.
 */
#pragma once

#include "base/err.h"
#include "base/js.h"
#include "base/str.h"
#include "target/ctl.h"
#include "wire/wanted.h"

/*
 * @ctl  of ctl_init, with /sys and /proc open; no lock
 * Returns: 0 it is so; -EAGAIN not yet: the export is stored and waits for its drive or address;
 *   other negative errno: it cannot be, with the reason in the text.
 */
int intent_do(struct ctl *ctl, const struct wanted_entry *entry, struct err *err);

/* Add what the entry asks, in words. */
void intent_describe(const struct wanted_entry *entry, struct str *text);
