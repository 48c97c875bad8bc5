/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/dim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/cdc-own.h"
#include "collector/collector.h"
#include "collector/ddc-own.h"
#include "core/log.h"
#include "nvmf/addr.h"
#include "nvmf/disc-dim.h"
#include "nvmf/nvme-spec.h"

#define KEY "dim/"
#define KEY_MAX (2 * NQN_MAX + 2)
#define TICK_MS 15000
#define RETRY_MS 1000

struct dim {
	char *key; /* "HOSTNQN,EID" */
	char *hostnqn;
	struct disc_dim_head head; /* n_entries as here */
	struct disc_dim_entry *entries;
	char address[64];	      /* where it came from */
	int64_t since_ms, updated_ms; /* wall clock */
	int64_t heard_ms;	      /* monotonic: it was connected then */
	bool is_gone, is_dirty, is_written, is_told;
	struct dim *dirty_next, *written_next;
};

struct dims {
	struct collector *collector;
	struct dim **items; /* in the order of their keys */
	size_t count, room;
	struct dim *dirty, *written;
	bool has_joined;
	struct loop_source *timer; /* for those that age, and a failed transaction */
};

static const struct ddc_conf *conf_of(const struct dims *dims)
{
	return &dims->collector->ddcs->conf;
}

/* --- the table */

