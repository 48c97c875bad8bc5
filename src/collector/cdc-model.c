/* SPDX-License-Identifier: BSD-3-Clause */
/* Of cdc: what is exported where and for whom, out of what targets reported and logs say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/cdc-own.h"

void *cdc_grow(void *at, size_t *io_room, size_t count, size_t size)
{
	const size_t room = count < 4 ? 4 : count * 2;
	void *grown = count < *io_room ? at : realloc(at, room * size);

	if (grown && count >= *io_room)
		*io_room = room;
	return grown;
}

uint64_t cdc_hash(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	while (length--)
		hash = (hash ^ *at++) * UINT64_C(0x100000001b3);
	return hash;
}

static size_t bucket_of(const char *text)
{
	return cdc_hash(text, strlen(text)) % CDC_BUCKETS;
}

/* --- guests */

struct cdc_guest *cdc_guest_find(const struct cdc_model *model, const char *hostnqn)
{
	struct cdc_guest *guest = model->guests[bucket_of(hostnqn)];

	while (guest && strcmp(guest->nqn, hostnqn) != 0)
		guest = guest->next;
	return guest;
}

struct cdc_guest *cdc_guest_need(struct cdc_model *model, const char *hostnqn)
{
	struct cdc_guest **bucket = &model->guests[bucket_of(hostnqn)];
	struct cdc_guest *guest = cdc_guest_find(model, hostnqn);
	const size_t size = strlen(hostnqn) + 1;

	if (guest)
		return guest;
	guest = calloc(1, sizeof(*guest) + size);
	if (!guest)
		return NULL;
	memcpy(guest->nqn, hostnqn, size);
	guest->next = *bucket;
	*bucket = guest;
	return guest;
}

static void guest_release(struct cdc_model *model, struct cdc_guest *guest)
{
	struct cdc_guest **at = &model->guests[bucket_of(guest->nqn)];

	if (guest->holds || guest->is_dirty)
		return;
	while (*at != guest)
		at = &(*at)->next;
	*at = guest->next;
	free(guest->places);
	free(guest);
}

static void guest_mark(struct cdc_model *model, struct cdc_guest *guest)
{
	if (guest->is_dirty)
		return;
	guest->is_dirty = true;
	guest->dirty_next = model->dirty_guests;
	model->dirty_guests = guest;
}

void cdc_model_each_dirty(struct cdc_model *model, cdc_guest_fn fn, void *data)
{
	while (model->dirty_guests) {
		struct cdc_guest *guest = model->dirty_guests;

		model->dirty_guests = guest->dirty_next;
		guest->is_dirty = false;
		fn(data, guest);
		guest_release(model, guest);
	}
}

/* --- places */

static size_t place_bucket(const char *nqn, const char *port)
{
	return (cdc_hash(nqn, strlen(nqn)) * 31 + cdc_hash(port, strlen(port))) % CDC_BUCKETS;
}

struct cdc_place *cdc_place_need(struct cdc_model *model, const char *nqn, const char *port)
{
	struct cdc_place **bucket = &model->place_table[place_bucket(nqn, port)];
	const size_t length = strlen(nqn) + 1;
	struct cdc_place **places;
	struct cdc_place *place = *bucket;

	while (place && (strcmp(place->port, port) != 0 || strcmp(place->nqn, nqn) != 0))
		place = place->next;
	if (place)
		return place;
	places = cdc_grow(model->places, &model->place_room, model->n_places,
			  sizeof(struct cdc_place *));
	if (!places)
		return NULL;
	model->places = places;
	place = calloc(1, sizeof(*place) + length + strlen(port) + 1);
	if (!place)
		return NULL;
	place->port = place->nqn + length;
	memcpy(place->nqn, nqn, length);
	memcpy(place->port, port, strlen(port) + 1);
	place->index = model->n_places;
	place->next = *bucket;
	*bucket = place;
	places[model->n_places++] = place;
	return place;
}

static void place_release(struct cdc_model *model, struct cdc_place *place)
{
	struct cdc_place **at = &model->place_table[place_bucket(place->nqn, place->port)];
	struct cdc_place *last = model->places[model->n_places - 1];

	if (--place->holds)
		return;
	while (*at != place)
		at = &(*at)->next;
	*at = place->next;
	last->index = place->index;
	model->places[place->index] = last;
	model->n_places--;
	free(place);
}

/* Whoever sees it, or saw it. */
static void place_mark(struct cdc_model *model, const struct cdc_place *place)
{
	const struct cdc_entry *entry;
	size_t i;

	if (zone_has_any(model->zones, place->nqn, place->port))
		model->is_all_changed = true;
	for (entry = place->entries; entry; entry = entry->twin) {
		if (entry->any_host || entry->part->tenant)
			model->is_all_changed = true;
		if (entry->any_host)
			model->is_open_old = true;
		for (i = 0; i < entry->n_guests; i++)
			guest_mark(model, entry->guests[i]);
	}
}

