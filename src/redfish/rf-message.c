/* SPDX-License-Identifier: BSD-3-Clause */
#include "redfish/rf-message.h"

#include <string.h>

#include "base/str.h"

#define BASE "Base.1.19"
#define RESOURCE "ResourceEvent.1.4"
#define FABRIC "Fabric.1.0"
#define STORAGE "StorageDevice.1.5"
#define NETWORK "NetworkDevice.1.1"
#define HEARTBEAT "HeartbeatEvent.1.1"
#define TASK "TaskEvent.1.0"

#define NOTHING "Nothing is to be done."
#define LOOK "Look at the resource and at its conditions."

/* Those of a registry stand together, Base first. */
static const struct rf_message messages[] = {
	{ BASE, "Success", RF_OK, 0, 0, "The request was done.", NOTHING },
	{ BASE, "Created", RF_OK, 0, 0, "The resource was made.", NOTHING },
	{ BASE, "GeneralError", RF_CRITICAL, 0, 500, "More than one thing is wrong.",
	  "See @Message.ExtendedInfo." },
	{ BASE, "NoOperation", RF_WARNING, 0, 400, "Nothing in the request changes anything.",
	  "Send a property that can be changed." },
	{ BASE, "PropertyDuplicate", RF_WARNING, 1, 400, "The property %1 stands there twice.",
	  "Send it once." },
	{ BASE, "PropertyUnknown", RF_WARNING, 1, 400, "The resource has no property %1.",
	  "Leave it out, or correct its name." },
	{ BASE, "PropertyMissing", RF_WARNING, 1, 400, "The property %1 is needed.",
	  "Send it as well." },
	{ BASE, "PropertyNotWritable", RF_WARNING, 1, 400, "The property %1 can only be read.",
	  "Leave it out." },
	{ BASE, "PropertyValueTypeError", RF_WARNING, 2, 400,
	  "The value '%1' is of the wrong type for the property %2.", "Send one of its type." },
	{ BASE, "PropertyValueFormatError", RF_WARNING, 2, 400,
	  "The value '%1' has the wrong form for the property %2.", "Send one of its form." },
	{ BASE, "PropertyValueNotInList", RF_WARNING, 2, 400,
	  "The value '%1' is none of those of the property %2.", "Send one of them." },
	{ BASE, "PropertyValueOutOfRange", RF_WARNING, 2, 400,
	  "The value '%1' is out of the range of the property %2.", "Send one inside of it." },
	{ BASE, "PropertyValueError", RF_WARNING, 1, 400,
	  "The value of the property %1 is not good.", "Send another one." },
	{ BASE, "PropertyValueIncorrect", RF_WARNING, 2, 400,
	  "The property '%1' cannot have the value '%2' here.", "Send another one." },
	{ BASE, "PropertyValueConflict", RF_WARNING, 2, 400,
	  "The property '%1' does not go together with the property '%2'.",
	  "Change or leave out one of them." },
	{ BASE, "PropertyValueResourceConflict", RF_WARNING, 3, 409,
	  "The property '%1' cannot be '%2' as the resource %3 is now.",
	  "Change that resource first." },
	{ BASE, "PropertyValueModified", RF_WARNING, 2, 0,
	  "The property %1 became '%2', which is not quite what was asked for.", NOTHING },
	{ BASE, "ArraySizeTooLong", RF_WARNING, 2, 400,
	  "The array of the property %1 has more than %2 elements.", "Send fewer." },
	{ BASE, "StringValueTooLong", RF_WARNING, 2, 400, "The text '%1' is longer than %2.",
	  "Send a shorter one." },
	{ BASE, "MalformedJSON", RF_CRITICAL, 0, 400, "The body is no JSON.", "Correct the body." },
	{ BASE, "EmptyJSON", RF_WARNING, 0, 400, "The body is an empty object.",
	  "Send what is to be changed." },
	{ BASE, "UnrecognizedRequestBody", RF_WARNING, 0, 400, "The body is nothing known here.",
	  "Send a JSON object." },
	{ BASE, "ActionNotSupported", RF_CRITICAL, 1, 400, "The resource has no action %1.",
	  "Take one from its Actions." },
	{ BASE, "ActionParameterMissing", RF_CRITICAL, 2, 400,
	  "The action %1 needs the parameter %2.", "Send it as well." },
	{ BASE, "ActionParameterUnknown", RF_WARNING, 2, 400, "The action %1 has no parameter %2.",
	  "Leave it out." },
	{ BASE, "ActionParameterValueTypeError", RF_WARNING, 3, 400,
	  "The value '%1' is of the wrong type for the parameter %2 of the action %3.",
	  "Send one of its type." },
	{ BASE, "ActionParameterValueFormatError", RF_WARNING, 3, 400,
	  "The value '%1' has the wrong form for the parameter %2 of the action %3.",
	  "Send one of its form." },
	{ BASE, "ActionParameterValueNotInList", RF_WARNING, 3, 400,
	  "The value '%1' is none of those of the parameter %2 of the action %3.",
	  "Send one of them." },
	{ BASE, "ActionParameterValueConflict", RF_WARNING, 2, 400,
	  "The parameter '%1' cannot be '%2' here.", "Send another one." },
	{ BASE, "QueryParameterValueTypeError", RF_WARNING, 2, 400,
	  "The value '%1' is of the wrong type for the parameter %2 of the query.",
	  "Send one of its type." },
	{ BASE, "QueryParameterValueFormatError", RF_WARNING, 2, 400,
	  "The value '%1' has the wrong form for the parameter %2 of the query.",
	  "Send one of its form." },
	{ BASE, "QueryParameterValueError", RF_WARNING, 1, 400,
	  "The value of the parameter %1 of the query is not good.", "Send another one." },
	{ BASE, "QueryParameterOutOfRange", RF_WARNING, 3, 400,
	  "The value '%1' of the parameter %2 of the query is not in the range %3.",
	  "Send one inside of it." },
	{ BASE, "QueryParameterUnsupported", RF_WARNING, 1, 501,
	  "The parameter %1 of the query is not known here.", "Leave it out." },
	{ BASE, "QueryNotSupportedOnResource", RF_WARNING, 0, 400,
	  "That query is not for this resource.", "Leave it out." },
	{ BASE, "QueryNotSupportedOnOperation", RF_WARNING, 0, 400,
	  "That query is not for this method.", "Leave it out." },
	{ BASE, "QueryCombinationInvalid", RF_WARNING, 0, 400,
	  "These parameters of the query do not go together.", "Leave one out." },
	{ BASE, "SessionLimitExceeded", RF_CRITICAL, 0, 503,
	  "There are as many sessions as may be.", "End one, or try later." },
	{ BASE, "EventSubscriptionLimitExceeded", RF_CRITICAL, 0, 503,
	  "There are as many subscriptions as may be.", "Delete one." },
	{ BASE, "CreateLimitReachedForResource", RF_CRITICAL, 0, 503,
	  "There are as many of these as may be.", "Delete one." },
	{ BASE, "ResourceCannotBeDeleted", RF_CRITICAL, 0, 405, "The resource cannot be deleted.",
	  "Leave it." },
	{ BASE, "ResourceInUse", RF_WARNING, 0, 409, "The resource is in use.",
	  "Remove what uses it." },
	{ BASE, "ResourceAlreadyExists", RF_CRITICAL, 3, 409,
	  "There is a resource of type %1 with the %2 '%3' already.", "Take that, or another %2." },
	{ BASE, "ResourceCreationConflict", RF_WARNING, 1, 409,
	  "The resource %1 is in the way of the one that is to be made.", "Take that one." },
	{ BASE, "ResourceNotFound", RF_CRITICAL, 2, 404,
	  "There is no resource of type %1 called '%2'.", "Correct the name." },
	{ BASE, "ResourceMissingAtURI", RF_CRITICAL, 1, 404, "There is nothing at the URI '%1'.",
	  "Correct the URI." },
	{ BASE, "InvalidURI", RF_CRITICAL, 1, 404, "There is no URI %1.", "Correct the URI." },
	{ BASE, "InvalidObject", RF_CRITICAL, 1, 400, "The object at '%1' is not good.",
	  "Correct it." },
	{ BASE, "ResourceExhaustion", RF_CRITICAL, 1, 503, "There is not enough of '%1'.",
	  "Free some, or try later." },
	{ BASE, "PayloadTooLarge", RF_CRITICAL, 0, 413, "The body is too long.",
	  "Send a shorter one." },
	{ BASE, "InsufficientStorage", RF_CRITICAL, 0, 507, "There is no room to store this.",
	  "Free some space of the service's storage." },
	{ BASE, "ServiceShuttingDown", RF_CRITICAL, 0, 503, "The service ends.", "Try later." },
	{ BASE, "ServiceTemporarilyUnavailable", RF_CRITICAL, 1, 503,
	  "The service cannot do this now; in %1 seconds it may.", "Try then." },
	{ BASE, "ServiceDisabled", RF_WARNING, 1, 503, "The service %1 is disabled.",
	  "Enable it." },
	{ BASE, "NoValidSession", RF_CRITICAL, 0, 401, "Nobody is logged in.",
	  "Send a session's token, or name and password." },
	{ BASE, "InsufficientPrivilege", RF_CRITICAL, 0, 403, "The account may not do this.",
	  "Ask for the privilege, or use another account." },
	{ BASE, "ResourceAtUriUnauthorized", RF_CRITICAL, 2, 401,
	  "The resource '%1' is for those who log in: %2.", "Correct name or password." },
	{ BASE, "AccessDenied", RF_CRITICAL, 1, 403, "'%1' may not be reached from here.",
	  "Take another address, or have the configuration allow it." },
	{ BASE, "AccountRemoved", RF_OK, 0, 0, "The account was removed.", NOTHING },
	{ BASE, "AccountModified", RF_OK, 0, 0, "The account was changed.", NOTHING },
	{ BASE, "RestrictedRole", RF_WARNING, 1, 403, "The role '%1' is not for accounts.",
	  "Take another role." },
	{ BASE, "PasswordChangeRequired", RF_CRITICAL, 1, 403,
	  "The password of '%1' must be changed first.", "PATCH the Password of that account." },
	{ BASE, "PreconditionFailed", RF_CRITICAL, 0, 412,
	  "The resource is not as the request takes for granted.",
	  "Read it again, and send its new ETag." },
	{ BASE, "PreconditionRequired", RF_CRITICAL, 0, 428, "The request needs If-Match.",
	  "Send the ETag of the resource." },
	{ BASE, "HeaderMissing", RF_CRITICAL, 1, 400, "The header '%1' is missing.",
	  "Send it as well." },
	{ BASE, "HeaderInvalid", RF_CRITICAL, 1, 400, "The header '%1' is not good.",
	  "Correct it." },
	{ BASE, "InternalError", RF_CRITICAL, 0, 500, "The service has an error of its own.",
	  "Look at the log of the service." },
	{ BASE, "OperationFailed", RF_WARNING, 0, 500, "The operation failed.", LOOK },
	{ BASE, "OperationTimeout", RF_WARNING, 0, 504, "The operation took too long.", LOOK },
	{ BASE, "OperationNotAllowed", RF_CRITICAL, 0, 405,
	  "The resource does not have this method.", "See the header Allow." },
	{ BASE, "UndeterminedFault", RF_CRITICAL, 1, 0, "Something is wrong with '%1'.", LOOK },
	{ BASE, "ConditionInRelatedResource", RF_WARNING, 0, 0,
	  "Something is wrong with a resource that this one needs.", LOOK },
	{ BASE, "CouldNotEstablishConnection", RF_CRITICAL, 1, 0, "There is no connection to '%1'.",
	  "Look at the network, and at the other end." },
	{ BASE, "EventBufferExceeded", RF_WARNING, 0, 0, "Events were lost: too many waited.",
	  "Read all resources of interest again." },
	{ BASE, "SessionTerminated", RF_OK, 0, 0, "The session ended.", NOTHING },
	{ BASE, "SubscriptionTerminated", RF_OK, 0, 0, "The subscription ended.", NOTHING },

	{ RESOURCE, "ResourceCreated", RF_OK, 0, 0, "The resource was made.", NOTHING },
	{ RESOURCE, "ResourceRemoved", RF_OK, 0, 0, "The resource is gone.", NOTHING },
	{ RESOURCE, "ResourceChanged", RF_OK, 0, 0, "The resource changed.", NOTHING },
	{ RESOURCE, "ResourceStatusChangedOK", RF_OK, 2, 0, "The health of '%1' is %2 now.",
	  NOTHING },
	{ RESOURCE, "ResourceStatusChangedWarning", RF_WARNING, 2, 0,
	  "The health of '%1' is %2 now.", LOOK },
	{ RESOURCE, "ResourceStatusChangedCritical", RF_CRITICAL, 2, 0,
	  "The health of '%1' is %2 now.", LOOK },
	{ RESOURCE, "ResourceStateChanged", RF_OK, 2, 0, "The state of '%1' is %2 now.", NOTHING },
	{ RESOURCE, "ResourceErrorsDetected", RF_WARNING, 2, 0, "%1 has errors: '%2'.", LOOK },
	{ RESOURCE, "ResourceErrorsCorrected", RF_OK, 2, 0, "%1 has no more errors of type '%2'.",
	  NOTHING },
	{ RESOURCE, "ResourceErrorThresholdExceeded", RF_CRITICAL, 2, 0,
	  "%1 is over its bound of errors, %2.", LOOK },
	{ RESOURCE, "ResourceErrorThresholdCleared", RF_OK, 2, 0,
	  "%1 is below its bound of errors, %2, again.", NOTHING },
	{ RESOURCE, "ResourceWarningThresholdExceeded", RF_WARNING, 2, 0,
	  "%1 is over its bound for a warning, %2.", LOOK },
	{ RESOURCE, "ResourceWarningThresholdCleared", RF_OK, 2, 0,
	  "%1 is below its bound for a warning, %2, again.", NOTHING },
	{ RESOURCE, "PropertyValueModifiedByClient", RF_OK, 2, 0,
	  "A client set the property %1 to '%2'.", NOTHING },
	{ RESOURCE, "URIForResourceChanged", RF_OK, 0, 0, "The resource has another URI now.",
	  NOTHING },
	{ RESOURCE, "AggregationSourceDiscovered", RF_OK, 2, 0,
	  "There is an aggregation source of the method '%1' at '%2'.", NOTHING },
	{ RESOURCE, "TestMessage", RF_OK, 0, 0, "This is a test.", NOTHING },

	{ FABRIC, "ConnectionCreated", RF_OK, 2, 0,
	  "The connection '%1' of the fabric '%2' was made.", NOTHING },
	{ FABRIC, "ConnectionRemoved", RF_OK, 2, 0,
	  "The connection '%1' of the fabric '%2' is gone.", NOTHING },
	{ FABRIC, "ConnectionModified", RF_OK, 2, 0,
	  "The connection '%1' of the fabric '%2' changed.", NOTHING },
	{ FABRIC, "ZoneCreated", RF_OK, 2, 0, "The zone '%1' of the fabric '%2' was made.",
	  NOTHING },
	{ FABRIC, "ZoneRemoved", RF_OK, 2, 0, "The zone '%1' of the fabric '%2' is gone.",
	  NOTHING },
	{ FABRIC, "ZoneModified", RF_OK, 2, 0, "The zone '%1' of the fabric '%2' changed.",
	  NOTHING },
	{ FABRIC, "EndpointCreated", RF_OK, 2, 0, "The endpoint '%1' of the fabric '%2' was made.",
	  NOTHING },
	{ FABRIC, "EndpointRemoved", RF_OK, 2, 0, "The endpoint '%1' of the fabric '%2' is gone.",
	  NOTHING },
	{ FABRIC, "EndpointModified", RF_OK, 2, 0, "The endpoint '%1' of the fabric '%2' changed.",
	  NOTHING },

	{ STORAGE, "ControllerOK", RF_OK, 1, 0, "The controller '%1' is in order again.", NOTHING },
	{ STORAGE, "ControllerFailure", RF_CRITICAL, 1, 0, "The controller '%1' failed.", LOOK },
	{ STORAGE, "ControllerDegraded", RF_WARNING, 2, 0,
	  "The controller '%1' is not quite in order: '%2'.", LOOK },
	{ STORAGE, "DriveOK", RF_OK, 1, 0, "The drive '%1' is in order again.", NOTHING },
	{ STORAGE, "DriveFailure", RF_CRITICAL, 1, 0, "The drive '%1' failed.", LOOK },
	{ STORAGE, "DriveFailureCleared", RF_OK, 1, 0, "The drive '%1' no longer fails.", NOTHING },
	{ STORAGE, "DrivePredictiveFailure", RF_WARNING, 1, 0, "The drive '%1' will fail soon.",
	  "Replace it." },
	{ STORAGE, "DrivePredictiveFailureCleared", RF_OK, 1, 0,
	  "The drive '%1' is no longer expected to fail.", NOTHING },
	{ STORAGE, "DriveInserted", RF_OK, 1, 0, "The drive '%1' was put in.", NOTHING },
	{ STORAGE, "DriveRemoved", RF_CRITICAL, 1, 0, "The drive '%1' was taken out.",
	  "Put it back, or remove what is on it." },
	{ STORAGE, "DriveMissing", RF_CRITICAL, 1, 0, "The drive '%1' is missing.",
	  "Put it back, or remove what is on it." },
	{ STORAGE, "DriveMissingCleared", RF_OK, 1, 0, "The drive '%1' is there again.", NOTHING },
	{ STORAGE, "DriveOffline", RF_CRITICAL, 1, 0, "The drive '%1' is offline.", LOOK },
	{ STORAGE, "DriveOfflineCleared", RF_OK, 1, 0, "The drive '%1' is online again.", NOTHING },
	{ STORAGE, "VolumeOK", RF_OK, 2, 0, "The volume '%1' of '%2' is in order again.", NOTHING },
	{ STORAGE, "VolumeDegraded", RF_WARNING, 2, 0,
	  "The volume '%1' of '%2' is not quite in order.", LOOK },
	{ STORAGE, "VolumeFailure", RF_CRITICAL, 2, 0, "The volume '%1' of '%2' failed.", LOOK },
	{ STORAGE, "VolumeOffline", RF_CRITICAL, 2, 0, "The volume '%1' of '%2' is offline.",
	  LOOK },
	{ STORAGE, "VolumeOfflineCleared", RF_OK, 2, 0, "The volume '%1' of '%2' is online again.",
	  NOTHING },
	{ STORAGE, "ControllerPortOK", RF_OK, 1, 0, "The port '%1' is in order again.", NOTHING },
	{ STORAGE, "ControllerPortDegraded", RF_WARNING, 2, 0,
	  "The port '%1' is not quite in order: '%2'.", LOOK },
	{ STORAGE, "ControllerPortFailure", RF_CRITICAL, 1, 0, "The port '%1' failed.", LOOK },

	{ NETWORK, "CableInserted", RF_OK, 2, 0, "A cable was put into port '%2' of '%1'.",
	  NOTHING },
	{ NETWORK, "CableRemoved", RF_OK, 2, 0, "The cable of port '%2' of '%1' was taken out.",
	  NOTHING },
	{ NETWORK, "ConnectionDropped", RF_OK, 3, 0, "The link of '%1', port '%2', '%3' is down.",
	  "Look at the cable, and at the other end." },
	{ NETWORK, "ConnectionEstablished", RF_OK, 3, 0, "The link of '%1', port '%2', '%3' is up.",
	  NOTHING },
	{ NETWORK, "DegradedConnectionEstablished", RF_WARNING, 3, 0,
	  "The link of '%1', port '%2', '%3' is up, but not quite in order.", LOOK },

	{ HEARTBEAT, "RedfishServiceFunctional", RF_OK, 0, 0, "The service works.", NOTHING },
	{ HEARTBEAT, "RedfishServiceStarted", RF_OK, 0, 0, "The service has started.", NOTHING },
	{ HEARTBEAT, "RedfishServiceShuttingDown", RF_OK, 0, 0, "The service ends.", NOTHING },

	{ TASK, "TaskStarted", RF_OK, 1, 0, "The task '%1' has started.", NOTHING },
	{ TASK, "TaskCompletedOK", RF_OK, 1, 0, "The task '%1' is done.", NOTHING },
	{ TASK, "TaskCompletedWarning", RF_WARNING, 1, 0, "The task '%1' is done, with warnings.",
	  LOOK },
	{ TASK, "TaskAborted", RF_CRITICAL, 1, 0, "The task '%1' failed.",
	  "See the messages of the task." },
	{ TASK, "TaskCancelled", RF_WARNING, 1, 0, "The task '%1' was ended by a request.",
	  NOTHING },
	{ TASK, "TaskRemoved", RF_WARNING, 1, 0, "The task '%1' was removed.", NOTHING },
	{ TASK, "TaskProgressChanged", RF_OK, 2, 0, "Of the task '%1', %2 percent are done.",
	  NOTHING },
};

