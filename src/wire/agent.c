/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "wire/agent-own.h"

#define CONNECT_TIMEOUT_MS 5000
#define RETRY_MIN_MS 500
#define RETRY_MAX_MS 30000
#define REFUSED_MS 60000 /* a person has to do something */
#define CAUSE_MAX 1000

/* --- the token */

static int check_token_file(const struct agent *agent, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "cannot look at %s: %s", agent->token_file,
			       strerror(errno));
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 ||
	    (st.st_uid != 0 && st.st_uid != geteuid()))
		return err_set(err, -EACCES,
			       "%s holds a secret: it must be a file of root's that only its owner "
			       "can read: chown root: and chmod 600",
			       agent->token_file);
	return 0;
}

/* Read each time, so that a new token is used without a restart. */
static int read_token(const struct agent *agent, char token[AGENT_TOKEN_MAX], struct err *err)
{
	CLEANUP_CLOSE int fd =
		open(agent->token_file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	ssize_t length;
	int r;

	if (fd < 0)
		return err_set(err, -errno,
			       "cannot read the token %s: %s (sunfishctl node add makes one)",
			       agent->token_file, strerror(errno));
	r = check_token_file(agent, fd, err);
	if (r < 0)
		return r;
	length = read(fd, token, AGENT_TOKEN_MAX - 1);
	if (length < 0)
		return err_set(err, -errno, "cannot read %s: %s", agent->token_file,
			       strerror(errno));
	token[length] = '\0';
	token[strcspn(token, " \t\r\n")] = '\0';
	if (!*token || !str_is_printable(token))
		return err_set(err, -EINVAL, "in %s there is no token", agent->token_file);
	return 0;
}

/* --- requests */

int agent_call(struct agent *agent, const struct httpc_request *request, httpc_done_fn done,
	       struct httpc_call **ret, struct err *err)
{
	struct httpc_request with_token = *request;
	char token[AGENT_TOKEN_MAX] = "";
	int r;

	if (agent->token_file) {
		r = read_token(agent, token, err);
		if (r < 0)
			return r;
		with_token.token = token;
	}
	r = httpc_start(agent->httpc, &with_token, done, agent, ret, err);
	explicit_bzero(token, sizeof(token));
	return r;
}

/* The collector's own words: {"error":{"message":".."}} */
static void add_message(const struct httpc_reply *reply, struct err *err)
{
	CLEANUP_JS struct js *js = NULL;
	const char *message = NULL;
	char text[200];

	if (js_parse(reply->body, reply->length, &js, NULL) == 0)
		message = js_text(js_get(js_get(js, "error"), "message"));
	if (!message || !*message)
		return;
	snprintf(text, sizeof(text), "%s", message);
	str_clean(text);
	text[strcspn(text, "\n")] = '\0';
	err_prefix(err, "%s: ", text);
}

int agent_check(struct agent_retry *retry, const struct httpc_reply *reply, struct err *err)
{
	int r;

	retry->refused = reply->status == 401 || reply->status == 403;
	if (reply->code < 0)
		return err_set(err, reply->code, "%s", reply->error);
	if (reply->status / 100 == 2)
		return 0;
	r = retry->refused
		    ? err_set(err, -EACCES,
			      "the collector refuses this node (HTTP %u): is its token the one "
			      "that sunfishctl node add showed?",
			      reply->status)
		    : err_set(err, -EPROTO, "the collector answers with HTTP %u", reply->status);
	add_message(reply, err);
	return r;
}

/* From half of @ms on: thousands that lost the same collector do not come back at the same time. */
static int64_t with_jitter(int64_t ms)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = (uint32_t)clock_monotonic_ms();
	return ms / 2 + (int64_t)(random % (uint64_t)(ms / 2 + 1));
}

int64_t agent_retry_ms(struct agent_retry *retry)
{
	int64_t ms = RETRY_MIN_MS;
	unsigned int i;

	for (i = 0; i < retry->failures && ms < RETRY_MAX_MS; i++)
		ms *= 2;
	retry->failures++;
	if (retry->refused)
		ms = REFUSED_MS;
	else if (ms > RETRY_MAX_MS)
		ms = RETRY_MAX_MS;
	return with_jitter(ms);
}

/* --- events */

