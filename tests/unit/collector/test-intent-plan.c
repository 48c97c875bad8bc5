/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "collector/intent-plan.h"

static const struct intent_names names = {
	.subsystem = "x",
	.target = "blake14",
	.host = "blake15",
	.listener = "tcp 10.1.1.1:4420",
	.timeout = "30.0 s",
};

/* An attachment and all that is known about it; each test changes facts and lets it go on. */
struct world {
	struct intent_plan plan;
	struct intent_facts facts;
	struct intent_out out; /* of the last step */
};

static struct intent_facts quiet(void)
{
	return (struct intent_facts){
		.target = { INTENT_ONLINE, INTENT_NO_WORD, "" },
		.host = { INTENT_ONLINE, INTENT_NO_WORD, "" },
		.controller_id = "",
		.device = "",
		.mounted = "",
	};
}

static void begin(struct world *w)
{
	*w = (struct world){ .facts = quiet() };
	intent_plan_init(&w->plan, &w->facts, &names, &w->out);
}

/* What was a word about an entry is none about its opposite. */
static void forget_words(struct world *w, const struct intent_wants *before)
{
	struct intent_wants now = intent_plan_wants(&w->plan);

	if (now.access != before->access)
		w->facts.target = (struct intent_side){ w->facts.target.peer, INTENT_NO_WORD, "" };
	if (now.connection != before->connection)
		w->facts.host = (struct intent_side){ w->facts.host.peer, INTENT_NO_WORD, "" };
	if (w->out.has_moved)
		w->facts.is_late = false;
}

static void go(struct world *w)
{
	struct intent_wants before = intent_plan_wants(&w->plan);

	w->out = (struct intent_out){ 0 };
	intent_plan_advance(&w->plan, &w->facts, &names, &w->out);
	forget_words(w, &before);
}

static void detach(struct world *w, bool force)
{
	struct intent_wants before = intent_plan_wants(&w->plan);

	w->out = (struct intent_out){ 0 };
	intent_plan_detach(&w->plan, force, "asked for", &names, &w->out);
	forget_words(w, &before);
}

static void target_says(struct world *w, enum intent_word word, const char *error)
{
	w->facts.target.word = word;
	w->facts.target.error = error;
}

static void host_says(struct world *w, enum intent_word word, const char *error)
{
	w->facts.host.word = word;
	w->facts.host.error = error;
}

static void connected(struct world *w)
{
	w->facts.controller = INTENT_LIVE;
	w->facts.controller_id = "nvme3";
	w->facts.has_session = true;
}

static void disconnected(struct world *w)
{
	w->facts.controller = INTENT_NONE;
	w->facts.controller_id = w->facts.device = w->facts.mounted = "";
	w->facts.has_session = false;
}

/* up to the hop that is now being waited for */
static void begin_at(struct world *w, enum intent_phase phase)
{
	begin(w);
	if (phase == INTENT_ALLOW)
		return;
	w->facts.is_allowed = true;
	target_says(w, INTENT_DONE, "");
	go(w);
	if (phase == INTENT_CONNECT)
		return;
	connected(w);
	host_says(w, INTENT_DONE, "");
	go(w);
	if (phase == INTENT_DEVICE)
		return;
	w->facts.device = "/dev/nvme3n1";
	go(w);
	assert_int_equal(w->plan.phase, INTENT_ATTACHED);
}

static void is_at(const struct world *w, enum intent_phase phase, const char *state)
{
	assert_int_equal(w->plan.phase, phase);
	assert_string_equal(intent_plan_state(&w->plan), state);
}

static void wants(const struct world *w, enum intent_want access, enum intent_want connection)
{
	struct intent_wants now = intent_plan_wants(&w->plan);

	assert_int_equal(now.access, access);
	assert_int_equal(now.connection, connection);
}

static void error_has(const struct world *w, const char *part)
{
	if (!strstr(w->plan.error, part))
		fail_msg("\"%s\" does not say \"%s\"", w->plan.error, part);
}

/* --- there */

