/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/verbs.h"

#include <stdint.h>

#include "ctl/ctl.h"
#include "ctl/run.h"

/*
 * Groups of options, by letter:
 *   f filters   e events   o top   w waits   a attach   A target   j job   F force   l listeners x
 * export create n node add   z members of a zone   p places   v view of a host
 */
static const struct cli_verb verbs[] = {
	{ "status", cmd_status, "", 0, 0, "", "the collector itself: version, counts, store", "" },
	{ "nodes", cmd_list, "", 0, 0, "f", "all hosts that report, one line for each helper", "" },
	{ "endpoints", cmd_list, "", 0, 0, "f", "where targets listen", "" },
	{ "subsystems", cmd_list, "", 0, 0, "f", "what targets export", "" },
	{ "namespaces", cmd_list, "", 0, 0, "f", "the namespaces of all subsystems", "" },
	{ "drives", cmd_list, "", 0, 0, "f", "the drives of targets, and who has them", "" },
	{ "hosts", cmd_list, "", 0, 0, "f", "host NQNs, and whose they are", "" },
	{ "connections", cmd_list, "", 0, 0, "f", "what initiators want to be connected to", "" },
	{ "devices", cmd_list, "", 0, 0, "f", "remote namespaces on initiators, with their paths",
	  "" },
	{ "sessions", cmd_list, "", 0, 0, "f", "who is connected, as targets see it", "" },
	{ "events", cmd_events, "", 0, 0, "fe", "what happened, oldest first",
	  "Without --after the last 100, or as many as --limit says.\n" },
	{ "watch", cmd_watch, "", 0, 0, "fe", "events as they happen, until Ctrl-C",
	  "After a break it goes on where it was, and says so. With --after ID it begins behind\n"
	  "that event, else with what happens from now on. With --limit it ends after so many.\n" },
	{ "top", cmd_top, "", 0, 0, "o", "nodes, paths, I/O and events, drawn anew each second",
	  "Ends with q or Ctrl-C.\n" },
	{ "tree", cmd_tree, "[NODE]...", 0, 1024, "",
	  "each node with its subsystems, or its connections, and what belongs to them", "" },
	{ "attach", cmd_attach, "SUBSYSTEM HOST", 2, 2, "aAjlwt",
	  "let a host use a subsystem, and wait until it is a device there",
	  "HOST is the name of a node or a host NQN. The target lets it in, it connects, and its\n"
	  "device is printed. If a hop fails, all is undone. The same attach again changes nothing,\n"
	  "but a lease begins anew.\n"
	  "\n"
	  "  sunfishctl attach blake14 blake15 --lease 2h --job 4711\n" },
	{ "detach", cmd_detach, "SUBSYSTEM HOST | ID", 0, 2, "AjFw",
	  "take a subsystem from a host, and prove that it is gone",
	  "With --job all that is attached for that job goes.\n"
	  "\n"
	  "  sunfishctl detach --job 4711\n" },
	{ "attachments", cmd_list, "", 0, 0, "fjA", "which subsystems are attached to which hosts",
	  "" },
	{ "export create", cmd_export_create, "NQN", 1, 1, "xlhwt",
	  "export drives of a target, as nvmet-sunfishctl create does there",
	  "No host may connect until it is attached, unless --host or --any-host is given.\n"
	  "\n"
	  "  sunfishctl export create blake14 --node blake14 --dev /dev/nvme1n1 --rdma "
	  "10.101.46.14\n" },
	{ "export list", cmd_list, "", 0, 0, "f", "exports that were made here", "" },
	{ "export delete", cmd_export_delete, "NQN | ID", 1, 1, "Fwk",
	  "take an export away that was made here", "" },
	{ "ddcs", cmd_list, "", 0, 0, "f",
	  "discovery controllers that the collector asks, and how they are", "" },
	{ "registrations", cmd_list, "", 0, 0, "v", "who registered with the discovery controller",
	  "" },
	{ "places", cmd_list, "", 0, 0, "fp",
	  "what can be reached where, who says so, and who contradicts", "" },
	{ "zone list", cmd_list, "", 0, 0, "f", "which hosts may see what, and tenants", "" },
	{ "zone create", cmd_zone_create, "NAME", 1, 1, "zT",
	  "let hosts see subsystems, or whatever is at a port",
	  "With --tenant it is a fence as well: hosts, subsystems and ports that are in a zone of a\n"
	  "tenant meet only those of the same tenant.\n"
	  "\n"
	  "  sunfishctl zone create lab --tenant physics --host HOSTNQN --subsystem blake14\n" },
	{ "zone add", cmd_zone_change, "NAME", 1, 1, "zT", "put more into a zone", "" },
	{ "zone remove", cmd_zone_change, "NAME", 1, 1, "zF", "take something out of a zone", "" },
	{ "zone delete", cmd_zone_delete, "NAME", 1, 1, "F", "delete a zone", "" },
	{ "view", cmd_view, "", 0, 0, "v", "what the discovery controller shows a host",
	  "It need not be connected.\n"
	  "\n"
	  "  sunfishctl view --host nqn.2014-08.org.nvmexpress:uuid:0b1f...\n" },
	{ "views", cmd_list, "", 0, 0, "", "which hosts asked the discovery controller", "" },
	{ "audit", cmd_list, "", 0, 0, "v",
	  "which host read which generation of its view, and when",
	  "The last 4,096 of them, since the collector's start.\n" },
	{ "sunfish status", cmd_sunfish, "", 0, 0, "",
	  "the agent: registered since, objects that the Sunfish server has, and misses", "" },
	{ "sunfish register", cmd_sunfish, "", 0, 0, "", "register again after unregister", "" },
	{ "sunfish unregister", cmd_sunfish, "", 0, 0, "",
	  "take all of ours away from the Sunfish server, and stay away", "" },
	{ "sunfish tidy", cmd_sunfish, "", 0, 0, "",
	  "delete there what is gone, and correct every copy",
	  "Meanwhile the server changes its copies without asking us: do it when nobody uses it.\n" },
	{ "node add", cmd_node_add, "NAME", 1, 1, "n", "let a node report, or a person ask",
	  "Prints the token, which is shown only this once. With --output it goes to a file of\n"
	  "mode 0600 instead; with --json it must.\n" },
	{ "node remove", cmd_node_remove, "NAME", 1, 1, "",
	  "make a token void, and forget what its node reported", "" },
};

