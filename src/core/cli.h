/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * cli - a command line "PROGRAM VERB [ARGUMENT]... [OPTION]...", from its words to its exit status.
 *
 * A program has a table of verbs, a table of options with types, and a `struct ctl` of its own,
 * which begins with a `struct cli` and is what its verbs work with. All else is here: finding the
 * verb, parsing, --help, --json, errors and the exit status. Nothing outside prints errors.
 * What is wrong in the words themselves is an error of usage, and the verb does not begin.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/js.h"
#include "base/str.h"
#include "base/table.h"

/* Exit statuses; a program's manual says which it has. */
enum {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_PARTLY = 3, /* of several things some failed, the others are done */
	CLI_LOCKED = 4, /* another command is busy */
	CLI_NOT_PERMITTED = 5,
};

struct ctl; /* each program has its own */

/* --- options */

#define CLI_MANY 256 /* room for what may be given several times */

struct cli_item {
	const char *name; /* of the option without its dashes, or what the table says */
	const char *value;
};

struct cli_list {
	struct cli_item items[CLI_MANY];
	size_t count;
};

enum cli_type {
	CLI_TYPE_FLAG,	   /* bool */
	CLI_TYPE_TEXT,	   /* const char * */
	CLI_TYPE_NUMBER,   /* int64_t, in a range */
	CLI_TYPE_DURATION, /* uint64_t, milliseconds, more than 0 */
	CLI_TYPE_LIST,	   /* struct cli_list; several options may fill the same */
	CLI_TYPE_OWN,	   /* what the function makes of it */
};

struct cli_option {
	const char *name;   /* "--dev" */
	const char *groups; /* letters: verbs with one of them take it; "*" all do */
	const char *help;   /* begins with the word for the value in capitals, if it has one */
	enum cli_type type;
	char letter;	   /* 'j' of -j; 0: none */
	size_t offset;	   /* in the program's struct ctl */
	int64_t min;	   /* of a number */
	int64_t max;	   /* of a number; of a list: most items */
	const char *as;	   /* of a list: name of the item; NULL: the option's */
	const char *fixed; /* of a list: the option has no value, this one is added */
	int (*take)(struct ctl *ctl, char *value, struct err *err); /* may change the text */
};

/* Rows of the table: CLI_FLAG("--force", opt.force, "F", "also if it is in use"). A member of a
 * wrong type does not compile. */
#define CLI_ROW(n, kind, ctype, member, g, h)                                                      \
	.name = (n), .groups = (g), .help = (h), .type = (kind),                                   \
	.offset = offsetof(struct ctl, member) +                                                   \
		  0 * sizeof(char[__builtin_types_compatible_p(                                    \
					  __typeof__(((struct ctl *)0)->member), ctype)            \
					  ? 1                                                      \
					  : -1])
#define CLI_FLAG(n, member, g, h)                                                                  \
	{                                                                                          \
		CLI_ROW(n, CLI_TYPE_FLAG, bool, member, g, h)                                      \
	}
#define CLI_LETTER(c, n, member, g, h)                                                             \
	{                                                                                          \
		CLI_ROW(n, CLI_TYPE_FLAG, bool, member, g, h), .letter = (c)                       \
	}
#define CLI_TEXT(n, member, g, h)                                                                  \
	{                                                                                          \
		CLI_ROW(n, CLI_TYPE_TEXT, const char *, member, g, h)                              \
	}
#define CLI_NUMBER(n, member, low, high, g, h)                                                     \
	{                                                                                          \
		CLI_ROW(n, CLI_TYPE_NUMBER, int64_t, member, g, h), .min = (low), .max = (high)    \
	}
#define CLI_DURATION(n, member, g, h)                                                              \
	{                                                                                          \
		CLI_ROW(n, CLI_TYPE_DURATION, uint64_t, member, g, h)                              \
	}
#define CLI_LIST(n, member, most, g, h)                                                            \
	{                                                                                          \
		CLI_ROW(n, CLI_TYPE_LIST, struct cli_list, member, g, h), .max = (most)            \
	}
#define CLI_ITEM(n, member, name_in_list, g, h)                                                    \
	{                                                                                          \
		CLI_ROW(n, CLI_TYPE_LIST, struct cli_list, member, g, h), .max = CLI_MANY,         \
									  .as = (name_in_list)     \
	}
