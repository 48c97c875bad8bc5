/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <rdma/rdma_netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "target/conn.h"

#define HEADING                                                                                    \
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
#define REST " 00000000:00000000 00:00000000 00000000     0        0 1172 1 0 100 0 0 10 0\n"

static struct conn_addr addr(const char *address, const char *port)
{
	struct conn_addr parsed;

	assert_int_equal(conn_addr_parse(address, port, &parsed), 0);
	return parsed;
}

static void assert_addr(const struct conn_addr *got, const char *address, unsigned int port)
{
	char text[64];

	conn_addr_format(got, text, sizeof(text));
	assert_string_equal(text, address);
	assert_int_equal(got->port, port);
}

static void parses_and_formats_both_families(void **state)
{
	const struct conn_addr v4 = addr("10.101.46.14", "4420");
	const struct conn_addr v6 = addr("fe80::1%eth0", "1");
	const struct conn_addr mapped = addr("::ffff:10.101.46.14", "4420");

	(void)state;
	assert_addr(&v4, "10.101.46.14", 4420);
	assert_addr(&v6, "fe80::1", 1);
	assert_memory_equal(v4.bytes, mapped.bytes, 16);
}

static void refuses_what_is_no_address(void **state)
{
	struct conn_addr untouched = { .port = 7 };

	(void)state;
	assert_int_equal(conn_addr_parse("blake14", "4420", &untouched), -EINVAL);
	assert_int_equal(conn_addr_parse("10.1.2", "4420", &untouched), -EINVAL);
	assert_int_equal(conn_addr_parse("", "4420", &untouched), -EINVAL);
	assert_int_equal(conn_addr_parse("10.1.2.3", "65536", &untouched), -EINVAL);
	assert_int_equal(conn_addr_parse("10.1.2.3", "", &untouched), -EINVAL);
	assert_int_equal(
		conn_addr_parse("1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc",
				"4420", &untouched),
		-EINVAL);
	assert_int_equal(untouched.port, 7);
}

static void cuts_a_text_that_does_not_fit(void **state)
{
	const struct conn_addr v4 = addr("10.101.46.14", "4420");
	char text[6];

	(void)state;
	conn_addr_format(&v4, text, sizeof(text));
	assert_string_equal(text, "10.10");
}

static void takes_established_connections_only(void **state)
{
	CLEANUP_CONN_LIST struct conn_list list = CONN_LIST_NULL;

	(void)state;
	assert_int_equal(conn_parse_tcp(HEADING "   0: 0100007F:1144 00000000:0000 0A" REST
						"   1: 0100007F:1144 0200007F:A7B2 01" REST
						"   2: 0100007F:1144 0300007F:A7B3 06" REST
						" 10: 0E2E650A:1144 0F2E650A:A7B4 01" REST,
					&list),
			 0);
	assert_int_equal(list.count, 2);
	assert_addr(&list.items[0].local, "127.0.0.1", 4420);
	assert_addr(&list.items[0].remote, "127.0.0.2", 42930);
	assert_addr(&list.items[1].local, "10.101.46.14", 4420);
	assert_addr(&list.items[1].remote, "10.101.46.15", 42932);
}

static void takes_ipv6_and_mapped_ipv4(void **state)
{
	CLEANUP_CONN_LIST struct conn_list list = CONN_LIST_NULL;
	const struct conn_addr v4 = addr("10.101.46.14", "4420");

	(void)state;
	assert_int_equal(
		conn_parse_tcp(
			"  0: 00000000000000000000000001000000:1144 000080FE000000000000000002000000:DD3B 01" REST
			"  1: 0000000000000000FFFF00000E2E650A:1144 0000000000000000FFFF00000F2E650A:DD3B 01" REST,
			&list),
		0);
	assert_int_equal(list.count, 2);
	assert_addr(&list.items[0].local, "::1", 4420);
	assert_addr(&list.items[0].remote, "fe80::2", 56635);
	assert_true(conn_is_at(&list.items[1], &v4));
}

