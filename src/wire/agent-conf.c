/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/agent-conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/fs.h"
#include "base/str.h"

static int take_text(const struct cfg_item *item, char *ret, size_t size, struct err *err)
{
	const char *text;
	int r = cfg_text(item, &text, err);

	if (r < 0)
		return r;
	if (strlen(text) >= size || !str_is_printable(text))
		return cfg_error(item, err, -EINVAL, "%s is longer than %zu bytes or not plain",
				 cfg_name(item), size - 1);
	snprintf(ret, size, "%s", text);
	return 0;
}

static int take_path(const struct cfg_item *item, char *ret, struct err *err)
{
	int r = take_text(item, ret, AGENT_CONF_PATH_MAX, err);

	if (r == 0 && *ret && *ret != '/')
		return cfg_error(item, err, -EINVAL, "%s \"%s\" must begin with '/'",
				 cfg_name(item), ret);
	return r;
}

static int take_url(const struct cfg_item *item, char *ret, struct err *err)
{
	int r = take_text(item, ret, AGENT_CONF_PATH_MAX, err);

	if (r == 0 && *ret && strncmp(ret, "https://", 8) != 0 && strncmp(ret, "http://", 7) != 0)
		return cfg_error(item, err, -EINVAL,
				 "url \"%s\" must be like \"https://head:8443\"", ret);
	return r;
}

static int take_number(const struct cfg_item *item, unsigned int min, unsigned int max,
		       unsigned int *ret, struct err *err)
{
	int64_t value;
	int r = cfg_int(item, min, max, &value, err);

	if (r == 0)
		*ret = (unsigned int)value;
	return r;
}

static int take(const struct cfg_item *item, struct agent_conf *io, struct err *err)
{
	const char *key = cfg_name(item);

	if (strcmp(key, "url") == 0)
		return take_url(item, io->url, err);
	if (strcmp(key, "token_file") == 0)
		return take_path(item, io->token_file, err);
	if (strcmp(key, "ca_file") == 0)
		return take_path(item, io->ca_file, err);
	if (strcmp(key, "certificate_file") == 0)
		return take_path(item, io->certificate_file, err);
	if (strcmp(key, "key_file") == 0)
		return take_path(item, io->key_file, err);
	if (strcmp(key, "name") == 0)
		return take_text(item, io->name, sizeof(io->name), err);
	if (strcmp(key, "interval_seconds") == 0)
		return take_number(item, 1, 3600, &io->interval_seconds, err);
	if (strcmp(key, "spool_mebibytes") == 0)
		return take_number(item, 1, 4096, &io->spool_mebibytes, err);
	return cfg_error(item, err, -EINVAL,
			 "unknown key \"%s\": in collector there are url, token_file, ca_file, "
			 "certificate_file, key_file, name, interval_seconds, spool_mebibytes",
			 key);
}

int agent_conf_take(const struct cfg_item *group, struct agent_conf *io, struct err *err)
{
	struct agent_conf conf = *io;
	const struct cfg_item *item;
	size_t i;
	int r = cfg_need_group(group, err);

	for (i = 0; r == 0 && (item = cfg_at(group, i)); i++)
		r = take(item, &conf, err);
	if (r < 0)
		return r;
	if (!*conf.certificate_file != !*conf.key_file)
		return cfg_error(group, err, -EINVAL,
				 "certificate_file and key_file belong together");
	*io = conf;
	return 0;
}

bool agent_conf_equal(const struct agent_conf *a, const struct agent_conf *b)
{
	return strcmp(a->url, b->url) == 0 && strcmp(a->token_file, b->token_file) == 0 &&
	       strcmp(a->ca_file, b->ca_file) == 0 &&
	       strcmp(a->certificate_file, b->certificate_file) == 0 &&
	       strcmp(a->key_file, b->key_file) == 0 && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->node, b->node) == 0 && a->interval_seconds == b->interval_seconds &&
	       a->spool_mebibytes == b->spool_mebibytes;
}

int agent_conf_identify(int etc_fd, struct agent_conf *io, struct err *err)
{
	struct utsname name;
	char id[REPORT_NODE_MAX + 1];
	ssize_t length = *io->node ? 0 : fs_read_at(etc_fd, "machine-id", id, sizeof(id));

	if (length < 0 || (!*io->node && !*id))
		return err_set(err, -ENOENT,
			       "there is no /etc/machine-id, by which the collector knows this "
			       "host: make one with systemd-machine-id-setup");
	if (!*io->node)
		memcpy(io->node, id, (size_t)length + 1);
	if (!*io->name && uname(&name) == 0)
		snprintf(io->name, sizeof(io->name), "%s", name.nodename);
	return 0;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

void agent_conf_fill(const struct agent_conf *conf, struct agent_config *ret)
{
	ret->url = or_null(conf->url);
	ret->token_file = or_null(conf->token_file);
	ret->ca_file = or_null(conf->ca_file);
	ret->certificate_file = or_null(conf->certificate_file);
	ret->key_file = or_null(conf->key_file);
	ret->node = conf->node;
	ret->name = conf->name;
	ret->interval_ms = (int64_t)conf->interval_seconds * 1000;
	ret->spool_bytes = (size_t)conf->spool_mebibytes << 20;
}