static void each_hop_waits_for_the_one_before_it(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	is_at(&w, INTENT_ALLOW, "attaching");
	wants(&w, INTENT_PRESENT, INTENT_NOTHING);
	/* what comes out of order changes nothing */
	connected(&w);
	w.facts.device = "/dev/nvme3n1";
	go(&w);
	is_at(&w, INTENT_ALLOW, "attaching");
	w.facts.is_allowed = true;
	go(&w);
	is_at(&w, INTENT_ALLOW, "attaching");
	target_says(&w, INTENT_DONE, "");
	go(&w);
	is_at(&w, INTENT_CONNECT, "attaching");
	wants(&w, INTENT_PRESENT, INTENT_PRESENT);
	go(&w);
	is_at(&w, INTENT_DEVICE, "attaching");
	go(&w);
	is_at(&w, INTENT_ATTACHED, "attached");
	wants(&w, INTENT_PRESENT, INTENT_PRESENT);
	assert_string_equal(w.plan.device, "/dev/nvme3n1");
}

static void the_word_alone_and_the_kernel_alone_are_not_enough(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	target_says(&w, INTENT_DONE, "");
	go(&w);
	is_at(&w, INTENT_ALLOW, "attaching");
	begin_at(&w, INTENT_CONNECT);
	host_says(&w, INTENT_DONE, "");
	w.facts.controller = INTENT_DEAD;
	go(&w);
	is_at(&w, INTENT_CONNECT, "attaching");
}

static void where_any_host_may_connect_nothing_is_widened(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.facts.any_host = true;
	go(&w);
	is_at(&w, INTENT_CONNECT, "attaching");
	assert_non_null(strstr(w.out.steps[0].text, "not widened"));
}

static void a_device_that_comes_back_under_another_name_is_followed(void **state)
{
	struct world w;

	(void)state;
	begin_at(&w, INTENT_ATTACHED);
	w.facts.device = "";
	go(&w);
	assert_string_equal(w.plan.device, "/dev/nvme3n1");
	w.facts.device = "/dev/nvme5n1";
	go(&w);
	assert_string_equal(w.plan.device, "/dev/nvme5n1");
	is_at(&w, INTENT_ATTACHED, "attached");
}

/* --- failures, hop by hop */

/* All is taken back, in reverse, and proved. */
static void is_undone(struct world *w, const char *hop, bool was_asked)
{
	assert_string_equal(intent_plan_hop(&w->plan), hop);
	if (was_asked) {
		is_at(w, INTENT_DROP, "attaching");
		wants(w, INTENT_PRESENT, INTENT_ABSENT);
		disconnected(w);
		host_says(w, INTENT_DONE, "");
		go(w);
	}
	is_at(w, INTENT_CUT, "attaching");
	assert_int_equal(intent_plan_wants(&w->plan).access, INTENT_ABSENT);
	w->facts.is_allowed = false;
	target_says(w, INTENT_DONE, "");
	go(w);
	is_at(w, INTENT_OVER, "failed");
	wants(w, INTENT_NOTHING, INTENT_NOTHING);
	assert_true(intent_plan_is_done(&w->plan));
	assert_string_equal(intent_plan_hop(&w->plan), hop);
}

static void a_hop_that_fails_is_named_with_its_reason_and_undone(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	target_says(&w, INTENT_FAILED, "no such subsystem");
	go(&w);
	error_has(&w, "blake14: no such subsystem");
	is_undone(&w, "allow", false);
	begin_at(&w, INTENT_CONNECT);
	host_says(&w, INTENT_FAILED, "no route to it");
	go(&w);
	error_has(&w, "blake15: no route to it");
	is_undone(&w, "connect", true);
	begin_at(&w, INTENT_DEVICE);
	host_says(&w, INTENT_FAILED, "it is gone again");
	go(&w);
	is_undone(&w, "device", true);
}

static void a_hop_that_is_late_is_undone(void **state)
{
	static const char *const hops[] = { "allow", "connect", "device" };
	static const char *const says[] = { "has not said anything", "has not said anything",
					    "no namespace of x became a device" };
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		begin_at(&w, (enum intent_phase)i);
		w.facts.is_late = true;
		go(&w);
		error_has(&w, says[i]);
		is_undone(&w, hops[i], i > 0);
	}
}

static void a_late_hop_tells_what_the_helper_last_said(void **state)
{
	struct world w;

	(void)state;
	begin_at(&w, INTENT_CONNECT);
	host_says(&w, INTENT_WORKING, "10.1.1.1 does not answer");
	go(&w);
	is_at(&w, INTENT_CONNECT, "attaching");
	w.facts.is_late = true;
	go(&w);
	error_has(&w, "10.1.1.1 does not answer (not done within 30.0 s)");
}

