/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-request - what comes over the daemon's socket: what is accepted comes back when it is
 * encoded; answers end. */
#include "base/cleanup.h"
#include "initiator/request.h"
#include "tests/fuzz/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct request *request)
{
	CLEANUP_JS struct js *js = request_encode(request);
	struct request again;

	REQUIRE(js && request_decode(js, &again, NULL) == 0);
	REQUIRE(again.kind == request->kind && again.force == request->force);
	REQUIRE(again.transient == request->transient && again.wait_ms == request->wait_ms);
	REQUIRE(strcmp(again.controller, request->controller) == 0);
	REQUIRE(strcmp(again.device, request->device) == 0);
	REQUIRE(tid_equal(&again.connection.tid, &request->connection.tid));
	REQUIRE(memcmp(&again.connection.tuning, &request->connection.tuning,
		       sizeof(again.connection.tuning)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_JS struct js *js = NULL;
	struct err err = ERR_NULL;
	struct request request;
	struct reply reply;

	if (js_parse((const char *)data, size, &js, NULL) < 0)
		return 0;
	if (request_decode(js, &request, &err) == 0)
		check_again(&request);
	else
		REQUIRE(err.code < 0 && *err.text);
	if (reply_decode(js, &reply, NULL) == 0)
		REQUIRE(reply.kind == REPLY_ERROR ? *reply.err.text : reply.value != NULL);
	return 0;
}
