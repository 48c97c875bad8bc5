/* SPDX-License-Identifier: BSD-3-Clause */
/* Of cdc: who sees what of the model. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cdc-own.h"

static int compare_places(const void *a, const void *b)
{
	const struct cdc_place *x = *(struct cdc_place *const *)a;
	const struct cdc_place *y = *(struct cdc_place *const *)b;
	int r = strcmp(x->nqn, y->nqn);

	return r ? r : strcmp(x->port, y->port);
}

static void put_in_order(struct cdc_place **places, size_t count)
{
	if (count)
		qsort(places, count, sizeof(struct cdc_place *), compare_places);
}

static bool is_open(const struct cdc_place *place)
{
	const struct cdc_entry *entry = place->entries;

	while (entry && !entry->any_host)
		entry = entry->twin;
	return entry;
}

static int need_open(struct cdc_model *model)
{
	struct cdc_place **open;
	size_t i;

	if (!model->is_open_old)
		return 0;
	open = realloc(model->open, (model->n_places + 1) * sizeof(struct cdc_place *));
	if (!open)
		return -ENOMEM;
	model->open = open;
	model->n_open = 0;
	for (i = 0; i < model->n_places; i++)
		if (is_open(model->places[i]))
			open[model->n_open++] = model->places[i];
	put_in_order(open, model->n_open);
	model->is_open_old = false;
	return 0;
}

/* Of all tenants whose controllers have it; it is of nobody only if none of them is of one. */
static bool sees(const struct zone_host *host, const struct cdc_place *place, bool allowed)
{
	const struct cdc_entry *entry;
	bool is_of_any = false;

	for (entry = place->entries; entry; entry = entry->twin) {
		if (!entry->part->tenant)
			continue;
		is_of_any = true;
		if (zone_host_sees(host, place->nqn, place->port, entry->part->tenant, allowed))
			return true;
	}
	return place->entries && !is_of_any &&
	       zone_host_sees(host, place->nqn, place->port, NULL, allowed);
}

struct viewing {
	struct zone_host host;
	struct cdc_place **seen;
	size_t count;
	uint64_t asked;
};

static void look(struct viewing *viewing, struct cdc_place *place, bool allowed)
{
	if (place->asked == viewing->asked)
		return;
	place->asked = viewing->asked;
	if (sees(&viewing->host, place, allowed))
		viewing->seen[viewing->count++] = place;
}

int cdc_model_view(struct cdc_model *model, const char *hostnqn, struct cdc_place ***ret,
		   size_t *ret_count, struct err *err)
{
	const struct cdc_guest *guest = cdc_guest_find(model, hostnqn);
	struct viewing viewing = { .asked = ++model->asked };
	size_t most;
	size_t i;

	if (need_open(model) < 0)
		return err_nomem(err);
	zone_host_begin(model->zones, hostnqn, &viewing.host);
	/* only zones show more than targets allow */
	most = viewing.host.count ? model->n_places : model->n_open + (guest ? guest->count : 0);
	viewing.seen = calloc(most + 1, sizeof(struct cdc_place *));
	if (!viewing.seen)
		return err_nomem(err);
	for (i = 0; i < model->n_open; i++)
		look(&viewing, model->open[i], true);
	for (i = 0; guest && i < guest->count; i++)
		look(&viewing, guest->places[i], true);
	for (i = 0; viewing.host.count && i < model->n_places; i++)
		look(&viewing, model->places[i], false);
	if (guest || viewing.host.count)
		put_in_order(viewing.seen, viewing.count);
	*ret = viewing.seen;
	*ret_count = viewing.count;
	return 0;
}
