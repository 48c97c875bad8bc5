/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * zone - which hosts may see what, as the site says it.
 *
 * A zone is a set of hosts and a set of subsystems and ports: each of those hosts may see each of
 * those, in addition to what the targets let it see. Zones with a tenant are a fence as well: a
 * host or a subsystem (or a port) that is in a zone of a tenant meets only what is in a zone of the
 * same tenant, whatever the targets allow. A subsystem is in a tenant by its NQN or by its port.
 *
 * Each zone is a document in the store ("zone/NAME"), and all of them are in memory with an index,
 * since a view is made of thousands of questions. A change is an event of the kind "zone".
 *
 * Nothing here widens access by accident: what would take down the last fence around something is
 * refused unless it is forced.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "collector/api.h"

#define ZONE_MAX 4096	 /* of them */
#define ZONE_NAME_MAX 64 /* bytes: letters, digits, '-', '_', '.' */
#define ZONE_MEMBERS_MAX 65536
#define ZONE_PORT_MAX 352 /* "tcp,ADDRESS,SERVICE" with its NUL */

struct collector;
struct zone;
struct zones;

/* Out of the store. A document that cannot be read is told, and until it is mended or deleted
 * nobody sees anything by way of zones (fail closed). Returns: 0, *ret owned; negative errno. */
int zone_new(struct collector *collector, struct zones **ret, struct err *err);
void zone_free(struct zones *zones);
/* A commit failed: what is in memory is read from the store again. */
void zone_reload(struct zones *zones);

/* GET, POST /zones; GET, PATCH, DELETE /zones/NAME. The last has no method. */
extern const struct api_route zone_routes[];

/* --- questions */

/* What a host is in. Valid until zones change. */
struct zone_host {
	const struct zones *zones;
	size_t first, count; /* in the index */
	bool has_tenant;
};
void zone_host_begin(const struct zones *zones, const char *hostnqn, struct zone_host *ret);

/*
 * May the host see that subsystem at that port?
 * @nqn      NULL: a referral, which has only its port
 * @port     of zone_port
 * @tenant   whose it is besides what zones say; then his hosts may see it. NULL: nobody's
 * @allowed  the target lets it in
 */
bool zone_host_sees(const struct zone_host *host, const char *nqn, const char *port,
		    const char *tenant, bool allowed);

/* "tcp,10.1.1.14,4420". Returns: @text. */
const char *zone_port(const char *transport, const char *address, const char *service,
		      char text[ZONE_PORT_MAX]);

size_t zone_count(const struct zones *zones);
/* Is that subsystem or that port in any zone? */
bool zone_has_any(const struct zones *zones, const char *nqn, const char *port);
/* Another number after each change. */
uint64_t zone_version(const struct zones *zones);
/* The zones that the host is in are comparable by address, until they change. */
const struct zone *zone_host_at(const struct zone_host *host, size_t index);
