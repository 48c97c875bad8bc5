/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * track - since when each controller is as it is: losses, how long they took, and flaps.
 *
 * The kernel tells nobody when a connection is lost, only when it is back; so states are compared
 * from look to look. No input, output or clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "initiator/inventory.h"

#define TRACK_CAUSE_MAX 256

struct track_entry {
	char name[INVENTORY_NAME_MAX];
	struct tid tid;
	char state[INVENTORY_STATE_MAX];
	int64_t since_wall_ms; /* of that state */
	int64_t lost_ms;       /* since when it is lost; 0 it is not */
	int64_t lost_for_ms;   /* the last time; 0 never */
	int64_t losses;
	int64_t reconnects; /* the kernel's counter; INVENTORY_UNKNOWN */
	char cause[TRACK_CAUSE_MAX];
	bool was_live;
	bool told_connected; /* the kernel's event for its being live has come */
	bool told_early;     /* and that before it was seen */
	bool seen;
	int state_fd; /* the user's: -1 none; closed when the entry goes */
};

struct track {
	struct track_entry *entries;
	size_t count;
};

#define TRACK_NULL ((struct track){ 0 })

enum track_change {
	TRACK_SAME,
	TRACK_ADDED,
	TRACK_STATE, /* another state that is no loss */
	TRACK_UP,    /* live for the first time */
	TRACK_LOST,
	TRACK_BACK, /* live again; lost_for_ms says after how long */
	TRACK_FLAP, /* it was lost and came back between two looks */
	TRACK_GONE,
};

/* A text for the cause of a loss, such as the kernel's; "" not known. */
typedef const char *(*track_hint_fn)(void *data, const char *controller);
/* Told of each change but TRACK_SAME. */
typedef void (*track_fn)(void *data, enum track_change change, const struct track_entry *entry);

struct track_hooks {
	track_fn change;
	track_hint_fn hint;
	void *data;
};

/* Compare with what is there now. @now  monotonic. Returns: 0; -ENOMEM. */
int track_look(struct track *track, const struct inventory *inventory, int64_t now, int64_t wall_ms,
	       const struct track_hooks *hooks);

/* The kernel says that a controller is connected (NVME_EVENT=connected). A look is to follow. */
void track_connected(struct track *track, const char *name, const struct track_hooks *hooks);

struct track_entry *track_find(const struct track *track, const char *name);
void track_deinit(struct track *track);
