/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket, the deadlines and the hooks; what is said stands in disc-session*.c. */
#include "nvmf/disc-client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/swarm.h"
#include "nvmf/addr.h"
#include "nvmf/disc-session.h"
#include "nvmf/nqn.h"
#include "nvmf/probe.h"

#define KATO_MIN_MS 1000
#define KEEP_ALIVE_GRID_MAX_MS 1000 /* they fall together within so much */
#define QUIET_MS 50		    /* between a look and the next one for an event */
#define POLL_MS 20		    /* until a controller that is not ready is asked again */
#define READS_MAX 8		    /* then others have their turn */

enum phase { CONNECTING, TALKING, DONE };

struct disc_client {
	struct swarm_member member; /* first */
	struct swarm *swarm;
	struct disc_client_hooks hooks;
	bool *ret_freed; /* set while a hook is called */
	/* one piece of memory */
	char *address, *port;
	enum phase phase;
	int start_error; /* told from the loop */
	bool stay;
	bool asked;  /* disc_client_look waits for its answer */
	bool unread; /* more is there than was read at once */
	bool heard;  /* anything at all */
	uint32_t timeout_ms;
	uint32_t kato_ms;
	/* moments; 0 none */
	int64_t armed_ms;
	int64_t handshake_ms;
	int64_t deadline_ms;
	int64_t keep_alive_ms;
	int64_t look_ms; /* or asked whether it is ready */
	int64_t quiet_ms;
	/* a PDU that is not whole, what could not be sent: only as long as there is something */
	uint8_t *part;
	uint32_t part_length, part_size;
	uint8_t *unsent;
	size_t unsent_length;
	void (*dim_done)(void *data, uint16_t status);
	void *dim_data;
	struct disc_session session;
};

/* --- end */

static void hang_up(struct disc_client *c)
{
	int fd = c->member.fd;

	swarm_timer_stop(&c->member);
	swarm_forget(c->swarm, &c->member);
	if (fd >= 0)
		close(fd);
	free(c->part);
	free(c->unsent);
	c->part = c->unsent = NULL;
	c->part_length = c->part_size = 0;
	c->unsent_length = 0;
	c->phase = DONE;
}

