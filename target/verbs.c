/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/verbs.h"

#include <errno.h>
#include <string.h>

#include "target/command.h"
#include "target/ctl.h"
#include "target/export.h"

/*
 * Groups of options, by letter:
 *   C changes something   d drives   l listeners   h hosts   a attributes of a subsystem
 *   n access of a new one   p port   t referral's target   y clear   f file formats (i in, o out)
 * k host remove
 */
static const struct cli_verb verbs[] = {
	{ "create", cmd_create, "NQN", 1, 1, "Cdlhan",
	  "export a drive: subsystem, namespaces, listeners and hosts at once",
	  "All or nothing. Port numbers default to 4420, namespaces count from 1, a listener\n"
	  "that is there already is shared. Without --host any host may connect, unless\n"
	  "default_access is \"none\". The same create again changes nothing.\n"
	  "\n"
	  "  nvmet-sunfishctl create blake14 --dev /dev/nvme1n1 --rdma 10.101.46.14:4420\n" },
	{ "delete", cmd_delete, "NQN...", 1, 1024, "C",
	  "take exports away, with what nothing else needs",
	  "Connected hosts lose them at once.\n" },
	{ "list", cmd_list, "", 0, 0, "", "all exports, one line each", "" },
	{ "show", cmd_show, "[NQN]...", 0, 1024, "", "all that is known of exports", "" },
	{ "namespace add", cmd_namespace_add, "NQN", 1, 1, "Cd", "add drives to an export", "" },
	{ "namespace remove", cmd_namespace_remove, "NQN NSID...", 2, 1024, "C",
	  "remove namespaces from an export", "" },
	{ "namespace enable", cmd_namespace_enable, "NQN NSID...", 2, 1024, "C",
	  "let hosts use namespaces", "" },
	{ "namespace disable", cmd_namespace_disable, "NQN NSID...", 2, 1024, "C",
	  "take namespaces away from hosts, and keep them", "" },
	{ "namespace resize", cmd_namespace_resize, "NQN [NSID]", 1, 2, "C",
	  "tell hosts that a drive has grown", "" },
	{ "listener add", cmd_listener_add, "NQN", 1, 1, "Cl", "serve an export at more addresses",
	  "" },
	{ "listener remove", cmd_listener_remove, "NQN", 1, 1, "Cl",
	  "no longer serve an export at an address", "" },
	{ "host add", cmd_host_add, "NQN HOST...", 1, 1024, "Ch", "allow hosts to connect",
	  "HOST is HOSTNQN[,dhchap-key=FILE][,dhchap-ctrl-key=FILE][,dhchap-hash=H]\n"
	  "[,dhchap-dhgroup=G]. With --any-host instead, all hosts may connect.\n" },
	{ "host remove", cmd_host_remove, "NQN HOSTNQN...", 2, 1024, "Ck",
	  "no longer allow hosts, and cut their connections", "" },
	{ "ana set", cmd_ana_set, "GROUP=STATE...", 1, 127, "Clp",
	  "set states of ANA groups at one listener",
	  "States: optimized non-optimized inaccessible persistent-loss change.\n" },
	{ "referral add", cmd_referral_add, "NAME", 1, 1, "Clpt",
	  "let discovery at one listener point to another target", "" },
	{ "referral remove", cmd_referral_remove, "NAME", 1, 1, "Clp", "remove a referral", "" },
	{ "save", cmd_save, "[NQN]...", 0, 1024, "C",
	  "store exports as they are now, also those others made", "" },
	{ "restore", cmd_restore, "[NQN]...", 0, 1024, "C", "bring stored exports back",
	  "What is right is not touched. One that fails hinders no other: exit status 3.\n" },
	{ "apply", cmd_apply, "FILE...", 1, 1024, "C", "make exports exactly as files say", "" },
	{ "diff", cmd_diff, "[FILE]...", 0, 1024, "",
	  "what apply (without FILE: restore) would change",
	  "Exit status 1: something differs.\n" },
	{ "clear", cmd_clear, "", 0, 0, "Cy", "remove all exports from the kernel", "" },
	{ "import", cmd_import, "FILE", 1, 1, "Cfi", "make what a file of nvmetcli says", "" },
	{ "export", cmd_export, "", 0, 0, "fo", "write all as a file of nvmetcli", "" },
	{ "doctor", cmd_doctor, "[NQN]", 0, 1, "", "look for what is wrong, and say the cure", "" },
	{ "capabilities", cmd_capabilities, "", 0, 0, "", "what this kernel's nvmet can do", "" },
	{ "status", cmd_status, "", 0, 0, "", "what nvmet-sunfishd does, and what exports wait for",
	  "" },
	{ "watch", cmd_watch, "", 0, 0, "", "tell what happens, as nvmet-sunfishd sees it",
	  "One line for each event, with --json an object; until it is interrupted.\n" },
};

