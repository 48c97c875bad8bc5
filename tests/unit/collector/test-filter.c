/* SPDX-License-Identifier: BSD-3-Clause */
/* Each filter of doc/api.md on each list, over reports as the helpers make them. */
#include "tests/unit/collector/harness.h"

#include "collector/api.h"

#define A "nqn.2014-08.org.nvmexpress:uuid:aaaaaaaa-0000-4000-8000-000000000015"
#define B "nqn.2014-08.org.nvmexpress:uuid:bbbbbbbb-0000-4000-8000-000000000015"
#define C "nqn.2014-08.org.nvmexpress:uuid:cccccccc-0000-4000-8000-000000000016"

#define REPORT(node, name, role, objects)                                                          \
	"{\"version\":1,\"node\":\"" node "\",\"name\":\"" name "\",\"role\":\"" role              \
	"\",\"boot\":\"b\",\"program\":\"p\",\"interval_ms\":60000,\"snapshot\":{\"seq\":1,"       \
	"\"objects\":[" objects "]}}"

/* blake14 exports alpha to A (B has a session there), and beta, a drive without an id of its own,
 * to anybody; one drive is free */
static const char target[] = REPORT(
	"id14", "blake14", "target",
	"{\"kind\":\"subsystem\",\"id\":\"alpha\",\"nqn\":\"alpha\",\"any_host\":false,"
	"\"serial\":\"1\",\"state\":\"active\",\"wanted\":\"stored\"},"
	"{\"kind\":\"subsystem\",\"id\":\"beta\",\"nqn\":\"beta\",\"any_host\":true,\"state\":"
	"\"partly\",\"waiting_for\":[\"x\"]},"
	"{\"kind\":\"namespace\",\"id\":\"alpha/1\",\"nqn\":\"alpha\",\"nsid\":1,\"device\":"
	"\"/dev/nvme1n1\",\"drive\":\"eui.1\",\"state\":\"active\"},"
	"{\"kind\":\"namespace\",\"id\":\"beta/1\",\"nqn\":\"beta\",\"nsid\":1,\"device\":"
	"\"/dev/vdb\",\"state\":\"missing\"},"
	"{\"kind\":\"listener\",\"id\":\"1\",\"port_id\":1,\"transport\":\"tcp\",\"address\":"
	"\"10.1.1.14\",\"service\":\"4420\",\"subsystems\":[\"alpha\",\"beta\"],\"state\":"
	"\"listening\"},"
	"{\"kind\":\"listener\",\"id\":\"2\",\"port_id\":2,\"transport\":\"tcp\",\"address\":"
	"\"10.2.1.14\",\"service\":\"4420\",\"subsystems\":[\"alpha\"],\"state\":\"down\"},"
	"{\"kind\":\"allowed\",\"id\":\"alpha/" A "\",\"nqn\":\"alpha\",\"hostnqn\":\"" A "\"},"
	"{\"kind\":\"session\",\"id\":\"alpha/" B "/1\",\"nqn\":\"alpha\",\"hostnqn\":\"" B
	"\",\"state\":\"live\"},"
	"{\"kind\":\"session\",\"id\":\"1/10.1.1.15:5\",\"address\":\"10.1.1.15:5\",\"port_id\":1},"
	"{\"kind\":\"drive\",\"id\":\"eui.1\",\"path\":\"/dev/nvme1n1\",\"state\":\"exported\"},"
	"{\"kind\":\"drive\",\"id\":\"/dev/vdb\",\"path\":\"/dev/vdb\",\"state\":\"exported\"},"
	"{\"kind\":\"drive\",\"id\":\"eui.3\",\"path\":\"/dev/nvme3n1\",\"state\":\"free\"}");

