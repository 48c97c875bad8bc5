/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/wait.h"

#define BACKLOG 64
/* Of one user who is not root: others get through, whatever he does. */
#define PER_USER_MAX (RPC_CONNECTIONS_MAX / 4)
#define PAUSE_MS 200	/* when descriptors or memory ran out: accept() would fail at once again */
#define SEND_SECONDS 10 /* a command waits so long for a daemon that does not read */
#define SEND_BUFFER (4 * RPC_TEXT_MAX)
#define LARGE "@" /* instead of a text, which is in the file beside it */
#define CONTROL_SIZE CMSG_SPACE(sizeof(int) * RPC_FDS_MAX)

struct rpc_conn {
	struct rpc_conn *next;
	struct rpc_server *server;
	struct loop_source *source;
	int fd;
	struct rpc_peer peer;
	void *user;
};

struct rpc_server {
	struct loop *loop;
	int fd;
	struct loop_source *source;
	struct loop_source *pause;
	struct rpc_conn *conns;
	unsigned int n_conns;
	rpc_request_fn request;
	rpc_gone_fn gone;
	void *data;
	char *text; /* room for one message */
};

/* --- messages */

static void close_fds(struct rpc_message *message)
{
	size_t i;

	for (i = 0; i < RPC_FDS_MAX; i++) {
		if (message->fds[i] >= 0)
			close(message->fds[i]);
		message->fds[i] = -1;
	}
	message->n_fds = 0;
}

void rpc_message_deinit(struct rpc_message *message)
{
	free(message->text);
	message->text = NULL;
	message->length = 0;
	close_fds(message);
}

static void take_fds(struct rpc_message *message, struct msghdr *header)
{
	struct cmsghdr *c;
	size_t n;

	for (c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (n > RPC_FDS_MAX - message->n_fds)
			n = RPC_FDS_MAX - message->n_fds; /* cannot be: there is no room for more */
		memcpy(message->fds + message->n_fds, CMSG_DATA(c), n * sizeof(int));
		message->n_fds += n;
	}
}

/*
 * One packet without waiting, into @ret->text, which has room for RPC_TEXT_MAX + 1.
 * Returns: 0; -EPIPE closed; -EBADMSG too long, or more descriptors than allowed, which are closed;
 * -EAGAIN; other negative errno.
 */
static int receive(int fd, struct rpc_message *ret)
{
	union {
		struct cmsghdr align;
		char bytes[CONTROL_SIZE];
	} control;
	struct iovec iov = { .iov_base = ret->text, .iov_len = RPC_TEXT_MAX };
	struct msghdr header = { .msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	take_fds(ret, &header);
	if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		close_fds(ret);
		return -EBADMSG;
	}
	if (n == 0) {
		close_fds(ret);
		return -EPIPE;
	}
	ret->text[n] = '\0';
	ret->length = (size_t)n;
	return 0;
}

static void set_send_buffer(int fd)
{
	const int bytes = SEND_BUFFER;

	/* the system's default may be smaller than one message */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

/* --- listening */

static int make_address(const char *path, struct sockaddr_un *ret, struct err *err)
{
	const size_t length = strlen(path);

	if (length == 0 || length >= sizeof(ret->sun_path))
		return err_set(err, length ? -ENAMETOOLONG : -EINVAL,
			       "\"%s\": the path of a socket has 1 to %zu bytes", path,
			       sizeof(ret->sun_path) - 1);
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, path, length + 1);
	return 0;
}

/* Remove a socket that nobody listens on. Returns: 0; -EADDRINUSE; -EEXIST; others. */
static int remove_old(const struct sockaddr_un *address, struct err *err)
{
	const char *path = address->sun_path;
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return err_set(err, -errno, "cannot make a socket: %m");
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_set(err, -errno, "cannot look at %s: %m", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, -EEXIST,
			       "%s is there and no socket: remove it, or set another path", path);
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno != ECONNREFUSED)
		return err_set(err, -EADDRINUSE,
			       "somebody listens on %s: does the daemon run already?", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_set(err, -errno, "cannot remove the old socket %s: %m", path);
	return 0;
}

