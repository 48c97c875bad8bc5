/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "core/cfg.h"

#define FILE_MAX (4U << 20)
#define HOUR_MS 3600000

/* --- tuning */

struct tuning_key {
	const char *name;
	int min;
	int max;
	bool is_bool;
};

/* In the order of struct host_tuning, which has ints only. */
static const struct tuning_key tuning_keys[] = {
	{ "ctrl_loss_tmo", -1, 86400 * 365, false },
	{ "reconnect_delay", 1, 86400, false },
	{ "fast_io_fail_tmo", -1, 86400 * 365, false },
	{ "keep_alive_tmo", 1, 86400, false },
	{ "nr_io_queues", 1, 65535, false },
	{ "nr_write_queues", 1, 65535, false },
	{ "nr_poll_queues", 1, 65535, false },
	{ "queue_size", 16, 65535, false },
	{ "tos", 0, 255, false },
	{ "hdr_digest", 0, 1, true },
	{ "data_digest", 0, 1, true },
	{ "tls", 0, 1, true },
};

#define TUNING_KEYS (sizeof(tuning_keys) / sizeof(tuning_keys[0]))
_Static_assert(sizeof(struct host_tuning) == TUNING_KEYS * sizeof(int), "one key for each");

const char *conf_tuning_name(size_t index)
{
	return index < TUNING_KEYS ? tuning_keys[index].name : NULL;
}

int *conf_tuning_at(struct host_tuning *tuning, size_t index)
{
	return &tuning->ctrl_loss_tmo + index;
}

int conf_tuning_check(size_t index, int64_t value, struct err *err)
{
	const struct tuning_key *key = &tuning_keys[index];

	if (value < key->min || value > key->max)
		return err_set(err, -EINVAL, "%s is %lld, but must be from %d to %d", key->name,
			       (long long)value, key->min, key->max);
	return 0;
}

/* Returns: 1 taken; 0 it is no key of tuning; negative. */
static int take_tuning(const struct cfg_item *item, struct host_tuning *tuning, struct err *err)
{
	int64_t value;
	bool on;
	size_t i;
	int r;

	for (i = 0; i < TUNING_KEYS; i++)
		if (strcmp(cfg_name(item), tuning_keys[i].name) == 0)
			break;
	if (i == TUNING_KEYS)
		return 0;
	if (tuning_keys[i].is_bool) {
		r = cfg_bool(item, &on, err);
		value = on;
	} else {
		r = cfg_int(item, tuning_keys[i].min, tuning_keys[i].max, &value, err);
	}
	if (r < 0)
		return r;
	*conf_tuning_at(tuning, i) = (int)value;
	return 1;
}

static int take_defaults(const struct cfg_item *group, struct host_tuning *tuning, struct err *err)
{
	const struct cfg_item *item;
	size_t i;
	int r = cfg_need_group(group, err);

	for (i = 0; r >= 0 && (item = cfg_at(group, i)); i++) {
		r = take_tuning(item, tuning, err);
		if (r == 0)
			return cfg_error(item, err, -EINVAL,
					 "unknown key \"%s\": in defaults there are ctrl_loss_tmo, "
					 "reconnect_delay, fast_io_fail_tmo, keep_alive_tmo, "
					 "nr_io_queues, nr_write_queues, nr_poll_queues, "
					 "queue_size, tos, hdr_digest, data_digest, tls",
					 cfg_name(item));
	}
	return r < 0 ? r : 0;
}

/* --- a connection */

struct parts {
	struct tid_parts tid;
	const char *key_file;
	const char *controller_key_file;
};

static const char **part_of(struct parts *parts, const char *key)
{
	struct {
		const char *key;
		const char **at;
	} known[] = {
		{ "transport", &parts->tid.transport },
		{ "address", &parts->tid.traddr },
		{ "service", &parts->tid.trsvcid },
		{ "nqn", &parts->tid.nqn },
		{ "hostnqn", &parts->tid.hostnqn },
		{ "host_address", &parts->tid.host_traddr },
		{ "host_interface", &parts->tid.host_iface },
		{ "key_file", &parts->key_file },
		{ "controller_key_file", &parts->controller_key_file },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(key, known[i].key) == 0)
			return known[i].at;
	return NULL;
}

