/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/ddc-conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "collector/zone-own.h"
#include "core/cfg.h"
#include "nvmf/addr.h"
#include "nvmf/nqn.h"
#include "nvmf/nvme-spec.h"

#define FILE_MAX (1u << 20)
#define NAMED_MAX 20000

void ddc_conf_init(struct ddc_conf *conf)
{
	*conf = (struct ddc_conf){
		.keep_alive_seconds = 120,
		.timeout_seconds = 10,
		.start_per_second = 2000,
		.records_max = 16384,
		.controllers_max = 20000,
		.referral_depth = 3,
		.follow_reports = true,
		.registrations_max = 20000,
		.registrations_per_host = 16,
		.registration_seconds = 3600,
	};
}

static void free_one(struct ddc_conf_one *one)
{
	free(one->name);
	free(one->transport);
	free(one->address);
	free(one->service);
	free(one->tenant);
	free(one->nqn);
	free(one->key_file);
	free(one->controller_key_file);
}

void ddc_conf_deinit(struct ddc_conf *conf)
{
	while (conf->count)
		free_one(&conf->items[--conf->count]);
	free(conf->items);
	free(conf->hostnqn);
	*conf = (struct ddc_conf){ 0 };
}

/* --- one */

static int take_text(const struct cfg_item *item, char **at, struct err *err)
{
	const char *text;
	char *copy;
	int r = cfg_text(item, &text, err);

	if (r < 0)
		return r;
	copy = strdup(text);
	if (!copy)
		return err_nomem(err);
	free(*at);
	*at = copy;
	return 0;
}

/* A port may be written as a number, too. */
static int take_port(const struct cfg_item *item, char **at, struct err *err)
{
	char text[24];
	int64_t number;
	int r;

	if (cfg_type(item) != CFG_INT)
		return take_text(item, at, err);
	r = cfg_int(item, 1, 65535, &number, err);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%d", (int)number);
	free(*at);
	*at = strdup(text);
	return *at ? 0 : err_nomem(err);
}

static int take_member(struct ddc_conf_one *one, const struct cfg_item *item, struct err *err)
{
	const char *name = cfg_name(item);

	if (strcmp(name, "name") == 0)
		return take_text(item, &one->name, err);
	if (strcmp(name, "transport") == 0)
		return take_text(item, &one->transport, err);
	if (strcmp(name, "address") == 0)
		return take_text(item, &one->address, err);
	if (strcmp(name, "port") == 0)
		return take_port(item, &one->service, err);
	if (strcmp(name, "tenant") == 0)
		return take_text(item, &one->tenant, err);
	if (strcmp(name, "nqn") == 0)
		return take_text(item, &one->nqn, err);
	if (strcmp(name, "key_file") == 0)
		return take_text(item, &one->key_file, err);
	if (strcmp(name, "controller_key_file") == 0)
		return take_text(item, &one->controller_key_file, err);
	if (strcmp(name, "poll_seconds") == 0)
		return cfg_int(item, 0, 86400, &one->poll_seconds, err);
	return cfg_error(item, err, -EINVAL,
			 "unknown key \"%s\": name, transport, address, port, tenant, nqn, "
			 "key_file, controller_key_file, poll_seconds are there",
			 name);
}

static int check_one(struct ddc_conf_one *one, struct err *err)
{
	struct addr addr;
	int r;

	if (one->transport && strcmp(one->transport, "tcp") != 0)
		return err_set(
			err, -EINVAL,
			"transport \"%s\": the collector asks over tcp; what is at an RDMA or "
			"FC port is known from the target's daemon",
			one->transport);
	if (!one->address)
		return err_set(err, -EINVAL, "a controller needs an address");
	r = addr_parse_host(one->address, &addr, err);
	if (r == 0 && addr.family == ADDR_NAME)
		return err_set(err, -EINVAL, "address \"%s\" must be numeric", one->address);
	if (r == 0)
		r = addr_parse_port(one->service ? one->service : NVME_TCP_DISCOVERY_PORT,
				    addr.port, err);
	if (r == 0 && one->tenant)
		r = zone_check_word("tenant", one->tenant, err);
	if (r == 0 && ((one->key_file && *one->key_file != '/') ||
		       (one->controller_key_file && *one->controller_key_file != '/')))
		r = err_set(err, -EINVAL, "the path of a key file must be absolute");
	if (r == 0 && one->controller_key_file && !one->key_file)
		r = err_set(err, -EINVAL,
			    "controller_key_file needs key_file: who wants proof must give it");
	if (r == 0 && one->nqn)
		r = nqn_check(one->nqn, err);
	if (r < 0)
		return -EINVAL;
	free(one->address);
	free(one->service);
	free(one->transport);
	one->address = strdup(addr.host);
	one->service = strdup(addr.port);
	one->transport = strdup("tcp");
	if (!one->name)
		one->name = strdup(addr.host);
	return one->address && one->service && one->transport && one->name ? 0 : err_nomem(err);
}

