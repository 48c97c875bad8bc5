/* SPDX-License-Identifier: BSD-3-Clause */
/* nvme-sunfishctl */
#include <sys/stat.h>

#include "initiator/ctl.h"
#include "initiator/request.h"
#include "initiator/verbs.h"

int main(int argc, char **argv)
{
	struct ctl ctl = {
		.opt = CTL_OPTIONS_NULL,
		.dirs = { -1, -1, -1, -1 },
		.lock_fd = -1,
		.conf_path = SYSCONFDIR "/initiator.conf",
		.state_path = STATEDIR,
		.socket_path = REQUEST_SOCKET,
	};

	umask(077);
	cli_open_standard();
	return cli_main(&verbs_program, argc > 1 ? argc - 1 : 0, argv + 1, &ctl);
}
