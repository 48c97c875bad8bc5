/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-events-destination - subscriptions: what they want, and their documents. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "collector/collector.h"
#include "collector/redfish.h"
#include "collector/rf-body.h"
#include "collector/rf-events-own.h"
#include "core/log.h"
#include "redfish/rf-message.h"

#define KEY "subscription/"
#define KEY_MAX 64
#define ID_BYTES 4
#define URL_MAX 1024
#define CONTEXT_MAX 1024
#define LIST_MAX 64 /* of each filter */
#define ITEM_MAX 512
#define HEADERS_MAX 16
#define HEADER_MAX 4096

/* --- what is wanted */

static bool list_has(const struct js *list, const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < js_length(list); i++) {
		const char *item = js_text(js_at(list, i));

		if (item && strncmp(item, text, length) == 0 && !item[length])
			return true;
	}
	return false;
}

/* "ResourceEvent" of "ResourceEvent.1.4" */
static size_t prefix_length(const char *registry)
{
	return strcspn(registry, ".");
}

/* By prefix and key; the version does not matter: "ResourceEvent.1.0.ResourceCreated" is the same,
 * and so is a key alone. */
static bool names_message(const char *item, const struct rf_record *record)
{
	size_t length = prefix_length(record->registry);
	const char *key = strrchr(item, '.');

	if (!key)
		return strcmp(item, record->key) == 0;
	return strcmp(key + 1, record->key) == 0 && strncmp(item, record->registry, length) == 0 &&
	       item[length] == '.';
}

static bool has_message(const struct js *list, const struct rf_record *record)
{
	size_t i;

	for (i = 0; i < js_length(list); i++) {
		const char *item = js_text(js_at(list, i));

		if (item && names_message(item, record))
			return true;
	}
	return false;
}

static bool is_from(const struct js *list, bool below, const char *origin)
{
	size_t i;

	for (i = 0; i < js_length(list); i++) {
		const char *uri = js_text(js_get(js_at(list, i), "@odata.id"));
		size_t length = uri ? strlen(uri) : 0;

		/* with or without a slash at its end */
		while (length && uri[length - 1] == '/')
			length--;
		if (length && strncmp(origin, uri, length) == 0 &&
		    (!origin[length] || (below && origin[length] == '/')))
			return true;
	}
	return false;
}

bool rf_destination_wants(const struct destination *destination, const struct rf_record *record)
{
	const struct js *js = destination->js;
	const struct js *prefixes = js_get(js, "RegistryPrefixes");
	const struct js *messages = js_get(js, "MessageIds");
	const struct js *types = js_get(js, "ResourceTypes");
	const struct js *origins = js_get(js, "OriginResources");
	const struct js *severities = js_get(js, "Severities");
	const char *severity = rf_severity_word((enum rf_severity)record->severity);
	size_t length = prefix_length(record->registry);

	if (list_has(js_get(js, "ExcludeRegistryPrefixes"), record->registry, length) ||
	    has_message(js_get(js, "ExcludeMessageIds"), record))
		return false;
	if (js_length(prefixes) && !list_has(prefixes, record->registry, length))
		return false;
	if (js_length(messages) && !has_message(messages, record))
		return false;
	if (js_length(types) && !list_has(types, record->type, strlen(record->type)))
		return false;
	if (js_length(severities) && !list_has(severities, severity, strlen(severity)))
		return false;
	return !js_length(origins) ||
	       (record->origin &&
		is_from(origins, js_is_true(js_get(js, "SubordinateResources")), record->origin));
}

/* --- what is asked for */

static int refuse(struct rf_call *call, const char *property, const char *resolution)
{
	return rf_problem_property(&call->problems, "PropertyValueError", property, NULL,
				   resolution);
}

/* The host of a URL that has no user in it. Returns: false it is no such URL. */
static bool url_host(const char *url, char ret[256])
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-._~:/?[]!$&'()*+,;=%";
	const char *host, *end;

	if (url[strspn(url, allowed)] != '\0')
		return false;
	if (strncasecmp(url, "https://", 8) == 0)
		host = url + 8;
	else if (strncasecmp(url, "http://", 7) == 0)
		host = url + 7;
	else
		return false;
	if (*host == '[') {
		host++;
		end = strchr(host, ']');
	} else {
		end = host + strcspn(host, ":/?");
	}
	if (!end || end == host || end - host > 255)
		return false;
	snprintf(ret, 256, "%.*s", (int)(end - host), host);
	return true;
}

