/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctl - one run of sunfishctl: its options, the collector it asks, what it says.
 *
 * A verb is a function of a cmd-*.c. It returns 0 or a negative errno with the text for the
 * person; run.c prints that and turns it into the exit status.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "base/table.h"
#include "ctl/client.h"
#include "ctl/settings.h"

/* Exit statuses (sunfishctl(8)). */
enum {
	CTL_DONE = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2,
	CTL_NOT_PERMITTED = 5,
};

#define CTL_MANY 64 /* most of --dev, --host or listeners in one command */

struct ctl_listener {
	const char *transport;
	const char *spec; /* ADDR[:PORT] */
};

struct ctl_options {
	bool json;
	bool quiet;
	bool no_wait;
	bool force;
	bool once;
	bool any_host;
	const char *url;
	const char *ca_file;
	const char *token_file;
	const char *node;
	const char *nqn;
	const char *state;
	const char *kind;
	const char *after;
	const char *job;
	const char *role;
	const char *output;
	uint64_t limit;	     /* 0: not given */
	uint64_t lease_ms;   /* 0: none */
	uint64_t timeout_ms; /* 0: not given */
	uint64_t interval_ms;
	const char *devs[CTL_MANY];
	size_t n_devs;
	const char *hosts[CTL_MANY]; /* of filters the last one */
	size_t n_hosts;
	struct ctl_listener listeners[CTL_MANY];
	size_t n_listeners;
};

struct ctl {
	struct ctl_options opt;
	const char *verb;
	char **args; /* what follows the verb and is no option */
	size_t n_args;
	struct settings settings;
	struct client *client;
	struct table_style style; /* of standard output */
	bool is_utf8;
	struct js *result; /* of --json: a verb adds to it; NULL without --json */
	struct js *warnings;
	int status; /* exit status of a failure; 0: it follows from the error's code */
};

/* --- for a person: stdout, nothing with --json or --quiet */
void ctl_say(const struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text that is the result of the verb: also with --quiet, not with --json. */
void ctl_print(const struct ctl *ctl, const char *text);
/* stderr, and "warnings" of --json; silent with --quiet. */
void ctl_warn(struct ctl *ctl, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Let the failure be one of usage. Returns: @code, for `return ctl_usage(ctl, err_set(..))`. */
static inline int ctl_usage(struct ctl *ctl, int code)
{
	ctl->status = CTL_USAGE;
	return code;
}

/* The one of --host, as a filter; NULL. */
static inline const char *ctl_host(const struct ctl *ctl)
{
	return ctl->opt.n_hosts ? ctl->opt.hosts[ctl->opt.n_hosts - 1] : NULL;
}

/* Print a table, or @nothing if it has no row. Returns: 0; -ENOMEM. */
int ctl_print_table(const struct ctl *ctl, const struct table *table, const char *nothing,
		    struct err *err);

/* --- verbs */
int cmd_list(struct ctl *ctl, struct err *err); /* all that view.h has a listing of */
int cmd_events(struct ctl *ctl, struct err *err);
int cmd_watch(struct ctl *ctl, struct err *err);
int cmd_tree(struct ctl *ctl, struct err *err);
int cmd_top(struct ctl *ctl, struct err *err);
int cmd_attach(struct ctl *ctl, struct err *err);
int cmd_detach(struct ctl *ctl, struct err *err);
int cmd_export_create(struct ctl *ctl, struct err *err);
int cmd_export_delete(struct ctl *ctl, struct err *err);
int cmd_node_add(struct ctl *ctl, struct err *err);
int cmd_node_remove(struct ctl *ctl, struct err *err);
int cmd_status(struct ctl *ctl, struct err *err);
