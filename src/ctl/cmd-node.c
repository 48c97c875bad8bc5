/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "ctl/ctl.h"
#include "ctl/view.h"

static int check_role(struct ctl *ctl, struct err *err)
{
	const char *role = ctl->opt.role;

	if (!role)
		ctl->opt.role = "node";
	else if (strcmp(role, "node") != 0 && strcmp(role, "viewer") != 0 &&
		 strcmp(role, "admin") != 0)
		return cli_usage(
			&ctl->cli,
			err_set(err, -EINVAL, "--role %s: node, viewer or admin is meant", role));
	if (ctl->cli.json && !ctl->opt.output)
		return cli_usage(&ctl->cli,
				 err_set(err, -EINVAL,
					 "no token is written to --json: name a file for it "
					 "by --output"));
	return 0;
}

/* Not to be told only after there is a token that nobody has. */
static int check_output(const struct ctl *ctl, struct err *err)
{
	const char *path = ctl->opt.output;
	CLEANUP_CLOSE int fd = -1;

	if (!path)
		return 0;
	if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return err_set(err, -EEXIST, "%s is there already: a token is not written over it",
			       path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

static int give(struct ctl *ctl, const char *token, struct err *err)
{
	CLEANUP_STR struct str line = STR_NULL;
	int r;

	str_addf(&line, "%s\n", token);
	if (line.failed)
		return err_nomem(err);
	if (ctl->opt.output) {
		r = fs_replace_file(AT_FDCWD, ctl->opt.output, str_get(&line), line.length, 0600);
		if (r < 0)
			err_set_text(err, r, "%s: %s; remove the node and add it again",
				     ctl->opt.output, strerror(-r));
	} else {
		cli_print(&ctl->cli, str_get(&line));
		r = 0;
	}
	explicit_bzero(line.text, line.length);
	return r;
}

int cmd_node_add(struct ctl *ctl, struct err *err)
{
	CLEANUP_JS struct js *body = js_object();
	CLEANUP_JS struct js *document = NULL;
	const char *token;
	int r = check_role(ctl, err);

	if (r == 0)
		r = check_output(ctl, err);
	if (r < 0)
		return r;
	js_set(body, "name", js_string(ctl->cli.args[0]));
	js_set(body, "role", js_string(ctl->opt.role));
	r = client_call(ctl->client, "POST", "/nodes", body, &document, err);
	token = js_text(js_get(document, "token"));
	if (r == -EEXIST)
		err_set(err, r,
			"there is a token of %s already; to make it void: sunfishctl node remove "
			"%s",
			ctl->cli.args[0], ctl->cli.args[0]);
	if (r == 0 && !token)
		r = err_set(err, -EPROTO, "the collector's answer has no token");
	if (r < 0) {
		if (ctl->opt.output)
			unlink(ctl->opt.output);
		return r;
	}
	if (ctl->cli.result) {
		js_set(ctl->cli.result, "name", js_string(ctl->cli.args[0]));
		js_set(ctl->cli.result, "role", js_string(ctl->opt.role));
		js_set(ctl->cli.result, "token_file", js_string(ctl->opt.output));
	}
	r = give(ctl, token, err);
	if (r == 0 && ctl->opt.output)
		cli_say(&ctl->cli,
			"the token of %s is in %s; put it on that host as a file of mode 0600\n",
			ctl->cli.args[0], ctl->opt.output);
	return r;
}

int cmd_node_remove(struct ctl *ctl, struct err *err)
{
	CLEANUP_STR struct str path = STR_NULL;
	CLEANUP_JS struct js *document = NULL;
	int r;

	str_add(&path, "/nodes");
	client_add_part(&path, ctl->cli.args[0]);
	if (path.failed)
		return err_nomem(err);
	r = client_call(ctl->client, "DELETE", str_get(&path), NULL, &document, err);
	if (r == 0)
		cli_say(&ctl->cli, "the token of %s is void\n", ctl->cli.args[0]);
	return r;
}
