/* SPDX-License-Identifier: BSD-3-Clause */
#include "initiator/verbs.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/*
 * Groups of options, by letter:
 *   l addresses   c how to connect   h which host we are   s stored or not   w waiting   n not
 *   f by force    o somebody else's  a all
 */
static const struct verb verbs[] = {
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
	{ "udev", cmd_udev, "[WORD]...", 0, 16, "", NULL, "Called by udev's rules.\n" },
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

enum {
	OPT_ADDRESS = 256,
	OPT_HOST_TRADDR,
	OPT_HOST_IFACE,
	OPT_HOSTNQN,
	OPT_CTRL_LOSS_TMO,
	OPT_RECONNECT_DELAY,
	OPT_FAST_IO_FAIL,
	OPT_KEEP_ALIVE,
	OPT_IO_QUEUES,
	OPT_QUEUE_SIZE,
	OPT_HDR_DIGEST,
	OPT_DATA_DIGEST,
	OPT_TRANSIENT,
	OPT_WAIT,
	OPT_NO_WAIT,
	OPT_FORCE,
	OPT_OWNER,
	OPT_ALL,
};

static const struct known_option {
	const char *name;
	int has_arg;
	int id;
	char group; /* of the verbs that take it; '*' all */
	long max;   /* of a number */
	const char *help;
} options[] = {
	{ "rdma", 1, OPT_ADDRESS, 'l', 0, "ADDR[:PORT]: a path over RDMA" },
	{ "tcp", 1, OPT_ADDRESS, 'l', 0, "ADDR[:PORT]: a path over TCP" },
	{ "host-traddr", 1, OPT_HOST_TRADDR, 'c', 0, "ADDR of this host to connect from" },
	{ "host-iface", 1, OPT_HOST_IFACE, 'c', 0, "INTERFACE to connect through (TCP)" },
	{ "hostnqn", 1, OPT_HOSTNQN, 'h', 0, "NQN of this host; else /etc/nvme/hostnqn" },
	{ "ctrl-loss-tmo", 1, OPT_CTRL_LOSS_TMO, 'c', INT32_MAX,
	  "SECONDS until the kernel gives a lost path up; -1: never" },
	{ "reconnect-delay", 1, OPT_RECONNECT_DELAY, 'c', 86400,
	  "SECONDS between the kernel's attempts" },
	{ "fast-io-fail", 1, OPT_FAST_IO_FAIL, 'c', 86400,
	  "SECONDS until I/O on a lost path fails" },
	{ "keep-alive", 1, OPT_KEEP_ALIVE, 'c', 86400, "SECONDS of silence that are a loss" },
	{ "io-queues", 1, OPT_IO_QUEUES, 'c', 65535, "NUMBER of I/O queues" },
	{ "queue-size", 1, OPT_QUEUE_SIZE, 'c', 65535, "ENTRIES of each of them" },
	{ "hdr-digest", 0, OPT_HDR_DIGEST, 'c', 0, "checksums of headers (TCP)" },
	{ "data-digest", 0, OPT_DATA_DIGEST, 'c', 0, "checksums of data (TCP)" },
	{ "transient", 0, OPT_TRANSIENT, 's', 0, "do not store the wish, or its end" },
	{ "wait", 1, OPT_WAIT, 'w', 86400,
	  "SECONDS to wait for another command, and for the devices" },
	{ "no-wait", 0, OPT_NO_WAIT, 'n', 0, "wait neither for the daemon nor for the devices" },
	{ "all", 0, OPT_ALL, 'a', 0, "all that we own" },
	{ "owner", 1, OPT_OWNER, 'o', 0, "NAME of its owner, where that is not us" },
	{ "force", 0, OPT_FORCE, 'f', 0, "also what is in use or somebody else's" },
	{ "json", 0, 'j', '*', 0, "one JSON object on standard output" },
	{ "verbose", 0, 'v', '*', 0, "say more" },
	{ "quiet", 0, 'q', '*', 0, "only errors" },
	{ "help", 0, 'h', '*', 0, "this text" },
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

/* --- finding */

const struct verb *verb_find(const char *word)
{
	size_t i;

	for (i = 0; i < N_VERBS; i++)
		if (strcmp(verbs[i].name, word) == 0)
			return &verbs[i];
	return NULL;
}

void verb_add_near(const char *word, struct str *text)
{
	const char *names[N_VERBS];
	size_t n = 0;
	size_t i;

	for (i = 0; i < N_VERBS; i++)
		if (verbs[i].summary)
			names[n++] = verbs[i].name;
	str_add_near(text, word, names, n);
}

/* --- parsing */

static bool takes(const struct verb *verb, const struct known_option *option)
{
	return option->group == '*' || strchr(verb->options, option->group);
}

static int add_address(struct ctl_options *opt, const struct known_option *option,
		       const char *value, struct err *err)
{
	if (opt->n_addresses == CTL_MANY)
		return err_set(err, -EINVAL, "--%s: at most %d addresses in one command",
			       option->name, CTL_MANY);
	opt->addresses[opt->n_addresses++] = (struct ctl_address){
		.transport = option->name,
		.spec = value,
	};
	return 0;
}

static bool *flag_of(struct ctl_options *opt, int id)
{
	switch (id) {
	case OPT_HDR_DIGEST:
		return &opt->hdr_digest;
	case OPT_DATA_DIGEST:
		return &opt->data_digest;
	case OPT_TRANSIENT:
		return &opt->transient;
	case OPT_NO_WAIT:
		return &opt->no_wait;
	case OPT_FORCE:
		return &opt->force;
	case OPT_ALL:
		return &opt->all;
	case 'j':
		return &opt->json;
	case 'v':
		return &opt->verbose;
	case 'q':
		return &opt->quiet;
	default:
		return NULL;
	}
}

static const char **text_of(struct ctl_options *opt, int id)
{
	switch (id) {
	case OPT_HOST_TRADDR:
		return &opt->host_traddr;
	case OPT_HOST_IFACE:
		return &opt->host_iface;
	case OPT_HOSTNQN:
		return &opt->hostnqn;
	case OPT_OWNER:
		return &opt->owner;
	default:
		return NULL;
	}
}

static long *number_of(struct ctl_options *opt, int id)
{
	switch (id) {
	case OPT_WAIT:
		return &opt->wait_seconds;
	case OPT_CTRL_LOSS_TMO:
		return &opt->ctrl_loss_tmo;
	case OPT_RECONNECT_DELAY:
		return &opt->reconnect_delay;
	case OPT_FAST_IO_FAIL:
		return &opt->fast_io_fail;
	case OPT_KEEP_ALIVE:
		return &opt->keep_alive;
	case OPT_IO_QUEUES:
		return &opt->io_queues;
	case OPT_QUEUE_SIZE:
		return &opt->queue_size;
	default:
		return NULL;
	}
}

static int set_number(const struct known_option *option, const char *value, long *ret,
		      struct err *err)
{
	uint64_t number;

	if (option->id == OPT_CTRL_LOSS_TMO && strcmp(value, "-1") == 0) {
		*ret = -1;
		return 0;
	}
	if (str_parse_uint(value, (uint64_t)option->max, &number) < 0)
		return err_set(err, -EINVAL, "--%s %s: a number up to %ld is meant", option->name,
			       value, option->max);
	*ret = (long)number;
	return 0;
}

static int set_option(struct ctl_options *opt, const struct known_option *option, const char *value,
		      struct err *err)
{
	bool *flag = flag_of(opt, option->id);
	const char **text = text_of(opt, option->id);
	long *number = number_of(opt, option->id);

	if (option->has_arg && !*value)
		return err_set(err, -EINVAL, "--%s needs a value, and \"\" is none", option->name);
	if (flag)
		*flag = true;
	if (text)
		*text = value;
	if (number)
		return set_number(option, value, number, err);
	return option->id == OPT_ADDRESS ? add_address(opt, option, value, err) : 0;
}

/* getopt's table of the options that the verb takes; val is the index in ours, plus 1000. */
static void fill_table(const struct verb *verb, struct option *table)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < N_OPTIONS; i++)
		if (takes(verb, &options[i]))
			table[n++] = (struct option){
				.name = options[i].name,
				.has_arg = options[i].has_arg,
				.val = 1000 + (int)i,
			};
	table[n] = (struct option){ 0 };
}

