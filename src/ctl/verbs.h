/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs - the command line: which verbs there are, what each takes, how it is parsed. */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "ctl/ctl.h"

struct verb {
	const char *name; /* one or two words */
	int (*run)(struct ctl *ctl, struct err *err);
	const char *args;      /* as shown: "SUBSYSTEM HOST" */
	unsigned int min_args; /* fewer or more are an error of usage */
	unsigned int max_args;
	const char *options; /* letters of those it takes, see verbs.c */
	const char *summary;
	const char *help; /* the rest of VERB --help */
};

/* The verb of the first one or two words; NULL if there is none. @ret_words  how many it took. */
const struct verb *verb_find(char *const *words, int n_words, int *ret_words);

/* The second words of verbs that begin with @word, "add, remove", cut at @size. Returns: is there
 * one? */
bool verb_list_second(const char *word, char *text, size_t size);

/*
 * Parse what follows the verb into @ctl: options anywhere, arguments in ctl->args.
 * Returns: 0; 1 --help was asked for; -EINVAL.
 */
int verb_parse(const struct verb *verb, int n_words, char **words, struct ctl *ctl,
	       struct err *err);

/* Add the text of --help, of all (@verb NULL) or of one verb. */
void verb_help(const struct verb *verb, struct str *text);

/* "90", "90s", "15m", "2h", "1d" or such one after the other, "1h30m". Returns: 0; -EINVAL. */
int verb_parse_duration(const char *text, uint64_t *ret_ms);
