/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include "base/err.h"
#include "tests/unit/target/fake-nvmet.h"

#define HOST "nqn.2014-08.org.example:host1"
#define OTHER "nqn.2014-08.org.example:host2"

struct pair {
	struct model_object *wanted;
	struct model_object *actual;
};

static int set_up(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	pair->wanted = model_new();
	pair->actual = model_new();
	*state = pair;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *pair = *state;

	model_free(pair->wanted);
	model_free(pair->actual);
	free(pair);
	return 0;
}

/* --- trees */

static void run(struct model_object *root, enum plan_op op, const char *path, const char *value)
{
	struct plan_action act = { .op = op, .path = (char *)path, .value = (char *)value };

	if (strstr(path, "dhchap"))
		act.flags = PLAN_SECRET;
	assert_int_equal(fake_do(root, &act), 0);
}

static void have_host(struct model_object *root, const char *nqn)
{
	char path[300];

	snprintf(path, sizeof(path), "hosts/%s", nqn);
	run(root, PLAN_MKDIR, path, NULL);
}

/* A subsystem with namespace 1 on a drive; any host, or HOST only. */
static void have_subsystem(struct model_object *root, const char *nqn, const char *host)
{
	struct model_object *s;
	char path[300];

	snprintf(path, sizeof(path), "subsystems/%s", nqn);
	run(root, PLAN_MKDIR, path, NULL);
	s = model_find(root, MODEL_SUBSYSTEM, nqn);
	snprintf(path, sizeof(path), "subsystems/%s/namespaces/1", nqn);
	run(root, PLAN_MKDIR, path, NULL);
	model_set(model_find_id(s, MODEL_NAMESPACE, 1), "device_path", "/dev/nvme1n1");
	model_set(model_find_id(s, MODEL_NAMESPACE, 1), "enable", "1");
	if (host)
		model_link(s, host, false);
	else
		model_set(s, "attr_allow_any_host", "1");
}

static struct model_object *have_port(struct model_object *root, const char *id, const char *nqn)
{
	struct model_object *port;
	char path[64];

	snprintf(path, sizeof(path), "ports/%s", id);
	run(root, PLAN_MKDIR, path, NULL);
	port = model_find(root, MODEL_PORT, id);
	model_set(port, "addr_trtype", "rdma");
	model_set(port, "addr_tsas", "connected");
	model_set(port, "addr_adrfam", "ipv4");
	model_set(port, "addr_traddr", "10.0.0.1");
	model_set(port, "addr_trsvcid", "4420");
	if (nqn)
		model_link(port, nqn, false);
	return port;
}

static struct model_object *want(struct model_object *root, enum model_kind kind, const char *name)
{
	struct model_object *object = model_add(root, kind, name);

	assert_non_null(object);
	return object;
}

static struct model_object *want_namespace(struct model_object *s, unsigned int nsid,
					   const char *device)
{
	struct model_object *ns = model_add_id(s, MODEL_NAMESPACE, nsid);

	model_set(ns, "device_path", device);
	model_set(ns, "enable", "1");
	return ns;
}

static struct model_object *want_port(struct model_object *root, const char *nqn)
{
	struct model_object *port = want(root, MODEL_PORT, "1");

	model_set(port, "addr_trtype", "rdma");
	model_set(port, "addr_adrfam", "ipv4");
	model_set(port, "addr_traddr", "10.0.0.1");
	model_set(port, "addr_trsvcid", "4420");
	model_link(port, nqn, false);
	return port;
}

/* --- plans in short */

static void add_action(const struct plan_action *act, struct str *text)
{
	static const char *const names[] = { "mkdir", "rmdir", "write", "link", "unlink", "chmod" };

	str_addf(text, "%s %s%s%s\n", names[act->op], act->path, act->op == PLAN_WRITE ? " " : "",
		 act->op == PLAN_WRITE ? act->value : "");
}

static void assert_steps(const struct plan *plan, const char *expected)
{
	struct str text CLEANUP_STR = STR_NULL;
	size_t i;

	for (i = 0; i < plan->n_steps; i++)
		add_action(&plan->steps[i].act, &text);
	assert_string_equal(str_get(&text), expected);
}

static void assert_plan(void **state, unsigned int flags, const char *expected)
{
	struct plan plan CLEANUP_PLAN = PLAN_NULL;
	struct pair *pair = *state;
	struct err err = ERR_NULL;

	if (plan_make(pair->wanted, pair->actual, flags, &plan, &err) < 0)
		fail_msg("%s", err.text);
	assert_steps(&plan, expected);
}

static void assert_refused(void **state, int code, const char *part)
{
	struct plan plan CLEANUP_PLAN = PLAN_NULL;
	struct pair *pair = *state;
	struct err err = ERR_NULL;

	assert_int_equal(plan_make(pair->wanted, pair->actual, 0, &plan, &err), code);
	assert_non_null(strstr(err.text, part));
	assert_int_equal(plan.n_steps, 0);
}

/* --- create */

