/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs - the command line: which verbs there are, what each takes, how it is parsed. */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "initiator/ctl.h"

struct verb {
	const char *name;
	int (*run)(struct ctl *ctl, struct err *err);
	const char *args;      /* as shown: "NQN" */
	unsigned int min_args; /* fewer or more are an error of usage */
	unsigned int max_args;
	const char *options; /* letters of those it takes, see verbs.c */
	const char *summary; /* NULL: not for people, and not shown */
	const char *help;    /* the rest of VERB --help */
};

/* NULL if there is none. */
const struct verb *verb_find(const char *word);

/* Add the names of verbs that are like @word, for "did you mean". */
void verb_add_near(const char *word, struct str *text);

/*
 * Parse what follows the verb into @ctl: options anywhere, arguments in ctl->args.
 * Returns: 0; 1 --help was asked for; -EINVAL.
 */
int verb_parse(const struct verb *verb, int n_words, char **words, struct ctl *ctl,
	       struct err *err);

/* Add the text of --help, of all (@verb NULL) or of one verb. */
void verb_help(const struct verb *verb, struct str *text);
