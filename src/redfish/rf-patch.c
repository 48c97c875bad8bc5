/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "base/cleanup.h"
#include "redfish/rf-service.h"

static bool is_in(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

int rf_patch_check(struct rf_call *call, const char *const *writable)
{
	CLEANUP_JS struct js *doc = NULL;
	size_t n_good = 0;
	size_t i;

	for (i = 0; i < js_length(call->body); i++) {
		const char *key = js_key_at(call->body, i);

		if (strchr(key, '@'))
			continue;
		if (is_in(writable, key)) {
			n_good++;
			continue;
		}
		if (!doc)
			doc = rf_resource_js(rf_service_tree(call->service), call->resource);
		rf_problem_property(&call->problems,
				    js_get(doc, key) ? "PropertyNotWritable" : "PropertyUnknown",
				    key, NULL, NULL);
	}
	if (n_good)
		return 0;
	return call->problems.list ? -EBADMSG
				   : rf_problem_add(&call->problems,
						    &(struct rf_problem){ .key = "NoOperation" });
}

struct js *rf_patch_array(const struct js *now, const struct js *patch)
{
	struct js *ret = js_array();
	size_t i;

	for (i = 0; i < js_length(patch); i++) {
		const struct js *value = js_at(patch, i);

		if (js_type(value) == JS_NULL)
			continue;
		if (js_type(value) == JS_OBJECT && !js_length(value) && js_at(now, i))
			value = js_at(now, i);
		js_append(ret, js_ref(value));
	}
	return ret;
}
