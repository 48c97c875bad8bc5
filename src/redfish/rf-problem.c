/* SPDX-License-Identifier: BSD-3-Clause */
#include "redfish/rf-problem.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "redfish/rf-message.h"

#define POINTER_MAX 512

void rf_problems_deinit(struct rf_problems *problems)
{
	js_free(problems->list);
	*problems = RF_PROBLEMS_NULL;
}

int rf_problem_add(struct rf_problems *problems, const struct rf_problem *problem)
{
	const struct rf_message *message = rf_message_find(problem->key);
	struct js *js;

	if (!message)
		message = rf_message_find("InternalError");
	if (!problems->list)
		problems->list = js_array();
	if (js_length(problems->list) == RF_PROBLEMS_MAX)
		return -EBADMSG;
	if (!js_length(problems->list))
		problems->status = problem->status   ? problem->status
				   : message->status ? message->status
						     : 400;
	js = rf_message_js(message, problem->args, problem->resolution);
	if (js && problem->related) {
		struct js *related = js_array();

		js_append(related, js_string(problem->related));
		js_set(js, "RelatedProperties", related);
	}
	problems->failed |= !js;
	js_append(problems->list, js);
	return -EBADMSG;
}

/* Those whose first argument is the value. */
static bool is_value_first(const char *key)
{
	static const char *const keys[] = { "PropertyValueTypeError", "PropertyValueFormatError",
					    "PropertyValueNotInList", "PropertyValueOutOfRange",
					    NULL };
	size_t i;

	for (i = 0; keys[i]; i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return false;
}

int rf_problem_property(struct rf_problems *problems, const char *key, const char *property,
			const char *value, const char *resolution)
{
	struct rf_problem problem = { .key = key, .resolution = resolution };
	char pointer[POINTER_MAX];

	snprintf(pointer, sizeof(pointer), "#/%s", property);
	problem.related = pointer;
	problem.args[0] = is_value_first(key) ? value : property;
	problem.args[1] = is_value_first(key) ? property : value;
	return rf_problem_add(problems, &problem);
}

static const struct {
	const char *key;
	const char *arg;
	int code;
	unsigned int status;
} of_errno[] = {
	{ "ResourceInUse", NULL, -EBUSY, 0 },
	{ "ResourceInUse", NULL, -ENOTEMPTY, 0 },
	{ "ResourceInUse", NULL, -EADDRINUSE, 0 },
	{ "ResourceInUse", NULL, -EEXIST, 0 },
	{ "InsufficientPrivilege", NULL, -EACCES, 0 },
	{ "InsufficientPrivilege", NULL, -EPERM, 0 },
	{ "GeneralError", NULL, -ENOENT, 404 },
	{ "GeneralError", NULL, -EINVAL, 400 },
	{ "GeneralError", NULL, -EADDRNOTAVAIL, 400 },
	{ "GeneralError", NULL, -ENODEV, 400 },
	{ "GeneralError", NULL, -ENXIO, 400 },
	{ "GeneralError", NULL, -EROFS, 400 },
	{ "OperationNotAllowed", NULL, -ENOTSUP, 0 },
	{ "PayloadTooLarge", NULL, -E2BIG, 0 },
	{ "PayloadTooLarge", NULL, -EFBIG, 0 },
	{ "InsufficientStorage", NULL, -ENOSPC, 0 },
	{ "OperationTimeout", NULL, -ETIMEDOUT, 0 },
	{ "ServiceTemporarilyUnavailable", "1", -EAGAIN, 0 },
	{ "ServiceShuttingDown", NULL, -ECANCELED, 0 },
	{ "ServiceTemporarilyUnavailable", "5", -EIO, 0 },
};

int rf_problem_errno(struct rf_problems *problems, const struct err *err)
{
	struct rf_problem problem = { .key = "InternalError" };
	size_t i;

	for (i = 0; i < sizeof(of_errno) / sizeof(of_errno[0]); i++)
		if (of_errno[i].code == err->code) {
			problem.key = of_errno[i].key;
			problem.args[0] = of_errno[i].arg;
			problem.status = of_errno[i].status;
		}
	if (*err->text)
		problem.resolution = err->text;
	return rf_problem_add(problems, &problem);
}

struct js *rf_problems_body(const struct rf_problems *problems)
{
	const struct js *first = js_at(problems->list, 0);
	bool one = js_length(problems->list) == 1;
	const struct rf_message *general = rf_message_find("GeneralError");
	CLEANUP_STR struct str code = STR_NULL;
	struct js *error;
	struct js *body;

	if (problems->failed)
		return NULL;
	str_addf(&code, "%s.%s", general->registry, general->key);
	error = js_object();
	js_set(error, "code",
	       js_string(one ? js_text(js_get(first, "MessageId")) : str_get(&code)));
	js_set(error, "message",
	       js_string(one ? js_text(js_get(first, "Message")) : general->text));
	js_set(error, "@Message.ExtendedInfo",
	       problems->list ? js_ref(problems->list) : js_array());
	body = js_object();
	js_set(body, "error", error);
	return body;
}
