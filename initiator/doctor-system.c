/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "core/net.h"
#include "initiator/ask.h"
#include "initiator/direct.h"
#include "initiator/doctor.h"
#include "initiator/owner.h"
#include "initiator/route.h"
#include "initiator/view.h"
#include "nvmf/kmsg.h"

#define MESSAGES_SHOWN 5
#define RECORD_MAX 8192 /* the kernel's own limit */
#define RECORDS_MAX 100000

/* --- this host */

static bool uses(const struct look *look, const char *transport)
{
	size_t i;

	for (i = 0; i < look->n_wanted; i++)
		if (strcmp(look->wanted[i].tid.transport, transport) == 0)
			return true;
	for (i = 0; i < look->inventory->n_controllers; i++)
		if (strcmp(look->inventory->controllers[i].tid.transport, transport) == 0)
			return true;
	return false;
}

static void check_module(const struct ctl *ctl, const char *module, struct findings *report)
{
	if (ctl_has_module(ctl, module))
		findings_add(report, FINDING_OK, module, "", "is in the kernel");
	else
		findings_add(report, FINDING_NOTE, module, "",
			     "is not in the kernel yet: the first connect loads it");
}

static void check_modules(const struct ctl *ctl, const struct look *look, struct findings *report)
{
	check_module(ctl, "nvme-fabrics", report);
	if (uses(look, "tcp"))
		check_module(ctl, "nvme-tcp", report);
	if (uses(look, "rdma"))
		check_module(ctl, "nvme-rdma", report);
}

static void check_multipath(const struct ctl *ctl, struct findings *report)
{
	char value[8];

	if (fs_read_at(ctl->dirs.sysfs_fd, "module/nvme_core/parameters/multipath", value,
		       sizeof(value)) < 0)
		return;
	if (*value == 'Y')
		findings_add(report, FINDING_OK, "native multipath", "", "is on");
	else
		findings_add(report, FINDING_WARN, "native multipath",
			     "boot with nvme_core.multipath=Y, unless dm-multipath does it",
			     "is off: each path is a device of its own");
}

static void check_daemon(const struct look *look, struct findings *report)
{
	if (look->has_daemon)
		findings_add(report, FINDING_OK, "nvme-sunfishd", "", "runs");
	else if (look->n_wanted)
		findings_add(report, FINDING_WARN, "nvme-sunfishd",
			     "systemctl enable --now nvme-sunfishd",
			     "does not run: what the kernel gives up is not connected again");
}

/* Others who connect by themselves. */
static void check_rules(struct findings *report)
{
	static const char *const dirs[] = { "/run/udev/rules.d", "/etc/udev/rules.d",
					    "/usr/lib/udev/rules.d", "/lib/udev/rules.d" };
	char path[96];
	size_t i;

	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		CLEANUP_FREE char *text = NULL;
		size_t length;

		snprintf(path, sizeof(path), "%s/70-nvmf-autoconnect.rules", dirs[i]);
		if (fs_read_file(AT_FDCWD, path, 65536, &text, &length) < 0)
			continue;
		/* the first one found counts; an empty one masks the others */
		if (strstr(text, "nvmf-connect"))
			findings_add(
				report, FINDING_NOTE, path, "",
				"nvme-cli connects what discovery controllers tell; the two go "
				"along with each other");
		return;
	}
}

static void check_stas(const struct ctl *ctl, struct findings *report)
{
	if (faccessat(ctl->dirs.run_fd, "stafd", F_OK, 0) == 0 ||
	    faccessat(ctl->dirs.run_fd, "stacd", F_OK, 0) == 0)
		findings_add(report, FINDING_NOTE, "nvme-stas", "",
			     "runs here too: what it made stays its own");
}

void doctor_check_host(struct ctl *ctl, const struct look *look, struct findings *report)
{
	check_modules(ctl, look, report);
	doctor_check_identity(look, report);
	check_multipath(ctl, report);
	check_daemon(look, report);
	check_rules(report);
	check_stas(ctl, report);
}

/* --- one address */

static void check_excluded(struct ctl *ctl, const struct look *look, const struct tid *tid,
			   const char *object, struct findings *report)
{
	CLEANUP_EXCLUSIONS struct exclusions *exclusions = NULL;
	struct tid full = *tid;
	const char *entry;

	if (exclusions_read(ctl->dirs.etc_fd, &exclusions, NULL) < 0)
		return;
	if (!*full.hostnqn)
		memcpy(full.hostnqn, look->host.hostnqn, sizeof(full.hostnqn));
	entry = exclusions_match(exclusions, &full, look->host.hostid);
	if (entry)
		findings_add(report, FINDING_FAIL, object, "take that entry out",
			     "is excluded by an administrator (%s)", entry);
}

static void check_rdma(const struct ctl *ctl, const struct route *route, const char *object,
		       struct findings *report)
{
	char device[64];
	unsigned int port;

	if (net_find_rdma(ctl->dirs.sysfs_fd, route->ifname, device, &port) == 0)
		findings_add(report, FINDING_OK, object, "", "goes over %s (RDMA device %s)",
			     route->ifname, device);
	else
		findings_add(report, FINDING_FAIL, object,
			     "choose an address behind an RDMA link, or use TCP",
			     "goes over %s, which has no RDMA device", route->ifname);
}

