/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define LAST_MS 253402300799999 /* the year 9999 ends */

static int64_t now_ms(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
	return now_ms(CLOCK_REALTIME);
}

int64_t clock_monotonic_ms(void)
{
	return now_ms(CLOCK_MONOTONIC);
}

const char *clock_format(int64_t wall_ms, char text[CLOCK_TEXT_MAX])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char date[CLOCK_TEXT_MAX];

	if (wall_ms < 0 || wall_ms > LAST_MS || !gmtime_r(&seconds, &tm) ||
	    !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm))
		snprintf(text, CLOCK_TEXT_MAX, "-");
	else
		snprintf(text, CLOCK_TEXT_MAX, "%.19s.%03dZ", date, (int)(wall_ms % 1000));
	return text;
}

const char *clock_format_span(int64_t ms, char text[CLOCK_TEXT_MAX])
{
	long long s = ms / 1000;

	if (ms < 0)
		snprintf(text, CLOCK_TEXT_MAX, "-");
	else if (ms < 1000)
		snprintf(text, CLOCK_TEXT_MAX, "%lld ms", (long long)ms);
	else if (s < 60)
		snprintf(text, CLOCK_TEXT_MAX, "%lld.%lld s", s, (long long)(ms % 1000 / 100));
	else if (s < 3600)
		snprintf(text, CLOCK_TEXT_MAX, "%lld min %lld s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, CLOCK_TEXT_MAX, "%lld h %lld min", s / 3600, s % 3600 / 60);
	else
		snprintf(text, CLOCK_TEXT_MAX, "%lld d %lld h", s / 86400, s % 86400 / 3600);
	return text;
}
