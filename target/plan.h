/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plan - from what is wanted and what is there to the steps between.
 *
 * Pure: no input, no output, no clock. Steps are kernel calls on paths below nvmet, in an order
 * in which the kernel takes them and in which access is never wider than before and after:
 * first what cuts and narrows, then what removes, then what makes, and links of ports last, since
 * a link publishes everything at once. Each step has its inverse.
 *
 * Steps of the same lane stay in order; lanes that follow each other without a step of lane 0
 * between may run at the same time. Taking down enabled namespaces is what takes long in nvmet,
 * and directories of different subsystems do not wait for each other.
 *
 * Source: drivers/nvme/target/configfs.c; order and errors as measured on 6.1, 6.12 and 7.3.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"
#include "target/model.h"

enum plan_op {
	PLAN_MKDIR,
	PLAN_RMDIR,
	PLAN_WRITE,   /* value into the attribute; "" clears a key */
	PLAN_SYMLINK, /* value is the target, below nvmet */
	PLAN_UNLINK,
	PLAN_CHMOD,
};

enum {
	PLAN_SECRET = 1 << 0,	 /* the value is never shown */
	PLAN_CAN_HANG = 1 << 1,	 /* the kernel may wait for a drive or for hosts */
	PLAN_READ_BACK = 1 << 2, /* the kernel may answer success and do nothing */
	PLAN_IF_THERE = 1 << 3,	 /* ENOENT is fine: the kernel has no such attribute */
	PLAN_IF_UNUSED = 1 << 4, /* EBUSY is fine: others use it */
};

struct plan_action {
	enum plan_op op;
	unsigned int flags;
	mode_t mode;  /* of PLAN_CHMOD */
	char *path;   /* below nvmet */
	char *value;  /* of PLAN_WRITE and PLAN_SYMLINK, else NULL */
	char *source; /* the file a secret was read from; NULL if there is none */
};

struct plan_step {
	struct plan_action act;
	struct plan_action *undo; /* in the order in which they are to run */
	size_t n_undo;
	unsigned int lane; /* 0: alone */
	bool is_detail;	   /* part of making or removing an object: not told to a person */
	char *what;	   /* the object, as model_describe calls it */
};

/* All controllers that came through this port to this subsystem lose their connection. */
struct plan_cut {
	unsigned int port_id;
	char *nqn;
};

struct plan {
	struct plan_step *steps;
	size_t n_steps;
	struct plan_cut *cuts;
	size_t n_cuts;
};

#define PLAN_NULL ((struct plan){ 0 })

void plan_deinit(struct plan *plan);
#define CLEANUP_PLAN __attribute__((cleanup(plan_deinit)))

enum {
	PLAN_MAY_REWRITE_PORT = 1 << 0, /* change attributes of a port that others use: cuts them */
};

/*
 * @wanted  partial: what it does not mention stays as it is. Its ports have real numbers.
 * @actual  the tree, or the part of it that @wanted touches; with PLAN_MAY_REWRITE_PORT all of it,
 *          since the links of others must be made again
 * @flags   PLAN_MAY_*
 * @ret     PLAN_NULL before
 * Returns: 0 (no steps: nothing to do); -EINVAL @wanted contradicts itself or what stays (hosts
 *   together with any-host, a link to a subsystem that is neither there nor wanted, a namespace
 *   beside passthru); -EBUSY a port that others use would have to be changed; -ENOMEM.
 */
int plan_make(const struct model_object *wanted, const struct model_object *actual,
	      unsigned int flags, struct plan *ret, struct err *err);

/*
 * Let each wanted subsystem be exact (what it does not mention goes) and be served by the wanted
 * ports only: links of other ports to it are marked absent, and a port that then serves nothing.
 * Returns: 0; -ENOMEM.
 */
int plan_make_exact(struct model_object *wanted, const struct model_object *actual);

/*
 * Mark in @wanted as absent all that belongs to one subsystem: itself, its port links, the ports
 * and hosts which nothing else needs.
 * Returns: 0; -ENOMEM.
 */
int plan_remove_subsystem(struct model_object *wanted, const struct model_object *actual,
			  const char *nqn);

/* Change @actual to what it will be when @wanted has been applied. Returns: 0; -ENOMEM, @actual
 * is then to be read again. */
int plan_outcome(struct model_object *actual, const struct model_object *wanted);

/* Add the step as a line of a POSIX shell. @root is the absolute path of nvmet's directory. A
 * secret is not shown, but read from the file it came from. */
void plan_format_shell(const struct plan_step *step, const char *root, struct str *text);

/* Add one line for a person, "+ namespace 1 of blake14"; nothing for a detail. */
void plan_format_change(const struct plan_step *step, struct str *text);
