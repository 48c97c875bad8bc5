/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * export - the file of one export: subsystem, namespaces, hosts and listeners together.
 *
 * A file becomes a wanted model (target/model.h) and a model becomes a file; there is no other
 * representation. A listener without port_id is a port with an id from MODEL_PORT_UNRESOLVED on,
 * in the order of the file: resolve.c finds the real one. Keys are files: the pseudo attributes
 * "dhchap_key_file" and "dhchap_ctrl_key_file" of a host, never written to the kernel (an
 * attribute whose name ends in "_file" is ours), which export_load_keys turns into the keys.
 *
 * What a file does not give is not in the model, and so left to the kernel, but for access: who
 * may connect is always said, nobody if the file does not say it.
 *
 * conf/export.conf.sample shows all keys. All functions are re-entrant.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "target/model.h"

#define MODEL_PORT_UNRESOLVED 65536u

#define EXPORT_KEY_FILE "dhchap_key_file"
#define EXPORT_CTRL_KEY_FILE "dhchap_ctrl_key_file"

/* Whose a subsystem is, if it is not an administrator's: "made_by" in the file. It ends like the
 * others, so that nobody writes it to the kernel. */
#define EXPORT_MADE_BY "made_by_file"
#define EXPORT_BY_COLLECTOR "collector"

/* Is the attribute ours, not the kernel's? */
bool export_is_pseudo(const char *attr);

/*
 * Parse a file's text into a root with the subsystem (marked exact), its hosts and its ports.
 * @origin  what to call the file in messages
 * Returns: 0, *ret_wanted owned; -EBADMSG no such text; -EINVAL something in it is refused;
 * -EFBIG; -ENOMEM. The text names file, line and key.
 */
int export_parse(const char *text, size_t length, const char *origin,
		 struct model_object **ret_wanted, struct err *err);

/*
 * Write the file of one export: all that stands in @root for it and that can be written.
 * @nqn  its subsystem; hosts and ports are those that are linked with it
 * Returns: 0, *ret_text to be freed; -ENOENT no such subsystem; -ENOKEY a host has a key but
 * no key file; -EINVAL a text that a file cannot hold; -ENOMEM.
 */
int export_format(const struct model_object *root, const char *nqn, char **ret_text,
		  struct err *err);

/*
 * Turn the key files of all hosts into secret attributes; the references stay.
 * @dirfd  of relative paths
 * Returns: 0; as dhchap_read_file, with the host in the text; -ENOMEM.
 */
int export_load_keys(int dirfd, struct model_object *wanted, struct err *err);

/*
 * The part of the actual tree that is one export: the subsystem, its namespaces, its passthru if
 * a device is set, the hosts it allows, the ports that link it with only that link. What is the
 * kernel's default is left out, and so are values that the kernel made up or rounded (version,
 * firmware, queue and inline sizes), unless @old gives them; then they are as @old has them.
 * Keys become the key files of @old.
 * @old  the export as it was asked for before; NULL for none
 * Returns: 0, *ret owned; -ENOENT no such subsystem; -ENOKEY a host has a key but no key file in
 * @old; -ENOMEM.
 */
int export_cut(const struct model_object *actual, const char *nqn, const struct model_object *old,
	       struct model_object **ret, struct err *err);

/* --- the directory of exports */

#define EXPORT_SUFFIX ".conf"
#define EXPORT_FILE_MAX (4u << 20)
#define EXPORT_NAME_MAX 256

/* The file name of an export: its NQN, '%' and a leading '.' as %XX, with EXPORT_SUFFIX.
 * Returns: 0; -ENAMETOOLONG. */
int export_path_name(const char *nqn, char *ret_name, size_t size);

/* Create or replace the file of an export in the directory @dirfd, mode 0600, whole or not at
 * all. Returns: 0; -ENAMETOOLONG; other negative errno. */
int export_store(int dirfd, const char *nqn, const char *text, struct err *err);

/* Remove it. Returns: 0; -ENOENT; -ENAMETOOLONG; other negative errno. */
int export_unlink(int dirfd, const char *nqn, struct err *err);

/* Read the file of one export. Returns: 0, *ret_wanted owned; -ENOENT; as export_parse; -EINVAL
 * also if the file is of another NQN; other negative errno. */
int export_load_one(int dirfd, const char *dirname, const char *nqn,
		    struct model_object **ret_wanted, struct err *err);

struct export_item {
	char *file;		     /* name in the directory */
	char *nqn;		     /* NULL if the file is broken */
	struct model_object *wanted; /* NULL if the file is broken */
	char *error;		     /* why it is broken, with file and line; else NULL */
	int code;		     /* negative errno that belongs to it; else 0 */
	bool is_admins;		     /* stored_load_wanted: of the administrators' directory */
};

struct export_list {
	struct export_item *items; /* sorted by file name */
	size_t count;
	size_t n_broken;
};

#define EXPORT_LIST_NULL ((struct export_list){ 0 })

void export_list_deinit(struct export_list *list);
#define CLEANUP_EXPORT_LIST __attribute__((cleanup(export_list_deinit)))

/* Append; what the item has is owned by the list then. Returns: 0; -ENOMEM. */
int export_list_add(struct export_list *list, const struct export_item *item);

/* Is there an item of that export? */
bool export_list_has(const struct export_list *list, const char *nqn);

/*
 * Read all files NAME.conf of a directory. A broken one (also the second one of the same NQN) is
 * an item with its error and hides no other.
 * @dirfd    the directory itself
 * @dirname  what to call it in messages
 * Returns: 0, *ret owned; -ENOMEM; negative errno of reading the directory.
 */
int export_load_dir(int dirfd, const char *dirname, struct export_list *ret, struct err *err);
