/* SPDX-License-Identifier: BSD-3-Clause */
/* zone-own - what the files of zones share: one zone, all of them, and their index. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/js.h"
#include "collector/zone.h"

enum zone_kind { ZONE_HOSTS, ZONE_SUBSYSTEMS, ZONE_PORTS };
#define ZONE_SETS 3
extern const char *const zone_sets[ZONE_SETS]; /* their keys in JSON */

struct zone_set {
	char **names; /* sorted, each once */
	size_t count;
};

struct zone {
	char *name;
	char *tenant; /* or NULL */
	struct zone_set sets[ZONE_SETS];
};

/* A member of a zone. */
struct zone_entry {
	enum zone_kind kind;
	const char *name; /* borrowed from the zone */
	const struct zone *zone;
};

struct zones {
	struct collector *collector;
	struct zone **items;
	size_t count;
	struct zone_entry *index; /* in the order of kind, name */
	size_t n_index;
	uint64_t version;
	bool is_broken; /* a document could not be read */
};

/* --- one. All return: 0; -EINVAL, -E2BIG with the member; -ENOMEM. */

int zone_check_word(const char *what, const char *text, struct err *err);
int zone_check_list(const struct js *list, const char *key, struct err *err);
/* @ret  owned */
int zone_parse(const struct js *js, struct zone **ret, struct err *err);
/* Add or remove those of a checked list, which may be NULL. */
int zone_change(struct zone *zone, enum zone_kind kind, const struct js *list, bool add,
		struct err *err);
struct js *zone_format(const struct zone *zone);
void zone_drop(struct zone *zone); /* NULL is allowed */
bool zone_set_has(const struct zone_set *set, const char *name);

/* --- all */

struct zone *zone_find(const struct zones *zones, const char *name);
/* Add it, or replace the one of that name, which is freed; owned then. Returns: 0; -ENOMEM. */
int zone_put(struct zones *zones, struct zone *zone, struct err *err);
void zone_remove(struct zones *zones, struct zone *zone);
/* After each change, before the next question. Returns: 0; -ENOMEM. */
int zone_index(struct zones *zones, struct err *err);
int zone_load(struct zones *zones, struct err *err);
/* @js  NULL: delete it. Returns: 0; as the store's. */
int zone_save(struct zones *zones, const char *name, const struct js *js, struct err *err);
