/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/wait.h"
#include "initiator/client.h"
#include "initiator/wanted-file.h"

#define DAEMON_MS 3000

void look_deinit(struct look *look)
{
	size_t i;

	for (i = 0; look->controllers && i < look->inventory->n_controllers; i++)
		free(look->controllers[i].cause);
	for (i = 0; i < look->n_wanted; i++)
		free(look->wanted[i].why);
	free(look->controllers);
	free(look->wanted);
	inventory_free(look->inventory);
	*look = LOOK_NULL;
}

struct look_wanted *look_add_wanted(struct look *look, const struct tid *tid, const char *source)
{
	struct look_wanted *wanted;
	size_t i;

	for (i = 0; i < look->n_wanted; i++)
		if (tid_equal(&look->wanted[i].tid, tid))
			return &look->wanted[i];
	wanted = realloc(look->wanted, (look->n_wanted + 1) * sizeof(*wanted));
	if (!wanted)
		return NULL;
	look->wanted = wanted;
	wanted += look->n_wanted;
	*wanted = (struct look_wanted){ .tid = *tid, .why = strdup("") };
	snprintf(wanted->source, sizeof(wanted->source), "%s", source);
	if (!wanted->why)
		return NULL;
	look->n_wanted++;
	return wanted;
}

/* --- from the files */

static int add_stored(void *data, const struct conf_connection *connection)
{
	return look_add_wanted(data, &connection->tid, "command") ? 0 : -ENOMEM;
}

static void warn_bad(void *data, const struct err *err)
{
	struct ctl *ctl = data;

	cli_warn(&ctl->cli, "%s; it is left out", err->text);
}

struct stored {
	struct ctl *ctl;
	struct look *look;
};

static int stored_add(void *data, const struct conf_connection *connection)
{
	struct stored *stored = data;

	return add_stored(stored->look, connection);
}

static void stored_bad(void *data, const struct err *err)
{
	struct stored *stored = data;

	warn_bad(stored->ctl, err);
}

static int read_stored(struct ctl *ctl, struct look *look, struct err *err)
{
	CLEANUP_FREE char *path = NULL;
	CLEANUP_CLOSE int fd = -1;
	struct stored stored = { ctl, look };

	if (asprintf(&path, "%s/" WANTED_FILE_DIR, ctl->state_path) < 0)
		return err_nomem(err);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		look->is_partial = errno == EACCES;
		return 0;
	}
	return wanted_file_each(fd, stored_add, stored_bad, &stored, err);
}

static int read_files(struct ctl *ctl, struct look *look, struct err *err)
{
	size_t i;

	for (i = 0; i < ctl->conf.n_connections; i++)
		if (!look_add_wanted(look, &ctl->conf.connections[i].tid, "conf"))
			return err_nomem(err);
	return read_stored(ctl, look, err);
}

/* --- from the daemon */

static void copy_word(char *ret, size_t size, const struct js *js)
{
	const char *text = js_text(js);

	snprintf(ret, size, "%s", text ? text : "");
}

static int replace_text(char **io, const struct js *js)
{
	const char *text = js_text(js);
	char *copy = strdup(text ? text : "");

	if (!copy)
		return -ENOMEM;
	free(*io);
	*io = copy;
	return 0;
}

static int take_connection(struct look *look, const struct js *object)
{
	const char *id = js_text(js_get(object, "id"));
	const char *source = js_text(js_get(object, "source"));
	const struct js *counters = js_get(object, "counters");
	struct look_wanted *wanted;
	struct tid tid;

	if (!id || tid_parse(id, &tid, NULL) < 0)
		return 0;
	wanted = look_add_wanted(look, &tid, source ? source : "");
	if (!wanted)
		return -ENOMEM;
	copy_word(wanted->state, sizeof(wanted->state), js_get(object, "state"));
	wanted->next_ms = js_number(js_get(counters, "next_ms"), 0);
	wanted->attempts = js_number(js_get(counters, "attempts"), 0);
	return replace_text(&wanted->why, js_get(object, "error"));
}

static int take_controller(struct look *look, const struct js *object)
{
	const char *id = js_text(js_get(object, "id"));
	const struct inventory_controller *controller =
		id ? inventory_find(look->inventory, id) : NULL;
	struct look_controller *beside;

	if (!controller)
		return 0;
	beside = &look->controllers[controller - look->inventory->controllers];
	beside->since_ms = js_number(js_get(object, "since"), 0);
	beside->lost_for_ms = js_number(js_get(object, "lost_for_ms"), 0);
	return replace_text(&beside->cause, js_get(object, "cause"));
}

static int take_objects(struct look *look, const struct js *objects)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < js_length(objects); i++) {
		const struct js *object = js_at(objects, i);
		const char *kind = js_text(js_get(object, "kind"));

		if (kind && strcmp(kind, "connection") == 0)
			r = take_connection(look, object);
		if (kind && strcmp(kind, "controller") == 0)
			r = take_controller(look, object);
	}
	return r;
}

/* Returns: 0; -ENOENT no daemon answers; -ENOMEM. */
static int read_daemon(struct ctl *ctl, struct look *look)
{
	CLEANUP_JS struct js *result = NULL;
	struct err err = ERR_NULL;
	int r = client_ask(ctl->socket_path, REQUEST_LIST, wait_deadline(DAEMON_MS), &result, &err);

	if (r < 0 && !client_is_absent(r) && r != -EACCES)
		cli_warn(&ctl->cli,
			 "nvme-sunfishd does not answer: %s; what is wanted is read from files",
			 err.text);
	look->daemon_code = r;
	if (r < 0)
		return -ENOENT;
	look->has_daemon = true;
	return take_objects(look, js_get(result, "objects"));
}

/* --- both */

