/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "target/ctl.h"
#include "target/nvmetcli.h"
#include "target/stored.h"

/* The kernel has keys; the files they come from are known to the stored exports only. */
static int add_key_files(struct ctl *ctl, struct model_object *root, struct err *err)
{
	static const char *const names[] = { EXPORT_KEY_FILE, EXPORT_CTRL_KEY_FILE };
	CLEANUP_STORED struct stored stored = STORED_NULL;
	const struct export_item *item;
	const struct model_object *from;
	size_t i = 0;
	size_t j;
	size_t k;
	int r = stored_load(ctl, &stored, err);

	while (r == 0 && (item = stored_next(&stored, &i, NULL))) {
		for (j = 0; r == 0 && (from = model_next(item->wanted, MODEL_HOST, &j));) {
			struct model_object *host = model_find(root, MODEL_HOST, from->name);

			for (k = 0; r == 0 && host && k < 2; k++)
				if (model_get(from, names[k]))
					r = model_set(host, names[k], model_get(from, names[k]));
		}
	}
	return r < 0 ? err_nomem(err) : 0;
}

/* A device or a pipe, such as /dev/null, is written to: replaced, it would be lost. */
static int write_file(const char *path, const char *text)
{
	CLEANUP_FREE char *whole = NULL;
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return fs_write_at(AT_FDCWD, path, text, strlen(text));
	whole = realpath(path, NULL);
	return fs_replace_file(AT_FDCWD, whole ? whole : path, text, strlen(text), 0600);
}

static int write_out(struct ctl *ctl, const char *text, struct err *err)
{
	const char *path = ctl->opt.output;
	struct js *json = NULL;
	int r;

	if (path && strcmp(path, "-") != 0) {
		r = write_file(path, text);
		if (r < 0)
			return err_set(err, r, "%s cannot be written: %s", path, strerror(-r));
		cli_say(&ctl->cli, "written to %s\n", path);
		return 0;
	}
	if (!ctl->cli.result) {
		cli_print(&ctl->cli, text);
		return 0;
	}
	r = js_parse(text, strlen(text), &json, err);
	if (r == 0)
		js_set(ctl->cli.result, "config", json);
	return r;
}

static void warn_of_keys(struct ctl *ctl, const struct model_object *root)
{
	const struct model_object *host;
	unsigned int n = 0;
	size_t i = 0;

	while ((host = model_next(root, MODEL_HOST, &i)))
		n += *model_text(host, "dhchap_key") != '\0';
	if (n && !ctl->opt.with_secrets)
		cli_warn(&ctl->cli,
			 "the key%s of %u host%s left out, so nvmetcli would let them in without; "
			 "to write keys in clear: --with-secrets",
			 n == 1 ? "" : "s", n, n == 1 ? " is" : "s are");
}

/* For others than root hosts with a key are left out; without them the file would let them in. */
static int check_hosts(const struct model_object *root, struct err *err)
{
	const struct model_object *subsystem;
	size_t i = 0;
	size_t j;

	while ((subsystem = model_next(root, MODEL_SUBSYSTEM, &i)))
		for (j = 0; j < subsystem->n_links; j++)
			if (!model_find(root, MODEL_HOST, subsystem->links[j].name))
				return err_set(err, -EACCES,
					       "host %s has a key and cannot be read: run as root",
					       subsystem->links[j].name);
	return 0;
}

static int make_text(struct ctl *ctl, char **ret_text, struct err *err)
{
	CLEANUP_MODEL struct model_object *root = NULL;
	unsigned int flags = ctl->opt.with_secrets ? NVMETCLI_WITH_SECRETS : 0;
	int r = ctl_read_target(ctl, &root, err);

	if (r == 0)
		r = check_hosts(root, err);
	if (r == 0 && !ctl->opt.with_secrets)
		r = add_key_files(ctl, root, err);
	if (r == 0)
		r = nvmetcli_format(root, flags, ret_text, err);
	if (r == 0)
		warn_of_keys(ctl, root);
	return r;
}

int cmd_export(struct ctl *ctl, struct err *err)
{
	char *text = NULL;
	int r;

	if (ctl->cli.n_args)
		return cli_usage(&ctl->cli, err_set(err, -EINVAL,
						    "export takes no argument: it writes the whole "
						    "target; to a file with --output FILE"));
	if (!ctl->opt.format || strcmp(ctl->opt.format, "nvmetcli") != 0)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL,
					 "say which format: --format nvmetcli is the one "
					 "there is"));
	r = make_text(ctl, &text, err);
	if (r == 0)
		r = write_out(ctl, text, err);
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	return r;
}
