/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/program.h"

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/log.h"
#include "core/service.h"

struct run {
	const struct program *program;
	void *data;
	const char *config;
	bool only_check;
	bool verbose;
	bool is_stopping;
	struct loop *loop;
	struct loop_source *signals[3];
};

/* Returns: -1 go on; else the exit status. */
static int parse(struct run *run, int argc, char **argv)
{
	static const struct option table[] = {
		{ "config", required_argument, NULL, 'f' },
		{ "check-config", no_argument, NULL, 'c' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const struct program *program = run->program;
	int c;

	while ((c = getopt_long(argc, argv, "vh", table, NULL)) != -1) {
		switch (c) {
		case 'f':
			run->config = optarg;
			break;
		case 'c':
			run->only_check = true;
			break;
		case 'v':
			run->verbose = true;
			break;
		case 'V':
			printf("%s %s\n", program->name, program->version);
			return PROGRAM_DONE;
		case 'h':
			fputs(program->help, stdout);
			return PROGRAM_DONE;
		default:
			return PROGRAM_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "%s: it takes no argument, but \"%s\" is there; see --help\n",
		program->name, argv[optind]);
	return PROGRAM_USAGE;
}

static void on_end_signal(void *data, int signal)
{
	struct run *run = data;
	const bool again = run->is_stopping;

	log_notice("%s: ending", strsignal(signal));
	service_stopping();
	run->is_stopping = true;
	if (run->program->stop && !again)
		run->program->stop(run->data);
	else
		loop_quit(run->loop, PROGRAM_DONE);
}

static void on_hangup(void *data, int signal)
{
	struct run *run = data;

	(void)signal;
	if (!run->program->reload || run->is_stopping)
		return;
	service_reloading();
	run->program->reload(run->data, run->config);
}

static int add_signals(struct run *run, struct err *err)
{
	int r;

	signal(SIGPIPE, SIG_IGN);
	r = loop_add_signal(run->loop, SIGTERM, on_end_signal, run, &run->signals[0], err);
	if (r == 0)
		r = loop_add_signal(run->loop, SIGINT, on_end_signal, run, &run->signals[1], err);
	if (r == 0)
		r = loop_add_signal(run->loop, SIGHUP, on_hangup, run, &run->signals[2], err);
	return r;
}

static int run_loop(struct run *run, struct err *err)
{
	int r = loop_new(&run->loop, err);
	size_t i;

	if (r < 0)
		return r;
	/* before what start does: a signal that comes during it is not lost */
	r = add_signals(run, err);
	if (r == 0) {
		r = run->program->start(run->data, run->loop, err);
		if (r == 0) {
			loop_enable_watchdog(run->loop);
			r = loop_run(run->loop, err);
		}
		run->program->end(run->data);
	}
	for (i = 0; i < sizeof(run->signals) / sizeof(run->signals[0]); i++)
		loop_source_free(run->signals[i]);
	loop_free(run->loop);
	return r;
}

static int failed(int r, const struct err *err)
{
	log_error("%s", *err->text ? err->text : strerror(-r));
	return PROGRAM_FAILED;
}

int program_main(const struct program *program, int argc, char **argv, void *data)
{
	struct run run = { .program = program, .data = data, .config = program->config };
	struct err err = ERR_NULL;
	int r = parse(&run, argc, argv);

	if (r >= 0)
		return r;
	umask(077);
	log_init(program->name, run.verbose ? LOG_DEBUG : LOG_INFO);
	r = program->load(data, run.config, &err);
	if (r < 0)
		return failed(r, &err);
	if (run.only_check)
		return PROGRAM_DONE;
	r = run_loop(&run, &err);
	return r < 0 ? failed(r, &err) : r;
}
