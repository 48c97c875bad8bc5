/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * survey - a look at all of the target at one moment: the kernel's tree with its drives,
 * listeners and sessions, the stored exports, and what each of them is short of.
 *
 * It reads directories that the kernel may keep locked, so it is made in a child of the daemon.
 * What the daemon has to remember between two looks is the *record*: a JSON object
 *
 *   {"exports": {NQN: {"file": digest, "waits": [key..]}},
 *    "namespaces": {"NQN/NSID": {"device": "259:1", "node", "seq", "size", "wwid", "held"}},
 *    "ports": {ID: {"lost": true}}, "files": {NQN: digest}}
 *
 * which says of each export that it is settled (drift.h) and with which contents, of each
 * namespace which drive the kernel opened for it ("held": it was pulled, and the daemon disabled
 * the namespace), which listeners lost their address, and which contents of
 * administrators' files count.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "core/dev.h"
#include "core/net.h"
#include "target/cfs.h"
#include "target/ctl.h"
#include "target/drift.h"
#include "target/export.h"
#include "target/model.h"
#include "target/session.h"

/* A namespace of the kernel, or the passthru of a subsystem. */
struct survey_namespace {
	const struct model_object *object;
	char id[300]; /* NQN/NSID, NQN/passthru */
	bool is_enabled;
	bool is_there; /* its path leads to a drive or file, @dev */
	bool is_gone;  /* enabled, but the drive that the kernel opened is no more */
	bool is_held;  /* disabled by us because of that */
	bool is_back;  /* held, stored nowhere, and the same drive is there again */
	bool has_grown;
	uint64_t seq; /* the kernel's number of the disk, never used twice; 0: not known */
	struct dev_info dev;
};

/* A port of the kernel, or a wanted one. */
struct survey_listener {
	const struct model_object *port;
	bool is_ip;    /* the rest is known */
	int code;      /* of net_check */
	bool was_lost; /* it had no address, and it has one now */
	char why[ERR_TEXT_MAX];
	struct net_listener net;
};

struct survey_export {
	const struct export_item *item;
	char digest[DRIFT_DIGEST_MAX];
	bool is_settled;
	bool is_unread; /* an administrator's file that was changed, and not loaded since */
	struct drift_lacks lacks;
	struct drift_verdict verdict;
	int code; /* negative: it cannot be judged */
	char error[ERR_TEXT_MAX];
};

struct survey {
	struct model_object *actual;
	bool has_nvmet;
	struct export_list list;
	struct survey_export *exports; /* one for each of list.items */
	struct survey_namespace *namespaces;
	size_t n_namespaces;
	struct survey_listener *listeners; /* of the kernel's ports */
	size_t n_listeners;
};

#define SURVEY_NULL ((struct survey){ 0 })

void survey_deinit(struct survey *survey);
#define CLEANUP_SURVEY __attribute__((cleanup(survey_deinit)))

struct survey_env {
	const struct js *record;
	const struct cfs_watch *watch; /* or NULL */
	bool repair;
	bool take_files; /* administrators' files count as they are now */
};

/*
 * Look and judge. Nothing is changed.
 * Returns: 0, *ret owned, @ctl outlives it; codes of ctl_open_target, cfs_read and
 *   stored_load_wanted.
 */
int survey_read(struct ctl *ctl, const struct survey_env *env, struct survey *ret, struct err *err);

/* Of one namespace of the kernel: is the drive there that @record says the kernel opened? */
void survey_look_at_drive(struct ctl *ctl, const struct model_object *object,
			  const struct js *record, struct survey_namespace *ret);

/* Has this host not got the listener's address, or the interface of a link-local one? */
bool survey_has_no_address(const struct survey_listener *listener);

/* Can be listened at the port's address? */
void survey_look_at_port(const struct model_object *port, struct survey_listener *ret);

/* The record as it is now. NULL: out of memory. */
struct js *survey_record(const struct survey *survey, const struct js *before);

const struct survey_export *survey_find_export(const struct survey *survey, const char *nqn);