/* blake15 has the host NQNs A, its own one, and B. Connections of the own one do not say so. */
static const char two_nqns[] = REPORT(
	"id15", "blake15", "initiator",
	"{\"kind\":\"host\",\"id\":\"" A "\",\"hostnqn\":\"" A "\",\"default\":true},"
	"{\"kind\":\"host\",\"id\":\"" B "\",\"hostnqn\":\"" B "\",\"default\":false},"
	"{\"kind\":\"connection\",\"id\":\"tcp,10.1.1.14,4420,alpha\",\"nqn\":\"alpha\","
	"\"transport\":\"tcp\",\"address\":\"10.1.1.14\",\"service\":\"4420\",\"state\":\"up\","
	"\"controller\":\"nvme3\",\"source\":\"collector\",\"counters\":{\"attempts\":1}},"
	"{\"kind\":\"connection\",\"id\":\"tcp,10.1.1.14,4420,beta\",\"nqn\":\"beta\","
	"\"hostnqn\":\"" B "\",\"state\":\"waiting\"},"
	"{\"kind\":\"controller\",\"id\":\"nvme3\",\"nqn\":\"alpha\",\"hostnqn\":\"" A
	"\",\"state\":\"live\"},"
	"{\"kind\":\"device\",\"id\":\"nvme3n1\",\"nqn\":\"alpha\",\"nsid\":1,\"device\":"
	"\"/dev/nvme3n1\",\"mounts\":[],\"paths\":[{\"controller\":\"nvme3\",\"ana_state\":"
	"\"optimized\",\"state\":\"live\"}]}");

static const char other[] =
	REPORT("id16", "blake16", "initiator",
	       "{\"kind\":\"host\",\"id\":\"" C "\",\"hostnqn\":\"" C "\",\"default\":true},"
	       "{\"kind\":\"connection\",\"id\":\"tcp,10.2.1.14,4420,alpha\",\"nqn\":\"alpha\","
	       "\"state\":\"lost\",\"controller\":\"nvme0\"},"
	       "{\"kind\":\"controller\",\"id\":\"nvme0\",\"nqn\":\"alpha\",\"hostnqn\":\"" C
	       "\",\"state\":\"connecting\"}");

static void begin(struct harness *h)
{
	struct report_answer answer;

	harness_start(h);
	assert_int_equal(harness_send(h, target, &answer), 0);
	assert_int_equal(harness_send(h, two_nqns, &answer), 0);
	assert_int_equal(harness_send(h, other, &answer), 0);
}

struct query {
	const char *key, *value;
};

static const char *query_of(const void *data, const char *key)
{
	const struct query *query = data;

	return strcmp(query->key, key) == 0 ? query->value : NULL;
}

/* The ids that GET @path?@key=@value answers, with a blank behind each. */
static void list(struct harness *h, const char *path, const char *key, const char *value,
		 struct str *ret)
{
	static const struct auth_who who = { .right = AUTH_VIEWER };
	const struct query query = { key, value };
	struct api_request request = { .method = "GET",
				       .path = path,
				       .body = "",
				       .who = &who,
				       .address = "",
				       .query = query_of,
				       .query_data = &query };
	struct api_answer answer = API_ANSWER_NULL;
	const struct api_route *route;
	CLEANUP_JS struct js *js = NULL;
	const struct js *items;
	size_t i;

	assert_int_equal(api_find("GET", path, &route, &request.id, NULL), 0);
	api_call(&h->collector, route, &request, &answer);
	assert_int_equal(answer.status, 200);
	assert_int_equal(js_parse(str_get(&answer.body), answer.body.length, &js, NULL), 0);
	str_deinit(&answer.body);
	items = js_get(js, "items");
	for (i = 0; i < js_length(items); i++)
		str_addf(ret, "%s ", js_text(js_get(js_at(items, i), "id")));
}

static void check(struct harness *h, const char *path, const char *key, const char *value,
		  const char *expected)
{
	CLEANUP_STR struct str ids = STR_NULL;

	list(h, path, key, value, &ids);
	if (strcmp(str_get(&ids), expected) != 0)
		fail_msg("%s?%s=%s: \"%s\", not \"%s\"", path, key, value, str_get(&ids), expected);
}

#define C_ALPHA "tcp,10.1.1.14,4420,alpha "
#define C_BETA "tcp,10.1.1.14,4420,beta "
#define C_OTHER "tcp,10.2.1.14,4420,alpha "

static void a_host_is_found_by_name_by_id_and_by_each_of_its_nqns(void **state)
{
	HARNESS h;

	(void)state;
	begin(&h);
	check(&h, "/connections", "host", "blake15", C_ALPHA C_BETA);
	check(&h, "/connections", "host", "id15", C_ALPHA C_BETA);
	check(&h, "/connections", "host", A, C_ALPHA);
	check(&h, "/connections", "host", B, C_BETA);
	check(&h, "/connections", "host", C, C_OTHER);
	check(&h, "/connections", "host", "nobody", "");
	check(&h, "/controllers", "host", "blake15", "nvme3 ");
	check(&h, "/controllers", "host", A, "nvme3 ");
	check(&h, "/controllers", "host", B, "");
	check(&h, "/devices", "host", A, "nvme3n1 ");
	check(&h, "/devices", "host", C, "");
	check(&h, "/hosts", "host", A, A " ");
	check(&h, "/hosts", "host", "blake15", A " " B " ");
	check(&h, "/nodes", "host", A, "id15 ");
	check(&h, "/nodes", "host", "blake16", "id16 ");
	check(&h, "/nodes", "host", "blake14", "");
}

