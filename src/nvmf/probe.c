/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/wait.h"

/* Both PDUs are 128 bytes long; what the initiator and the target may choose stays 0. */
#define IC_PDU_SIZE 128
#define COMMON_HEADER_SIZE 8
enum { PDU_ICREQ = 0x00, PDU_ICRESP = 0x01, PDU_C2H_TERM_REQ = 0x03 };

struct peer {
	const char *address;
	const char *port;
	int64_t deadline;
};

static int resolve(const struct peer *peer, struct addrinfo **ret, struct err *err)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	int r = getaddrinfo(peer->address, peer->port, &hints, ret);

	if (r == EAI_MEMORY)
		return err_nomem(err);
	if (r != 0)
		return err_set(err, -EINVAL, "%s port %s is no numeric address and port (%s)",
			       peer->address, peer->port, gai_strerror(r));
	return 0;
}

static int wait_for(int fd, short events, int64_t deadline)
{
	struct pollfd poller = { .fd = fd, .events = events };

	for (;;) {
		int r = poll(&poller, 1, wait_left(deadline));

		if (r > 0)
			return 0;
		if (r == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

/* The error of a connect: at once, later, or none. */
static int connect_to(int fd, const struct addrinfo *to, int64_t deadline)
{
	socklen_t size = sizeof(int);
	int failed = 0;
	int r;

	if (connect(fd, to->ai_addr, to->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	r = wait_for(fd, POLLOUT, deadline);
	if (r < 0)
		return r;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) < 0)
		return -errno;
	return -failed;
}

static int explain_connect(const struct peer *peer, int r, struct err *err)
{
	switch (r) {
	case -ECONNREFUSED:
		return err_set(err, r,
			       "nobody listens at %s port %s: no subsystem is linked to that port, "
			       "or a firewall rejects it",
			       peer->address, peer->port);
	case -ETIMEDOUT:
		return err_set(err, r,
			       "%s port %s does not answer: look for a firewall that drops, or a "
			       "wrong address",
			       peer->address, peer->port);
	case -EHOSTUNREACH:
	case -ENETUNREACH:
		return err_set(err, r, "no way to %s: %s; look at `ip route get %s`", peer->address,
			       strerror(-r), peer->address);
	default:
		return err_set(err, r, "connecting to %s port %s failed: %s", peer->address,
			       peer->port, strerror(-r));
	}
}

static int open_to(const struct peer *peer, int *ret_fd, struct err *err)
{
	struct addrinfo *to = NULL;
	CLEANUP_CLOSE int fd = -1;
	int r = resolve(peer, &to, err);

	if (r < 0)
		return r;
	fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? -errno : connect_to(fd, to, peer->deadline);
	freeaddrinfo(to);
	if (r < 0)
		return explain_connect(peer, r, err);
	*ret_fd = take_fd(&fd);
	return 0;
}

void probe_request(uint8_t ret_pdu[PROBE_PDU_BYTES])
{
	memset(ret_pdu, 0, PROBE_PDU_BYTES);
	ret_pdu[0] = PDU_ICREQ;
	ret_pdu[2] = IC_PDU_SIZE; /* length of the header */
	ret_pdu[4] = IC_PDU_SIZE; /* and of all, little-endian */
}

/* An ICReq asks for nothing: format 0, no padding, no digests, one R2T at a time. */
static int send_icreq(int fd)
{
	uint8_t pdu[PROBE_PDU_BYTES];
	ssize_t sent;

	probe_request(pdu);
	sent = send(fd, pdu, sizeof(pdu), MSG_NOSIGNAL);
	if (sent < 0)
		return -errno;
	return sent == (ssize_t)sizeof(pdu) ? 0 : -ECONNRESET;
}

/* Read until @size bytes are there or the peer is done. Returns: bytes read; negative errno. */
static ssize_t receive(int fd, uint8_t *buffer, size_t size, int64_t deadline)
{
	size_t got = 0;

	while (got < size) {
		int r = wait_for(fd, POLLIN, deadline);
		ssize_t more;

		/* what came before silence is an answer too */
		if (r < 0)
			return r == -ETIMEDOUT && got ? (ssize_t)got : r;
		more = read(fd, buffer + got, size - got);
		if (more < 0 && errno != EINTR && errno != EAGAIN)
			return got ? (ssize_t)got : -errno;
		if (more == 0)
			break;
		got += more > 0 ? (size_t)more : 0;
	}
	return (ssize_t)got;
}

static bool is_icresp(const uint8_t *pdu, size_t length)
{
	/* type, header length, data offset unused, whole length, format */
	return length == IC_PDU_SIZE && pdu[0] == PDU_ICRESP && pdu[2] == IC_PDU_SIZE &&
	       pdu[4] == IC_PDU_SIZE && pdu[5] == 0 && pdu[6] == 0 && pdu[7] == 0 && pdu[8] == 0 &&
	       pdu[9] == 0;
}

static int judge(const struct peer *peer, const uint8_t *pdu, size_t length, struct err *err)
{
	if (length == 0)
		return err_set(err, -ECONNRESET,
			       "%s port %s closes the connection at the first NVMe/TCP message: it "
			       "requires TLS, or another service listens there",
			       peer->address, peer->port);
	if (is_icresp(pdu, length))
		return 0;
	/* the fatal error status follows the common header */
	if (length >= COMMON_HEADER_SIZE + 2 && pdu[0] == PDU_C2H_TERM_REQ)
		return err_set(err, -EPROTO,
			       "%s port %s speaks NVMe/TCP, but ends the connection with fatal "
			       "error status %u",
			       peer->address, peer->port, pdu[8] | pdu[9] << 8);
	return err_set(err, -EPROTO,
		       "%s port %s does not speak NVMe/TCP: its answer begins with %02x %02x %02x; "
		       "another service listens there",
		       peer->address, peer->port, pdu[0], pdu[1], pdu[2]);
}

int probe_judge(const char *address, const char *port, const uint8_t *answer, size_t length,
		struct err *err)
{
	const struct peer peer = { .address = address, .port = port };

	return judge(&peer, answer, length, err);
}

int probe_explain(const char *address, const char *port, int r, struct err *err)
{
	const struct peer peer = { .address = address, .port = port };

	return explain_connect(&peer, r, err);
}

int probe_tcp(const char *address, const char *port, unsigned int timeout_ms, struct err *err)
{
	const struct peer peer = { address, port, wait_deadline(timeout_ms) };
	uint8_t answer[IC_PDU_SIZE] = { 0 };
	CLEANUP_CLOSE int fd = -1;
	ssize_t length;
	int r = open_to(&peer, &fd, err);

	if (r < 0)
		return r;
	r = send_icreq(fd);
	length = r < 0 ? r : receive(fd, answer, sizeof(answer), peer.deadline);
	if (length == -ECONNRESET || length == -EPIPE)
		length = 0;
	if (length == -ETIMEDOUT)
		return err_set(err, -ETIMEDOUT,
			       "%s port %s takes the connection, but does not answer within %u ms: "
			       "the target hangs (look for blocked tasks in dmesg), or another "
			       "service listens there",
			       address, port, timeout_ms);
	if (length < 0)
		return err_set(err, (int)length, "%s port %s: %s", address, port,
			       strerror((int)-length));
	return judge(&peer, answer, (size_t)length, err);
}

/* --- RDMA */

/* Start @argv with its standard error on a pipe. */
static int spawn(char *const argv[], pid_t *ret_pid, int *ret_fd)
{
	posix_spawn_file_actions_t actions;
	int ends[2];
	int r;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	r = posix_spawn_file_actions_init(&actions);
	if (r == 0) {
		posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
		r = posix_spawn(ret_pid, argv[0], &actions, NULL, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	close(ends[1]);
	if (r != 0) {
		close(ends[0]);
		return -r;
	}
	*ret_fd = ends[0];
	return 0;
}

/* The first line the helper says, until it ends or the time is over. */
static void read_reason(int fd, int64_t deadline, char *reason, size_t size)
{
	ssize_t length = receive(fd, (uint8_t *)reason, size - 1, deadline);

	reason[length > 0 ? length : 0] = '\0';
	reason[strcspn(reason, "\n")] = '\0';
}

static int explain_helper(const char *helper_path, int status, const char *reason, struct err *err)
{
	if (WIFSIGNALED(status))
		return err_set(err, -ECONNREFUSED, "%s was ended by signal %d", helper_path,
			       WTERMSIG(status));
	switch (WEXITSTATUS(status)) {
	case PROBE_HELPER_OK:
		return 0;
	case PROBE_HELPER_UNABLE:
		return err_set(err, -EOPNOTSUPP, "%s", reason);
	case PROBE_HELPER_USAGE:
		return err_set(err, -EINVAL, "%s", reason);
	default:
		return err_set(err, -ECONNREFUSED, "%s",
			       *reason ? reason : "the RDMA probe failed without a reason");
	}
}

int probe_rdma(const char *helper_path, const char *address, const char *port,
	       unsigned int timeout_ms, struct err *err)
{
	int64_t deadline = wait_deadline(timeout_ms);
	char reason[512];
	char timeout[16];
	char *const argv[] = { (char *)helper_path, (char *)address, (char *)port, timeout, NULL };
	CLEANUP_CLOSE int fd = -1;
	int status = 0;
	pid_t pid = -1;
	int r;

	/* the helper gives up first, so that it can say where it was */
	snprintf(timeout, sizeof(timeout), "%u", timeout_ms - timeout_ms / 8);
	r = spawn(argv, &pid, &fd);
	if (r < 0)
		return err_set(err, r, "cannot start %s: %s%s", helper_path, strerror(-r),
			       r == -ENOENT ? "; it comes with builds that have librdmacm" : "");
	read_reason(fd, deadline, reason, sizeof(reason));
	r = wait_child(pid, deadline, &status);
	if (r == -ETIMEDOUT) {
		wait_kill(pid);
		return err_set(err, r,
			       "%s port %s: the RDMA probe did not come back within %u ms and was "
			       "killed; look for blocked tasks in dmesg",
			       address, port, timeout_ms);
	}
	if (r < 0)
		return err_set(err, r, "waiting for %s: %s", helper_path, strerror(-r));
	return explain_helper(helper_path, status, reason, err);
}