static const struct known_option *option_of(int c)
{
	size_t i;

	if (c >= 1000)
		return &options[c - 1000];
	for (i = 0; i < N_OPTIONS; i++)
		if (options[i].id == c)
			return &options[i];
	return NULL;
}

static int refuse(const struct verb *verb, int c, const char *word, struct err *err)
{
	if (c == ':')
		return err_set(err, -EINVAL, "%s needs a value; see: nvme-sunfishctl %s --help",
			       word, verb->name);
	return err_set(err, -EINVAL, "%s does not know %s; see: nvme-sunfishctl %s --help",
		       verb->name, word, verb->name);
}

static int check_args(const struct verb *verb, const struct ctl *ctl, struct err *err)
{
	if (ctl->n_args >= verb->min_args && ctl->n_args <= verb->max_args)
		return 0;
	return err_set(err, -EINVAL,
		       "%s %s is meant, but there %s %zu argument%s; see: "
		       "nvme-sunfishctl %s --help",
		       verb->name, *verb->args ? verb->args : "(without arguments)",
		       ctl->n_args == 1 ? "is" : "are", ctl->n_args, ctl->n_args == 1 ? "" : "s",
		       verb->name);
}

int verb_parse(const struct verb *verb, int n_words, char **words, struct ctl *ctl, struct err *err)
{
	struct option table[N_OPTIONS + 1];
	const struct known_option *option;
	int r = 0;
	int c;

	fill_table(verb, table);
	optind = 0; /* also forgets what it knew of an earlier command line */
	while (r == 0 && (c = getopt_long(n_words, words, ":jvqh", table, NULL)) != -1) {
		if (c == '?' || c == ':')
			return refuse(verb, c, words[optind - 1], err);
		option = option_of(c);
		if (option->id == 'h' && option->group == '*')
			return 1;
		r = set_option(&ctl->opt, option, optarg, err);
	}
	if (r < 0)
		return r;
	ctl->args = words + optind;
	ctl->n_args = (size_t)(n_words - optind);
	return check_args(verb, ctl, err);
}