/* --- entries */

/* Not at its place any more, or not yet. */
static void entry_free(struct cdc_model *model, struct cdc_entry *entry)
{
	size_t i;

	for (i = 0; i < entry->n_guests; i++) {
		entry->guests[i]->holds--;
		guest_release(model, entry->guests[i]);
	}
	free(entry->guests);
	place_release(model, entry->place);
	free(entry);
}

/* What a target says itself comes before what a log says of it; else as they are called. */
static bool is_before(const struct cdc_entry *a, const struct cdc_entry *b)
{
	if (a->part->is_log != b->part->is_log)
		return b->part->is_log;
	return strcmp(a->part->id, b->part->id) < 0;
}

static int entry_link(struct cdc_model *model, struct cdc_entry *entry)
{
	struct cdc_entry **at = &entry->place->entries;
	size_t i;

	for (i = 0; i < entry->n_guests; i++) {
		struct cdc_guest *guest = entry->guests[i];
		struct cdc_place **places = cdc_grow(guest->places, &guest->room, guest->count,
						     sizeof(struct cdc_place *));

		if (!places)
			return -ENOMEM;
		guest->places = places;
		places[guest->count++] = entry->place;
	}
	while (*at && is_before(*at, entry))
		at = &(*at)->twin;
	entry->twin = *at;
	*at = entry;
	place_mark(model, entry->place);
	return 0;
}

static void entry_unlink(struct cdc_model *model, struct cdc_entry *entry)
{
	struct cdc_entry **at = &entry->place->entries;
	size_t i, k;

	place_mark(model, entry->place);
	while (*at && *at != entry)
		at = &(*at)->twin;
	if (*at)
		*at = entry->twin;
	for (i = 0; i < entry->n_guests; i++) {
		struct cdc_guest *guest = entry->guests[i];

		for (k = 0; k < guest->count && guest->places[k] != entry->place;)
			k++;
		if (k < guest->count)
			guest->places[k] = guest->places[--guest->count];
	}
}

static int compare_entries(const void *a, const void *b)
{
	const struct cdc_entry *x = *(struct cdc_entry *const *)a;
	const struct cdc_entry *y = *(struct cdc_entry *const *)b;
	const char *service = x->address + strlen(x->address) + 1;
	int r = (x->place > y->place) - (x->place < y->place);

	if (r == 0)
		r = memcmp(x->head, y->head, CDC_HEAD_BYTES);
	if (r == 0)
		r = strcmp(x->address, y->address);
	if (r == 0)
		r = strcmp(service, y->address + strlen(y->address) + 1);
	if (r == 0)
		r = (int)x->any_host - (int)y->any_host;
	if (r == 0)
		r = (x->n_guests > y->n_guests) - (x->n_guests < y->n_guests);
	if (r == 0 && x->n_guests)
		r = memcmp(x->guests, y->guests, x->n_guests * sizeof(struct cdc_guest *));
	return r;
}

/* --- parts */

static struct cdc_part *part_need(struct cdc_model *model, bool is_log, const char *id)
{
	struct cdc_part **bucket = &model->parts[bucket_of(id)];
	struct cdc_part *part = *bucket;

	while (part && (part->is_log != is_log || strcmp(part->id, id) != 0))
		part = part->next;
	if (part)
		return part;
	part = calloc(1, sizeof(*part));
	if (!part)
		return NULL;
	part->is_log = is_log;
	part->id = strdup(id);
	if (!part->id) {
		free(part);
		return NULL;
	}
	part->next = *bucket;
	*bucket = part;
	return part;
}

static void part_free(struct cdc_part *part)
{
	free(part->entries);
	free(part->tenant);
	free(part->id);
	free(part);
}

static void part_release(struct cdc_model *model, struct cdc_part *part)
{
	struct cdc_part **at = &model->parts[bucket_of(part->id)];

	if (part->count || part->is_dirty)
		return;
	while (*at != part)
		at = &(*at)->next;
	*at = part->next;
	part_free(part);
}

static void part_mark(struct cdc_model *model, struct cdc_part *part)
{
	if (part->is_dirty)
		return;
	part->is_dirty = true;
	part->dirty_next = model->dirty_parts;
	model->dirty_parts = part;
}

int cdc_model_mark(struct cdc_model *model, bool is_log, const char *id)
{
	struct cdc_part *part = part_need(model, is_log, id);

	if (!part)
		return -ENOMEM;
	part_mark(model, part);
	return 0;
}

static void mark_log(void *data, const struct ddc_view *ddc)
{
	struct cdc_making *making = data;

	if (cdc_model_mark(making->model, true, ddc->key) < 0)
		making->failed = true;
}

