/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/wait.h"
#include "initiator/client.h"
#include "initiator/ctl.h"

#define ANSWER_MS 1000 /* udev waits for us */

/* An argument, or what udev says of it in the environment. */
static void fill(const struct ctl *ctl, size_t index, const char *variable,
		 char ret[REQUEST_WORD_MAX])
{
	const char *word = index < ctl->cli.n_args ? ctl->cli.args[index] : getenv(variable);
	const char *slash = word ? strrchr(word, '/') : NULL;

	word = slash ? slash + 1 : word;
	snprintf(ret, REQUEST_WORD_MAX, "%s", word ? word : "");
}

/* Whatever happens, udev's rules go on: a daemon that does not run looks at everything when it
 * starts. */
int cmd_udev(struct ctl *ctl, struct err *err)
{
	struct request request = REQUEST_NULL;
	CLEANUP_CLOSE int fd = -1;
	struct err ignored = ERR_NULL;

	(void)err;
	request.kind = REQUEST_EVENT;
	fill(ctl, 0, "ACTION", request.action);
	fill(ctl, 1, "SUBSYSTEM", request.subsystem);
	fill(ctl, 2, "DEVNAME", request.device);
	fill(ctl, 3, "NVME_EVENT", request.detail);
	if (!*request.action || !*request.device)
		return 0;
	if (client_send(ctl->socket_path, &request, &fd, &ignored) == 0)
		(void)client_receive(fd, wait_deadline(ANSWER_MS), NULL, NULL, NULL, &ignored);
	return 0;
}
