/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wait.h"
#include "core/modload.h"
#include "initiator/child.h"
#include "initiator/direct.h"

struct asking {
	int sysfs_fd;
	struct tid tid;
	struct host_identity host;
	size_t count;
	struct host_record records[HOST_RECORDS_MAX];
};

void ask_records_deinit(struct ask_records *records)
{
	if (records->log)
		free(records->items);
	disc_log_unref(records->log);
	child_memory_free(records->memory, sizeof(struct asking));
	*records = ASK_RECORDS_NULL;
}

static int ask_in_child(void *data, struct err *err)
{
	struct asking *asking = data;
	char hostid[HOST_ID_MAX];
	struct host_params params = {
		.transport = asking->tid.transport,
		.traddr = asking->tid.traddr,
		.trsvcid = asking->tid.trsvcid,
		.hostnqn = *asking->tid.hostnqn ? asking->tid.hostnqn : asking->host.hostnqn,
		.hostid = hostid,
		.host_traddr = asking->tid.host_traddr,
		.host_iface = asking->tid.host_iface,
		.tuning = HOST_TUNING_NULL,
	};
	struct host_record *records = NULL;
	char module[16];
	size_t count = 0;
	int r;

	snprintf(module, sizeof(module), "nvme-%s", asking->tid.transport);
	r = host_id_of(params.hostnqn, &asking->host, hostid, err);
	if (r == 0)
		r = modload_ensure(asking->sysfs_fd, module, err);
	if (r == 0)
		r = host_discover(&params, &records, &count, err);
	if (r < 0 || !records)
		return r;
	asking->count = count < HOST_RECORDS_MAX ? count : HOST_RECORDS_MAX;
	memcpy(asking->records, records, asking->count * sizeof(*records));
	free(records);
	return 0;
}

static int run(struct ctl *ctl, struct asking *asking, struct err *err)
{
	int r = direct_probe(&asking->tid, ctl->conf.probe_ms, err);

	if (r == 0)
		r = child_run(ask_in_child, asking, ctl->lock_fd,
			      wait_deadline(ctl->conf.connect_ms), err);
	if (r == -ETIMEDOUT && !*err->text)
		return err_set(err, -EINPROGRESS, "it has not answered within %u s: see dmesg",
			       ctl->conf.connect_ms / 1000);
	return r;
}

static int ask_kernel(struct ctl *ctl, const struct tid *tid, const struct host_identity *host,
		      struct ask_records *ret, struct err *err)
{
	struct asking *asking;
	int r = ctl_need_root(ctl, err);

	if (r < 0)
		return r;
	asking = child_memory(sizeof(*asking));
	if (!asking)
		return err_nomem(err);
	asking->sysfs_fd = ctl->dirs.sysfs_fd;
	asking->tid = *tid;
	asking->host = *host;
	if (ctl->opt.hostnqn)
		snprintf(asking->tid.hostnqn, sizeof(asking->tid.hostnqn), "%s", ctl->opt.hostnqn);
	r = run(ctl, asking, err);
	if (r < 0) {
		child_memory_free(asking, sizeof(*asking));
		return r;
	}
	*ret = (struct ask_records){ .items = asking->records,
				     .count = asking->count,
				     .memory = asking };
	return 0;
}

void ask_all(struct ctl *ctl, const struct host_identity *host, struct ask_target *targets,
	     size_t n_targets)
{
	size_t i;

	ask_tcp_all(ctl, host, targets, n_targets);
	for (i = 0; i < n_targets; i++) {
		struct ask_target *target = &targets[i];

		if (!ask_tcp_can(target->tid))
			target->r =
				ask_kernel(ctl, target->tid, host, &target->records, &target->err);
	}
}

int ask_records(struct ctl *ctl, const struct tid *tid, const struct host_identity *host,
		struct ask_records *ret, struct err *err)
{
	struct ask_target target = { .tid = tid };

	ask_all(ctl, host, &target, 1);
	if (target.r < 0)
		return err_set(err, target.r, "%s", target.err.text);
	*ret = target.records;
	return 0;
}
