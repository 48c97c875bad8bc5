/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

#include "base/str.h"

/* An NQN has up to 223 bytes. */
#define NQN_ROOM 256

/* acabf319-7785-422a-96f3-d74dfd76fab4, made for this purpose alone; it may never change. */
static const uuid_t name_space = { 0xac, 0xab, 0xf3, 0x19, 0x77, 0x85, 0x42, 0x2a,
				   0x96, 0xf3, 0xd7, 0x4d, 0xfd, 0x76, 0xfa, 0xb4 };

int identity_of(const struct dev_info *dev, const char *machine_id, char *ret_identity, size_t size)
{
	char text[IDENTITY_MAX];
	int length;

	if (dev->is_file)
		length = snprintf(text, sizeof(text), "file:%s@%s", dev->path, machine_id);
	else if (dev->wwid[0])
		length = snprintf(text, sizeof(text), "wwid:%s", dev->wwid);
	else
		length = snprintf(text, sizeof(text), "path:/dev/%s@%s", dev->node, machine_id);
	if ((size_t)length >= sizeof(text) || (size_t)length >= size)
		return -ENAMETOOLONG;
	memcpy(ret_identity, text, (size_t)length + 1);
	return 0;
}

/* What is longer than any identity or NQN is cut: two such would get one id, none does fail. */
static size_t put(char *name, size_t size, size_t used, const char *part)
{
	size_t length = strnlen(part, size - used - 1);

	memcpy(name + used, part, length);
	name[used + length] = '\0';
	return used + length + 1;
}

/* The parts with a NUL between them, which none of them can contain, so that no other three give
 * the same name. */
static void make_uuid(const char *use, const char *identity, const char *nqn, uuid_t ret)
{
	char name[16 + IDENTITY_MAX + NQN_ROOM];
	size_t used = put(name, 16, 0, use);

	used = put(name, 16 + IDENTITY_MAX, used, identity);
	used = put(name, sizeof(name), used, nqn);
	uuid_generate_sha1(ret, name_space, name, used - 1);
}

void identity_uuid(const char *identity, const char *nqn, char ret_uuid[37])
{
	uuid_t uuid;

	make_uuid("uuid", identity, nqn, uuid);
	uuid_unparse_lower(uuid, ret_uuid);
}

void identity_nguid(const char *identity, const char *nqn, char ret_nguid[37])
{
	identity_uuid(identity, nqn, ret_nguid);
}

void identity_serial(const char *identity, const char *nqn, char ret_serial[21])
{
	uuid_t uuid;

	make_uuid("serial", identity, nqn, uuid);
	str_hex(uuid, 10, ret_serial);
}
