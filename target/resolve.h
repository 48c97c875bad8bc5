/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * resolve - which port of the kernel is meant by an address.
 *
 * A wanted port that has an address but no number of its own (MODEL_PORT_UNRESOLVED or more)
 * becomes the port that is at that address already, or the lowest free number. Pure.
 */
#pragma once

#include "base/err.h"
#include "target/model.h"

/* A port at that address; borrowed, NULL if there is none. IPv6 is compared as a number. */
struct model_object *resolve_find_port(const struct model_object *root, const char *trtype,
				       const char *traddr, const char *trsvcid);

/*
 * Let wanted ports take another number whose own is at another address by now, or which are there
 * with another one: of a stored export the address counts, and its number is mostly one that
 * nobody asked for.
 * Returns: how many; -ENOMEM.
 */
int resolve_loosen(struct model_object *wanted, const struct model_object *actual);

/*
 * Give each wanted port its number.
 * Returns: 0; -EEXIST a port asked for by number is at another address; -ENOSPC no number is
 * free; -ENOMEM.
 */
int resolve_ports(struct model_object *wanted, const struct model_object *actual, struct err *err);