static void a_new_export_is_published_last(void **state)
{
	struct pair *pair = *state;
	struct model_object *s = want(pair->wanted, MODEL_SUBSYSTEM, "blake14");

	model_set(s, "attr_serial", "b1a4");
	model_set(s, "attr_allow_any_host", "1");
	want_namespace(s, 1, "/dev/nvme1n1");
	want_port(pair->wanted, "blake14");
	assert_plan(state, 0,
		    "mkdir subsystems/blake14\n"
		    "write subsystems/blake14/attr_serial b1a4\n"
		    "mkdir subsystems/blake14/namespaces/1\n"
		    "write subsystems/blake14/namespaces/1/device_path /dev/nvme1n1\n"
		    "write subsystems/blake14/namespaces/1/enable 1\n"
		    "write subsystems/blake14/attr_allow_any_host 1\n"
		    "mkdir ports/1\n"
		    "write ports/1/addr_trtype rdma\n"
		    "write ports/1/addr_adrfam ipv4\n"
		    "write ports/1/addr_traddr 10.0.0.1\n"
		    "write ports/1/addr_trsvcid 4420\n"
		    "link ports/1/subsystems/blake14\n");
}

static void a_key_is_closed_before_it_is_written(void **state)
{
	struct pair *pair = *state;
	struct model_object *host = want(pair->wanted, MODEL_HOST, HOST);

	model_set_secret(host, "dhchap_key", "DHHC-1:00:a:");
	assert_plan(state, 0,
		    "mkdir hosts/" HOST "\n"
		    "chmod hosts/" HOST "\n"
		    "chmod hosts/" HOST "/dhchap_key\n"
		    "chmod hosts/" HOST "/dhchap_ctrl_key\n"
		    "write hosts/" HOST "/dhchap_key DHHC-1:00:a:\n");
}

static void a_port_that_is_right_is_shared(void **state)
{
	struct pair *pair = *state;

	have_subsystem(pair->actual, "blake14", NULL);
	have_subsystem(pair->actual, "blake15", NULL);
	have_port(pair->actual, "1", "blake14");
	want_port(pair->wanted, "blake15");
	assert_plan(state, 0, "link ports/1/subsystems/blake15\n");
}

static void what_is_there_needs_no_step(void **state)
{
	struct pair *pair = *state;
	struct model_object *s;

	have_subsystem(pair->actual, "blake14", NULL);
	have_port(pair->actual, "1", "blake14");
	s = want(pair->wanted, MODEL_SUBSYSTEM, "blake14");
	model_set(s, "attr_allow_any_host", "1");
	model_set(s, "attr_serial", "5e41a1   ");
	want_namespace(s, 1, "/dev/nvme1n1");
	want_port(pair->wanted, "blake14");
	assert_plan(state, 0, "");
}

static void an_empty_value_leaves_what_is_there(void **state)
{
	struct pair *pair = *state;

	have_subsystem(pair->actual, "blake14", NULL);
	have_port(pair->actual, "1", "blake14");
	model_set(want(pair->wanted, MODEL_PORT, "1"), "addr_trsvcid", "");
	assert_plan(state, 0, "");
}

static void a_port_cannot_serve_what_is_not_there(void **state)
{
	want_port(((struct pair *)*state)->wanted, "blake14");
	assert_refused(state, -EINVAL, "no such subsystem");
}

static void the_highest_controller_id_rises_first(void **state)
{
	struct pair *pair = *state;
	struct model_object *s;

	have_subsystem(pair->actual, "blake14", NULL);
	model_set(model_find(pair->actual, MODEL_SUBSYSTEM, "blake14"), "attr_cntlid_max", "100");
	s = want(pair->wanted, MODEL_SUBSYSTEM, "blake14");
	model_set(s, "attr_cntlid_min", "200");
	model_set(s, "attr_cntlid_max", "300");
	assert_plan(state, 0,
		    "write subsystems/blake14/attr_cntlid_max 300\n"
		    "write subsystems/blake14/attr_cntlid_min 200\n");
}

static void a_default_that_is_on_can_be_switched_off(void **state)
{
	struct pair *pair = *state;

	model_set(want(pair->wanted, MODEL_SUBSYSTEM, "blake14"), "attr_tbkas", "0");
	assert_plan(state, 0,
		    "mkdir subsystems/blake14\n"
		    "write subsystems/blake14/attr_tbkas 0\n");
}

/* --- access */

static void any_host_ends_before_hosts_are_let_in(void **state)
{
	struct pair *pair = *state;
	struct model_object *s;

	have_subsystem(pair->actual, "blake14", NULL);
	s = want(pair->wanted, MODEL_SUBSYSTEM, "blake14");
	want(pair->wanted, MODEL_HOST, HOST);
	model_set(s, "attr_allow_any_host", "0");
	model_link(s, HOST, false);
	assert_plan(state, 0,
		    "write subsystems/blake14/attr_allow_any_host 0\n"
		    "mkdir hosts/" HOST "\n"
		    "link subsystems/blake14/allowed_hosts/" HOST "\n");
}

static void a_new_host_does_not_see_the_drive_that_goes(void **state)
{
	struct pair *pair = *state;
	struct model_object *s;

	have_host(pair->actual, HOST);
	have_host(pair->actual, OTHER);
	have_subsystem(pair->actual, "blake14", HOST);
	have_port(pair->actual, "1", "blake14");
	s = want(pair->wanted, MODEL_SUBSYSTEM, "blake14");
	model_link(s, OTHER, false);
	want_namespace(s, 1, "/dev/nvme2n1");
	assert_plan(state, 0,
		    "write subsystems/blake14/namespaces/1/enable 0\n"
		    "write subsystems/blake14/namespaces/1/device_path /dev/nvme2n1\n"
		    "write subsystems/blake14/namespaces/1/enable 1\n"
		    "link subsystems/blake14/allowed_hosts/" OTHER "\n");
}