static void skips_lines_that_are_none(void **state)
{
	CLEANUP_CONN_LIST struct conn_list list = CONN_LIST_NULL;
	char endless[600];

	(void)state;
	memset(endless, '7', sizeof(endless));
	endless[sizeof(endless) - 1] = '\0';
	assert_int_equal(conn_parse_tcp(endless, &list), 0);
	assert_int_equal(conn_parse_tcp("", &list), 0);
	assert_int_equal(conn_parse_tcp("\n\n0\n 0:\n", &list), 0);
	assert_int_equal(conn_parse_tcp("  1: 0100007F 0200007F 01" REST
					"  2: 0100007:1144 0200007F:A7B2 01" REST
					"  3: 0100007G:1144 0200007F:A7B2 01" REST
					"  4: 0100007F:1144 0200007F: 01" REST "  5: 0100007F:1144",
					&list),
			 0);
	assert_int_equal(list.count, 0);
}

static void a_listener_takes_what_came_to_its_address_and_port(void **state)
{
	const struct conn conn = { addr("10.101.46.14", "4420"), addr("10.101.46.15", "5000") };
	const struct conn six = { addr("fd00::1", "4420"), addr("fd00::2", "5000") };
	const struct conn_addr here = addr("10.101.46.14", "4420");
	const struct conn_addr elsewhere = addr("10.101.46.15", "4420");
	const struct conn_addr other_port = addr("10.101.46.14", "4421");
	const struct conn_addr any4 = addr("0.0.0.0", "4420");
	const struct conn_addr any6 = addr("::", "4420");

	(void)state;
	assert_true(conn_is_at(&conn, &here));
	assert_true(conn_is_at(&conn, &any4));
	assert_true(conn_is_at(&conn, &any6));
	assert_true(conn_is_at(&six, &any6));
	assert_false(conn_is_at(&six, &any4));
	assert_false(conn_is_at(&conn, &elsewhere));
	assert_false(conn_is_at(&conn, &other_port));
}

static void connections_are_the_same_if_both_ends_are(void **state)
{
	const struct conn a = { addr("10.1.0.1", "4420"), addr("10.1.0.2", "5000") };
	struct conn b = a;

	(void)state;
	assert_true(conn_is_same(&a, &b));
	b.remote.port++;
	assert_false(conn_is_same(&a, &b));
	b = a;
	b.local.bytes[15]++;
	assert_false(conn_is_same(&a, &b));
}

/* --- files */

struct dir {
	char path[32];
	int fd;
};

static int setup_dir(void **state)
{
	static struct dir dir;

	snprintf(dir.path, sizeof(dir.path), "/tmp/test-conn-XXXXXX");
	assert_non_null(mkdtemp(dir.path));
	dir.fd = open(dir.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(dir.fd, "net", 0700), 0);
	*state = &dir;
	return 0;
}

static int teardown_dir(void **state)
{
	struct dir *dir = *state;

	unlinkat(dir->fd, "net/tcp", 0);
	unlinkat(dir->fd, "net/tcp6", 0);
	unlinkat(dir->fd, "net", AT_REMOVEDIR);
	close(dir->fd);
	return rmdir(dir->path);
}

