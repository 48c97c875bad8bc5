/* SPDX-License-Identifier: BSD-3-Clause */
/* nvmet-sunfishd */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "target/ctl.h"
#include "target/daemon.h"
#include "target/settings.h"

enum { STATUS_USAGE = 2 };

static const char help[] =
	"nvmet-sunfishd - keep the NVMe-oF exports of this host\n"
	"\n"
	"  nvmet-sunfishd [OPTION]...\n"
	"\n"
	"It stays in the foreground and is mostly started by systemd.\n"
	"\n"
	"Options:\n"
	"  --check-config  read " SYSCONFDIR "/target.conf, say what is wrong, and end\n"
	"  -v, --verbose   tell more\n"
	"  --version       version of this program\n"
	"  --help          this text\n"
	"\n"
	"Exit status: 0 ended by a signal, 1 failed, 2 usage. See nvmet-sunfishd(8).\n";

struct options {
	bool check_config;
	bool verbose;
};

/* Returns: -1 go on; else the exit status. */
static int parse(int argc, char **argv, struct options *ret)
{
	static const struct option table[] = {
		{ "check-config", no_argument, NULL, 'c' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "vh", table, NULL)) != -1) {
		switch (c) {
		case 'c':
			ret->check_config = true;
			break;
		case 'v':
			ret->verbose = true;
			break;
		case 'V':
			puts("nvmet-sunfishd " VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(help, stdout);
			return EXIT_SUCCESS;
		default:
			return STATUS_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "nvmet-sunfishd: it takes no argument, but \"%s\" is there; see --help\n",
		argv[optind]);
	return STATUS_USAGE;
}

static int run(const struct settings *settings)
{
	struct daemon *daemon = NULL;
	struct err err = ERR_NULL;
	int r = daemon_new(settings, &daemon, &err);

	if (r == 0)
		r = daemon_run(daemon, &err);
	daemon_free(daemon);
	if (r < 0)
		log_error("%s", *err.text ? err.text : strerror(-r));
	return r < 0 ? EXIT_FAILURE : r;
}

int main(int argc, char **argv)
{
	struct settings settings = SETTINGS_DEFAULT;
	struct options options = { 0 };
	struct err err = ERR_NULL;
	int status = parse(argc, argv, &options);

	if (status >= 0)
		return status;
	umask(077);
	log_init("nvmet-sunfishd", options.verbose ? LOG_DEBUG : LOG_INFO);
	if (settings_load(AT_FDCWD, CTL_SETTINGS_PATH, &settings, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	if (options.check_config)
		return EXIT_SUCCESS;
	if (geteuid() != 0) {
		log_error("run as root: the kernel's target belongs to it");
		return EXIT_FAILURE;
	}
	return run(&settings);
}