/* A text that the collector takes: no control characters, and no longer than it may be. */
static void clean_cause(const char *cause, char clean[CAUSE_MAX])
{
	size_t length;
	char *c;

	snprintf(clean, CAUSE_MAX, "%s", cause ? cause : "");
	/* a character of UTF-8 may have been cut through */
	length = strlen(clean);
	if (length == CAUSE_MAX - 1) {
		while (length && ((unsigned char)clean[length - 1] & 0xc0) == 0x80)
			length--;
		clean[length ? length - 1 : 0] = '\0';
	}
	str_clean(clean);
	for (c = clean; *c; c++)
		if (*c == '\n' || *c == '\t')
			*c = ' ';
}

static void tell(const struct agent *agent, bool is_over, const char *text, const char *why)
{
	CLEANUP_STR struct str sentence = STR_NULL;

	str_add(&sentence, text);
	str_add(&sentence, why);
	if (agent->hooks.trouble)
		agent->hooks.trouble(agent->hooks.data, is_over, str_get(&sentence));
}

void agent_count_lost(struct agent *agent, uint64_t count, const char *why)
{
	bool is_first = agent->lost == agent->lost_told;

	if (!count)
		return;
	agent->lost += count;
	snprintf(agent->lost_why, sizeof(agent->lost_why), "%s", why);
	if (is_first)
		tell(agent, false, "events are lost, the collector will get the state as a whole: ",
		     agent->lost_why);
}

/* Made if need be. What cannot be is tried again. */
static void open_spool_dir(struct agent *agent)
{
	const char *path = agent->spool_dir ? agent->spool_dir : "";
	int r = fs_mkdir_p(AT_FDCWD, path, 0700);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		fd = r < 0 ? r : -errno;
	agent->spool_dirfd = fd;
}

static void look_at_spool(struct agent *agent)
{
	int trouble;

	if (agent->spool_dirfd < 0) {
		open_spool_dir(agent);
		if (agent->spool_dirfd >= 0)
			spool_move(agent->spool, agent->spool_dirfd);
	}
	trouble = spool_trouble(agent->spool);
	if (trouble == agent->trouble)
		return;
	agent->trouble = trouble;
	if (trouble)
		tell(agent, false, "events are kept in memory only until the disk takes them: ",
		     strerror(-trouble));
	else
		tell(agent, true, "the disk takes events again", "");
}

void agent_spool_lost(struct agent *agent, uint64_t waiting, const char *why)
{
	agent->report.snapshot = true;
	agent->report.sent = 0;
	agent->report.aside = 0;
	agent->report.suspect = false;
	agent_count_lost(agent, waiting, why);
}

static const char *append_failure(int code)
{
	return code == -ENOBUFS ? "the spool is full" : strerror(-code);
}

static int spool_event(struct agent *agent, const struct report_event *event)
{
	/* with this one */
	const uint64_t waiting = spool_next(agent->spool) - spool_acknowledged(agent->spool);
	CLEANUP_JS struct js *js = report_event_encode(event);
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);
	int r;

	if (!text)
		return -ENOMEM;
	r = spool_append(agent->spool, text, strlen(text));
	if (r < 0)
		agent_spool_lost(agent, waiting, append_failure(r));
	look_at_spool(agent);
	agent_report_soon(agent);
	return 0;
}

void agent_tell_lost(struct agent *agent)
{
	const uint64_t lost = agent->lost;
	const uint64_t waiting = spool_next(agent->spool) - 1 - spool_acknowledged(agent->spool);
	CLEANUP_JS struct js *object = NULL;
	CLEANUP_JS struct js *js = NULL;
	CLEANUP_FREE char *text = NULL;
	char cause[ERR_TEXT_MAX + 64];
	struct report_event event = { .seq = spool_next(agent->spool),
				      .time_ms = clock_wall_ms(),
				      .type = "note",
				      .kind = "gap",
				      .id = "lost",
				      .cause = cause };
	int r;

	look_at_spool(agent);
	if (lost == agent->lost_told)
		return;
	snprintf(cause, sizeof(cause), "%" PRIu64 " events are lost: %.400s",
		 lost - agent->lost_told, agent->lost_why);
	object = js_object();
	js_set(object, "events", js_int((int64_t)(lost - agent->lost_told)));
	event.object = object;
	js = report_event_encode(&event);
	text = js_format(js, JS_COMPACT);
	if (!text)
		return;
	r = spool_append(agent->spool, text, strlen(text));
	if (r < 0) {
		agent_spool_lost(agent, waiting, append_failure(r));
		return;
	}
	agent->lost_told = lost;
	if (agent->hooks.event)
		agent->hooks.event(agent->hooks.data, &event);
}