/* --- help */

static void help_all(struct str *text)
{
	size_t i;

	str_add(text, "nvme-sunfishctl - connect this host to drives of others by NVMe over "
		      "Fabrics, and keep it so\n"
		      "\n"
		      "  nvme-sunfishctl connect blake14 --rdma 10.101.46.14:4420\n"
		      "\n"
		      "Verbs (VERB --help tells more):\n");
	for (i = 0; i < N_VERBS; i++)
		if (verbs[i].summary)
			str_addf(text, "  %-18s %s\n", verbs[i].name, verbs[i].summary);
	str_add(text, "  version            version of this program\n"
		      "\n"
		      "With each: --json, --verbose, --quiet.\n"
		      "Exit status: 0 done, 1 failed, 2 usage, 3 partly done, 4 another command is "
		      "busy,\n"
		      "5 not permitted. See nvme-sunfishctl(8).\n");
}

void verb_help(const struct verb *verb, struct str *text)
{
	const char *summary;
	size_t i;

	if (!verb) {
		help_all(text);
		return;
	}
	summary = verb->summary ? verb->summary : "tell the daemon";
	str_addf(text, "nvme-sunfishctl %s %s%s[OPTION]...\n\n%c%s.\n%s\nOptions:\n", verb->name,
		 verb->args, *verb->args ? " " : "", summary[0] - ('a' - 'A'), summary + 1,
		 verb->help);
	for (i = 0; i < N_OPTIONS; i++)
		if (takes(verb, &options[i]))
			str_addf(text, "  --%-16s %s\n", options[i].name, options[i].help);
}