const char *rf_severity_word(enum rf_severity severity)
{
	static const char *const words[] = { "OK", "Warning", "Critical" };

	return words[severity];
}

size_t rf_message_count(void)
{
	return sizeof(messages) / sizeof(messages[0]);
}

const struct rf_message *rf_message_at(size_t index)
{
	return &messages[index];
}

/* "Base" of "Base.1.19" */
static bool is_of(const struct rf_message *message, const char *registry, size_t length)
{
	return strncmp(message->registry, registry, length) == 0 &&
	       message->registry[length] == '.';
}

const struct rf_message *rf_message_find(const char *name)
{
	const char *dot = strchr(name, '.');
	const char *registry = dot ? name : "Base";
	size_t length = dot ? (size_t)(dot - name) : strlen(registry);
	const char *key = dot ? dot + 1 : name;
	size_t i;

	for (i = 0; i < rf_message_count(); i++)
		if (strcmp(messages[i].key, key) == 0 && is_of(&messages[i], registry, length))
			return &messages[i];
	return NULL;
}

/* Put the arguments in. */
static void add_text(struct str *text, const struct rf_message *message, const char *const *args)
{
	const char *from = message->text;

	while (*from) {
		const char *percent = strchr(from, '%');
		unsigned int number = percent ? (unsigned int)percent[1] - '1' : 0;

		if (!percent || number >= message->n_args) {
			str_add(text, from);
			return;
		}
		str_add_n(text, from, (size_t)(percent - from));
		str_add(text, args && args[number] ? args[number] : "");
		from = percent + 2;
	}
}

struct js *rf_message_js(const struct rf_message *message, const char *const *args,
			 const char *resolution)
{
	CLEANUP_STR struct str id = STR_NULL;
	CLEANUP_STR struct str text = STR_NULL;
	struct js *js = js_object();
	struct js *array = js_array();
	unsigned int i;

	str_addf(&id, "%s.%s", message->registry, message->key);
	add_text(&text, message, args);
	for (i = 0; i < message->n_args; i++)
		js_append(array, js_string(args && args[i] ? args[i] : ""));
	if (id.failed || text.failed) {
		js_free(js);
		js_free(array);
		return NULL;
	}
	js_set(js, "@odata.type", js_string("#Message.v1_2_1.Message"));
	js_set(js, "MessageId", js_string(str_get(&id)));
	js_set(js, "Message", js_string(str_get(&text)));
	js_set(js, "MessageArgs", array);
	js_set(js, "MessageSeverity", js_string(rf_severity_word(message->severity)));
	js_set(js, "Resolution", js_string(resolution ? resolution : message->resolution));
	return js;
}
