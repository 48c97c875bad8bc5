/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "core/log.h"
#include "core/service.h"
#include "initiator/wanted-file.h"

#define BOOT_OWNER "boot"
#define BOOT_PARAMETER "rd.sunfish.connect="
#define BOOT_HOSTNQN "sunfish/boot/hostnqn" /* below /run, of sunfish-boot */
#define CMDLINE_MAX 65536

int daemon_load(void *data, const char *config, struct err *err)
{
	struct daemon *daemon = data;

	return conf_load(AT_FDCWD, config, &daemon->conf, err);
}

/* --- a look, and what follows */

static void tell_systemd(const struct daemon *daemon)
{
	struct sm_view view;
	size_t up = 0;
	size_t i;

	for (i = 0; i < sm_count(daemon->sm); i++) {
		sm_at(daemon->sm, i, &view);
		up += view.state == SM_UP;
	}
	service_status("%zu of %zu wanted connections are up, %zu controllers", up,
		       sm_count(daemon->sm), daemon->inventory->n_controllers);
}

/* Once for all that happened in a round: with hundreds of connections that are refused again and
 * again, describing all of them after each would take longer than they do. */
static void on_settle(void *data)
{
	struct daemon *daemon = data;

	daemon->settle_due = false;
	intent_changed(daemon);
	/* may take back what was asked for in vain: described after that */
	serve_changed(daemon);
	report_state(daemon);
	tell_systemd(daemon);
}

void daemon_settle(struct daemon *daemon)
{
	if (daemon->settle_due)
		on_settle(daemon);
}

void daemon_go_on(struct daemon *daemon)
{
	lane_run(daemon);
	daemon->settle_due = true;
	loop_post_set(daemon->settle);
}

static int read_inventory(struct daemon *daemon, struct err *err)
{
	struct inventory *inventory = NULL;
	int r = inventory_read(daemon->dirs.sysfs_fd, daemon->dirs.proc_fd, &inventory, err);

	if (r < 0)
		return r;
	inventory_free(daemon->inventory);
	daemon->inventory = inventory;
	return 0;
}

/* What the initramfs made and is wanted is ours from now on. */
static void take_over_boot(const struct daemon *daemon)
{
	char owner[OWNER_MAX];
	struct err ignored = ERR_NULL;
	struct sm_view view;
	size_t i;

	for (i = 0; i < sm_count(daemon->sm); i++) {
		sm_at(daemon->sm, i, &view);
		if (view.state == SM_UP &&
		    owner_read(daemon->dirs.run_fd, view.controller, owner, NULL) == 0 &&
		    strcmp(owner, BOOT_OWNER) == 0)
			owner_write(daemon->dirs.run_fd, daemon->dirs.sysfs_fd, view.controller,
				    OWNER_SUNFISH, &ignored);
	}
}

static void look_only(struct daemon *daemon)
{
	const struct track_hooks hooks = { report_change, watch_hint, daemon };
	struct err err = ERR_NULL;
	int64_t now = loop_now_ms(daemon->loop);
	int r = read_inventory(daemon, &err);

	daemon->look_due = false;
	daemon->last_look_ms = now;
	/* what cannot be read is no reason to believe that nothing is there */
	if (r == 0)
		r = track_look(&daemon->track, daemon->inventory, now, clock_wall_ms(), &hooks);
	if (r == 0)
		sm_look(daemon->sm, now, daemon->inventory);
	if (r == 0)
		take_over_boot(daemon);
	else
		log_error("looking at this host's connections: %s",
			  *err.text ? err.text : strerror(-r));
}

void daemon_look(struct daemon *daemon)
{
	int64_t start = clock_monotonic_ms();

	look_only(daemon);
	watch_arm(daemon);
	daemon_go_on(daemon);
	daemon->look_took_ms = clock_monotonic_ms() - start;
}

/* --- what is wanted */

static void want(struct daemon *daemon, const struct conf_connection *connection,
		 unsigned int source)
{
	struct conf_connection with_defaults = *connection;
	struct err err = ERR_NULL;

	host_tuning_default(&with_defaults.tuning, &daemon->conf.defaults);
	if (sm_want(daemon->sm, &with_defaults, source, &err) < 0)
		log_error("%s", err.text);
}

static void want_configured(struct daemon *daemon, const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->n_connections; i++)
		want(daemon, &conf->connections[i], SM_CONF);
}

static int want_stored(void *data, const struct conf_connection *connection)
{
	want(data, connection, SM_COMMAND);
	return 0;
}

static void warn_of_file(void *data, const struct err *err)
{
	const struct daemon *daemon = data;

	log_warning("%s/" WANTED_FILE_DIR "/%s; it is left out", daemon->paths.state, err->text);
}

/* What the initramfs connected, and what it was to connect and could not.
 * @hostnqn  who this host was to it, "" not known: it may not be as /etc/nvme says now */
