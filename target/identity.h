/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * identity - ids of a namespace that are the same whenever the same drive is exported again.
 *
 * The kernel's default, a random UUID each time the namespace is made, lets hosts see a new disk
 * after each reboot of the target. Here UUID, NGUID and serial number follow from the drive and
 * the subsystem: UUIDs of RFC 9562 version 5 (SHA-1). They are for ever: the tests hold values
 * that may not change.
 *
 * UUID and NGUID are the same 16 bytes, so that a host shows one id in whatever way it prints it
 * (nvme-uuid.X, nvme-eui.X, wwid). Both are given because hosts differ in which they ask for.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "core/dev.h"

#define IDENTITY_MAX 384

/*
 * The text a drive is known by: "wwid:WWID"; without a wwid, and then only as good as the name,
 * "path:/dev/ram0@MACHINEID"; of a file "file:PATH@MACHINEID".
 * @machine_id    /etc/machine-id, "" if there is none
 * @ret_identity  room for @size bytes, IDENTITY_MAX is enough
 * Returns: 0; -ENAMETOOLONG, @ret_identity untouched.
 */
int identity_of(const struct dev_info *dev, const char *machine_id, char *ret_identity,
		size_t size);

/* UUID of the drive @identity in the subsystem @nqn, 36 characters, lower case. */
void identity_uuid(const char *identity, const char *nqn, char ret_uuid[37]);

/* NGUID: the UUID's bytes, as nvmet takes them, 36 characters with dashes. */
void identity_nguid(const char *identity, const char *nqn, char ret_nguid[37]);

/* Serial number of the subsystem: 20 hex digits. */
void identity_serial(const char *identity, const char *nqn, char ret_serial[21]);