static int check_url(struct rf_call *call, const struct rfevents *rfevents, const char *url)
{
	char host[256];

	if (strlen(url) > URL_MAX || !url_host(url, host))
		return refuse(call, "Destination",
			      "Give a URL such as https://host/path, without a user in it.");
	/* a name is looked up, and its address looked at, when it is connected to */
	if (strcasecmp(host, "localhost") == 0 && !rfevents->n_nets)
		return refuse(call, "Destination", "This host is no destination of events.");
	if (rf_net_may_text(rfevents->nets, rfevents->n_nets, host) == 0)
		return refuse(call, "Destination",
			      "Give an address in the networks that are configured for events "
			      "(event_networks).");
	return 0;
}

static int check_word(struct rf_call *call, const char *key, const char *const *words,
		      const char *resolution)
{
	const char *text;
	int r = rf_body_text(call, key, &text);

	if (r <= 0)
		return r;
	for (; *words; words++)
		if (strcmp(*words, text) == 0)
			return 0;
	return rf_problem_property(&call->problems, "PropertyValueNotInList", key, text,
				   resolution);
}

static const char *const redfish_words[] = { "Redfish", NULL };
static const char *const subscription_words[] = { "RedfishEvent", NULL };
static const char *const format_words[] = { "Event", NULL };
static const char *const policy_words[] = { "TerminateAfterRetries", "SuspendRetries",
					    "RetryForever", "RetryForeverWithBackoff", NULL };

static int check_words(struct rf_call *call)
{
	int r = check_word(call, "Protocol", redfish_words, "Give Redfish.");

	if (r == 0)
		r = check_word(call, "SubscriptionType", subscription_words,
			       "Give RedfishEvent; a stream is opened at ServerSentEventUri.");
	if (r == 0)
		r = check_word(call, "EventFormatType", format_words, "Give Event.");
	if (r == 0)
		r = check_word(call, "DeliveryRetryPolicy", policy_words,
			       "Give TerminateAfterRetries, SuspendRetries, RetryForever or "
			       "RetryForeverWithBackoff.");
	return r;
}

static const char *const lists[] = {
	"RegistryPrefixes",  "ResourceTypes", "MessageIds", "ExcludeRegistryPrefixes",
	"ExcludeMessageIds", "Severities",    NULL
};

static int check_lists(struct rf_call *call)
{
	size_t at, i;

	for (at = 0; lists[at]; at++) {
		const struct js *list = js_get(call->body, lists[at]);

		if (!list)
			continue;
		if (js_type(list) != JS_ARRAY || js_length(list) > LIST_MAX)
			return refuse(call, lists[at], "Give an array of no more than 64.");
		for (i = 0; i < js_length(list); i++) {
			const char *text = js_text(js_at(list, i));

			if (!text || strlen(text) > ITEM_MAX)
				return refuse(call, lists[at], "Give texts.");
		}
	}
	return 0;
}

static int check_origins(struct rf_call *call)
{
	const struct js *list = js_get(call->body, "OriginResources");
	size_t i;

	if (!list)
		return 0;
	if (js_type(list) != JS_ARRAY || js_length(list) > LIST_MAX)
		return refuse(call, "OriginResources", "Give an array of no more than 64.");
	for (i = 0; i < js_length(list); i++) {
		const char *uri = js_text(js_get(js_at(list, i), "@odata.id"));

		if (!uri || strncmp(uri, RF_ROOT, strlen(RF_ROOT)) != 0 || strlen(uri) > ITEM_MAX)
			return refuse(call, "OriginResources",
				      "Give objects with the @odata.id of a resource.");
	}
	return 0;
}

static bool is_token(const char *name)
{
	return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789!#$%&'*+-.^_`|~")] == '\0';
}

/* Those that say where a request ends are ours. */
static bool is_free_header(const char *name)
{
	static const char *const ours[] = { "Host",    "Content-Length", "Content-Type",
					    "Expect",  "Connection",	 "Transfer-Encoding",
					    "Upgrade", "Trailer",	 "TE",
					    NULL };
	size_t i;

	for (i = 0; ours[i]; i++)
		if (strcasecmp(ours[i], name) == 0)
			return false;
	return is_token(name);
}

static int check_headers(struct rf_call *call)
{
	const struct js *list = js_get(call->body, "HttpHeaders");
	size_t n = 0;
	size_t i, j;

	if (list && js_type(list) != JS_ARRAY)
		return refuse(call, "HttpHeaders", "Give an array of objects.");
	for (i = 0; i < js_length(list); i++) {
		if (js_type(js_at(list, i)) != JS_OBJECT)
			return refuse(call, "HttpHeaders", "Give an array of objects.");
		for (j = 0; j < js_length(js_at(list, i)); j++, n++) {
			const char *value = js_text(js_value_at(js_at(list, i), j));

			if (!value || strlen(value) > HEADER_MAX || !str_is_printable(value) ||
			    !is_free_header(js_key_at(js_at(list, i), j)))
				return refuse(call, "HttpHeaders",
					      "Give names and values of headers; those of the "
					      "connection and the body cannot be set.");
		}
	}
	return n > HEADERS_MAX ? refuse(call, "HttpHeaders", "Give no more than 16.") : 0;
}

