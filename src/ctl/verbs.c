/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/verbs.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/*
 * Groups of options, by letter:
 *   f filters   e events   o top   w waits   a attach   F force   l listeners   x export create
 *   n node add
 */
static const struct verb verbs[] = {
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
	{ "attach", cmd_attach, "SUBSYSTEM HOST", 2, 2, "alwt",
	  "let a host use a subsystem, and wait until it is a device there",
	  "HOST is the name of a node or a host NQN. The target lets it in, it connects, and its\n"
	  "device is printed. If a hop fails, all is undone. The same attach again changes nothing,\n"
	  "but a lease begins anew.\n"
	  "\n"
	  "  sunfishctl attach blake14 blake15 --lease 2h --job 4711\n" },
	{ "detach", cmd_detach, "SUBSYSTEM HOST | ID", 1, 2, "Fw",
	  "take a subsystem from a host, and prove that it is gone", "" },
	{ "attachments", cmd_list, "", 0, 0, "f", "which subsystems are attached to which hosts",
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
	{ "node add", cmd_node_add, "NAME", 1, 1, "n", "let a node report, or a person ask",
	  "Prints the token, which is shown only this once. With --output it goes to a file of\n"
	  "mode 0600 instead; with --json it must.\n" },
	{ "node remove", cmd_node_remove, "NAME", 1, 1, "",
	  "make a token void, and forget what its node reported", "" },
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

enum {
	OPT_NODE = 256,
	OPT_NQN,
	OPT_HOST,
	OPT_STATE,
	OPT_KIND,
	OPT_AFTER,
	OPT_LIMIT,
	OPT_ONCE,
	OPT_INTERVAL,
	OPT_NO_WAIT,
	OPT_TIMEOUT,
	OPT_LEASE,
	OPT_JOB,
	OPT_FORCE,
	OPT_LISTENER,
	OPT_DEV,
	OPT_ANY_HOST,
	OPT_ROLE,
	OPT_OUTPUT,
	OPT_URL,
	OPT_CA_FILE,
	OPT_TOKEN_FILE,
};

static const struct known_option {
	const char *name;
	int has_arg;
	int id;
	const char *groups; /* of the verbs that take it; "*" all */
	const char *help;
} options[] = {
	{ "node", 1, OPT_NODE, "fxk", "NAME of a node" },
	{ "nqn", 1, OPT_NQN, "f", "NQN of a subsystem" },
	{ "host", 1, OPT_HOST, "fh", "HOSTNQN" },
	{ "state", 1, OPT_STATE, "f", "STATE, as it is shown" },
	{ "kind", 1, OPT_KIND, "e", "KIND of object: namespace, controller .." },
	{ "after", 1, OPT_AFTER, "e", "ID: events behind this one" },
	{ "limit", 1, OPT_LIMIT, "e", "N: no more than so many" },
	{ "once", 0, OPT_ONCE, "o", "print one picture and end" },
	{ "interval", 1, OPT_INTERVAL, "o", "TIME between two pictures; 1s" },
	{ "dev", 1, OPT_DEV, "x", "PATH of a drive on the target" },
	{ "rdma", 1, OPT_LISTENER, "l", "ADDR[:PORT]" },
	{ "tcp", 1, OPT_LISTENER, "l", "ADDR[:PORT]" },
	{ "any-host", 0, OPT_ANY_HOST, "h", "any host may connect" },
	{ "lease", 1, OPT_LEASE, "a", "TIME (2h, 30m, 1d) after which it is detached" },
	{ "job", 1, OPT_JOB, "a", "TEXT that says for which job it is" },
	{ "timeout", 1, OPT_TIMEOUT, "t", "TIME that each hop may take; 30s" },
	{ "no-wait", 0, OPT_NO_WAIT, "w", "do not wait for the end" },
	{ "force", 0, OPT_FORCE, "F", "also if it is in use" },
	{ "role", 1, OPT_ROLE, "n", "node (default), viewer or admin" },
	{ "output", 1, OPT_OUTPUT, "n", "FILE for the token" },
	{ "json", 0, 'j', "*", "JSON on standard output" },
	{ "quiet", 0, 'q', "*", "only results and errors" },
	{ "url", 1, OPT_URL, "*", "URL of the collector" },
	{ "ca-file", 1, OPT_CA_FILE, "*", "FILE with the certificates that it must have" },
	{ "token-file", 1, OPT_TOKEN_FILE, "*", "FILE with the token" },
	{ "help", 0, 'h', "*", "this text" },
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
	return option->groups[0] == '*' || strpbrk(verb->options, option->groups);
}

static uint64_t unit_ms(char letter)
{
	switch (letter) {
	case 's':
		return 1000;
	case 'm':
		return 60000;
	case 'h':
		return 3600000;
	case 'd':
		return 86400000;
	default:
		return 0;
	}
}

#define DURATION_MAX ((uint64_t)3650 * 86400000)

int verb_parse_duration(const char *text, uint64_t *ret_ms)
{
	uint64_t sum = 0;
	uint64_t value;
	bool has_unit = false;

	if (!*text)
		return -EINVAL;
	while (*text) {
		char digits[12];
		size_t n = strspn(text, "0123456789");
		uint64_t unit = unit_ms(text[n]);

		/* only a number that stands alone has no unit */
		if (n == 0 || n >= sizeof(digits) || (!unit && (text[n] || has_unit)))
			return -EINVAL;
		snprintf(digits, sizeof(digits), "%.*s", (int)n, text);
		str_parse_uint(digits, UINT64_MAX, &value);
		sum += value * (unit ? unit : 1000);
		has_unit = true;
		text += n + (unit ? 1 : 0);
		if (sum > DURATION_MAX)
			return -EINVAL;
	}
	*ret_ms = sum;
	return 0;
}

static int set_duration(const struct known_option *option, const char *value, uint64_t *ret_ms,
			struct err *err)
{
	if (verb_parse_duration(value, ret_ms) < 0 || *ret_ms == 0)
		return err_set(err, -EINVAL, "--%s %s: a time is meant, such as 90s, 15m, 2h or 1d",
			       option->name, value);
	return 0;
}

static int add_text(const char **list, size_t *count, const struct known_option *option,
		    const char *value, struct err *err)
{
	if (*count == CTL_MANY)
		return err_set(err, -EINVAL, "--%s: at most %d in one command", option->name,
			       CTL_MANY);
	list[(*count)++] = value;
	return 0;
}

static int add_listener(struct ctl_options *opt, const struct known_option *option,
			const char *value, struct err *err)
{
	if (opt->n_listeners == CTL_MANY)
		return err_set(err, -EINVAL, "--%s: at most %d in one command", option->name,
			       CTL_MANY);
	opt->listeners[opt->n_listeners++] = (struct ctl_listener){
		.transport = option->name,
		.spec = value,
	};
	return 0;
}

static bool *flag_of(struct ctl_options *opt, int id)
{
	switch (id) {
	case OPT_ONCE:
		return &opt->once;
	case OPT_NO_WAIT:
		return &opt->no_wait;
	case OPT_FORCE:
		return &opt->force;
	case OPT_ANY_HOST:
		return &opt->any_host;
	case 'j':
		return &opt->json;
	case 'q':
		return &opt->quiet;
	default:
		return NULL;
	}
}

static const char **text_of(struct ctl_options *opt, int id)
{
	switch (id) {
	case OPT_NODE:
		return &opt->node;
	case OPT_NQN:
		return &opt->nqn;
	case OPT_STATE:
		return &opt->state;
	case OPT_KIND:
		return &opt->kind;
	case OPT_AFTER:
		return &opt->after;
	case OPT_JOB:
		return &opt->job;
	case OPT_ROLE:
		return &opt->role;
	case OPT_OUTPUT:
		return &opt->output;
	case OPT_URL:
		return &opt->url;
	case OPT_CA_FILE:
		return &opt->ca_file;
	case OPT_TOKEN_FILE:
		return &opt->token_file;
	default:
		return NULL;
	}
}

static int set_option(struct ctl_options *opt, const struct known_option *option, const char *value,
		      struct err *err)
{
	bool *flag = flag_of(opt, option->id);
	const char **text = text_of(opt, option->id);

	assert(opt); /* or clang-tidy takes the NULL of the two above for its own */
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
	case OPT_LEASE:
		return set_duration(option, value, &opt->lease_ms, err);
	case OPT_TIMEOUT:
		return set_duration(option, value, &opt->timeout_ms, err);
	case OPT_INTERVAL:
		return set_duration(option, value, &opt->interval_ms, err);
	case OPT_LIMIT:
		if (str_parse_uint(value, 1000000, &opt->limit) < 0 || opt->limit == 0)
			return err_set(err, -EINVAL, "--limit %s: a number from 1 is meant", value);
		return 0;
	default:
		return 0;
	}
}

/* getopt's table of the options that the verb takes; val is the index in ours, and 1000. */
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
		return err_set(err, -EINVAL, "%s needs a value; see: sunfishctl %s --help", word,
			       verb->name);
	return err_set(err, -EINVAL, "%s does not know %s; see: sunfishctl %s --help", verb->name,
		       word, verb->name);
}

