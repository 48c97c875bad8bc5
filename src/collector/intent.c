/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/intent.h"

#include <stdlib.h>

struct intents {
	struct collector *collector;
};

const struct api_route intent_routes[] = { { 0 } };

int intent_new(struct collector *collector, struct intents **ret, struct err *err)
{
	struct intents *intents = calloc(1, sizeof(*intents));

	if (!intents)
		return err_nomem(err);
	intents->collector = collector;
	*ret = intents;
	return 0;
}

void intent_free(struct intents *intents)
{
	free(intents);
}

void intent_reload(struct intents *intents)
{
	(void)intents;
}

int intent_on_event(void *data, const struct store_event *event, struct err *err)
{
	(void)data;
	(void)event;
	(void)err;
	return 0;
}

void intent_count(const struct intents *intents, struct intent_counts *ret)
{
	(void)intents;
	*ret = (struct intent_counts){ 0 };
}
