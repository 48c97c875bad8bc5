/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/term.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fs.h"

void term_moment_now(struct term_moment *ret)
{
	struct timespec boot = { 0 };

	*ret = (struct term_moment){ .wall_ms = clock_wall_ms() };
	clock_gettime(CLOCK_BOOTTIME, &boot);
	ret->boot_ms = (int64_t)boot.tv_sec * 1000 + boot.tv_nsec / 1000000;
	if (fs_read_at(AT_FDCWD, "/proc/sys/kernel/random/boot_id", ret->boot, sizeof(ret->boot)) <
	    0)
		ret->boot[0] = '\0';
}

struct js *term_moment_encode(const struct term_moment *moment)
{
	struct js *js = js_object();

	js_set(js, "wall", js_int(moment->wall_ms));
	js_set(js, "since_boot", js_int(moment->boot_ms));
	js_set(js, "boot", js_string(moment->boot));
	return js;
}

void term_moment_decode(const struct js *js, struct term_moment *ret)
{
	const char *boot = js_text(js_get(js, "boot"));

	*ret = (struct term_moment){
		.wall_ms = js_number(js_get(js, "wall"), 0),
		.boot_ms = js_number(js_get(js, "since_boot"), 0),
	};
	snprintf(ret->boot, sizeof(ret->boot), "%s", boot ? boot : "");
}

int64_t term_left(int64_t left_ms, int64_t grace_ms, const struct term_moment *noted,
		  const struct term_moment *now)
{
	bool is_same = *noted->boot && strcmp(noted->boot, now->boot) == 0;
	int64_t gone = is_same ? now->boot_ms - noted->boot_ms : now->wall_ms - noted->wall_ms;
	int64_t least = left_ms < grace_ms ? left_ms : grace_ms;

	if (left_ms <= 0)
		return 0;
	if (gone <= 0)
		return left_ms;
	if (is_same)
		return gone < left_ms ? left_ms - gone : 0;
	return gone < left_ms - least ? left_ms - gone : least;
}
