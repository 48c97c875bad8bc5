/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/export.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "nvmf/dhchap.h"

bool export_is_pseudo(const char *attr)
{
	size_t length = strlen(attr);

	return length > 5 && strcmp(attr + length - 5, "_file") == 0;
}

/* --- keys */

static int load_key(int dirfd, struct model_object *host, const char *file_attr, const char *attr,
		    struct err *err)
{
	const char *file = model_get(host, file_attr);
	char key[DHCHAP_KEY_MAX];
	int r;

	if (!file)
		return 0;
	r = dhchap_read_file(dirfd, file, key, err);
	if (r < 0) {
		err_prefix(err, "host %s: ", host->name);
		return r;
	}
	r = model_set_secret(host, attr, key) < 0 ? err_nomem(err) : 0;
	explicit_bzero(key, sizeof(key));
	return r;
}

int export_load_keys(int dirfd, struct model_object *wanted, struct err *err)
{
	struct model_object *host;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && (host = model_next(wanted, MODEL_HOST, &i));) {
		r = load_key(dirfd, host, EXPORT_KEY_FILE, "dhchap_key", err);
		if (r == 0)
			r = load_key(dirfd, host, EXPORT_CTRL_KEY_FILE, "dhchap_ctrl_key", err);
	}
	return r;
}

/* --- one file */

int export_path_name(const char *nqn, char *ret_name, size_t size)
{
	CLEANUP_STR struct str name = STR_NULL;
	const char *c;

	for (c = nqn; *c; c++) {
		if (*c == '%' || *c == '/' || (*c == '.' && c == nqn))
			str_addf(&name, "%%%02X", (unsigned int)(unsigned char)*c);
		else
			str_add_n(&name, c, 1);
	}
	str_add(&name, EXPORT_SUFFIX);
	if (name.failed || name.length >= size || name.length >= EXPORT_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(ret_name, name.text, name.length + 1);
	return 0;
}

static int file_name(const char *nqn, char *ret_name, size_t size, struct err *err)
{
	if (export_path_name(nqn, ret_name, size) == 0)
		return 0;
	return err_set(err, -ENAMETOOLONG, "%s: the name is too long to store the export", nqn);
}

int export_store(int dirfd, const char *nqn, const char *text, struct err *err)
{
	char name[EXPORT_NAME_MAX];
	int r = file_name(nqn, name, sizeof(name), err);

	if (r < 0)
		return r;
	r = fs_replace_file(dirfd, name, text, strlen(text), 0600);
	return r < 0 ? err_set(err, r, "storing export %s in %s: %s", nqn, name, strerror(-r)) : 0;
}

int export_unlink(int dirfd, const char *nqn, struct err *err)
{
	char name[EXPORT_NAME_MAX];
	int r = file_name(nqn, name, sizeof(name), err);

	if (r < 0)
		return r;
	if (unlinkat(dirfd, name, 0) < 0)
		return err_set(err, -errno, "removing %s of export %s: %s", name, nqn,
			       strerror(errno));
	return 0;
}

/* Read and parse the file @name. */
static int load_file(int dirfd, const char *dirname, const char *name, struct model_object **ret,
		     struct err *err)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *origin = NULL;
	size_t length;
	int r;

	if (asprintf(&origin, "%s/%s", dirname, name) < 0) {
		origin = NULL;
		return err_nomem(err);
	}
	r = fs_read_file(dirfd, name, EXPORT_FILE_MAX, &text, &length);
	if (r < 0)
		return err_set(err, r, "%s: %s", origin, strerror(-r));
	return export_parse(text, length, origin, ret, err);
}

/* The name of the export in a root that export_parse made. */
static const char *nqn_of(const struct model_object *root)
{
	size_t i = 0;

	return model_next(root, MODEL_SUBSYSTEM, &i)->name;
}

int export_load_one(int dirfd, const char *dirname, const char *nqn,
		    struct model_object **ret_wanted, struct err *err)
{
	char name[EXPORT_NAME_MAX];
	CLEANUP_MODEL struct model_object *root = NULL;
	int r = file_name(nqn, name, sizeof(name), err);

