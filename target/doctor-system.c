/* SPDX-License-Identifier: BSD-3-Clause */
/* The checks that ask the system: drives, who can read keys, listeners. */
#include "target/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/dev.h"
#include "core/modload.h"
#include "core/net.h"
#include "nvmf/probe.h"
#include "target/claim.h"

/* --- drives */

static void check_free(struct claim *claim, const struct dev_info *dev,
		       const struct model_object *ns, const char *name, struct findings *report)
{
	CLEANUP_STR struct str notes = STR_NULL;
	struct err err = ERR_NULL;
	int r;

	/* it is exported already: what is only suspicious was decided then */
	r = claim_check(claim, dev, ns->parent->name, model_id(ns), CLAIM_FORCE | CLAIM_RESTORE,
			&notes, &err);
	if (r == -ENOMEM || notes.failed)
		report->failed = true;
	else if (r == -EBUSY)
		findings_add(report, FINDING_FAIL, name,
			     "stop that use of it, or remove the namespace, before data is lost",
			     "its drive is also used on this machine: %s", err.text);
	else if (r < 0)
		findings_add(report, FINDING_WARN, name, "", "%s", err.text);
	else if (notes.length)
		findings_add(report, FINDING_NOTE, name, "", "%.*s", (int)notes.length - 1,
			     str_get(&notes));
}

static void check_drive(struct claim *claim, const struct model_object *ns, struct findings *report)
{
	const char *path = model_text(ns, "device_path");
	bool is_on = model_is_on(ns, "enable");
	struct dev_info dev;
	struct err err = ERR_NULL;
	char name[MODEL_NAME_MAX];
	int r;

	if (!*path || strcmp(path, "(null)") == 0)
		return;
	model_describe(ns, name, sizeof(name));
	r = dev_inspect(path, &dev, &err);
	if (r == -ENOENT || r == -ENXIO || r == -ENODEV)
		findings_add(report, FINDING_FAIL, name,
			     "plug the drive in again, then disable and enable the namespace",
			     "%s%s", err.text, is_on ? "; hosts get I/O errors" : "");
	else if (r < 0)
		findings_add(report, FINDING_WARN, name, "", "%s", err.text);
	else if (claim && is_on)
		check_free(claim, &dev, ns, name, report);
}

void doctor_check_drives(struct claim *claim, const struct model_object *subsystem,
			 struct findings *report)
{
	const struct model_object *ns;
	size_t i = 0;

	while ((ns = model_next(subsystem, MODEL_NAMESPACE, &i)))
		check_drive(claim, ns, report);
}

/* --- keys */

static bool is_readable_by_others(const struct doctor_env *env, const char *hostnqn,
				  const char *attr)
{
	char path[MODEL_PATH_MAX];
	char parent[MODEL_PATH_MAX];
	struct stat file;
	struct stat directory;

	snprintf(parent, sizeof(parent), "hosts/%s", hostnqn);
	snprintf(path, sizeof(path), "hosts/%s/%s", hostnqn, attr);
	return fstatat(env->nvmet_fd, path, &file, 0) == 0 &&
	       fstatat(env->nvmet_fd, parent, &directory, 0) == 0 && (file.st_mode & 0044) &&
	       (directory.st_mode & 0011);
}

void doctor_check_keys(const struct doctor_env *env, const struct model_object *actual,
		       const struct model_object *subsystem, struct findings *report)
{
	static const char *const attrs[] = { "dhchap_key", "dhchap_ctrl_key" };
	char name[MODEL_NAME_MAX];
	size_t i;
	size_t j;

	for (i = 0; i < subsystem->n_links; i++) {
		const struct model_object *host =
			model_find(actual, MODEL_HOST, subsystem->links[i].name);

		for (j = 0; host && j < sizeof(attrs) / sizeof(attrs[0]); j++)
			if (*model_text(host, attrs[j]) &&
			    is_readable_by_others(env, host->name, attrs[j]))
				findings_add(report, FINDING_WARN,
					     model_describe(host, name, sizeof(name)),
					     "nvmet-sunfishctl restore, or chmod 600 it below "
					     "/sys/kernel/config/nvmet/hosts",
					     "every user of this machine can read its %s",
					     attrs[j]);
	}
}

