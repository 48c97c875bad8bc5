/* SPDX-License-Identifier: BSD-3-Clause */
/* apply-explain - what the kernel's refusal of a step means, and the cure. Only apply.c uses it. */
#pragma once

#include "target/plan.h"

/*
 * Set the text for step @index of @plan, which the kernel refused with @code.
 * @undo  NULL; or the inverse that failed
 * Returns: @code.
 */
int apply_explain(const struct plan *plan, size_t index, const struct plan_action *undo, int code,
		  struct err *err);
