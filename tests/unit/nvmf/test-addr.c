/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "nvmf/addr.h"

static void assert_parses(const char *text, enum addr_family family, const char *host,
			  const char *port)
{
	struct addr addr;
	struct err err = ERR_NULL;

	if (addr_parse(text, "4420", &addr, &err) != 0)
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(addr.family, family);
	assert_string_equal(addr.host, host);
	assert_string_equal(addr.port, port);
}

static void assert_refused(const char *text, const char *because)
{
	struct addr addr = { .host = "untouched" };
	struct err err = ERR_NULL;

	assert_int_equal(addr_parse(text, "4420", &addr, &err), -EINVAL);
	assert_string_equal(addr.host, "untouched");
	if (!strstr(err.text, because))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, because);
}

static void reads_ipv4_with_and_without_port(void **state)
{
	(void)state;
	assert_parses("10.101.46.14", ADDR_IPV4, "10.101.46.14", "4420");
	assert_parses("10.101.46.14:1", ADDR_IPV4, "10.101.46.14", "1");
	assert_parses("0.0.0.0:65535", ADDR_IPV4, "0.0.0.0", "65535");
	assert_parses("10.0.0.1:04421", ADDR_IPV4, "10.0.0.1", "4421");
}

static void reads_ipv6_in_each_form(void **state)
{
	(void)state;
	assert_parses("::", ADDR_IPV6, "::", "4420");
	assert_parses("[::1]", ADDR_IPV6, "::1", "4420");
	assert_parses("[::1]:8009", ADDR_IPV6, "::1", "8009");
	assert_parses("fe80::1%ib0", ADDR_IPV6, "fe80::1%ib0", "4420");
	assert_parses("[fe80::1%ib0.8001]:4421", ADDR_IPV6, "fe80::1%ib0.8001", "4421");
	assert_parses("FD00:0:0:0:0:0:0:0A", ADDR_IPV6, "fd00::a", "4420");
	assert_parses("::ffff:10.0.0.1", ADDR_IPV6, "::ffff:10.0.0.1", "4420");
}

static void reads_names(void **state)
{
	(void)state;
	assert_parses("blake14", ADDR_NAME, "blake14", "4420");
	assert_parses("blake-14.example.org:8009", ADDR_NAME, "blake-14.example.org", "8009");
	assert_parses("1a", ADDR_NAME, "1a", "4420");
}

static void refuses_what_is_no_address(void **state)
{
	(void)state;
	assert_refused("", "is no address");
	assert_refused("10.1.1", "is no address");
	assert_refused("10.1.1.256", "is no address");
	assert_refused("10.01.1.1", "is no address");
	assert_refused("1", "is no address");
	assert_refused("-a", "is no address");
	assert_refused("a-", "is no address");
	assert_refused("a-.b", "is no address");
	assert_refused("a..b", "is no address");
	assert_refused("a.", "is no address");
	assert_refused("a b", "is no address");
	assert_refused("a/b", "is no address");
	assert_refused("10.1.1.1:1:2", "is no IPv6 address");
	assert_refused(":::", "is no IPv6 address");
	assert_refused("fe80::1%", "is no IPv6 address");
	assert_refused("fe80::1%waytoolonginterfacename", "is no IPv6 address");
	assert_refused("[10.1.1.1]", "give [IPV6]");
	assert_refused("[::1", "give [IPV6]");
	assert_refused("[::1]4420", "give [IPV6]");
	assert_refused("[::1%a]b]:1", "give [IPV6]");
}

static void refuses_what_is_too_long(void **state)
{
	char text[400];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_refused(text, "is too long");
	text[64] = '\0'; /* a label has 63 */
	assert_refused(text, "is no address");
	text[63] = '\0';
	assert_parses(text, ADDR_NAME, text, "4420");
}

static void refuses_a_port_over_65535(void **state)
{
	(void)state;
	assert_refused("10.1.1.1:65536", "port \"65536\" must be a number from 1 to 65535");
	assert_refused("10.1.1.1:0", "from 1 to 65535");
	assert_refused("10.1.1.1:", "from 1 to 65535");
	assert_refused("10.1.1.1:+1", "from 1 to 65535");
	assert_refused("[::1]:x", "from 1 to 65535");
	assert_refused("10.1.1.1:18446744073709551617", "from 1 to 65535");
}

