/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define WAIT_MAX_MS 86400000

static const char *const words[] = {
	[REQUEST_LIST] = "list",       [REQUEST_STATUS] = "status",
	[REQUEST_CONNECT] = "connect", [REQUEST_DISCONNECT] = "disconnect",
	[REQUEST_WATCH] = "watch",     [REQUEST_EVENT] = "event",
	[REQUEST_RELOAD] = "reload",
};
#define WORDS (sizeof(words) / sizeof(words[0]))

bool request_is_change(enum request_kind kind)
{
	return kind != REQUEST_LIST && kind != REQUEST_STATUS && kind != REQUEST_WATCH;
}

static struct js *begin(void)
{
	struct js *js = js_object();

	js_set(js, "version", js_int(REQUEST_VERSION));
	return js;
}

static void set_text(struct js *js, const char *key, const char *text)
{
	if (*text)
		js_set(js, key, js_string(text));
}

static void set_true(struct js *js, const char *key, bool value)
{
	if (value)
		js_set(js, key, js_bool(true));
}

/* --- encode */

static struct js *encode_tuning(struct host_tuning tuning)
{
	struct js *js = js_object();
	const char *name;
	size_t i;

	for (i = 0; (name = conf_tuning_name(i)); i++)
		if (*conf_tuning_at(&tuning, i) != HOST_UNSET)
			js_set(js, name, js_int(*conf_tuning_at(&tuning, i)));
	return js;
}

static void encode_connect(const struct request *request, struct js *js)
{
	const struct conf_connection *c = &request->connection;

	js_set(js, "tuning", encode_tuning(c->tuning));
	set_text(js, "key_file", c->key_file);
	set_text(js, "controller_key_file", c->controller_key_file);
	set_true(js, "transient", request->transient);
	js_set(js, "wait_ms", js_int(request->wait_ms));
}

struct js *request_encode(const struct request *request)
{
	struct js *js = begin();
	char text[TID_TEXT_MAX];

	js_set(js, "request", js_string(words[request->kind]));
	if (request->kind == REQUEST_CONNECT || request->has_tid)
		js_set(js, "connection", js_string(tid_format(&request->connection.tid, text)));
	switch (request->kind) {
	case REQUEST_CONNECT:
		encode_connect(request, js);
		break;
	case REQUEST_DISCONNECT:
		set_text(js, "controller", request->controller);
		set_text(js, "nqn", request->nqn);
		set_true(js, "force", request->force);
		js_set(js, "wait_ms", js_int(request->wait_ms));
		break;
	case REQUEST_EVENT:
		set_text(js, "action", request->action);
		set_text(js, "subsystem", request->subsystem);
		set_text(js, "device", request->device);
		set_text(js, "detail", request->detail);
		break;
	default:
		break;
	}
	return js;
}

/* --- decode */

/* What is not there stays "". */
static int get_text(const struct js *js, const char *key, char *ret, size_t size, struct err *err)
{
	const struct js *value = js_get(js, key);
	const char *text = value ? js_text(value) : "";

	if (!text || strlen(text) >= size || !str_is_printable(text))
		return err_set(err, -EINVAL, "%s must be a plain text of less than %zu bytes", key,
			       size);
	snprintf(ret, size, "%s", text);
	return 0;
}

static int get_bool(const struct js *js, const char *key, bool *ret, struct err *err)
{
	const struct js *value = js_get(js, key);

	if (value && js_type(value) != JS_BOOL)
		return err_set(err, -EINVAL, "%s must be true or false", key);
	*ret = value && js_is_true(value);
	return 0;
}

static int get_wait(const struct js *js, int64_t *ret, struct err *err)
{
	const struct js *value = js_get(js, "wait_ms");
	int64_t wait = value ? js_number(value, -1) : 0;

	if (wait < 0 || wait > WAIT_MAX_MS)
		return err_set(err, -EINVAL, "wait_ms must be a number from 0 to %d", WAIT_MAX_MS);
	*ret = wait;
	return 0;
}

static int get_tid(const struct js *js, struct request *request, struct err *err)
{
	const struct js *value = js_get(js, "connection");
	const char *text = value ? js_text(value) : NULL;

	if (value && !text)
		return err_set(err, -EINVAL, "connection must be a text");
	request->has_tid = text != NULL;
	return text ? tid_parse(text, &request->connection.tid, err) : 0;
}

static int get_path(const struct js *js, const char *key, char ret[CONF_PATH_MAX], struct err *err)
{
	int r = get_text(js, key, ret, CONF_PATH_MAX, err);

	if (r == 0 && *ret && *ret != '/')
		return err_set(err, -EINVAL, "%s \"%s\" must begin with '/'", key, ret);
	return r;
}

static int decode_tuning(const struct js *js, struct host_tuning *tuning, struct err *err)
{
	const char *name;
	size_t i;

	if (js && js_type(js) != JS_OBJECT)
		return err_set(err, -EINVAL, "tuning must be an object");
	for (i = 0; js && (name = conf_tuning_name(i)); i++) {
		const struct js *value = js_get(js, name);
		int r;

		if (!value)
			continue;
		if (js_type(value) != JS_INT)
			return err_set(err, -EINVAL, "%s must be a number", name);
		r = conf_tuning_check(i, js_number(value, 0), err);
		if (r < 0)
			return r;
		*conf_tuning_at(tuning, i) = (int)js_number(value, 0);
	}
	return 0;
}

