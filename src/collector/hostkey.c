/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/hostkey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "collector/collector.h"
#include "core/log.h"
#include "nvmf/dhchap.h"

#define TOLD_MAX 64
#define AGAIN_MS 60000

struct told {
	char hostnqn[NQN_MAX + 1];
	int64_t ms; /* monotonic; 0: never */
	bool is_due;
	char text[384];
};

struct hostkeys {
	struct collector *collector;
	struct told told[TOLD_MAX]; /* the oldest gives way */
	bool has_joined;
};

/* --- events */

static int write_due(void *data, struct err *err)
{
	struct hostkeys *keys = data;
	size_t i;
	int r = 0;

	keys->has_joined = false;
	for (i = 0; r == 0 && i < TOLD_MAX; i++) {
		struct told *told = &keys->told[i];

		if (!told->is_due)
			continue;
		r = events_add_own(keys->collector->events, "note", "host", told->hostnqn,
				   told->text, NULL, err);
		told->is_due = r < 0;
	}
	return r;
}

static struct told *place_for(struct hostkeys *keys, const char *hostnqn)
{
	struct told *oldest = &keys->told[0];
	size_t i;

	for (i = 0; i < TOLD_MAX; i++) {
		struct told *told = &keys->told[i];

		if (strcmp(told->hostnqn, hostnqn) == 0)
			return told;
		if (told->ms < oldest->ms)
			oldest = told;
	}
	return oldest;
}

void hostkey_failed(struct hostkeys *keys, const char *hostnqn, const char *address,
		    const char *why)
{
	struct told *told = place_for(keys, hostnqn);
	const int64_t now_ms = clock_monotonic_ms();

	/* of names that anybody can make up there is no more than this either */
	if (told->ms && now_ms - told->ms < AGAIN_MS)
		return;
	snprintf(told->hostnqn, sizeof(told->hostnqn), "%s", hostnqn);
	snprintf(told->text, sizeof(told->text),
		 "it came to the discovery controller from %s, did not prove who it is, and saw "
		 "nothing: %s",
		 address, why);
	told->ms = now_ms;
	told->is_due = true;
	log_warning("%s: %s", told->hostnqn, told->text);
	if (!keys->has_joined)
		keys->has_joined = commit_join(keys->collector->commit, write_due, NULL, keys) == 0;
}

/* --- keys */

/* Returns: 0 there is none; 1; negative errno. */
static int read_key(const char *dir, const char *hostnqn, const char *kind,
		    char ret[DHCHAP_KEY_MAX], struct err *err)
{
	char path[SETUP_PATH_MAX + NQN_MAX + 16];
	int r;

	snprintf(path, sizeof(path), "%s/%s.%s", dir, hostnqn, kind);
	r = dhchap_read_file(AT_FDCWD, path, ret, err);
	/* a file that is not there is no key; a folder that is gone says nothing of whose there was
	 */
	if (r == -ENOENT && access(dir, X_OK) < 0)
		return err_set(err, -EAGAIN, "keys_dir %s: %s", dir, strerror(errno));
	return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

int hostkey_secrets(struct hostkeys *keys, const char *hostnqn, const char *address,
		    struct disc_secrets *ret)
{
	const struct setup *setup = &keys->collector->setup;
	struct err err = ERR_NULL;
	int must = 0;
	int r;

	/* a name is a part of a path */
	if (*setup->cdc_keys_dir && !strchr(hostnqn, '/'))
		must = read_key(setup->cdc_keys_dir, hostnqn, "key", ret->host, &err);
	if (must > 0) {
		r = read_key(setup->cdc_keys_dir, hostnqn, "controller", ret->controller, &err);
		if (r < 0)
			must = r;
	}
	if (must < 0) {
		hostkey_failed(keys, hostnqn, address, err.text);
		return -EAGAIN;
	}
	if (!must && setup->cdc_all_prove) {
		hostkey_failed(keys, hostnqn, address, "it has no key here, and all hosts must");
		return -EACCES;
	}
	return must;
}

/* --- life */

int hostkey_new(struct collector *collector, struct hostkeys **ret, struct err *err)
{
	struct hostkeys *keys = calloc(1, sizeof(*keys));

	if (!keys)
		return err_nomem(err);
	keys->collector = collector;
	*ret = keys;
	return 0;
}

void hostkey_free(struct hostkeys *keys)
{
	free(keys);
}
