/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-act-own - what the files of rf-act share: questions to our own API, links in bodies, waiting.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/js.h"
#include "collector/intent-own.h"
#include "collector/redfish.h"
#include "collector/rf-act.h"
#include "collector/rf-model-own.h"

enum rf_aim {
	RF_AIM_MADE, /* a resource is to be there */
	RF_AIM_GONE, /* it is not to be there any more */
};

/* Keep the call until the intent is where it is to be. @uri  of the resource. Returns: RF_LATER;
 * -ENOMEM. */
int rf_act_wait(struct redfish *redfish, struct rf_call *call, const char *intent, enum rf_aim aim,
		const char *uri);

/* The same until there is one more in the collection @uri. */
int rf_act_wait_for_member(struct redfish *redfish, struct rf_call *call, const char *intent,
			   const char *uri);

/* Ask our own API. @path  below its root; @body  NULL none. Returns: 0, *ret owned; -EBADMSG with a
 * problem; as the store's. */
int rf_act_ask(struct redfish *redfish, struct rf_call *call, const char *method, const char *path,
	       const struct js *body, struct js **ret);

/* For `return rf_act_refuse(..)`: 409 with cause and cure. */
int rf_act_refuse(struct rf_call *call, const char *key, const char *arg, const char *resolution);

/* The resource of a {"@odata.id"}; NULL: it is no link, or nothing of ours is there. */
struct rf_item *rf_act_item(const struct redfish *redfish, const struct js *link);

/* Of what is there already: Sunfish repeats itself, others are told. */
int rf_act_is_there(struct rf_call *call, const char *uri);

static inline const char *rf_act_text(const struct js *js, const char *key)
{
	const char *text = js_text(js_get(js, key));

	return text ? text : "";
}
