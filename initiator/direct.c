/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/direct.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/wait.h"
#include "initiator/child.h"
#include "initiator/owner.h"
#include "nvmf/addr.h"
#include "nvmf/probe.h"

#define RDMA_HELPER LIBEXECDIR "/sunfish-rdma-probe"
#define DISCONNECT_MS 30000

/* --- before */

static int check_exclusions(struct ctl *ctl, const struct tid *tid,
			    const struct host_identity *host, struct err *err)
{
	CLEANUP_EXCLUSIONS struct exclusions *exclusions = NULL;
	struct tid full = *tid;
	const char *entry;
	int r = exclusions_read(ctl->dirs.etc_fd, &exclusions, err);

	if (r < 0)
		return r;
	if (!*full.hostnqn)
		memcpy(full.hostnqn, host->hostnqn, sizeof(full.hostnqn));
	entry = exclusions_match(exclusions, &full, host->hostid);
	if (!entry)
		return 0;
	return err_set(err, -EPERM,
		       "it is excluded by an administrator of this host (%s): take that entry out "
		       "if it is to be connected",
		       entry);
}

int direct_probe(const struct tid *tid, unsigned int timeout_ms, struct err *err)
{
	int r = 0;

	if (strcmp(tid->transport, "tcp") == 0)
		r = probe_tcp(tid->traddr, tid->trsvcid, timeout_ms, err);
	if (strcmp(tid->transport, "rdma") == 0)
		r = probe_rdma(RDMA_HELPER, tid->traddr, tid->trsvcid, timeout_ms, err);
	return r == -ENOENT || r == -EOPNOTSUPP ? 0 : r;
}

/* --- in words */

static void __attribute__((format(printf, 2, 3))) add_cure(struct err *err, const char *format, ...)
{
	size_t length = strlen(err->text);
	va_list args;

	va_start(args, format);
	vsnprintf(err->text + length, sizeof(err->text) - length, format, args);
	va_end(args);
}

int direct_explain(int r, const struct tid *tid, const char *hostnqn, struct err *err)
{
	char address[ADDR_TEXT_MAX];

	addr_format_parts(tid->traddr, tid->trsvcid, address);
	if (r == -EACCES)
		add_cure(err,
			 "; if it is to be allowed, on the target: nvmet-sunfishctl host add %s %s",
			 tid->nqn, hostnqn);
	else if (r == -ENOENT)
		add_cure(err, "; what it has says: nvme-sunfishctl discover --%s %s",
			 tid->transport, address);
	else if (r == -ECONNREFUSED || (r == -ECONNRESET && strcmp(tid->transport, "rdma") == 0))
		add_cure(err, "; what is exported, and where, says on the target: "
			      "nvmet-sunfishctl list");
	return r;
}

/* --- in a child */

struct connecting {
	struct act_dirs dirs;
	struct conf_connection connection;
	struct host_identity host;
	char name[HOST_CONTROLLER_MAX];
};

static int connect_in_child(void *data, struct err *err)
{
	struct connecting *connecting = data;

	return act_connect(&connecting->dirs, &connecting->connection, &connecting->host,
			   connecting->name, err);
}

static int run_connect(struct ctl *ctl, const struct conf_connection *connection,
		       const struct host_identity *host, char ret_name[HOST_CONTROLLER_MAX],
		       struct err *err)
{
	struct connecting *connecting = child_memory(sizeof(*connecting));
	unsigned int ms = ctl->conf.connect_ms;
	int r;

	if (!connecting)
		return err_nomem(err);
	*connecting = (struct connecting){ ctl->dirs, *connection, *host, "" };
	host_tuning_default(&connecting->connection.tuning, &ctl->conf.defaults);
	r = child_run(connect_in_child, connecting, ctl->lock_fd, wait_deadline(ms), err);
	if (r == 0)
		memcpy(ret_name, connecting->name, HOST_CONTROLLER_MAX);
	child_memory_free(connecting, sizeof(*connecting));
	if (r == -ETIMEDOUT && !*err->text)
		return err_set(err, -EINPROGRESS,
			       "the kernel has not come back from connecting within %u s; it goes "
			       "on with it, and all other connects of this host wait: see dmesg",
			       ms / 1000);
	return r;
}

int direct_connect(struct ctl *ctl, const struct conf_connection *connection,
		   const struct host_identity *host, char ret_name[HOST_CONTROLLER_MAX],
		   struct err *err)
{
	const struct tid *tid = &connection->tid;
	int r = check_exclusions(ctl, tid, host, err);

	if (r == 0)
		r = direct_probe(tid, ctl->conf.probe_ms, err);
	if (r == 0)
		r = run_connect(ctl, connection, host, ret_name, err);
	return direct_explain(r, tid, *tid->hostnqn ? tid->hostnqn : host->hostnqn, err);
}

struct disconnecting {
	const struct act_dirs *dirs;
	const struct inventory_controller *controller;
};

static int disconnect_in_child(void *data, struct err *err)
{
	const struct disconnecting *disconnecting = data;

	return act_disconnect(disconnecting->dirs, disconnecting->controller, err);
}

int direct_disconnect(struct ctl *ctl, const struct inventory_controller *controller,
		      struct err *err)
{
	struct disconnecting disconnecting = { &ctl->dirs, controller };
	int r = child_run(disconnect_in_child, &disconnecting, ctl->lock_fd,
			  wait_deadline(DISCONNECT_MS), err);

	if (r == -ETIMEDOUT && !*err->text)
		return err_set(err, -EINPROGRESS,
			       "the kernel has not come back from deleting %s within %u s; it goes "
			       "on with it: see dmesg",
			       controller->name, DISCONNECT_MS / 1000);
	return r;
}
