/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/wait.h"
#include "target/ask.h"
#include "target/daemon.h"

#define ANSWER_MS 5000
#define STATUS_MAX (256u << 20)

static int connect_to(const char *run_path, int *ret_fd, struct err *err)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/" DAEMON_SOCKET, run_path);
	return rpc_connect(path, ret_fd, err);
}

/* {"ok":true} or {"error":TEXT} */
static int check_answer(const struct rpc_message *message, struct err *err)
{
	CLEANUP_JS struct js *js = NULL;
	int r = js_parse(message->text, message->length, &js, err);

	if (r < 0)
		return r;
	if (js_is_true(js_get(js, "ok")))
		return 0;
	return err_set(err, -EPROTO, "nvmet-sunfishd: %s",
		       js_text(js_get(js, "error")) ? js_text(js_get(js, "error"))
						    : "it answers nonsense");
}

static int ask(int fd, const char *request, const int *fds, size_t n_fds, struct err *err)
{
	CLEANUP_RPC_MESSAGE struct rpc_message message = RPC_MESSAGE_NULL;
	int r = rpc_client_send(fd, request, strlen(request), fds, n_fds, err);

	if (r == 0)
		r = rpc_client_receive(fd, wait_deadline(ANSWER_MS), &message, err);
	return r < 0 ? r : check_answer(&message, err);
}

/* --- a verb */

static int wait_ready(int fd, unsigned int wait_seconds)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int64_t deadline = wait_deadline(wait_seconds > 86400 ? 86400000 : 1000 * wait_seconds);
	char byte = 0;
	int r;

	do
		r = poll(&poll_fd, 1, wait_left(deadline));
	while (r < 0 && errno == EINTR);
	if (r <= 0)
		return r < 0 ? -errno : -ETIMEDOUT;
	if (recv(fd, &byte, 1, 0) != 1 || byte != ASK_READY)
		return -ECONNRESET;
	byte = ASK_GO;
	return send(fd, &byte, 1, MSG_NOSIGNAL) == 1 ? 0 : -ECONNRESET;
}

static int wait_end(int fd, int *ret_status, struct err *err)
{
	unsigned char answer[2];
	ssize_t n;

	do
		n = recv(fd, answer, sizeof(answer), MSG_WAITALL);
	while (n < 0 && errno == EINTR);
	if (n != 2 || answer[0] != ASK_ENDED)
		return err_set(err, -EOWNERDEAD,
			       "the command was killed while it worked: the next command, or "
			       "nvmet-sunfishd, undoes what it had begun");
	*ret_status = answer[1];
	return 0;
}

int remote_run_verb(const char *run_path, const char *request, unsigned int wait_seconds,
		    int *ret_status, struct err *err)
{
	CLEANUP_CLOSE int fd = -1;
	CLEANUP_CLOSE int mine = -1;
	CLEANUP_CLOSE int its = -1;
	int pair[2];
	int r = connect_to(run_path, &fd, err);

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, -errno, "no pair of sockets: %s", strerror(errno));
	mine = pair[0];
	its = pair[1];
	r = ask(fd, request, (const int[3]){ STDOUT_FILENO, STDERR_FILENO, its }, 3, err);
	close(take_fd(&its));
	if (r < 0)
		return r;
	r = wait_ready(mine, wait_seconds);
	if (r < 0)
		return err_set(err, r, "nvmet-sunfishd did not run it in time");
	return wait_end(mine, ret_status, err);
}

/* --- */

static int read_memory(int fd, struct js **ret, struct err *err)
{
	struct stat st;
	void *text;
	int r;

	if (fstat(fd, &st) < 0 || st.st_size <= 0 || st.st_size > (off_t)STATUS_MAX)
		return err_set(err, -EPROTO, "nvmet-sunfishd wrote no status");
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (text == MAP_FAILED)
		return err_set(err, -errno, "the status cannot be read: %s", strerror(errno));
	r = js_parse(text, (size_t)st.st_size, ret, err);
	munmap(text, (size_t)st.st_size);
	return r;
}

int remote_get_status(const char *run_path, struct js **ret, struct err *err)
{
	CLEANUP_FREE char *request = ask_format(ASK_STATUS, 0, NULL, NULL);
	CLEANUP_CLOSE int memory = memfd_create("status", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	CLEANUP_CLOSE int fd = -1;
	int r = request && memory >= 0 ? connect_to(run_path, &fd, err) : err_nomem(err);

	if (r == 0)
		r = ask(fd, request, &memory, 1, err);
	return r < 0 ? r : read_memory(memory, ret, err);
}

int remote_watch(const char *run_path, int *ret_fd, struct err *err)
{
	CLEANUP_FREE char *request = ask_format(ASK_WATCH, 0, NULL, NULL);
	CLEANUP_CLOSE int fd = -1;
	int r = request ? connect_to(run_path, &fd, err) : err_nomem(err);

	if (r == 0)
		r = ask(fd, request, NULL, 0, err);
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r;
}
