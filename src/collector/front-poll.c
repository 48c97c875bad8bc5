/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "collector/collector.h"
#include "collector/front-own.h"

#define WAIT_MAX_MS 60000
/* Answers that are due within it are given together. */
#define SLACK_MS 50
#define POLLS_MAX 200000

/* Someone who waits for another generation than the one he has. */
struct front_poll {
	struct front *front;
	struct httpd_request *request;
	char node[REPORT_NODE_MAX + 1];
	char *who; /* asks for a node that nobody knew then: it has to be his; NULL: it is */
	enum report_role role;
	uint64_t generation;
	int64_t due_ms;
	struct front_poll *next, **at; /* of its source, the orphans or the woken */
};

static void unlink_poll(struct front_poll *poll)
{
	if (poll->next)
		poll->next->at = poll->at;
	*poll->at = poll->next;
}

static void link_poll(struct front_poll **list, struct front_poll *poll)
{
	poll->next = *list;
	poll->at = list;
	if (*list)
		(*list)->at = &poll->next;
	*list = poll;
}

static void poll_free(struct front_poll *poll)
{
	unlink_poll(poll);
	poll->front->n_polls--;
	free(poll->who);
	free(poll);
}

static void on_gone(void *user, struct httpd_request *request)
{
	(void)request;
	poll_free(user);
}

static struct registry_source *source_of(const struct front *front, const char *node,
					 enum report_role role)
{
	return registry_source_find(front->collector->registry, node, role);
}

static void answer_wanted(struct front *front, struct httpd_request *request,
			  const struct registry_source *source, enum report_role role)
{
	struct api_answer answer = API_ANSWER_NULL;

	registry_wanted_format(front->collector->registry, source, role, &answer.body);
	if (answer.body.failed)
		front_refuse(request, -ENOMEM, "out of memory");
	else
		front_answer(request, &answer);
	str_deinit(&answer.body);
}

/* Has the node that he waited for become somebody else's? */
static bool is_others(const struct front_poll *poll)
{
	const struct registry *registry = poll->front->collector->registry;
	const struct registry_node *node =
		poll->who ? registry_node_find(registry, poll->node) : NULL;

	return node && strcmp(node->name, poll->who) != 0;
}

static void answer_poll(struct front_poll *poll, bool changed)
{
	if (changed && is_others(poll))
		front_refuse(poll->request, -EACCES, "that node is another one's");
	else if (changed)
		answer_wanted(poll->front, poll->request,
			      source_of(poll->front, poll->node, poll->role), poll->role);
	else
		httpd_reply(poll->request, 204, "application/json", "", 0, NULL);
	poll_free(poll);
}

/* --- time */

static void set_timer(struct front *front, int64_t due_ms)
{
	int64_t now = collector_now_ms(front->collector);

	if (front->timer_due_ms && front->timer_due_ms <= due_ms)
		return;
	front->timer_due_ms = due_ms;
	loop_timer_set(front->timer, due_ms > now ? due_ms - now : 0, SLACK_MS);
}

/* Answer those that are due. Returns: when the next is; 0 none. */
static int64_t expire(struct front_poll *list, int64_t now, int64_t next)
{
	struct front_poll *poll;

	while ((poll = list)) {
		list = poll->next;
		if (poll->due_ms <= now + SLACK_MS)
			answer_poll(poll, false);
		else if (!next || poll->due_ms < next)
			next = poll->due_ms;
	}
	return next;
}

void front_on_timeout(void *data)
{
	struct front *front = data;
	struct registry *registry = front->collector->registry;
	int64_t now = collector_now_ms(front->collector);
	int64_t next = expire(front->orphans, now, 0);
	size_t i;
	int role;

	front->timer_due_ms = 0;
	for (i = 0; i < registry_node_count(registry); i++)
		for (role = 0; role < REGISTRY_ROLES; role++) {
			struct registry_source *source =
				registry_node_at(registry, i)->sources[role];

			if (source)
				next = expire(source->polls, now, next);
		}
	if (next)
		set_timer(front, next);
}

/* --- a poll begins */

struct question {
	const char *node;
	enum report_role role;
	uint64_t generation;
	bool has_generation;
	uint64_t wait_ms;
};

static int get_number(struct httpd_request *request, const char *key, uint64_t max, uint64_t *ret,
		      struct err *err)
{
	const char *text = httpd_query(request, key);

	if (text && str_parse_uint(text, max, ret) < 0)
		return err_set(err, -EINVAL, "%s must be a whole number", key);
	return 0;
}

static int get_question(struct httpd_request *request, struct question *ret, struct err *err)
{
	const char *role = httpd_query(request, "role");

	ret->node = httpd_query(request, "node");
	if (!ret->node || !*ret->node || strlen(ret->node) > REPORT_NODE_MAX)
		return err_set(err, -EINVAL, "node must be the id of a node");
	if (role && strcmp(role, report_role_word(REPORT_TARGET)) == 0)
		ret->role = REPORT_TARGET;
	else if (role && strcmp(role, report_role_word(REPORT_INITIATOR)) == 0)
		ret->role = REPORT_INITIATOR;
	else
		return err_set(err, -EINVAL, "role must be target or initiator");
	ret->has_generation = httpd_query(request, "generation") != NULL;
	if (get_number(request, "generation", INT64_MAX, &ret->generation, err) < 0 ||
	    get_number(request, "wait_ms", INT64_MAX, &ret->wait_ms, err) < 0)
		return -EINVAL;
	if (ret->wait_ms > WAIT_MAX_MS)
		ret->wait_ms = WAIT_MAX_MS;
	return 0;
}

