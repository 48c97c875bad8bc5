/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/wanted.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "nvmf/addr.h"
#include "nvmf/nqn.h"

#define ID_MAX 64
#define DEVICE_MAX 4096

static const char *const kind_words[] = { "export", "access", "connection" };

/* --- reading what was checked */

static const char *text_of(const struct js *js, const char *key)
{
	const char *text = js_text(js_get(js, key));

	return text ? text : "";
}

static void read_listener(const struct js *js, struct wanted_listener *ret)
{
	ret->transport = text_of(js, "transport");
	ret->address = text_of(js, "address");
	ret->service = text_of(js, "service");
}

void wanted_listener_at(const struct js *listeners, size_t index, struct wanted_listener *ret)
{
	read_listener(js_at(listeners, index), ret);
}

static int find_kind(const struct js *js, enum wanted_kind *ret)
{
	const char *text = text_of(js, "kind");
	int i;

	for (i = WANTED_EXPORT; i <= WANTED_CONNECTION; i++)
		if (strcmp(text, kind_words[i]) == 0) {
			*ret = (enum wanted_kind)i;
			return 0;
		}
	return -EINVAL;
}

static void read_entry(const struct js *js, struct wanted_entry *ret)
{
	*ret = (struct wanted_entry){
		.intent = text_of(js, "intent"),
		.absent = js_is_true(js_get(js, "absent")),
		.force = js_is_true(js_get(js, "force")),
		.nqn = text_of(js, "nqn"),
		.hostnqn = text_of(js, "hostnqn"),
		.any_host = js_is_true(js_get(js, "any_host")),
		.devices = js_get(js, "devices"),
		.hosts = js_get(js, "hosts"),
		.listeners = js_get(js, "listeners"),
		.expires_ms = js_number(js_get(js, "expires"), 0),
	};
	find_kind(js, &ret->kind);
	read_listener(js_get(js, "at"), &ret->at);
}

void wanted_entry_at(const struct wanted *wanted, size_t index, struct wanted_entry *ret)
{
	read_entry(js_at(wanted->entries, index), ret);
}

/* --- checks */

static int check_id(const char *key, const char *text, struct err *err)
{
	if (!text || !*text || strlen(text) > ID_MAX || !str_is_printable(text))
		return err_set(err, -EINVAL, "\"%s\" must be of 1 to %d printable characters", key,
			       ID_MAX);
	return 0;
}

static int check_flag(const struct js *js, const char *key, struct err *err)
{
	const struct js *value = js_get(js, key);

	if (value && js_type(value) != JS_BOOL)
		return err_set(err, -EINVAL, "\"%s\" must be true or false", key);
	return 0;
}

/* A lease that cannot be understood must not count as none. */
static int check_time(const struct js *js, const char *key, struct err *err)
{
	const struct js *value = js_get(js, key);

	if (value && (js_type(value) != JS_INT || js_number(value, 0) < 1))
		return err_set(err, -EINVAL, "\"%s\" must be milliseconds since 1970", key);
	return 0;
}

static int check_listener(const struct js *js, struct err *err)
{
	struct wanted_listener listener;
	struct addr addr;
	char port[6];
	int r;

	read_listener(js, &listener);
	if (js_type(js) != JS_OBJECT)
		return err_set(err, -EINVAL, "an address must be a JSON object");
	if (strcmp(listener.transport, "rdma") != 0 && strcmp(listener.transport, "tcp") != 0)
		return err_set(err, -EINVAL, "\"transport\" must be rdma or tcp");
	r = addr_parse_host(listener.address, &addr, err);
	if (r == 0 && *listener.service)
		r = addr_parse_port(listener.service, port, err);
	return r;
}

static int check_device(const struct js *js, struct err *err)
{
	const char *path = js_text(js);

	if (!path || *path != '/' || strlen(path) >= DEVICE_MAX || !str_is_utf8(path))
		return err_set(err, -EINVAL, "a device must be an absolute path");
	return 0;
}

static int check_host(const struct js *js, struct err *err)
{
	const char *nqn = js_text(js);

	return nqn_check_host(nqn ? nqn : "", err);
}

static int check_list(const struct js *js, const char *key, size_t max,
		      int (*check)(const struct js *js, struct err *err), struct err *err)
{
	const struct js *list = js_get(js, key);
	size_t i;
	int r;

	if (js_type(list) != JS_ARRAY || js_length(list) > max)
		return err_set(err, -EINVAL, "\"%s\" must be a list of at most %zu", key, max);
	for (i = 0; i < js_length(list); i++) {
		r = check(js_at(list, i), err);
		if (r < 0) {
			err_prefix(err, "%s %zu: ", key, i + 1);
			return r;
		}
	}
	return 0;
}

/* What is to be gone needs no more than its name. */
static int check_export(const struct js *js, const struct wanted_entry *entry, struct err *err)
{
	int r;

	if (entry->absent)
		return 0;
	r = check_list(js, "devices", WANTED_DEVICES_MAX, check_device, err);
	if (r == 0)
		r = check_list(js, "hosts", WANTED_HOSTS_MAX, check_host, err);
	if (r == 0)
		r = check_list(js, "listeners", WANTED_LISTENERS_MAX, check_listener, err);
	if (r == 0 && js_type(js_get(js, "any_host")) != JS_BOOL)
		r = err_set(err, -EINVAL, "\"any_host\" must be true or false");
	if (r == 0 && entry->any_host && js_length(entry->hosts))
		r = err_set(err, -EINVAL, "there are \"hosts\" beside \"any_host\"");
	return r;
}

static int check_connection(const struct js *js, const struct wanted_entry *entry, struct err *err)
{
	int r = *entry->hostnqn ? nqn_check_host(entry->hostnqn, err) : 0;

	return r < 0 ? r : check_listener(js_get(js, "at"), err);
}