int rpc_listen(const char *path, mode_t mode, int *ret_fd, struct err *err)
{
	CLEANUP_CLOSE int fd = -1;
	struct sockaddr_un address;
	mode_t mask;
	int r = make_address(path, &address, err);

	if (r == 0)
		r = remove_old(&address, err);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, -errno, "cannot make a socket: %m");
	/* at no time more open than it is meant to be */
	mask = umask(~mode & 0777);
	r = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (r < 0)
		return err_set(err, r, "cannot make the socket %s: %s", path, strerror(-r));
	if (listen(fd, BACKLOG) < 0)
		return err_set(err, -errno, "cannot listen on %s: %m", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* --- the server */

static void unlink_conn(struct rpc_conn *conn)
{
	struct rpc_conn **at = &conn->server->conns;

	while (*at != conn)
		at = &(*at)->next;
	*at = conn->next;
	conn->server->n_conns--;
}

void rpc_conn_close(struct rpc_conn *conn)
{
	struct rpc_server *server = conn->server;

	if (conn->fd < 0)
		return; /* from within gone */
	unlink_conn(conn);
	loop_source_free(conn->source);
	close(take_fd(&conn->fd));
	if (server->gone)
		server->gone(server->data, conn);
	free(conn);
}

static void on_message(void *data, int fd, uint32_t events)
{
	struct rpc_conn *conn = data;
	struct rpc_server *server = conn->server;
	struct rpc_message message = RPC_MESSAGE_NULL;
	int r;

	(void)events;
	message.text = server->text;
	r = receive(fd, &message);
	if (r == 0) {
		/* may close the connection or free the server */
		server->request(server->data, conn, &message);
		close_fds(&message);
	} else if (r != -EAGAIN && r != -EINTR) {
		rpc_conn_close(conn);
	}
}

static bool may_enter(const struct rpc_server *server, const struct rpc_peer *peer)
{
	const struct rpc_conn *conn;
	unsigned int n = 0;

	if (server->n_conns >= RPC_CONNECTIONS_MAX)
		return false;
	for (conn = server->conns; conn; conn = conn->next)
		n += conn->peer.uid == peer->uid;
	return peer->uid == 0 || n < PER_USER_MAX;
}

static void add_conn(struct rpc_server *server, int fd)
{
	CLEANUP_CLOSE int owned = fd;
	CLEANUP_FREE struct rpc_conn *conn = calloc(1, sizeof(*conn));
	struct ucred cred = { 0 };
	socklen_t size = sizeof(cred);

	if (!conn || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return;
	conn->peer = (struct rpc_peer){ .pid = cred.pid, .uid = cred.uid, .gid = cred.gid };
	if (!may_enter(server, &conn->peer))
		return;
	if (loop_add_io(server->loop, fd, EPOLLIN, on_message, conn, &conn->source, NULL) < 0)
		return;
	set_send_buffer(fd);
	conn->server = server;
	conn->fd = take_fd(&owned);
	conn->next = server->conns;
	server->n_conns++;
	server->conns = TAKE_PTR(conn);
}

static void on_connect(void *data, int fd, uint32_t events)
{
	struct rpc_server *server = data;
	int conn_fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (conn_fd >= 0) {
		add_conn(server, conn_fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		loop_io_set(server->source, 0);
		loop_timer_set(server->pause, PAUSE_MS, PAUSE_MS);
	}
}

static void on_pause_over(void *data)
{
	struct rpc_server *server = data;

	loop_io_set(server->source, EPOLLIN);
}

int rpc_server_new(struct loop *loop, int take_listen_fd, rpc_request_fn request, rpc_gone_fn gone,
		   void *data, struct rpc_server **ret, struct err *err)
{
	struct rpc_server *server = calloc(1, sizeof(*server));
	int r;

	if (!server) {
		close(take_listen_fd);
		return err_nomem(err);
	}
	*server = (struct rpc_server){ .loop = loop,
				       .fd = take_listen_fd,
				       .request = request,
				       .gone = gone,
				       .data = data,
				       .text = malloc(RPC_TEXT_MAX + 1) };
	r = server->text ? 0 : err_nomem(err);
	/* systemd passes one that blocks */
	if (r == 0 && fcntl(server->fd, F_SETFL, O_NONBLOCK) < 0)
		r = err_set(err, -errno, "cannot use a passed socket: %m");
	if (r == 0)
		r = loop_add_timer(loop, on_pause_over, server, &server->pause, err);
	if (r == 0)
		r = loop_add_io(loop, server->fd, EPOLLIN, on_connect, server, &server->source,
				err);
	if (r < 0) {
		rpc_server_free(server);
		return r;
	}
	*ret = server;
	return 0;
}

void rpc_server_free(struct rpc_server *server)
{
	if (!server)
		return;
	while (server->conns)
		rpc_conn_close(server->conns);
	loop_source_free(server->source);
	loop_source_free(server->pause);
	close(server->fd);
	free(server->text);
	free(server);
}

const struct rpc_peer *rpc_conn_peer(const struct rpc_conn *conn)
{
	return &conn->peer;
}

void rpc_conn_set(struct rpc_conn *conn, void *user)
{
	conn->user = user;
}

void *rpc_conn_get(const struct rpc_conn *conn)
{
	return conn->user;
}

static int send_code(ssize_t sent)
{
	if (sent >= 0)
		return 0;
	switch (errno) {
	case EAGAIN:
	case ENOBUFS:
		return -EAGAIN;
	case ECONNRESET:
		return -EPIPE;
	default:
		return -errno;
	}
}

int rpc_send(struct rpc_conn *conn, const char *text, size_t length)
{
	if (length > RPC_TEXT_MAX)
		return -EMSGSIZE;
	if (conn->fd < 0)
		return -EPIPE;
	return send_code(send(conn->fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/* Returns: 0, *ret_fd owned; -EFBIG, -ENOMEM .. */
static int make_file(const char *text, size_t length, int *ret_fd)
{
	CLEANUP_CLOSE int fd = memfd_create("answer", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	while (fd >= 0 && length) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text += n;
		length -= (size_t)n;
	}
	if (fd < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

int rpc_send_large(struct rpc_conn *conn, const char *text, size_t length)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .align = { .cmsg_level = SOL_SOCKET,
				 .cmsg_type = SCM_RIGHTS,
				 .cmsg_len = CMSG_LEN(sizeof(int)) } };
	struct iovec iov = { .iov_base = (char[]){ LARGE }, .iov_len = strlen(LARGE) };
	const struct msghdr header = { .msg_iov = &iov,
				       .msg_iovlen = 1,
				       .msg_control = control.bytes,
				       .msg_controllen = sizeof(control.bytes) };
	CLEANUP_CLOSE int fd = -1;
	int r;

	if (length <= RPC_TEXT_MAX)
		return rpc_send(conn, text, length);
	if (length > RPC_LARGE_MAX)
		return -EMSGSIZE;
	if (conn->fd < 0)
		return -EPIPE;
	r = make_file(text, length, &fd);
	if (r < 0)
		return r;
	memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	return send_code(sendmsg(conn->fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/* --- commands */

int rpc_connect(const char *path, int *ret_fd, struct err *err)
{
	const struct timeval patience = { .tv_sec = SEND_SECONDS };
	CLEANUP_CLOSE int fd = -1;
	struct sockaddr_un address;
	int r = make_address(path, &address, err);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "cannot make a socket: %m");
	/* for connect(), too, whose queue may be full */
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	set_send_buffer(fd);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
		*ret_fd = take_fd(&fd);
		return 0;
	}
	r = errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (r == -ENOENT || r == -ECONNREFUSED)
		return err_set(err, r, "nobody listens on %s: the daemon does not run", path);
	if (r == -EACCES)
		return err_set(err, r, "%s: no right to talk to the daemon: be root", path);
	return err_set(err, r, "cannot talk to the daemon at %s: %s", path, strerror(-r));
}

int rpc_client_send(int fd, const char *text, size_t length, const int *fds, size_t n_fds,
		    struct err *err)
{
	union {
		struct cmsghdr align;
		char bytes[CONTROL_SIZE];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)text, .iov_len = length };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (length == 0 || length > RPC_TEXT_MAX || n_fds > RPC_FDS_MAX)
		return err_set(
			err, -EMSGSIZE,
			"a request of %zu bytes and %zu files is too large: %u and %d is the "
			"most",
			length, n_fds, RPC_TEXT_MAX, RPC_FDS_MAX);
	if (n_fds) {
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * n_fds);
		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
	}
	while (sendmsg(fd, &header, MSG_NOSIGNAL) < 0) {
		if (errno == EAGAIN)
			return err_set(err, -ETIMEDOUT, "the daemon did not read for %d seconds",
				       SEND_SECONDS);
		if (errno != EINTR)
			return err_set(err, errno == ECONNRESET ? -EPIPE : -errno,
				       "cannot send to the daemon: %m");
	}
	return 0;
}

static int no_answer(int code, struct err *err)
{
	switch (code) {
	case -EPIPE:
		return err_set(err, code,
			       "the daemon closed the connection: does it run still, and is it "
			       "not busy with too many others?");
	case -EBADMSG:
		return err_set(err, code, "the daemon's answer is longer than %u bytes",
			       RPC_TEXT_MAX);
	case -ETIMEDOUT:
		return err_set(err, code, "the daemon did not answer in time");
	default:
		return err_set(err, code, "cannot read the daemon's answer: %s", strerror(-code));
	}
}

static int read_all(int fd, char *text, size_t length)
{
	size_t at = 0;

	while (at < length) {
		ssize_t n = pread(fd, text + at, length - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += (size_t)n;
	}
	text[length] = '\0';
	return 0;
}

/* A text that is in the file beside it is put in its place. */
static int read_large(struct rpc_message *message)
{
	CLEANUP_FREE char *text = NULL;
	struct stat st;
	int r;

	if (strcmp(message->text, LARGE) != 0 || message->n_fds != 1)
		return 0;
	if (fstat(message->fds[0], &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > RPC_LARGE_MAX)
		return -EBADMSG;
	text = malloc((size_t)st.st_size + 1);
	r = text ? read_all(message->fds[0], text, (size_t)st.st_size) : -ENOMEM;
	if (r < 0)
		return r;
	free(message->text);
	message->text = TAKE_PTR(text);
	message->length = (size_t)st.st_size;
	close(take_fd(&message->fds[0]));
	message->n_fds = 0;
	return 0;
}

int rpc_client_receive(int fd, int64_t deadline, struct rpc_message *ret, struct err *err)
{
	CLEANUP_RPC_MESSAGE struct rpc_message message = RPC_MESSAGE_NULL;
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int r = -EAGAIN;

	message.text = malloc(RPC_TEXT_MAX + 1);
	if (!message.text)
		return err_nomem(err);
	while (r == -EAGAIN || r == -EINTR) {
		const int left = wait_left(deadline);

		r = poll(&poll_fd, 1, left);
		if (r > 0)
			r = receive(fd, &message);
		else if (r == 0)
			r = left > 0 || deadline == INT64_MAX ? -EAGAIN : -ETIMEDOUT;
		else
			r = -errno;
	}
	if (r == 0)
		r = read_large(&message);
	if (r < 0)
		return no_answer(r, err);
	*ret = message;
	message = RPC_MESSAGE_NULL;
	return 0;
}