static void any_host_is_refused_while_a_list_stays(void **state)
{
	struct pair *pair = *state;

	have_host(pair->actual, HOST);
	have_subsystem(pair->actual, "blake14", HOST);
	model_set(want(pair->wanted, MODEL_SUBSYSTEM, "blake14"), "attr_allow_any_host", "1");
	assert_refused(state, -EINVAL, "list of hosts");
}

static void any_host_comes_after_the_list_went(void **state)
{
	struct pair *pair = *state;
	struct model_object *s;

	have_host(pair->actual, HOST);
	have_subsystem(pair->actual, "blake14", HOST);
	s = want(pair->wanted, MODEL_SUBSYSTEM, "blake14");
	model_set(s, "attr_allow_any_host", "1");
	model_link(s, HOST, true);
	assert_plan(state, 0,
		    "unlink subsystems/blake14/allowed_hosts/" HOST "\n"
		    "write subsystems/blake14/attr_allow_any_host 1\n");
}

static void a_list_beside_any_host_is_refused(void **state)
{
	struct pair *pair = *state;

	have_subsystem(pair->actual, "blake14", NULL);
	model_link(want(pair->wanted, MODEL_SUBSYSTEM, "blake14"), HOST, false);
	assert_refused(state, -EINVAL, "any host");
}

static void a_host_cannot_be_allowed_and_removed(void **state)
{
	struct pair *pair = *state;

	have_host(pair->actual, HOST);
	have_subsystem(pair->actual, "blake14", OTHER);
	model_link(want(pair->wanted, MODEL_SUBSYSTEM, "blake14"), HOST, false);
	want(pair->wanted, MODEL_HOST, HOST)->absent = true;
	assert_refused(state, -EINVAL, "to be removed");
}

/* --- change */

static void a_change_of_a_used_port_is_refused(void **state)
{
	struct pair *pair = *state;

	have_subsystem(pair->actual, "blake14", NULL);
	have_port(pair->actual, "1", "blake14");
	model_set(want(pair->wanted, MODEL_PORT, "1"), "addr_trsvcid", "4421");
	assert_refused(state, -EBUSY, "addr_trsvcid");
}

static void a_port_that_may_change_gets_the_links_of_others_back(void **state)
{
	struct plan plan CLEANUP_PLAN = PLAN_NULL;
	struct pair *pair = *state;

	have_subsystem(pair->actual, "blake14", NULL);
	have_subsystem(pair->actual, "blake15", NULL);
	model_link(have_port(pair->actual, "1", "blake14"), "blake15", false);
	model_set(want_port(pair->wanted, "blake14"), "addr_trsvcid", "4421");
	assert_int_equal(plan_make(pair->wanted, pair->actual, PLAN_MAY_REWRITE_PORT, &plan, NULL),
			 0);
	assert_steps(&plan, "unlink ports/1/subsystems/blake14\n"
			    "unlink ports/1/subsystems/blake15\n"
			    "write ports/1/addr_trsvcid 4421\n"
			    "link ports/1/subsystems/blake14\n"
			    "link ports/1/subsystems/blake15\n");
	assert_int_equal(plan.n_cuts, 2);
}

static void a_port_without_exports_is_changed_in_place(void **state)
{
	struct pair *pair = *state;

	have_port(pair->actual, "1", NULL);
	model_set(want(pair->wanted, MODEL_PORT, "1"), "addr_trsvcid", "4421");
	assert_plan(state, 0, "write ports/1/addr_trsvcid 4421\n");
}

static void a_rounded_size_of_a_used_port_is_no_difference(void **state)
{
	struct pair *pair = *state;

	have_subsystem(pair->actual, "blake14", NULL);
	model_set(have_port(pair->actual, "1", "blake14"), "param_inline_data_size", "16384");
	model_set(want(pair->wanted, MODEL_PORT, "1"), "param_inline_data_size", "8000");
	assert_plan(state, 0, "");
}

static void another_transport_has_its_security_written_again(void **state)
{
	struct pair *pair = *state;
	struct model_object *port = have_port(pair->actual, "1", NULL);

	model_set(port, "addr_trtype", "tcp");
	model_set(port, "addr_tsas", "tls1.3");
	model_set(want(pair->wanted, MODEL_PORT, "1"), "addr_trtype", "rdma");
	assert_plan(state, 0, "write ports/1/addr_trtype rdma\n");
	model_set(port, "addr_trtype", "rdma");
	model_set(want(pair->wanted, MODEL_PORT, "1"), "addr_trtype", "tcp");
	model_set(want(pair->wanted, MODEL_PORT, "1"), "addr_tsas", "tls1.3");
	assert_plan(state, 0,
		    "write ports/1/addr_trtype tcp\n"
		    "write ports/1/addr_tsas tls1.3\n");
}

static void a_namespace_group_changes_without_a_pause(void **state)
{
	struct pair *pair = *state;
	struct model_object *s;

	have_subsystem(pair->actual, "blake14", NULL);
	s = want(pair->wanted, MODEL_SUBSYSTEM, "blake14");
	model_set(want(s, MODEL_NAMESPACE, "1"), "ana_grpid", "2");
	assert_plan(state, 0, "write subsystems/blake14/namespaces/1/ana_grpid 2\n");
}