static int decode_connect(const struct js *js, struct request *request, struct err *err)
{
	struct conf_connection *c = &request->connection;
	int r;

	if (!request->has_tid)
		return err_set(err, -EINVAL, "connect needs a connection");
	r = decode_tuning(js_get(js, "tuning"), &c->tuning, err);
	if (r == 0)
		r = get_path(js, "key_file", c->key_file, err);
	if (r == 0)
		r = get_path(js, "controller_key_file", c->controller_key_file, err);
	if (r == 0)
		r = get_bool(js, "transient", &request->transient, err);
	return r < 0 ? r : get_wait(js, &request->wait_ms, err);
}

static int decode_disconnect(const struct js *js, struct request *request, struct err *err)
{
	int r = get_text(js, "controller", request->controller, sizeof(request->controller), err);

	if (r == 0)
		r = get_text(js, "nqn", request->nqn, sizeof(request->nqn), err);
	if (r == 0)
		r = get_bool(js, "force", &request->force, err);
	if (r == 0)
		r = get_wait(js, &request->wait_ms, err);
	if (r < 0)
		return r;
	if (request->has_tid + !!*request->controller + !!*request->nqn != 1)
		return err_set(err, -EINVAL,
			       "disconnect needs one of connection, controller and nqn");
	return 0;
}

static int decode_event(const struct js *js, struct request *request, struct err *err)
{
	int r = get_text(js, "action", request->action, sizeof(request->action), err);

	if (r == 0)
		r = get_text(js, "subsystem", request->subsystem, sizeof(request->subsystem), err);
	if (r == 0)
		r = get_text(js, "device", request->device, sizeof(request->device), err);
	return r < 0 ? r : get_text(js, "detail", request->detail, sizeof(request->detail), err);
}

static int find_kind(const struct js *js, enum request_kind *ret, struct err *err)
{
	const struct js *value = js_get(js, "request");
	const char *word = value ? js_text(value) : NULL;
	size_t i;

	for (i = 0; word && i < WORDS; i++) {
		if (strcmp(word, words[i]) == 0) {
			*ret = (enum request_kind)i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "there is no request \"%.64s\"", word ? word : "");
}

static int check_version(const struct js *js, struct err *err)
{
	if (!js || js_type(js) != JS_OBJECT)
		return err_set(err, -EINVAL, "an object is expected");
	if (!js_get(js, "version") || js_number(js_get(js, "version"), -1) != REQUEST_VERSION)
		return err_set(err, -EINVAL,
			       "version must be %d: command and daemon are of different releases",
			       REQUEST_VERSION);
	return 0;
}

int request_decode(const struct js *js, struct request *ret, struct err *err)
{
	struct request request = REQUEST_NULL;
	int r = check_version(js, err);

	if (r == 0)
		r = find_kind(js, &request.kind, err);
	if (r == 0)
		r = get_tid(js, &request, err);
	if (r == 0 && request.kind == REQUEST_CONNECT)
		r = decode_connect(js, &request, err);
	else if (r == 0 && request.kind == REQUEST_DISCONNECT)
		r = decode_disconnect(js, &request, err);
	else if (r == 0 && request.kind == REQUEST_EVENT)
		r = decode_event(js, &request, err);
	if (r < 0)
		return -EINVAL;
	*ret = request;
	return 0;
}

/* --- answers */

struct js *reply_progress(const char *state, const char *text)
{
	struct js *js = begin();
	struct js *progress = js_object();

	js_set(progress, "state", js_string(state));
	js_set(progress, "text", js_string(text));
	js_set(js, "progress", progress);
	return js;
}

struct js *reply_event(struct js *take_event)
{
	struct js *js = begin();

	js_set(js, "event", take_event);
	return js;
}

struct js *reply_result(struct js *take_result)
{
	struct js *js = begin();

	js_set(js, "ok", js_bool(true));
	js_set(js, "result", take_result);
	return js;
}

struct js *reply_error(const struct err *err)
{
	struct js *js = begin();
	struct js *error = js_object();
	const char *name = strerrorname_np(-err->code);

	js_set(error, "errno", js_string(name ? name : "EIO"));
	js_set(error, "message", js_string(err->text));
	js_set(js, "ok", js_bool(false));
	js_set(js, "error", error);
	return js;
}

static int code_of(const char *name)
{
	int code;

	for (code = 1; code < 256; code++) {
		const char *known = strerrorname_np(code);

		if (name && known && strcmp(known, name) == 0)
			return -code;
	}
	return -EIO;
}

static void decode_error(const struct js *error, struct err *ret)
{
	const struct js *message = js_get(error, "message");
	const struct js *name = js_get(error, "errno");
	const char *text = message ? js_text(message) : NULL;

	err_set_text(ret, code_of(name ? js_text(name) : NULL), "%s",
		     text && *text ? text : "the daemon does not say why");
	str_clean(ret->text);
}

int reply_decode(const struct js *js, struct reply *ret, struct err *err)
{
	struct reply reply = { .kind = REPLY_ERROR };
	int r = check_version(js, err);

	if (r < 0)
		return r;
	if ((reply.value = js_get(js, "progress")))
		reply.kind = REPLY_PROGRESS;
	else if ((reply.value = js_get(js, "event")))
		reply.kind = REPLY_EVENT;
	else if ((reply.value = js_get(js, "result")))
		reply.kind = REPLY_RESULT;
	else if (js_get(js, "error"))
		decode_error(js_get(js, "error"), &reply.err);
	else
		return err_set(err, -EINVAL, "the daemon's answer makes no sense");
	*ret = reply;
	return 0;
}