static int check_context(struct rf_call *call)
{
	const char *text = "";
	int r = rf_body_text(call, "Context", &text);

	if (r > 0 && strlen(text) > CONTEXT_MAX)
		return refuse(call, "Context", "Give no more than 1024 bytes.");
	return r < 0 ? r : 0;
}

static int check_flags(struct rf_call *call)
{
	bool value;
	int r = rf_body_bool(call, "VerifyCertificate", &value);

	if (r >= 0)
		r = rf_body_bool(call, "SubordinateResources", &value);
	return r < 0 ? r : 0;
}

/* Those that are taken as they are. */
static const char *const kept[] = {
	"Destination",		"Context",	     "Protocol",
	"DeliveryRetryPolicy",	"VerifyCertificate", "RegistryPrefixes",
	"ResourceTypes",	"MessageIds",	     "ExcludeRegistryPrefixes",
	"ExcludeMessageIds",	"Severities",	     "OriginResources",
	"SubordinateResources", "HttpHeaders",	     NULL
};

/* @before  NULL: a new one. Returns: NULL out of memory. */
static struct js *merge(const struct js *before, const struct js *body)
{
	struct js *js = js_object();
	size_t i;

	for (i = 0; kept[i]; i++) {
		const struct js *value = js_get(body, kept[i]);

		if (!value)
			value = js_get(before, kept[i]);
		if (value)
			js_set(js, kept[i], js_ref(value));
	}
	if (!js_get(js, "Context"))
		js_set(js, "Context", js_string(""));
	if (!js_get(js, "DeliveryRetryPolicy"))
		js_set(js, "DeliveryRetryPolicy", js_string("TerminateAfterRetries"));
	if (!js_get(js, "VerifyCertificate"))
		js_set(js, "VerifyCertificate", js_bool(false));
	return js;
}

/* --- in memory and in the store */

static const char *key_of(const char *id, char key[KEY_MAX])
{
	snprintf(key, KEY_MAX, KEY "%s", id);
	return key;
}

static int save(struct rfevents *rfevents, const char *id, const struct js *js)
{
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);
	char key[KEY_MAX];
	int r;

	if (!text)
		return -ENOMEM;
	r = store_doc_put(rfevents->redfish->collector->store, key_of(id, key), text, NULL);
	explicit_bzero(text, strlen(text));
	return r;
}

static void drop(struct destination *destination)
{
	struct rfevents *rfevents = destination->rfevents;

	TAILQ_REMOVE(&rfevents->destinations, destination, next);
	rfevents->n_destinations--;
	rf_push_deinit(destination);
	if (destination->resource)
		rf_tree_remove(rfevents->redfish->tree, destination->resource);
	js_free(destination->js);
	free(destination);
}

/* Returns: 0, *ret owned by @rfevents; as rf_tree_add. */
static int add(struct rfevents *rfevents, const char *id, struct js *take_js,
	       struct destination **ret)
{
	struct destination *destination = calloc(1, sizeof(*destination));
	char uri[RF_URI_MAX];
	int r;

	if (!destination) {
		js_free(take_js);
		return -ENOMEM;
	}
	destination->rfevents = rfevents;
	destination->js = take_js;
	snprintf(destination->id, sizeof(destination->id), "%s", id);
	snprintf(uri, sizeof(uri), RFEVENTS_SUBSCRIPTIONS_URI "/%s", id);
	TAILQ_INSERT_TAIL(&rfevents->destinations, destination, next);
	rfevents->n_destinations++;
	r = rf_push_init(destination, NULL);
	if (r == 0)
		r = rf_tree_add(rfevents->redfish->tree, uri, &rf_destination_class, destination,
				&destination->resource, NULL);
	if (r < 0)
		drop(destination);
	else
		*ret = destination;
	return r;
}

static struct destination *find(const struct rfevents *rfevents, const char *id)
{
	struct destination *destination;

	TAILQ_FOREACH(destination, &rfevents->destinations, next)
	if (strcmp(destination->id, id) == 0)
		return destination;
	return NULL;
}

