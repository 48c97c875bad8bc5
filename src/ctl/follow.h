/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * follow - an attachment or an export of the collector, until it is what was asked for, with each
 * step on the way.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/js.h"
#include "ctl/ctl.h"

struct follow {
	const char *path;  /* /attachments, /exports */
	const char *doing; /* the state in which it goes on: "attaching" */
	const char *undo;  /* the command that ends it, without its id; NULL: none is needed */
};

/*
 * @document  what the collector answered
 * @steps     so many of its steps are old
 * Returns: 0, *ret owned: it is in another state than "doing"; -EINTR a person did not want to
 *   wait any longer, the text says how to undo it; codes of client_call.
 */
int follow_to_end(struct ctl *ctl, const struct follow *follow, const struct js *document,
		  size_t steps, struct js **ret, struct err *err);
