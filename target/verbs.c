/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/verbs.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/*
 * Groups of options, by letter:
 *   C changes something   d drives   l listeners   h hosts   a attributes of a subsystem
 *   n access of a new one   p port   t referral's target   y clear   f file formats (i in, o out)
 * k host remove
 */
static const struct verb verbs[] = {
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

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

enum {
	OPT_DRY_RUN = 256,
	OPT_WAIT,
	OPT_TRANSIENT,
	OPT_FORCE,
	OPT_DEV,
	OPT_LISTENER,
	OPT_HOST,
	OPT_ANY_HOST,
	OPT_PASSTHRU,
	OPT_ATTR,
	OPT_CNTLID,
	OPT_PORT,
	OPT_TO,
	OPT_YES,
	OPT_FORGET,
	OPT_FORMAT,
	OPT_STRICT,
	OPT_OUTPUT,
	OPT_WITH_SECRETS,
	OPT_KEEP_CONNECTED,
	OPT_NO_DAEMON,
	OPT_NO_HOST,
};

static const struct known_option {
	const char *name;
	int has_arg;
	int id;
	char group;	  /* of the verbs that take it; '*' all */
	const char *attr; /* of OPT_ATTR */
	const char *help;
} options[] = {
	{ "dev", 1, OPT_DEV, 'd', NULL,
	  "PATH[,nsid=N][,uuid=U][,nguid=G][,ana-group=N][,buffered-io][,resv][,disabled]" },
	{ "rdma", 1, OPT_LISTENER, 'l', NULL,
	  "ADDR[:PORT][,port-id=N][,inline-data-size=N][,max-queue-size=N][,mdts=N][,pi]" },
	{ "tcp", 1, OPT_LISTENER, 'l', NULL, "ADDR[:PORT][,tls=required|permitted|none][,...]" },
	{ "fc", 1, OPT_LISTENER, 'l', NULL, "WWNN:WWPN" },
	{ "loop", 0, OPT_LISTENER, 'l', NULL, "this host itself" },
	{ "host", 1, OPT_HOST, 'h', NULL,
	  "HOSTNQN[,dhchap-key=FILE][,dhchap-ctrl-key=FILE][,dhchap-hash=H][,dhchap-dhgroup=G]" },
	{ "any-host", 0, OPT_ANY_HOST, 'h', NULL, "any host may connect" },
	{ "no-host", 0, OPT_NO_HOST, 'n', NULL, "nobody may connect until a host is added" },
	{ "passthru", 1, OPT_PASSTHRU, 'a', NULL, "/dev/nvmeN: the whole controller, not --dev" },
	{ "serial", 1, OPT_ATTR, 'a', "attr_serial", "serial number; else from the drive" },
	{ "model", 1, OPT_ATTR, 'a', "attr_model", "model that hosts see" },
	{ "firmware", 1, OPT_ATTR, 'a', "attr_firmware", "firmware revision that hosts see" },
	{ "ieee-oui", 1, OPT_ATTR, 'a', "attr_ieee_oui", "vendor's number" },
	{ "qid-max", 1, OPT_ATTR, 'a', "attr_qid_max", "most queues of a host" },
	{ "cntlid", 1, OPT_CNTLID, 'a', NULL, "MIN-MAX: range of controller ids" },
	{ "pi", 0, OPT_ATTR, 'a', "attr_pi_enable", "protection information" },
	{ "port", 1, OPT_PORT, 'p', NULL, "ID of a port, instead of its address" },
	{ "to", 1, OPT_TO, 't', NULL, "tcp:ADDR[:PORT], rdma:ADDR[:PORT] or fc:WWNN:WWPN" },
	{ "keep-connected", 0, OPT_KEEP_CONNECTED, 'k', NULL, "do not cut live connections" },
	{ "yes", 0, OPT_YES, 'y', NULL, "it is meant" },
	{ "forget", 0, OPT_FORGET, 'y', NULL, "remove the stored exports too" },
	{ "format", 1, OPT_FORMAT, 'f', NULL, "nvmetcli" },
	{ "strict", 0, OPT_STRICT, 'i', NULL, "what is unknown is an error" },
	{ "output", 1, OPT_OUTPUT, 'o', NULL, "FILE instead of standard output" },
	{ "with-secrets", 0, OPT_WITH_SECRETS, 'o', NULL, "keys in clear" },
	{ "dry-run", 0, OPT_DRY_RUN, 'C', NULL, "print the shell commands, change nothing" },
	{ "transient", 0, OPT_TRANSIENT, 'C', NULL, "do not store: gone after a reboot" },
	{ "force", 0, OPT_FORCE, 'C', NULL, "go on where something is merely suspicious" },
	{ "no-daemon", 0, OPT_NO_DAEMON, 'C', NULL, "do it here, not in nvmet-sunfishd" },
	{ "wait", 1, OPT_WAIT, 'C', NULL, "SECONDS for another command to end" },
	{ "json", 0, 'j', '*', NULL, "one JSON object on standard output" },
	{ "verbose", 0, 'v', '*', NULL, "show each write to the kernel" },
	{ "quiet", 0, 'q', '*', NULL, "only errors" },
	{ "help", 0, 'h', '*', NULL, "this text" },
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

/* --- finding */

static bool is_verb(const struct verb *verb, char *const *words, int n_words, int *ret_words)
{
	const char *blank = strchr(verb->name, ' ');
	size_t length = blank ? (size_t)(blank - verb->name) : strlen(verb->name);

	*ret_words = blank ? 2 : 1;
	if (n_words < *ret_words || strlen(words[0]) != length ||
	    strncmp(words[0], verb->name, length) != 0)
		return false;
	return !blank || strcmp(words[1], blank + 1) == 0;
}

const struct verb *verb_find(char *const *words, int n_words, int *ret_words)
{
	size_t i;

	for (i = 0; i < N_VERBS; i++)
		if (is_verb(&verbs[i], words, n_words, ret_words))
			return &verbs[i];
	return NULL;
}

bool verb_list_second(const char *word, char *text, size_t size)
{
	size_t length = strlen(word);
	size_t used = 0;
	size_t i;

	for (i = 0; i < N_VERBS; i++)
		if (strncmp(verbs[i].name, word, length) == 0 && verbs[i].name[length] == ' ' &&
		    used < size)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
						 verbs[i].name + length + 1);
	return used > 0;
}

/* --- parsing */

static bool takes(const struct verb *verb, const struct known_option *option)
{
	return option->group == '*' || strchr(verb->options, option->group);
}

static int too_many(const struct known_option *option, struct err *err)
{
	return err_set(err, -EINVAL, "--%s: at most %d in one command", option->name, CTL_MANY);
}

static int add_listener(struct ctl_options *opt, const struct known_option *option,
			const char *value, struct err *err)
{
	if (opt->n_listeners == CTL_MANY)
		return too_many(option, err);
	opt->listeners[opt->n_listeners++] = (struct ctl_listener){
		.transport = option->name,
		.spec = value ? value : "",
	};
	return 0;
}

static int add_text(const char **list, size_t *count, const struct known_option *option,
		    const char *value, struct err *err)
{
	if (*count == CTL_MANY)
		return too_many(option, err);
	list[(*count)++] = value;
	return 0;
}

static int add_attr(struct ctl_options *opt, const char *name, const char *value, struct err *err)
{
	const size_t max = sizeof(opt->attrs) / sizeof(opt->attrs[0]);

	if (opt->n_attrs == max)
		return err_set(err, -EINVAL, "too many attributes of one subsystem");
	opt->attrs[opt->n_attrs].name = name;
	opt->attrs[opt->n_attrs++].value = value;
	return 0;
}

/* MIN-MAX; the text of argv is parted in place. */
static int add_cntlid(struct ctl_options *opt, char *value, struct err *err)
{
	char *dash = strchr(value, '-');
	int r;

	if (!dash)
		return err_set(err, -EINVAL, "--cntlid %s: a range is meant, such as 1-31999",
			       value);
	*dash = '\0';
	r = add_attr(opt, "attr_cntlid_min", value, err);
	return r < 0 ? r : add_attr(opt, "attr_cntlid_max", dash + 1, err);
}

static int set_wait(struct ctl_options *opt, const char *value, struct err *err)
{
	uint64_t seconds;

	if (str_parse_uint(value, 86400, &seconds) < 0)
		return err_set(err, -EINVAL, "--wait %s: a number of seconds up to 86400 is meant",
			       value);
	opt->wait_seconds = (long)seconds;
	return 0;
}

static bool *flag_of(struct ctl_options *opt, int id)
{
	switch (id) {
	case OPT_DRY_RUN:
		return &opt->dry_run;
	case OPT_TRANSIENT:
		return &opt->transient;
	case OPT_FORCE:
		return &opt->force;
	case OPT_ANY_HOST:
		return &opt->any_host;
	case OPT_YES:
		return &opt->yes;
	case OPT_FORGET:
		return &opt->forget;
	case OPT_STRICT:
		return &opt->strict;
	case OPT_WITH_SECRETS:
		return &opt->with_secrets;
	case OPT_KEEP_CONNECTED:
		return &opt->keep_connected;
	case OPT_NO_HOST:
		return &opt->no_host;
	case OPT_NO_DAEMON:
		return &opt->no_daemon;
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
	case OPT_PASSTHRU:
		return &opt->passthru;
	case OPT_PORT:
		return &opt->port;
	case OPT_TO:
		return &opt->to;
	case OPT_FORMAT:
		return &opt->format;
	case OPT_OUTPUT:
		return &opt->output;
	default:
		return NULL;
	}
}

static int set_option(struct ctl_options *opt, const struct known_option *option, char *value,
		      struct err *err)
{
	bool *flag = flag_of(opt, option->id);
	const char **text = text_of(opt, option->id);

	if (flag)
		*flag = true;
	if (text)
		*text = value;
	switch (option->id) {
	case OPT_DEV:
		return add_text(opt->devs, &opt->n_devs, option, value, err);
	case OPT_HOST:
		return add_text(opt->hosts, &opt->n_hosts, option, value, err);
	case OPT_LISTENER:
		return add_listener(opt, option, value, err);
	case OPT_ATTR:
		return add_attr(opt, option->attr, value ? value : "1", err);
	case OPT_CNTLID:
		return add_cntlid(opt, value, err);
	case OPT_WAIT:
		return set_wait(opt, value, err);
	default:
		return 0;
	}
}

/* getopt's table of the options that the verb takes; val is the index in ours, plus one. */
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
		return err_set(err, -EINVAL, "%s needs a value; see: nvmet-sunfishctl %s --help",
			       word, verb->name);
	return err_set(err, -EINVAL, "%s does not know %s; see: nvmet-sunfishctl %s --help",
		       verb->name, word, verb->name);
}