static uint64_t next_seq(struct agent *agent)
{
	return agent->spool ? spool_next(agent->spool) : ++agent->seq;
}

static int add_event(struct agent *agent, const char *type, const struct object *object,
		     const char *cause)
{
	static const char *const counters[] = { "counters", NULL };
	CLEANUP_JS struct js *attrs =
		object->attrs ? js_copy_without(object->attrs, counters) : NULL;
	char clean[CAUSE_MAX];
	struct report_event event = { .time_ms = clock_wall_ms(),
				      .type = type,
				      .kind = object->kind,
				      .id = object->id,
				      .cause = clean,
				      .object = attrs };
	int r = 0;

	if (object->attrs && !attrs)
		return -ENOMEM;
	clean_cause(cause, clean);
	event.seq = next_seq(agent);
	/* first it is kept: who is told of it may rely on that */
	if (agent->spool)
		r = spool_event(agent, &event);
	if (agent->hooks.event)
		agent->hooks.event(agent->hooks.data, &event);
	return r;
}

struct update {
	struct agent *agent;
	agent_cause_fn cause;
	void *data;
	int result; /* what went wrong first */
};

/* A failure does not end it: the events that follow are still worth telling. */
static int on_difference(void *data, enum object_change change, const struct object *object)
{
	struct update *update = data;
	const char *cause = update->cause(update->data, change, object);
	int r = add_event(update->agent, object_change_word(change), object, cause);

	if (r < 0 && update->result == 0)
		update->result = r;
	return 0;
}

int agent_update_explained(struct agent *agent, struct object_set *take_state, agent_cause_fn fn,
			   void *data)
{
	struct update update = { .agent = agent, .cause = fn, .data = data };
	bool is_first = !agent->state;

	if (!take_state) /* somebody ran out of memory */
		return -ENOMEM;
	/* what is there at the start did not happen now */
	if (!is_first)
		object_set_diff(agent->state, take_state, on_difference, &update);
	object_set_free(agent->state);
	agent->state = take_state;
	if (update.result < 0)
		agent->report.snapshot = true;
	if (is_first && agent->httpc) {
		agent_report_soon(agent);
		agent_poll_retry(agent);
	}
	return update.result;
}

static const char *same_cause(void *data, enum object_change change, const struct object *object)
{
	(void)change, (void)object;
	return data;
}

int agent_update(struct agent *agent, struct object_set *take_state, const char *cause)
{
	return agent_update_explained(agent, take_state, same_cause, (void *)cause);
}

const struct object_set *agent_state(const struct agent *agent)
{
	return agent->state;
}

int agent_note(struct agent *agent, const char *kind, const char *id, const char *cause,
	       const struct js *object)
{
	CLEANUP_JS struct js *js = js_object();
	struct object note;
	int r;

	/* the collector would refuse the whole report */
	js_set(js, "kind", js_string(kind));
	js_set(js, "id", js_string(id));
	r = object_parse(js, &note, NULL);
	if (r < 0)
		return r;
	if (object && (js_type(object) != JS_OBJECT || js_size(object) > OBJECT_TEXT_MAX))
		return -EINVAL;
	note.attrs = object;
	return add_event(agent, "note", &note, cause);
}

/* --- begin and end */

static bool copy_text(char **ret, const char *text)
{
	if (text)
		*ret = strdup(text);
	return !text || *ret;
}

static bool is_loopback(const char *url)
{
	static const char *const hosts[] = { "http://127.0.0.1", "http://[::1]",
					     "http://localhost" };
	size_t i;

	for (i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		size_t length = strlen(hosts[i]);

		if (strncmp(url, hosts[i], length) == 0 &&
		    (url[length] == ':' || url[length] == '/' || url[length] == '\0'))
			return true;
	}
	return false;
}