static int set_path(const struct cfg_item *item, const char *name, const char *path,
		    char ret[CONF_PATH_MAX], struct err *err)
{
	if (!path || !*path)
		return 0;
	if (*path != '/' || strlen(path) >= CONF_PATH_MAX || !str_is_printable(path))
		return cfg_error(item, err, -EINVAL,
				 "%s \"%s\" must begin with '/' and be shorter than %d bytes", name,
				 path, CONF_PATH_MAX);
	snprintf(ret, CONF_PATH_MAX, "%s", path);
	return 0;
}

static int take_member(const struct cfg_item *item, struct parts *parts, struct host_tuning *tuning,
		       struct err *err)
{
	const char **at = part_of(parts, cfg_name(item));
	int r = at ? cfg_text(item, at, err) : take_tuning(item, tuning, err);

	if (!at && r == 0)
		return cfg_error(item, err, -EINVAL,
				 "unknown key \"%s\": a connection has transport, address, "
				 "service, nqn, hostnqn, host_address, host_interface, key_file, "
				 "controller_key_file and the keys of defaults",
				 cfg_name(item));
	return r < 0 ? r : 0;
}

static int take_group(const struct cfg_item *item, struct conf_connection *ret, struct err *err)
{
	struct parts parts = { .key_file = NULL };
	const struct cfg_item *member;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && (member = cfg_at(item, i)); i++)
		r = take_member(member, &parts, &ret->tuning, err);
	if (r < 0)
		return r;
	r = tid_make(&parts.tid, &ret->tid, err);
	if (r < 0) {
		cfg_prefix(item, err);
		return r;
	}
	r = set_path(item, "key_file", parts.key_file, ret->key_file, err);
	if (r == 0)
		r = set_path(item, "controller_key_file", parts.controller_key_file,
			     ret->controller_key_file, err);
	if (r == 0 && *ret->controller_key_file && !*ret->key_file)
		return cfg_error(item, err, -EINVAL,
				 "controller_key_file needs a key_file of this host, too");
	return r;
}

/* As a group or as the text of tid.h. */
static int take_connection(const struct cfg_item *item, struct conf_connection *ret,
			   struct err *err)
{
	struct conf_connection connection = CONF_CONNECTION_NULL;
	const char *text;
	int r;

	if (cfg_type(item) == CFG_TEXT) {
		r = cfg_text(item, &text, err);
		if (r == 0)
			r = tid_parse(text, &connection.tid, err);
		if (r < 0)
			cfg_prefix(item, err);
	} else {
		r = cfg_need_group(item, err);
		if (r == 0)
			r = take_group(item, &connection, err);
	}
	if (r == 0)
		*ret = connection;
	return r < 0 ? -EINVAL : 0;
}

static int check_twice(const struct conf *conf, const struct cfg_item *item, const struct tid *tid,
		       struct err *err)
{
	char text[TID_TEXT_MAX];
	size_t i;

	for (i = 0; i < conf->n_connections; i++)
		if (tid_equal(&conf->connections[i].tid, tid))
			return cfg_error(item, err, -EINVAL, "%s stands here twice",
					 tid_format(tid, text));
	return 0;
}

static int take_connections(const struct cfg_item *list, struct conf *conf, struct err *err)
{
	const struct cfg_item *item;
	size_t count = cfg_length(list);
	size_t i;
	int r = cfg_need_list(list, err);

	if (r < 0)
		return r;
	if (count > CONF_CONNECTIONS_MAX)
		return cfg_error(list, err, -EINVAL, "at most %d connections",
				 CONF_CONNECTIONS_MAX);
	conf->connections = calloc(count ? count : 1, sizeof(*conf->connections));
	if (!conf->connections)
		return err_nomem(err);
	for (i = 0; r == 0 && (item = cfg_at(list, i)); i++) {
		struct conf_connection *connection = &conf->connections[i];

		r = take_connection(item, connection, err);
		if (r == 0)
			r = check_twice(conf, item, &connection->tid, err);
		conf->n_connections = i + 1;
	}
	return r;
}

