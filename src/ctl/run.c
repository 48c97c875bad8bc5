/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/run.h"

#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/verbs.h"

static int load_settings(struct ctl *ctl, struct err *err)
{
	struct settings *settings = &ctl->settings;
	int r;

	settings_init(settings, STATEDIR);
	r = settings_load(settings, AT_FDCWD, SYSCONFDIR "/sunfishctl.conf", err);
	if (r == 0) {
		r = settings_set(settings, getenv("SUNFISH_URL"), getenv("SUNFISH_CA_FILE"),
				 getenv("SUNFISH_TOKEN_FILE"), err);
		if (r < 0)
			err_prefix(err, "in the environment: SUNFISH_");
	}
	if (r == 0)
		r = settings_set(settings, ctl->opt.url, ctl->opt.ca_file, ctl->opt.token_file,
				 err);
	return r;
}

int run_verb(struct ctl *ctl, struct err *err)
{
	int r;

	setlocale(LC_CTYPE, "");
	ctl->is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	ctl->style = cli_style();
	r = load_settings(ctl, err);
	if (r == 0)
		r = client_open(&ctl->settings, &ctl->client, err);
	if (r == 0)
		r = ctl->cli.verb->run(ctl, err);
	client_close(ctl->client);
	/* a token that others can read is not used, by root neither */
	if (r == -EACCES && !ctl->cli.status)
		ctl->cli.status = CLI_NOT_PERMITTED;
	return r;
}

int run_main(int argc, char **argv)
{
	struct ctl ctl = { .opt.after = -1 };

	return cli_main(&verbs_program, argc > 1 ? argc - 1 : 0, argv + 1, &ctl);
}
