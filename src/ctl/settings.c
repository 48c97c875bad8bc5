/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/settings.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "core/cfg.h"

#define FILE_MAX (1u << 20)

void settings_init(struct settings *settings, const char *state_dir)
{
	*settings = (struct settings){ 0 };
	snprintf(settings->url, sizeof(settings->url), "%s", SETTINGS_URL);
	snprintf(settings->token_file, sizeof(settings->token_file), "%s/collector/admin.token",
		 state_dir);
}

static int copy(char *to, const char *what, const char *text, struct err *err)
{
	if (strlen(text) >= SETTINGS_TEXT_MAX)
		return err_set(err, -EINVAL, "%s is longer than %d bytes", what,
			       SETTINGS_TEXT_MAX - 1);
	snprintf(to, SETTINGS_TEXT_MAX, "%s", text);
	return 0;
}

static int set_url(struct settings *settings, const char *url, struct err *err)
{
	bool is_known = strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0;
	size_t length;
	int r;

	if (!is_known || !str_is_printable(url) || strpbrk(url, " \"?#@"))
		return err_set(err, -EINVAL,
			       "url \"%s\" is none of a collector, such as https://head:8443", url);
	r = copy(settings->url, "url", url, err);
	length = r < 0 ? 0 : strlen(settings->url);
	while (length && settings->url[length - 1] == '/')
		settings->url[--length] = '\0';
	return r;
}

int settings_set(struct settings *settings, const char *url, const char *ca_file,
		 const char *token_file, struct err *err)
{
	int r = url ? set_url(settings, url, err) : 0;

	if (r == 0 && ca_file)
		r = copy(settings->ca_file, "ca_file", ca_file, err);
	if (r == 0 && token_file)
		r = copy(settings->token_file, "token_file", token_file, err);
	return r;
}

static int take(struct settings *settings, const struct cfg_item *item, struct err *err)
{
	static const char *const keys[] = { "url", "ca_file", "token_file" };
	const char *values[3] = { NULL };
	size_t i;
	int r;

	for (i = 0; i < 3 && strcmp(cfg_name(item), keys[i]) != 0;)
		i++;
	if (i == 3)
		return cfg_error(item, err, -EINVAL,
				 "unknown key \"%s\": there are url, ca_file, token_file",
				 cfg_name(item));
	r = cfg_text(item, &values[i], err);
	if (r < 0)
		return r;
	r = settings_set(settings, values[0], values[1], values[2], err);
	if (r < 0)
		cfg_prefix(item, err);
	return r;
}

int settings_parse(struct settings *settings, const char *text, size_t length, const char *origin,
		   struct err *err)
{
	struct settings next = *settings;
	CLEANUP_CFG struct cfg *cfg = NULL;
	const struct cfg_item *item;
	size_t i;
	int r = cfg_parse(text, length, origin, &cfg, err);

	for (i = 0; r == 0 && (item = cfg_at(cfg_root(cfg), i)); i++)
		r = take(&next, item, err);
	if (r == 0)
		*settings = next;
	return r;
}

int settings_load(struct settings *settings, int dirfd, const char *path, struct err *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t length;
	int r = fs_read_file(dirfd, path, FILE_MAX, &text, &length);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(err, r, "%s: %s", path, strerror(-r));
	return settings_parse(settings, text, length, path, err);
}

static int check_private(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_set(err, -errno, "the token in %s: %s", path, strerror(errno));
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(err, -EACCES,
			       "%s has mode %03o, but others may not read a token: chmod 600 %s",
			       path, st.st_mode & 0777, path);
	return 0;
}

int settings_token(const struct settings *settings, char token[SETTINGS_TOKEN_MAX], struct err *err)
{
	const char *path = settings->token_file;
	ssize_t length;
	int r;

	token[0] = '\0';
	if (!*path)
		return 0;
	length = fs_read_at(AT_FDCWD, path, token, SETTINGS_TOKEN_MAX);
	if (length == -ENOENT && strstr(path, "/collector/admin.token"))
		return 0;
	if (length == -EACCES)
		return err_set(err, -EACCES,
			       "the token in %s may not be read by you: run as its owner, or name "
			       "your own by SUNFISH_TOKEN_FILE",
			       path);
	if (length == -ENOENT)
		return err_set(err, -ENOENT,
			       "there is no token in %s: put the one there that \"sunfishctl node "
			       "add\" printed, or name another file by SUNFISH_TOKEN_FILE",
			       path);
	if (length < 0)
		return err_set(err, (int)length, "the token in %s: %s", path,
			       strerror((int)-length));
	r = check_private(path, err);
	if (r == 0 && (length == 0 || !str_is_printable(token) || strchr(token, ' ')))
		r = err_set(err, -EINVAL, "%s has no token: one line without blanks is meant",
			    path);
	if (r < 0)
		explicit_bzero(token, SETTINGS_TOKEN_MAX);
	return r;
}
