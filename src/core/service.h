/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * service - a daemon's word with systemd: ready, status, passed sockets. Nothing happens without
 * systemd. Source: sd_notify(3), sd_listen_fds(3).
 */
#pragma once

/* READY=1 and a status line; control characters in it become blanks. */
void service_ready(const char *status);
void service_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
void service_reloading(void); /* then service_ready again */
void service_stopping(void);

/* The listening socket of that FileDescriptorName, owned; -1: none was passed. */
int service_take_socket(const char *name);