static int check_args(const struct verb *verb, const struct ctl *ctl, struct err *err)
{
	if (ctl->n_args >= verb->min_args && ctl->n_args <= verb->max_args)
		return 0;
	return err_set(err, -EINVAL,
		       "%s %s is meant, but there %s %zu argument%s; see: "
		       "nvmet-sunfishctl %s --help",
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
	optind = 1;
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

	str_add(text,
		"nvmet-sunfishctl - export drives by NVMe over Fabrics with the Linux kernel's target\n"
		"\n"
		"  nvmet-sunfishctl create blake14 --dev /dev/nvme1n1 --rdma 10.101.46.14:4420\n"
		"\n"
		"Verbs (VERB --help tells more):\n");
	for (i = 0; i < N_VERBS; i++)
		str_addf(text, "  %-18s %s\n", verbs[i].name, verbs[i].summary);
	str_add(text,
		"  version            version of this program\n"
		"\n"
		"With each: --json, --verbose, --quiet; with those that change something: --dry-run.\n"
		"Exit status: 0 done, 1 failed, 2 usage, 3 partly done, 4 another command is busy,\n"
		"5 not permitted. See nvmet-sunfishctl(8).\n");
}

void verb_help(const struct verb *verb, struct str *text)
{
	size_t i;

	if (!verb) {
		help_all(text);
		return;
	}
	str_addf(text, "nvmet-sunfishctl %s %s%s[OPTION]...\n\n%c%s.\n%s\nOptions:\n", verb->name,
		 verb->args, *verb->args ? " " : "", verb->summary[0] - ('a' - 'A'),
		 verb->summary + 1, verb->help);
	for (i = 0; i < N_OPTIONS; i++)
		if (takes(verb, &options[i]))
			str_addf(text, "  --%-16s %s\n", options[i].name, options[i].help);
}
