/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * remote - nvmet-sunfishctl's side of the daemon's socket; ask.h says what goes over it.
 *
 * Blocking, with deadlines up to the moment a verb begins; from then on it is waited for like a
 * verb of this process.
 */
#pragma once

#include "base/err.h"
#include "base/js.h"
#include "core/rpc.h"

/*
 * Let the daemon run a verb with this process's output.
 * @request       of ask_format
 * @wait_seconds  for its turn
 * Returns: 0, its exit status in *ret_status; -EOWNERDEAD it was killed while it ran; any other
 *   negative errno: it has not begun and will not, so do it here.
 */
int remote_run_verb(const char *run_path, const char *request, unsigned int wait_seconds,
		    int *ret_status, struct err *err);

/* Returns: 0, *ret owned; -ENOENT, -ECONNREFUSED there is no daemon; other negative errno. */
int remote_get_status(const char *run_path, struct js **ret, struct err *err);

/* Begin to watch. Returns: 0, *ret_fd for rpc_client_receive, owned; as remote_get_status. */
int remote_watch(const char *run_path, int *ret_fd, struct err *err);
