/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * look - what a reading verb looks at: what is there, whose it is, and what is wanted.
 *
 * What is there comes from the kernel, whether a daemon runs or not. What is wanted, and how it
 * goes with that, says the daemon; without one it is read from the files and only compared.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "initiator/ctl.h"
#include "initiator/inventory.h"
#include "initiator/owner.h"
#include "initiator/tid.h"
#include "nvmf/host.h"

#define LOOK_WORD_MAX 16

/* One wanted connection. */
struct look_wanted {
	struct tid tid;
	char source[LOOK_WORD_MAX]; /* conf, command, collector, boot */
	/* of the daemon, or "" and 0 */
	char state[LOOK_WORD_MAX]; /* up, lost, probing, .. */
	char *why;		   /* why it is not up; "" */
	int64_t next_ms;	   /* wall clock of the next attempt; 0 none */
	int64_t attempts;
};

/* Beside a controller of the inventory. */
struct look_controller {
	char owner[OWNER_MAX]; /* "" nobody */
	int64_t since_ms;      /* of the daemon; 0 not known */
	int64_t lost_for_ms;   /* 0 never, or not known */
	char *cause;	       /* "" */
};

struct look {
	struct inventory *inventory;
	struct look_controller *controllers; /* one for each of the inventory's */
	struct look_wanted *wanted;
	size_t n_wanted;
	struct host_identity host; /* empty if this host has no name */
	bool has_daemon;
	int daemon_code; /* why it did not answer: client_is_absent, -EACCES, others */
	bool is_partial; /* not all that is wanted could be read: not root */
	int64_t now_ms;	 /* wall clock */
};

#define LOOK_NULL ((struct look){ 0 })

/* Returns: 0; -ENOMEM; other negative errno. */
int look_read(struct ctl *ctl, struct look *ret, struct err *err);
void look_deinit(struct look *look);
#define CLEANUP_LOOK __attribute__((cleanup(look_deinit)))

/* Add a wanted connection; a second one of that tid changes nothing. Returns: it, borrowed until
 * the next; NULL out of memory. */
struct look_wanted *look_add_wanted(struct look *look, const struct tid *tid, const char *source);

/* Borrowed; NULL if nobody here wants it. */
const struct look_wanted *look_find_wanted(const struct look *look,
					   const struct inventory_controller *controller);

/* What stands beside a controller of the inventory. */
const struct look_controller *look_beside(const struct look *look,
					  const struct inventory_controller *controller);

/* What a word of the command line stands for. */
enum look_meant {
	LOOK_NOTHING,
	LOOK_CONTROLLER, /* nvmeN, /dev/nvmeN */
	LOOK_DEVICE,	 /* nvmeXnY, or a path that leads to it: all its paths */
	LOOK_NQN,	 /* all of a subsystem; also one that is only wanted */
};

struct look_target {
	enum look_meant meant;
	const char *nqn;	       /* of the subsystem, borrowed from the look */
	char name[INVENTORY_NAME_MAX]; /* nvmeN, nvmeXnY; "" of LOOK_NQN */
};

/* Returns: what is meant; @ret is filled but for LOOK_NOTHING. */
enum look_meant look_find(const struct look *look, const char *word, struct look_target *ret);

/* Is a controller (a device) of that name and subsystem meant? Of LOOK_CONTROLLER no device is, and
 * the other way around. */
bool look_means(const struct look_target *target, enum look_meant kind, const char *name,
		const char *nqn);

/* -ENOENT with names that are like it. Returns: -ENOENT. */
int look_unknown(const struct look *look, const char *word, struct err *err);