static int load_one(void *data, const char *key, const char *text)
{
	struct rfevents *rfevents = data;
	const char *id = key + strlen(KEY);
	struct destination *destination = find(rfevents, id);
	struct js *js = NULL;

	if (strlen(id) >= sizeof(destination->id) || js_parse(text, strlen(text), &js, NULL) < 0 ||
	    !js_text(js_get(js, "Destination"))) {
		log_error("the subscription %s cannot be read: delete and make it again", id);
		js_free(js);
		return 0;
	}
	if (!destination)
		return add(rfevents, id, js, &destination);
	js_free(destination->js);
	destination->js = js;
	destination->stale = false;
	rf_resource_touch(rfevents->redfish->tree, destination->resource);
	return 0;
}

int rf_destinations_load(struct rfevents *rfevents, struct err *err)
{
	int r = store_doc_each(rfevents->redfish->collector->store, KEY, load_one, rfevents, err);

	return r == -ENOMEM ? err_nomem(err) : r;
}

void rf_destinations_reload(struct rfevents *rfevents)
{
	struct destination *destination, *next;
	struct err err = ERR_NULL;

	TAILQ_FOREACH(destination, &rfevents->destinations, next)
	destination->stale = true;
	if (rf_destinations_load(rfevents, &err) < 0) {
		log_error("subscriptions after a failed transaction: %s", err.text);
		return;
	}
	for (destination = TAILQ_FIRST(&rfevents->destinations); destination; destination = next) {
		next = TAILQ_NEXT(destination, next);
		if (destination->stale)
			drop(destination);
	}
}

void rf_destinations_free(struct rfevents *rfevents)
{
	struct destination *destination;

	while ((destination = TAILQ_FIRST(&rfevents->destinations))) {
		/* the tree goes with all that is in it */
		destination->resource = NULL;
		drop(destination);
	}
}

/* --- it ends by itself */

struct ending {
	struct rfevents *rfevents;
	char id[24];
};

static int write_end(void *data, struct err *err)
{
	const struct ending *ending = data;
	struct destination *destination = find(ending->rfevents, ending->id);
	char key[KEY_MAX];
	int r;

	if (!destination)
		return 0;
	r = store_doc_delete(ending->rfevents->redfish->collector->store, key_of(ending->id, key),
			     err);
	if (r == 0)
		drop(destination);
	return r;
}

static void done_end(void *data, int code, const struct err *err)
{
	struct ending *ending = data;
	struct destination *destination =
		code < 0 && code != -ECANCELED ? find(ending->rfevents, ending->id) : NULL;

	(void)err;
	/* tried again at the next event */
	if (destination)
		destination->ending = false;
	free(ending);
}

void rf_destination_end(struct destination *destination)
{
	struct ending *ending = calloc(1, sizeof(*ending));

	if (!ending)
		return;
	log_warning("redfish: subscription %s ends: it takes no events", destination->id);
	ending->rfevents = destination->rfevents;
	snprintf(ending->id, sizeof(ending->id), "%s", destination->id);
	destination->ending = true;
	if (commit_join(destination->rfevents->redfish->collector->commit, write_end, done_end,
			ending) < 0) {
		destination->ending = false;
		free(ending);
	}
}

/* --- handlers */

static int check(struct rf_call *call)
{
	int r = check_words(call);

	if (r == 0)
		r = check_context(call);
	if (r == 0)
		r = check_flags(call);
	if (r == 0)
		r = check_lists(call);
	if (r == 0)
		r = check_origins(call);
	return r < 0 ? r : check_headers(call);
}

static int make(struct rfevents *rfevents, struct rf_call *call)
{
	struct destination *destination;
	unsigned char bytes[ID_BYTES];
	char id[2 * ID_BYTES + 1];
	struct js *js = merge(NULL, call->body);
	int r = -EIO;

	if (getrandom(bytes, sizeof(bytes), 0) == sizeof(bytes)) {
		str_hex(bytes, sizeof(bytes), id);
		r = save(rfevents, id, js);
	}
	if (r < 0) {
		js_free(js);
		return r;
	}
	r = add(rfevents, id, js, &destination);
	if (r == 0)
		rf_call_created(call, rf_resource_uri(destination->resource));
	return r;
}