static void a_lost_helper_has_until_the_hop_is_late_to_come_back(void **state)
{
	struct world w;

	(void)state;
	begin(&w);
	w.facts.target.peer = INTENT_LOST;
	w.facts.is_allowed = true;
	target_says(&w, INTENT_DONE, "");
	go(&w);
	/* what was heard before it was lost is no proof now */
	is_at(&w, INTENT_ALLOW, "attaching");
	w.facts.target.peer = INTENT_ONLINE;
	go(&w);
	is_at(&w, INTENT_CONNECT, "attaching");
	w.facts.host.peer = INTENT_SILENT;
	w.facts.is_late = true;
	go(&w);
	error_has(&w, "blake15 has never reported");
}

static void the_word_failed_of_the_connect_is_no_refusal_to_disconnect(void **state)
{
	struct world w;

	(void)state;
	begin_at(&w, INTENT_CONNECT);
	host_says(&w, INTENT_FAILED, "refused");
	go(&w);
	is_at(&w, INTENT_DROP, "attaching");
	/* the caller gives words about the entry as it stands only: now there is none */
	assert_int_equal(w.facts.host.word, INTENT_NO_WORD);
	go(&w);
	is_at(&w, INTENT_DROP, "attaching");
	error_has(&w, "refused");
}

static void who_was_allowed_before_stays_so(void **state)
{
	struct world w = { .facts = quiet() };

	(void)state;
	w.facts.is_allowed = true;
	intent_plan_init(&w.plan, &w.facts, &names, &w.out);
	target_says(&w, INTENT_DONE, "");
	go(&w);
	host_says(&w, INTENT_FAILED, "no");
	go(&w);
	host_says(&w, INTENT_DONE, "");
	go(&w);
	wants(&w, INTENT_NOTHING, INTENT_NOTHING);
	go(&w);
	is_at(&w, INTENT_OVER, "failed");
	assert_non_null(strstr(w.plan.proof, "allowed before, and still is"));
}

/* --- detach */

static void detach_is_proved_by_both_sides(void **state)
{
	struct world w;

	(void)state;
	begin_at(&w, INTENT_ATTACHED);
	detach(&w, false);
	is_at(&w, INTENT_DROP, "detaching");
	wants(&w, INTENT_PRESENT, INTENT_ABSENT);
	/* its word, and yet there is a controller */
	host_says(&w, INTENT_DONE, "");
	go(&w);
	is_at(&w, INTENT_DROP, "detaching");
	disconnected(&w);
	go(&w);
	is_at(&w, INTENT_CUT, "detaching");
	wants(&w, INTENT_ABSENT, INTENT_NOTHING);
	target_says(&w, INTENT_DONE, "");
	go(&w);
	is_at(&w, INTENT_CUT, "detaching"); /* still allowed */
	w.facts.is_allowed = false;
	w.facts.has_session = true;
	go(&w);
	is_at(&w, INTENT_CUT, "detaching"); /* still connected */
	w.facts.has_session = false;
	go(&w);
	is_at(&w, INTENT_OVER, "detached");
	assert_string_equal(w.plan.proof, "no controller on the host, no session on the target, "
					  "which no longer lets it in");
	assert_string_equal(w.plan.error, "");
}

static void detach_at_any_hop_on_the_way_there(void **state)
{
	struct world w;
	int i;

	(void)state;
	for (i = INTENT_ALLOW; i <= INTENT_ATTACHED; i++) {
		begin_at(&w, (enum intent_phase)i);
		detach(&w, false);
		is_at(&w, i == INTENT_ALLOW ? INTENT_CUT : INTENT_DROP, "detaching");
		disconnected(&w);
		host_says(&w, INTENT_DONE, "");
		go(&w);
		target_says(&w, INTENT_DONE, "");
		w.facts.is_allowed = false;
		go(&w);
		is_at(&w, INTENT_OVER, "detached");
	}
}

