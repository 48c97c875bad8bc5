/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ddc-conf - the group "discovery" of collector.conf: whom to ask for discovery log pages, and how.
 *
 * Source: sunfish-collector.conf(5).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct cfg_item;

/* A discovery controller that the configuration names. */
struct ddc_conf_one {
	char *name;
	char *transport; /* "tcp" */
	char *address;	 /* numeric, in its one spelling */
	char *service;
	char *tenant; /* or NULL */
	char *nqn;    /* or NULL: the well-known one */
	/* paths; NULL none */
	char *key_file;
	char *controller_key_file;
	int64_t poll_seconds; /* 0: a connection that stays */
};

/* Who may register with the discovery controller (dim.h). */
enum ddc_register { DDC_REGISTER_OFF, DDC_REGISTER_KNOWN, DDC_REGISTER_OPEN };

struct ddc_conf {
	char *hostnqn; /* who we are to them; NULL: made from the store's id */
	int64_t keep_alive_seconds;
	int64_t timeout_seconds;
	int64_t start_per_second;
	int64_t records_max; /* of one of them */
	int64_t controllers_max;
	int64_t referral_depth;
	bool follow_reports; /* ask the listeners that targets report, too */
	enum ddc_register registrations;
	int64_t registrations_max, registrations_per_host;
	int64_t registration_seconds; /* it stays after its host has gone */
	struct ddc_conf_one *items;
	size_t count;
};

/* The defaults, and nobody named. */
void ddc_conf_init(struct ddc_conf *conf);
void ddc_conf_deinit(struct ddc_conf *conf);

/* Put what the group says over @conf. Returns: 0; -EINVAL with file, line and key; -ENOMEM; @conf
 * is to be released in any case. */
int ddc_conf_take(const struct cfg_item *group, struct ddc_conf *conf, struct err *err);
/* The group out of a file, all else of which is left alone. Returns: as above; 0 also without such
 * a group; -ENOENT no such file; -EBADMSG, -EFBIG; other negative errno. */
int ddc_conf_load(const char *path, struct ddc_conf *conf, struct err *err);
