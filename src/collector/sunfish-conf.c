/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/sunfish-conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cfg.h"
#include "nvmf/addr.h"

void sunfish_conf_init(struct sunfish_conf *conf)
{
	*conf = (struct sunfish_conf){
		.port = SUNFISH_CONF_PORT,
		.heartbeat_seconds = 30,
		.marker_port = true,
	};
}

static int take_text(const struct cfg_item *item, char *at, size_t size, struct err *err)
{
	const char *text;
	int r = cfg_text(item, &text, err);

	if (r < 0)
		return r;
	if (strlen(text) >= size)
		return cfg_error(item, err, -EINVAL, "%s is longer than %zu bytes", cfg_name(item),
				 size - 1);
	snprintf(at, size, "%s", text);
	return 0;
}

/* What is put before paths: without a slash at its end. */
static int take_url(const struct cfg_item *item, char *at, struct err *err)
{
	const char *rest;
	size_t length;
	int r = take_text(item, at, SUNFISH_CONF_TEXT, err);

	if (r < 0 || !*at)
		return r;
	for (length = strlen(at); length && at[length - 1] == '/'; length--)
		at[length - 1] = '\0';
	rest = strstr(at, "://");
	if ((strncmp(at, "http://", 7) != 0 && strncmp(at, "https://", 8) != 0) || !rest[3] ||
	    at[strcspn(at, " \"\\\t\n?#")] || strchr(rest + 3, '/'))
		return cfg_error(
			item, err, -EINVAL,
			"%s must be a URL without a path, such as \"http://10.0.0.1:5000\"",
			cfg_name(item));
	return 0;
}

static int take_name(const struct cfg_item *item, struct sunfish_conf *conf, struct err *err)
{
	static const char legal[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:";
	int r = take_text(item, conf->name, sizeof(conf->name), err);

	if (r == 0 && (conf->name[strspn(conf->name, legal)] || conf->name[0] == '.'))
		r = cfg_error(item, err, -EINVAL,
			      "agent may have letters, digits, \"-\", \"_\", \".\" and \":\" only");
	return r;
}

/* One address, and a port: it is not served everywhere. */
static int take_listen(const struct cfg_item *item, struct sunfish_conf *conf, struct err *err)
{
	struct addr addr;
	const char *text;
	int r = cfg_text(item, &text, err);

	if (r < 0)
		return r;
	r = addr_parse(text, "8080", &addr, err);
	if (r == 0 && (addr.family == ADDR_NAME || strlen(addr.host) >= SUNFISH_CONF_ADDRESS ||
		       strcmp(addr.host, "0.0.0.0") == 0 || strcmp(addr.host, "::") == 0))
		r = err_set(err, -EINVAL, "\"%s\" must be one numeric address of this host", text);
	if (r < 0) {
		cfg_prefix(item, err);
		return -EINVAL;
	}
	snprintf(conf->address, sizeof(conf->address), "%.63s", addr.host);
	conf->port = strtol(addr.port, NULL, 10);
	return 0;
}

static int take_allow(const struct cfg_item *list, struct sunfish_conf *conf, struct err *err)
{
	const struct cfg_item *item;
	size_t i;
	int r = cfg_need_list(list, err);

	if (r == 0 && cfg_length(list) > SUNFISH_CONF_ALLOW_MAX)
		return cfg_error(list, err, -EINVAL, "more than %d addresses",
				 SUNFISH_CONF_ALLOW_MAX);
	conf->n_allow = 0;
	for (i = 0; r == 0 && (item = cfg_at(list, i)); i++) {
		struct addr addr;
		const char *text;

		r = cfg_text(item, &text, err);
		if (r < 0)
			return r;
		r = addr_parse_host(text, &addr, err);
		if (r == 0 &&
		    (addr.family == ADDR_NAME || strlen(addr.host) >= SUNFISH_CONF_ADDRESS))
			r = err_set(err, -EINVAL, "\"%s\" is no numeric address", text);
		if (r < 0) {
			cfg_prefix(item, err);
			return -EINVAL;
		}
		snprintf(conf->allow[conf->n_allow++], SUNFISH_CONF_ADDRESS, "%.63s", addr.host);
	}
	return r;
}

static int take_member(const struct cfg_item *item, struct sunfish_conf *conf, struct err *err)
{
	const char *name = cfg_name(item);

	if (strcmp(name, "server") == 0)
		return take_url(item, conf->server, err);
	if (strcmp(name, "url") == 0)
		return take_url(item, conf->url, err);
	if (strcmp(name, "ca") == 0)
		return take_text(item, conf->ca, sizeof(conf->ca), err);
	if (strcmp(name, "listen") == 0)
		return take_listen(item, conf, err);
	if (strcmp(name, "allow") == 0)
		return take_allow(item, conf, err);
	if (strcmp(name, "agent") == 0)
		return take_name(item, conf, err);
	if (strcmp(name, "heartbeat_seconds") == 0)
		return cfg_int(item, 1, 3600, &conf->heartbeat_seconds, err);
	if (strcmp(name, "marker_port") == 0)
		return cfg_bool(item, &conf->marker_port, err);
	return cfg_error(item, err, -EINVAL,
			 "unknown key \"%s\": server, ca, listen, allow, url, agent, "
			 "heartbeat_seconds, marker_port are there",
			 name);
}

static void make_url(struct sunfish_conf *conf)
{
	char port[8];
	char text[ADDR_TEXT_MAX];

	snprintf(port, sizeof(port), "%d", (int)conf->port);
	snprintf(conf->url, sizeof(conf->url), "http://%.*s", (int)sizeof(conf->url) - 8,
		 addr_format_parts(conf->address, port, text));
}

int sunfish_conf_take(const struct cfg_item *group, struct sunfish_conf *conf, struct err *err)
{
	const struct cfg_item *item;
	size_t i;
	int r = cfg_need_group(group, err);

	for (i = 0; r == 0 && (item = cfg_at(group, i)); i++)
		r = take_member(item, conf, err);
	if (r < 0 || !*conf->server)
		return r;
	if (!*conf->address)
		return cfg_error(group, err, -EINVAL,
				 "with a server, listen is needed: the address at which it asks");
	if (!conf->n_allow)
		return cfg_error(group, err, -EINVAL,
				 "with a server, allow is needed: the addresses that it asks from");
	if (!*conf->url)
		make_url(conf);
	return 0;
}

bool sunfish_conf_allows(const struct sunfish_conf *conf, const char *address)
{
	static const char mapped[] = "::ffff:";
	size_t i;

	if (strncmp(address, mapped, strlen(mapped)) == 0)
		address += strlen(mapped);
	for (i = 0; i < conf->n_allow; i++)
		if (strcmp(conf->allow[i], address) == 0)
			return true;
	return false;
}