/* MIN-MAX; the text of argv is parted in place. */
static int take_cntlid(struct ctl *ctl, char *value, struct err *err)
{
	struct cli_list *attrs = &ctl->opt.attrs;
	char *dash = strchr(value, '-');

	if (!dash)
		return err_set(err, -EINVAL, "--cntlid %s: a range is meant, such as 1-31999",
			       value);
	if (attrs->count + 2 > CLI_MANY)
		return err_set(err, -EINVAL, "--cntlid: too many attributes of one subsystem");
	*dash = '\0';
	attrs->items[attrs->count++] = (struct cli_item){ "attr_cntlid_min", value };
	attrs->items[attrs->count++] = (struct cli_item){ "attr_cntlid_max", dash + 1 };
	return 0;
}

static const struct cli_option options[] = {
	CLI_LIST("--dev", opt.devs, CLI_MANY, "d",
		 "PATH[,nsid=N][,uuid=U][,nguid=G][,ana-group=N][,buffered-io][,resv][,disabled]"),
	CLI_LIST("--rdma", opt.listeners, CLI_MANY, "l",
		 "ADDR[:PORT][,port-id=N][,inline-data-size=N][,max-queue-size=N][,mdts=N][,pi]"),
	CLI_LIST("--tcp", opt.listeners, CLI_MANY, "l",
		 "ADDR[:PORT][,tls=required|permitted|none][,...]"),
	CLI_LIST("--fc", opt.listeners, CLI_MANY, "l", "WWNN:WWPN"),
	CLI_FIXED("--loop", opt.listeners, "loop", "", "l", "this host itself"),
	CLI_LIST(
		"--host", opt.hosts, CLI_MANY, "h",
		"HOSTNQN[,dhchap-key=FILE][,dhchap-ctrl-key=FILE][,dhchap-hash=H][,dhchap-dhgroup=G]"),
	CLI_FLAG("--any-host", opt.any_host, "h", "any host may connect"),
	CLI_FLAG("--no-host", opt.no_host, "n", "nobody may connect until a host is added"),
	CLI_TEXT("--passthru", opt.passthru, "a", "/dev/nvmeN: the whole controller, not --dev"),
	CLI_ITEM("--serial", opt.attrs, "attr_serial", "a", "serial number; else from the drive"),
	CLI_ITEM("--model", opt.attrs, "attr_model", "a", "model that hosts see"),
	CLI_ITEM("--firmware", opt.attrs, "attr_firmware", "a", "firmware revision that hosts see"),
	CLI_ITEM("--ieee-oui", opt.attrs, "attr_ieee_oui", "a", "vendor's number"),
	CLI_ITEM("--qid-max", opt.attrs, "attr_qid_max", "a", "most queues of a host"),
	CLI_OWN("--cntlid", take_cntlid, "a", "MIN-MAX: range of controller ids"),
	CLI_FIXED("--pi", opt.attrs, "attr_pi_enable", "1", "a", "protection information"),
	CLI_FIXED("--for-collector", opt.attrs, EXPORT_MADE_BY, EXPORT_BY_COLLECTOR, "a",
		  "the collector may take it away again"),
	CLI_TEXT("--port", opt.port, "p", "ID of a port, instead of its address"),
	CLI_TEXT("--to", opt.to, "t", "tcp:ADDR[:PORT], rdma:ADDR[:PORT] or fc:WWNN:WWPN"),
	CLI_FLAG("--keep-connected", opt.keep_connected, "k", "do not cut live connections"),
	CLI_FLAG("--yes", opt.yes, "y", "it is meant"),
	CLI_FLAG("--forget", opt.forget, "y", "remove the stored exports too"),
	CLI_TEXT("--format", opt.format, "f", "nvmetcli"),
	CLI_FLAG("--strict", opt.strict, "i", "what is unknown is an error"),
	CLI_TEXT("--output", opt.output, "o", "FILE instead of standard output"),
	CLI_FLAG("--with-secrets", opt.with_secrets, "o", "keys in clear"),
	CLI_FLAG("--dry-run", opt.dry_run, "C", "print the shell commands, change nothing"),
	CLI_FLAG("--transient", opt.transient, "C", "do not store: gone after a reboot"),
	CLI_FLAG("--force", opt.force, "C", "go on where something is merely suspicious"),
	CLI_FLAG("--no-daemon", opt.no_daemon, "C", "do it here, not in nvmet-sunfishd"),
	CLI_NUMBER("--wait", opt.wait_seconds, 0, 86400, "C", "SECONDS for another command to end"),
	CLI_LETTER('j', "--json", cli.json, "*", "one JSON object on standard output"),
	CLI_LETTER('v', "--verbose", cli.verbose, "*", "show each write to the kernel"),
	CLI_LETTER('q', "--quiet", cli.quiet, "*", "only errors"),
};

const struct cli_program verbs_program = {
	.name = "nvmet-sunfishctl",
	.version = VERSION,
	.summary = "export drives by NVMe over Fabrics with the Linux kernel's target",
	.example = "nvmet-sunfishctl create blake14 --dev /dev/nvme1n1 --rdma 10.101.46.14:4420",
	.first = "list",
	.footer =
		"With each: --json, --verbose, --quiet; with those that change something: --dry-run.\n"
		"Exit status: 0 done, 1 failed, 2 usage, 3 partly done, 4 another command is busy,\n"
		"5 not permitted. See nvmet-sunfishctl(8).\n",
	.verbs = verbs,
	.n_verbs = sizeof(verbs) / sizeof(verbs[0]),
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.run = command_run_verb,
};
