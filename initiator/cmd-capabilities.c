/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "initiator/ctl.h"

#define FABRICS "/dev/nvme-fabrics"

static const struct {
	const char *module;
	const char *text;
} modules[] = {
	{ "nvme-core", "NVMe" },
	{ "nvme-fabrics", "NVMe over Fabrics" },
	{ "nvme-tcp", "transport TCP" },
	{ "nvme-rdma", "transport RDMA" },
	{ "nvme-fc", "transport Fibre Channel" },
};

static const struct {
	const char *option;
	const char *text;
} options[] = {
	{ "host_iface", "connect through an interface" },
	{ "fast_io_fail_tmo", "fail I/O before a path is given up" },
	{ "hdr_digest", "checksums over TCP" },
	{ "dhchap_secret", "in-band authentication" },
	{ "dhchap_ctrl_secret", "in-band authentication of the target" },
	{ "tls", "TLS over TCP" },
	{ "concat", "TLS keys out of the authentication" },
	{ "tos", "type of service" },
	{ "nr_poll_queues", "polling queues" },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Y, N, or "" where that is not said. */
static void read_multipath(const struct ctl *ctl, char ret[8])
{
	if (fs_read_at(ctl->dirs.sysfs_fd, "module/nvme_core/parameters/multipath", ret, 8) < 0)
		ret[0] = '\0';
}

static const char *yes(bool is)
{
	return is ? "yes" : "no";
}

static void print(struct ctl *ctl, const struct host_options *known, int r)
{
	CLEANUP_TABLE struct table table = TABLE(2);
	char multipath[8];
	size_t i;

	table_add(&table, "MODULE OR FEATURE");
	table_add(&table, "THERE");
	for (i = 0; i < COUNT(modules); i++) {
		table_addf(&table, "%s (%s)", modules[i].text, modules[i].module);
		table_add(&table, ctl_has_module(ctl, modules[i].module) ? "yes" : "not loaded");
	}
	read_multipath(ctl, multipath);
	table_add(&table, "native multipath");
	table_add(&table, *multipath ? yes(*multipath == 'Y') : "no");
	for (i = 0; r == 0 && i < COUNT(options); i++) {
		table_addf(&table, "%s (%s)", options[i].text, options[i].option);
		table_add(&table, yes(host_options_has(known, options[i].option)));
	}
	cli_print_table(&ctl->cli, &table, "");
}

static void fill_json(const struct ctl *ctl, const struct host_options *known, int r)
{
	struct js *list = js_object();
	struct js *features = js_object();
	char multipath[8];
	size_t i;

	for (i = 0; i < COUNT(modules); i++)
		js_set(list, modules[i].module, js_bool(ctl_has_module(ctl, modules[i].module)));
	read_multipath(ctl, multipath);
	js_set(features, "multipath", js_bool(*multipath == 'Y'));
	for (i = 0; r == 0 && i < COUNT(options); i++)
		js_set(features, options[i].option,
		       js_bool(host_options_has(known, options[i].option)));
	js_set(ctl->cli.result, "modules", list);
	js_set(ctl->cli.result, "features", features);
}

int cmd_capabilities(struct ctl *ctl, struct err *err)
{
	struct host_options known = { "" };
	struct utsname name;
	int r = host_options_read(FABRICS, &known, err);

	if (r < 0 && r != -ENOENT && r != -EACCES)
		return r;
	if (uname(&name) < 0)
		name.release[0] = '\0';
	if (ctl->cli.result) {
		js_set(ctl->cli.result, "release", js_string(name.release));
		fill_json(ctl, &known, r);
		return 0;
	}
	cli_say(&ctl->cli, "Linux %s\n", name.release);
	print(ctl, &known, r);
	if (r == -ENOENT)
		cli_say(&ctl->cli,
			"more is known when nvme-fabrics is loaded: modprobe nvme-fabrics\n");
	if (r == -EACCES)
		cli_say(&ctl->cli, "more is known to root\n");
	return 0;
}
