/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/disc-dim.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

enum { FORMAT_BASIC = 1, FORMAT_EXTENDED = 2 };

/* Where in the head, and in an entry */
enum {
	AT_LENGTH = 0,
	AT_COUNT = 8,
	AT_FORMAT = 16,
	AT_ENTITY = 18,
	AT_EID = 24,
	AT_NAME = 280,
	AT_VERSION = 536,

	AT_TRSVCID = 32,
	AT_NQN = 256,
	AT_TRADDR = 512,
	AT_ENTRY_LENGTH = 1024, /* of an extended one, all of it */
	EXTENDED_BYTES = 1032,
};

static uint64_t get(const uint8_t *at, unsigned int n)
{
	uint64_t value = 0;

	while (n--)
		value = value << 8 | at[n];
	return value;
}

static void take_text(const uint8_t *bytes, size_t size, char *ret)
{
	size_t length = strnlen((const char *)bytes, size);

	while (length && bytes[length - 1] == ' ')
		length--;
	/* nvme-stas begins a version with blanks */
	for (; length && *bytes == ' '; length--)
		bytes++;
	memcpy(ret, bytes, length);
	ret[length] = '\0';
}

/* --- entries */

static size_t entry_length(const uint8_t *entry, bool is_extended)
{
	return is_extended ? (size_t)get(entry + AT_ENTRY_LENGTH, 4) : DISC_DIM_ENTRY_BYTES;
}

static void take_entry(const uint8_t *entry, struct disc_dim_entry *ret)
{
	*ret = (struct disc_dim_entry){
		.trtype = entry[0],
		.adrfam = entry[1],
		.subtype = entry[2],
	};
	take_text(entry + AT_TRSVCID, 32, ret->trsvcid);
	take_text(entry + AT_NQN, 256, ret->nqn);
	take_text(entry + AT_TRADDR, 256, ret->traddr);
}

static int check_entry(const uint8_t *bytes, size_t left, bool is_extended, size_t number,
		       struct err *err)
{
	const size_t least = is_extended ? EXTENDED_BYTES : DISC_DIM_ENTRY_BYTES;
	struct disc_dim_entry entry;

	if (left < least || entry_length(bytes, is_extended) < least ||
	    entry_length(bytes, is_extended) > left)
		return err_set(err, -EINVAL, "entry %zu does not end where it says", number);
	take_entry(bytes, &entry);
	if (!str_is_printable(entry.trsvcid) || !str_is_printable(entry.nqn) ||
	    !str_is_printable(entry.traddr))
		return err_set(err, -EINVAL, "entry %zu has bytes that are no text", number);
	if (strlen(entry.nqn) > NQN_MAX)
		return err_set(err, -EINVAL, "entry %zu has an NQN that is too long", number);
	return 0;
}

/* --- all */

static int take_head(const uint8_t *bytes, struct disc_dim_head *ret, struct err *err)
{
	const uint16_t format = (uint16_t)get(bytes + AT_FORMAT, 2);
	const uint16_t entity = (uint16_t)get(bytes + AT_ENTITY, 2);
	char eid[257];

	if (format != FORMAT_BASIC && format != FORMAT_EXTENDED)
		return err_set(err, -EINVAL, "its entries are of format %u, which is none", format);
	if (entity < DISC_DIM_HOST || entity > DISC_DIM_CDC)
		return err_set(err, -EINVAL, "it is an entity of type %u, which is none", entity);
	take_text(bytes + AT_EID, 256, eid);
	take_text(bytes + AT_NAME, 256, ret->name);
	take_text(bytes + AT_VERSION, 64, ret->version);
	if (!str_is_printable(ret->name) || !str_is_printable(ret->version))
		return err_set(err, -EINVAL, "its name or version is no text");
	if (nqn_check(eid, err) < 0) {
		err_prefix(err, "its id: ");
		return -EINVAL;
	}
	memcpy(ret->eid, eid, strlen(eid) + 1);
	ret->entity = (uint8_t)entity;
	ret->is_extended = format == FORMAT_EXTENDED;
	return 0;
}

int disc_dim_parse(const uint8_t *bytes, size_t length, struct disc_dim_head *ret, struct err *err)
{
	struct disc_dim_head head = { 0 };
	size_t at = DISC_DIM_HEAD_BYTES;
	uint64_t said;
	uint64_t count;
	uint64_t i;
	int r;

	if (length < DISC_DIM_HEAD_BYTES)
		return err_set(err, -EINVAL, "its data have %zu bytes, and %d at least are needed",
			       length, DISC_DIM_HEAD_BYTES);
	said = get(bytes + AT_LENGTH, 4);
	if (said < DISC_DIM_HEAD_BYTES || said > length)
		return err_set(err, -EINVAL, "it says that it has %llu bytes, and sent %zu",
			       (unsigned long long)said, length);
	count = get(bytes + AT_COUNT, 8);
	if (count > (said - DISC_DIM_HEAD_BYTES) / DISC_DIM_ENTRY_BYTES)
		return err_set(err, -EINVAL, "%llu entries do not fit into %llu bytes",
			       (unsigned long long)count, (unsigned long long)said);
	r = take_head(bytes, &head, err);
	for (i = 0; r == 0 && i < count; i++) {
		r = check_entry(bytes + at, said - at, head.is_extended, (size_t)i + 1, err);
		if (r == 0)
			at += entry_length(bytes + at, head.is_extended);
	}
	if (r < 0)
		return r;
	head.n_entries = (size_t)count;
	*ret = head;
	return 0;
}

bool disc_dim_next(const uint8_t *bytes, const struct disc_dim_head *head, size_t *at,
		   struct disc_dim_entry *ret)
{
	/* the number of those before it is not kept: it is found by walking */
	size_t offset = DISC_DIM_HEAD_BYTES;
	size_t i;

	if (*at >= head->n_entries)
		return false;
	for (i = 0; i < *at; i++)
		offset += entry_length(bytes + offset, head->is_extended);
	take_entry(bytes + offset, ret);
	++*at;
	return true;
}

const char *disc_dim_entity_word(uint8_t entity)
{
	static const char *const words[] = { "host", "ddc", "cdc" };

	return entity >= DISC_DIM_HOST && entity <= DISC_DIM_CDC ? words[entity - 1] : "unknown";
}