#define CLI_FIXED(n, member, name_in_list, text, g, h)                                             \
	{                                                                                          \
		CLI_ROW(n, CLI_TYPE_LIST, struct cli_list, member, g, h),                          \
			.max = CLI_MANY, .as = (name_in_list), .fixed = (text)                     \
	}
#define CLI_OWN(n, function, g, h)                                                                 \
	{                                                                                          \
		.name = (n), .groups = (g), .help = (h), .type = CLI_TYPE_OWN, .take = (function)  \
	}

/* --- a program */

struct cli_verb {
	const char *name; /* one or two words */
	int (*run)(struct ctl *ctl, struct err *err);
	const char *args;      /* as shown: "NQN NSID..." */
	unsigned int min_args; /* fewer or more are an error of usage */
	unsigned int max_args;
	const char *options; /* letters of the groups that it takes */
	const char *summary; /* NULL: not for people, no list shows it */
	const char *help;    /* the rest of VERB --help */
};

struct cli_program {
	const char *name;
	const char *version;
	const char *summary; /* what it is for, one line */
	const char *example; /* a whole command */
	const char *first;   /* the verb to begin with */
	const char *footer;  /* of --help */
	const struct cli_verb *verbs;
	size_t n_verbs;
	const struct cli_option *options;
	size_t n_options; /* --help is none of them: each verb has it */
	/* Run ctl's verb: open what verbs need, call it, release. NULL: only call it. */
	int (*run)(struct ctl *ctl, struct err *err);
};

#define CLI_OPTIONS_MAX 64

/* One run. All but json, verbose and quiet is filled in by cli_main. */
struct cli {
	const struct cli_program *program;
	const struct cli_verb *verb;
	const char *command; /* the whole command line, as a shell takes it */
	char **args;	     /* what follows the verb and is no option */
	size_t n_args;
	bool json;
	bool verbose;
	bool quiet;
	struct js *result; /* of --json: a verb adds to it; NULL without --json */
	struct js *warnings;
	bool is_answered; /* line by line, or by another process: no document comes behind it */
	bool failed;	  /* something could not be printed for lack of memory */
	int status;	  /* the exit status, for a failure if it is not CLI_FAILED */
};

/*
 * Do what the words say, and tell how it ended.
 * @words  what follows the program's name; changed
 * @ctl    begins with a `struct cli`, options have their defaults
 * Returns: the exit status.
 */
int cli_main(const struct cli_program *program, int n_words, char **words, struct ctl *ctl);

/* The verb of the first one or two words; NULL if there is none. @ret_words  how many it took. */
const struct cli_verb *cli_find(const struct cli_program *program, char *const *words, int n_words,
				int *ret_words);

/* --- what a verb says */

/* For a person: stdout, nothing with --json or --quiet. */
void cli_say(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text that is the result of the verb: also with --quiet, not with --json. */
void cli_print(const struct cli *cli, const char *text);
/* Such a table, as the terminal wants it. A lack of memory is remembered: the run fails. */
void cli_print_table(struct cli *cli, const struct table *table, const char *indent);
/* stderr, and "warnings" of --json; silent with --quiet. */
void cli_warn(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Colours and width of standard output; none of both where it is no terminal. NO_COLOR and
 * TERM=dumb turn colours off. Source: https://no-color.org */
struct table_style cli_style(void);

/* Let the failure be one of usage. Returns: @code, for `return cli_usage(cli, err_set(..))`. */
static inline int cli_usage(struct cli *cli, int code)
{
	cli->status = CLI_USAGE;
	return code;
}

/* --- parts, for those who run a verb in another process, and for tests */

/* Print the end: the document of --json, the error. Returns: the exit status. */
int cli_finish(struct cli *cli, int r, struct err *err);

/* Parse what follows cli->verb, whose last word is words[0]; options may stand anywhere.
 * Returns: 0; 1 --help was asked for; -EINVAL. */
int cli_parse(struct ctl *ctl, int n_words, char **words, struct err *err);

/* "90", "90s", "15m", "2h", "1d" or such one after the other, "1h30m". Returns: 0; -EINVAL. */
int cli_parse_duration(const char *text, uint64_t *ret_ms);

/* Add the text of --help, of all (@verb NULL) or of one verb. */
void cli_help(const struct cli_program *program, const struct cli_verb *verb, struct str *text);

/* Does the verb take it? */
bool cli_takes(const struct cli_verb *verb, const struct cli_option *option);

/* stdin, stdout and stderr are open, or a file of ours opened as the third would get messages. */
void cli_open_standard(void);
