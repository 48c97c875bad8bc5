/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/setup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "collector/ddc-conf.h"
#include "core/cfg.h"
#include "nvmf/addr.h"
#include "nvmf/nvme-spec.h"

#define FILE_MAX (1u << 20)

void setup_init(struct setup *setup, const char *state_dir)
{
	*setup = (struct setup){
		.address = "127.0.0.1",
		.port = 8443,
		.events_keep = 1000000,
		.nodes_max = 20000,
		.objects_max = 16384,
		.object_bytes_max = 16u << 20,
		.report_bytes_max = 16u << 20,
		.connections_max = 32768,
		.lease_min_seconds = 3,
		.lease_max_seconds = 3600,
		.cdc_cntlid_first = 1,
		.cdc_cntlid_last = NVME_CNTLID_MAX,
	};
	snprintf(setup->state_dir, sizeof(setup->state_dir), "%s", state_dir);
	rf_conf_init(&setup->redfish);
	sunfish_conf_init(&setup->sunfish);
}

/* --- keys */

#define TEXT(name)                                                                                 \
	{                                                                                          \
#name, offsetof(struct setup, name), sizeof(((struct setup *)0)->name)             \
	}
#define NUMBER(name, min, max)                                                                     \
	{                                                                                          \
#name, offsetof(struct setup, name), min, max                                      \
	}

static const struct text_key {
	const char *name;
	size_t offset;
	size_t size;
} text_keys[] = {
	TEXT(address), TEXT(certificate), TEXT(key), TEXT(client_ca), TEXT(state_dir),
};

static const struct number_key {
	const char *name;
	size_t offset;
	int64_t min;
	int64_t max;
} number_keys[] = {
	NUMBER(port, 0, 65535),
	NUMBER(events_keep, 1000, 1000000000),
	NUMBER(events_days, 0, 36500),
	NUMBER(store_mbytes, 0, 1000000000),
	NUMBER(nodes_max, 1, 1000000),
	NUMBER(objects_max, 1, 65536),
	NUMBER(object_bytes_max, 1024, 1 << 30),
	NUMBER(report_bytes_max, 1024, 16 << 20),
	NUMBER(connections_max, 4, 1000000),
	NUMBER(lease_min_seconds, 1, 86400),
	NUMBER(lease_max_seconds, 1, 86400),
};

static int take_text(struct setup *setup, const struct cfg_item *item, const struct text_key *key,
		     struct err *err)
{
	const char *text;
	int r = cfg_text(item, &text, err);

	if (r < 0)
		return r;
	if (strlen(text) >= key->size)
		return cfg_error(item, err, -EINVAL, "%s is longer than %zu bytes", key->name,
				 key->size - 1);
	memcpy((char *)setup + key->offset, text, strlen(text) + 1);
	return 0;
}

static int take_number(struct setup *setup, const struct cfg_item *item,
		       const struct number_key *key, struct err *err)
{
	int64_t value;
	int r = cfg_int(item, key->min, key->max, &value, err);

	if (r == 0)
		*(int64_t *)((char *)setup + key->offset) = value;
	return r;
}

/* It is of its own module, which reads it itself; here it is only checked. */
static int check_discovery(const struct cfg_item *item, struct err *err)
{
	struct ddc_conf conf;
	int r;

	ddc_conf_init(&conf);
	r = ddc_conf_take(item, &conf, err);
	ddc_conf_deinit(&conf);
	return r;
}

/* --- cdc = { .. } */

