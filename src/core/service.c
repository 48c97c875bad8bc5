/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/service.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define STATUS_MAX 512

/* A line of the message is an assignment: what is in a status may not make another. */
static void one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ')
			*text = ' ';
}

void service_ready(const char *status)
{
	char text[STATUS_MAX];

	snprintf(text, sizeof(text), "%s", status);
	one_line(text);
	sd_notifyf(0, "READY=1\nSTATUS=%s", text);
}

void service_status(const char *format, ...)
{
	char text[STATUS_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	one_line(text);
	sd_notifyf(0, "STATUS=%s", text);
}

void service_reloading(void)
{
	struct timespec now;

	/* the time is for units of Type=notify-reload */
	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		   (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

int service_take_socket(const char *name)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names);
	int fd = -1;
	int i;

	/* A copy: the passed ones stay, since each call has to find all of them open. */
	for (i = 0; i < n; i++) {
		const int passed = SD_LISTEN_FDS_START + i;

		if (fd < 0 && strcmp(names[i], name) == 0 &&
		    sd_is_socket(passed, AF_UNSPEC, 0, 1) > 0)
			fd = fcntl(passed, F_DUPFD_CLOEXEC, SD_LISTEN_FDS_START);
	}
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return fd;
}
