/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rf-static - what of the Redfish tree is of the collector itself: ServiceRoot, odata and
 * $metadata, Managers, Registries with their messages, TaskService, AggregationService.
 */
#pragma once

#include "base/err.h"

struct redfish;
struct rf_static;

#define RF_MANAGER_URI "/redfish/v1/Managers/collector"
#define RF_METHODS_URI "/redfish/v1/AggregationService/ConnectionMethods"

/* They are put into redfish->tree. Returns: 0, *ret owned; -ENOMEM. */
int rf_static_new(struct redfish *redfish, struct rf_static **ret, struct err *err);
void rf_static_free(struct rf_static *fixed);
