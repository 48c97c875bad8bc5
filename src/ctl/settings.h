/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * settings - where the collector is, and what tells it who asks.
 *
 * From, later ones before earlier ones: defaults, /etc/sunfish/sunfishctl.conf, the environment
 * (SUNFISH_URL, SUNFISH_CA_FILE, SUNFISH_TOKEN_FILE), options. The token itself stands in a file
 * of mode 0600 and nowhere else.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"

#define SETTINGS_TEXT_MAX 1024
#define SETTINGS_TOKEN_MAX 512

struct settings {
	char url[SETTINGS_TEXT_MAX];	    /* https://head:8443, without a slash behind it */
	char ca_file[SETTINGS_TEXT_MAX];    /* "": the system's */
	char token_file[SETTINGS_TEXT_MAX]; /* "": none */
};

#define SETTINGS_URL "http://127.0.0.1:8443"

/* Defaults. @state_dir  of the collector: the administrator's token of this machine */
void settings_init(struct settings *settings, const char *state_dir);

/* Returns: 0; -EBADMSG, -EINVAL with file, line and key; -ENOMEM. @settings is changed only by a
 * text that is sound. */
int settings_parse(struct settings *settings, const char *text, size_t length, const char *origin,
		   struct err *err);

/* Read a file; one that is not there changes nothing. Returns: as settings_parse; other negative
 * errno of reading. */
int settings_load(struct settings *settings, int dirfd, const char *path, struct err *err);

/* Take over texts that are not NULL. Returns: 0; -EINVAL. */
int settings_set(struct settings *settings, const char *url, const char *ca_file,
		 const char *token_file, struct err *err);

/*
 * The token out of its file; "" if none is configured, or the file is that of a collector on this
 * machine and is not there.
 * @token  cleared by the caller after use
 * Returns: 0; -EACCES we may not read it, or others may; -EINVAL it has no token; negative errno
 * of reading.
 */
int settings_token(const struct settings *settings, char token[SETTINGS_TOKEN_MAX],
		   struct err *err);
