/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/view.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "nvmf/addr.h"

/* --- small texts */

void view_address(const struct tid *tid, struct str *text)
{
	char address[ADDR_TEXT_MAX];
	bool is_ip = strcmp(tid->transport, "tcp") == 0 || strcmp(tid->transport, "rdma") == 0;

	str_add_clean(text, tid->transport);
	if (!*tid->traddr)
		return;
	str_add(text, " ");
	/* nn-0x..:pn-0x.. is no IPv6 address */
	str_add_clean(text,
		      is_ip ? addr_format_parts(tid->traddr, tid->trsvcid, address) : tid->traddr);
}

static const char *use_word(enum inventory_use_kind kind)
{
	switch (kind) {
	case INVENTORY_MOUNT:
		return "";
	case INVENTORY_SWAP:
		return "swap ";
	case INVENTORY_HOLDER:
		return "held by ";
	}
	return "";
}

void view_uses(const struct inventory_device *device, struct str *text)
{
	size_t i;

	for (i = 0; i < device->n_uses; i++) {
		str_add(text, i ? ", " : "");
		str_add(text, use_word(device->uses[i].kind));
		str_add_clean(text, device->uses[i].text);
	}
}

static enum table_tint tint_of_state(const char *state)
{
	if (strcmp(state, "live") == 0)
		return TABLE_GOOD;
	return strcmp(state, "connecting") == 0 || strcmp(state, "resetting") == 0 ||
			       strcmp(state, "new") == 0
		       ? TABLE_WARN
		       : TABLE_BAD;
}

static const char *path_state(const struct paths_path *path)
{
	if (path->controller)
		return *path->controller->state ? path->controller->state : "unknown";
	return *path->wanted->state && strcmp(path->wanted->state, "up") != 0 ? path->wanted->state
									      : "missing";
}

static const struct tid *path_tid(const struct paths_path *path)
{
	return path->controller ? &path->controller->tid : &path->wanted->tid;
}

static void add_address_cell(const struct tid *tid, struct table *table)
{
	CLEANUP_STR struct str text = STR_NULL;

	view_address(tid, &text);
	table_add(table, str_get(&text));
	table->failed = table->failed || text.failed;
}

static void add_uses_cell(const struct inventory_device *device, struct table *table)
{
	CLEANUP_STR struct str text = STR_NULL;

	view_uses(device, &text);
	table_add(table, str_get(&text));
	table->failed = table->failed || text.failed;
}

static void add_header(struct table *table, const char *const *names)
{
	for (; *names; names++)
		table_add(table, *names);
}

/* --- list */

static void add_count(const struct paths_group *group, struct table *table)
{
	char text[48];

	if (!group) {
		table_add(table, "");
		return;
	}
	snprintf(text, sizeof(text), "%zu of %zu", group->n_live, group->n_paths);
	table_add_tinted(table,
			 group->n_live == group->n_paths ? TABLE_GOOD
			 : group->n_live		 ? TABLE_WARN
							 : TABLE_BAD,
			 text);
}

void view_devices(const struct look *look, const struct paths *paths, struct table *table)
{
	static const char *const names[] = { "DEVICE", "NQN",	  "NSID", "SIZE",
					     "PATHS",  "USED BY", NULL };
	char size[STR_SIZE_MAX];
	size_t i;

	add_header(table, names);
	for (i = 0; i < look->inventory->n_devices; i++) {
		const struct inventory_device *device = &look->inventory->devices[i];

		table_addf(table, "/dev/%s", device->name);
		table_add(table, device->nqn);
		table_addf(table, "%u", device->nsid);
		table_add(table, str_format_size(device->size_bytes, size));
		add_count(paths_find(paths, device->nqn), table);
		add_uses_cell(device, table);
	}
}

void view_controllers(const struct look *look, struct table *table)
{
	static const char *const names[] = {
		"CONTROLLER", "NQN", "ADDRESS", "STATE", "OWNER", NULL
	};
	size_t i;

	add_header(table, names);
	for (i = 0; i < look->inventory->n_controllers; i++) {
		const struct inventory_controller *controller = &look->inventory->controllers[i];

		table_add(table, controller->name);
		table_add(table, controller->tid.nqn);
		add_address_cell(&controller->tid, table);
		table_add_tinted(table, tint_of_state(controller->state), controller->state);
		table_add(table, look_beside(look, controller)->owner);
	}
}