/* --- listeners */

struct listener {
	const struct model_object *port;
	const char *trtype;
	const char *address;
	const char *service;
	bool is_rdma;
	bool has_tls;
	char name[MODEL_NAME_MAX];
};

static void add_silent(const struct doctor_env *env, const struct listener *l, int r,
		       const char *text, struct findings *report)
{
	char module[16];

	snprintf(module, sizeof(module), "nvmet-%s", l->trtype);
	if (r == -ECONNREFUSED && !modload_is_present(env->sys_fd, module))
		findings_add(report, FINDING_FAIL, l->name,
			     "modprobe it, then nvmet-sunfishctl restore",
			     "%s; the module %s is not in the kernel", text, module);
	else
		findings_add(report, FINDING_FAIL, l->name,
			     r == -ETIMEDOUT ? "look at `nft list ruleset` and dmesg" : "", "%s",
			     text);
}

/* 0.0.0.0 is no address to connect to. */
static const char *probe_address(const struct net_listener *net)
{
	if (!net->wildcard)
		return net->address;
	return strchr(net->address, ':') ? "::1" : "127.0.0.1";
}

static void probe_listener(const struct doctor_env *env, const struct listener *l,
			   const struct net_listener *net, struct findings *report)
{
	struct err err = ERR_NULL;
	int r;

	if (l->is_rdma && (net->wildcard || !env->rdma_helper)) {
		findings_add(report, FINDING_OK, l->name, "",
			     "its address is here; whether it answers was not asked");
		return;
	}
	r = l->is_rdma
		    ? probe_rdma(env->rdma_helper, net->address, l->service, env->timeout_ms, &err)
		    : probe_tcp(probe_address(net), l->service, env->timeout_ms, &err);
	if (r == 0)
		findings_add(report, FINDING_OK, l->name, "", "it answers");
	else if (r == -ECONNRESET && l->has_tls)
		findings_add(report, FINDING_OK, l->name, "", "it answers, and wants TLS");
	else if (l->is_rdma && (r == -ENOENT || r == -EOPNOTSUPP))
		findings_add(report, FINDING_NOTE, l->name, "",
			     "whether it answers is not known: %s", err.text);
	else
		add_silent(env, l, r, err.text, report);
}

static void check_listener(const struct doctor_env *env, const struct listener *l,
			   struct findings *report)
{
	struct net_listener net;
	struct err err = ERR_NULL;
	int r = net_resolve(l->address, &net, &err);

	if (r == 0)
		r = net_check(&net, l->is_rdma, &err);
	if (r < 0)
		findings_add(report, FINDING_FAIL, l->name, "", "%s", err.text);
	else if (env->timeout_ms)
		probe_listener(env, l, &net, report);
	else
		findings_add(report, FINDING_OK, l->name, "",
			     "its address is here; whether it answers was not asked");
}

void doctor_check_port(const struct doctor_env *env, const struct model_object *port,
		       struct findings *report)
{
	struct listener l = {
		.port = port,
		.trtype = model_text(port, "addr_trtype"),
		.address = model_text(port, "addr_traddr"),
		.service = model_text(port, "addr_trsvcid"),
		.is_rdma = strcmp(model_text(port, "addr_trtype"), "rdma") == 0,
		.has_tls = strcmp(model_text(port, "addr_tsas"), "tls1.3") == 0,
	};
	bool is_v6 = strchr(l.address, ':') != NULL;

	snprintf(l.name, sizeof(l.name), "port %s (%s %s%s%s:%s)", port->name, l.trtype,
		 is_v6 ? "[" : "", l.address, is_v6 ? "]" : "", l.service);
	if (l.is_rdma || strcmp(l.trtype, "tcp") == 0) {
		check_listener(env, &l, report);
	} else {
		snprintf(l.name, sizeof(l.name), "port %s (%s)", port->name, l.trtype);
		findings_add(report, FINDING_NOTE, l.name, "",
			     strcmp(l.trtype, "loop") == 0
				     ? "hosts on this machine only can use it"
				     : "this transport cannot be asked whether it answers");
	}
}
