/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/verbs.h"

#include <stdint.h>

#include "initiator/ctl.h"

/*
 * Groups of options, by letter:
 *   l addresses   c how to connect   h which host we are   s stored or not   w waiting   n not
 *   f by force    o somebody else's  a all
 */
static const struct cli_verb verbs[] = {
	{ "connect", cmd_connect, "NQN", 1, 1, "lchswn",
	  "connect to a subsystem, by one path or several",
	  "Each --rdma or --tcp is a path to the same subsystem; the port defaults to 4420. The\n"
	  "wish is stored, and nvme-sunfishd makes it come true again after a loss or a reboot.\n"
	  "The same connect again changes nothing.\n"
	  "\n"
	  "  nvme-sunfishctl connect blake14 --rdma 10.101.46.14 --rdma 10.102.46.14\n" },
	{ "disconnect", cmd_disconnect, "[NQN | nvmeN | DEVICE]...", 0, 1024, "lasfow",
	  "disconnect, and forget the wish",
	  "Refused while a device is mounted or held, or if somebody else made the connection:\n"
	  "name that owner with --owner, or use --force. With --rdma or --tcp: these paths only.\n" },
	{ "list", cmd_list, "", 0, 0, "", "devices and controllers, with mount points", "" },
	{ "show", cmd_show, "[NQN | nvmeN | DEVICE]...", 0, 1024, "",
	  "all that is known of subsystems or controllers", "" },
	{ "paths", cmd_paths, "[NQN]...", 0, 1024, "",
	  "the paths there are, those that should be, and what is missing",
	  "Exit status 3: a path that should be there is not.\n" },
	{ "status", cmd_status, "", 0, 0, "", "the daemon, what is wanted, and how that goes", "" },
	{ "discover", cmd_discover, "", 0, 0, "lh", "what a target says it exports",
	  "The port defaults to 4420. Without an address those in the configuration are asked.\n" },
	{ "doctor", cmd_doctor, "[NQN]", 0, 1, "lh", "look for what is wrong, and say the cure",
	  "With --rdma or --tcp the addresses of a subsystem that is not connected yet.\n" },
	{ "watch", cmd_watch, "", 0, 0, "", "print each event as it happens, until interrupted",
	  "With --json one object a line.\n" },
	{ "capabilities", cmd_capabilities, "", 0, 0, "", "what this kernel's host side can do",
	  "" },
	{ "udev", cmd_udev, "[WORD]...", 0, 16, "", NULL,
	  "Tell the daemon.\nCalled by udev's rules.\n" },
};

static const struct cli_option options[] = {
	CLI_LIST("--rdma", opt.addresses, CTL_MANY, "l", "ADDR[:PORT]: a path over RDMA"),
	CLI_LIST("--tcp", opt.addresses, CTL_MANY, "l", "ADDR[:PORT]: a path over TCP"),
	CLI_TEXT("--host-traddr", opt.host_traddr, "c", "ADDR of this host to connect from"),
	CLI_TEXT("--host-iface", opt.host_iface, "c", "INTERFACE to connect through (TCP)"),
	CLI_TEXT("--hostnqn", opt.hostnqn, "h", "NQN of this host; else /etc/nvme/hostnqn"),
	CLI_NUMBER("--ctrl-loss-tmo", opt.ctrl_loss_tmo, -1, INT32_MAX, "c",
		   "SECONDS until the kernel gives a lost path up; -1: never"),
	CLI_NUMBER("--reconnect-delay", opt.reconnect_delay, 0, 86400, "c",
		   "SECONDS between the kernel's attempts"),
	CLI_NUMBER("--fast-io-fail", opt.fast_io_fail, 0, 86400, "c",
		   "SECONDS until I/O on a lost path fails"),
	CLI_NUMBER("--keep-alive", opt.keep_alive, 0, 86400, "c",
		   "SECONDS of silence that are a loss"),
	CLI_NUMBER("--io-queues", opt.io_queues, 0, 65535, "c", "NUMBER of I/O queues"),
	CLI_NUMBER("--queue-size", opt.queue_size, 0, 65535, "c", "ENTRIES of each of them"),
	CLI_FLAG("--hdr-digest", opt.hdr_digest, "c", "checksums of headers (TCP)"),
	CLI_FLAG("--data-digest", opt.data_digest, "c", "checksums of data (TCP)"),
	CLI_FLAG("--transient", opt.transient, "s", "do not store the wish, or its end"),
	CLI_NUMBER("--wait", opt.wait_seconds, 0, 86400, "w",
		   "SECONDS to wait for another command, and for the devices"),
	CLI_FLAG("--no-wait", opt.no_wait, "n", "wait neither for the daemon nor for the devices"),
	CLI_FLAG("--all", opt.all, "a", "all that we own"),
	CLI_TEXT("--owner", opt.owner, "o", "NAME of its owner, where that is not us"),
	CLI_FLAG("--force", opt.force, "f", "also what is in use or somebody else's"),
	CLI_LETTER('j', "--json", cli.json, "*", "one JSON object on standard output"),
	CLI_LETTER('v', "--verbose", cli.verbose, "*", "say more"),
	CLI_LETTER('q', "--quiet", cli.quiet, "*", "only errors"),
};

const struct cli_program verbs_program = {
	.name = "nvme-sunfishctl",
	.version = VERSION,
	.summary = "connect this host to drives of others by NVMe over Fabrics, and keep it so",
	.example = "nvme-sunfishctl connect blake14 --rdma 10.101.46.14:4420",
	.first = "list",
	.footer =
		"With each: --json, --verbose, --quiet.\n"
		"Exit status: 0 done, 1 failed, 2 usage, 3 partly done, 4 another command is busy,\n"
		"5 not permitted. See nvme-sunfishctl(8).\n",
	.verbs = verbs,
	.n_verbs = sizeof(verbs) / sizeof(verbs[0]),
	.options = options,
	.n_options = sizeof(options) / sizeof(options[0]),
	.run = ctl_run,
};