static int read_owners(struct ctl *ctl, struct look *look, struct err *err)
{
	const struct inventory *inventory = look->inventory;
	size_t i;

	look->controllers = calloc(inventory->n_controllers + 1, sizeof(*look->controllers));
	for (i = 0; look->controllers && i < inventory->n_controllers; i++) {
		struct look_controller *beside = &look->controllers[i];

		beside->cause = strdup("");
		if (!beside->cause)
			return err_nomem(err);
		if (owner_read(ctl->dirs.run_fd, inventory->controllers[i].name, beside->owner,
			       NULL) < 0)
			beside->owner[0] = '\0';
	}
	return look->controllers ? 0 : err_nomem(err);
}

static int read_all(struct ctl *ctl, struct look *look, struct err *err)
{
	int r = inventory_read(ctl->dirs.sysfs_fd, ctl->dirs.proc_fd, &look->inventory, err);

	if (r == 0)
		r = read_owners(ctl, look, err);
	if (r < 0)
		return r;
	(void)ctl_identity(ctl, &look->host, NULL);
	look->now_ms = clock_wall_ms();
	r = read_daemon(ctl, look);
	if (r == -ENOMEM)
		return err_nomem(err);
	return r < 0 ? read_files(ctl, look, err) : 0;
}

int look_read(struct ctl *ctl, struct look *ret, struct err *err)
{
	CLEANUP_LOOK struct look look = LOOK_NULL;
	int r = read_all(ctl, &look, err);

	if (r < 0)
		return r;
	*ret = look;
	look = LOOK_NULL;
	return 0;
}

const struct look_wanted *look_find_wanted(const struct look *look,
					   const struct inventory_controller *controller)
{
	size_t i;

	for (i = 0; i < look->n_wanted; i++)
		if (tid_is_met_by(&look->wanted[i].tid, &controller->tid, look->host.hostnqn))
			return &look->wanted[i];
	return NULL;
}

const struct look_controller *look_beside(const struct look *look,
					  const struct inventory_controller *controller)
{
	return &look->controllers[controller - look->inventory->controllers];
}

/* --- names */

static const struct inventory_device *find_device(const struct look *look, const char *name)
{
	size_t i;

	for (i = 0; i < look->inventory->n_devices; i++)
		if (strcmp(look->inventory->devices[i].name, name) == 0)
			return &look->inventory->devices[i];
	return NULL;
}

static const char *find_nqn(const struct look *look, const char *nqn)
{
	const struct inventory *inventory = look->inventory;
	size_t i;

	for (i = 0; i < inventory->n_controllers; i++)
		if (strcmp(inventory->controllers[i].tid.nqn, nqn) == 0)
			return inventory->controllers[i].tid.nqn;
	for (i = 0; i < look->n_wanted; i++)
		if (strcmp(look->wanted[i].tid.nqn, nqn) == 0)
			return look->wanted[i].tid.nqn;
	return NULL;
}

/* The name of a node, also behind links such as /dev/disk/by-nvmeof/.. */
static void name_of(const char *word, char ret[INVENTORY_NAME_MAX])
{
	CLEANUP_FREE char *path = word[0] == '/' ? realpath(word, NULL) : NULL;

	word = path ? path : word;
	word = strncmp(word, "/dev/", 5) == 0 ? word + 5 : word;
	ret[0] = '\0';
	if (strlen(word) < INVENTORY_NAME_MAX)
		memcpy(ret, word, strlen(word) + 1);
}

enum look_meant look_find(const struct look *look, const char *word, struct look_target *ret)
{
	const struct inventory_controller *controller;
	const struct inventory_device *device;

	*ret = (struct look_target){ .nqn = find_nqn(look, word) };
	if (ret->nqn)
		return ret->meant = LOOK_NQN;
	name_of(word, ret->name);
	controller = inventory_find(look->inventory, ret->name);
	device = find_device(look, ret->name);
	if (controller) {
		ret->nqn = controller->tid.nqn;
		return ret->meant = LOOK_CONTROLLER;
	}
	if (device) {
		ret->nqn = device->nqn;
		return ret->meant = LOOK_DEVICE;
	}
	return LOOK_NOTHING;
}

bool look_means(const struct look_target *target, enum look_meant kind, const char *name,
		const char *nqn)
{
	if (target->meant == LOOK_NQN)
		return strcmp(target->nqn, nqn) == 0;
	return target->meant == kind && strcmp(target->name, name) == 0;
}

static void add_near(const struct look *look, const char *word, struct str *text)
{
	const struct inventory *inventory = look->inventory;
	size_t max = inventory->n_controllers + look->n_wanted;
	CLEANUP_FREE const char **names = calloc(max + 1, sizeof(*names));
	size_t n = 0;
	size_t i;
	size_t j;

	for (i = 0; names && i < max; i++) {
		size_t k = i - inventory->n_controllers;
		const char *nqn = i < inventory->n_controllers ? inventory->controllers[i].tid.nqn
							       : look->wanted[k].tid.nqn;

		for (j = 0; j < n && strcmp(names[j], nqn) != 0;)
			j++;
		if (j == n)
			names[n++] = nqn;
	}
	if (names)
		str_add_near(text, word, names, n);
}

int look_unknown(const struct look *look, const char *word, struct err *err)
{
	CLEANUP_STR struct str near = STR_NULL;

	if (strncmp(word, "/dev/", 5) == 0)
		return err_set(err, -ENOENT,
			       "%s is no device of NVMe over Fabrics on this host; see: "
			       "nvme-sunfishctl list",
			       word);
	add_near(look, word, &near);
	if (near.length)
		return err_set(err, -ENOENT, "nothing here is called %s: did you mean %s?", word,
			       str_get(&near));
	return err_set(err, -ENOENT, "nothing here is called %s; see: nvme-sunfishctl list", word);
}
