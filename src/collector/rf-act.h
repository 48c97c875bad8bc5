/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-act - what a client of Redfish asks to be changed: exports, attachments and zones.
 *
 * A POST or DELETE becomes what sunfishctl would ask for (intent.h, zone.h), and is answered once
 * the helpers have reported that it is so, or why not. Nothing is granted that was not asked for:
 * the target's kernel lets a host into a whole subsystem, so that what is less is refused. Zones
 * are looked at before anything is done.
 *
 *   POST Endpoints, a target     an export at one listener
 *   POST Endpoints, a host       only one that is known: its own helper tells of it
 *   POST Connections             an attachment
 *   POST Zones                   a zone; with ExternalAccessibility ZoneOnly a tenant's
 *
 * Source: redfish.md 3.1.
 */
#pragma once

#include "base/err.h"
#include "redfish/rf-service.h"

struct redfish;
struct rf_act;

/* Returns: 0, *ret owned; -ENOMEM. */
int rf_act_new(struct redfish *redfish, struct rf_act **ret, struct err *err);
/* Calls that wait get no answer. */
void rf_act_free(struct rf_act *act);
/* The tree is settled after a commit: answer what is done. */
void rf_act_flush(struct rf_act *act);
/* A commit failed: what was asked for in it is answered by others. */
void rf_act_reload(struct rf_act *act);

/* Handlers of classes. @data  the struct redfish */
int rf_act_post_endpoint(void *data, struct rf_call *call);
int rf_act_delete_endpoint(void *data, struct rf_call *call);
int rf_act_post_connection(void *data, struct rf_call *call);
int rf_act_delete_connection(void *data, struct rf_call *call);
int rf_act_post_volume(void *data, struct rf_call *call);
int rf_act_delete_volume(void *data, struct rf_call *call);
int rf_act_post_zone(void *data, struct rf_call *call);
int rf_act_delete_zone(void *data, struct rf_call *call);
extern const struct rf_action rf_act_zone_actions[];
/* Of what cannot be changed as it is: says so of each property. */
int rf_act_patch_nothing(void *data, struct rf_call *call);
