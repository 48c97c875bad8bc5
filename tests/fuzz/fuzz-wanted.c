/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-wanted - what a collector wants: what is taken names only what there can be, and widens no
 * access by a mistake. */
#include "base/cleanup.h"
#include "base/str.h"
#include "nvmf/nqn.h"
#include "tests/fuzz/tree.h"
#include "wire/wanted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_listener(const struct wanted_listener *listener)
{
	REQUIRE(strcmp(listener->transport, "rdma") == 0 ||
		strcmp(listener->transport, "tcp") == 0);
	/* it becomes part of "transport=tcp,traddr=.." */
	REQUIRE(*listener->address && !strpbrk(listener->address, ",= \n"));
	REQUIRE(!strpbrk(listener->service, ",= \n"));
}

static void check_export(const struct js *js, const struct wanted_entry *entry)
{
	struct wanted_listener listener;
	size_t i;

	if (entry->absent)
		return;
	REQUIRE(js_type(js_get(js, "any_host")) == JS_BOOL);
	REQUIRE(!entry->any_host || js_length(entry->hosts) == 0);
	for (i = 0; i < js_length(entry->hosts); i++)
		REQUIRE(nqn_check_host(js_text(js_at(entry->hosts, i)), NULL) == 0);
	for (i = 0; i < js_length(entry->devices); i++)
		REQUIRE(*js_text(js_at(entry->devices, i)) == '/');
	for (i = 0; i < js_length(entry->listeners); i++) {
		wanted_listener_at(entry->listeners, i, &listener);
		check_listener(&listener);
	}
}

static void check_entry(const struct wanted *wanted, size_t index)
{
	const struct js *js = js_at(wanted->entries, index);
	CLEANUP_JS struct js *again = NULL;
	struct wanted_entry entry;

	wanted_entry_at(wanted, index, &entry);
	REQUIRE(*entry.intent && nqn_check(entry.nqn, NULL) == 0);
	REQUIRE((entry.kind == WANTED_CONNECTION) == (wanted->role == REPORT_INITIATOR));
	if (entry.kind == WANTED_EXPORT)
		check_export(js, &entry);
	else if (entry.kind == WANTED_ACCESS)
		REQUIRE(nqn_check_host(entry.hostnqn, NULL) == 0);
	else
		check_listener(&entry.at);
	again = wanted_entry_encode(&entry);
	REQUIRE(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_JS struct js *js = NULL;
	struct wanted wanted;
	struct err err = ERR_NULL;
	size_t i;

	if (js_parse((const char *)data, size, &js, NULL) < 0)
		return 0;
	if (wanted_decode(js, &wanted, &err) < 0) {
		REQUIRE(err.code == -EINVAL && *err.text);
		return 0;
	}
	for (i = 0; i < wanted.count; i++)
		check_entry(&wanted, i);
	return 0;
}