static void want_parameter(struct daemon *daemon, const char *text, const char *hostnqn)
{
	struct conf_connection connection = CONF_CONNECTION_NULL;
	struct err err = ERR_NULL;

	if (tid_parse(text, &connection.tid, &err) < 0) {
		log_warning(BOOT_PARAMETER "%s: %s", text, err.text);
		return;
	}
	if (!*connection.tid.hostnqn)
		snprintf(connection.tid.hostnqn, sizeof(connection.tid.hostnqn), "%s", hostnqn);
	/* a root file system waits rather than fails */
	connection.tuning.ctrl_loss_tmo = -1;
	want(daemon, &connection, SM_BOOT);
}

static void read_boot_hostnqn(const struct daemon *daemon, char ret[NQN_MAX + 1])
{
	ssize_t length = fs_read_at(daemon->dirs.run_fd, BOOT_HOSTNQN, ret, NQN_MAX);

	ret[length > 0 ? length : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	if (nqn_check_host(ret, NULL) < 0)
		ret[0] = '\0';
}

static void want_of_boot(struct daemon *daemon)
{
	CLEANUP_FREE char *text = NULL;
	char hostnqn[NQN_MAX + 1];
	char *rest;
	char *word;

	if (fs_read_file(daemon->dirs.proc_fd, "cmdline", CMDLINE_MAX, &text, NULL) < 0)
		return;
	read_boot_hostnqn(daemon, hostnqn);
	for (rest = text; (word = strsep(&rest, " \n"));)
		if (strncmp(word, BOOT_PARAMETER, strlen(BOOT_PARAMETER)) == 0)
			want_parameter(daemon, word + strlen(BOOT_PARAMETER), hostnqn);
}

static void want_all(struct daemon *daemon)
{
	struct err err = ERR_NULL;

	want_configured(daemon, &daemon->conf);
	want_of_boot(daemon);
	if (daemon->wanted_fd >= 0 &&
	    wanted_file_each(daemon->wanted_fd, want_stored, warn_of_file, daemon, &err) < 0)
		log_warning("%s", err.text);
}

/* --- start */

static void recall(struct daemon *daemon)
{
	if (agent_recall(daemon->agent))
		log_info("until the collector speaks, what it wanted before counts");
}

static int open_directory(const char *path, int *ret, struct err *err)
{
	*ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret < 0 ? err_set(err, -errno, "%s: %s", path, strerror(errno)) : 0;
}

static int open_directories(struct daemon *daemon, struct err *err)
{
	char path[CONF_PATH_MAX];
	int r = open_directory("/sys", &daemon->dirs.sysfs_fd, err);

	if (r == 0)
		r = open_directory("/proc", &daemon->dirs.proc_fd, err);
	if (r == 0)
		r = open_directory("/run", &daemon->dirs.run_fd, err);
	if (r == 0)
		r = open_directory("/etc", &daemon->dirs.etc_fd, err);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/" WANTED_FILE_DIR, daemon->paths.state);
	r = fs_mkdir_p(AT_FDCWD, path, 0700);
	if (r == 0)
		daemon->wanted_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (daemon->wanted_fd < 0)
		log_warning("%s cannot be used: connections that commands ask for are forgotten at "
			    "a reboot",
			    path);
	/* others are to reach the socket in it */
	if (fs_mkdir_p(AT_FDCWD, "/run/sunfish", 0755) == 0)
		(void)!chmod("/run/sunfish", 0755);
	return 0;
}

/* Who we are may not be known yet, or not make sense: what needs it then says so. */
static void read_identity(struct daemon *daemon)
{
	struct err err = ERR_NULL;

	daemon->host = (struct host_identity){ .made_up = false };
	if (*daemon->conf.hostnqn) {
		memcpy(daemon->host.hostnqn, daemon->conf.hostnqn, sizeof(daemon->host.hostnqn));
		if (*daemon->conf.hostid)
			memcpy(daemon->host.hostid, daemon->conf.hostid, HOST_ID_MAX);
		else if (host_id_of(daemon->conf.hostnqn, &(struct host_identity){ 0 },
				    daemon->host.hostid, &err) < 0)
			log_warning("%s", err.text);
		return;
	}
	if (host_identity_read(daemon->dirs.etc_fd, &daemon->host, &err) < 0)
		log_warning("%s", err.text);
}

static struct sm_config sm_config_of(const struct daemon *daemon)
{
	struct sm_config config = {
		.retry_min_ms = daemon->conf.retry_min_ms,
		.retry_max_ms = daemon->conf.retry_max_ms,
		.refused_ms = daemon->conf.refused_ms,
		.hostnqn = daemon->host.hostnqn,
		.seed = 1,
	};

	(void)!getrandom(&config.seed, sizeof(config.seed), GRND_NONBLOCK);
	return config;
}

static int start_parts(struct daemon *daemon, struct err *err)
{
	const struct sm_config config = sm_config_of(daemon);
	int r = sm_new(&config, &daemon->sm, err);

	if (r == 0)
		r = read_inventory(daemon, err);
	if (r == 0)
		r = intent_start(daemon, err);
	if (r == 0)
		r = loop_add_post(daemon->loop, on_settle, daemon, &daemon->settle, err);
	if (r == 0)
		r = lane_start(daemon, err);
	if (r == 0)
		r = report_start(daemon, err);
	if (r == 0)
		r = watch_start(daemon, err);
	return r < 0 ? r : serve_start(daemon, err);
}

int daemon_start(void *data, struct loop *loop, struct err *err)
{
	struct daemon *daemon = data;
	struct err ignored = ERR_NULL;
	int r;

	daemon->loop = loop;
	daemon->since_ms = clock_wall_ms();
	r = open_directories(daemon, err);
	if (r < 0)
		return r;
	read_identity(daemon);
	host_options_read("/dev/nvme-fabrics", &daemon->options, &ignored);
	r = start_parts(daemon, err);
	if (r < 0)
		return r;
	want_all(daemon);
	recall(daemon);
	daemon_look(daemon);
	daemon_settle(daemon);
	service_ready("watching");
	tell_systemd(daemon);
	log_info("this host is %s; %zu connections are wanted, %zu controllers are there",
		 *daemon->host.hostnqn ? daemon->host.hostnqn : "nobody", sm_count(daemon->sm),
		 daemon->inventory->n_controllers);
	return 0;
}

/* --- a new configuration */

static bool has_connection(const struct conf *conf, const struct tid *tid)
{
	size_t i;

	for (i = 0; i < conf->n_connections; i++)
		if (tid_equal(&conf->connections[i].tid, tid))
			return true;
	return false;
}

static void unwant_missing(struct daemon *daemon, const struct conf *conf)
{
	size_t i;

	for (i = 0; i < daemon->conf.n_connections; i++)
		if (!has_connection(conf, &daemon->conf.connections[i].tid))
			sm_unwant(daemon->sm, &daemon->conf.connections[i].tid, SM_CONF);
}

static void use_collector(struct daemon *daemon, const struct agent_conf *before)
{
	struct err err = ERR_NULL;

	memcpy(daemon->conf.collector.node, before->node, sizeof(before->node));
	if (!*daemon->conf.collector.name)
		memcpy(daemon->conf.collector.name, before->name, sizeof(before->name));
	if (agent_conf_equal(&daemon->conf.collector, before))
		return;
	report_end(daemon);
	/* what it wanted goes on with another one, which may be the same at another address */
	if (!*daemon->conf.collector.url)
		intent_forget(daemon);
	if (report_start(daemon, &err) == 0) {
		recall(daemon);
		return;
	}
	log_error("the new collector cannot be used: %s; the old one stays", err.text);
	daemon->conf.collector = *before;
	if (report_start(daemon, &err) < 0) {
		log_error("%s", err.text);
		loop_quit(daemon->loop, 1);
		return;
	}
	recall(daemon);
}

void daemon_reload(void *data, const char *config)
{
	struct daemon *daemon = data;
	CLEANUP_CONF struct conf conf = CONF_NULL;
	struct sm_config sm_config;
	struct agent_conf before;
	struct err err = ERR_NULL;

	if (config)
		daemon->config = config;
	if (conf_load(AT_FDCWD, daemon->config, &conf, &err) < 0) {
		log_error("%s; the old configuration holds", err.text);
		service_ready("the new configuration is wrong; the old one holds");
		return;
	}
	unwant_missing(daemon, &conf);
	before = daemon->conf.collector;
	conf_deinit(&daemon->conf);
	daemon->conf = conf;
	conf = CONF_NULL;
	read_identity(daemon);
	sm_config = sm_config_of(daemon);
	sm_configure(daemon->sm, &sm_config);
	want_configured(daemon, &daemon->conf);
	use_collector(daemon, &before);
	log_info("the configuration was read again");
	daemon_look(daemon);
	service_ready("watching");
	tell_systemd(daemon);
}

/* --- end: no connection goes with us */

void daemon_stop(void *data)
{
	struct daemon *daemon = data;

	daemon_settle(daemon);
	loop_quit(daemon->loop, 0);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void daemon_end(void *data)
{
	struct daemon *daemon = data;

	daemon->settle = loop_source_free(daemon->settle);
	serve_end(daemon);
	watch_end(daemon);
	report_end(daemon);
	lane_end(daemon);
	intent_end(daemon);
	sm_free(daemon->sm);
	track_deinit(&daemon->track);
	inventory_free(daemon->inventory);
	conf_deinit(&daemon->conf);
	close_fd(&daemon->dirs.sysfs_fd);
	close_fd(&daemon->dirs.proc_fd);
	close_fd(&daemon->dirs.run_fd);
	close_fd(&daemon->dirs.etc_fd);
	close_fd(&daemon->wanted_fd);
}