static void a_queue_limit_says_whom_it_cuts_once(void **state)
{
	struct plan plan CLEANUP_PLAN = PLAN_NULL;
	struct pair *pair = *state;
	struct model_object *s;

	have_subsystem(pair->actual, "blake14", NULL);
	have_port(pair->actual, "1", "blake14");
	s = want(pair->wanted, MODEL_SUBSYSTEM, "blake14");
	model_set(s, "attr_qid_max", "16");
	model_set(s, "attr_tbkas", "0");
	assert_int_equal(plan_make(pair->wanted, pair->actual, 0, &plan, NULL), 0);
	assert_int_equal(plan.n_cuts, 1);
	assert_true(plan.steps[0].act.flags & PLAN_CAN_HANG);
	assert_true(plan.steps[0].undo[0].flags & PLAN_CAN_HANG);
}

/* --- passthru */

static void passthru_beside_a_wanted_namespace_is_refused(void **state)
{
	struct pair *pair = *state;
	struct model_object *s = want(pair->wanted, MODEL_SUBSYSTEM, "blake14");

	model_set(want(s, MODEL_PASSTHRU, "passthru"), "enable", "1");
	want_namespace(s, 1, "/dev/nvme1n1");
	assert_refused(state, -EINVAL, "passthru");
}

static void passthru_beside_a_namespace_that_stays_is_refused(void **state)
{
	struct pair *pair = *state;
	struct model_object *s;

	have_subsystem(pair->actual, "blake14", NULL);
	s = want(pair->wanted, MODEL_SUBSYSTEM, "blake14");
	model_set(want(s, MODEL_PASSTHRU, "passthru"), "enable", "1");
	assert_refused(state, -EINVAL, "passthru");
}

static void have_passthru(struct model_object *root)
{
	struct model_object *passthru;

	run(root, PLAN_MKDIR, "subsystems/blake14", NULL);
	passthru = model_find(model_find(root, MODEL_SUBSYSTEM, "blake14"), MODEL_PASSTHRU,
			      "passthru");
	model_set(passthru, "device_path", "/dev/nvme1");
	model_set(passthru, "enable", "1");
}

static void a_namespace_beside_passthru_that_stays_is_refused(void **state)
{
	struct pair *pair = *state;

	have_passthru(pair->actual);
	want_namespace(want(pair->wanted, MODEL_SUBSYSTEM, "blake14"), 1, "/dev/nvme2n1");
	assert_refused(state, -EINVAL, "passthru");
}

static void passthru_ends_before_a_namespace_begins(void **state)
{
	struct pair *pair = *state;
	struct model_object *s;

	have_passthru(pair->actual);
	s = want(pair->wanted, MODEL_SUBSYSTEM, "blake14");
	model_set(want(s, MODEL_PASSTHRU, "passthru"), "enable", "0");
	want_namespace(s, 1, "/dev/nvme2n1");
	assert_plan(state, 0,
		    "write subsystems/blake14/passthru/enable 0\n"
		    "mkdir subsystems/blake14/namespaces/1\n"
		    "write subsystems/blake14/namespaces/1/device_path /dev/nvme2n1\n"
		    "write subsystems/blake14/namespaces/1/enable 1\n");
}

static void removing_passthru_switches_it_off(void **state)
{
	struct pair *pair = *state;
	struct model_object *s;

	have_passthru(pair->actual);
	s = want(pair->wanted, MODEL_SUBSYSTEM, "blake14");
	want(s, MODEL_PASSTHRU, "passthru")->absent = true;
	assert_plan(state, 0, "write subsystems/blake14/passthru/enable 0\n");
}

/* --- ports' children */

static void group_1_comes_with_its_port_and_stays(void **state)
{
	struct pair *pair = *state;
	struct model_object *port = want(pair->wanted, MODEL_PORT, "1");

	model_set(model_add_id(port, MODEL_ANA_GROUP, 1), "ana_state", "non-optimized");
	model_set(model_add_id(port, MODEL_ANA_GROUP, 2), "ana_state", "optimized");
	assert_plan(state, 0,
		    "mkdir ports/1\n"
		    "write ports/1/ana_groups/1/ana_state non-optimized\n"
		    "mkdir ports/1/ana_groups/2\n"
		    "write ports/1/ana_groups/2/ana_state optimized\n");
	have_port(pair->actual, "1", NULL);
	port->exact = true;
	model_free(model_find_id(port, MODEL_ANA_GROUP, 1));
	model_free(model_find_id(port, MODEL_ANA_GROUP, 2));
	assert_plan(state, 0, "");
}

static void a_referral_is_off_while_its_address_changes(void **state)
{
	struct pair *pair = *state;
	struct model_object *referral;

	have_port(pair->actual, "1", NULL);
	run(pair->actual, PLAN_MKDIR, "ports/1/referrals/next", NULL);
	run(pair->actual, PLAN_WRITE, "ports/1/referrals/next/addr_traddr", "10.0.0.2");
	run(pair->actual, PLAN_WRITE, "ports/1/referrals/next/enable", "1");
	referral = want(want(pair->wanted, MODEL_PORT, "1"), MODEL_REFERRAL, "next");
	model_set(referral, "addr_traddr", "10.0.0.3");
	assert_plan(state, 0,
		    "write ports/1/referrals/next/enable 0\n"
		    "write ports/1/referrals/next/addr_traddr 10.0.0.3\n"
		    "write ports/1/referrals/next/enable 1\n");
}

