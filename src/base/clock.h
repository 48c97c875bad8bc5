/* SPDX-License-Identifier: BSD-3-Clause */
/* clock - the time of day as documents have it: milliseconds since 1970, and RFC 3339 for people.
 */
#pragma once

#include <stdint.h>

int64_t clock_wall_ms(void);
int64_t clock_monotonic_ms(void);

/* "2026-11-24T05:22:54.123Z" */
#define CLOCK_TEXT_MAX 32
const char *clock_format(int64_t wall_ms, char text[CLOCK_TEXT_MAX]);

/* A duration for people: "340 ms", "12.3 s", "4 min 10 s", "2 d 3 h". */
const char *clock_format_span(int64_t ms, char text[CLOCK_TEXT_MAX]);
