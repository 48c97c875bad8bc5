/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/settings.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "core/cfg.h"

#define FILE_MAX (1u << 20)

static int get_access(const struct cfg_item *item, bool *ret, struct err *err)
{
	const char *text;
	int r = cfg_text(item, &text, err);

	if (r < 0)
		return r;
	if (strcmp(text, "any") != 0 && strcmp(text, "none") != 0)
		return cfg_error(item, err, -EINVAL,
				 "default_access is \"%s\", but must be \"any\" (an export made "
				 "without hosts is for any host) or \"none\"",
				 text);
	*ret = strcmp(text, "any") == 0;
	return 0;
}

static int get_number(const struct cfg_item *item, unsigned int min, unsigned int max,
		      unsigned int *ret, struct err *err)
{
	int64_t value;
	int r = cfg_int(item, min, max, &value, err);

	if (r == 0)
		*ret = (unsigned int)value;
	return r;
}

static int take_daemon(struct settings *settings, const struct cfg_item *item, struct err *err)
{
	const char *key = cfg_name(item);

	if (strcmp(key, "repair") == 0)
		return cfg_bool(item, &settings->repair, err);
	if (strcmp(key, "sample_seconds") == 0)
		return get_number(item, 1, 3600, &settings->sample_seconds, err);
	if (strcmp(key, "collector") == 0)
		return agent_conf_take(item, &settings->collector, err);
	return cfg_error(item, err, -EINVAL,
			 "unknown key \"%s\": there are default_access, default_port, "
			 "wait_seconds, hang_seconds, workers, repair, sample_seconds, collector",
			 key);
}

static int take(struct settings *settings, const struct cfg_item *item, struct err *err)
{
	const char *key = cfg_name(item);

	if (strcmp(key, "default_access") == 0)
		return get_access(item, &settings->default_any, err);
	if (strcmp(key, "default_port") == 0)
		return get_number(item, 1, 65535, &settings->default_port, err);
	if (strcmp(key, "wait_seconds") == 0)
		return get_number(item, 0, 86400, &settings->wait_seconds, err);
	if (strcmp(key, "hang_seconds") == 0)
		return get_number(item, 1, 86400, &settings->hang_seconds, err);
	if (strcmp(key, "workers") == 0)
		return get_number(item, 1, 1024, &settings->workers, err);
	return take_daemon(settings, item, err);
}

int settings_parse(const char *text, size_t length, const char *origin, struct settings *ret,
		   struct err *err)
{
	struct settings settings = SETTINGS_DEFAULT;
	CLEANUP_CFG struct cfg *cfg = NULL;
	const struct cfg_item *item;
	size_t i;
	int r = cfg_parse(text, length, origin, &cfg, err);

	if (r < 0)
		return r;
	for (i = 0; (item = cfg_at(cfg_root(cfg), i)); i++) {
		r = take(&settings, item, err);
		if (r < 0)
			return r;
	}
	*ret = settings;
	return 0;
}

int settings_load(int dirfd, const char *path, struct settings *ret, struct err *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	int r = fs_read_file(dirfd, path, FILE_MAX, &text, &length);

	if (r == -ENOENT) {
		*ret = SETTINGS_DEFAULT;
		return 0;
	}
	if (r < 0)
		return err_set(err, r, "%s: %s", path, strerror(-r));
	return settings_parse(text, length, path, ret, err);
}