static int check_args(const struct verb *verb, const struct ctl *ctl, struct err *err)
{
	if (ctl->n_args >= verb->min_args && ctl->n_args <= verb->max_args)
		return 0;
	return err_set(err, -EINVAL,
		       "%s %s is meant, but there %s %zu argument%s; see: sunfishctl %s --help",
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
	optind = 0;
	while (r == 0 && (c = getopt_long(n_words, words, ":jqh", table, NULL)) != -1) {
		if (c == '?' || c == ':')
			return refuse(verb, c, words[optind - 1], err);
		option = option_of(c);
		if (option->id == 'h')
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
		"sunfishctl - what the collector knows of all targets and hosts, and what is wanted of "
		"them\n"
		"\n"
		"  sunfishctl attach blake14 blake15 --lease 2h\n"
		"\n"
		"Verbs (VERB --help tells more):\n");
	for (i = 0; i < N_VERBS; i++)
		str_addf(text, "  %-15s %s\n", verbs[i].name, verbs[i].summary);
	str_add(text, "  version         version of this program\n"
		      "\n"
		      "With each: --json, --quiet, --url URL, --token-file FILE.\n"
		      "Exit status: 0 done, 1 failed, 2 usage, 5 not permitted. See "
		      "sunfishctl(8).\n");
}

void verb_help(const struct verb *verb, struct str *text)
{
	size_t i;

	if (!verb) {
		help_all(text);
		return;
	}
	str_addf(text, "sunfishctl %s %s%s[OPTION]...\n\n%c%s.\n%s\nOptions:\n", verb->name,
		 verb->args, *verb->args ? " " : "", verb->summary[0] - ('a' - 'A'),
		 verb->summary + 1, verb->help);
	for (i = 0; i < N_OPTIONS; i++)
		if (takes(verb, &options[i]))
			str_addf(text, "  --%-12s %s\n", options[i].name, options[i].help);
}
