/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/unit.h"

#include "initiator/doctor.h"
#include "initiator/route.h"
#include "tests/unit/initiator/example.h"

static int set_up(void **state)
{
	struct example *e = calloc(1, sizeof(*e));

	example_fill(e);
	*state = e;
	return 0;
}

static int tear_down(void **state)
{
	struct example *e = *state;

	example_free(e);
	free(e);
	return 0;
}

static const struct finding *find(const struct findings *report, const char *object,
				  const char *part)
{
	size_t i;

	for (i = 0; i < report->count; i++)
		if (strcmp(report->items[i].object, object) == 0 &&
		    strstr(report->items[i].text, part))
			return &report->items[i];
	fail_msg("nothing says \"%s\" of %s", part, object);
	return NULL;
}

static void a_lost_path_is_a_failure_with_its_cause(void **state)
{
	struct example *e = *state;
	CLEANUP_FINDINGS struct findings report = FINDINGS_NULL;
	const struct finding *finding;

	doctor_check_subsystem(&e->look, "blake14", &report);
	finding = find(&report, "nvme1", "is connecting for 12.3 s, keep-alive timeout");
	assert_int_equal(finding->level, FINDING_FAIL);
	assert_int_equal(find(&report, "nvme0", "is live")->level, FINDING_OK);
	assert_int_equal(report.worst, FINDING_FAIL);
}

static void a_missing_path_is_a_failure(void **state)
{
	struct example *e = *state;
	CLEANUP_FINDINGS struct findings report = FINDINGS_NULL;

	doctor_check_subsystem(&e->look, "blake14", &report);
	assert_int_equal(
		find(&report, "rdma 10.103.46.14:4420", "is wanted (conf) and not connected")
			->level,
		FINDING_FAIL);
}

static void a_subsystem_without_devices_or_a_second_path_is_told(void **state)
{
	struct example *e = *state;
	CLEANUP_FINDINGS struct findings report = FINDINGS_NULL;

	doctor_check_subsystem(&e->look, "scratch", &report);
	assert_int_equal(find(&report, "scratch", "shows no namespace")->level, FINDING_WARN);
	assert_int_equal(find(&report, "scratch", "has one path")->level, FINDING_NOTE);
}

static void the_kernel_giving_up_matters_only_without_a_daemon(void **state)
{
	struct example *e = *state;
	CLEANUP_FINDINGS struct findings without = FINDINGS_NULL;
	CLEANUP_FINDINGS struct findings with = FINDINGS_NULL;
	size_t i;

	doctor_check_subsystem(&e->look, "blake14", &without);
	find(&without, "nvme0", "for good after 600 s");
	e->look.has_daemon = true;
	doctor_check_subsystem(&e->look, "blake14", &with);
	for (i = 0; i < with.count; i++)
		assert_null(strstr(with.items[i].text, "for good"));
}

static void a_subsystem_nobody_knows_is_a_failure(void **state)
{
	struct example *e = *state;
	CLEANUP_FINDINGS struct findings report = FINDINGS_NULL;

	doctor_check_subsystem(&e->look, "other", &report);
	assert_int_equal(find(&report, "other", "nobody here wants it")->level, FINDING_FAIL);
}

static void mixed_names_of_this_host_are_told(void **state)
{
	struct example *e = *state;
	CLEANUP_FINDINGS struct findings report = FINDINGS_NULL;

	snprintf(e->look.host.hostid, sizeof(e->look.host.hostid),
		 "46118d08-6699-466c-b700-06eb5712c297");
	snprintf(e->controllers[0].hostid, sizeof(e->controllers[0].hostid),
		 "46118D08-6699-466C-B700-06EB5712C297");
	snprintf(e->controllers[2].hostid, sizeof(e->controllers[2].hostid),
		 "00000000-6699-466c-b700-06eb5712c297");
	doctor_check_identity(&e->look, &report);
	assert_int_equal(find(&report, "nvme2", "the kernel refuses")->level, FINDING_WARN);
	assert_int_equal(find(&report, "host NQN", EXAMPLE_HOST)->level, FINDING_OK);
	assert_int_equal(report.count, 2);
}

static void a_host_without_a_name_is_a_failure(void **state)
{
	struct example *e = *state;
	CLEANUP_FINDINGS struct findings report = FINDINGS_NULL;
	const struct finding *finding;

	e->look.host.hostnqn[0] = '\0';
	doctor_check_identity(&e->look, &report);
	finding = find(&report, "host NQN", "has no name");
	assert_int_equal(finding->level, FINDING_FAIL);
	assert_non_null(strstr(finding->cure, "gen-hostnqn"));
}

static void only_trouble_is_taken_from_the_log(void **state)
{
	(void)state;
	assert_true(doctor_is_trouble("nvme nvme0: failed to connect socket: -111"));
	assert_true(doctor_is_trouble("nvme nvme0: Removing ctrl: NQN \"a\""));
	assert_false(doctor_is_trouble("nvme nvme0: creating 1 I/O queues."));
}

static void the_way_to_oneself_is_the_loopback(void **state)
{
	struct err err = ERR_NULL;
	struct route route;

	(void)state;
	assert_int_equal(route_find("127.0.0.1", &route, &err), 0);
	assert_string_equal(route.source, "127.0.0.1");
	assert_string_equal(route.ifname, "lo");
	assert_true(route.is_up);
	assert_int_equal(route_find("nonsense", &route, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_lost_path_is_a_failure_with_its_cause, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_missing_path_is_a_failure, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_subsystem_without_devices_or_a_second_path_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_kernel_giving_up_matters_only_without_a_daemon,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_subsystem_nobody_knows_is_a_failure, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(mixed_names_of_this_host_are_told, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_host_without_a_name_is_a_failure, set_up,
						tear_down),
		cmocka_unit_test(only_trouble_is_taken_from_the_log),
		cmocka_unit_test(the_way_to_oneself_is_the_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
