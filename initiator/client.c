/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "core/rpc.h"

bool client_is_absent(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED;
}

int client_send(const char *socket, const struct request *request, int *ret_fd, struct err *err)
{
	CLEANUP_JS struct js *js = request_encode(request);
	CLEANUP_FREE char *text = js_format(js, JS_COMPACT);
	CLEANUP_CLOSE int fd = -1;
	int r;

	if (!text)
		return err_nomem(err);
	r = rpc_connect(socket, &fd, err);
	if (r == 0)
		r = rpc_client_send(fd, text, strlen(text), NULL, 0, err);
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r;
}

/* Returns: 1 it was the last one; 0 more follow; negative errno. */
static int take_reply(const struct rpc_message *message, client_fn fn, void *data,
		      struct js **ret_result, struct err *err)
{
	CLEANUP_JS struct js *js = NULL;
	struct reply reply = { 0 };
	int r = js_parse(message->text, message->length, &js, err);

	if (r == 0)
		r = reply_decode(js, &reply, err);
	if (r < 0)
		return err_set(err, -EBADMSG, "nvme-sunfishd's answer cannot be understood");
	if (reply.kind == REPLY_ERROR) {
		*err = reply.err;
		return reply.err.code < 0 ? reply.err.code : -EIO;
	}
	if (reply.kind != REPLY_RESULT)
		return fn ? fn(data, &reply) : 0;
	if (!ret_result)
		return 1;
	*ret_result = js_ref(reply.value);
	return 1;
}

int client_receive(int fd, int64_t deadline, client_fn fn, void *data, struct js **ret_result,
		   struct err *err)
{
	struct err own = ERR_NULL;
	int r;

	err = err ? err : &own;
	do {
		CLEANUP_RPC_MESSAGE struct rpc_message message = RPC_MESSAGE_NULL;

		r = rpc_client_receive(fd, deadline, &message, err);
		if (r == -EPIPE)
			return err_set(err, r, "nvme-sunfishd ended before it answered");
		if (r == 0)
			r = take_reply(&message, fn, data, ret_result, err);
	} while (r == 0);
	return r < 0 ? r : 0;
}

int client_ask(const char *socket, enum request_kind kind, int64_t deadline, struct js **ret_result,
	       struct err *err)
{
	struct request request = REQUEST_NULL;
	CLEANUP_CLOSE int fd = -1;
	int r;

	request.kind = kind;
	r = client_send(socket, &request, &fd, err);
	return r < 0 ? r : client_receive(fd, deadline, NULL, NULL, ret_result, err);
}