/* --- remove */

static void a_removed_subsystem_takes_what_is_below_it(void **state)
{
	struct plan plan CLEANUP_PLAN = PLAN_NULL;
	struct pair *pair = *state;

	have_host(pair->actual, HOST);
	have_subsystem(pair->actual, "blake14", HOST);
	have_port(pair->actual, "1", "blake14");
	want(pair->wanted, MODEL_SUBSYSTEM, "blake14")->absent = true;
	want_namespace(model_find(pair->wanted, MODEL_SUBSYSTEM, "blake14"), 1, "/dev/nvme1n1");
	want(pair->wanted, MODEL_HOST, HOST)->absent = true;
	assert_int_equal(plan_make(pair->wanted, pair->actual, 0, &plan, NULL), 0);
	assert_steps(&plan, "unlink ports/1/subsystems/blake14\n"
			    "rmdir subsystems/blake14/namespaces/1\n"
			    "unlink subsystems/blake14/allowed_hosts/" HOST "\n"
			    "rmdir subsystems/blake14\n"
			    "rmdir hosts/" HOST "\n");
	assert_int_equal(plan.n_cuts, 1);
	assert_string_equal(plan.cuts[0].nqn, "blake14");
	assert_true(plan.steps[4].act.flags & PLAN_IF_UNUSED);
}

static void subsystems_are_removed_in_lanes_of_their_own(void **state)
{
	struct plan plan CLEANUP_PLAN = PLAN_NULL;
	struct pair *pair = *state;

	have_subsystem(pair->actual, "blake14", NULL);
	have_subsystem(pair->actual, "blake15", NULL);
	want(pair->wanted, MODEL_SUBSYSTEM, "blake14")->absent = true;
	want(pair->wanted, MODEL_SUBSYSTEM, "blake15")->absent = true;
	assert_int_equal(plan_make(pair->wanted, pair->actual, 0, &plan, NULL), 0);
	assert_int_equal(plan.n_steps, 4);
	assert_int_equal(plan.steps[0].lane, plan.steps[1].lane);
	assert_int_equal(plan.steps[2].lane, plan.steps[3].lane);
	assert_int_not_equal(plan.steps[0].lane, plan.steps[2].lane);
	assert_int_not_equal(plan.steps[0].lane, 0);
}

static void removing_what_is_not_there_needs_no_step(void **state)
{
	struct pair *pair = *state;

	want(pair->wanted, MODEL_SUBSYSTEM, "blake14")->absent = true;
	want(pair->wanted, MODEL_HOST, HOST)->absent = true;
	want(pair->wanted, MODEL_PORT, "1")->absent = true;
	assert_plan(state, 0, "");
}

static void a_removed_port_comes_back_with_the_state_of_group_1(void **state)
{
	struct plan plan CLEANUP_PLAN = PLAN_NULL;
	struct str text CLEANUP_STR = STR_NULL;
	struct pair *pair = *state;
	struct model_object *port = have_port(pair->actual, "1", NULL);

	model_set(model_find_id(port, MODEL_ANA_GROUP, 1), "ana_state", "change");
	want(pair->wanted, MODEL_PORT, "1")->absent = true;
	assert_int_equal(plan_make(pair->wanted, pair->actual, 0, &plan, NULL), 0);
	assert_int_equal(plan.n_steps, 1);
	for (size_t i = 0; i < plan.steps[0].n_undo; i++)
		add_action(&plan.steps[0].undo[i], &text);
	assert_string_equal(str_get(&text), "mkdir ports/1\n"
					    "write ports/1/addr_trtype rdma\n"
					    "write ports/1/addr_adrfam ipv4\n"
					    "write ports/1/addr_traddr 10.0.0.1\n"
					    "write ports/1/addr_trsvcid 4420\n"
					    "write ports/1/ana_groups/1/ana_state change\n");
}

/* --- any pair of trees */

static unsigned int dice(unsigned long *seed, unsigned int sides)
{
	*seed = *seed * 6364136223846793005UL + 1442695040888963407UL;
	return (unsigned int)(*seed >> 33) % sides;
}

static const char *const nqns[] = { "s0", "s1", "s2" };
static const char *const hosts[] = { "h0", "h1", "h2" };
static const char *const devices[] = { "/dev/a", "/dev/b", "/dev/c" };
static const char *const addresses[] = { "10.0.0.1", "10.0.0.2" };
static const char *const bits[] = { "0", "1" };

/* A tree as a kernel may have it: whatever it refuses does not happen. */
static void try(struct model_object *root, enum plan_op op, const char *value, const char *format,
		...) __attribute__((format(printf, 4, 5)));

static void try(struct model_object *root, enum plan_op op, const char *value, const char *format,
		...)
{
	char path[256];
	struct plan_action act = { .op = op, .path = path, .value = (char *)value };
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (strstr(path, "_key"))
		act.flags = PLAN_SECRET;
	fake_do(root, &act);
}