static int take_listen(struct setup *setup, const struct cfg_item *list, struct err *err)
{
	size_t i;
	int r = cfg_need_list(list, err);

	if (r == 0 && cfg_length(list) > SETUP_CDC_LISTEN_MAX)
		return cfg_error(list, err, -EINVAL, "more than %d addresses",
				 SETUP_CDC_LISTEN_MAX);
	for (i = 0; r == 0 && i < cfg_length(list); i++) {
		const struct cfg_item *item = cfg_at(list, i);
		struct addr addr;
		const char *text;

		r = cfg_text(item, &text, err);
		if (r < 0)
			return r;
		r = addr_parse(text, NVME_TCP_DISCOVERY_PORT, &addr, err);
		if (r == 0 && (addr.family == ADDR_NAME || strlen(text) >= 80))
			r = err_set(err, -EINVAL, "\"%s\" is no numeric address", text);
		if (r < 0) {
			cfg_prefix(item, err);
			return r;
		}
		snprintf(setup->cdc_listen[i], sizeof(setup->cdc_listen[i]), "%s", text);
	}
	setup->n_cdc_listen = cfg_length(list);
	return r;
}

static int take_nqn(struct setup *setup, const struct cfg_item *item, struct err *err)
{
	const char *text;
	int r = cfg_text(item, &text, err);

	if (r < 0)
		return r;
	if (*text)
		r = nqn_check(text, err);
	if (r < 0)
		cfg_prefix(item, err);
	else
		snprintf(setup->cdc_nqn, sizeof(setup->cdc_nqn), "%s", text);
	return r;
}

static int take_authentication(struct setup *setup, const struct cfg_item *item, struct err *err)
{
	const char *text;
	int r = cfg_text(item, &text, err);

	if (r < 0)
		return r;
	if (strcmp(text, "listed") != 0 && strcmp(text, "required") != 0)
		return cfg_error(item, err, -EINVAL,
				 "authentication = \"%s\": \"listed\" and \"required\" are there",
				 text);
	setup->cdc_all_prove = strcmp(text, "required") == 0;
	return 0;
}

static int take_cdc(struct setup *setup, const struct cfg_item *group, struct err *err)
{
	static const struct text_key keys_dir = { "keys_dir", offsetof(struct setup, cdc_keys_dir),
						  SETUP_PATH_MAX };
	const struct cfg_item *item;
	size_t i;
	int r = cfg_need_group(group, err);

	for (i = 0; r == 0 && (item = cfg_at(group, i)); i++) {
		const char *name = cfg_name(item);

		if (strcmp(name, "listen") == 0)
			r = take_listen(setup, item, err);
		else if (strcmp(name, "nqn") == 0)
			r = take_nqn(setup, item, err);
		else if (strcmp(name, "keys_dir") == 0)
			r = take_text(setup, item, &keys_dir, err);
		else if (strcmp(name, "authentication") == 0)
			r = take_authentication(setup, item, err);
		else if (strcmp(name, "cntlid_first") == 0)
			r = cfg_int(item, 1, NVME_CNTLID_MAX, &setup->cdc_cntlid_first, err);
		else if (strcmp(name, "cntlid_last") == 0)
			r = cfg_int(item, 1, NVME_CNTLID_MAX, &setup->cdc_cntlid_last, err);
		else
			r = cfg_error(item, err, -EINVAL,
				      "unknown key \"%s\" in cdc: listen, nqn, keys_dir, "
				      "authentication, cntlid_first and cntlid_last are known",
				      name);
	}
	return r;
}

static int take(struct setup *setup, const struct cfg_item *item, struct err *err)
{
	const char *name = cfg_name(item);
	size_t i;

	if (strcmp(name, "discovery") == 0)
		return check_discovery(item, err);
	for (i = 0; i < sizeof(text_keys) / sizeof(text_keys[0]); i++)
		if (strcmp(name, text_keys[i].name) == 0)
			return take_text(setup, item, &text_keys[i], err);
	for (i = 0; i < sizeof(number_keys) / sizeof(number_keys[0]); i++)
		if (strcmp(name, number_keys[i].name) == 0)
			return take_number(setup, item, &number_keys[i], err);
	if (strcmp(name, "cdc") == 0)
		return take_cdc(setup, item, err);
	if (strcmp(name, "redfish") == 0)
		return rf_conf_take(item, &setup->redfish, err);
	if (strcmp(name, "sunfish") == 0)
		return sunfish_conf_take(item, &setup->sunfish, err);
	return cfg_error(item, err, -EINVAL,
			 "unknown key \"%s\": sunfish-collector.conf(5) has those there are", name);
}