static int check_by_kind(const struct js *js, const struct wanted_entry *entry, struct err *err)
{
	switch (entry->kind) {
	case WANTED_EXPORT:
		return check_export(js, entry, err);
	case WANTED_ACCESS:
		return nqn_check_host(entry->hostnqn, err);
	case WANTED_CONNECTION:
		break;
	}
	return check_connection(js, entry, err);
}

static int check_entry(const struct js *js, enum report_role role, struct err *err)
{
	struct wanted_entry entry;
	enum wanted_kind kind;
	int r = find_kind(js, &kind);

	if (r < 0 || (kind == WANTED_CONNECTION) != (role == REPORT_INITIATOR))
		return err_set(err, -EINVAL, "\"kind\" must be %s",
			       role == REPORT_INITIATOR ? "connection" : "export or access");
	read_entry(js, &entry);
	r = check_id("intent", entry.intent, err);
	if (r == 0)
		r = check_flag(js, "absent", err);
	if (r == 0)
		r = check_flag(js, "force", err);
	if (r == 0)
		r = check_time(js, "expires", err);
	if (r == 0)
		r = nqn_check(entry.nqn, err);
	if (r == 0)
		r = check_by_kind(js, &entry, err);
	if (r < 0 && err)
		err->code = -EINVAL; /* a name may be too long as well */
	return r < 0 ? -EINVAL : 0;
}

static int check_entries(const struct wanted *wanted, struct err *err)
{
	size_t i;
	int r;

	if (js_type(wanted->entries) != JS_ARRAY || wanted->count > WANTED_ENTRIES_MAX)
		return err_set(err, -EINVAL, "\"entries\" must be a list of at most %d",
			       WANTED_ENTRIES_MAX);
	for (i = 0; i < wanted->count; i++) {
		r = check_entry(js_at(wanted->entries, i), wanted->role, err);
		if (r < 0) {
			err_prefix(err, "entry %zu: ", i + 1);
			return r;
		}
	}
	return 0;
}

static int check_head(const struct js *js, struct wanted *wanted, struct err *err)
{
	const char *role = text_of(js, "role");
	int64_t generation = js_number(js_get(js, "generation"), -1);

	if (js_number(js_get(js, "version"), 0) != REPORT_VERSION)
		return err_set(err, -EINVAL, "there must be \"version\": %d", REPORT_VERSION);
	if (strcmp(role, report_role_word(REPORT_TARGET)) == 0)
		wanted->role = REPORT_TARGET;
	else if (strcmp(role, report_role_word(REPORT_INITIATOR)) == 0)
		wanted->role = REPORT_INITIATOR;
	else
		return err_set(err, -EINVAL, "\"role\" must be target or initiator");
	if (generation < 0)
		return err_set(err, -EINVAL, "\"generation\" must be a whole number from 0");
	if (check_time(js, "time", err) < 0)
		return -EINVAL;
	wanted->time_ms = js_number(js_get(js, "time"), 0);
	wanted->generation = (uint64_t)generation;
	wanted->collector = js_text(js_get(js, "collector"));
	return check_id("collector", wanted->collector, err);
}

int wanted_decode(const struct js *js, struct wanted *ret, struct err *err)
{
	struct wanted wanted = { .entries = js_get(js, "entries") };
	int r = check_head(js, &wanted, err);

	wanted.count = js_length(wanted.entries);
	if (r == 0)
		r = check_entries(&wanted, err);
	if (r < 0)
		return r;
	*ret = wanted;
	return 0;
}

/* --- writing */

struct js *wanted_encode(const char *collector, enum report_role role, uint64_t generation,
			 struct js *take_entries)
{
	struct js *js = js_object();

	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "collector", js_string(collector));
	js_set(js, "role", js_string(report_role_word(role)));
	js_set(js, "generation", js_int((int64_t)generation));
	js_set(js, "entries", take_entries);
	return js;
}

static void set_list(struct js *js, const char *key, const struct js *list)
{
	js_set(js, key, list ? js_ref(list) : js_array());
}

static struct js *listener_encode(const struct wanted_listener *listener)
{
	struct js *js = js_object();

	js_set(js, "transport", js_string(listener->transport));
	js_set(js, "address", js_string(listener->address));
	if (listener->service && *listener->service)
		js_set(js, "service", js_string(listener->service));
	return js;
}

struct js *wanted_entry_encode(const struct wanted_entry *entry)
{
	struct js *js = js_object();

	js_set(js, "kind", js_string(kind_words[entry->kind]));
	js_set(js, "intent", js_string(entry->intent));
	js_set(js, "nqn", js_string(entry->nqn));
	js_set(js, "absent", js_bool(entry->absent));
	if (entry->force)
		js_set(js, "force", js_bool(true));
	if (entry->expires_ms)
		js_set(js, "expires", js_int(entry->expires_ms));
	if (entry->kind == WANTED_EXPORT) {
		js_set(js, "any_host", js_bool(entry->any_host));
		set_list(js, "devices", entry->devices);
		set_list(js, "hosts", entry->hosts);
		set_list(js, "listeners", entry->listeners);
	} else {
		js_set(js, "hostnqn", js_string(entry->hostnqn ? entry->hostnqn : ""));
	}
	if (entry->kind == WANTED_CONNECTION)
		js_set(js, "at", listener_encode(&entry->at));
	return js;
}

struct js *wanted_intent_encode(const struct wanted_entry *entry, const char *state,
				const char *error, const char *about)
{
	struct js *js = js_object();

	js_set(js, "state", js_string(state));
	if (*error)
		js_set(js, "error", js_string(error));
	if (*about)
		js_set(js, "about", js_string(about));
	js_set(js, "absent", js_bool(entry->absent));
	return js;
}
