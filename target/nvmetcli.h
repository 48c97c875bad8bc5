/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nvmetcli - the JSON file of nvmetcli (/etc/nvmet/config.json), the whole target in one file.
 *
 * Read as files of nvmetcli are, old or new, hand-made or another tool's; written byte by byte as
 * nvmetcli would. What it cannot hold stands in groups that it ignores: "buffered" and "sunfish".
 * Those are there only if something is in them.
 *
 * Secrets stand in clear in nvmetcli's files. Here only if asked for; else a host has a
 * reference to its key file or the mark that its key was left out, and such a file is refused
 * when it is read: without the key the host would get in without authentication.
 *
 * Source: the program's own save and restore, linux-nvme/nvmetcli 7a94d92.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"
#include "target/model.h"

#define NVMETCLI_SIZE_MAX (16u << 20)

/*
 * Parse a file into a wanted model: the whole target, no object marked exact. "" anywhere and
 * "(null)" as a path mean "not set" and are left out.
 * @strict    what is unknown is an error instead of a warning
 * @warnings  lines with '\n' for what was passed over or looks wrong; NULL allowed
 * Returns: 0, *ret owned; -EBADMSG no JSON; -EINVAL not nvmetcli's, a value the kernel would
 * refuse, or @strict; -ENOKEY a key was left out of it; -EFBIG; -ENOMEM.
 */
int nvmetcli_parse(const char *text, size_t length, bool strict, struct model_object **ret,
		   struct str *warnings, struct err *err);

enum {
	NVMETCLI_WITH_SECRETS = 1 << 0,
};

/* Write the file. Returns: 0, *ret_text to be freed (explicit_bzero it before, with secrets);
 * -EINVAL a port has no number yet (export.h);
 * -ENOMEM. */
int nvmetcli_format(const struct model_object *root, unsigned int flags, char **ret_text,
		    struct err *err);