static void of_a_target_the_host_has_what_lets_it_in(void **state)
{
	HARNESS h;

	(void)state;
	begin(&h);
	check(&h, "/sessions", "host", B, "alpha/" B "/1 ");
	check(&h, "/sessions", "host", "blake15", "alpha/" B "/1 ");
	check(&h, "/sessions", "host", A, "");
	check(&h, "/subsystems", "host", A, "alpha beta ");
	check(&h, "/subsystems", "host", "blake15", "alpha beta ");
	check(&h, "/subsystems", "host", C, "beta ");
	check(&h, "/namespaces", "host", "blake16", "beta/1 ");
	check(&h, "/endpoints", "host", "blake16", "1 ");
	check(&h, "/endpoints", "host", A, "1 2 ");
	check(&h, "/drives", "host", C, "/dev/vdb ");
	check(&h, "/drives", "host", A, "/dev/vdb eui.1 ");
}

static void each_list_is_filtered_by_subsystem(void **state)
{
	HARNESS h;

	(void)state;
	begin(&h);
	check(&h, "/nodes", "nqn", "alpha", "id14 id15 id16 ");
	check(&h, "/nodes", "nqn", "beta", "id14 id15 ");
	check(&h, "/nodes", "nqn", "gamma", "");
	check(&h, "/endpoints", "nqn", "beta", "1 ");
	check(&h, "/subsystems", "nqn", "alpha", "alpha ");
	check(&h, "/namespaces", "nqn", "beta", "beta/1 ");
	check(&h, "/drives", "nqn", "alpha", "eui.1 ");
	check(&h, "/drives", "nqn", "gamma", "");
	check(&h, "/hosts", "nqn", "beta", A " " B " ");
	check(&h, "/connections", "nqn", "alpha", C_ALPHA C_OTHER);
	check(&h, "/controllers", "nqn", "alpha", "nvme3 nvme0 ");
	check(&h, "/devices", "nqn", "alpha", "nvme3n1 ");
	check(&h, "/sessions", "nqn", "alpha", "alpha/" B "/1 ");
}

static void each_list_is_filtered_by_node(void **state)
{
	HARNESS h;

	(void)state;
	begin(&h);
	check(&h, "/nodes", "node", "blake15", "id15 ");
	check(&h, "/nodes", "node", "id15", "id15 ");
	check(&h, "/endpoints", "node", "blake14", "1 2 ");
	check(&h, "/endpoints", "node", "blake15", "");
	check(&h, "/subsystems", "node", "id14", "alpha beta ");
	check(&h, "/namespaces", "node", "blake14", "alpha/1 beta/1 ");
	check(&h, "/drives", "node", "blake14", "/dev/vdb eui.1 eui.3 ");
	check(&h, "/hosts", "node", "blake16", C " ");
	check(&h, "/connections", "node", "blake16", C_OTHER);
	check(&h, "/controllers", "node", "id16", "nvme0 ");
	check(&h, "/devices", "node", "blake15", "nvme3n1 ");
	check(&h, "/sessions", "node", "blake14", "1/10.1.1.15:5 alpha/" B "/1 ");
}

static void each_list_is_filtered_by_state_as_it_is_shown(void **state)
{
	HARNESS h;

	(void)state;
	begin(&h);
	check(&h, "/nodes", "state", "online", "id14 id15 id16 ");
	check(&h, "/nodes", "state", "stale", "");
	check(&h, "/endpoints", "state", "down", "2 ");
	check(&h, "/subsystems", "state", "partly", "beta ");
	check(&h, "/namespaces", "state", "missing", "beta/1 ");
	check(&h, "/drives", "state", "free", "eui.3 ");
	check(&h, "/hosts", "state", "free", "");
	check(&h, "/connections", "state", "lost", C_OTHER);
	check(&h, "/controllers", "state", "live", "nvme3 ");
	check(&h, "/devices", "state", "live", "nvme3n1 ");
	check(&h, "/devices", "state", "dead", "");
	check(&h, "/sessions", "state", "live", "alpha/" B "/1 ");
	/* of what was not heard since a restart nothing is fresh */
	harness_restart(&h);
	check(&h, "/nodes", "state", "unknown", "id14 id15 id16 ");
	check(&h, "/nodes", "state", "stale", "id14 id15 id16 ");
	check(&h, "/drives", "state", "stale", "/dev/vdb eui.1 eui.3 ");
	check(&h, "/drives", "state", "free", "eui.3 ");
}

