/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "initiator/tid.h"

static struct tid parsed(const char *text)
{
	struct err err = ERR_NULL;
	struct tid tid;

	if (tid_parse(text, &tid, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return tid;
}

static void assert_refused(const char *text, const char *because)
{
	struct tid tid = { .nqn = "untouched" };
	struct err err = ERR_NULL;

	assert_true(tid_parse(text, &tid, &err) < 0);
	assert_string_equal(tid.nqn, "untouched");
	if (!strstr(err.text, because))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, because);
}

static void assert_becomes(const char *text, const char *expected)
{
	char buffer[TID_TEXT_MAX];
	struct tid tid = parsed(text);

	assert_string_equal(tid_format(&tid, buffer), expected);
	tid = parsed(buffer);
	assert_string_equal(tid_format(&tid, buffer), expected);
}

static void comes_back_from_its_text(void **state)
{
	(void)state;
	assert_becomes("tcp,10.101.46.14,4420,blake14", "tcp,10.101.46.14,4420,blake14");
	assert_becomes("rdma,10.101.46.14,,blake14", "rdma,10.101.46.14,4420,blake14");
	assert_becomes("loop,,,a", "loop,,,a");
	assert_becomes("tcp,1.2.3.4,1,a,nqn.2014-08.org.nvmexpress:h,,eth0",
		       "tcp,1.2.3.4,1,a,nqn.2014-08.org.nvmexpress:h,,eth0");
	assert_becomes("tcp,1.2.3.4,1,a,,9.8.7.6,", "tcp,1.2.3.4,1,a,,9.8.7.6");
	assert_becomes("fc,nn-0x1000000044001123:pn-0x2000000055001123,,a",
		       "fc,nn-0x1000000044001123:pn-0x2000000055001123,,a");
}

static void spells_addresses_in_one_way(void **state)
{
	(void)state;
	assert_becomes("tcp,[2001:DB8:0:0::1],4420,a", "tcp,2001:db8::1,4420,a");
	assert_becomes("tcp,fe80::1%eth0,04420,a", "tcp,fe80::1%eth0,4420,a");
}

static void asks_a_discovery_controller_at_its_own_port(void **state)
{
	(void)state;
	assert_becomes("tcp,1.2.3.4,," NQN_DISCOVERY, "tcp,1.2.3.4,8009," NQN_DISCOVERY);
}

static void keeps_commas_in_names_apart(void **state)
{
	struct tid tid;
	char text[TID_TEXT_MAX];

	(void)state;
	assert_int_equal(tid_make(&(struct tid_parts){ .transport = "tcp",
						       .traddr = "1.2.3.4",
						       .nqn = "a,b%2C",
						       .hostnqn = "h,x" },
				  &tid, NULL),
			 0);
	assert_string_equal(tid_format(&tid, text), "tcp,1.2.3.4,4420,a%2Cb%252C,h%2Cx");
	tid = parsed(text);
	assert_string_equal(tid.nqn, "a,b%2C");
	assert_string_equal(tid.hostnqn, "h,x");
}

static void refuses_what_is_no_connection(void **state)
{
	(void)state;
	assert_refused("", "TRTYPE,TRADDR,TRSVCID,NQN");
	assert_refused("tcp,1.2.3.4,4420", "TRTYPE,TRADDR,TRSVCID,NQN");
	assert_refused("tcp,1.2.3.4,4420,a,b,,eth0,x", "TRTYPE,TRADDR,TRSVCID,NQN");
	assert_refused("pcie,1.2.3.4,4420,a", "is no transport");
	assert_refused("tcp,,4420,a", "needs an address");
	assert_refused("tcp,host.example,4420,a", "no numeric address");
	assert_refused("tcp,1.2.3.4,0,a", "0");
	assert_refused("tcp,1.2.3.4,99999,a", "99999");
	assert_refused("tcp,1.2.3.4,4420,", "");
	assert_refused("tcp,1.2.3.4,4420,a/b", "");
	assert_refused("loop,1.2.3.4,,a", "neither");
	assert_refused("rdma,1.2.3.4,,a,,,eth0", "only tcp");
	assert_refused("tcp,1.2.3.4,,a,,,an-interface-too-long", "no name of an interface");
	assert_refused("fc,nn-0x1000000044001123:pn-0x2000000055001123,4420,a", "has no service");
}

static void the_longest_one_fits(void **state)
{
	char nqn[NQN_MAX + 1];
	char text[TID_TEXT_MAX];
	struct tid tid;
	struct tid again;

	(void)state;
	memset(nqn, ',', NQN_MAX);
	nqn[NQN_MAX] = '\0';
	assert_int_equal(
		tid_make(&(struct tid_parts){ "tcp", "fe80:1111:2222:3333:4444:5555:6666:7777%eth0",
					      "65535", nqn, nqn,
					      "fe80:1111:2222:3333:4444:5555:6666:7777%eth0",
					      "fifteen-letters" },
			 &tid, NULL),
		0);
	again = parsed(tid_format(&tid, text));
	assert_true(tid_equal(&tid, &again));
}

static void reads_the_address_of_a_controller(void **state)
{
	struct tid tid = { .transport = "tcp" };

	(void)state;
	tid_read_address("traddr=10.0.0.1,trsvcid=4420,host_traddr=10.0.0.2,host_iface=eth1,"
			 "src_addr=10.0.0.2",
			 &tid);
	assert_string_equal(tid.traddr, "10.0.0.1");
	assert_string_equal(tid.trsvcid, "4420");
	assert_string_equal(tid.host_traddr, "10.0.0.2");
	assert_string_equal(tid.host_iface, "eth1");
	tid = (struct tid){ .transport = "tcp" };
	tid_read_address("traddr=2001:db8:0:0:0:0:0:1,trsvcid=8009,host_traddr=none,x,=,", &tid);
	assert_string_equal(tid.traddr, "2001:db8::1");
	assert_string_equal(tid.host_traddr, "");
	tid = (struct tid){ .transport = "loop" };
	tid_read_address("", &tid);
	assert_string_equal(tid.traddr, "");
}

static void is_met_by_what_leaves_nothing_open(void **state)
{
	struct tid wanted = parsed("tcp,1.2.3.4,4420,a");
	struct tid actual = parsed("tcp,1.2.3.4,4420,a,me,9.9.9.9,eth0");

	(void)state;
	assert_true(tid_is_met_by(&wanted, &actual, "me"));
	assert_false(tid_is_met_by(&wanted, &actual, "another"));
	actual.hostnqn[0] = '\0';
	assert_true(tid_is_met_by(&wanted, &actual, "another"));
	wanted = parsed("tcp,1.2.3.4,4420,a,you");
	actual = parsed("tcp,1.2.3.4,4420,a,you");
	assert_true(tid_is_met_by(&wanted, &actual, "me"));
	wanted = parsed("tcp,1.2.3.4,4420,a,,9.9.9.9");
	assert_false(tid_is_met_by(&wanted, &actual, "you"));
	wanted = parsed("tcp,1.2.3.4,4421,a");
	assert_false(tid_is_met_by(&wanted, &actual, "you"));
	wanted = parsed("rdma,1.2.3.4,4420,a");
	assert_false(tid_is_met_by(&wanted, &actual, "you"));
	wanted = parsed("tcp,1.2.3.4,4420,b");
	assert_false(tid_is_met_by(&wanted, &actual, "you"));
}

static void is_told_in_words(void **state)
{
	struct tid tid = parsed("tcp,2001:db8::1,4420,blake14");
	char text[TID_TEXT_MAX];

	(void)state;
	assert_string_equal(tid_describe(&tid, text), "blake14 at [2001:db8::1]:4420 (tcp)");
	tid = parsed("loop,,,blake14");
	assert_string_equal(tid_describe(&tid, text), "blake14 (loop)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back_from_its_text),
		cmocka_unit_test(spells_addresses_in_one_way),
		cmocka_unit_test(asks_a_discovery_controller_at_its_own_port),
		cmocka_unit_test(keeps_commas_in_names_apart),
		cmocka_unit_test(refuses_what_is_no_connection),
		cmocka_unit_test(the_longest_one_fits),
		cmocka_unit_test(reads_the_address_of_a_controller),
		cmocka_unit_test(is_met_by_what_leaves_nothing_open),
		cmocka_unit_test(is_told_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
