/* SPDX-License-Identifier: BSD-3-Clause */
/* front-own - what front.c (requests), front-list.c (long lists) and front-poll.c (those who wait
 * for what is wanted) share. */
#pragma once

#include <stdbool.h>

#include "collector/api.h"
#include "collector/auth.h"
#include "collector/front.h"
#include "core/httpd.h"
#include "core/loop.h"

struct filter;
struct front_list;
struct front_poll;
struct pending;

struct front {
	struct collector *collector;
	struct httpd *httpd;
	int listen_fd; /* ours; httpd has a copy */
	struct pending *pending;
	struct pending *spare; /* freed ones */
	size_t n_spare;
	struct front_poll *orphans; /* polls of helpers that there are not yet */
	struct front_poll *woken;   /* in this transaction */
	size_t n_polls;
	struct loop_source *timer; /* of polls */
	int64_t timer_due_ms;
	struct loop_source *keep_alive; /* of event streams */
	struct front_list *lists;	/* that are being sent */
	size_t n_lists;
	uint64_t list_turn;
	struct loop_source *list_timer;
	bool stopping;
};

/* --- of front.c */
void front_answer(struct httpd_request *request, const struct api_answer *answer);
void front_refuse(struct httpd_request *request, int code, const char *message);

/* --- of front-poll.c */
void front_on_wanted(struct front *front, struct httpd_request *request,
		     const struct auth_who *who);
void front_on_timeout(void *front);
/* All polls away: without an answer, or with 503. */
void front_polls_free(struct front *front);
void front_polls_refuse(struct front *front);

/* --- of front-list.c */
/* Answer with the whole list. @after  from behind that node on; NULL: from the beginning */
void front_list(struct front *front, struct httpd_request *request, const struct filter *filter,
		const char *after);
void front_on_list(void *front);
/* All away, without an end. */
void front_lists_free(struct front *front);
