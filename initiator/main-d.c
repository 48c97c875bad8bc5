/* SPDX-License-Identifier: BSD-3-Clause */
/* nvme-sunfishd - keeps the connections of this host. */
#include "core/program.h"
#include "initiator/daemon.h"

static const char help[] =
	"usage: nvme-sunfishd [--config FILE] [--check-config] [-v]\n"
	"\n"
	"Keeps the NVMe-oF connections of this host that are wanted, by initiator.conf, by\n"
	"nvme-sunfishctl connect or by the collector, and tells what becomes of them.\n"
	"\n"
	"  --config FILE    instead of " SYSCONFDIR "/initiator.conf\n"
	"  --check-config   read it, say what is wrong with it, and end\n"
	"  -v, --verbose    tell more\n"
	"  --version        its version\n"
	"  -h, --help       this\n";

static int load(void *data, const char *config, struct err *err)
{
	struct daemon *daemon = data;

	daemon->config = config;
	return daemon_load(daemon, config, err);
}

int main(int argc, char **argv)
{
	static const struct program program = {
		.name = "nvme-sunfishd",
		.version = VERSION,
		.help = help,
		.config = SYSCONFDIR "/initiator.conf",
		.load = load,
		.start = daemon_start,
		.reload = daemon_reload,
		.stop = daemon_stop,
		.end = daemon_end,
	};
	struct daemon daemon = {
		.paths = { .state = STATEDIR,
			   .libexec = LIBEXECDIR,
			   .program = "nvme-sunfishd " VERSION },
		.dirs = { -1, -1, -1, -1 },
		.wanted_fd = -1,
		.kmsg_fd = -1,
	};
	int status = program_main(&program, argc, argv, &daemon);

	/* of --check-config, after which nothing was started */
	conf_deinit(&daemon.conf);
	return status;
}
