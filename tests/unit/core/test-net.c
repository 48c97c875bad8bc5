/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netlink/route/addr.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"
#include "core/net.h"

#define ELSEWHERE "203.0.113.77" /* TEST-NET-3: nobody's */

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret);
void __wrap_freeaddrinfo(struct addrinfo *list);

/* A resolver that knows node1: elsewhere first, then here. */
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **ret)
{
	static struct sockaddr_in addresses[2];
	static struct addrinfo list[2];

	(void)service, (void)hints;
	if (strcmp(host, "node1") != 0 && strcmp(host, "node2") != 0)
		return EAI_NONAME;
	addresses[0].sin_family = AF_INET;
	inet_pton(AF_INET, ELSEWHERE, &addresses[0].sin_addr);
	addresses[1].sin_family = AF_INET;
	inet_pton(AF_INET, "127.0.0.1", &addresses[1].sin_addr);
	list[0].ai_addr = (struct sockaddr *)&addresses[0];
	list[1].ai_addr = (struct sockaddr *)&addresses[1];
	list[0].ai_next = strcmp(host, "node1") == 0 ? &list[1] : NULL;
	*ret = list;
	return 0;
}

void __wrap_freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

/* --- net_resolve */

static void resolves(const char *host, const char *address, int family, bool wildcard)
{
	struct net_listener l;

	assert_int_equal(net_resolve(host, &l, NULL), 0);
	assert_string_equal(l.address, address);
	assert_int_equal(l.family, family);
	assert_int_equal(l.wildcard, wildcard);
	assert_string_equal(l.ifname, "");
}

static void refuses(const char *host, int code, const char *words)
{
	struct net_listener l = { .family = 77 };
	struct err err = ERR_NULL;

	assert_int_equal(net_resolve(host, &l, &err), code);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, words))
		fail_msg("\"%s\" is not in: %s", words, err.text);
	assert_int_equal(l.family, 77);
}

static void takes_numeric_addresses_with_or_without_brackets(void **state)
{
	(void)state;
	resolves("10.1.1.1", "10.1.1.1", AF_INET, false);
	resolves("fd00::1", "fd00::1", AF_INET6, false);
	resolves("[fd00:0:0::1]", "fd00::1", AF_INET6, false);
}

static void knows_a_wildcard(void **state)
{
	(void)state;
	resolves("0.0.0.0", "0.0.0.0", AF_INET, true);
	resolves("[::]", "::", AF_INET6, true);
}

static void a_link_local_address_needs_an_interface_that_is_there(void **state)
{
	(void)state;
	resolves("fe80::1%lo", "fe80::1%lo", AF_INET6, false);
	resolves("[fe80::1%1]", "fe80::1%lo", AF_INET6, false);
	refuses("fe80::1", -EINVAL, "link-local");
	refuses("fe80::1%nosuch7", -ENODEV, "nosuch7");
	refuses("fd00::1%lo", -EINVAL, "scope");
}

static void refuses_what_is_no_address(void **state)
{
	(void)state;
	refuses("", -EINVAL, "no address");
	refuses("[]", -EINVAL, "no address");
	refuses("[", -EINVAL, "no address");
	refuses("[10.1.1.1", -EINVAL, "no address");
	refuses("10.1.1", -EINVAL, "10.1.1");
	refuses("10.1.1.256", -EINVAL, "10.1.1.256");
	refuses("fd00::1::2", -EINVAL, "fd00::1::2");
	refuses("[node1]", -EINVAL, "[node1]");
	refuses("10.1.1.1%lo", -EINVAL, "scope");
}

static void of_a_name_takes_the_address_that_is_on_this_host(void **state)
{
	(void)state;
	resolves("node1", "127.0.0.1", AF_INET, false);
}

static void of_a_name_elsewhere_takes_the_first_address(void **state)
{
	(void)state;
	resolves("node2", ELSEWHERE, AF_INET, false);
}

static void tells_that_a_name_is_not_known(void **state)
{
	(void)state;
	refuses("nosuchhost", -EADDRNOTAVAIL, "nosuchhost");
}

/* --- net_check */

static int check(const char *address, bool rdma, struct net_listener *l, struct err *err)
{
	*l = (struct net_listener){ 0 };
	*err = ERR_NULL;
	snprintf(l->address, sizeof(l->address), "%s", address);
	return net_check(l, rdma, err);
}

static void says(const struct err *err, const char *words)
{
	if (!strstr(err->text, words))
		fail_msg("\"%s\" is not in: %s", words, err->text);
}

static void finds_the_link_of_an_address(void **state)
{
	struct net_listener l;
	struct err err;

	(void)state;
	assert_int_equal(check("127.0.0.1", false, &l, &err), 0);
	assert_string_equal(l.ifname, "lo");
	assert_string_equal(l.address, "127.0.0.1");
	assert_int_equal(l.family, AF_INET);
	assert_true(l.if_up);
	assert_string_equal(l.rdma_device, "");
}

static void an_address_that_is_in_no_list_but_local_passes(void **state)
{
	struct net_listener l;
	struct err err;

	(void)state;
	assert_int_equal(check("127.9.8.7", false, &l, &err), 0);
	assert_true(l.if_up);
}

