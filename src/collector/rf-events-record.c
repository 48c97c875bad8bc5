/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "collector/rf-events-own.h"
#include "redfish/rf-message.h"

/* --- one event as a document */

static void set_common(struct js *record, uint64_t id, const struct rf_record_about *about)
{
	char text[24];
	char time[CLOCK_TEXT_MAX];
	struct js *origin;

	snprintf(text, sizeof(text), "%" PRIu64, id);
	js_set(record, "MemberId", js_string("0"));
	js_set(record, "EventId", js_string(text));
	js_set(record, "EventGroupId", js_int((int64_t)(about->group ? about->group : id)));
	/* deprecated, but still required */
	js_set(record, "EventType", js_string("Other"));
	js_set(record, "EventTimestamp", js_string(clock_format(clock_wall_ms(), time)));
	if (about->origin) {
		origin = js_object();
		js_set(origin, "@odata.id", js_string(about->origin));
		js_set(record, "OriginOfCondition", origin);
	}
}

/* Members of @from go over those of @to. */
static void put_over(struct js *to, const struct js *from)
{
	size_t i;

	for (i = 0; i < js_length(from); i++)
		js_set(to, js_key_at(from, i), js_ref(js_value_at(from, i)));
}

static char *make_tail(uint64_t id, const struct rf_message *message,
		       const struct rf_record_about *about)
{
	CLEANUP_JS struct js *record = js_object();
	CLEANUP_JS struct js *words = rf_message_js(message, about->args, NULL);
	CLEANUP_FREE char *text = NULL;
	CLEANUP_STR struct str tail = STR_NULL;
	size_t i;

	set_common(record, id, about);
	/* it is an event, no longer a message */
	for (i = 0; i < js_length(words); i++)
		if (js_key_at(words, i)[0] != '@')
			js_set(record, js_key_at(words, i), js_ref(js_value_at(words, i)));
	put_over(record, about->overrides);
	text = words ? js_format(record, JS_COMPACT) : NULL;
	if (!text)
		return NULL;
	str_addf(&tail, ",\"Events\":[%s]}", text);
	return str_take(&tail);
}

int rf_record_new(uint64_t id, const struct rf_record_about *about, struct rf_record **ret)
{
	const struct rf_message *message = rf_message_find(about->message);
	struct rf_record *record;

	if (!message)
		return -ENOENT;
	record = calloc(1, sizeof(*record));
	if (!record)
		return -ENOMEM;
	record->id = id;
	record->refs = 1;
	record->severity = message->severity;
	record->registry = message->registry;
	record->key = message->key;
	snprintf(record->type, sizeof(record->type), "%s", about->type);
	record->origin = about->origin ? strdup(about->origin) : NULL;
	record->tail = make_tail(id, message, about);
	if (!record->tail || (about->origin && !record->origin)) {
		rf_record_unref(record);
		return -ENOMEM;
	}
	record->length = strlen(record->tail);
	*ret = record;
	return 0;
}

struct rf_record *rf_record_ref(struct rf_record *record)
{
	record->refs++;
	return record;
}

void rf_record_unref(struct rf_record *record)
{
	if (!record || --record->refs)
		return;
	free(record->origin);
	free(record->tail);
	free(record);
}

void rf_record_format(const struct rf_record *record, const char *context, struct str *out)
{
	str_addf(out,
		 "{\"@odata.type\":\"#Event.v1_9_0.Event\",\"Id\":\"%" PRIu64
		 "\",\"Name\":\"Event\",\"Context\":%s",
		 record->id, context);
	str_add_n(out, record->tail, record->length);
}

/* --- which message */

void rf_record_type(const char *odata_type, char ret[48])
{
	const char *from = odata_type + (*odata_type == '#');

	snprintf(ret, 48, "%.*s", (int)strcspn(from, "."), from);
}

static bool has_other_health(const struct rf_event *event)
{
	return event->change == RF_CHANGED && strcmp(event->health, event->before_health) != 0 &&
	       *event->health;
}

static bool has_other_state(const struct rf_event *event)
{
	return event->change == RF_CHANGED && strcmp(event->state, event->before_state) != 0 &&
	       *event->state;
}