static void random_subsystem(struct model_object *root, const char *nqn, unsigned long *seed)
{
	unsigned int i;

	try(root, PLAN_MKDIR, NULL, "subsystems/%s", nqn);
	try(root, PLAN_WRITE, dice(seed, 2) ? "10" : "200", "subsystems/%s/attr_cntlid_min", nqn);
	try(root, PLAN_WRITE, dice(seed, 2) ? "150" : "300", "subsystems/%s/attr_cntlid_max", nqn);
	try(root, PLAN_WRITE, bits[dice(seed, 2)], "subsystems/%s/attr_allow_any_host", nqn);
	for (i = 0; i < 3; i++)
		if (dice(seed, 2))
			try(root, PLAN_SYMLINK,
			    i == 0   ? "hosts/h0"
			    : i == 1 ? "hosts/h1"
				     : "hosts/h2",
			    "subsystems/%s/allowed_hosts/%s", nqn, hosts[i]);
	if (dice(seed, 4) == 0) {
		try(root, PLAN_WRITE, "/dev/whole", "subsystems/%s/passthru/device_path", nqn);
		try(root, PLAN_WRITE, "1", "subsystems/%s/passthru/enable", nqn);
		return;
	}
	for (i = 1; i <= 3; i++) {
		if (!dice(seed, 2))
			continue;
		try(root, PLAN_MKDIR, NULL, "subsystems/%s/namespaces/%u", nqn, i);
		try(root, PLAN_WRITE, devices[dice(seed, 3)],
		    "subsystems/%s/namespaces/%u/device_path", nqn, i);
		try(root, PLAN_WRITE, bits[dice(seed, 2)],
		    "subsystems/%s/namespaces/%u/buffered_io", nqn, i);
		try(root, PLAN_WRITE, bits[dice(seed, 2)], "subsystems/%s/namespaces/%u/enable",
		    nqn, i);
	}
}

static void random_port(struct model_object *root, unsigned int id, unsigned long *seed)
{
	unsigned int i;

	try(root, PLAN_MKDIR, NULL, "ports/%u", id);
	try(root, PLAN_WRITE, dice(seed, 2) ? "tcp" : "rdma", "ports/%u/addr_trtype", id);
	if (dice(seed, 3) == 0)
		try(root, PLAN_WRITE, "tls1.3", "ports/%u/addr_tsas", id);
	try(root, PLAN_WRITE, addresses[dice(seed, 2)], "ports/%u/addr_traddr", id);
	try(root, PLAN_WRITE, dice(seed, 2) ? "optimized" : "change",
	    "ports/%u/ana_groups/1/ana_state", id);
	if (dice(seed, 2)) {
		try(root, PLAN_MKDIR, NULL, "ports/%u/ana_groups/2", id);
		try(root, PLAN_WRITE, "optimized", "ports/%u/ana_groups/2/ana_state", id);
	}
	if (dice(seed, 2)) {
		try(root, PLAN_MKDIR, NULL, "ports/%u/referrals/r", id);
		try(root, PLAN_WRITE, addresses[dice(seed, 2)], "ports/%u/referrals/r/addr_traddr",
		    id);
		try(root, PLAN_WRITE, bits[dice(seed, 2)], "ports/%u/referrals/r/enable", id);
	}
	for (i = 0; i < 3; i++)
		if (dice(seed, 2))
			try(root, PLAN_SYMLINK,
			    i == 0   ? "subsystems/s0"
			    : i == 1 ? "subsystems/s1"
				     : "subsystems/s2",
			    "ports/%u/subsystems/%s", id, nqns[i]);
}

static void random_tree(struct model_object *root, unsigned long *seed)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		if (dice(seed, 3) == 0)
			continue;
		try(root, PLAN_MKDIR, NULL, "hosts/%s", hosts[i]);
		if (dice(seed, 2))
			try(root, PLAN_WRITE, dice(seed, 2) ? "key1" : "key2",
			    "hosts/%s/dhchap_key", hosts[i]);
	}
	for (i = 0; i < 3; i++)
		if (dice(seed, 3))
			random_subsystem(root, nqns[i], seed);
	for (i = 0; i < 2; i++)
		if (dice(seed, 3))
			random_port(root, i, seed);
}

/* Of a tree that could be: a part of it, some of it to be removed instead, or exact. */
static void spoil(struct model_object *object, unsigned long *seed)
{
	size_t i;

	for (i = object->n_children; i-- > 0;) {
		struct model_object *child = object->children[i];
		unsigned int luck = dice(seed, 10);

		if (luck == 0 && child->kind != MODEL_HOST)
			model_free(child);
		else if (luck == 1)
			child->absent = true;
		else
			spoil(child, seed);
	}
	object->exact = object->parent && dice(seed, 2);
	for (i = 0; i < object->n_links; i++)
		object->links[i].absent = dice(seed, 5) == 0;
	for (i = object->n_attrs; i-- > 0;) {
		struct model_attr *attr = &object->attrs[i];

		bool is_needed = strstr(attr->name, "device_path") ||
				 strstr(attr->name, "trtype") || strstr(attr->name, "cntlid");

		attr->secret = strstr(attr->name, "_key") != NULL;
		if ((!is_needed && dice(seed, 6) == 0) || (!*attr->value && !attr->secret) ||
		    strcmp(attr->value, "(null)") == 0)
			model_unset(object, attr->name);
	}
}

static bool is_unset(const char *value)
{
	return !*value || strcmp(value, "(null)") == 0;
}

