/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ctl - one run of sunfishctl: its options, the collector it asks, what it says.
 *
 * A verb is a function of a cmd-*.c. It returns 0 or a negative errno with the text for the
 * person; core/cli.h prints that and turns it into the exit status.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/table.h"
#include "core/cli.h"
#include "ctl/client.h"
#include "ctl/settings.h"

struct ctl_options {
	bool no_wait;
	bool force;
	bool once;
	bool any_host;
	bool contradictions;
	const char *url;
	const char *ca_file;
	const char *token_file;
	const char *node;
	const char *nqn;
	const char *state;
	const char *kind;
	const char *job;
	const char *target;
	const char *role;
	const char *output;
	const char *tenant;
	int64_t after;	     /* -1: not given */
	int64_t limit;	     /* 0: not given */
	uint64_t lease_ms;   /* 0: none */
	uint64_t timeout_ms; /* 0: not given */
	uint64_t interval_ms;
	struct cli_list devs;
	struct cli_list hosts; /* of filters the last one */
	struct cli_list listeners;
	struct cli_list subsystems;
	struct cli_list ports;
};

struct ctl {
	struct cli cli; /* first */
	struct ctl_options opt;
	struct settings settings;
	struct client *client;
	struct table_style style; /* of standard output */
	bool is_utf8;
};

/* The one of --host, as a filter; NULL. */
static inline const char *ctl_host(const struct ctl *ctl)
{
	return ctl->opt.hosts.count ? ctl->opt.hosts.items[ctl->opt.hosts.count - 1].value : NULL;
}

/* Print a table, or @nothing if it has no row. */
void ctl_print_table(struct ctl *ctl, const struct table *table, const char *nothing);

/* --- verbs */
int cmd_list(struct ctl *ctl, struct err *err); /* all that view.h has a listing of */
int cmd_view(struct ctl *ctl, struct err *err);
int cmd_events(struct ctl *ctl, struct err *err);
int cmd_watch(struct ctl *ctl, struct err *err);
int cmd_tree(struct ctl *ctl, struct err *err);
int cmd_top(struct ctl *ctl, struct err *err);
int cmd_attach(struct ctl *ctl, struct err *err);
int cmd_detach(struct ctl *ctl, struct err *err);
int cmd_export_create(struct ctl *ctl, struct err *err);
int cmd_export_delete(struct ctl *ctl, struct err *err);
int cmd_zone_create(struct ctl *ctl, struct err *err);
int cmd_zone_change(struct ctl *ctl, struct err *err); /* add, remove */
int cmd_zone_delete(struct ctl *ctl, struct err *err);
int cmd_node_add(struct ctl *ctl, struct err *err);
int cmd_node_remove(struct ctl *ctl, struct err *err);
int cmd_status(struct ctl *ctl, struct err *err);
int cmd_sunfish(struct ctl *ctl, struct err *err); /* status, register, unregister, tidy */