static int copy_config(struct agent *agent, const struct agent_config *config, struct err *err)
{
	if (!copy_text(&agent->url, config->url) ||
	    !copy_text(&agent->token_file, config->token_file) ||
	    !copy_text(&agent->spool_dir, config->spool_dir) ||
	    !copy_text(&agent->node, config->node) || !copy_text(&agent->name, config->name) ||
	    !copy_text(&agent->program, config->program))
		return err_nomem(err);
	agent->role = config->role;
	agent->interval_ms = config->interval_ms;
	if (!agent->url)
		return 0;
	/* a token in plain text is everybody's */
	if (strncmp(agent->url, "https://", 8) != 0 && !is_loopback(agent->url))
		return err_set(err, -EINVAL,
			       "the collector's URL %s is not https, which only this host itself "
			       "may be without",
			       agent->url);
	while (*agent->url && agent->url[strlen(agent->url) - 1] == '/')
		agent->url[strlen(agent->url) - 1] = '\0';
	return 0;
}

static int open_spool(struct agent *agent, const struct agent_config *config, struct err *err)
{
	char name[32];
	int r;

	open_spool_dir(agent);
	snprintf(name, sizeof(name), "%s.spool", report_role_word(agent->role));
	r = spool_open(agent->spool_dirfd, name, config->spool_bytes, &agent->spool, err);
	if (r < 0)
		err_prefix(err, "%s: ", config->spool_dir);
	return r;
}

/* A secret that everybody can read is said at once; one that is not there yet may come. */
static int check_token(struct agent *agent, struct err *err)
{
	char token[AGENT_TOKEN_MAX];
	struct err why = ERR_NULL;
	int r = agent->token_file ? read_token(agent, token, &why) : 0;

	explicit_bzero(token, sizeof(token));
	if (r == -EACCES)
		return err_set(err, r, "%s", why.text);
	return 0;
}

static int start(struct agent *agent, const struct agent_config *config, struct err *err)
{
	const struct httpc_config http = { .ca_file = config->ca_file,
					   .certificate_file = config->certificate_file,
					   .key_file = config->key_file,
					   .connect_timeout_ms = CONNECT_TIMEOUT_MS,
					   .stays = true };
	int r = copy_config(agent, config, err);

	if (r < 0 || !agent->url)
		return r;
	r = check_token(agent, err);
	if (r == 0)
		r = open_spool(agent, config, err);
	if (r == 0)
		r = httpc_new(agent->loop, &http, &agent->httpc, err);
	if (r == 0)
		r = agent_report_init(agent, err);
	if (r == 0)
		r = agent_poll_init(agent, err);
	if (r == 0)
		r = agent_keep_init(agent, err);
	return r;
}

int agent_new(struct loop *loop, const struct agent_config *config, const struct agent_hooks *hooks,
	      struct agent **ret, struct err *err)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	int r;

	if (!agent)
		return err_nomem(err);
	agent->loop = loop;
	agent->hooks = *hooks;
	agent->spool_dirfd = -1;
	agent->since_ms = clock_wall_ms();
	r = start(agent, config, err);
	if (r < 0) {
		agent_free(agent);
		return r;
	}
	*ret = agent;
	return 0;
}

void agent_free(struct agent *agent)
{
	if (!agent)
		return;
	agent_report_deinit(agent);
	agent_poll_deinit(agent);
	agent_keep_deinit(agent);
	httpc_free(agent->httpc);
	spool_close(agent->spool);
	if (agent->spool_dirfd >= 0)
		close(agent->spool_dirfd);
	object_set_free(agent->state);
	free(agent->url);
	free(agent->token_file);
	free(agent->spool_dir);
	free(agent->node);
	free(agent->name);
	free(agent->program);
	free(agent);
}

void agent_status(const struct agent *agent, struct agent_status *ret)
{
	*ret = (struct agent_status){
		.configured = agent->httpc != NULL,
		.connected = agent->connected,
		.since_ms = agent->since_ms,
		.error = agent->report.error[0] ? agent->report.error
			 : agent->poll.call	? ""
						: agent->poll.error,
		.seq = agent->spool ? spool_next(agent->spool) - 1 : agent->seq,
		.acknowledged = agent->spool ? spool_acknowledged(agent->spool) : 0,
		.lost = agent->lost,
		.lost_why = agent->lost_why,
		.spool_trouble = agent->spool ? spool_trouble(agent->spool) : 0,
		.refused = agent->refused,
		.generation = agent->poll.generation,
	};
}