static const struct cli_option options[] = {
	CLI_TEXT("--node", opt.node, "fxk", "NAME of a node"),
	CLI_TEXT("--nqn", opt.nqn, "f", "NQN of a subsystem"),
	CLI_LIST("--host", opt.hosts, CLI_MANY, "fhzv", "HOSTNQN"),
	CLI_LIST("--subsystem", opt.subsystems, CLI_MANY, "z", "NQN of a subsystem"),
	CLI_LIST("--port", opt.ports, CLI_MANY, "z", "TRANSPORT,ADDRESS,PORT: all that is there"),
	CLI_TEXT("--tenant", opt.tenant, "T", "NAME of whose zone it is"),
	CLI_FLAG("--contradictions", opt.contradictions, "p", "only where two contradict"),
	CLI_TEXT("--state", opt.state, "f", "STATE, as it is shown"),
	CLI_TEXT("--kind", opt.kind, "e", "KIND of object: namespace, controller .."),
	CLI_NUMBER("--after", opt.after, 0, INT64_MAX, "e", "ID: events behind this one"),
	CLI_NUMBER("--limit", opt.limit, 1, 1000000, "e", "N: no more than so many"),
	CLI_FLAG("--once", opt.once, "o", "print one picture and end"),
	CLI_DURATION("--interval", opt.interval_ms, "o", "TIME between two pictures; 1s"),
	CLI_LIST("--dev", opt.devs, CLI_MANY, "x", "PATH of a drive on the target"),
	CLI_LIST("--rdma", opt.listeners, CLI_MANY, "l", "ADDR[:PORT]"),
	CLI_LIST("--tcp", opt.listeners, CLI_MANY, "l", "ADDR[:PORT]"),
	CLI_FLAG("--any-host", opt.any_host, "h", "any host may connect"),
	CLI_DURATION("--lease", opt.lease_ms, "a", "TIME (2h, 30m, 1d) after which it is detached"),
	CLI_TEXT("--job", opt.job, "j", "TEXT that says for which job it is"),
	CLI_TEXT("--target", opt.target, "A", "NAME of the target, if more than one has it"),
	CLI_DURATION("--timeout", opt.timeout_ms, "t", "TIME that each hop may take; 30s"),
	CLI_FLAG("--no-wait", opt.no_wait, "w", "do not wait for the end"),
	CLI_FLAG("--force", opt.force, "F", "also if it is in use"),
	CLI_TEXT("--role", opt.role, "n", "node (default), viewer or admin"),
	CLI_TEXT("--output", opt.output, "n", "FILE for the token"),
	CLI_LETTER('j', "--json", cli.json, "*", "JSON on standard output"),
	CLI_LETTER('q', "--quiet", cli.quiet, "*", "only results and errors"),
	CLI_TEXT("--url", opt.url, "*", "URL of the collector"),
	CLI_TEXT("--ca-file", opt.ca_file, "*", "FILE with the certificates that it must have"),
	CLI_TEXT("--token-file", opt.token_file, "*", "FILE with the token"),
};

const struct cli_program verbs_program = {
	.name = "sunfishctl",
	.version = VERSION,
	.summary = "what the collector knows of all targets and hosts, and what is wanted of them",
	.example = "sunfishctl attach blake14 blake15 --lease 2h",
	.first = "nodes",
	.footer = "With each: --json, --quiet, --url URL, --token-file FILE.\n"
		  "Exit status: 0 done, 1 failed, 2 usage, 5 not permitted. See sunfishctl(8).\n",
	.verbs = verbs,
	.n_verbs = sizeof(verbs) / sizeof(verbs[0]),
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.run = run_verb,
};
