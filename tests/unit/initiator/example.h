/* SPDX-License-Identifier: BSD-3-Clause */
/* example - a host with two subsystems, made by hand: what the views are tried on. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "initiator/look.h"

#define EXAMPLE_HOST "nqn.2014-08.org.nvmexpress:uuid:46118d08-6699-466c-b700-06eb5712c297"
#define EXAMPLE_NOW 1000000

struct example {
	struct inventory inventory;
	struct inventory_controller controllers[4];
	struct look_controller beside[4];
	struct inventory_device devices[3];
	struct inventory_path paths[4];
	struct inventory_use uses[3];
	struct look look;
};

static inline struct tid example_tid(const char *transport, const char *address, const char *nqn)
{
	struct tid_parts parts = { .transport = transport, .traddr = address, .nqn = nqn };
	struct tid tid;

	if (tid_make(&parts, &tid, NULL) < 0)
		abort();
	return tid;
}

static inline void example_controller(struct example *e, const char *name, struct tid tid,
				      const char *state, const char *subsystem)
{
	size_t i = e->inventory.n_controllers++;
	struct inventory_controller *controller = &e->controllers[i];

	*controller = (struct inventory_controller){
		.tid = tid,
		.instance = (unsigned int)i,
		.cntlid = 1 + (int64_t)i,
		.ctrl_loss_tmo = 600,
		.reconnect_delay = 10,
		.fast_io_fail_tmo = -1,
		.reconnects = INVENTORY_UNKNOWN,
		.resets = INVENTORY_UNKNOWN,
		.queue_count = 3,
	};
	snprintf(controller->name, sizeof(controller->name), "%s", name);
	snprintf(controller->state, sizeof(controller->state), "%s", state);
	snprintf(controller->type, sizeof(controller->type), "io");
	snprintf(controller->subsystem, sizeof(controller->subsystem), "%s", subsystem);
	snprintf(controller->tid.hostnqn, sizeof(controller->tid.hostnqn), EXAMPLE_HOST);
	e->beside[i] = (struct look_controller){ .owner = "sunfish", .cause = strdup("") };
}

static inline struct inventory_device *example_device(struct example *e, const char *name,
						      const char *nqn, uint32_t nsid)
{
	struct inventory_device *device = &e->devices[e->inventory.n_devices++];

	*device = (struct inventory_device){ .nsid = nsid, .size_bytes = 64 << 20 };
	snprintf(device->name, sizeof(device->name), "%s", name);
	snprintf(device->nqn, sizeof(device->nqn), "%s", nqn);
	snprintf(device->iopolicy, sizeof(device->iopolicy), "numa");
	snprintf(device->uuid, sizeof(device->uuid), "3f9b0b52-8d6e-4c0a-9a41-6b2f7f3c1e14");
	return device;
}

static inline void example_path(struct inventory_path *path, const char *controller,
				const char *ana_state)
{
	snprintf(path->controller, sizeof(path->controller), "%s", controller);
	snprintf(path->ana_state, sizeof(path->ana_state), "%s", ana_state);
}

/* blake14: a live path, a lost one, one that is wanted and missing; two devices, one in use.
 * scratch: one live path that somebody else made, without a device. */
static inline void example_fill(struct example *e)
{
	struct tid missing = example_tid("rdma", "10.103.46.14", "blake14");
	struct tid first = example_tid("tcp", "10.101.46.14", "blake14");
	struct inventory_device *device;

	*e = (struct example){ .inventory.controllers = e->controllers,
			       .inventory.devices = e->devices };
	example_controller(e, "nvme0", first, "live", "nvme-subsys0");
	example_controller(e, "nvme1", example_tid("tcp", "fe80::1%lo", "blake14"), "connecting",
			   "nvme-subsys0");
	example_controller(e, "nvme2", example_tid("tcp", "10.101.46.15", "scratch"), "live",
			   "nvme-subsys2");
	e->beside[1].since_ms = EXAMPLE_NOW - 12300;
	free(e->beside[1].cause);
	e->beside[1].cause = strdup("keep-alive timeout");
	snprintf(e->beside[2].owner, sizeof(e->beside[2].owner), "stas");
	device = example_device(e, "nvme0n1", "blake14", 1);
	example_path(&e->paths[0], "nvme0", "optimized");
	example_path(&e->paths[1], "nvme1", "non-optimized");
	device->paths = e->paths;
	device->n_paths = 2;
	e->uses[0] = (struct inventory_use){ INVENTORY_MOUNT, (char *)"/mnt/a" };
	e->uses[1] = (struct inventory_use){ INVENTORY_HOLDER, (char *)"dm-3" };
	device->uses = e->uses;
	device->n_uses = 2;
	device = example_device(e, "nvme0n2", "blake14", 7);
	example_path(&e->paths[2], "nvme0", "inaccessible");
	device->paths = &e->paths[2];
	device->n_paths = 1;
	e->look = (struct look){ .inventory = &e->inventory,
				 .controllers = e->beside,
				 .now_ms = EXAMPLE_NOW };
	snprintf(e->look.host.hostnqn, sizeof(e->look.host.hostnqn), EXAMPLE_HOST);
	look_add_wanted(&e->look, &first, "command");
	look_add_wanted(&e->look, &missing, "conf");
}

static inline void example_free(struct example *e)
{
	size_t i;

	for (i = 0; i < e->inventory.n_controllers; i++)
		free(e->beside[i].cause);
	for (i = 0; i < e->look.n_wanted; i++)
		free(e->look.wanted[i].why);
	free(e->look.wanted);
}