static size_t place_of(const struct dims *dims, const char *key)
{
	size_t low = 0;
	size_t high = dims->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(dims->items[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct dim *find(const struct dims *dims, const char *key)
{
	size_t at = place_of(dims, key);

	return at < dims->count && strcmp(dims->items[at]->key, key) == 0 ? dims->items[at] : NULL;
}

static void free_one(struct dim *dim)
{
	if (!dim)
		return;
	free(dim->key);
	free(dim->hostnqn);
	free(dim->entries);
	free(dim);
}

static void drop(struct dims *dims, struct dim *dim)
{
	size_t at = place_of(dims, dim->key);

	dims->count--;
	memmove(&dims->items[at], &dims->items[at + 1], (dims->count - at) * sizeof(struct dim *));
	free_one(dim);
}

/* Returns: NULL out of memory. */
static struct dim *add(struct dims *dims, const char *hostnqn, const char *eid)
{
	struct dim *dim = calloc(1, sizeof(*dim));
	char key[KEY_MAX];
	size_t at;

	snprintf(key, sizeof(key), "%s,%s", hostnqn, eid);
	if (dim && dims->count == dims->room) {
		size_t room = dims->room ? 2 * dims->room : 64;
		struct dim **items = reallocarray(dims->items, room, sizeof(struct dim *));

		if (items) {
			dims->items = items;
			dims->room = room;
		}
	}
	if (dim) {
		dim->key = strdup(key);
		dim->hostnqn = strdup(hostnqn);
	}
	if (!dim || !dim->key || !dim->hostnqn || dims->count == dims->room) {
		free_one(dim);
		return NULL;
	}
	at = place_of(dims, key);
	memmove(&dims->items[at + 1], &dims->items[at], (dims->count - at) * sizeof(struct dim *));
	dims->items[at] = dim;
	dims->count++;
	dim->since_ms = clock_wall_ms();
	return dim;
}

/* --- as JSON */

static struct js *format_entry(const struct disc_dim_entry *entry)
{
	struct js *js = js_object();
	char scratch[8];

	js_set(js, "nqn", js_string(entry->nqn));
	js_set(js, "type",
	       js_string(entry->subtype ? disc_subtype_word(entry->subtype, scratch) : "host"));
	js_set(js, "transport", js_string(disc_trtype_word(entry->trtype, scratch)));
	js_set(js, "address", js_string(entry->traddr));
	js_set(js, "service", js_string(entry->trsvcid));
	return js;
}

static struct js *format(const struct dim *dim)
{
	struct js *js = js_object();
	struct js *list = js_array();
	size_t i;

	for (i = 0; i < dim->head.n_entries; i++)
		js_append(list, format_entry(&dim->entries[i]));
	js_set(js, "key", js_string(dim->key));
	js_set(js, "host", js_string(dim->hostnqn));
	js_set(js, "id", js_string(dim->head.eid));
	js_set(js, "entity", js_string(disc_dim_entity_word(dim->head.entity)));
	js_set(js, "name", js_string(dim->head.name));
	js_set(js, "software", js_string(dim->head.version));
	js_set(js, "from", js_string(dim->address));
	js_set(js, "since", js_int(dim->since_ms));
	js_set(js, "updated", js_int(dim->updated_ms));
	js_set(js, "entries", list);
	return js;
}

static void copy_text(const struct js *js, const char *key, char *ret, size_t size)
{
	const char *text = js_text(js_get(js, key));

	snprintf(ret, size, "%s", text ? text : "");
}

static bool parse_entries(struct dim *dim, const struct js *list)
{
	size_t n = js_length(list);
	size_t i;

	dim->entries = calloc(n ? n : 1, sizeof(*dim->entries));
	if (!dim->entries)
		return false;
	for (i = 0; i < n; i++) {
		const struct js *js = js_at(list, i);
		struct disc_dim_entry *entry = &dim->entries[i];
		const char *type = js_text(js_get(js, "type"));
		const char *transport = js_text(js_get(js, "transport"));

		entry->subtype = !type || strcmp(type, "host") == 0 ? 0
				 : strcmp(type, "referral") == 0    ? NVME_SUBTYPE_REFERRAL
				 : strcmp(type, "current") == 0	    ? NVME_SUBTYPE_CURRENT
								    : NVME_SUBTYPE_NVM;
		entry->trtype = transport && disc_trtype_of(transport) > 0
					? (uint8_t)disc_trtype_of(transport)
					: 0;
		copy_text(js, "nqn", entry->nqn, sizeof(entry->nqn));
		copy_text(js, "address", entry->traddr, sizeof(entry->traddr));
		copy_text(js, "service", entry->trsvcid, sizeof(entry->trsvcid));
	}
	dim->head.n_entries = n;
	return true;
}

/* --- the store */

static int write_one(struct dims *dims, struct dim *dim, struct err *err)
{
	struct collector *collector = dims->collector;
	CLEANUP_JS struct js *js = format(dim);
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);
	const bool is_there = dim->is_told || dim->is_written;
	char key[sizeof(KEY) + KEY_MAX];
	int r;

	if (!text)
		return err_nomem(err);
	if (dim->is_gone && !is_there)
		return 0;
	snprintf(key, sizeof(key), KEY "%s", dim->key);
	r = dim->is_gone ? store_doc_delete(collector->store, key, err)
			 : store_doc_put(collector->store, key, text, err);
	if (r == 0)
		r = events_add_own(collector->events,
				   dim->is_gone ? "removed"
				   : is_there	? "changed"
						: "added",
				   "registration", dim->key, "", js, err);
	return r;
}

static int write_dirty(void *data, struct err *err)
{
	struct dims *dims = data;
	int r = 0;

	dims->has_joined = false;
	while (r == 0 && dims->dirty) {
		struct dim *dim = dims->dirty;

		r = write_one(dims, dim, err);
		if (r < 0)
			break;
		dims->dirty = dim->dirty_next;
		dim->is_dirty = false;
		if (!dim->is_written) {
			dim->is_written = true;
			dim->written_next = dims->written;
			dims->written = dim;
		}
	}
	return r;
}

static void put_dirty(struct dims *dims, struct dim *dim)
{
	if (dim->is_dirty)
		return;
	dim->is_dirty = true;
	dim->dirty_next = dims->dirty;
	dims->dirty = dim;
}

static void done_dirty(void *data, int code, const struct err *err)
{
	struct dims *dims = data;

	(void)err;
	dims->has_joined = false;
	while (dims->written) {
		struct dim *dim = dims->written;

		dims->written = dim->written_next;
		dim->is_written = false;
		if (code < 0)
			put_dirty(dims, dim);
		else
			dim->is_told = !dim->is_gone;
		if (code == 0 && dim->is_gone && !dim->is_dirty)
			drop(dims, dim);
	}
	if (dims->dirty)
		loop_timer_set(dims->timer, RETRY_MS, RETRY_MS / 10);
}

static void join(struct dims *dims)
{
	if (dims->dirty && !dims->has_joined)
		dims->has_joined =
			commit_join(dims->collector->commit, write_dirty, done_dirty, dims) == 0;
}

static void mark(struct dims *dims, struct dim *dim)
{
	put_dirty(dims, dim);
	join(dims);
}

static int load_one(void *data, const char *key, const char *text)
{
	struct dims *dims = data;
	CLEANUP_JS struct js *js = NULL;
	const char *host, *eid, *entity;
	struct dim *dim;

	if (js_parse(text, strlen(text), &js, NULL) == -ENOMEM)
		return -ENOMEM;
	host = js_text(js_get(js, "host"));
	eid = js_text(js_get(js, "id"));
	entity = js_text(js_get(js, "entity"));
	if (!host || !entity || nqn_check(host, NULL) < 0 || !eid || nqn_check(eid, NULL) < 0) {
		log_error("the stored %s is passed over: it makes no sense", key);
		return 0;
	}
	dim = add(dims, host, eid);
	if (!dim || !parse_entries(dim, js_get(js, "entries")))
		return -ENOMEM;
	dim->head.entity = strcmp(entity, "ddc") == 0	? DISC_DIM_DDC
			   : strcmp(entity, "cdc") == 0 ? DISC_DIM_CDC
							: DISC_DIM_HOST;
	memcpy(dim->head.eid, eid, strlen(eid) + 1);
	copy_text(js, "name", dim->head.name, sizeof(dim->head.name));
	copy_text(js, "software", dim->head.version, sizeof(dim->head.version));
	copy_text(js, "from", dim->address, sizeof(dim->address));
	dim->since_ms = js_number(js_get(js, "since"), 0);
	dim->updated_ms = js_number(js_get(js, "updated"), 0);
	dim->heard_ms = clock_monotonic_ms();
	dim->is_told = true;
	return 0;
}

/* --- endpoints for ddc */

static bool is_endpoint(const struct dim *dim, const struct disc_dim_entry *entry)
{
	return dim->head.entity == DISC_DIM_DDC && entry->trtype == NVME_TRTYPE_TCP &&
	       (entry->subtype == NVME_SUBTYPE_CURRENT || entry->subtype == NVME_SUBTYPE_REFERRAL);
}

static void need_endpoints(struct dims *dims, const struct dim *dim)
{
	size_t i;

	for (i = 0; i < dim->head.n_entries; i++) {
		const struct disc_dim_entry *entry = &dim->entries[i];
		const char *service = *entry->trsvcid ? entry->trsvcid : NVME_TCP_DISCOVERY_PORT;
		struct addr addr;
		struct ddc *ddc;

		if (!is_endpoint(dim, entry) || addr_parse_host(entry->traddr, &addr, NULL) < 0 ||
		    addr_parse_port(service, addr.port, NULL) < 0)
			continue;
		ddc = ddc_need(dims->collector->ddcs, addr.host, addr.port, DDC_REGISTERED);
		if (ddc)
			ddc->is_seen = true;
	}
}

static void tell_endpoints(struct dims *dims)
{
	struct ddcs *ddcs = dims->collector->ddcs;
	size_t i;

	if (!ddcs->is_running)
		return;
	for (i = 0; i < ddcs->count; i++)
		ddcs->items[i]->is_seen = false;
	for (i = 0; i < dims->count; i++)
		if (!dims->items[i]->is_gone)
			need_endpoints(dims, dims->items[i]);
	for (i = 0; i < ddcs->count; i++)
		if (!ddcs->items[i]->is_seen)
			ddc_leave(ddcs->items[i], DDC_REGISTERED);
}

static void end(struct dims *dims, struct dim *dim)
{
	dim->is_gone = true;
	mark(dims, dim);
}

/* --- who may */

static int stop_here(void *data, const struct registry_source *source,
		     const struct registry_object *object)
{
	(void)data, (void)source, (void)object;
	return 1;
}

static bool is_in_a_zone(const struct dims *dims, const char *hostnqn)
{
	struct zone_host zone;

	zone_host_begin(dims->collector->zones, hostnqn, &zone);
	return zone.count > 0;
}

static bool is_reported(const struct dims *dims, const char *kind, const char *key,
			const char *text)
{
	struct registry_filter filter = REGISTRY_FILTER_ANY;

	filter.kind = kind;
	filter.is[0].key = key;
	filter.is[0].text = text;
	return registry_each(dims->collector->registry, &filter, stop_here, NULL) == 1;
}

/* Does a controller that is known otherwise, or a helper, have that address? */
static bool has_address(const struct dims *dims, const char *address)
{
	const struct ddcs *ddcs = dims->collector->ddcs;
	size_t i;

	for (i = 0; i < ddcs->count; i++)
		if ((ddcs->items[i]->sources & (DDC_CONF | DDC_REPORT)) &&
		    strcmp(ddcs->items[i]->address, address) == 0)
			return true;
	return false;
}

static bool is_known(const struct dims *dims, const char *hostnqn, uint8_t entity,
		     const char *address)
{
	return is_in_a_zone(dims, hostnqn) || is_reported(dims, "allowed", "hostnqn", hostnqn) ||
	       is_reported(dims, "host", "hostnqn", hostnqn) ||
	       (entity != DISC_DIM_HOST && has_address(dims, address));
}

/* --- commands */

/* The address that it came from is meant. */
static bool is_nowhere(const char *address)
{
	return !*address || strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

/* Where the collector would go: only to who is known may a command send it elsewhere than to
 * where the command came from. */
static bool may_point_to(const struct dims *dims, const struct disc_dim_entry *entry,
			 const char *from)
{
	struct addr addr;

	if (is_nowhere(entry->traddr) || entry->trtype != NVME_TRTYPE_TCP)
		return true;
	if (addr_parse_host(entry->traddr, &addr, NULL) < 0 || addr.family == ADDR_NAME)
		return false;
	if (*entry->trsvcid && addr_parse_port(entry->trsvcid, addr.port, NULL) < 0)
		return false;
	return conf_of(dims)->registrations == DDC_REGISTER_KNOWN || strcmp(addr.host, from) == 0;
}

static bool is_same(const struct disc_dim_entry *a, const struct disc_dim_entry *b)
{
	return a->trtype == b->trtype && a->subtype == b->subtype && strcmp(a->nqn, b->nqn) == 0 &&
	       strcmp(a->traddr, b->traddr) == 0 && strcmp(a->trsvcid, b->trsvcid) == 0;
}

static size_t count_of(const struct dims *dims, const char *hostnqn, const struct dim *but)
{
	size_t n = 0;
	size_t i;

	/* those of a host stand together, and others may be among them */
	for (i = place_of(dims, hostnqn); i < dims->count; i++) {
		const struct dim *dim = dims->items[i];

		if (strncmp(dim->key, hostnqn, strlen(hostnqn)) != 0)
			break;
		/* one without entries counts, too */
		if (dim != but && !dim->is_gone && strcmp(dim->hostnqn, hostnqn) == 0)
			n += dim->head.n_entries ? dim->head.n_entries : 1;
	}
	return n;
}

/* Returns: those that were there, and those of the command that were not, or without them; NULL:
 * out of memory. */
static struct disc_dim_entry *merge(const struct dim *dim, const struct disc_dim *command,
				    const struct disc_dim_head *head, const char *from, bool add,
				    size_t *ret_count)
{
	const size_t before = dim ? dim->head.n_entries : 0;
	struct disc_dim_entry *all = calloc(before + head->n_entries + 1, sizeof(*all));
	struct disc_dim_entry entry;
	size_t n = before;
	size_t at = 0;
	size_t i;

	if (!all)
		return NULL;
	if (before)
		memcpy(all, dim->entries, before * sizeof(*all));
	while (disc_dim_next(command->bytes, head, &at, &entry)) {
		if (is_nowhere(entry.traddr))
			snprintf(entry.traddr, sizeof(entry.traddr), "%s", from);
		for (i = 0; i < n && !is_same(&all[i], &entry); i++)
			;
		if (i == n && add)
			all[n++] = entry;
		else if (i < n && !add)
			all[i] = all[--n];
	}
	*ret_count = n;
	return all;
}

static bool check_entries(const struct dims *dims, const struct disc_dim *command,
			  const struct disc_dim_head *head, const char *from)
{
	struct disc_dim_entry entry;
	size_t at = 0;

	while (disc_dim_next(command->bytes, head, &at, &entry))
		if (!may_point_to(dims, &entry, from))
			return false;
	return true;
}

static bool is_same_head(const struct disc_dim_head *a, const struct disc_dim_head *b)
{
	return a->entity == b->entity && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->version, b->version) == 0;
}

/* @is_new  there is more of it than there was */
static void fill(struct dims *dims, struct dim *dim, const struct disc_dim_head *head,
		 const char *address, bool is_new)
{
	const size_t n = dim->head.n_entries;

	dim->heard_ms = clock_monotonic_ms();
	/* nvme-stas registers at each reconnect, with each event of the kernel: that is no news */
	if (!is_new && !dim->is_gone && is_same_head(&dim->head, head) &&
	    strcmp(dim->address, address) == 0)
		return;
	dim->head = *head;
	dim->head.n_entries = n;
	snprintf(dim->address, sizeof(dim->address), "%s", address);
	dim->updated_ms = clock_wall_ms();
	if (dim->is_gone)
		dim->since_ms = dim->updated_ms;
	dim->is_gone = false;
	mark(dims, dim);
}

static uint16_t put(struct dims *dims, const char *hostnqn, const char *address,
		    const struct disc_dim *command, const struct disc_dim_head *head)
{
	const struct ddc_conf *conf = conf_of(dims);
	char key[KEY_MAX];
	struct disc_dim_entry *entries;
	struct dim *dim;
	bool is_new;
	size_t n;

	snprintf(key, sizeof(key), "%s,%s", hostnqn, head->eid);
	dim = find(dims, key);
	if (!check_entries(dims, command, head, address))
		return NVME_SC_DISC_INFO_INVALID | NVME_SC_DNR;
	if (!dim && dims->count >= (size_t)conf->registrations_max)
		return NVME_SC_DISC_RESOURCES | NVME_SC_DNR;
	/* what it was before it went counts no more */
	entries = merge(dim && !dim->is_gone ? dim : NULL, command, head, address, true, &n);
	if (!entries)
		return NVME_SC_DISC_RESOURCES;
	if (count_of(dims, hostnqn, dim) + (n ? n : 1) > (size_t)conf->registrations_per_host)
		n = SIZE_MAX;
	else if (!dim)
		dim = add(dims, hostnqn, head->eid);
	if (!dim || n == SIZE_MAX) {
		free(entries);
		return NVME_SC_DISC_RESOURCES | NVME_SC_DNR;
	}
	is_new = !dim->entries || n != dim->head.n_entries;
	free(dim->entries);
	dim->entries = entries;
	dim->head.n_entries = n;
	fill(dims, dim, head, address, is_new);
	return NVME_SC_SUCCESS;
}

static uint16_t take_away(struct dims *dims, const char *hostnqn, const char *address,
			  const struct disc_dim *command, const struct disc_dim_head *head)
{
	struct disc_dim_entry *entries;
	char key[KEY_MAX];
	struct dim *dim;
	size_t n;

	snprintf(key, sizeof(key), "%s,%s", hostnqn, head->eid);
	dim = find(dims, key);
	/* what is not there is gone: a host that does it twice has done nothing wrong */
	if (!dim || dim->is_gone)
		return NVME_SC_SUCCESS;
	entries = merge(dim, command, head, address, false, &n);
	if (!entries)
		return NVME_SC_DISC_RESOURCES;
	free(dim->entries);
	dim->entries = entries;
	dim->head.n_entries = n;
	if (n && head->n_entries)
		mark(dims, dim);
	else
		end(dims, dim);
	return NVME_SC_SUCCESS;
}

/* Nobody speaks for another host; a controller has a name besides that of its host. */
static bool is_its_own(const char *hostnqn, const struct disc_dim_head *head)
{
	return head->entity != DISC_DIM_HOST || strcmp(head->eid, hostnqn) == 0;
}

uint16_t dim_command(struct dims *dims, const char *hostnqn, const char *address,
		     const struct disc_dim *command)
{
	const struct ddc_conf *conf = conf_of(dims);
	struct disc_dim_head head;
	struct err err = ERR_NULL;
	uint16_t status;

	if (conf->registrations == DDC_REGISTER_OFF)
		return NVME_SC_FUNCTION_DISABLED | NVME_SC_DNR;
	if (disc_dim_parse(command->bytes, command->length, &head, &err) < 0 ||
	    !is_its_own(hostnqn, &head)) {
		log_info("what %s registers is refused: %s", hostnqn,
			 *err.text ? err.text : "it is of another host");
		return NVME_SC_DISC_INFO_INVALID | NVME_SC_DNR;
	}
	if (conf->registrations == DDC_REGISTER_KNOWN &&
	    !is_known(dims, hostnqn, head.entity, address)) {
		log_info("%s registers from %s, and nobody knows it", hostnqn, address);
		return NVME_SC_FUNCTION_DISABLED | NVME_SC_DNR;
	}
	status = command->tas == DISC_DIM_DEREGISTER
			 ? take_away(dims, hostnqn, address, command, &head)
			 : put(dims, hostnqn, address, command, &head);
	if (status == NVME_SC_SUCCESS && head.entity == DISC_DIM_DDC)
		tell_endpoints(dims);
	return status;
}

/* --- time */

static bool is_connected(const struct dims *dims, const struct dim *dim)
{
	const struct cdc *cdc = dims->collector->cdc;
	const struct cdc_host *host = cdc ? cdc_host_find(cdc, dim->hostnqn) : NULL;

	return host && host->conns;
}

static void age(struct dims *dims)
{
	const int64_t now_ms = clock_monotonic_ms();
	const int64_t limit_ms = 1000 * conf_of(dims)->registration_seconds;
	bool changed = false;
	size_t i;

	for (i = 0; i < dims->count; i++) {
		struct dim *dim = dims->items[i];

		if (is_connected(dims, dim)) {
			dim->heard_ms = now_ms;
		} else if (!dim->is_gone && now_ms - dim->heard_ms > limit_ms) {
			changed |= dim->head.entity == DISC_DIM_DDC;
			end(dims, dim);
		}
	}
	if (changed)
		tell_endpoints(dims);
}

static void on_timer(void *data)
{
	struct dims *dims = data;

	join(dims);
	age(dims);
	loop_timer_set(dims->timer, dims->dirty ? RETRY_MS : TICK_MS, TICK_MS / 10);
}

/* --- life */

void dim_apply(struct dims *dims)
{
	const struct ddc_conf *conf = conf_of(dims);
	const struct cdc *cdc = dims->collector->cdc;
	size_t i;

	if (cdc)
		disc_server_take_dim(cdc->server, conf->registrations != DDC_REGISTER_OFF);
	if (conf->registrations == DDC_REGISTER_OFF)
		for (i = 0; i < dims->count; i++)
			if (!dims->items[i]->is_gone)
				end(dims, dims->items[i]);
	tell_endpoints(dims);
	if (conf->registrations != DDC_REGISTER_OFF || dims->dirty)
		loop_timer_set(dims->timer, 0, 0);
}

int dim_new(struct collector *collector, struct dims **ret, struct err *err)
{
	struct dims *dims = calloc(1, sizeof(*dims));
	int r;

	if (!dims)
		return err_nomem(err);
	dims->collector = collector;
	r = loop_add_timer(collector->loop, on_timer, dims, &dims->timer, err);
	if (r == 0)
		r = store_doc_each(collector->store, KEY, load_one, dims, err);
	if (r < 0)
		dim_free(dims);
	else
		*ret = dims;
	return r;
}

void dim_free(struct dims *dims)
{
	if (!dims)
		return;
	while (dims->count)
		free_one(dims->items[--dims->count]);
	free(dims->items);
	loop_source_free(dims->timer);
	free(dims);
}

size_t dim_count(const struct dims *dims)
{
	return dims->count;
}

/* --- requests */

static int get_registrations(struct collector *collector, const struct api_request *request,
			     struct api_answer *answer, struct err *err)
{
	const struct dims *dims = collector->dims;
	const char *host = api_query(request, "host");
	struct js *js = js_object();
	struct js *items = js_array();
	size_t i;

	for (i = 0; i < dims->count; i++) {
		const struct dim *dim = dims->items[i];
		struct js *item;

		if (dim->is_gone || (host && strcmp(host, dim->hostnqn) != 0))
			continue;
		item = format(dim);
		js_set(item, "connected", js_bool(is_connected(dims, dim)));
		js_append(items, item);
	}
	js_set(js, "version", js_int(REPORT_VERSION));
	js_set(js, "items", items);
	return api_answer_js(answer, 200, js, err);
}

const struct api_route dim_routes[] = {
	{ "GET", "/registrations", AUTH_VIEWER, 0, get_registrations },
	{ 0 },
};
