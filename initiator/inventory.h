/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inventory - what fabrics controllers, paths and devices this host has right now.
 *
 * Read from sysfs and /proc; nothing is kept between calls. Local drives (PCIe) are left out.
 * Controllers come and go while it reads: what is gone half-way is left out as well.
 *
 * Source: drivers/nvme/host/sysfs.c, multipath.c; proc(5) mountinfo.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "initiator/tid.h"

#define INVENTORY_NAME_MAX 32
#define INVENTORY_STATE_MAX 24
#define INVENTORY_UNKNOWN INT64_MIN

struct inventory_controller {
	char name[INVENTORY_NAME_MAX]; /* nvmeN */
	unsigned int instance;
	struct tid tid; /* with hostnqn */
	char hostid[40];
	char src_addr[TID_ADDRESS_MAX];	    /* "" before Linux 6.1 */
	char state[INVENTORY_STATE_MAX];    /* live, connecting, .. "" not readable */
	char type[12];			    /* io, discovery, admin; "" not known */
	char subsystem[INVENTORY_NAME_MAX]; /* nvme-subsysN; "" not yet */
	int64_t cntlid;			    /* each INVENTORY_UNKNOWN if there is none */
	int64_t ctrl_loss_tmo, reconnect_delay, fast_io_fail_tmo; /* seconds; -1 off */
	int64_t reconnects, resets;				  /* of diag/, Linux 7 */
	int64_t queue_count;
};

/* One way to a device. */
struct inventory_path {
	char controller[INVENTORY_NAME_MAX];
	char ana_state[24]; /* optimized, .. ; "" without native multipath */
};

enum inventory_use_kind { INVENTORY_MOUNT, INVENTORY_SWAP, INVENTORY_HOLDER };

struct inventory_use {
	enum inventory_use_kind kind;
	char *text; /* mount point; swap's path; name of what holds it, dm-3 */
};

/* A namespace as a block device: the head of its paths. */
struct inventory_device {
	char name[INVENTORY_NAME_MAX];	    /* nvme0n1 */
	char subsystem[INVENTORY_NAME_MAX]; /* nvme-subsysN */
	char nqn[NQN_MAX + 1];
	char uuid[40], nguid[40], wwid[264];
	char iopolicy[16];
	uint32_t nsid;
	uint64_t size_bytes;
	dev_t device;
	struct inventory_path *paths;
	size_t n_paths;
	struct inventory_use *uses; /* also of its partitions and of what stands on it */
	size_t n_uses;
};

struct inventory {
	struct inventory_controller *controllers; /* by instance */
	size_t n_controllers;
	struct inventory_device *devices; /* by name */
	size_t n_devices;
};

/*
 * @sysfs_fd, @proc_fd  directories /sys and /proc
 * Returns: 0, *ret owned (without nvme modules it is empty); -ENOMEM; other negative errno.
 */
int inventory_read(int sysfs_fd, int proc_fd, struct inventory **ret, struct err *err);
void inventory_free(struct inventory *inventory);

static inline void inventory_free_p(struct inventory **inventory)
{
	inventory_free(*inventory);
}
#define CLEANUP_INVENTORY __attribute__((cleanup(inventory_free_p)))

/* Borrowed; NULL if there is none. */
const struct inventory_controller *inventory_find(const struct inventory *inventory,
						  const char *name);
/* The first controller that is what is wanted (tid_is_met_by), one that is not being deleted before
 * others; NULL if none. */
const struct inventory_controller *inventory_find_tid(const struct inventory *inventory,
						      const struct tid *wanted,
						      const char *default_hostnqn);

/*
 * What would lose its last path if @controller went? A device counts that is mounted, swapped on
 * or held by another, and has no other path over a live controller.
 * @why  gets one sentence for each such device
 * Returns: their number.
 */
size_t inventory_blockers(const struct inventory *inventory, const char *controller,
			  struct str *why);

/* --- the cheap look: one pread for each controller */

/* Open the state of a controller. Returns: a descriptor, owned; negative errno. */
int inventory_state_open(int sysfs_fd, const char *name);
/* Returns: 0, the kernel's word in @ret; -ENODEV the controller is gone; other negative errno. */
int inventory_state_read(int fd, char ret[INVENTORY_STATE_MAX]);