/* --- the whole file */

static int take_number(const struct cfg_item *item, unsigned int min, unsigned int max,
		       unsigned int *ret, struct err *err)
{
	int64_t value;
	int r = cfg_int(item, min, max, &value, err);

	if (r == 0)
		*ret = (unsigned int)value;
	return r;
}

static int take_hostnqn(const struct cfg_item *item, struct conf *conf, struct err *err)
{
	const char *text;
	int r = cfg_text(item, &text, err);

	if (r < 0 || !*text)
		return r;
	r = nqn_check_host(text, err);
	if (r < 0)
		cfg_prefix(item, err);
	else
		snprintf(conf->hostnqn, sizeof(conf->hostnqn), "%s", text);
	return r < 0 ? -EINVAL : 0;
}

static int take_hostid(const struct cfg_item *item, struct conf *conf, struct err *err)
{
	const char *text;
	int r = cfg_text(item, &text, err);

	if (r < 0 || !*text)
		return r;
	if (strlen(text) != HOST_ID_MAX - 1 ||
	    strspn(text, "0123456789abcdefABCDEF-") != HOST_ID_MAX - 1)
		return cfg_error(item, err, -EINVAL, "hostid is \"%s\", but must be a UUID", text);
	memcpy(conf->hostid, text, HOST_ID_MAX);
	return 0;
}

static int take(struct conf *conf, const struct cfg_item *item, struct err *err)
{
	const char *key = cfg_name(item);

	if (strcmp(key, "connections") == 0)
		return take_connections(item, conf, err);
	if (strcmp(key, "defaults") == 0)
		return take_defaults(item, &conf->defaults, err);
	if (strcmp(key, "collector") == 0)
		return agent_conf_take(item, &conf->collector, err);
	if (strcmp(key, "hostnqn") == 0)
		return take_hostnqn(item, conf, err);
	if (strcmp(key, "hostid") == 0)
		return take_hostid(item, conf, err);
	if (strcmp(key, "sample_ms") == 0)
		return take_number(item, 0, HOUR_MS, &conf->sample_ms, err);
	if (strcmp(key, "probe_ms") == 0)
		return take_number(item, 10, HOUR_MS, &conf->probe_ms, err);
	if (strcmp(key, "connect_ms") == 0)
		return take_number(item, 100, HOUR_MS, &conf->connect_ms, err);
	if (strcmp(key, "retry_min_ms") == 0)
		return take_number(item, 10, HOUR_MS, &conf->retry_min_ms, err);
	if (strcmp(key, "retry_max_ms") == 0)
		return take_number(item, 10, HOUR_MS, &conf->retry_max_ms, err);
	if (strcmp(key, "refused_ms") == 0)
		return take_number(item, 10, HOUR_MS, &conf->refused_ms, err);
	return cfg_error(item, err, -EINVAL,
			 "unknown key \"%s\": there are connections, defaults, collector, hostnqn, "
			 "hostid, sample_ms, probe_ms, connect_ms, retry_min_ms, retry_max_ms, "
			 "refused_ms",
			 key);
}

static void set_defaults(struct conf *conf)
{
	*conf = (struct conf){
		.defaults = HOST_TUNING_NULL,
		.sample_ms = 1000,
		.probe_ms = 3000,
		.connect_ms = 30000,
		.retry_min_ms = 1000,
		.retry_max_ms = 60000,
		.refused_ms = 30000,
		.collector = AGENT_CONF_DEFAULT,
	};
}