static void needs_a_port_if_there_is_no_default(void **state)
{
	struct addr addr;
	struct err err = ERR_NULL;

	(void)state;
	assert_int_equal(addr_parse("::1", NULL, &addr, &err), -EINVAL);
	assert_non_null(strstr(err.text, "give [IPV6]:PORT"));
	assert_int_equal(addr_parse("10.1.1.1", NULL, &addr, &err), -EINVAL);
	assert_non_null(strstr(err.text, "give 10.1.1.1:PORT"));
}

static void reads_an_address_without_a_port(void **state)
{
	struct addr addr;

	(void)state;
	assert_int_equal(addr_parse_host("fe80::1%ib0", &addr, NULL), 0);
	assert_string_equal(addr.host, "fe80::1%ib0");
	assert_string_equal(addr.port, "");
	assert_int_equal(addr_parse_host("10.1.1.1:4420", &addr, NULL), -EINVAL);
	assert_int_equal(addr_parse_host("[::1]", &addr, NULL), -EINVAL);
}

static void formats_what_it_reads_back(void **state)
{
	static const char *const texts[] = { "10.1.1.1:4420", "[fe80::1%ib0]:1", "blake14:8009" };
	char text[ADDR_TEXT_MAX];
	struct addr addr;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(addr_parse(texts[i], NULL, &addr, NULL), 0);
		assert_string_equal(addr_format(&addr, text), texts[i]);
	}
	assert_string_equal(addr_format_parts("::1", "", text), "::1");
	assert_string_equal(addr_format_parts("", "", text), "");
}

static void knows_the_words_of_families(void **state)
{
	(void)state;
	assert_string_equal(addr_family_word(ADDR_IPV4), "ipv4");
	assert_string_equal(addr_family_word(ADDR_IPV6), "ipv6");
	assert_null(addr_family_word(ADDR_NAME));
}

static void spells_fibre_channel_as_the_kernel_does(void **state)
{
	static const char want[] = "nn-0x20000090fa942779:pn-0x10000090fa942779";
	static const char *const texts[] = {
		"nn-0x20000090fa942779:pn-0x10000090fa942779",
		"nn-0x20000090FA942779:pn-0x10000090FA942779",
		"20000090fa942779:10000090fa942779",
		"0x20000090fa942779:0x10000090fa942779",
		"20:00:00:90:fa:94:27:79:10:00:00:90:fa:94:27:79",
	};
	char text[ADDR_FC_MAX];
	struct err err = ERR_NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (addr_parse_fc(texts[i], text, &err) != 0)
			fail_msg("%s: %s", texts[i], err.text);
		assert_string_equal(text, want);
	}
}

static void refuses_what_is_no_fibre_channel_address(void **state)
{
	static const char *const texts[] = {
		"",
		"10.1.1.1",
		"nn-0x20000090fa942779",
		"nn-0x20000090fa942779:",
		"nn-0x20000090fa942779:0x10000090fa942779",
		"nn-0x20000090fa94277:pn-0x10000090fa942779",
		"nn-0x20000090fa942779:pn-0x10000090fa942779a",
		"20000090fa942779,10000090fa942779",
		"20000090fa942779:1000009gfa942779",
	};
	char text[ADDR_FC_MAX] = "untouched";
	struct err err = ERR_NULL;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(addr_parse_fc(texts[i], text, &err), -EINVAL);
		assert_non_null(strstr(err.text, "nn-0xNODENAME:pn-0xPORTNAME"));
		assert_string_equal(text, "untouched");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_ipv4_with_and_without_port),
		cmocka_unit_test(reads_ipv6_in_each_form),
		cmocka_unit_test(reads_names),
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(refuses_what_is_too_long),
		cmocka_unit_test(refuses_a_port_over_65535),
		cmocka_unit_test(needs_a_port_if_there_is_no_default),
		cmocka_unit_test(reads_an_address_without_a_port),
		cmocka_unit_test(formats_what_it_reads_back),
		cmocka_unit_test(knows_the_words_of_families),
		cmocka_unit_test(spells_fibre_channel_as_the_kernel_does),
		cmocka_unit_test(refuses_what_is_no_fibre_channel_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