static bool check_route(const struct ctl *ctl, const struct tid *tid, const char *object,
			struct findings *report)
{
	struct err err = ERR_NULL;
	struct route route;

	if (route_find(tid->traddr, &route, &err) < 0) {
		findings_add(report, FINDING_FAIL, object, "see: ip route", "%s", err.text);
		return false;
	}
	if (!*route.ifname || !route.is_up) {
		findings_add(report, FINDING_FAIL, object, "see: ip link",
			     "goes over %s, which is down or has no carrier",
			     *route.ifname ? route.ifname : "a link");
		return false;
	}
	if (strcmp(tid->transport, "rdma") == 0)
		check_rdma(ctl, &route, object, report);
	else
		findings_add(report, FINDING_OK, object, "", "goes over %s from %s", route.ifname,
			     route.source);
	return true;
}

static void say_not_shown(const struct ask_records *records, const struct look *look,
			  const struct tid *tid, struct findings *report)
{
	CLEANUP_FREE const char **names = calloc(records->count + 1, sizeof(*names));
	CLEANUP_STR struct str near = STR_NULL;
	char cure[ERR_TEXT_MAX];
	size_t i;

	for (i = 0; names && i < records->count; i++)
		names[i] = records->items[i].nqn;
	if (names)
		str_add_near(&near, tid->nqn, names, records->count);
	if (near.length)
		snprintf(cure, sizeof(cure), "did you mean %.200s?", str_get(&near));
	else
		snprintf(cure, sizeof(cure), "on the target: nvmet-sunfishctl host add %s %s",
			 tid->nqn, look->host.hostnqn);
	findings_add(report, FINDING_FAIL, tid->nqn, cure,
		     "is not shown to this host there: it is not exported at that address, or this "
		     "host (%s) is not allowed",
		     look->host.hostnqn);
}

/* A target shows a host only what it may use. */
static void check_shown(struct ctl *ctl, const struct look *look, const struct tid *tid,
			const char *object, struct findings *report)
{
	CLEANUP_ASK_RECORDS struct ask_records records = ASK_RECORDS_NULL;
	struct err err = ERR_NULL;
	size_t i;

	if (geteuid() != 0 || !*look->host.hostnqn)
		return;
	if (ask_records(ctl, tid, &look->host, &records, &err) < 0) {
		findings_add(report, FINDING_WARN, object, "", "does not tell what it has: %s",
			     err.text);
		return;
	}
	for (i = 0; i < records.count; i++)
		if (strcmp(records.items[i].nqn, tid->nqn) == 0) {
			findings_add(report, FINDING_OK, tid->nqn, "",
				     "is shown to this host there");
			return;
		}
	say_not_shown(&records, look, tid, report);
}

bool doctor_check_address(struct ctl *ctl, const struct look *look, const struct tid *tid,
			  struct findings *report)
{
	CLEANUP_STR struct str object = STR_NULL;
	struct err err = ERR_NULL;

	view_address(tid, &object);
	if (*tid->nqn)
		check_excluded(ctl, look, tid, str_get(&object), report);
	if (!check_route(ctl, tid, str_get(&object), report))
		return false;
	if (direct_probe(tid, ctl->conf.probe_ms, &err) < 0) {
		findings_add(report, FINDING_FAIL, str_get(&object), "", "%s", err.text);
		return false;
	}
	if (strcmp(tid->transport, "tcp") == 0)
		findings_add(report, FINDING_OK, str_get(&object), "", "answers");
	if (*tid->nqn)
		check_shown(ctl, look, tid, str_get(&object), report);
	return true;
}

/* --- messages of the kernel */

struct messages {
	char text[MESSAGES_SHOWN][KMSG_TEXT_MAX]; /* a ring */
	size_t count;
};

/* A question of ours ends with that. */
static bool is_of_discovery(const char *text)
{
	return strstr(text, "Removing ctrl") && strstr(text, NQN_DISCOVERY);
}

static void read_messages(int fd, const char *nqn, struct messages *ret)
{
	char record[RECORD_MAX];
	char text[KMSG_TEXT_MAX];
	size_t i;

	for (i = 0; i < RECORDS_MAX; i++) {
		ssize_t length = read(fd, record, sizeof(record));

		/* EPIPE: the kernel wrote over what was to come next */
		if (length < 0 && errno == EPIPE)
			continue;
		if (length <= 0)
			return;
		if (!kmsg_parse(record, (size_t)length, text) || !doctor_is_trouble(text) ||
		    (nqn && !strstr(text, nqn)) || is_of_discovery(text))
			continue;
		memcpy(ret->text[ret->count++ % MESSAGES_SHOWN], text, sizeof(text));
	}
}

void doctor_check_kmsg(int kmsg_fd, const char *nqn, struct findings *report)
{
	struct messages messages = { .count = 0 };
	size_t i;

	if (kmsg_fd < 0)
		return;
	read_messages(kmsg_fd, nqn, &messages);
	i = messages.count > MESSAGES_SHOWN ? messages.count - MESSAGES_SHOWN : 0;
	for (; i < messages.count; i++)
		findings_add(report, FINDING_NOTE, "kernel's log", "", "%s",
			     messages.text[i % MESSAGES_SHOWN]);
}
