/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "initiator/client.h"
#include "initiator/ctl.h"

static const char *text_at(const struct js *js, const char *key)
{
	const char *text = js_text(js_get(js, key));

	return text ? text : "";
}

static void add_time(int64_t wall_ms, struct str *text)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char clock[16];

	if (!localtime_r(&seconds, &tm) || strftime(clock, sizeof(clock), "%H:%M:%S", &tm) == 0)
		clock[0] = '\0';
	str_addf(text, "%s.%03d  ", clock, (int)(wall_ms % 1000));
}

/* "12:03:04.123  changed  controller nvme0: connecting (the connection was lost)" */
static void add_event(const struct js *event, struct str *text)
{
	const char *state = text_at(js_get(event, "object"), "state");
	const char *nqn = text_at(js_get(event, "object"), "nqn");
	const char *cause = text_at(event, "cause");

	add_time(js_number(js_get(event, "time"), 0), text);
	str_addf(text, "%-8s ", text_at(event, "type"));
	str_add_clean(text, text_at(event, "kind"));
	str_add(text, " ");
	str_add_clean(text, text_at(event, "id"));
	if (*nqn && strcmp(nqn, text_at(event, "id")) != 0) {
		str_add(text, " of ");
		str_add_clean(text, nqn);
	}
	if (*state) {
		str_add(text, ": ");
		str_add_clean(text, state);
	}
	if (*cause) {
		str_add(text, " (");
		str_add_clean(text, cause);
		str_add(text, ")");
	}
	str_add(text, "\n");
}

static int tell(void *data, const struct reply *reply)
{
	const struct ctl *ctl = data;
	CLEANUP_FREE char *json = NULL;
	CLEANUP_STR struct str text = STR_NULL;

	if (reply->kind != REPLY_EVENT)
		return 0;
	if (ctl->cli.json) {
		json = js_format(reply->value, JS_COMPACT);
		str_addf(&text, "%s\n", json ? json : "{}");
	} else {
		add_event(reply->value, &text);
	}
	fputs(str_get(&text), stdout);
	/* who reads a pipe wants each at once */
	return fflush(stdout) == 0 ? 0 : -errno;
}

int cmd_watch(struct ctl *ctl, struct err *err)
{
	struct request request = REQUEST_NULL;
	CLEANUP_CLOSE int fd = -1;
	int r;

	request.kind = REQUEST_WATCH;
	r = client_send(ctl->socket_path, &request, &fd, err);
	if (client_is_absent(r))
		return err_set(err, r,
			       "nvme-sunfishd does not run, and only it sees events: systemctl "
			       "start nvme-sunfishd");
	if (r < 0)
		return r;
	cli_say(&ctl->cli, "watching; interrupt to end\n");
	fflush(stdout);
	return client_receive(fd, INT64_MAX, tell, ctl, NULL, err);
}
