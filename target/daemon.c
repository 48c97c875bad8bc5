/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "core/log.h"
#include "core/service.h"

#define RUN_MODE 0755 /* in it, everything is private by its own mode */

/* What is half done is finished, but for what hangs. */
void daemon_stop(void *data)
{
	struct daemon *daemon = data;

	daemon->is_stopping = true;
	if (!task_is_busy(daemon))
		loop_quit(daemon->loop, 0);
	else
		loop_timer_set(daemon->stop_timer, 1000 * (int64_t)daemon->settings.hang_seconds,
			       0);
}

static void on_stop_late(void *data)
{
	struct daemon *daemon = data;

	loop_quit(daemon->loop, 0);
}

int daemon_load(void *data, const char *config, struct err *err)
{
	struct daemon *daemon = data;

	if (strcmp(config, CTL_SETTINGS_PATH) == 0)
		snprintf(daemon->config, sizeof(daemon->config), "%s", config);
	else if (!realpath(config, daemon->config))
		return err_set(err, -errno, "%s: %s", config, strerror(errno));
	return settings_load(AT_FDCWD, daemon->config, &daemon->settings, err);
}

/* A file with an error changes nothing. */
void daemon_reload(void *data, const char *config)
{
	struct daemon *daemon = data;
	struct settings settings;
	struct err err = ERR_NULL;

	(void)config;
	if (settings_load(AT_FDCWD, daemon->config, &settings, &err) < 0)
		log_error("%s; the old configuration holds", err.text);
	else
		daemon_report_reload(daemon, &settings);
	daemon->take_files = true;
	daemon_look_soon(daemon, 0, true, "reload");
	service_ready("reloaded");
}

int daemon_start(void *data, struct loop *loop, struct err *err)
{
	struct daemon *daemon = data;
	int r;

	if (geteuid() != 0)
		return err_set(err, -EPERM, "run as root: the kernel's target belongs to it");
	daemon->loop = loop;
	r = fs_mkdir_p(AT_FDCWD, daemon->run_path, RUN_MODE);
	if (r < 0)
		return err_set(err, r, "%s cannot be made: %s", daemon->run_path, strerror(-r));
	daemon->sysfs_fd = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (daemon->sysfs_fd < 0)
		return err_set(err, -errno, "/sys must be mounted");
	r = loop_add_timer(loop, on_stop_late, daemon, &daemon->stop_timer, err);
	/* before anything else that another daemon of this host has already */
	if (r == 0)
		r = daemon_serve_begin(daemon, err);
	if (r == 0)
		r = daemon_watch_begin(daemon, err);
	if (r == 0)
		r = daemon_report_begin(daemon, err);
	if (r == 0)
		daemon_look_begin(daemon);
	return r;
}

void daemon_end(void *data)
{
	struct daemon *daemon = data;

	task_end(daemon);
	daemon_serve_end(daemon);
	daemon_watch_end(daemon);
	daemon_look_end(daemon);
	daemon_report_end(daemon);
	loop_source_free(daemon->stop_timer);
	if (daemon->sysfs_fd >= 0)
		close(daemon->sysfs_fd);
}
