/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/rf-conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/cfg.h"

void rf_conf_init(struct rf_conf *conf)
{
	*conf = (struct rf_conf){
		.enabled = true,
		.streams_max = 256,
		.subscriptions_max = 64,
		.page_members = 1000,
	};
}

/* "10.0.0.0/8" */
static bool is_network(const char *text)
{
	char address[RF_CONF_NETWORK_TEXT];
	const char *slash = strchr(text, '/');
	unsigned char bytes[16];
	uint64_t bits;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return false;
	snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (inet_pton(AF_INET, address, bytes) == 1)
		return str_parse_uint(slash + 1, 32, &bits) == 0;
	return inet_pton(AF_INET6, address, bytes) == 1 &&
	       str_parse_uint(slash + 1, 128, &bits) == 0;
}

static int take_networks(const struct cfg_item *list, struct rf_conf *conf, struct err *err)
{
	const struct cfg_item *item;
	size_t i;
	int r = cfg_need_list(list, err);

	if (r == 0 && cfg_length(list) > RF_CONF_NETWORKS_MAX)
		return cfg_error(list, err, -EINVAL, "more than %d networks", RF_CONF_NETWORKS_MAX);
	conf->n_networks = 0;
	for (i = 0; r == 0 && (item = cfg_at(list, i)); i++) {
		const char *text;

		r = cfg_text(item, &text, err);
		if (r < 0)
			return r;
		if (strlen(text) >= RF_CONF_NETWORK_TEXT || !is_network(text))
			return cfg_error(item, err, -EINVAL,
					 "\"%.80s\" is no network such as \"10.0.0.0/8\"", text);
		snprintf(conf->networks[conf->n_networks++], RF_CONF_NETWORK_TEXT, "%s", text);
	}
	return r;
}

static int take_number(const struct cfg_item *item, struct rf_conf *conf, struct err *err)
{
	const struct {
		const char *name;
		int64_t min, max;
		int64_t *at;
	} numbers[] = {
		{ "streams_max", 1, 4096, &conf->streams_max },
		{ "subscriptions_max", 1, 1024, &conf->subscriptions_max },
		{ "page_members", 10, 100000, &conf->page_members },
	};
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(cfg_name(item), numbers[i].name) == 0)
			return cfg_int(item, numbers[i].min, numbers[i].max, numbers[i].at, err);
	return cfg_error(item, err, -EINVAL,
			 "unknown key \"%s\": enabled, event_networks, streams_max, "
			 "subscriptions_max, page_members are there",
			 cfg_name(item));
}

int rf_conf_take(const struct cfg_item *group, struct rf_conf *conf, struct err *err)
{
	const struct cfg_item *item;
	size_t i;
	int r = cfg_need_group(group, err);

	for (i = 0; r == 0 && (item = cfg_at(group, i)); i++) {
		if (strcmp(cfg_name(item), "enabled") == 0)
			r = cfg_bool(item, &conf->enabled, err);
		else if (strcmp(cfg_name(item), "event_networks") == 0)
			r = take_networks(item, conf, err);
		else
			r = take_number(item, conf, err);
	}
	return r;
}