static void put(const struct dir *dir, const char *path, const char *text)
{
	CLEANUP_CLOSE int fd =
		openat(dir->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void reads_both_tables(void **state)
{
	CLEANUP_CONN_LIST struct conn_list list = CONN_LIST_NULL;
	struct dir *dir = *state;

	put(dir, "net/tcp", HEADING "   1: 0100007F:1144 0200007F:A7B2 01" REST);
	put(dir, "net/tcp6",
	    "  0: 00000000000000000000000001000000:1144 000080FE000000000000000002000000:DD3B 01" REST);
	assert_int_equal(conn_list_tcp(dir->fd, &list, NULL), 0);
	assert_int_equal(list.count, 2);
}

static void one_table_is_enough(void **state)
{
	CLEANUP_CONN_LIST struct conn_list list = CONN_LIST_NULL;
	struct err err = ERR_NULL;
	struct dir *dir = *state;

	put(dir, "net/tcp", HEADING "   1: 0100007F:1144 0200007F:A7B2 01" REST);
	assert_int_equal(conn_list_tcp(dir->fd, &list, &err), 0);
	assert_int_equal(err.code, 0);
	assert_int_equal(list.count, 1);
	put(dir, "net/tcp6", "");
	unlinkat(dir->fd, "net/tcp", 0);
	assert_int_equal(conn_list_tcp(dir->fd, &list, &err), 0);
	assert_int_equal(err.code, 0);
}

static void tells_that_no_table_can_be_read(void **state)
{
	CLEANUP_CONN_LIST struct conn_list list = CONN_LIST_NULL;
	struct err err = ERR_NULL;
	struct dir *dir = *state;

	assert_int_equal(conn_list_tcp(dir->fd, &list, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/proc/net/tcp"));
}

static void sees_a_connection_of_its_own(void **state)
{
	CLEANUP_CONN_LIST struct conn_list list = CONN_LIST_NULL;
	CLEANUP_CLOSE int proc_fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSE int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CLEANUP_CLOSE int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	struct conn_addr listener;
	char port[8];
	size_t i;
	int found = 0;

	(void)state;
	assert_int_equal(bind(server, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(server, 1), 0);
	assert_int_equal(getsockname(server, (struct sockaddr *)&at, &size), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&at, size), 0);
	snprintf(port, sizeof(port), "%d", ntohs(at.sin_port));
	listener = addr("127.0.0.1", port);
	assert_int_equal(conn_list_tcp(proc_fd, &list, NULL), 0);
	for (i = 0; i < list.count; i++)
		found += conn_is_at(&list.items[i], &listener);
	assert_int_equal(found, 1);
}

/* --- RDMA: messages as the kernel sends them */

struct message {
	uint8_t bytes[2048];
	size_t length;
};

static size_t begin_attr(struct message *m, uint16_t type)
{
	struct nlattr attr = { .nla_type = type };
	size_t at = m->length;

	memcpy(m->bytes + at, &attr, sizeof(attr));
	m->length += NLA_HDRLEN;
	return at;
}

static void end_attr(struct message *m, size_t at)
{
	uint16_t length = (uint16_t)(m->length - at);

	memcpy(m->bytes + at, &length, sizeof(length));
	m->length = NLA_ALIGN(m->length);
}

static void add_attr(struct message *m, uint16_t type, const void *value, size_t size)
{
	size_t at = begin_attr(m, type);

	memcpy(m->bytes + m->length, value, size);
	m->length += size;
	end_attr(m, at);
}

static void add_address(struct message *m, uint16_t type, int family, const char *text, int port)
{
	struct sockaddr_storage storage = { .ss_family = (sa_family_t)family };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;

	v4->sin_port = htons((uint16_t)port);
	inet_pton(family, text, family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr);
	add_attr(m, type, &storage, sizeof(storage));
}

static void add_cm_id(struct message *m, uint8_t cm_state, int family, const char *local,
		      const char *remote)
{
	size_t at = begin_attr(m, RDMA_NLDEV_ATTR_RES_CM_ID_ENTRY | NLA_F_NESTED);

	add_attr(m, RDMA_NLDEV_ATTR_RES_STATE, &cm_state, 1);
	add_address(m, RDMA_NLDEV_ATTR_RES_SRC_ADDR, family, local, 4420);
	add_address(m, RDMA_NLDEV_ATTR_RES_DST_ADDR, family, remote, 5000);
	end_attr(m, at);
}

static void three_cm_ids(struct message *m)
{
	struct nlmsghdr header = {
		.nlmsg_type = RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, RDMA_NLDEV_CMD_RES_CM_ID_GET),
		.nlmsg_flags = NLM_F_MULTI,
	};
	const uint32_t index = 0;
	size_t at;

	memset(m, 0, sizeof(*m));
	m->length = NLMSG_HDRLEN;
	add_attr(m, RDMA_NLDEV_ATTR_DEV_INDEX, &index, sizeof(index));
	add_attr(m, RDMA_NLDEV_ATTR_DEV_NAME, "rxe_ib46", 9);
	at = begin_attr(m, RDMA_NLDEV_ATTR_RES_CM_ID | NLA_F_NESTED);
	add_cm_id(m, 8, AF_INET, "10.101.46.14", "0.0.0.0");
	add_cm_id(m, 5, AF_INET, "10.101.46.14", "10.101.46.15");
	add_cm_id(m, 5, AF_INET6, "fd00::14", "fd00::15");
	end_attr(m, at);
	header.nlmsg_len = (uint32_t)m->length;
	memcpy(m->bytes, &header, sizeof(header));
}

static void takes_connected_cm_ids_only(void **state)
{
	CLEANUP_CONN_LIST struct conn_list list = CONN_LIST_NULL;
	struct message m;

	(void)state;
	three_cm_ids(&m);
	assert_int_equal(conn_parse_rdma(m.bytes, m.length, &list), 0);
	assert_int_equal(list.count, 2);
	assert_addr(&list.items[0].local, "10.101.46.14", 4420);
	assert_addr(&list.items[0].remote, "10.101.46.15", 5000);
	assert_addr(&list.items[1].local, "fd00::14", 4420);
	assert_addr(&list.items[1].remote, "fd00::15", 5000);
}

/* With a sanitizer this also shows that nothing beyond the bytes is read. */
static void a_datagram_that_is_cut_or_spoilt_does_no_harm(void **state)
{
	struct message m;
	size_t i;

	(void)state;
	three_cm_ids(&m);
	for (i = 0; i <= m.length; i++) {
		CLEANUP_CONN_LIST struct conn_list list = CONN_LIST_NULL;
		CLEANUP_FREE uint8_t *cut = malloc(i ? i : 1);

		memcpy(cut, m.bytes, i);
		assert_int_equal(conn_parse_rdma(cut, i, &list), 0);
		assert_int_equal(list.count, i < m.length ? 0 : 2);
	}
	for (i = 0; i < m.length; i++) {
		CLEANUP_CONN_LIST struct conn_list list = CONN_LIST_NULL;
		CLEANUP_FREE uint8_t *spoilt = malloc(m.length);

		memcpy(spoilt, m.bytes, m.length);
		spoilt[i] ^= 0xff;
		assert_int_equal(conn_parse_rdma(spoilt, m.length, &list), 0);
		assert_in_range(list.count, 0, 3);
	}
}

static void asks_this_kernel_for_its_rdma_connections(void **state)
{
	CLEANUP_CONN_LIST struct conn_list list = CONN_LIST_NULL;
	struct err err = ERR_NULL;
	int r = conn_list_rdma(&list, &err);

	(void)state;
	/* what it answers depends on the machine; a failure must have a text */
	if (r < 0)
		assert_true(strlen(err.text) > 0);
	assert_int_equal(err.code, r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_and_formats_both_families),
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(cuts_a_text_that_does_not_fit),
		cmocka_unit_test(takes_established_connections_only),
		cmocka_unit_test(takes_ipv6_and_mapped_ipv4),
		cmocka_unit_test(skips_lines_that_are_none),
		cmocka_unit_test(a_listener_takes_what_came_to_its_address_and_port),
		cmocka_unit_test(connections_are_the_same_if_both_ends_are),
		cmocka_unit_test_setup_teardown(reads_both_tables, setup_dir, teardown_dir),
		cmocka_unit_test_setup_teardown(one_table_is_enough, setup_dir, teardown_dir),
		cmocka_unit_test_setup_teardown(tells_that_no_table_can_be_read, setup_dir,
						teardown_dir),
		cmocka_unit_test(sees_a_connection_of_its_own),
		cmocka_unit_test(takes_connected_cm_ids_only),
		cmocka_unit_test(a_datagram_that_is_cut_or_spoilt_does_no_harm),
		cmocka_unit_test(asks_this_kernel_for_its_rdma_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