static void what_is_mounted_stays_attached_with_the_reason(void **state)
{
	struct world w;

	(void)state;
	begin_at(&w, INTENT_ATTACHED);
	w.facts.mounted = "/scratch";
	detach(&w, false);
	host_says(&w, INTENT_FAILED, "it is mounted on /scratch");
	go(&w);
	is_at(&w, INTENT_ATTACHED, "attached");
	wants(&w, INTENT_PRESENT, INTENT_PRESENT);
	error_has(&w, "it is mounted on /scratch");
	/* and again, by force */
	detach(&w, true);
	is_at(&w, INTENT_DROP, "detaching");
	assert_true(w.plan.force);
	disconnected(&w);
	host_says(&w, INTENT_DONE, "");
	go(&w);
	is_at(&w, INTENT_CUT, "detaching");
}

static void a_lost_host_is_cut_at_the_target_and_told_when_it_is_back(void **state)
{
	struct world w;

	(void)state;
	begin_at(&w, INTENT_ATTACHED);
	w.facts.host.peer = INTENT_LOST;
	detach(&w, false);
	go(&w);
	is_at(&w, INTENT_CUT, "detaching");
	wants(&w, INTENT_ABSENT, INTENT_ABSENT);
	w.facts.is_allowed = false;
	target_says(&w, INTENT_DONE, "");
	go(&w);
	is_at(&w, INTENT_CUT, "detaching");
	w.facts.has_session = false;
	go(&w);
	is_at(&w, INTENT_OVER, "detached");
	assert_non_null(strstr(w.plan.proof, "the host is not heard"));
	/* its tombstone stays until it says that it is gone there, too */
	wants(&w, INTENT_NOTHING, INTENT_ABSENT);
	assert_false(intent_plan_is_done(&w.plan));
	w.facts.host.peer = INTENT_ONLINE;
	go(&w);
	assert_false(intent_plan_is_done(&w.plan));
	/* its word alone proves nothing */
	host_says(&w, INTENT_DONE, "");
	go(&w);
	assert_false(intent_plan_is_done(&w.plan));
	w.facts.controller = INTENT_NONE;
	go(&w);
	assert_true(intent_plan_is_done(&w.plan));
	assert_string_equal(w.plan.proof, "no controller on the host, no session on the target, "
					  "which no longer lets it in");
}

static void who_was_removed_from_the_collector_is_not_waited_for(void **state)
{
	struct world w;

	(void)state;
	begin_at(&w, INTENT_ATTACHED);
	w.facts.host.peer = INTENT_SILENT;
	w.facts.target.peer = INTENT_SILENT;
	detach(&w, false);
	go(&w);
	is_at(&w, INTENT_CUT, "detaching");
	go(&w);
	is_at(&w, INTENT_OVER, "detached");
	assert_non_null(strstr(w.plan.proof, "the target was removed from the collector"));
	go(&w);
	assert_true(intent_plan_is_done(&w.plan));
	assert_non_null(strstr(w.plan.proof, "the host is not heard"));
}

static void what_is_being_undone_can_be_detached(void **state)
{
	struct world w;

	(void)state;
	begin_at(&w, INTENT_CONNECT);
	host_says(&w, INTENT_FAILED, "nobody listens");
	go(&w);
	is_at(&w, INTENT_DROP, "attaching");
	detach(&w, true);
	is_at(&w, INTENT_DROP, "detaching");
	assert_true(w.plan.force);
	w.facts.controller = INTENT_NONE;
	host_says(&w, INTENT_DONE, "");
	go(&w);
	w.facts.is_allowed = false;
	target_says(&w, INTENT_DONE, "");
	go(&w);
	is_at(&w, INTENT_OVER, "detached");
	assert_string_equal(w.plan.error, "");
}

static void a_lost_host_that_uses_it_is_not_cut_unless_forced(void **state)
{
	struct world w;

	(void)state;
	begin_at(&w, INTENT_ATTACHED);
	w.facts.host.peer = INTENT_LOST;
	w.facts.mounted = "/scratch";
	detach(&w, false);
	go(&w);
	is_at(&w, INTENT_ATTACHED, "attached");
	error_has(&w, "it had it mounted on /scratch");
	/* crashed: the target has no session of it any more, so nothing is in use */
	w.facts.has_session = false;
	detach(&w, false);
	go(&w);
	is_at(&w, INTENT_CUT, "detaching");
}

