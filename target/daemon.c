/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "core/log.h"
#include "core/service.h"
#include "target/ctl.h"
#include "target/daemon.h"

#define RUN_MODE 0755 /* in it, everything is private by its own mode */

/* What is half done is finished, but for what hangs. */
static void stop(struct daemon *daemon)
{
	if (daemon->is_stopping)
		return;
	service_stopping();
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

/* A file with an error changes nothing. */
static void reload(struct daemon *daemon)
{
	struct settings settings;
	struct err err = ERR_NULL;

	service_reloading();
	if (settings_load(AT_FDCWD, CTL_SETTINGS_PATH, &settings, &err) < 0)
		log_error("%s; the old configuration holds", err.text);
	else
		daemon_report_reload(daemon, &settings);
	daemon->take_files = true;
	daemon_look_soon(daemon, 0, true, "reload");
	service_ready("reloaded");
}

static void on_signal(void *data, int signal)
{
	if (signal == SIGHUP)
		reload(data);
	else
		stop(data);
}

static int add_signals(struct daemon *daemon, struct err *err)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		r = loop_add_signal(daemon->loop, numbers[i], on_signal, daemon,
				    &daemon->signals[i], err);
	if (r == 0)
		r = loop_add_timer(daemon->loop, on_stop_late, daemon, &daemon->stop_timer, err);
	return r;
}

static int begin(struct daemon *daemon, struct err *err)
{
	int r = fs_mkdir_p(AT_FDCWD, daemon->run_path, RUN_MODE);

	if (r < 0)
		return err_set(err, r, "%s cannot be made: %s", daemon->run_path, strerror(-r));
	daemon->sysfs_fd = open("/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (daemon->sysfs_fd < 0)
		return err_set(err, -errno, "/sys must be mounted");
	r = loop_new(&daemon->loop, err);
	if (r == 0)
		r = add_signals(daemon, err);
	/* before anything else that another daemon of this host has already */
	if (r == 0)
		r = daemon_serve_begin(daemon, err);
	if (r == 0)
		r = daemon_watch_begin(daemon, err);
	if (r < 0)
		return r;
	r = daemon_report_begin(daemon, err);
	if (r < 0)
		return r;
	loop_enable_watchdog(daemon->loop);
	daemon_look_begin(daemon);
	return 0;
}

int daemon_new(const struct settings *settings, struct daemon **ret, struct err *err)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));
	int r;

	if (!daemon)
		return err_nomem(err);
	daemon->settings = *settings;
	daemon->run_path = CTL_RUN_PATH;
	daemon->sysfs_fd = -1;
	daemon->inotify_fd = -1;
	daemon->highest_wd = -1;
	r = begin(daemon, err);
	if (r < 0) {
		daemon_free(daemon);
		return r;
	}
	*ret = daemon;
	return 0;
}

int daemon_run(struct daemon *daemon, struct err *err)
{
	return loop_run(daemon->loop, err);
}

void daemon_free(struct daemon *daemon)
{
	size_t i;

	if (!daemon)
		return;
	task_end(daemon);
	daemon_serve_end(daemon);
	daemon_watch_end(daemon);
	daemon_look_end(daemon);
	daemon_report_end(daemon);
	for (i = 0; i < sizeof(daemon->signals) / sizeof(daemon->signals[0]); i++)
		loop_source_free(daemon->signals[i]);
	loop_source_free(daemon->stop_timer);
	loop_free(daemon->loop);
	if (daemon->sysfs_fd >= 0)
		close(daemon->sysfs_fd);
	free(daemon);
}