int setup_parse(const char *text, size_t length, const char *origin, struct setup *setup,
		struct err *err)
{
	struct setup changed = *setup;
	CLEANUP_CFG struct cfg *cfg = NULL;
	const struct cfg_item *item;
	size_t i;
	int r = cfg_parse(text, length, origin, &cfg, err);

	for (i = 0; r == 0 && (item = cfg_at(cfg_root(cfg), i)); i++)
		r = take(&changed, item, err);
	if (r == 0) {
		r = setup_check(&changed, err);
		if (r < 0)
			err_prefix(err, "%s: ", origin);
	}
	if (r == 0)
		*setup = changed;
	return r;
}

int setup_load(const char *path, struct setup *setup, struct err *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	int r = fs_read_file(AT_FDCWD, path, FILE_MAX, &text, &length);

	if (r < 0)
		return err_set(err, r, "%s: %s", path, strerror(-r));
	return setup_parse(text, length, path, setup, err);
}

/* --- what goes together */

static bool is_loopback(const char *address, bool *ret_valid)
{
	struct in6_addr v6;
	struct in_addr v4;

	*ret_valid = true;
	if (inet_pton(AF_INET, address, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	if (inet_pton(AF_INET6, address, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	*ret_valid = false;
	return false;
}

int setup_check_files(const struct setup *setup, struct err *err)
{
	const struct {
		const char *key, *path;
	} files[] = { { "certificate", setup->certificate },
		      { "key", setup->key },
		      { "client_ca", setup->client_ca },
		      { "keys_dir", setup->cdc_keys_dir } };
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (*files[i].path && faccessat(AT_FDCWD, files[i].path, R_OK, AT_EACCESS) < 0)
			return err_set(err, -errno, "%s \"%s\": %s", files[i].key, files[i].path,
				       strerror(errno));
	return 0;
}

int setup_check(const struct setup *setup, struct err *err)
{
	bool valid;
	bool loopback = is_loopback(setup->address, &valid);

	if (!valid)
		return err_set(err, -EINVAL,
			       "address \"%s\" is no numeric address: write 0.0.0.0 or :: for all",
			       setup->address);
	if (!*setup->certificate != !*setup->key)
		return err_set(err, -EINVAL, "certificate and key belong together: %s is missing",
			       *setup->key ? "certificate" : "key");
	if (*setup->client_ca && !*setup->certificate)
		return err_set(err, -EINVAL, "client_ca needs a certificate and a key");
	if (!loopback && !*setup->certificate)
		return err_set(err, -EINVAL,
			       "without TLS only a loopback address is served, and %s is none: set "
			       "certificate and key",
			       setup->address);
	if (setup->lease_min_seconds > setup->lease_max_seconds)
		return err_set(err, -EINVAL, "lease_min_seconds is more than lease_max_seconds");
	if (setup->cdc_cntlid_first > setup->cdc_cntlid_last)
		return err_set(err, -EINVAL, "cntlid_first of cdc is more than cntlid_last");
	if (setup->cdc_all_prove && !*setup->cdc_keys_dir)
		return err_set(err, -EINVAL,
			       "authentication = \"required\" of cdc needs keys_dir: without keys "
			       "nobody could come");
	if (*setup->cdc_keys_dir && *setup->cdc_keys_dir != '/')
		return err_set(err, -EINVAL, "keys_dir \"%s\" of cdc must be an absolute path",
			       setup->cdc_keys_dir);
	if (*setup->state_dir != '/')
		return err_set(err, -EINVAL, "state_dir \"%s\" must be an absolute path",
			       setup->state_dir);
	return 0;
}