static void objects_of_any_kind_are_filtered_by_kind_and_role(void **state)
{
	HARNESS h;
	CLEANUP_STR struct str all = STR_NULL;

	(void)state;
	begin(&h);
	check(&h, "/objects", "kind", "allowed", "alpha/" A " ");
	check(&h, "/objects", "kind", "nothing", "");
	check(&h, "/nodes", "role", "target", "id14 ");
	list(&h, "/objects", "role", "target", &all);
	assert_null(strstr(str_get(&all), "nvme3"));
	assert_non_null(strstr(str_get(&all), "eui.3"));
}

/* --- attachments and exports */

struct post {
	struct harness *h;
	const char *path;
	const char *body;
};

static int write_post(void *data, struct err *err)
{
	static const struct auth_who admin = { .right = AUTH_ADMIN };
	const struct post *post = data;
	struct api_request request = { .method = "POST",
				       .path = post->path,
				       .body = post->body,
				       .length = strlen(post->body),
				       .who = &admin,
				       .address = "" };
	struct api_answer answer = API_ANSWER_NULL;
	const struct api_route *route;

	(void)err;
	assert_int_equal(api_find("POST", post->path, &route, &request.id, NULL), 0);
	api_call(&post->h->collector, route, &request, &answer);
	if (answer.status != 202)
		fail_msg("%s: %s", post->body, str_get(&answer.body));
	str_deinit(&answer.body);
	return 0;
}

static void post(struct harness *h, const char *path, const char *body)
{
	struct post one = { h, path, body };

	assert_int_equal(commit_join(h->collector.commit, write_post, NULL, &one), 0);
	commit_now(h->collector.commit);
}

#define EXPORT(nqn, hosts)                                                                         \
	"{\"node\":\"blake14\",\"nqn\":\"" nqn "\",\"devices\":[\"/dev/nvme3n1\"],\"listeners\":"  \
	"[{\"transport\":\"tcp\",\"address\":\"10.1.1.14\",\"service\":\"4420\"}]," hosts "}"

static void attachments_and_exports_are_filtered_as_well(void **state)
{
	HARNESS h;

	(void)state;
	begin(&h);
	post(&h, "/attachments", "{\"subsystem\":\"alpha\",\"host\":\"blake15\"}");
	post(&h, "/attachments", "{\"subsystem\":\"beta\",\"host\":\"" C "\"}");
	check(&h, "/attachments", "host", "blake15", "a-1 ");
	check(&h, "/attachments", "host", A, "a-1 ");
	check(&h, "/attachments", "host", C, "a-2 ");
	check(&h, "/attachments", "nqn", "beta", "a-2 ");
	check(&h, "/attachments", "node", "blake14", "a-1 a-2 ");
	check(&h, "/attachments", "node", "id16", "a-2 ");
	check(&h, "/attachments", "state", "attached", "");
	post(&h, "/exports", EXPORT("gamma", "\"hosts\":[\"" A "\"]"));
	post(&h, "/exports", EXPORT("delta", "\"any_host\":true"));
	check(&h, "/exports", "host", A, "e-3 e-4 ");
	check(&h, "/exports", "host", "blake15", "e-3 e-4 ");
	check(&h, "/exports", "host", C, "e-4 ");
	check(&h, "/exports", "nqn", "gamma", "e-3 ");
	check(&h, "/exports", "node", "blake14", "e-3 e-4 ");
	check(&h, "/exports", "state", "creating", "e-3 e-4 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_is_found_by_name_by_id_and_by_each_of_its_nqns),
		cmocka_unit_test(of_a_target_the_host_has_what_lets_it_in),
		cmocka_unit_test(each_list_is_filtered_by_subsystem),
		cmocka_unit_test(each_list_is_filtered_by_node),
		cmocka_unit_test(each_list_is_filtered_by_state_as_it_is_shown),
		cmocka_unit_test(objects_of_any_kind_are_filtered_by_kind_and_role),
		cmocka_unit_test(attachments_and_exports_are_filtered_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