static void a_wildcard_passes_unchecked(void **state)
{
	struct net_listener l;
	struct err err;

	(void)state;
	assert_int_equal(check("0.0.0.0", true, &l, &err), 0);
	assert_true(l.wildcard);
	assert_int_equal(check("::", true, &l, &err), 0);
	assert_int_equal(l.family, AF_INET6);
}

static void an_address_of_another_host_is_refused_with_ours_named(void **state)
{
	struct net_listener l;
	struct net_listener before;
	struct err err;

	(void)state;
	assert_int_equal(check(ELSEWHERE, false, &l, &err), -EADDRNOTAVAIL);
	says(&err, ELSEWHERE " is not on this host");
	says(&err, "127.0.0.1 (lo)");
	before = (struct net_listener){ .address = ELSEWHERE };
	assert_memory_equal(&l, &before, sizeof(l));
}

static void loopback_has_no_rdma(void **state)
{
	struct net_listener l;
	struct err err;

	(void)state;
	assert_int_equal(check("127.0.0.1", true, &l, &err), -ENODEV);
	says(&err, "loopback");
	assert_int_equal(l.family, 0);
}

static void a_text_that_is_no_address_is_refused(void **state)
{
	struct net_listener l;
	struct err err;

	(void)state;
	assert_int_equal(check("node1", false, &l, &err), -EINVAL);
	says(&err, "node1");
	assert_int_equal(check("", false, &l, &err), -EINVAL);
}

/* --- in a network of our own, whose one link is down */

static bool has_network;

static void add_address(const char *text)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct rtnl_addr *address = rtnl_addr_alloc();
	struct nl_addr *local = NULL;

	assert_int_equal(nl_connect(sock, NETLINK_ROUTE), 0);
	assert_int_equal(nl_addr_parse(text, AF_UNSPEC, &local), 0);
	rtnl_addr_set_ifindex(address, 1);
	assert_int_equal(rtnl_addr_set_local(address, local), 0);
	assert_int_equal(rtnl_addr_add(sock, address, 0), 0);
	nl_addr_put(local);
	rtnl_addr_put(address);
	nl_socket_free(sock);
}

static void set_link_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	request.ifr_flags = IFF_UP;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

static int enter_network(void **state)
{
	(void)state;
	has_network = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
	return 0;
}

static void tells_that_the_link_of_an_address_is_down(void **state)
{
	struct net_listener l;
	struct err err;

	(void)state;
	if (!has_network)
		skip();
	assert_int_equal(check("10.1.1.1", false, &l, &err), -EADDRNOTAVAIL);
	says(&err, "no such address at all");
	add_address("10.1.1.1/24");
	assert_int_equal(check("10.1.1.1", false, &l, &err), -ENETDOWN);
	says(&err, "10.1.1.1 is on lo, but lo is down: ip link set lo up");
	assert_string_equal(l.ifname, "");
}

static void an_address_beside_ours_is_told_how_to_be_added(void **state)
{
	struct net_listener l;
	struct err err;

	(void)state;
	if (!has_network)
		skip();
	assert_int_equal(check("10.1.1.9", false, &l, &err), -EADDRNOTAVAIL);
	says(&err, "lo has 10.1.1.1; add it with: ip address add 10.1.1.9/24 dev lo");
	assert_int_equal(check("10.1.2.9", false, &l, &err), -EADDRNOTAVAIL);
	says(&err, "10.1.1.1 (lo)");
}

static void an_address_is_usable_once_its_link_is_up(void **state)
{
	struct net_listener l;
	struct err err;

	(void)state;
	if (!has_network)
		skip();
	set_link_up();
	assert_int_equal(check("10.1.1.1", false, &l, &err), 0);
	assert_string_equal(l.ifname, "lo");
}

/* --- net_find_rdma */

static char directory[64];
static int sysfs_fd;

static int make_sysfs(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/test-net-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	sysfs_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return sysfs_fd < 0 ? -1 : 0;
}

static int remove_sysfs(void **state)
{
	char command[128];

	(void)state;
	close(sysfs_fd);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command); /* NOLINT(cert-env33-c): a directory of ours */
}

static void put(const char *in, const char *file, const char *text)
{
	char path[256];

	assert_int_equal(fs_mkdir_p(sysfs_fd, in, 0755), 0);
	snprintf(path, sizeof(path), "%s/%s", in, file);
	assert_int_equal(fs_replace_file(sysfs_fd, path, text, strlen(text), 0644), 0);
}

static void finds(const char *ifname, const char *device, unsigned int port)
{
	char name[64] = "before";
	unsigned int got = 99;

	assert_int_equal(net_find_rdma(sysfs_fd, ifname, name, &got), 0);
	assert_string_equal(name, device);
	assert_int_equal(got, port);
}

static void finds_none(const char *ifname)
{
	char name[64] = "before";
	unsigned int got = 99;

	assert_int_equal(net_find_rdma(sysfs_fd, ifname, name, &got), -ENODEV);
	assert_string_equal(name, "before");
	assert_int_equal(got, 99);
}