/* Everything of @a is in @b too; where @a has no value, @b may have any. */
static void assert_within(const struct model_object *a, const struct model_object *b,
			  unsigned long seed)
{
	char name[MODEL_NAME_MAX];
	size_t i;

	for (i = 0; i < a->n_attrs; i++) {
		const struct model_attr *attr = &a->attrs[i];

		if (!is_unset(attr->value) &&
		    !attr_is_same(a->kind, attr->name, attr->value, model_text(b, attr->name)))
			fail_msg("seed %lu: %s of %s is %s, not %s", seed, attr->name,
				 model_describe(a, name, sizeof(name)), model_text(b, attr->name),
				 attr->value);
		if (!*attr->value && strstr(attr->name, "_key"))
			assert_string_equal(model_text(b, attr->name), "");
	}
	for (i = 0; i < a->n_links; i++)
		if (!model_has_link(b, a->links[i].name))
			fail_msg("seed %lu: %s lost its link to %s", seed,
				 model_describe(a, name, sizeof(name)), a->links[i].name);
	for (i = 0; i < a->n_children; i++) {
		const struct model_object *child = a->children[i];
		const struct model_object *other = model_find(b, child->kind, child->name);

		if (!other)
			fail_msg("seed %lu: %s is only on one side", seed,
				 model_describe(child, name, sizeof(name)));
		assert_within(child, other, seed);
	}
}

static void assert_same_objects(const struct model_object *a, const struct model_object *b,
				unsigned long seed)
{
	char name[MODEL_NAME_MAX];
	size_t i;

	if (a->n_links != b->n_links || a->n_children != b->n_children)
		fail_msg("seed %lu: %s has %zu links and %zu children, not %zu and %zu", seed,
			 model_describe(a, name, sizeof(name)), a->n_links, a->n_children,
			 b->n_links, b->n_children);
	for (i = 0; i < a->n_children; i++)
		assert_same_objects(a->children[i], b->children[i], seed);
}

struct world {
	struct model_object *actual;
	struct model_object *wanted;
	struct plan plan;
	unsigned long seed;
};

/* true: the planner took it. */
static bool world_init(struct world *world, unsigned long seed)
{
	struct err err = ERR_NULL;
	unsigned long state = seed;
	int r;

	*world = (struct world){ .actual = model_new(), .wanted = model_new(), .seed = seed };
	random_tree(world->actual, &state);
	random_tree(world->wanted, &state);
	spoil(world->wanted, &state);
	r = plan_make(world->wanted, world->actual, PLAN_MAY_REWRITE_PORT, &world->plan, &err);
	if (r < 0 && (r != -EINVAL || !err.text[0]))
		fail_msg("seed %lu: %d %s", seed, r, err.text);
	return r == 0;
}

static void world_deinit(struct world *world)
{
	model_free(world->actual);
	model_free(world->wanted);
	plan_deinit(&world->plan);
}

static void do_steps(const struct world *world, struct model_object *root, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		const struct plan_action *act = &world->plan.steps[i].act;
		int r = fake_do(root, act);

		if (r < 0)
			fail_msg("seed %lu: step %zu %s %s: %d", world->seed, i, act->path,
				 act->value ? act->value : "", r);
	}
}

static void undo_steps(const struct world *world, struct model_object *root, size_t n)
{
	while (n-- > 0) {
		const struct plan_step *step = &world->plan.steps[n];
		size_t i;

		for (i = 0; i < step->n_undo; i++) {
			int r = fake_undo(root, &step->undo[i]);

			if (r < 0)
				fail_msg("seed %lu: undo of step %zu: %s %s: %d", world->seed, n,
					 step->undo[i].path,
					 step->undo[i].value ? step->undo[i].value : "", r);
		}
	}
}

static unsigned int for_all_worlds(void (*test)(const struct world *))
{
	unsigned int n = 0;
	unsigned long seed;

	for (seed = 1; seed <= 1000; seed++) {
		struct world world;

		if (world_init(&world, seed)) {
			test(&world);
			n++;
		}
		world_deinit(&world);
	}
	return n;
}

static void check_outcome(const struct world *world)
{
	struct model_object *done CLEANUP_MODEL = model_copy(NULL, world->actual);
	struct model_object *told CLEANUP_MODEL = model_copy(NULL, world->actual);
	size_t i;

	do_steps(world, done, world->plan.n_steps);
	assert_int_equal(plan_outcome(told, world->wanted), 0);
	/* what the kernel makes by itself is no part of what was wanted */
	for (i = 0; i < told->n_children; i++) {
		if (told->children[i]->kind == MODEL_SUBSYSTEM)
			model_add(told->children[i], MODEL_PASSTHRU, "passthru");
		if (told->children[i]->kind == MODEL_PORT)
			model_add_id(told->children[i], MODEL_ANA_GROUP, 1);
	}
	assert_within(told, done, world->seed);
	assert_same_objects(told, done, world->seed);
}

static void the_outcome_is_what_the_steps_make(void **state)
{
	(void)state;
	assert_true(for_all_worlds(check_outcome) > 300);
}

static void check_second(const struct world *world)
{
	struct plan plan CLEANUP_PLAN = PLAN_NULL;
	struct model_object *done CLEANUP_MODEL = model_copy(NULL, world->actual);
	struct err err = ERR_NULL;
	size_t i;

	do_steps(world, done, world->plan.n_steps);
	if (plan_make(world->wanted, done, 0, &plan, &err) < 0)
		fail_msg("seed %lu: %s", world->seed, err.text);
	/* a host that others allow is asked for again */
	for (i = 0; i < plan.n_steps; i++)
		if (!(plan.steps[i].act.flags & PLAN_IF_UNUSED))
			fail_msg("seed %lu: again %s %s", world->seed, plan.steps[i].act.path,
				 plan.steps[i].act.value ? plan.steps[i].act.value : "");
}

