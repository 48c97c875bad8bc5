/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <net/if.h>
#include <netinet/in.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/socket.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/netwatch.h"

#define LONG_MS 10000

int __real_nl_socket_set_nonblocking(struct nl_sock *sock);
int __wrap_nl_socket_set_nonblocking(struct nl_sock *sock);

static bool is_small;

/* A socket of the smallest buffer there is, where a test wants that. */
int __wrap_nl_socket_set_nonblocking(struct nl_sock *sock)
{
	if (is_small)
		nl_socket_set_buffer_size(sock, 1, 1);
	return __real_nl_socket_set_nonblocking(sock);
}

struct world {
	struct loop *loop;
	struct netwatch *watch;
	unsigned int of_lo;
	unsigned int of_any;
	unsigned int others;
};

static void on_change(void *data, const char *ifname)
{
	struct world *w = data;

	if (strcmp(ifname, "lo") == 0)
		w->of_lo++;
	else if (strcmp(ifname, "") == 0)
		w->of_any++;
	else
		w->others++;
}

static bool has_network;

static int enter_network(void **state)
{
	(void)state;
	has_network = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
	return 0;
}

static void begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	if (!has_network)
		skip();
	assert_int_equal(loop_new(&w->loop, NULL), 0);
	assert_int_equal(netwatch_new(w->loop, on_change, w, &w->watch, NULL), 0);
	while (loop_step(w->loop, 0) > 0)
		;
	w->of_lo = w->of_any = w->others = 0;
}

static void end(struct world *w)
{
	netwatch_free(w->watch);
	loop_free(w->loop);
}

static void wait_for(struct world *w, const unsigned int *count, unsigned int n)
{
	const int64_t until = clock_monotonic_ms() + LONG_MS;

	while (*count < n && clock_monotonic_ms() < until)
		assert_true(loop_step(w->loop, 100) >= 0);
	assert_in_range(*count, n, 1000);
}

static void set_address(const char *text, bool is_there)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct rtnl_addr *address = rtnl_addr_alloc();
	struct nl_addr *local = NULL;

	assert_int_equal(nl_connect(sock, NETLINK_ROUTE), 0);
	assert_int_equal(nl_addr_parse(text, AF_UNSPEC, &local), 0);
	rtnl_addr_set_ifindex(address, 1);
	assert_int_equal(rtnl_addr_set_local(address, local), 0);
	assert_int_equal(
		is_there ? rtnl_addr_add(sock, address, 0) : rtnl_addr_delete(sock, address, 0), 0);
	nl_addr_put(local);
	rtnl_addr_put(address);
	nl_socket_free(sock);
}

static void set_link(bool is_up)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	request.ifr_flags = is_up ? IFF_UP : 0;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

static void nothing_changes_and_nothing_is_told(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	assert_int_equal(loop_step(w.loop, 50), 0);
	assert_int_equal(w.of_lo + w.of_any + w.others, 0);
	end(&w);
}

static void a_link_that_goes_up_or_down_is_told(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	set_link(true);
	wait_for(&w, &w.of_lo, 1);
	w.of_lo = 0;
	set_link(false);
	wait_for(&w, &w.of_lo, 1);
	assert_int_equal(w.of_any, 0);
	end(&w);
}

static void an_address_that_comes_or_goes_is_told(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	set_address("10.1.1.1/24", true);
	wait_for(&w, &w.of_lo, 1);
	w.of_lo = 0;
	set_address("10.1.1.1/24", false);
	wait_for(&w, &w.of_lo, 1);
	w.of_lo = 0;
	set_address("fd00::1/64", true);
	wait_for(&w, &w.of_lo, 1);
	w.of_lo = 0;
	set_address("fd00::1/64", false);
	wait_for(&w, &w.of_lo, 1);
	end(&w);
}

static void what_did_not_fit_is_told_as_a_change_of_everything(void **state)
{
	struct world w;
	int i;

	(void)state;
	is_small = true;
	begin(&w);
	for (i = 0; i < 20; i++) {
		set_address("10.1.1.1/24", true);
		set_address("10.1.1.1/24", false);
	}
	wait_for(&w, &w.of_any, 1);
	assert_int_equal(w.of_any, 1);
	/* and it goes on */
	w.of_lo = 0;
	set_address("10.1.1.2/24", true);
	wait_for(&w, &w.of_lo, 1);
	is_small = false;
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_changes_and_nothing_is_told),
		cmocka_unit_test(a_link_that_goes_up_or_down_is_told),
		cmocka_unit_test(an_address_that_comes_or_goes_is_told),
		cmocka_unit_test(what_did_not_fit_is_told_as_a_change_of_everything),
	};

	return cmocka_run_group_tests_name("netwatch", tests, enter_network, NULL);
}
