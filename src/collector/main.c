/* SPDX-License-Identifier: BSD-3-Clause */
/* sunfish-collectord - the collector of all hosts' state. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "collector/collector.h"
#include "collector/front.h"
#include "collector/redfish.h"
#include "collector/rf-account.h"
#include "collector/token.h"
#include "core/log.h"
#include "core/program.h"
#include "core/service.h"

#define NAME "sunfish-collectord"
#define CONFIG SYSCONFDIR "/collector.conf"
#define STATE STATEDIR "/collector"
#define STORE "collector.db"

static const char help[] =
	"Usage: " NAME " [OPTION]...\n"
	"Collect what the helpers of all hosts report, and tell them what is wanted.\n"
	"\n"
	"  --config FILE   instead of " CONFIG "\n"
	"  --check-config  say what is wrong with the configuration, and end\n"
	"  --verbose, -v   tell more\n"
	"  --help, -h      print this\n"
	"  --version       print the version\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 wrong options.\n"
	"See sunfish-collectord(8) and sunfish-collector.conf(5).\n";

struct daemon {
	struct setup setup;
	struct ddc_conf discovery; /* until the collector has taken it */
	struct collector collector;
};

/* The default file need not be there. */
static int load(void *data, const char *config, struct err *err)
{
	struct daemon *daemon = data;
	int r;

	setup_init(&daemon->setup, STATE);
	ddc_conf_deinit(&daemon->discovery);
	ddc_conf_init(&daemon->discovery);
	r = setup_load(config, &daemon->setup, err);
	if (r == 0) {
		r = setup_check_files(&daemon->setup, err);
		if (r < 0) {
			err_prefix(err, "%s: ", config);
			return r;
		}
	}
	if (r == 0)
		r = ddc_conf_load(config, &daemon->discovery, err);
	return r == -ENOENT && strcmp(config, CONFIG) == 0 ? 0 : r;
}

/* Each helper holds a connection or two. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_state(const char *path, int *ret, struct err *err)
{
	int r = fs_mkdir_p(AT_FDCWD, path, 0700);
	int fd;

	if (r < 0)
		return err_set(err, r, "%s: %s%s", path, strerror(-r),
			       r == -EACCES ? ": start it by its unit, or set state_dir" : "");
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	*ret = fd;
	return 0;
}

static int start(void *data, struct loop *loop, struct err *err)
{
	struct daemon *daemon = data;
	struct collector *collector = &daemon->collector;
	CLEANUP_STR struct str store = STR_NULL;
	CLEANUP_CLOSE int dirfd = -1;
	int r = open_state(daemon->setup.state_dir, &dirfd, err);

	raise_limits();
	str_addf(&store, "%s/" STORE, daemon->setup.state_dir);
	if (r == 0)
		r = collector_init(collector, loop, &daemon->setup, str_get(&store), err);
	if (r < 0)
		return r;
	collector->version = NAME " " VERSION;
	if (store_is_new(collector->store))
		log_notice("%s is new: nothing is known yet", str_get(&store));
	r = token_need(collector, dirfd, err);
	if (r == 0)
		r = front_new(collector, service_take_socket("collector"), &collector->front, err);
	if (r == 0)
		r = ddc_configure(collector->ddcs, &daemon->discovery, err);
	if (r == 0)
		r = cdc_new(collector, &collector->cdc, err);
	if (r == 0 && daemon->setup.redfish.enabled)
		r = redfish_new(collector, &daemon->setup.redfish, &collector->redfish, err);
	if (r == 0 && collector->redfish)
		r = accounts_need_admin(collector->redfish->accounts, dirfd, err);
	if (r < 0)
		return r;
	dim_apply(collector->dims);
	log_info("%s port %u, %s", daemon->setup.address, front_port(collector->front),
		 *daemon->setup.certificate ? "with TLS" : "without TLS");
	service_ready("running");
	return 0;
}

/* Certificates, the bounds of leases, and whom to ask for discovery logs; all else needs a
 * restart. */
static void reload(void *data, const char *config)
{
	struct daemon *daemon = data;
	struct collector *collector = &daemon->collector;
	struct setup before = daemon->setup;
	struct err err = ERR_NULL;
	int r = load(daemon, config, &err);

	if (r == 0)
		r = collector_reload(collector, &daemon->setup, &err);
	if (r == 0)
		r = ddc_configure(collector->ddcs, &daemon->discovery, &err);
	if (r < 0) {
		daemon->setup = before;
		log_error("%s: what was read before stays", err.text);
	} else {
		dim_apply(collector->dims);
		log_notice("the configuration was read again");
	}
	service_ready("running");
}

static void stop(void *data)
{
	struct daemon *daemon = data;

	front_stop(daemon->collector.front);
	collector_save(&daemon->collector);
	loop_quit(daemon->collector.loop, PROGRAM_DONE);
}

static void end(void *data)
{
	struct daemon *daemon = data;

	if (daemon->collector.loop)
		collector_deinit(&daemon->collector);
	ddc_conf_deinit(&daemon->discovery);
}

int main(int argc, char **argv)
{
	static const struct program program = {
		.name = NAME,
		.version = VERSION,
		.help = help,
		.config = CONFIG,
		.load = load,
		.start = start,
		.reload = reload,
		.stop = stop,
		.end = end,
	};
	static struct daemon daemon;

	return program_main(&program, argc, argv, &daemon);
}
