/* SPDX-License-Identifier: BSD-3-Clause */
/* unit - what cmocka wants before it, in the order it wants it: sorting may not move it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