static int post_destination(void *data, struct rf_call *call)
{
	/* EventTypes is of old, and has no meaning any more */
	static const char *const known[] = { "Destination",
					     "Context",
					     "Protocol",
					     "DeliveryRetryPolicy",
					     "VerifyCertificate",
					     "RegistryPrefixes",
					     "ResourceTypes",
					     "MessageIds",
					     "ExcludeRegistryPrefixes",
					     "ExcludeMessageIds",
					     "Severities",
					     "OriginResources",
					     "SubordinateResources",
					     "HttpHeaders",
					     "Name",
					     "EventTypes",
					     "EventFormatType",
					     "SubscriptionType",
					     NULL };
	struct rfevents *rfevents = rf_resource_object(call->resource);
	const char *url = "";
	const char *protocol = "";
	int r = rf_body_check(call, known);

	(void)data;
	if (r < 0)
		return r;
	r = rf_body_need(call, "Destination", &url);
	r = rf_body_need(call, "Protocol", &protocol) < 0 ? -EBADMSG : r;
	if (r == 0)
		r = check(call);
	if (r == 0)
		r = check_url(call, rfevents, url);
	if (r < 0)
		return r;
	if (rfevents->n_destinations >= rfevents->destinations_max)
		return rf_problem_add(
			&call->problems,
			&(struct rf_problem){ .key = "EventSubscriptionLimitExceeded" });
	return make(rfevents, call);
}

static int patch_destination(void *data, struct rf_call *call)
{
	static const char *const writable[] = { "Context", "DeliveryRetryPolicy",
						"VerifyCertificate", "HttpHeaders", NULL };
	struct destination *destination = rf_resource_object(call->resource);
	CLEANUP_JS struct js *given = js_object();
	struct js *js;
	size_t i;
	int r = rf_patch_check(call, writable);

	(void)data;
	if (r == 0)
		r = check_words(call);
	if (r == 0)
		r = check_context(call);
	if (r == 0)
		r = check_flags(call);
	if (r == 0)
		r = check_headers(call);
	if (r < 0)
		return r;
	for (i = 0; writable[i]; i++)
		if (js_get(call->body, writable[i]))
			js_set(given, writable[i], js_ref(js_get(call->body, writable[i])));
	js = merge(destination->js, given);
	r = save(destination->rfevents, destination->id, js);
	if (r < 0) {
		js_free(js);
		return r;
	}
	js_free(destination->js);
	destination->js = js;
	rf_resource_touch(destination->rfevents->redfish->tree, destination->resource);
	return 0;
}

static int delete_destination(void *data, struct rf_call *call)
{
	struct destination *destination = rf_resource_object(call->resource);
	char key[KEY_MAX];
	int r = store_doc_delete(destination->rfevents->redfish->collector->store,
				 key_of(destination->id, key), NULL);

	(void)data;
	if (r == 0)
		drop(destination);
	return r;
}

static int resume(void *data, struct rf_call *call)
{
	struct destination *destination = rf_resource_object(call->resource);

	(void)data;
	rf_push_resume(destination);
	rf_resource_touch(destination->rfevents->redfish->tree, destination->resource);
	return 0;
}

static int suspend(void *data, struct rf_call *call)
{
	struct destination *destination = rf_resource_object(call->resource);

	(void)data;
	destination->suspended = true;
	rf_resource_touch(destination->rfevents->redfish->tree, destination->resource);
	return 0;
}

/* --- resources */

static int render_destination(void *data, struct rf_resource *resource, struct js *doc)
{
	const struct destination *destination = rf_resource_object(resource);
	size_t i;

	(void)data;
	js_set(doc, "Name", js_string("Subscription"));
	/* secrets of the receiver are written, never read */
	for (i = 0; kept[i]; i++)
		if (strcmp(kept[i], "HttpHeaders") != 0 && js_get(destination->js, kept[i]))
			js_set(doc, kept[i], js_ref(js_get(destination->js, kept[i])));
	js_set(doc, "HttpHeaders", js_array());
	js_set(doc, "SubscriptionType", js_string("RedfishEvent"));
	js_set(doc, "EventFormatType", js_string("Event"));
	rf_set_status(resource, doc, destination->suspended ? "Disabled" : "Enabled", "OK", NULL);
	return 0;
}

static const struct rf_action actions[] = {
	{ "#EventDestination.ResumeSubscription", resume },
	{ "#EventDestination.SuspendSubscription", suspend },
	{ NULL, NULL },
};

const struct rf_class rf_destination_class = {
	.type = "#EventDestination.v1_14_0.EventDestination",
	.read = RF_LOGIN,
	.write = RF_CONFIGURE_MANAGER,
	.render = render_destination,
	.patch = patch_destination,
	.delete = delete_destination,
	.actions = actions,
};

const struct rf_class rf_destinations_class = {
	.type = "#EventDestinationCollection.EventDestinationCollection",
	.collection = true,
	.name = "Event Subscriptions",
	.read = RF_LOGIN,
	.write = RF_CONFIGURE_MANAGER,
	.post = post_destination,
};