static int check_all(const struct cfg *cfg, struct conf *conf, struct err *err)
{
	const struct cfg_item *root = cfg_root(cfg);
	const struct cfg_item *item = cfg_find(root, "retry_max_ms");
	size_t i;

	if (conf->retry_max_ms < conf->retry_min_ms)
		return cfg_error(item ? item : root, err, -EINVAL,
				 "retry_max_ms is %u, less than retry_min_ms, which is %u",
				 conf->retry_max_ms, conf->retry_min_ms);
	item = cfg_find(root, "hostid");
	if (*conf->hostid && !*conf->hostnqn)
		return cfg_error(item ? item : root, err, -EINVAL,
				 "hostid needs a hostnqn: the kernel wants one for each");
	for (i = 0; i < conf->n_connections; i++)
		host_tuning_default(&conf->connections[i].tuning, &conf->defaults);
	return 0;
}

int conf_parse(const char *text, size_t length, const char *origin, struct conf *ret,
	       struct err *err)
{
	CLEANUP_CFG struct cfg *cfg = NULL;
	CLEANUP_CONF struct conf conf = CONF_NULL;
	const struct cfg_item *item;
	size_t i;
	int r = cfg_parse(text, length, origin, &cfg, err);

	set_defaults(&conf);
	for (i = 0; r == 0 && (item = cfg_at(cfg_root(cfg), i)); i++)
		r = take(&conf, item, err);
	if (r == 0)
		r = check_all(cfg, &conf, err);
	if (r < 0)
		return r;
	*ret = conf;
	conf = CONF_NULL;
	return 0;
}

int conf_load(int dirfd, const char *path, struct conf *ret, struct err *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	int r = fs_read_file(dirfd, path, FILE_MAX, &text, &length);

	if (r == -ENOENT) {
		set_defaults(ret);
		return 0;
	}
	if (r < 0)
		return err_set(err, r, "%s: %s", path, strerror(-r));
	return conf_parse(text, length, path, ret, err);
}

void conf_deinit(struct conf *conf)
{
	free(conf->connections);
	conf->connections = NULL;
	conf->n_connections = 0;
}

/* --- one connection as a file */

/* Names are printable; libconfig takes '"' and '\' escaped. */
static void put_text(struct str *text, const char *key, const char *value)
{
	if (!*value)
		return;
	str_addf(text, "\t%s = \"", key);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			str_add(text, "\\");
		str_add_n(text, value, 1);
	}
	str_add(text, "\";\n");
}

static void put_tuning(struct str *text, struct host_tuning tuning)
{
	size_t i;

	for (i = 0; i < TUNING_KEYS; i++) {
		int value = *conf_tuning_at(&tuning, i);

		if (value == HOST_UNSET)
			continue;
		if (tuning_keys[i].is_bool)
			str_addf(text, "\t%s = %s;\n", tuning_keys[i].name,
				 value ? "true" : "false");
		else
			str_addf(text, "\t%s = %d;\n", tuning_keys[i].name, value);
	}
}

void conf_connection_format(const struct conf_connection *connection, struct str *text)
{
	const struct tid *tid = &connection->tid;

	str_add(text, "connection = {\n");
	put_text(text, "transport", tid->transport);
	put_text(text, "address", tid->traddr);
	put_text(text, "service", tid->trsvcid);
	put_text(text, "nqn", tid->nqn);
	put_text(text, "hostnqn", tid->hostnqn);
	put_text(text, "host_address", tid->host_traddr);
	put_text(text, "host_interface", tid->host_iface);
	put_text(text, "key_file", connection->key_file);
	put_text(text, "controller_key_file", connection->controller_key_file);
	put_tuning(text, connection->tuning);
	str_add(text, "};\n");
}

int conf_connection_parse(const char *text, size_t length, const char *origin,
			  struct conf_connection *ret, struct err *err)
{
	CLEANUP_CFG struct cfg *cfg = NULL;
	const struct cfg_item *item;
	int r = cfg_parse(text, length, origin, &cfg, err);

	if (r < 0)
		return r;
	item = cfg_find(cfg_root(cfg), "connection");
	if (!item || cfg_length(cfg_root(cfg)) != 1)
		return cfg_error(cfg_root(cfg), err, -EINVAL,
				 "one connection = { .. }; is to stand here");
	return take_connection(item, ret, err);
}