static void a_second_plan_is_empty(void **state)
{
	(void)state;
	assert_true(for_all_worlds(check_second) > 300);
}

static void check_undo(const struct world *world)
{
	size_t n;

	for (n = 0; n <= world->plan.n_steps; n++) {
		struct model_object *root CLEANUP_MODEL = model_copy(NULL, world->actual);

		do_steps(world, root, n);
		undo_steps(world, root, n);
		assert_within(world->actual, root, world->seed);
		assert_same_objects(world->actual, root, world->seed);
	}
}

static void what_is_undone_after_any_step_is_as_before(void **state)
{
	(void)state;
	assert_true(for_all_worlds(check_undo) > 300);
}

/* A run that died does not know whether its last step happened, nor how far its undo came. */
static void check_undo_twice(const struct world *world)
{
	size_t n;

	for (n = 1; n <= world->plan.n_steps; n++) {
		struct model_object *root CLEANUP_MODEL = model_copy(NULL, world->actual);
		const struct plan_step *last = &world->plan.steps[n - 1];
		size_t i;

		do_steps(world, root, n - 1);
		for (i = 0; i < last->n_undo; i++)
			if (fake_undo(root, &last->undo[i]) < 0)
				fail_msg("seed %lu: undo of step %zu, which never was: %s %s",
					 world->seed, n - 1, last->undo[i].path,
					 last->undo[i].value ? last->undo[i].value : "");
		undo_steps(world, root, n);
		assert_within(world->actual, root, world->seed);
		assert_same_objects(world->actual, root, world->seed);
	}
}

static void an_undo_can_run_twice_or_without_its_step(void **state)
{
	(void)state;
	assert_true(for_all_worlds(check_undo_twice) > 300);
}

static void check_access(const struct world *world)
{
	struct model_object *root CLEANUP_MODEL = model_copy(NULL, world->actual);
	struct model_object *done CLEANUP_MODEL = model_copy(NULL, world->actual);
	struct str before CLEANUP_STR = STR_NULL;
	struct str after CLEANUP_STR = STR_NULL;
	size_t i;

	do_steps(world, done, world->plan.n_steps);
	fake_access(world->actual, &before);
	fake_access(done, &after);
	for (i = 0; i < world->plan.n_steps; i++) {
		struct str now CLEANUP_STR = STR_NULL;

		fake_do(root, &world->plan.steps[i].act);
		fake_access(root, &now);
		if (!fake_is_no_wider(str_get(&now), str_get(&before), str_get(&after)))
			fail_msg("seed %lu: wider after step %zu (%s)\nbefore:%s\nnow:%s\nafter:%s",
				 world->seed, i, world->plan.steps[i].act.path, str_get(&before),
				 str_get(&now), str_get(&after));
	}
}

static void access_is_never_wider_than_before_and_after(void **state)
{
	(void)state;
	assert_true(for_all_worlds(check_access) > 300);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_export_is_published_last),
		TEST(a_key_is_closed_before_it_is_written),
		TEST(a_port_that_is_right_is_shared),
		TEST(what_is_there_needs_no_step),
		TEST(an_empty_value_leaves_what_is_there),
		TEST(a_port_cannot_serve_what_is_not_there),
		TEST(the_highest_controller_id_rises_first),
		TEST(a_default_that_is_on_can_be_switched_off),
		TEST(any_host_ends_before_hosts_are_let_in),
		TEST(a_new_host_does_not_see_the_drive_that_goes),
		TEST(any_host_is_refused_while_a_list_stays),
		TEST(any_host_comes_after_the_list_went),
		TEST(a_list_beside_any_host_is_refused),
		TEST(a_host_cannot_be_allowed_and_removed),
		TEST(a_change_of_a_used_port_is_refused),
		TEST(a_port_that_may_change_gets_the_links_of_others_back),
		TEST(a_port_without_exports_is_changed_in_place),
		TEST(a_rounded_size_of_a_used_port_is_no_difference),
		TEST(another_transport_has_its_security_written_again),
		TEST(a_namespace_group_changes_without_a_pause),
		TEST(a_queue_limit_says_whom_it_cuts_once),
		TEST(passthru_beside_a_wanted_namespace_is_refused),
		TEST(passthru_beside_a_namespace_that_stays_is_refused),
		TEST(a_namespace_beside_passthru_that_stays_is_refused),
		TEST(passthru_ends_before_a_namespace_begins),
		TEST(removing_passthru_switches_it_off),
		TEST(group_1_comes_with_its_port_and_stays),
		TEST(a_referral_is_off_while_its_address_changes),
		TEST(a_removed_subsystem_takes_what_is_below_it),
		TEST(subsystems_are_removed_in_lanes_of_their_own),
		TEST(removing_what_is_not_there_needs_no_step),
		TEST(a_removed_port_comes_back_with_the_state_of_group_1),
		cmocka_unit_test(the_outcome_is_what_the_steps_make),
		cmocka_unit_test(a_second_plan_is_empty),
		cmocka_unit_test(what_is_undone_after_any_step_is_as_before),
		cmocka_unit_test(an_undo_can_run_twice_or_without_its_step),
		cmocka_unit_test(access_is_never_wider_than_before_and_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
