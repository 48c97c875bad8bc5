/* SPDX-License-Identifier: BSD-3-Clause */
/* Of cdc: what is exported where and for whom, out of what targets reported and logs say. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/js.h"
#include "collector/cdc-own.h"
#include "nvmf/nvme-spec.h"

struct making {
	struct cdc_model *model;
	size_t entry_room, grant_room;
	bool failed;
};

static void *grow(void *at, size_t *io_room, size_t count, size_t size)
{
	const size_t room = count < 16 ? 16 : count * 2;
	void *grown = count < *io_room ? at : realloc(at, room * size);

	if (grown && count >= *io_room)
		*io_room = room;
	return grown;
}

/* --- one target */

static const char *text_of(const struct js *js, const char *key)
{
	const char *text = js_text(js_get(js, key));

	return text ? text : "";
}

static uint8_t adrfam_of(const char *family, const char *address)
{
	if (strcmp(family, "ib") == 0)
		return NVME_ADRFAM_IB;
	if (strcmp(family, "fc") == 0)
		return NVME_ADRFAM_FC;
	if (*family)
		return strcmp(family, "ipv6") == 0 ? NVME_ADRFAM_IPV6 : NVME_ADRFAM_IPV4;
	return strchr(address, ':') ? NVME_ADRFAM_IPV6 : NVME_ADRFAM_IPV4;
}

/* Returns: false: no host can be led there. */
static bool take_port(const struct js *listener, struct disc_record *ret)
{
	const int trtype = disc_trtype_of(text_of(listener, "transport"));
	const char *address = text_of(listener, "address");
	const char *service = text_of(listener, "service");

	if (trtype < 0 || trtype == NVME_TRTYPE_LOOP || strlen(address) >= sizeof(ret->traddr) ||
	    strlen(service) >= sizeof(ret->trsvcid))
		return false;
	*ret = (struct disc_record){
		.trtype = (uint8_t)trtype,
		.adrfam = adrfam_of(text_of(listener, "family"), address),
		.subtype = NVME_SUBTYPE_NVM,
		.port_id = (uint16_t)js_number(js_get(listener, "port_id"), 0),
		.cntlid = NVME_CNTLID_DYNAMIC,
		.asqsz = 32,
	};
	/* of one that takes hosts without TLS as well nothing is said: libnvme 1.3 takes "not
	 * required" for TLS, and fails without a key */
	if (trtype == NVME_TRTYPE_TCP && strcmp(text_of(listener, "tls"), "required") == 0) {
		ret->treq = NVME_TREQ_REQUIRED;
		ret->sectype = NVME_SECTYPE_TLS13;
	}
	if (trtype == NVME_TRTYPE_RDMA) /* connected, provider as it is, by RDMA_CM */
		memcpy(ret->rdma, "\1\1\1\0\0", 5);
	snprintf(ret->traddr, sizeof(ret->traddr), "%s", address);
	snprintf(ret->trsvcid, sizeof(ret->trsvcid), "%s", service);
	return true;
}

static void add_grants(struct making *making, const struct registry_source *source,
		       const struct cdc_entry *entry, size_t index)
{
	struct cdc_model *model = making->model;
	char prefix[NQN_MAX + 2];
	struct registry_object *const *objects;
	size_t length;
	size_t count;
	size_t i;

	/* an id is NQN/HOSTNQN; no '/' is in an NQN of ours, but in one that begins alike */
	length = (size_t)snprintf(prefix, sizeof(prefix), "%s/", entry->record.subnqn);
	objects = registry_object_range(source, "allowed", &count);
	for (i = 0; i < count; i++) {
		struct cdc_grant *grants;

		if (strncmp(objects[i]->id, prefix, length) != 0)
			continue;
		grants = grow(model->grants, &making->grant_room, model->n_grants,
			      sizeof(*model->grants));
		if (!grants) {
			making->failed = true;
			return;
		}
		model->grants = grants;
		grants[model->n_grants] =
			(struct cdc_grant){ strdup(objects[i]->id + length), index };
		if (!grants[model->n_grants].hostnqn)
			making->failed = true;
		else
			model->n_grants++;
	}
}

static bool is_for_any(const struct registry_source *source, const char *nqn)
{
	const struct registry_object *object = registry_object_find(source, "subsystem", nqn);
	CLEANUP_JS struct js *attrs = object ? registry_object_attrs(object) : NULL;

	return js_is_true(js_get(attrs, "any_host"));
}

