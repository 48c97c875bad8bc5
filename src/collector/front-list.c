/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists that are asked for as a whole: long ones go out in parts, and the loop goes on between. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/collector.h"
#include "collector/filter.h"
#include "collector/front-own.h"
#include "collector/view.h"

/* A part takes no longer, and has few more bytes. */
#define PART_MS 2
#define PART_BYTES (128u << 10)
/* It is made when no more than this waits for the client to read, */
#define WAITING_MAX (256u << 10)
/* which is looked at so often. */
#define LOOK_MS 1
#define LISTS_MAX 64

static const char list_head[] = "{\"version\":1,\"items\":[";
static const char list_end[] = "]}";

struct front_list {
	struct front *front;
	struct front_list *next, **at;
	struct httpd_stream *stream;
	struct filter filter; /* texts are copies */
	char *texts[6];
	char *after;	/* the node that was last */
	bool has_items; /* before it */
	bool is_done;	/* the client has not read the rest yet */
	uint64_t turn;
	struct str part; /* of it, what is not sent yet begins at sent */
	size_t sent;
};

static void list_free(struct front_list *list)
{
	size_t i;

	if (list->at) {
		*list->at = list->next;
		if (list->next)
			list->next->at = list->at;
		list->front->n_lists--;
	}
	for (i = 0; i < sizeof(list->texts) / sizeof(list->texts[0]); i++)
		free(list->texts[i]);
	free(list->after);
	str_deinit(&list->part);
	free(list);
}

static void on_gone(void *user, struct httpd_stream *stream)
{
	(void)stream;
	list_free(user);
}

/* The next part into list->part. Returns: 0; -ENOMEM. */
static int make_part(struct front_list *list)
{
	struct view_page page = {
		.after = list->after, .limit = SIZE_MAX, .ms = PART_MS, .bytes = PART_BYTES
	};
	char *after = NULL;
	int r = view_items(list->front->collector, &list->filter, &page,
			   list->has_items ? ",\n" : "\n", &list->part, NULL);

	if (r < 0)
		return r;
	list->has_items |= page.count > 0;
	if (page.next) {
		after = strdup(page.next);
		if (!after)
			return -ENOMEM;
	} else {
		str_add(&list->part, list_end);
	}
	free(list->after);
	list->after = after;
	return list->part.failed ? -ENOMEM : 0;
}

/* As much as the stream takes: one node may have more than it may hold. */
static void send_part(struct front_list *list)
{
	size_t waiting = httpd_stream_waiting(list->stream);
	size_t left = list->part.length - list->sent;
	size_t room = waiting < WAITING_MAX ? WAITING_MAX - waiting : 0;

	if (left > room)
		left = room;
	if (left)
		httpd_stream_send(list->stream, list->part.text + list->sent, left);
	list->sent += left;
	if (list->sent < list->part.length)
		return;
	str_deinit(&list->part);
	list->part = STR_NULL;
	list->sent = 0;
}

/* A list that breaks off has no end, and is no JSON. */
static void go_on(struct front_list *list)
{
	int r = list->part.length ? 0 : make_part(list);

	if (r == 0)
		send_part(list);
	if (r == 0 && (list->part.length || list->after))
		return;
	list->is_done = true;
	httpd_stream_close(list->stream);
}

/* Whose client reads, and which has waited longest for its turn. */
static struct front_list *next_turn(const struct front *front)
{
	struct front_list *found = NULL;
	struct front_list *list;

	for (list = front->lists; list; list = list->next)
		if (!list->is_done && httpd_stream_waiting(list->stream) < WAITING_MAX &&
		    (!found || list->turn < found->turn))
			found = list;
	return found;
}

/* One part of one list: with many of them, others still come between. */
void front_on_list(void *data)
{
	struct front *front = data;
	struct front_list *list = next_turn(front);
	bool more = false;

	if (list) {
		list->turn = ++front->list_turn;
		go_on(list);
	}
	for (list = front->lists; list; list = list->next)
		more |= !list->is_done;
	if (more)
		loop_timer_set(front->list_timer, LOOK_MS, 0);
}

static bool copy(struct front_list *list, size_t index, const char **text)
{
	if (!*text)
		return true;
	list->texts[index] = strdup(*text);
	*text = list->texts[index];
	return *text;
}

static bool copy_filter(struct front_list *list, const struct filter *filter)
{
	list->filter = *filter;
	return copy(list, 0, &list->filter.kind) && copy(list, 1, &list->filter.node) &&
	       copy(list, 2, &list->filter.id) && copy(list, 3, &list->filter.nqn) &&
	       copy(list, 4, &list->filter.host) && copy(list, 5, &list->filter.state);
}

static struct front_list *list_new(struct front *front, const struct filter *filter,
				   const char *after)
{
	struct front_list *list = calloc(1, sizeof(*list));

	if (!list)
		return NULL;
	list->front = front;
	str_add(&list->part, list_head);
	list->after = after ? strdup(after) : NULL;
	if (!list->after == !after && copy_filter(list, filter) && make_part(list) == 0)
		return list;
	list_free(list);
	return NULL;
}

static void begin(struct front_list *list, struct httpd_request *request)
{
	struct front *front = list->front;

	list->next = front->lists;
	list->at = &front->lists;
	if (list->next)
		list->next->at = &list->next;
	front->lists = list;
	front->n_lists++;
	list->stream = httpd_stream_open(request, "application/json", on_gone, list);
	if (!list->stream) {
		list_free(list);
		return;
	}
	send_part(list);
	loop_timer_set(front->list_timer, LOOK_MS, 0);
}

void front_list(struct front *front, struct httpd_request *request, const struct filter *filter,
		const char *after)
{
	struct front_list *list = list_new(front, filter, after);

	if (!list) {
		front_refuse(request, -ENOMEM, "out of memory");
	} else if (!list->after) {
		/* most are short */
		httpd_reply(request, 200, "application/json", list->part.text, list->part.length,
			    NULL);
		list_free(list);
	} else if (front->n_lists >= LISTS_MAX) {
		front_refuse(request, -EAGAIN,
			     "too many read long lists already: come again later, or ask for them "
			     "in pages (limit=N)");
		list_free(list);
	} else {
		begin(list, request);
	}
}

void front_lists_free(struct front *front)
{
	while (front->lists)
		list_free(front->lists);
}