static int check_other(const struct ddc_conf *conf, const struct ddc_conf_one *one, struct err *err)
{
	size_t i;

	for (i = 0; i < conf->count; i++) {
		const struct ddc_conf_one *other = &conf->items[i];

		if (other != one && strcmp(other->address, one->address) == 0 &&
		    strcmp(other->service, one->service) == 0)
			return err_set(err, -EINVAL, "%s and %s are both %s port %s", other->name,
				       one->name, one->address, one->service);
	}
	return 0;
}

static int take_one(const struct cfg_item *group, struct ddc_conf *conf, struct err *err)
{
	struct ddc_conf_one *one;
	const struct cfg_item *item;
	size_t i;
	int r = cfg_need_group(group, err);

	if (r < 0)
		return r;
	one = &conf->items[conf->count];
	*one = (struct ddc_conf_one){ 0 };
	for (i = 0; r == 0 && (item = cfg_at(group, i)); i++)
		r = take_member(one, item, err);
	if (r == 0) {
		r = check_one(one, err);
		if (r == 0)
			r = check_other(conf, one, err);
		if (r < 0)
			cfg_prefix(group, err);
	}
	if (r < 0)
		free_one(one);
	else
		conf->count++;
	return r;
}

static int take_list(const struct cfg_item *list, struct ddc_conf *conf, struct err *err)
{
	size_t n = cfg_length(list);
	size_t i;
	int r = cfg_need_list(list, err);

	if (r < 0)
		return r;
	if (n > NAMED_MAX)
		return cfg_error(list, err, -EINVAL, "more than %d controllers", NAMED_MAX);
	conf->items = calloc(n ? n : 1, sizeof(*conf->items));
	if (!conf->items)
		return err_nomem(err);
	for (i = 0; r == 0 && i < n; i++)
		r = take_one(cfg_at(list, i), conf, err);
	return r;
}

/* --- the group */

static int take_hostnqn(const struct cfg_item *item, struct ddc_conf *conf, struct err *err)
{
	int r = take_text(item, &conf->hostnqn, err);

	if (r < 0 || nqn_check_host(conf->hostnqn, err) == 0)
		return r;
	cfg_prefix(item, err);
	return -EINVAL;
}

static int take_registrations(const struct cfg_item *item, struct ddc_conf *conf, struct err *err)
{
	static const char *const words[] = { "off", "known", "open" };
	const char *text;
	size_t i;
	int r = cfg_text(item, &text, err);

	if (r < 0)
		return r;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(text, words[i]) != 0)
			continue;
		conf->registrations = (enum ddc_register)i;
		return 0;
	}
	return cfg_error(item, err, -EINVAL,
			 "registrations = \"%s\": \"off\", \"known\" and \"open\" are there", text);
}

static int take_number(const struct cfg_item *item, struct ddc_conf *conf, struct err *err)
{
	const struct {
		const char *name;
		int64_t min, max;
		int64_t *at;
	} numbers[] = {
		{ "keep_alive_seconds", 1, 3600, &conf->keep_alive_seconds },
		{ "timeout_seconds", 1, 300, &conf->timeout_seconds },
		{ "start_per_second", 1, 100000, &conf->start_per_second },
		{ "records_max", 1, 65536, &conf->records_max },
		{ "controllers_max", 1, 100000, &conf->controllers_max },
		{ "referral_depth", 0, 16, &conf->referral_depth },
		{ "registrations_max", 1, 1000000, &conf->registrations_max },
		{ "registrations_per_host", 1, 4096, &conf->registrations_per_host },
		{ "registration_seconds", 1, 31536000, &conf->registration_seconds },
	};
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(cfg_name(item), numbers[i].name) == 0)
			return cfg_int(item, numbers[i].min, numbers[i].max, numbers[i].at, err);
	return cfg_error(item, err, -EINVAL,
			 "unknown key \"%s\": sunfish-collector.conf(5) has those there are",
			 cfg_name(item));
}

int ddc_conf_take(const struct cfg_item *group, struct ddc_conf *conf, struct err *err)
{
	const struct cfg_item *item;
	size_t i;
	int r = cfg_need_group(group, err);

	for (i = 0; r == 0 && (item = cfg_at(group, i)); i++) {
		if (strcmp(cfg_name(item), "controllers") == 0)
			r = take_list(item, conf, err);
		else if (strcmp(cfg_name(item), "hostnqn") == 0)
			r = take_hostnqn(item, conf, err);
		else if (strcmp(cfg_name(item), "follow_reports") == 0)
			r = cfg_bool(item, &conf->follow_reports, err);
		else if (strcmp(cfg_name(item), "registrations") == 0)
			r = take_registrations(item, conf, err);
		else
			r = take_number(item, conf, err);
	}
	return r;
}

int ddc_conf_load(const char *path, struct ddc_conf *conf, struct err *err)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_CFG struct cfg *cfg = NULL;
	const struct cfg_item *group;
	size_t length;
	int r = fs_read_file(AT_FDCWD, path, FILE_MAX, &text, &length);

	if (r < 0)
		return err_set(err, r, "%s: %s", path, strerror(-r));
	r = cfg_parse(text, length, path, &cfg, err);
	if (r < 0)
		return r;
	group = cfg_find(cfg_root(cfg), "discovery");
	return group ? ddc_conf_take(group, conf, err) : 0;
}