static void a_lost_target_proves_nothing(void **state)
{
	struct world w;

	(void)state;
	begin_at(&w, INTENT_ATTACHED);
	detach(&w, false);
	disconnected(&w);
	host_says(&w, INTENT_DONE, "");
	go(&w);
	w.facts.target.peer = INTENT_LOST;
	w.facts.is_allowed = false;
	target_says(&w, INTENT_DONE, "");
	w.facts.is_late = true;
	go(&w);
	is_at(&w, INTENT_CUT, "detaching");
	error_has(&w, "blake14 is lost");
	w.facts.target.peer = INTENT_ONLINE;
	go(&w);
	is_at(&w, INTENT_OVER, "detached");
}

static void sessions_of_whom_nobody_knows_are_no_proof_of_a_lost_host(void **state)
{
	struct world w;

	(void)state;
	begin_at(&w, INTENT_ATTACHED);
	w.facts.host.peer = INTENT_LOST;
	w.facts.has_session = false;
	w.facts.has_other_session = true;
	detach(&w, false);
	go(&w);
	w.facts.is_allowed = false;
	target_says(&w, INTENT_DONE, "");
	go(&w);
	is_at(&w, INTENT_CUT, "detaching");
	/* by force the target's word is enough */
	detach(&w, true);
	go(&w);
	is_at(&w, INTENT_OVER, "detached");
	/* and a host that says it has no controller is none of them */
	begin_at(&w, INTENT_ATTACHED);
	detach(&w, false);
	disconnected(&w);
	w.facts.has_other_session = true;
	host_says(&w, INTENT_DONE, "");
	go(&w);
	w.facts.is_allowed = false;
	target_says(&w, INTENT_DONE, "");
	go(&w);
	is_at(&w, INTENT_OVER, "detached");
}

static void by_force_a_host_that_hangs_is_cut_at_the_target(void **state)
{
	struct world w;

	(void)state;
	begin_at(&w, INTENT_ATTACHED);
	detach(&w, true);
	go(&w);
	is_at(&w, INTENT_DROP, "detaching");
	w.facts.is_late = true;
	go(&w);
	is_at(&w, INTENT_CUT, "detaching");
	wants(&w, INTENT_ABSENT, INTENT_ABSENT);
}

/* --- restart, and everything at once */

static void restart(struct intent_plan *plan)
{
	CLEANUP_JS struct js *js = intent_plan_encode(plan);
	CLEANUP_FREE char *before = js_format(js, JS_COMPACT);
	struct intent_plan again;
	CLEANUP_JS struct js *second = NULL;
	CLEANUP_FREE char *after = NULL;

	assert_int_equal(intent_plan_decode(js, &again, NULL), 0);
	second = intent_plan_encode(&again);
	after = js_format(second, JS_COMPACT);
	assert_string_equal(before, after);
	*plan = again;
}

static void what_is_no_stored_plan_is_refused(void **state)
{
	static const char *const texts[] = {
		"{}", "[]", "{\"phase\":\"allow\"}",
		"{\"phase\":\"x\",\"goal\":\"use\",\"failed\":\"allow\"}"
	};
	struct intent_plan plan;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		CLEANUP_JS struct js *js = NULL;

		assert_int_equal(js_parse(texts[i], strlen(texts[i]), &js, NULL), 0);
		assert_int_equal(intent_plan_decode(js, &plan, NULL), -EINVAL);
	}
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed % below;
}

static void change_facts(struct world *w, uint32_t *seed)
{
	struct intent_facts *f = &w->facts;

	switch (draw(seed, 10)) {
	case 0:
		f->target.peer = (enum intent_peer)draw(seed, 3);
		break;
	case 1:
		f->host.peer = (enum intent_peer)draw(seed, 3);
		break;
	case 2:
		target_says(w, (enum intent_word)draw(seed, 4), "because");
		break;
	case 3:
		host_says(w, (enum intent_word)draw(seed, 4), "because");
		break;
	case 4:
		f->is_allowed = draw(seed, 2);
		break;
	case 5:
		f->has_session = draw(seed, 2);
		break;
	case 6:
		f->has_other_session = draw(seed, 2);
		break;
	case 7:
		f->controller = (enum intent_controller)draw(seed, 3);
		break;
	case 8:
		f->device = draw(seed, 2) ? "/dev/nvme3n1" : "";
		f->mounted = *f->device && draw(seed, 2) ? "/scratch" : "";
		break;
	default:
		f->is_late = draw(seed, 2);
	}
}

