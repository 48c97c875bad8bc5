/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-initiator-conf - initiator.conf, the files of connections and the lists of exclusions:
 * what is accepted keeps its bounds, and a connection comes back from its own file. */
#include "base/cleanup.h"
#include "base/str.h"
#include "initiator/conf.h"
#include "initiator/owner.h"
#include "tests/fuzz/libconfig.h"
#include "tests/fuzz/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_connection(const struct conf_connection *connection)
{
	CLEANUP_STR struct str text = STR_NULL;
	struct conf_connection again;

	conf_connection_format(connection, &text);
	REQUIRE(conf_connection_parse(str_get(&text), text.length, "x", &again, NULL) == 0);
	REQUIRE(tid_equal(&connection->tid, &again.tid));
	REQUIRE(strcmp(connection->key_file, again.key_file) == 0);
	REQUIRE(memcmp(&connection->tuning, &again.tuning, sizeof(again.tuning)) == 0);
}

static void check_exclusions(const char *text)
{
	CLEANUP_EXCLUSIONS struct exclusions *exclusions = NULL;
	struct tid tid;

	REQUIRE(exclusions_add(&exclusions, text, "x") == 0);
	REQUIRE(tid_parse("tcp,192.0.2.10,4420,vol1", &tid, NULL) == 0);
	REQUIRE(!exclusions_match(exclusions, &tid, "") || exclusions_count(exclusions));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = strndup((const char *)data, size);
	CLEANUP_CONF struct conf conf = CONF_NULL;
	struct err err = ERR_NULL;
	size_t i;

	check_exclusions(text);
	if (conf_parse(text, strlen(text), "x", &conf, &err) < 0) {
		REQUIRE(err.code < 0 && *err.text);
		return 0;
	}
	REQUIRE(conf.retry_min_ms <= conf.retry_max_ms && conf.probe_ms >= 10);
	for (i = 0; i < conf.n_connections; i++)
		check_connection(&conf.connections[i]);
	return 0;
}