static void a_host_without_rdma_has_no_device(void **state)
{
	(void)state;
	finds_none("ens1");
}

static void finds_the_device_of_the_same_function(void **state)
{
	(void)state;
	put("class/infiniband/mlx5_0/ports/1", "state", "4: ACTIVE\n");
	put("class/infiniband/mlx5_0/device/net/ens1", "ifindex", "2\n");
	put("class/infiniband/mlx5_1/ports/1", "state", "4: ACTIVE\n");
	put("class/infiniband/mlx5_1/device/net/ens2", "ifindex", "3\n");
	finds("ens2", "mlx5_1", 1);
	finds("ens1", "mlx5_0", 1);
	finds_none("ens3");
}

static void tells_the_two_ports_of_one_function_apart(void **state)
{
	(void)state;
	put("class/infiniband/mlx4_0/ports/1", "state", "4: ACTIVE\n");
	put("class/infiniband/mlx4_0/ports/2", "state", "1: DOWN\n");
	put("class/infiniband/mlx4_0/device/net/ens1", "ifindex", "2\n");
	put("class/infiniband/mlx4_0/device/net/ens1d1", "ifindex", "3\n");
	put("class/net/ens1", "dev_port", "0\n");
	put("class/net/ens1d1", "dev_port", "1\n");
	finds("ens1", "mlx4_0", 1);
	finds("ens1d1", "mlx4_0", 2);
}

static void finds_soft_roce_by_the_link_it_was_made_of(void **state)
{
	(void)state;
	put("class/infiniband/rxe0", "parent", "ens1\n");
	put("class/infiniband/rxe0/ports/1", "state", "4: ACTIVE\n");
	finds("ens1", "rxe0", 1);
	finds_none("ens10");
}

static void finds_what_is_below_a_vlan_or_bond_by_its_gids(void **state)
{
	(void)state;
	put("class/infiniband/mlx5_0/device/net/ens1", "ifindex", "2\n");
	put("class/infiniband/mlx5_0/ports/1/gid_attrs/ndevs", "0", "ens1\n");
	put("class/infiniband/mlx5_0/ports/1/gid_attrs/ndevs", "1", "");
	put("class/infiniband/mlx5_0/ports/1/gid_attrs/ndevs", "2", "ens1.100\n");
	put("class/infiniband/mlx5_0/ports/2/gid_attrs/ndevs", "0", "bond0\n");
	finds("ens1.100", "mlx5_0", 1);
	finds("bond0", "mlx5_0", 2);
}

static void finds_what_is_below_a_child_of_an_ipoib_link(void **state)
{
	(void)state;
	put("class/infiniband/mlx5_0/device/net/ib0", "ifindex", "2\n");
	put("class/net/ib0.8001", "parent", "ib0\n");
	finds("ib0.8001", "mlx5_0", 1);
}

static void finds_soft_iwarp_by_the_hardware_address(void **state)
{
	(void)state;
	put("class/net/ens1", "address", "52:54:00:12:34:56\n");
	put("class/net/ens2", "address", "52:54:00:12:34:57\n");
	put("class/net/lo", "address", "00:00:00:00:00:00\n");
	put("class/infiniband/siw0/ports/1/gids", "0", "5254:0012:3456:0000:0000:0000:0000:0000\n");
	finds("ens1", "siw0", 1);
	finds_none("ens2");
	finds_none("lo");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_numeric_addresses_with_or_without_brackets),
		cmocka_unit_test(knows_a_wildcard),
		cmocka_unit_test(a_link_local_address_needs_an_interface_that_is_there),
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(of_a_name_takes_the_address_that_is_on_this_host),
		cmocka_unit_test(of_a_name_elsewhere_takes_the_first_address),
		cmocka_unit_test(tells_that_a_name_is_not_known),
		cmocka_unit_test(finds_the_link_of_an_address),
		cmocka_unit_test(an_address_that_is_in_no_list_but_local_passes),
		cmocka_unit_test(a_wildcard_passes_unchecked),
		cmocka_unit_test(an_address_of_another_host_is_refused_with_ours_named),
		cmocka_unit_test(loopback_has_no_rdma),
		cmocka_unit_test(a_text_that_is_no_address_is_refused),
#define TEST(function) cmocka_unit_test_setup_teardown(function, make_sysfs, remove_sysfs)
		TEST(a_host_without_rdma_has_no_device),
		TEST(finds_the_device_of_the_same_function),
		TEST(tells_the_two_ports_of_one_function_apart),
		TEST(finds_soft_roce_by_the_link_it_was_made_of),
		TEST(finds_what_is_below_a_vlan_or_bond_by_its_gids),
		TEST(finds_what_is_below_a_child_of_an_ipoib_link),
		TEST(finds_soft_iwarp_by_the_hardware_address),
		/* the rest in a network of their own, in this order */
		cmocka_unit_test_setup(tells_that_the_link_of_an_address_is_down, enter_network),
		cmocka_unit_test(an_address_beside_ours_is_told_how_to_be_added),
		cmocka_unit_test(an_address_is_usable_once_its_link_is_up),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
