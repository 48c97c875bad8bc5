/* SPDX-License-Identifier: BSD-3-Clause */
/* nvmet-sunfishd */
#include "core/program.h"
#include "target/ctl.h"
#include "target/daemon.h"

static const char help[] =
	"nvmet-sunfishd - keep the NVMe-oF exports of this host\n"
	"\n"
	"  nvmet-sunfishd [OPTION]...\n"
	"\n"
	"It stays in the foreground and is mostly started by systemd.\n"
	"\n"
	"Options:\n"
	"  --config FILE   instead of " CTL_SETTINGS_PATH "\n"
	"  --check-config  read it, say what is wrong, and end\n"
	"  -v, --verbose   tell more\n"
	"  --version       version of this program\n"
	"  -h, --help      this text\n"
	"\n"
	"Exit status: 0 ended by a signal, 1 failed, 2 usage. See nvmet-sunfishd(8).\n";

int main(int argc, char **argv)
{
	static const struct program program = {
		.name = "nvmet-sunfishd",
		.version = VERSION,
		.help = help,
		.config = CTL_SETTINGS_PATH,
		.load = daemon_load,
		.start = daemon_start,
		.reload = daemon_reload,
		.stop = daemon_stop,
		.end = daemon_end,
	};
	struct daemon daemon = DAEMON_NULL;

	return program_main(&program, argc, argv, &daemon);
}