/* --- paths */

void view_heading(const struct paths_group *group, bool colours, struct str *text)
{
	CLEANUP_STR struct str nqn = STR_NULL;

	str_add_clean(&nqn, group->nqn);
	table_tint(text, colours, TABLE_STRONG, str_get(&nqn));
	str_add(text, "  ");
	if (*group->subsystem)
		str_addf(text, "%s, ", group->subsystem);
	if (*group->iopolicy) {
		str_add(text, "iopolicy ");
		str_add_clean(text, group->iopolicy);
		str_add(text, ", ");
	}
	str_addf(text, "%zu of %zu path%s up\n", group->n_live, group->n_paths,
		 group->n_paths == 1 ? "" : "s");
}

static void add_path_row(const struct paths_path *path, const struct inventory_device *device,
			 struct table *table)
{
	const struct inventory_path *way =
		device && path->controller ? paths_of_device(device, path->controller) : NULL;

	add_address_cell(path_tid(path), table);
	table_add(table, path->controller ? path->controller->name : "");
	table_add_tinted(table, tint_of_state(path_state(path)), path_state(path));
	table_add(table, path->wanted ? path->wanted->source : "");
	table_add(table, way ? device->name : "");
	table_add(table, way ? way->ana_state : "");
}

void view_paths(const struct look *look, const struct paths_group *group, struct table *table)
{
	static const char *const names[] = { "PATH",   "CONTROLLER", "STATE", "WANTED BY",
					     "DEVICE", "ANA STATE",  NULL };
	const struct inventory *inventory = look->inventory;
	size_t i;
	size_t j;

	add_header(table, names);
	for (i = 0; i < group->n_paths; i++) {
		const struct paths_path *path = &group->paths[i];
		bool any = false;

		for (j = 0; path->controller && j < inventory->n_devices; j++) {
			if (!paths_of_device(&inventory->devices[j], path->controller))
				continue;
			add_path_row(path, &inventory->devices[j], table);
			any = true;
		}
		if (!any)
			add_path_row(path, NULL, table);
	}
}

void view_group_devices(const struct look *look, const struct paths_group *group,
			struct table *table)
{
	static const char *const names[] = { "DEVICE", "NSID", "SIZE", "USED BY", NULL };
	char size[STR_SIZE_MAX];
	size_t i;

	add_header(table, names);
	for (i = 0; i < look->inventory->n_devices; i++) {
		const struct inventory_device *device = &look->inventory->devices[i];

		if (strcmp(device->nqn, group->nqn) != 0)
			continue;
		table_addf(table, "/dev/%s", device->name);
		table_addf(table, "%u", device->nsid);
		table_add(table, str_format_size(device->size_bytes, size));
		add_uses_cell(device, table);
	}
}

/* ", since 12.3 s: the cause" */
static void add_lost(const struct look *look, const struct look_controller *beside,
		     struct str *text)
{
	char span[CLOCK_TEXT_MAX];

	if (beside->since_ms && look->now_ms > beside->since_ms)
		str_addf(text, " for %s", clock_format_span(look->now_ms - beside->since_ms, span));
	if (*beside->cause) {
		str_add(text, ": ");
		str_add_clean(text, beside->cause);
	}
}

static void add_missing(const struct look *look, const struct look_wanted *wanted, struct str *text)
{
	char span[CLOCK_TEXT_MAX];

	str_addf(text, "%s", *wanted->state ? wanted->state : "missing");
	if (*wanted->why) {
		str_add(text, ": ");
		str_add_clean(text, wanted->why);
	} else if (!look->has_daemon) {
		str_add(text, ": nvme-sunfishd does not run, so nobody connects it again");
	}
	if (wanted->next_ms > look->now_ms)
		str_addf(text, "; next attempt in %s",
			 clock_format_span(wanted->next_ms - look->now_ms, span));
}

static bool needs_reason(const struct paths_path *path)
{
	return !path->controller || !paths_is_live(path->controller);
}

static void add_reason(const struct look *look, const struct paths_path *path, struct str *text)
{
	if (!path->controller) {
		add_missing(look, path->wanted, text);
		return;
	}
	str_add_clean(text, path_state(path));
	add_lost(look, look_beside(look, path->controller), text);
}

