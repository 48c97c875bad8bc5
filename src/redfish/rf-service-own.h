/* SPDX-License-Identifier: BSD-3-Clause */
/* rf-service-own - what rf-service.c (ways of requests), rf-answer.c (answers), rf-header.c (what
 * headers say) and rf-query.c ($expand, $select ..) share. */
#pragma once

#include "redfish/rf-service.h"
#include "redfish/rf-tree-own.h"

#define RF_DOCUMENTS_MAX 16

struct rf_document {
	char *uri;
	const char *type;
	int (*make)(void *data, struct str *text);
	void *data;
};

struct rf_service {
	struct rf_tree *tree;
	struct rf_hooks hooks;
	struct rf_document documents[RF_DOCUMENTS_MAX];
	size_t n_documents;
	size_t page;
};

/* --- rf-header.c; @value  of a header, NULL none */

/* Does it accept a document of @type ("application/json")? */
bool rf_header_accepts(const char *value, const char *type);
/* Is it application/json, perhaps with parameters? */
bool rf_header_is_json(const char *value);
/* Is @etag in the list, or is that "*"? By strong comparison: weak ones are never. */
bool rf_header_has_etag(const char *value, const char *etag);
/* If-Match, If-None-Match of a change. Returns: 0; -EBADMSG. */
int rf_check_match(struct rf_call *call, const struct rf_request *request, const char *etag);

/* --- rf-query.c */

struct rf_query {
	bool any; /* is there any of these? */
	bool only;
	bool has_top, has_skip;
	uint64_t top, skip;
	const char *select; /* borrowed; NULL none */
	char expand;	    /* '.', '*', '~'; 0 none */
	unsigned int levels;
	bool unpaged;
};
/* Returns: 0; -EBADMSG with @problems. */
int rf_query_parse(const struct rf_request *request, const struct rf_resource *resource,
		   struct rf_query *ret, struct rf_problems *problems);
/* The document as the query wants it; what he may not read stays a reference. Returns: 0, *ret_text
 * owned; -E2BIG it would be too large; -ENOMEM. */
int rf_query_render(const struct rf_call *call, struct rf_resource *resource,
		    const struct rf_query *query, char **ret_text);

/* --- rf-service.c */

/* May he who asks read it? Also for what comes with another resource. */
bool rf_service_may_read(const struct rf_call *call, const struct rf_resource *resource);

/* --- rf-answer.c */

/* Returns what became of it in call->answer. */
void rf_answer_problems(struct rf_call *call);
void rf_answer_resource(struct rf_call *call, struct rf_resource *resource, unsigned int status);
/* 200, 304, or an error of the query. */
void rf_answer_get(struct rf_call *call, struct rf_resource *resource);
/* The headers that all have. */
void rf_answer_common(struct rf_answer *answer);
/* Allow of a resource. */
void rf_answer_allow(struct rf_answer *answer, const struct rf_resource *resource);