int cdc_model_mark_all(struct cdc_model *model, const struct registry *registry,
		       const struct ddcs *ddcs)
{
	struct cdc_making making = { .model = model };
	struct cdc_part *part;
	size_t i;

	for (i = 0; i < CDC_BUCKETS; i++)
		for (part = model->parts[i]; part; part = part->next)
			part_mark(model, part);
	for (i = 0; i < registry_node_count(registry); i++)
		if (cdc_model_mark(model, false, registry_node_at(registry, i)->id) < 0)
			return -ENOMEM;
	ddc_each(ddcs, mark_log, &making);
	return making.failed ? -ENOMEM : 0;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Its places are fenced by another one, or by nobody, from now on. */
static int take_tenant(struct cdc_model *model, struct cdc_part *part, const struct ddcs *ddcs)
{
	struct ddc_view ddc = { 0 };
	char *tenant = NULL;
	size_t i;

	if (!part->is_log)
		return 0;
	ddc_get(ddcs, part->id, &ddc);
	if (same_text(ddc.tenant, part->tenant))
		return 0;
	if (ddc.tenant && !(tenant = strdup(ddc.tenant)))
		return -ENOMEM;
	for (i = 0; i < part->count; i++)
		place_mark(model, part->entries[i]->place);
	model->n_tenants += (size_t)(tenant != NULL) - (size_t)(part->tenant != NULL);
	free(part->tenant);
	part->tenant = tenant;
	for (i = 0; i < part->count; i++)
		place_mark(model, part->entries[i]->place);
	return 0;
}

/* Put in place what is new, take away what is no more; what is the same stays as it is. */
static int part_take(struct cdc_model *model, struct cdc_part *part, struct cdc_making *making)
{
	struct cdc_entry **was = part->entries;
	const size_t n_was = part->count;
	size_t i = 0;
	size_t k = 0;
	int r = 0;

	part->entries = making->entries;
	part->count = making->count;
	making->entries = NULL;
	while (i < n_was || k < part->count) {
		int order = i == n_was ? 1 : k == part->count ? -1 : 0;

		if (order == 0)
			order = compare_entries(&was[i], &part->entries[k]);
		if (order == 0) {
			entry_free(model, part->entries[k]);
			part->entries[k++] = was[i++];
		} else if (order < 0) {
			entry_unlink(model, was[i]);
			entry_free(model, was[i++]);
		} else if (r == 0) {
			r = entry_link(model, part->entries[k++]);
		} else {
			k++;
		}
	}
	free(was);
	return r;
}

static int part_update(struct cdc_model *model, struct cdc_part *part,
		       const struct registry *registry, const struct ddcs *ddcs)
{
	struct cdc_making making = { .model = model, .part = part };
	size_t i;

	if (take_tenant(model, part, ddcs) < 0)
		return -ENOMEM;
	cdc_part_read(&making, registry, ddcs);
	if (making.failed) {
		for (i = 0; i < making.count; i++)
			entry_free(model, making.entries[i]);
		free(making.entries);
		return -ENOMEM;
	}
	if (making.count)
		qsort(making.entries, making.count, sizeof(struct cdc_entry *), compare_entries);
	return part_take(model, part, &making);
}

int cdc_model_update(struct cdc_model *model, const struct registry *registry,
		     const struct ddcs *ddcs)
{
	int r = 0;

	while (model->dirty_parts && r == 0) {
		struct cdc_part *part = model->dirty_parts;

		model->dirty_parts = part->dirty_next;
		part->is_dirty = false;
		r = part_update(model, part, registry, ddcs);
		if (r == 0)
			part_release(model, part);
	}
	return r;
}

/* --- life */

struct cdc_model *cdc_model_new(const struct zones *zones)
{
	struct cdc_model *model = calloc(1, sizeof(*model));

	if (model) {
		model->zones = zones;
		model->is_open_old = model->is_all_changed = true;
	}
	return model;
}

void cdc_model_free(struct cdc_model *model)
{
	size_t i, k;

	if (!model)
		return;
	for (i = 0; i < CDC_BUCKETS; i++) {
		while (model->parts[i]) {
			struct cdc_part *part = model->parts[i];

			model->parts[i] = part->next;
			for (k = 0; k < part->count; k++) {
				free(part->entries[k]->guests);
				free(part->entries[k]);
			}
			part_free(part);
		}
		while (model->guests[i]) {
			struct cdc_guest *guest = model->guests[i];

			model->guests[i] = guest->next;
			free(guest->places);
			free(guest);
		}
	}
	for (i = 0; i < model->n_places; i++)
		free(model->places[i]);
	free(model->places);
	free(model->open);
	free(model);
}
