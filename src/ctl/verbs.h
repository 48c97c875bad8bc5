/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs - sunfishctl for core/cli.h: which verbs there are, and what each takes. */
#pragma once

#include "core/cli.h"

extern const struct cli_program verbs_program;