/* Returns: NULL: out of memory. */
static struct cdc_entry *add_entry(struct making *making, const struct disc_record *record)
{
	struct cdc_model *model = making->model;
	struct cdc_entry *entries = grow(model->entries, &making->entry_room, model->n_entries,
					 sizeof(*model->entries));
	struct cdc_entry *entry;

	if (!entries) {
		making->failed = true;
		return NULL;
	}
	model->entries = entries;
	entry = &entries[model->n_entries++];
	*entry = (struct cdc_entry){ .record = *record };
	return entry;
}

static void add_export(struct making *making, const struct registry_source *source,
		       const struct disc_record *port, const char *nqn)
{
	uint8_t bytes[DISC_RECORD_BYTES];
	struct cdc_entry *entry;
	struct disc_record record = *port;

	if (!nqn || strlen(nqn) > NQN_MAX)
		return;
	snprintf(record.subnqn, sizeof(record.subnqn), "%s", nqn);
	/* what would lead nowhere, such as a wildcard address, is left out here already */
	disc_record_encode(&record, bytes);
	if (disc_record_decode(bytes, &record, NULL) < 0)
		return;
	entry = add_entry(making, &record);
	if (!entry)
		return;
	entry->source = source;
	entry->any_host = is_for_any(source, nqn);
}

/* --- one discovery log */

static void add_record(struct making *making, const struct ddc_view *ddc,
		       const struct disc_record *record)
{
	struct cdc_entry *entry = add_entry(making, record);

	if (!entry)
		return;
	entry->stale = ddc->state != DDC_UP;
	entry->ddc = strdup(ddc->name);
	entry->tenant = ddc->tenant ? strdup(ddc->tenant) : NULL;
	if (!entry->ddc || (ddc->tenant && !entry->tenant))
		making->failed = true;
}

static void take_log(void *data, const struct ddc_view *ddc)
{
	struct making *making = data;
	struct disc_record record;
	size_t i;

	for (i = 0; ddc->log && i < ddc->log->n_records && !making->failed; i++)
		if (disc_record_decode(disc_log_record(ddc->log, i), &record, NULL) == 0 &&
		    record.subtype == NVME_SUBTYPE_NVM)
			add_record(making, ddc, &record);
}

static int take_listener(void *data, const struct registry_source *source,
			 const struct registry_object *object)
{
	struct making *making = data;
	CLEANUP_JS struct js *attrs = registry_object_attrs(object);
	const struct js *subsystems = js_get(attrs, "subsystems");
	struct disc_record port;
	size_t i;

	if (!attrs)
		return -ENOMEM;
	if (!take_port(attrs, &port))
		return 0;
	for (i = 0; i < js_length(subsystems); i++)
		add_export(making, source, &port, js_text(js_at(subsystems, i)));
	return making->failed ? -ENOMEM : 0;
}

/* --- all */

/* Whoever says it spells an address his own way. */
static void name_port(struct cdc_entry *entry)
{
	const struct disc_record *record = &entry->record;
	const char *service = record->trsvcid;
	char scratch[8];
	char text[INET6_ADDRSTRLEN];
	uint8_t bytes[sizeof(struct in6_addr)];
	const int family = strchr(record->traddr, ':') ? AF_INET6 : AF_INET;
	const bool is_ip = inet_pton(family, record->traddr, bytes) == 1;

	while (is_ip && service[0] == '0' && service[1])
		service++;
	zone_port(disc_trtype_word(record->trtype, scratch),
		  is_ip ? inet_ntop(family, bytes, text, sizeof(text)) : record->traddr, service,
		  entry->port);
}

static int compare_entries(const void *a, const void *b)
{
	const struct cdc_entry *x = a;
	const struct cdc_entry *y = b;
	int r = strcmp(x->record.subnqn, y->record.subnqn);

	return r ? r : strcmp(x->port, y->port);
}

/* What a target says itself comes before what a log says of it. */
static int order_entries(const void *a, const void *b)
{
	int r = compare_entries(a, b);

	return r ? r
		 : !((const struct cdc_entry *)a)->source - !((const struct cdc_entry *)b)->source;
}

static int compare_grants(const void *a, const void *b)
{
	const struct cdc_grant *x = a;
	const struct cdc_grant *y = b;
	int r = strcmp(x->hostnqn, y->hostnqn);

	if (r == 0)
		r = (x->entry > y->entry) - (x->entry < y->entry);
	return r;
}