	if (r == 0)
		r = load_file(dirfd, dirname, name, &root, err);
	if (r < 0)
		return r;
	if (strcmp(nqn_of(root), nqn) != 0)
		return err_set(err, -EINVAL,
			       "%s/%s is the file of export %s, but has nqn = \"%s\": put its name "
			       "right, or the file's",
			       dirname, name, nqn, nqn_of(root));
	*ret_wanted = TAKE_PTR(root);
	return 0;
}

/* --- the directory */

void export_list_deinit(struct export_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++) {
		free(list->items[i].file);
		free(list->items[i].nqn);
		free(list->items[i].error);
		model_free(list->items[i].wanted);
	}
	free(list->items);
	*list = EXPORT_LIST_NULL;
}

static int is_export_file(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	size_t suffix = strlen(EXPORT_SUFFIX);

	return entry->d_name[0] != '.' && length > suffix &&
	       strcmp(entry->d_name + length - suffix, EXPORT_SUFFIX) == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static const struct export_item *find_item(const struct export_list *list, const char *nqn)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (list->items[i].nqn && strcmp(list->items[i].nqn, nqn) == 0)
			return &list->items[i];
	return NULL;
}

/* Load into @item what is one of its kind; -ENOMEM only is returned for the whole list. */
static int load_item(int dirfd, const char *dirname, const struct export_list *list,
		     struct export_item *item)
{
	CLEANUP_MODEL struct model_object *root = NULL;
	const struct export_item *other;
	struct err err = ERR_NULL;

	item->code = load_file(dirfd, dirname, item->file, &root, &err);
	other = item->code == 0 ? find_item(list, nqn_of(root)) : NULL;
	if (other)
		item->code = err_set(&err, -EEXIST, "%s/%s: export %s is in %s already: remove one",
				     dirname, item->file, nqn_of(root), other->file);
	if (item->code < 0) {
		item->error = strdup(err.text);
		return item->error && item->code != -ENOMEM ? 0 : -ENOMEM;
	}
	item->nqn = strdup(nqn_of(root));
	item->wanted = TAKE_PTR(root);
	return item->nqn ? 0 : -ENOMEM;
}

static int load_entries(int dirfd, const char *dirname, struct dirent **entries, size_t count,
			struct export_list *list)
{
	size_t i;
	int r = 0;

	list->items = calloc(count ? count : 1, sizeof(*list->items));
	if (!list->items)
		return -ENOMEM;
	for (i = 0; r == 0 && i < count; i++) {
		struct export_item *item = &list->items[i];

		item->file = strdup(entries[i]->d_name);
		r = item->file ? load_item(dirfd, dirname, list, item) : -ENOMEM;
		list->n_broken += item->error != NULL;
		list->count++;
	}
	return r;
}

int export_load_dir(int dirfd, const char *dirname, struct export_list *ret, struct err *err)
{
	struct export_list list = EXPORT_LIST_NULL;
	struct dirent **entries = NULL;
	int count = scandirat(dirfd, ".", &entries, is_export_file, by_bytes);
	int i;
	int r;

	if (count < 0)
		return err_set(err, -errno, "%s: %s", dirname, strerror(errno));
	r = load_entries(dirfd, dirname, entries, (size_t)count, &list);
	for (i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	if (r < 0) {
		export_list_deinit(&list);
		return err_nomem(err);
	}
	*ret = list;
	return 0;
}

int export_list_add(struct export_list *list, const struct export_item *item)
{
	struct export_item *items = realloc(list->items, (list->count + 1) * sizeof(*list->items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count++] = *item;
	return 0;
}

bool export_list_has(const struct export_list *list, const char *nqn)
{
	size_t i;

	for (i = 0; nqn && i < list->count; i++)
		if (list->items[i].nqn && strcmp(list->items[i].nqn, nqn) == 0)
			return true;
	return false;
}