/* What holds whatever happens. */
static void check(const struct world *w, const struct intent_plan *before,
		  const struct intent_facts *facts)
{
	struct intent_wants now = intent_plan_wants(&w->plan);
	bool is_back = w->plan.goal != INTENT_USE;

	assert_true(w->out.n_steps <= INTENT_STEPS_MAX);
	assert_false(is_back && now.connection == INTENT_PRESENT);
	assert_false(now.access == INTENT_ABSENT && w->plan.was_allowed && !w->plan.force);
	if (before->phase == INTENT_OVER)
		assert_int_equal(w->plan.phase, INTENT_OVER);
	if (before->phase == INTENT_OVER || w->plan.phase != INTENT_OVER)
		return;
	/* it has just become over: that was proved */
	assert_int_equal(before->phase, INTENT_CUT);
	assert_true(*w->plan.proof);
	if (facts->target.peer == INTENT_SILENT) {
		assert_non_null(strstr(w->plan.proof, "is not known"));
		return;
	}
	assert_int_equal(facts->target.peer, INTENT_ONLINE);
	assert_false(facts->has_session);
	assert_true(!facts->is_allowed || facts->any_host || w->plan.was_allowed);
}

static void nothing_that_happens_breaks_a_rule_whenever_it_is_restarted(void **state)
{
	uint32_t seed = 20261124;
	unsigned int ends[2] = { 0, 0 };
	int run;
	int i;

	(void)state;
	for (run = 0; run < 3000; run++) {
		struct world w = { .facts = quiet() };

		w.facts.is_allowed = draw(&seed, 4) == 0;
		w.facts.any_host = draw(&seed, 8) == 0;
		intent_plan_init(&w.plan, &w.facts, &names, &w.out);
		for (i = 0; i < 80; i++) {
			struct intent_plan before = w.plan;
			struct intent_facts facts;

			if (draw(&seed, 30) == 0)
				detach(&w, draw(&seed, 4) == 0);
			change_facts(&w, &seed);
			if (i % 8 == 0)
				restart(&w.plan);
			before = w.plan;
			facts = w.facts;
			go(&w);
			check(&w, &before, &facts);
		}
		if (w.plan.phase == INTENT_OVER)
			ends[w.plan.goal == INTENT_UNDO]++;
	}
	/* both ends were come to, often */
	assert_true(ends[0] > 100 && ends[1] > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_hop_waits_for_the_one_before_it),
		cmocka_unit_test(the_word_alone_and_the_kernel_alone_are_not_enough),
		cmocka_unit_test(where_any_host_may_connect_nothing_is_widened),
		cmocka_unit_test(a_device_that_comes_back_under_another_name_is_followed),
		cmocka_unit_test(a_hop_that_fails_is_named_with_its_reason_and_undone),
		cmocka_unit_test(a_hop_that_is_late_is_undone),
		cmocka_unit_test(a_late_hop_tells_what_the_helper_last_said),
		cmocka_unit_test(a_lost_helper_has_until_the_hop_is_late_to_come_back),
		cmocka_unit_test(the_word_failed_of_the_connect_is_no_refusal_to_disconnect),
		cmocka_unit_test(who_was_allowed_before_stays_so),
		cmocka_unit_test(detach_is_proved_by_both_sides),
		cmocka_unit_test(detach_at_any_hop_on_the_way_there),
		cmocka_unit_test(what_is_mounted_stays_attached_with_the_reason),
		cmocka_unit_test(a_lost_host_is_cut_at_the_target_and_told_when_it_is_back),
		cmocka_unit_test(who_was_removed_from_the_collector_is_not_waited_for),
		cmocka_unit_test(what_is_being_undone_can_be_detached),
		cmocka_unit_test(a_lost_host_that_uses_it_is_not_cut_unless_forced),
		cmocka_unit_test(a_lost_target_proves_nothing),
		cmocka_unit_test(sessions_of_whom_nobody_knows_are_no_proof_of_a_lost_host),
		cmocka_unit_test(by_force_a_host_that_hangs_is_cut_at_the_target),
		cmocka_unit_test(what_is_no_stored_plan_is_refused),
		cmocka_unit_test(nothing_that_happens_breaks_a_rule_whenever_it_is_restarted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