const char *rf_record_machines(const struct rf_event *event)
{
	if (event->change == RF_ADDED)
		return "ResourceEvent.ResourceCreated";
	if (event->change == RF_REMOVED)
		return "ResourceEvent.ResourceRemoved";
	if (has_other_health(event)) {
		if (strcmp(event->health, "OK") == 0)
			return "ResourceEvent.ResourceStatusChangedOK";
		return strcmp(event->health, "Warning") == 0
			       ? "ResourceEvent.ResourceStatusChangedWarning"
			       : "ResourceEvent.ResourceStatusChangedCritical";
	}
	if (has_other_state(event))
		return "ResourceEvent.ResourceStateChanged";
	return "ResourceEvent.ResourceChanged";
}

/* Is it out of reach, or broken? */
static bool is_away(const struct rf_event *event)
{
	return strcmp(event->state, "Absent") == 0 || strstr(event->state, "Offline");
}

static const char *of_drive(const struct rf_event *event)
{
	if (event->change == RF_ADDED)
		return "StorageDevice.DriveInserted";
	if (event->change == RF_REMOVED)
		return "StorageDevice.DriveRemoved";
	if (!has_other_health(event))
		return NULL;
	if (strcmp(event->health, "OK") == 0)
		return "StorageDevice.DriveOK";
	return is_away(event) ? "StorageDevice.DriveMissing" : "StorageDevice.DriveFailure";
}

static const char *of_volume(const struct rf_event *event)
{
	if (!has_other_health(event))
		return NULL;
	if (strcmp(event->health, "OK") == 0)
		return "StorageDevice.VolumeOK";
	return is_away(event) ? "StorageDevice.VolumeOffline" : "StorageDevice.VolumeFailure";
}

static const char *of_port(const struct rf_event *event, bool is_adapter)
{
	bool is_good = strcmp(event->health, "OK") == 0;

	if (!has_other_health(event))
		return NULL;
	if (is_adapter)
		return is_good ? "NetworkDevice.ConnectionEstablished"
			       : "NetworkDevice.ConnectionDropped";
	return is_good ? "StorageDevice.ControllerPortOK" : "StorageDevice.ControllerPortFailure";
}

/* Fabric has three for each of its kinds. */
static const char *of_fabric(const struct rf_event *event, const char *type)
{
	static const struct {
		const char *type;
		const char *messages[3];
	} kinds[] = {
		{ "Endpoint",
		  { "Fabric.EndpointCreated", "Fabric.EndpointModified",
		    "Fabric.EndpointRemoved" } },
		{ "Zone", { "Fabric.ZoneCreated", "Fabric.ZoneModified", "Fabric.ZoneRemoved" } },
		{ "Connection",
		  { "Fabric.ConnectionCreated", "Fabric.ConnectionModified",
		    "Fabric.ConnectionRemoved" } },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(type, kinds[i].type) == 0)
			return kinds[i].messages[event->change];
	return NULL;
}

/* The last segments of the URI in @buffer, cut apart: @ret[0] the last. */
static void cut_segments(char *buffer, const char *ret[5])
{
	char *slash;
	int i;

	for (i = 0; i < 5; i++)
		ret[i] = "";
	for (i = 0; i < 5 && (slash = strrchr(buffer, '/')); i++) {
		ret[i] = slash + 1;
		*slash = '\0';
	}
}

const char *rf_record_people(const struct rf_event *event, const char *type,
			     char buffer[RF_URI_MAX], const char *ret_args[4])
{
	bool is_adapter = strstr(event->uri, "/NetworkAdapters/") != NULL;
	const char *segments[5];

	snprintf(buffer, RF_URI_MAX, "%s", event->uri);
	cut_segments(buffer, segments);
	ret_args[0] = segments[0];
	ret_args[1] = segments[2]; /* OWNER/Volumes/ID, FABRIC/Zones/ID */
	ret_args[2] = ret_args[3] = "";
	if (strcmp(type, "Drive") == 0)
		return of_drive(event);
	if (strcmp(type, "Volume") == 0)
		return of_volume(event);
	if (strcmp(type, "Port") == 0) {
		if (is_adapter) {
			ret_args[0] = segments[2];
			ret_args[1] = ret_args[2] = segments[0];
		}
		return of_port(event, is_adapter);
	}
	return of_fabric(event, type);
}
