/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dim - who registered with the discovery controller (TP8010), and where it can be reached.
 *
 * A host tells who it is; a direct discovery controller tells where it listens as well: there the
 * collector asks it (ddc.h, DDC_REGISTERED). Who may register says the configuration, "off" if it
 * says nothing. A registration is of the host NQN of its connection, never of another; it stays as
 * long as that host is connected, and a while after, and is a document in the store ("dim/KEY"). It
 * is answered before it is stored: a host whose connection ends registers again.
 *
 * Bounded for each host and on the whole. Changes are events of the kind "registration".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "collector/api.h"
#include "nvmf/disc-server.h"

struct collector;
struct dims;

/* Out of the store. Returns: 0, *ret owned; negative errno. */
int dim_new(struct collector *collector, struct dims **ret, struct err *err);
void dim_free(struct dims *dims); /* NULL is allowed */

/* The configuration may be another one: after ddc_configure and cdc_new. */
void dim_apply(struct dims *dims);

/* A command of a host that is connected. @address  where it comes from. Returns: NVME_SC_x. */
uint16_t dim_command(struct dims *dims, const char *hostnqn, const char *address,
		     const struct disc_dim *dim);

size_t dim_count(const struct dims *dims);

/* GET /registrations. The last has no method. */
extern const struct api_route dim_routes[];
