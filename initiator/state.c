/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "core/modload.h"

struct putter {
	struct object_set *set;
	const struct inventory *inventory;
	state_memory_fn fn;
	void *data;
};

static void set_text(struct js *js, const char *key, const char *text)
{
	if (text && *text)
		js_set(js, key, js_string(text));
}

static void set_number(struct js *js, const char *key, int64_t number)
{
	if (number != INVENTORY_UNKNOWN)
		js_set(js, key, js_int(number));
}

static void set_memory(struct js *attrs, const struct state_memory *memory)
{
	if (memory->since_ms)
		js_set(attrs, "since", js_int(memory->since_ms));
	if (memory->lost_for_ms)
		js_set(attrs, "lost_for_ms", js_int(memory->lost_for_ms));
	set_text(attrs, "cause", memory->cause);
	set_text(attrs, "owner", memory->owner);
	js_set(attrs, "wanted", js_bool(memory->wanted));
}

static struct js *counters(const struct inventory_controller *c, const struct state_memory *memory)
{
	struct js *js = js_object();

	set_number(js, "reconnects", c->reconnects);
	set_number(js, "resets", c->resets);
	js_set(js, "losses", js_int(memory->flaps));
	return js;
}

static int put_controller(const struct putter *p, const struct inventory_controller *c,
			  struct err *err)
{
	struct js *attrs = js_object();
	struct state_memory memory = { .cause = "" };
	bool known = p->fn && p->fn(p->data, c, &memory);

	set_text(attrs, "nqn", c->tid.nqn);
	set_text(attrs, "type", c->type);
	set_text(attrs, "transport", c->tid.transport);
	set_text(attrs, "address", c->tid.traddr);
	set_text(attrs, "service", c->tid.trsvcid);
	set_text(attrs, "host_address", *c->src_addr ? c->src_addr : c->tid.host_traddr);
	set_text(attrs, "hostnqn", c->tid.hostnqn);
	set_number(attrs, "cntlid", c->cntlid);
	set_text(attrs, "state", c->state);
	if (known) {
		set_memory(attrs, &memory);
		js_set(attrs, "counters", counters(c, &memory));
	}
	return object_set_put(p->set, "controller", c->name, attrs, err);
}

static struct js *paths_of(const struct inventory *inventory, const struct inventory_device *d)
{
	struct js *paths = js_array();
	size_t i;

	for (i = 0; i < d->n_paths; i++) {
		const struct inventory_controller *c =
			inventory_find(inventory, d->paths[i].controller);
		struct js *path = js_object();

		set_text(path, "controller", d->paths[i].controller);
		set_text(path, "ana_state", d->paths[i].ana_state);
		set_text(path, "state", c ? c->state : NULL);
		js_append(paths, path);
	}
	return paths;
}

static struct js *uses_of(const struct inventory_device *d, bool mounts)
{
	struct js *uses = js_array();
	size_t i;

	for (i = 0; i < d->n_uses; i++)
		if ((d->uses[i].kind != INVENTORY_HOLDER) == mounts)
			js_append(uses,
				  js_string(d->uses[i].kind == INVENTORY_SWAP ? "swap"
									      : d->uses[i].text));
	return uses;
}

static int put_device(const struct putter *p, const struct inventory_device *d, struct err *err)
{
	struct js *attrs = js_object();
	char path[sizeof("/dev/") + INVENTORY_NAME_MAX];

	snprintf(path, sizeof(path), "/dev/%s", d->name);
	set_text(attrs, "nqn", d->nqn);
	js_set(attrs, "nsid", js_int(d->nsid));
	set_text(attrs, "uuid", d->uuid);
	set_text(attrs, "nguid", d->nguid);
	set_text(attrs, "wwid", d->wwid);
	js_set(attrs, "device", js_string(path));
	js_set(attrs, "size_bytes", js_int((int64_t)d->size_bytes));
	js_set(attrs, "mounts", uses_of(d, true));
	js_set(attrs, "holders", uses_of(d, false));
	js_set(attrs, "paths", paths_of(p->inventory, d));
	set_text(attrs, "iopolicy", d->iopolicy);
	return object_set_put(p->set, "device", d->name, attrs, err);
}

static int put_host(const struct putter *p, const struct host_identity *host, struct err *err)
{
	struct js *attrs = js_object();

	js_set(attrs, "hostnqn", js_string(host->hostnqn));
	set_text(attrs, "hostid", host->hostid);
	js_set(attrs, "default", js_bool(true));
	return object_set_put(p->set, "host", host->hostnqn, attrs, err);
}

int state_put(struct object_set *set, const struct inventory *inventory,
	      const struct host_identity *host, state_memory_fn fn, void *data, struct err *err)
{
	const struct putter p = { set, inventory, fn, data };
	size_t i;
	int r = host && *host->hostnqn ? put_host(&p, host, err) : 0;

	for (i = 0; r == 0 && i < inventory->n_controllers; i++)
		r = put_controller(&p, &inventory->controllers[i], err);
	for (i = 0; r == 0 && i < inventory->n_devices; i++)
		r = put_device(&p, &inventory->devices[i], err);
	return r;
}

int state_put_kernel(struct object_set *set, int sysfs_fd, const struct host_options *options,
		     struct err *err)
{
	static const char *const transports[] = { "tcp", "rdma", "fc", "loop" };
	static const char *const features[] = { "tls",	      "concat",	   "dhchap_secret",
						"host_iface", "discovery", "fast_io_fail_tmo" };
	struct js *attrs = js_object();
	struct js *have = js_array();
	struct js *can = js_array();
	struct utsname name;
	char module[32];
	size_t i;

	if (uname(&name) == 0)
		js_set(attrs, "release", js_string(name.release));
	for (i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
		snprintf(module, sizeof(module), "nvme-%s", transports[i]);
		if (modload_is_present(sysfs_fd, module))
			js_append(have, js_string(transports[i]));
	}
	for (i = 0; options && i < sizeof(features) / sizeof(features[0]); i++)
		if (host_options_has(options, features[i]))
			js_append(can, js_string(features[i]));
	js_set(attrs, "transports", have);
	js_set(attrs, "features", can);
	return object_set_put(set, "kernel", "nvme", attrs, err);
}
