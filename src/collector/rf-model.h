/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-model - the fabric as Redfish sees it: what the helpers reported, and what the site's zones
 * say, as resources of the tree.
 *
 *   a host                      Systems/N, Chassis/N and its Drives
 *   a subsystem, wherever       Storage/S with Controllers/io/Ports and Volumes
 *   a subsystem at a listener   Fabrics/NVMeoF/Endpoints/S.TRANSPORT.ADDRESS.SERVICE
 *   a host NQN                  Fabrics/NVMeoF/Endpoints/H
 *   who may connect             Fabrics/NVMeoF/Connections/H.S
 *   a zone                      Fabrics/NVMeoF/Zones/Z
 *
 * An event of the registry marks the hosts, subsystems and host NQNs that it concerns; after the
 * commit (rf_model_flush) only these are looked at again. What a resource says is read from the
 * registry when it is rendered, so that nothing is kept twice.
 *
 * Source: redfish.md 2; DSP0266; the schemas of DMTF and SNIA.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "collector/store.h"
#include "redfish/rf-tree.h"

struct redfish;
struct rf_model;

#define RF_ID_MAX 112

#define RF_SYSTEMS "/redfish/v1/Systems"
#define RF_CHASSIS "/redfish/v1/Chassis"
#define RF_STORAGE "/redfish/v1/Storage"
#define RF_FABRICS "/redfish/v1/Fabrics"
#define RF_FABRIC RF_FABRICS "/NVMeoF"
#define RF_ENDPOINTS RF_FABRIC "/Endpoints"
#define RF_CONNECTIONS RF_FABRIC "/Connections"
#define RF_ZONES RF_FABRIC "/Zones"

/* All that is in the registry is put into redfish->tree. Returns: 0, *ret owned; -ENOMEM; -ENOSPC
 * too many listen to events. */
int rf_model_new(struct redfish *redfish, struct rf_model **ret, struct err *err);
void rf_model_free(struct rf_model *model);
/* A commit failed: all is to be looked at again. */
void rf_model_reload(struct rf_model *model);
/* After a commit: bring the tree up to date. Returns: 0; -ENOMEM: some stays marked. */
int rf_model_flush(struct rf_model *model, struct err *err);

/* An NQN or a name as the id of a resource: what is not legal in one is replaced, and what was
 * changed or is too long gets a hash of all of it. Returns: @id. */
const char *rf_id_make(const char *text, char id[RF_ID_MAX]);