/* What can be sent at once, for who goes anyway. */
static void send_last(const struct disc_client *c, const struct disc_out *out)
{
	if (c->phase == TALKING && !c->unsent && out->length && !out->failed)
		(void)!send(c->member.fd, out->bytes, out->length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void say_goodbye(struct disc_client *c)
{
	struct disc_out out;

	disc_out_init(&out);
	disc_session_shutdown(&c->session, &out);
	send_last(c, &out);
	disc_out_deinit(&out);
}

void disc_client_free(struct disc_client *client)
{
	if (!client)
		return;
	if (client->phase == TALKING)
		say_goodbye(client);
	hang_up(client);
	disc_session_deinit(&client->session);
	if (client->ret_freed)
		*client->ret_freed = true;
	swarm_put(client->swarm);
	free(client->address);
	free(client);
}

static void lost(struct disc_client *c, int r, const char *text)
{
	if (c->phase == DONE)
		return;
	hang_up(c);
	c->hooks.lost(c->hooks.data, c, r, text);
}

/* @cause  without the address */
static void lost_because(struct disc_client *c, int r, const char *cause)
{
	struct err err = ERR_NULL;

	err_set_text(&err, r, "%s port %s: %s", c->address, c->port, cause);
	lost(c, r, err.text);
}

/* The socket failed: @r of it, 0 the peer closed. */
static void lost_socket(struct disc_client *c, int r)
{
	struct err err = ERR_NULL;

	if (c->phase == CONNECTING)
		probe_explain(c->address, c->port, r, &err);
	else if (!c->heard && (r == 0 || r == -ECONNRESET || r == -EPIPE))
		probe_judge(c->address, c->port, NULL, 0, &err);
	else if (r == 0 || r == -ECONNRESET || r == -EPIPE)
		err_set_text(
			&err, -ECONNRESET, "%s port %s closed the connection%s%s", c->address,
			c->port, disc_session_waits(&c->session) ? " instead of answering " : "",
			disc_session_waits(&c->session) ? disc_session_waits_for(&c->session) : "");
	else
		err_set_text(&err, r, "the connection to %s port %s broke: %s", c->address, c->port,
			     strerror(-r));
	lost(c, r == 0 || r == -EPIPE ? -ECONNRESET : r, err.text);
}

static void lost_silent(struct disc_client *c)
{
	struct err err = ERR_NULL;

	if (c->phase == CONNECTING) {
		lost_socket(c, -ETIMEDOUT);
		return;
	}
	err_set_text(&err, -ETIMEDOUT, "%s port %s does not answer %s within %u ms", c->address,
		     c->port, disc_session_waits_for(&c->session), c->timeout_ms);
	lost(c, -ETIMEDOUT, err.text);
}

/* --- timers: the wheel is touched only if something comes earlier than it knows */

static void arm_at(struct disc_client *c, int64_t at, int64_t now)
{
	if (!at || (c->armed_ms && c->armed_ms <= at))
		return;
	c->armed_ms = at;
	swarm_timer_set(c->swarm, &c->member, at - now);
}

static void arm(struct disc_client *c)
{
	int64_t now = swarm_now_ms(c->swarm);

	if (c->phase == DONE)
		return;
	arm_at(c, c->deadline_ms, now);
	arm_at(c, c->keep_alive_ms, now);
	arm_at(c, c->look_ms, now);
	if (c->unread)
		arm_at(c, now, now);
}

/* In half of the time that the controller waits, or a little earlier together with others. */
static void plan_keep_alive(struct disc_client *c)
{
	int64_t grid = c->kato_ms / 16;

	if (grid > KEEP_ALIVE_GRID_MAX_MS)
		grid = KEEP_ALIVE_GRID_MAX_MS;
	c->keep_alive_ms = (swarm_now_ms(c->swarm) + c->kato_ms / 2) / grid * grid;
}

/* @progress  what was waited for has come */
static void plan_deadline(struct disc_client *c, bool progress)
{
	/* until the first log there is one for all of it */
	if (!c->session.known)
		return;
	if (!disc_session_waits(&c->session))
		c->deadline_ms = 0;
	else if (progress || !c->deadline_ms)
		c->deadline_ms = swarm_now_ms(c->swarm) + c->timeout_ms;
}

/* --- sending */

/* Keep what the socket did not take. A socket that failed says so by an event. */
static int keep_unsent(struct disc_client *c, const uint8_t *bytes, size_t length)
{
	uint8_t *all = realloc(c->unsent, c->unsent_length + length);

	if (!all)
		return -ENOMEM;
	memcpy(all + c->unsent_length, bytes, length);
	c->unsent = all;
	c->unsent_length += length;
	return 0;
}

static int flush(struct disc_client *c, struct disc_out *out)
{
	size_t length = out->length;
	ssize_t sent = 0;

	out->length = 0;
	if (out->failed)
		return -ENOMEM;
	if (!length || c->phase != TALKING)
		return 0;
	if (!c->unsent)
		sent = send(c->member.fd, out->bytes, length, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return 0;
	if (sent < 0)
		sent = 0;
	return (size_t)sent < length ? keep_unsent(c, out->bytes + sent, length - (size_t)sent) : 0;
}

static void send_unsent(struct disc_client *c)
{
	ssize_t sent;

	if (!c->unsent)
		return;
	sent = send(c->member.fd, c->unsent, c->unsent_length, MSG_NOSIGNAL);
	if (sent <= 0)
		return;
	c->unsent_length -= (size_t)sent;
	memmove(c->unsent, c->unsent + sent, c->unsent_length);
	if (c->unsent_length == 0) {
		free(c->unsent);
		c->unsent = NULL;
	}
}

/* --- news */

/* Call a hook. Returns: is the client still there? */
static bool tell(struct disc_client *c, void (*hook)(struct disc_client *c))
{
	bool freed = false;

	c->ret_freed = &freed;
	hook(c);
	if (!freed)
		c->ret_freed = NULL;
	return !freed;
}

static void tell_log(struct disc_client *c)
{
	struct disc_log *log = TAKE_PTR(c->session.log);
	struct disc_client_hooks hooks = c->hooks;

	hooks.log(hooks.data, c, log);
	disc_log_unref(log);
}

static void tell_same(struct disc_client *c)
{
	if (c->hooks.same)
		c->hooks.same(c->hooks.data, c);
}

static void tell_dim(struct disc_client *c)
{
	void (*done)(void *data, uint16_t status) = c->dim_done;

	c->dim_done = NULL;
	if (done)
		done(c->dim_data, c->session.dim_status);
}

/* The log was read or looked at. */
static bool on_looked(struct disc_client *c, bool is_new, struct disc_out *out)
{
	bool asked = c->asked;

	c->asked = false;
	c->quiet_ms = swarm_now_ms(c->swarm) + QUIET_MS;
	if (c->session.event)
		c->look_ms = c->quiet_ms;
	plan_deadline(c, true);
	if (!c->stay) {
		disc_session_shutdown(&c->session, out);
		flush(c, out);
		hang_up(c);
	}
	if (is_new)
		return tell(c, tell_log);
	return asked ? tell(c, tell_same) : true;
}

static void on_event(struct disc_client *c, struct disc_out *out)
{
	if (!disc_session_is_idle(&c->session))
		return;
	if (swarm_now_ms(c->swarm) >= c->quiet_ms)
		disc_session_look(&c->session, out);
	else
		c->look_ms = c->quiet_ms;
}

/* Returns: is the client still there, and talking? */
static bool on_news(struct disc_client *c, unsigned int news, struct disc_out *out)
{
	if (news & DISC_NEWS_CONNECTED && c->stay)
		plan_keep_alive(c);
	if (news & DISC_NEWS_NOT_READY)
		c->look_ms = swarm_now_ms(c->swarm) + POLL_MS;
	if (news & DISC_NEWS_EVENT)
		on_event(c, out);
	if (news & DISC_NEWS_DIM && !tell(c, tell_dim))
		return false;
	if (news & (DISC_NEWS_LOG | DISC_NEWS_SAME) && !on_looked(c, news & DISC_NEWS_LOG, out))
		return false;
	return c->phase == TALKING;
}

/* --- receiving */

static int keep_part(struct disc_client *c, const uint8_t *bytes, size_t length, size_t need)
{
	uint8_t *part = realloc(c->part, need);

	if (!part)
		return -ENOMEM;
	if (length)
		memcpy(part + c->part_length, bytes, length);
	c->part = part;
	c->part_length += (uint32_t)length;
	c->part_size = (uint32_t)need;
	return 0;
}

/* One PDU. Returns: bytes used; 0 it is not whole; -1 lost or freed. */
static int take(struct disc_client *c, const uint8_t *bytes, size_t length, struct disc_out *out,
		size_t *ret_need)
{
	struct err err = ERR_NULL;
	unsigned int news;
	int r = disc_session_take(&c->session, bytes, length, out, ret_need, &news, &err);

	if (r < 0) {
		send_last(c, out);
		lost_because(c, r, err.text);
		return -1;
	}
	if (news && !on_news(c, news, out))
		return -1;
	return r;
}

/* Bytes that complete the PDU whose beginning was kept. Returns: how many were used; -1. */
static ssize_t feed_part(struct disc_client *c, const uint8_t *bytes, size_t length,
			 struct disc_out *out)
{
	size_t used = 0;

	while (c->part) {
		size_t more = c->part_size - c->part_length;
		size_t need = 0;
		uint8_t *whole;
		int r;

		if (more > length - used)
			more = length - used;
		memcpy(c->part + c->part_length, bytes + used, more);
		c->part_length += (uint32_t)more;
		used += more;
		if (c->part_length < c->part_size)
			break;
		/* it is not the client's while hooks are called */
		whole = TAKE_PTR(c->part);
		r = take(c, whole, c->part_length, out, &need);
		if (r == 0) {
			c->part = whole;
			if (keep_part(c, NULL, 0, need) == 0)
				continue;
			lost_because(c, -ENOMEM, "out of memory");
			return -1;
		}
		free(whole);
		if (r < 0)
			return -1;
		c->part_length = c->part_size = 0;
	}
	return (ssize_t)used;
}

/* Returns: is the client still there, and talking? */
static bool feed(struct disc_client *c, const uint8_t *bytes, size_t length, struct disc_out *out)
{
	ssize_t used = feed_part(c, bytes, length, out);
	size_t at = (size_t)used;
	size_t need = 0;

	if (used < 0)
		return false;
	while (at < length) {
		int r = take(c, bytes + at, length - at, out, &need);

		if (r < 0)
			return false;
		if (r == 0)
			break;
		at += (size_t)r;
	}
	if (at < length && keep_part(c, bytes + at, length - at, need) < 0) {
		lost_because(c, -ENOMEM, "out of memory");
		return false;
	}
	return true;
}

/* Read once. Returns: 1 there may be more; 0 not now; -1 lost or freed. */
static int receive(struct disc_client *c)
{
	uint8_t *buffer = swarm_buffer(c->swarm);
	ssize_t length = recv(c->member.fd, buffer, SWARM_BUFFER_BYTES, 0);
	struct disc_out out;
	bool there;

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (length <= 0) {
		lost_socket(c, length < 0 ? -errno : 0);
		return -1;
	}
	c->heard = true;
	disc_out_init(&out);
	there = feed(c, buffer, (size_t)length, &out);
	if (there && flush(c, &out) < 0) {
		lost_because(c, -ENOMEM, "out of memory");
		there = false;
	}
	disc_out_deinit(&out);
	if (!there)
		return -1;
	return (size_t)length == SWARM_BUFFER_BYTES;
}

/* The end of a stream does not come with its last bytes: @ended says that it is there. */
static void receive_all(struct disc_client *c, bool ended)
{
	int reads = 0;
	int r = 1;

	while (r > 0 && reads++ < READS_MAX)
		r = receive(c);
	while (ended && r == 0 && reads++ < READS_MAX)
		r = receive(c);
	if (r < 0)
		return;
	c->unread = r > 0;
	plan_deadline(c, false);
	arm(c);
}

/* --- what the swarm calls */

static void on_connected(struct disc_client *c, uint32_t events)
{
	struct disc_out out;
	socklen_t size = sizeof(int);
	int error = 0;

	if (events & (EPOLLERR | EPOLLHUP)) {
		if (getsockopt(c->member.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
			error = errno;
		lost_socket(c, error ? -error : -ECONNRESET);
		return;
	}
	if (!(events & EPOLLOUT))
		return;
	c->phase = TALKING;
	c->deadline_ms = c->handshake_ms;
	disc_out_init(&out);
	disc_session_begin(&c->session, &out);
	flush(c, &out);
	disc_out_deinit(&out);
	arm(c);
}

static void on_socket(struct disc_client *c, uint32_t events)
{
	if (c->phase == CONNECTING) {
		on_connected(c, events);
		return;
	}
	if (events & EPOLLOUT)
		send_unsent(c);
	if (events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP))
		receive_all(c, events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP));
}

static void look_now(struct disc_client *c, struct disc_out *out)
{
	c->look_ms = 0;
	if (!c->session.known)
		disc_session_poll(&c->session, out);
	else if (disc_session_is_idle(&c->session))
		disc_session_look(&c->session, out);
}

static void on_time(struct disc_client *c)
{
	int64_t now = swarm_now_ms(c->swarm);
	struct disc_out out;

	c->armed_ms = 0;
	if (c->start_error) {
		lost_socket(c, c->start_error);
		return;
	}
	if (c->unread) {
		receive_all(c, false);
		return;
	}
	if (c->deadline_ms && now >= c->deadline_ms) {
		lost_silent(c);
		return;
	}
	disc_out_init(&out);
	if (c->look_ms && now >= c->look_ms)
		look_now(c, &out);
	if (c->keep_alive_ms && now >= c->keep_alive_ms) {
		disc_session_keep_alive(&c->session, &out);
		plan_keep_alive(c);
	}
	flush(c, &out);
	disc_out_deinit(&out);
	plan_deadline(c, false);
	arm(c);
}

static void on_member(struct swarm_member *member, uint32_t events)
{
	struct disc_client *c = (struct disc_client *)member;

	if (events)
		on_socket(c, events);
	else
		on_time(c);
}

/* --- beginning */

static int bind_source(int fd, int family, const char *source, struct err *err)
{
	const struct addrinfo hints = { .ai_family = family,
					.ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICHOST };
	struct addrinfo *from = NULL;
	int r = 0;

	if (getaddrinfo(source, NULL, &hints, &from) != 0)
		return err_set(err, -EINVAL, "\"%s\" is no address to come from", source);
	if (bind(fd, from->ai_addr, from->ai_addrlen) < 0)
		r = err_set(err, -errno, "cannot come from %s: %s", source, strerror(errno));
	freeaddrinfo(from);
	return r;
}

static int open_socket(struct disc_client *c, const struct disc_client_params *params, int *ret_fd,
		       struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	CLEANUP_CLOSE int fd = -1;
	struct addrinfo *to = NULL;
	int one = 1;
	int r = 0;

	if (getaddrinfo(c->address, c->port, &hints, &to) != 0)
		return err_set(err, -EINVAL, "%s port %s is no numeric address and port",
			       c->address, c->port);
	fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		r = err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	if (r == 0 && params->source)
		r = bind_source(fd, to->ai_family, params->source, err);
	if (r == 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (connect(fd, to->ai_addr, to->ai_addrlen) < 0 && errno != EINPROGRESS)
			c->start_error = -errno;
	}
	freeaddrinfo(to);
	if (r == 0)
		*ret_fd = take_fd(&fd);
	return r;
}

static int check(const struct disc_client_params *params, struct err *err)
{
	if (!params->address || !params->hostnqn || !*params->hostnqn)
		return err_set(err, -EINVAL, "an address and the NQN of this host are needed");
	if (strlen(params->hostnqn) > NQN_MAX ||
	    (params->subnqn && strlen(params->subnqn) > NQN_MAX))
		return err_set(err, -EINVAL, "an NQN has over %d characters", NQN_MAX);
	if (params->stay && params->kato_ms < KATO_MIN_MS)
		return err_set(err, -EINVAL, "a keep-alive time of %u ms is under %d",
			       params->kato_ms, KATO_MIN_MS);
	if (params->timeout_ms == 0)
		return err_set(err, -EINVAL, "there is no time to answer");
	return params->port ? addr_parse_port(params->port, (char[6]){ 0 }, err) : 0;
}

static char *append(char **at, const char *text)
{
	char *begin = *at;

	*at = stpcpy(begin, text) + 1;
	return begin;
}

static int take_keys(struct disc_client *c, const struct disc_client_params *params,
		     const char *subnqn, struct err *err)
{
	const struct chap_params keys = { .is_host = true,
					  .hostnqn = params->hostnqn,
					  .subnqn = subnqn,
					  .host_key = params->host_key,
					  .controller_key = params->controller_key };

	return disc_session_auth(&c->session, &keys, err);
}

static int copy_params(struct disc_client *c, const struct disc_client_params *params,
		       struct err *err)
{
	const char *port = params->port ? params->port : NVME_TCP_DISCOVERY_PORT;
	const char *subnqn = params->subnqn ? params->subnqn : NQN_DISCOVERY;
	struct disc_session_setup setup = {
		.stay = params->stay,
		.hdgst = params->hdgst,
		.ddgst = params->ddgst,
		.kato_ms = params->kato_ms,
		.max_records = params->max_records && params->max_records < DISC_RECORDS_MAX
				       ? params->max_records
				       : DISC_RECORDS_MAX,
	};
	char *at = malloc(strlen(params->address) + strlen(port) + strlen(subnqn) +
			  strlen(params->hostnqn) + 4);

	if (!at)
		return err_nomem(err);
	c->address = append(&at, params->address);
	c->port = append(&at, port);
	setup.subnqn = append(&at, subnqn);
	setup.hostnqn = append(&at, params->hostnqn);
	memcpy(setup.hostid, params->hostid, sizeof(setup.hostid));
	disc_session_init(&c->session, &setup);
	c->stay = params->stay;
	c->timeout_ms = params->timeout_ms;
	c->kato_ms = params->kato_ms;
	return params->host_key ? take_keys(c, params, subnqn, err) : 0;
}

static int begin(struct disc_client *c, const struct disc_client_params *params, struct err *err)
{
	CLEANUP_CLOSE int fd = -1;
	int r = copy_params(c, params, err);

	if (r == 0)
		r = open_socket(c, params, &fd, err);
	if (r < 0)
		return r;
	if (c->start_error) {
		swarm_timer_set(c->swarm, &c->member, 0);
		return 0;
	}
	r = swarm_watch(c->swarm, &c->member, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, err);
	if (r < 0)
		return r;
	take_fd(&fd);
	c->handshake_ms = swarm_now_ms(c->swarm) + c->timeout_ms;
	c->deadline_ms = c->handshake_ms;
	if (params->connect_ms && params->connect_ms < c->timeout_ms)
		c->deadline_ms += (int64_t)params->connect_ms - c->timeout_ms;
	arm(c);
	return 0;
}

int disc_client_start(struct loop *loop, const struct disc_client_params *params,
		      const struct disc_client_hooks *hooks, struct disc_client **ret,
		      struct err *err)
{
	struct disc_client *c;
	int r = check(params, err);

	if (r < 0)
		return r;
	c = calloc(1, sizeof(*c));
	if (!c)
		return err_nomem(err);
	c->member = (struct swarm_member){ .fn = on_member, .fd = -1 };
	c->hooks = *hooks;
	r = swarm_get(loop, &c->swarm, err);
	if (r < 0) {
		free(c);
		return r;
	}
	r = begin(c, params, err);
	if (r < 0) {
		disc_client_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

/* --- requests */

int disc_client_look(struct disc_client *client)
{
	struct disc_out out;

	if (client->phase != TALKING || !client->session.known)
		return -ENOTCONN;
	client->asked = true;
	if (!disc_session_is_idle(&client->session))
		return 0;
	disc_out_init(&out);
	disc_session_look(&client->session, &out);
	flush(client, &out);
	disc_out_deinit(&out);
	plan_deadline(client, false);
	arm(client);
	return 0;
}

const struct disc_client_info *disc_client_info(const struct disc_client *client)
{
	return client->session.known ? &client->session.info : NULL;
}

int disc_client_dim(struct disc_client *client, uint8_t tas, uint8_t *take_data, uint32_t length,
		    void (*done)(void *data, uint16_t status), void *data)
{
	struct disc_out out;
	int r;

	if (client->phase != TALKING) {
		free(take_data);
		return -ENOTCONN;
	}
	disc_out_init(&out);
	r = disc_session_dim(&client->session, tas, take_data, length, &out);
	if (r == 0) {
		client->dim_done = done;
		client->dim_data = data;
		r = flush(client, &out);
	}
	disc_out_deinit(&out);
	plan_deadline(client, false);
	arm(client);
	return r;
}
