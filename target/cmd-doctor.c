/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "target/ctl.h"
#include "target/doctor.h"
#include "target/stored.h"
#include "target/view.h"

#define RDMA_HELPER LIBEXECDIR "/sunfish-rdma-probe"
#define PROBE_MS 3000

static struct js *to_json(const struct doctor_report *report)
{
	struct js *findings = js_array();
	size_t i;

	for (i = 0; i < report->count; i++) {
		const struct doctor_finding *finding = &report->items[i];
		struct js *json = js_object();

		js_set(json, "level", js_string(doctor_level_name(finding->level)));
		js_set(json, "object", js_string(finding->object));
		js_set(json, "text", js_string(finding->text));
		js_set(json, "cure", *finding->cure ? js_string(finding->cure) : js_string(NULL));
		js_append(findings, json);
	}
	return findings;
}

/* "FAIL  port 1: text; cure". What is fine is said with -v only. */
static void add_finding(const struct ctl *ctl, const struct doctor_finding *finding,
			struct str *text)
{
	if (finding->level == DOCTOR_OK && !ctl->cli.verbose)
		return;
	str_addf(text, "%-4s  ", doctor_level_name(finding->level));
	str_add_clean(text, finding->object);
	str_add(text, *finding->object ? ": " : "");
	str_add_clean(text, finding->text);
	str_add(text, *finding->cure ? "; " : "");
	str_add_clean(text, finding->cure);
	str_add(text, "\n");
}

static int tell(struct ctl *ctl, const struct doctor_report *report, struct err *err)
{
	CLEANUP_STR struct str text = STR_NULL;
	unsigned int n_failed = 0;
	size_t i;

	for (i = 0; i < report->count; i++) {
		n_failed += report->items[i].level == DOCTOR_FAIL;
		add_finding(ctl, &report->items[i], &text);
	}
	if (ctl->cli.result) {
		js_set(ctl->cli.result, "findings", to_json(report));
		js_set(ctl->cli.result, "worst", js_string(doctor_level_name(report->worst)));
	}
	if (text.failed)
		return err_nomem(err);
	cli_print(&ctl->cli, str_get(&text));
	if (n_failed)
		return err_set(err, -EIO, "%u problem%s found", n_failed, n_failed == 1 ? "" : "s");
	if (report->worst < DOCTOR_WARN)
		cli_say(&ctl->cli, "no problem found\n");
	return 0;
}

/* A stored export that contradicts the kernel's ports is not compared. */
static int read_wanted(struct ctl *ctl, const struct model_object *actual, const char *nqn,
		       struct model_object **ret, struct err *err)
{
	CLEANUP_STORED struct stored stored = STORED_NULL;
	struct err why = ERR_NULL;
	int r = stored_load(ctl, &stored, err);

	if (r < 0)
		return r;
	r = stored_merge(&stored, nqn, actual, ret, &why);
	if (r == -ENOMEM)
		return err_nomem(err);
	if (r < 0)
		cli_warn(&ctl->cli, "the stored exports are not compared: %s", why.text);
	return 0;
}

static int examine(struct ctl *ctl, const struct model_object *actual, const char *nqn,
		   struct doctor_report *report, struct err *err)
{
	CLEANUP_CLOSE int kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CLEANUP_MODEL struct model_object *wanted = NULL;
	struct doctor_env env = {
		.nvmet_fd = ctl->nvmet_fd,
		.proc_fd = ctl->proc_fd,
		.sys_fd = ctl->sysfs_fd,
		.kmsg_fd = kmsg_fd,
		.rdma_helper = access(RDMA_HELPER, X_OK) == 0 ? RDMA_HELPER : NULL,
		.timeout_ms = PROBE_MS,
	};
	int r = read_wanted(ctl, actual, nqn, &wanted, err);

	env.wanted = wanted;
	return r < 0 ? r : doctor_run(&env, ctl->nvmet_fd >= 0 ? actual : NULL, nqn, report, err);
}

int cmd_doctor(struct ctl *ctl, struct err *err)
{
	CLEANUP_DOCTOR_REPORT struct doctor_report report = DOCTOR_REPORT_NULL;
	CLEANUP_MODEL struct model_object *actual = NULL;
	int r;

	if (ctl->cli.n_args > 1)
		return cli_usage(
			&ctl->cli,
			err_set(err, -EINVAL, "doctor takes one export, or none for all of them"));
	r = ctl_read_target(ctl, &actual, err);
	if (r == 0)
		r = examine(ctl, actual, ctl->cli.n_args ? ctl->cli.args[0] : NULL, &report, err);
	return r < 0 ? r : tell(ctl, &report, err);
}
