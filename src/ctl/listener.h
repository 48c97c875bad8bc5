/* SPDX-License-Identifier: BSD-3-Clause */
/* listener - --rdma and --tcp as the collector wants them. */
#pragma once

#include "base/err.h"
#include "base/js.h"
#include "ctl/ctl.h"

/* {"transport", "address", "service"}. Returns: 0, *ret owned; -EINVAL no such address. */
int listener_parse(const struct cli_item *listener, struct js **ret, struct err *err);
