/* SPDX-License-Identifier: BSD-3-Clause */
/* Of cdc: what one source says, a target's daemon or a discovery log, as entries of the model. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/js.h"
#include "collector/cdc-own.h"
#include "nvmf/nvme-spec.h"

/* --- one entry */

/* Whoever says it spells an address his own way. */
static void name_port(const struct disc_record *record, char port[ZONE_PORT_MAX])
{
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
		  port);
}

/* Returns: NULL: out of memory. */
static struct cdc_entry *add_entry(struct cdc_making *making, const struct disc_record *record)
{
	const size_t address = strlen(record->traddr) + 1;
	const size_t service = strlen(record->trsvcid) + 1;
	struct cdc_entry *entry = calloc(1, sizeof(*entry) + address + service);
	struct cdc_entry **entries =
		cdc_grow(making->entries, &making->room, making->count, sizeof(struct cdc_entry *));
	char port[ZONE_PORT_MAX];

	if (entries)
		making->entries = entries;
	name_port(record, port);
	if (entries && entry)
		entry->place = cdc_place_need(making->model, record->subnqn, port);
	if (!entries || !entry || !entry->place) {
		free(entry);
		making->failed = true;
		return NULL;
	}
	entry->part = making->part;
	entry->place->holds++;
	memcpy(entry->head, record, CDC_HEAD_BYTES);
	memcpy(entry->address, record->traddr, address);
	memcpy(entry->address + address, record->trsvcid, service);
	entries[making->count++] = entry;
	return entry;
}

void cdc_place_record(const struct cdc_place *place, struct disc_record *ret)
{
	const struct cdc_entry *entry = place->entries;

	memcpy(ret, entry->head, CDC_HEAD_BYTES);
	snprintf(ret->subnqn, sizeof(ret->subnqn), "%s", place->nqn);
	snprintf(ret->traddr, sizeof(ret->traddr), "%s", entry->address);
	snprintf(ret->trsvcid, sizeof(ret->trsvcid), "%s",
		 entry->address + strlen(entry->address) + 1);
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

static int compare_guests(const void *a, const void *b)
{
	const uintptr_t x = (uintptr_t) * (void *const *)a;
	const uintptr_t y = (uintptr_t) * (void *const *)b;

	return (x > y) - (x < y);
}

static void add_guests(struct cdc_making *making, const struct registry_source *source,
		       struct cdc_entry *entry)
{
	char prefix[NQN_MAX + 2];
	struct registry_object *const *objects;
	size_t room = 0;
	size_t length;
	size_t count;
	size_t i;

	/* an id is NQN/HOSTNQN; no '/' is in an NQN of ours, but in one that begins alike */
	length = (size_t)snprintf(prefix, sizeof(prefix), "%s/", entry->place->nqn);
	objects = registry_object_range(source, "allowed", &count);
	for (i = 0; i < count; i++) {
		struct cdc_guest **guests;
		struct cdc_guest *guest;

		if (strncmp(objects[i]->id, prefix, length) != 0)
			continue;
		guests =
			cdc_grow(entry->guests, &room, entry->n_guests, sizeof(struct cdc_guest *));
		if (guests)
			entry->guests = guests;
		guest = guests ? cdc_guest_need(making->model, objects[i]->id + length) : NULL;
		if (!guest) {
			making->failed = true;
			return;
		}
		guest->holds++;
		guests[entry->n_guests++] = guest;
	}
	if (entry->n_guests)
		qsort(entry->guests, entry->n_guests, sizeof(struct cdc_guest *), compare_guests);
}

static bool is_for_any(const struct registry_source *source, const char *nqn)
{
	const struct registry_object *object = registry_object_find(source, "subsystem", nqn);
	CLEANUP_JS struct js *attrs = object ? registry_object_attrs(object) : NULL;

	return js_is_true(js_get(attrs, "any_host"));
}

static void add_export(struct cdc_making *making, const struct registry_source *source,
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
	entry->any_host = is_for_any(source, nqn);
	if (!entry->any_host)
		add_guests(making, source, entry);
}

static void read_target(struct cdc_making *making, const struct registry_source *source)
{
	struct registry_object *const *listeners;
	size_t count;
	size_t i, k;

	listeners = registry_object_range(source, "listener", &count);
	for (i = 0; i < count && !making->failed; i++) {
		CLEANUP_JS struct js *attrs = registry_object_attrs(listeners[i]);
		const struct js *subsystems = js_get(attrs, "subsystems");
		struct disc_record port;

		making->failed = !attrs;
		if (!attrs || !take_port(attrs, &port))
			continue;
		for (k = 0; k < js_length(subsystems) && !making->failed; k++)
			add_export(making, source, &port, js_text(js_at(subsystems, k)));
	}
}

/* --- one discovery log */

static void read_log(struct cdc_making *making, const struct ddc_view *ddc)
{
	struct disc_record record;
	size_t i;

	for (i = 0; ddc->log && i < ddc->log->n_records && !making->failed; i++)
		if (disc_record_decode(disc_log_record(ddc->log, i), &record, NULL) == 0 &&
		    record.subtype == NVME_SUBTYPE_NVM)
			add_entry(making, &record);
}

void cdc_part_read(struct cdc_making *making, const struct registry *registry,
		   const struct ddcs *ddcs)
{
	const struct registry_source *source;
	struct ddc_view ddc;

	if (making->part->is_log && ddc_get(ddcs, making->part->id, &ddc)) {
		read_log(making, &ddc);
	} else if (!making->part->is_log) {
		source = registry_source_find(registry, making->part->id, REPORT_TARGET);
		if (source)
			read_target(making, source);
	}
}