/* A node reads only what is wanted of itself. One that nobody knows yet has nothing to read. */
static int check_identity(const struct front *front, const struct auth_who *who, const char *id,
			  struct err *err)
{
	const struct registry_node *node = registry_node_find(front->collector->registry, id);

	if (who->right >= AUTH_VIEWER || strcmp(who->name, id) == 0)
		return 0;
	if (!node || strcmp(node->name, who->name) == 0)
		return 0;
	return err_set(err, -EACCES, "%s may not read what is wanted of %s", who->name, id);
}

static void wait_for(struct front *front, struct httpd_request *request,
		     const struct question *question, const struct auth_who *who,
		     struct registry_source *source)
{
	struct front_poll *poll = front->n_polls < POLLS_MAX ? calloc(1, sizeof(*poll)) : NULL;
	bool is_sure =
		source || who->right >= AUTH_VIEWER || strcmp(who->name, question->node) == 0;

	if (poll && !is_sure) {
		poll->who = strdup(who->name);
		if (!poll->who) {
			free(poll);
			poll = NULL;
		}
	}
	if (!poll) {
		front_refuse(request, -ENOMEM, "too many requests wait already");
		return;
	}
	poll->front = front;
	poll->request = request;
	strncpy(poll->node, question->node, sizeof(poll->node) - 1);
	poll->role = question->role;
	poll->generation = question->generation;
	poll->due_ms = collector_now_ms(front->collector) + (int64_t)question->wait_ms;
	link_poll(source ? &source->polls : &front->orphans, poll);
	front->n_polls++;
	httpd_request_keep(request, poll, on_gone);
	set_timer(front, poll->due_ms);
}

void front_on_wanted(struct front *front, struct httpd_request *request, const struct auth_who *who)
{
	struct question question = { 0 };
	struct registry_source *source;
	struct err err = ERR_NULL;
	int r = get_question(request, &question, &err);

	if (r == 0)
		r = check_identity(front, who, question.node, &err);
	if (r < 0) {
		front_refuse(request, r, err.text);
		return;
	}
	source = source_of(front, question.node, question.role);
	if (!question.has_generation || question.generation != (source ? source->generation : 0))
		answer_wanted(front, request, source, question.role);
	else if (question.wait_ms == 0)
		httpd_reply(request, 204, "application/json", "", 0, NULL);
	else
		wait_for(front, request, &question, who, source);
}

/* --- a poll ends */

void front_on_want(struct front *front, struct registry_source *source)
{
	struct front_poll *poll = front->orphans;
	struct front_poll *next;

	for (; poll; poll = next) {
		next = poll->next;
		if (poll->role != source->role || strcmp(poll->node, source->node->id) != 0)
			continue;
		unlink_poll(poll);
		link_poll(&front->woken, poll);
	}
	while ((poll = source->polls)) {
		unlink_poll(poll);
		link_poll(&front->woken, poll);
	}
}

void front_on_gone(struct front *front, struct registry_source *source)
{
	struct front_poll *poll;

	while ((poll = source->polls)) {
		unlink_poll(poll);
		link_poll(&front->orphans, poll);
	}
}

/* Also after a commit that failed: then the generation is the old one, and they wait on. */
void front_flush(struct front *front)
{
	struct front_poll *poll;

	while ((poll = front->woken)) {
		struct registry_source *source = source_of(front, poll->node, poll->role);

		if ((source ? source->generation : 0) != poll->generation) {
			answer_poll(poll, true);
			continue;
		}
		unlink_poll(poll);
		link_poll(source ? &source->polls : &front->orphans, poll);
	}
}

static void each_poll(struct front *front, void (*fn)(struct front_poll *poll))
{
	struct registry *registry = front->collector->registry;
	size_t i;
	int role;

	while (front->woken)
		fn(front->woken);
	while (front->orphans)
		fn(front->orphans);
	for (i = 0; registry && i < registry_node_count(registry); i++)
		for (role = 0; role < REGISTRY_ROLES; role++) {
			struct registry_source *source =
				registry_node_at(registry, i)->sources[role];

			while (source && source->polls)
				fn(source->polls);
		}
}

static void refuse_poll(struct front_poll *poll)
{
	front_refuse(poll->request, -ECANCELED, "the collector ends");
	poll_free(poll);
}

void front_polls_free(struct front *front)
{
	each_poll(front, poll_free);
}

void front_polls_refuse(struct front *front)
{
	each_poll(front, refuse_poll);
}

size_t front_waiting(const struct front *front)
{
	return front->n_polls;
}