/* Returns: false: it is not the first. */
static bool count_twins(struct cdc_model *model, size_t first)
{
	struct cdc_entry *entry = &model->entries[first];
	size_t end = first + 1;

	if (first && compare_entries(entry - 1, entry) == 0)
		return false;
	while (end < model->n_entries && compare_entries(entry, &model->entries[end]) == 0)
		end++;
	entry->twins = end - first;
	return true;
}

static int finish(struct making *making)
{
	struct cdc_model *model = making->model;
	size_t first = 0;
	size_t i;

	for (i = 0; i < model->n_entries; i++)
		name_port(&model->entries[i]);
	if (model->n_entries)
		qsort(model->entries, model->n_entries, sizeof(*model->entries), order_entries);
	model->open = calloc(model->n_entries + 1, sizeof(*model->open));
	if (!model->open)
		return -ENOMEM;
	for (i = 0; i < model->n_entries && !making->failed; i++) {
		struct cdc_entry *entry = &model->entries[i];

		if (count_twins(model, i))
			first = i;
		if (entry->any_host)
			model->open[model->n_open++] = first;
		else if (entry->source)
			add_grants(making, entry->source, entry, first);
	}
	if (model->n_grants)
		qsort(model->grants, model->n_grants, sizeof(*model->grants), compare_grants);
	return making->failed ? -ENOMEM : 0;
}

int cdc_model_new(const struct registry *registry, const struct ddcs *ddcs, struct cdc_model **ret,
		  struct err *err)
{
	struct registry_filter filter = REGISTRY_FILTER_ANY;
	struct making making = { .model = calloc(1, sizeof(*making.model)) };
	int r;

	if (!making.model)
		return err_nomem(err);
	filter.role = REPORT_TARGET;
	filter.kind = "listener";
	r = registry_each(registry, &filter, take_listener, &making);
	ddc_each(ddcs, take_log, &making);
	if (r == 0)
		r = finish(&making);
	if (r < 0) {
		cdc_model_free(making.model);
		return err_nomem(err);
	}
	*ret = making.model;
	return 0;
}

void cdc_model_free(struct cdc_model *model)
{
	if (!model)
		return;
	while (model->n_grants)
		free(model->grants[--model->n_grants].hostnqn);
	while (model->n_entries) {
		free(model->entries[--model->n_entries].tenant);
		free(model->entries[model->n_entries].ddc);
	}
	free(model->grants);
	free(model->open);
	free(model->entries);
	free(model);
}

/* --- views */

/* The grants of a host stand together. */
static size_t first_grant(const struct cdc_model *model, const char *hostnqn)
{
	size_t low = 0;
	size_t high = model->n_grants;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(model->grants[middle].hostnqn, hostnqn) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Of all tenants whose controllers have it; it is of nobody only if none of them is of one. */
static bool sees(const struct cdc_model *model, const struct zone_host *host, size_t first,
		 bool allowed)
{
	const struct cdc_entry *entry = &model->entries[first];
	bool is_of_any = false;
	size_t i;

	for (i = 0; i < entry->twins; i++) {
		if (!entry[i].tenant)
			continue;
		is_of_any = true;
		if (zone_host_sees(host, entry->record.subnqn, entry->port, entry[i].tenant,
				   allowed))
			return true;
	}
	return !is_of_any && zone_host_sees(host, entry->record.subnqn, entry->port, NULL, allowed);
}

int cdc_model_view(const struct cdc_model *model, const struct zones *zones, const char *hostnqn,
		   size_t **ret, size_t *ret_count, struct err *err)
{
	size_t *seen = calloc(model->n_entries + 1, sizeof(*seen));
	CLEANUP_FREE bool *allowed = calloc(model->n_entries + 1, sizeof(*allowed));
	struct zone_host host;
	size_t count = 0;
	size_t i;

	if (!seen || !allowed) {
		free(seen);
		return err_nomem(err);
	}
	for (i = 0; i < model->n_open; i++)
		allowed[model->open[i]] = true;
	for (i = first_grant(model, hostnqn);
	     i < model->n_grants && strcmp(model->grants[i].hostnqn, hostnqn) == 0; i++)
		allowed[model->grants[i].entry] = true;
	zone_host_begin(zones, hostnqn, &host);
	for (i = 0; i < model->n_entries; i += model->entries[i].twins)
		if ((allowed[i] || zone_count(zones)) && sees(model, &host, i, allowed[i]))
			seen[count++] = i;
	*ret = seen;
	*ret_count = count;
	return 0;
}