void view_whys(const struct look *look, const struct paths_group *group, struct str *text)
{
	size_t i;

	for (i = 0; i < group->n_paths; i++) {
		const struct paths_path *path = &group->paths[i];

		if (!needs_reason(path))
			continue;
		str_add(text, "  ");
		view_address(path_tid(path), text);
		str_add(text, " is ");
		add_reason(look, path, text);
		str_add(text, "\n");
	}
}

/* --- show */

static void begin_line(const char *name, struct str *text)
{
	str_addf(text, "  %-17s ", name);
}

static void add_line(const char *name, const char *value, struct str *text)
{
	if (!*value)
		return;
	begin_line(name, text);
	str_add_clean(text, value);
	str_add(text, "\n");
}

static void add_seconds(const char *name, int64_t seconds, struct str *text)
{
	if (seconds == INVENTORY_UNKNOWN)
		return;
	begin_line(name, text);
	if (seconds < 0)
		str_add(text, "never\n");
	else
		str_addf(text, "%lld s\n", (long long)seconds);
}

static void add_number(const char *name, int64_t value, struct str *text)
{
	if (value == INVENTORY_UNKNOWN)
		return;
	begin_line(name, text);
	str_addf(text, "%lld\n", (long long)value);
}

static void add_state_line(const struct look *look, const struct inventory_controller *controller,
			   struct str *text)
{
	begin_line("state", text);
	str_add_clean(text, *controller->state ? controller->state : "unknown");
	add_lost(look, look_beside(look, controller), text);
	str_add(text, "\n");
}

static void add_wanted_line(const struct look *look, const struct inventory_controller *controller,
			    struct str *text)
{
	const struct look_wanted *wanted = look_find_wanted(look, controller);

	if (!wanted && look->is_partial)
		return;
	begin_line("wanted by", text);
	str_add_clean(text, wanted ? wanted->source : "nobody here");
	str_add(text, "\n");
}

void view_controller_block(const struct look *look, const struct inventory_controller *controller,
			   struct str *text)
{
	str_addf(text, "controller %s\n", controller->name);
	add_line("subsystem NQN", controller->tid.nqn, text);
	begin_line("address", text);
	view_address(&controller->tid, text);
	str_add(text, "\n");
	add_line("from", controller->src_addr, text);
	add_line("host address", controller->tid.host_traddr, text);
	add_line("host interface", controller->tid.host_iface, text);
	add_state_line(look, controller, text);
	add_line("type", controller->type, text);
	add_line("owner", look_beside(look, controller)->owner, text);
	add_wanted_line(look, controller, text);
	add_line("host NQN", controller->tid.hostnqn, text);
	add_line("host id", controller->hostid, text);
	add_number("controller id", controller->cntlid, text);
	add_number("queues", controller->queue_count, text);
	add_seconds("ctrl_loss_tmo", controller->ctrl_loss_tmo, text);
	add_seconds("reconnect_delay", controller->reconnect_delay, text);
	add_seconds("fast_io_fail_tmo", controller->fast_io_fail_tmo, text);
	add_number("reconnects", controller->reconnects, text);
	add_number("resets", controller->resets, text);
}

void view_device_block(const struct inventory_device *device, struct str *text)
{
	CLEANUP_STR struct str uses = STR_NULL;
	char size[STR_SIZE_MAX];
	size_t i;

	str_addf(text, "device /dev/%s\n", device->name);
	add_line("subsystem NQN", device->nqn, text);
	add_number("namespace", device->nsid, text);
	add_line("size", str_format_size(device->size_bytes, size), text);
	add_line("uuid", device->uuid, text);
	add_line("nguid", device->nguid, text);
	add_line("wwid", device->wwid, text);
	add_line("iopolicy", device->iopolicy, text);
	for (i = 0; i < device->n_paths; i++) {
		begin_line("path", text);
		str_add_clean(text, device->paths[i].controller);
		str_add(text, *device->paths[i].ana_state ? " " : "");
		str_add_clean(text, device->paths[i].ana_state);
		str_add(text, "\n");
	}
	view_uses(device, &uses);
	add_line("used by", uses.length ? str_get(&uses) : "nobody", text);
	text->failed = text->failed || uses.failed;
}
