/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-addr - addresses: what is accepted has one spelling, which is accepted as well. */
#include "base/cleanup.h"
#include "base/str.h"
#include "nvmf/addr.h"
#include "tests/fuzz/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ip(const char *text, const char *default_port)
{
	struct addr addr;
	struct addr again;
	char formatted[ADDR_TEXT_MAX];
	struct err err = ERR_NULL;

	if (addr_parse(text, default_port, &addr, &err) < 0) {
		REQUIRE(err.code < 0 && *err.text);
		return;
	}
	REQUIRE(*addr.host && *addr.port && str_is_printable(addr.host));
	REQUIRE(!strpbrk(addr.host, " /[]"));
	REQUIRE((addr.family == ADDR_IPV6) == (strchr(addr.host, ':') != NULL));
	REQUIRE(addr_parse(addr_format(&addr, formatted), NULL, &again, &err) == 0);
	REQUIRE(again.family == addr.family && strcmp(again.host, addr.host) == 0 &&
		strcmp(again.port, addr.port) == 0);
	REQUIRE(addr_parse_host(addr.host, &again, &err) == 0);
	REQUIRE(strcmp(again.host, addr.host) == 0 && !*again.port);
}

static void check_fc(const char *text)
{
	char traddr[ADDR_FC_MAX];
	char again[ADDR_FC_MAX];

	if (addr_parse_fc(text, traddr, NULL) < 0)
		return;
	REQUIRE(strlen(traddr) == ADDR_FC_MAX - 1);
	REQUIRE(addr_parse_fc(traddr, again, NULL) == 0 && strcmp(traddr, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = strndup((const char *)data, size);

	check_ip(text, "4420");
	check_ip(text, NULL);
	check_fc(text);
	return 0;
}
