/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/nvmetcli-group.h"

#include <stddef.h>
#include <string.h>

#define NAMES_MAX 6

static const struct {
	const char *groups[NAMES_MAX];
	const char *own;
	const char *numbers[NAMES_MAX];
	const char *structure[NAMES_MAX];
} kinds[] = {
	[MODEL_ROOT] = { .groups = { "discovery" },
			 .structure = { "hosts", "ports", "subsystems" } },
	[MODEL_HOST] = { .groups = { "dhchap" }, .structure = { "nqn" } },
	[MODEL_SUBSYSTEM] = { .groups = { "attr" },
			      .structure = { "nqn", "allowed_hosts", "namespaces", "passthru" } },
	[MODEL_NAMESPACE] = { .groups = { "device", "ana", "resv" },
			      .own = "buffered",
			      .numbers = { "enable", "ana_grpid" },
			      .structure = { "nsid" } },
	[MODEL_PASSTHRU] = { .groups = { "device" },
			     .numbers = { "clear_ids", "admin_timeout", "io_timeout" } },
	[MODEL_PORT] = { .groups = { "addr", "param" },
			 .structure = { "portid", "subsystems", "ana_groups", "referrals" } },
	[MODEL_ANA_GROUP] = { .groups = { "ana" }, .structure = { "grpid" } },
	[MODEL_REFERRAL] = { .groups = { "addr" },
			     .numbers = { "enable" },
			     .structure = { "name" } },
};

const char *nvmetcli_group_at(enum model_kind kind, unsigned int index)
{
	return index < NAMES_MAX ? kinds[kind].groups[index] : NULL;
}

const char *nvmetcli_group_own(enum model_kind kind)
{
	return kinds[kind].own;
}

const char *nvmetcli_number_at(enum model_kind kind, unsigned int index)
{
	return index < NAMES_MAX ? kinds[kind].numbers[index] : NULL;
}

bool nvmetcli_is_structure(enum model_kind kind, const char *key)
{
	size_t i;

	for (i = 0; i < NAMES_MAX && kinds[kind].structure[i]; i++)
		if (strcmp(kinds[kind].structure[i], key) == 0)
			return true;
	return false;
}

const char *nvmetcli_name_in(const char *group, const char *attr)
{
	size_t length = strlen(group);

	if (strncmp(attr, group, length) != 0 || attr[length] != '_' || !attr[length + 1])
		return NULL;
	return attr + length + 1;
}
