/* SPDX-License-Identifier: BSD-3-Clause */
/* Changing the target: one after the other, each in a child. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/str.h"
#include "core/log.h"
#include "target/ask.h"
#include "target/command.h"
#include "target/ctl.h"
#include "target/daemon.h"
#include "target/intent.h"
#include "target/tend.h"

#define LATE_FACTOR INT64_C(3) /* a change gives up by itself before that */
#define WAITING_MAX 1024

struct task {
	struct daemon *daemon;
	struct task *next;
	enum task_kind kind;
	struct job *job;  /* NULL: it waits */
	char *what;	  /* for a person */
	struct js *ids;	  /* of TASK_TAKE_OUT; of TASK_TEND: a look's result */
	struct js *entry; /* of TASK_INTENT */
	char *intent;
	struct task_verb verb;
	int64_t since_ms; /* wall clock */
	bool is_late;
};

static void close_fds(struct task *task)
{
	size_t i;

	for (i = 0; i < 3; i++)
		if (task->verb.fds[i] >= 0)
			close(take_fd(&task->verb.fds[i]));
}

static void task_free(struct task *task)
{
	if (!task)
		return;
	close_fds(task);
	js_free(task->verb.words);
	free(task->verb.directory);
	js_free(task->ids);
	js_free(task->entry);
	free(task->intent);
	free(task->what);
	free(task);
}

static struct task *task_new(struct daemon *daemon, enum task_kind kind, const char *what)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	task->daemon = daemon;
	task->kind = kind;
	task->verb.fds[0] = task->verb.fds[1] = task->verb.fds[2] = -1;
	task->since_ms = clock_wall_ms();
	task->what = strdup(what);
	return task;
}

static void append(struct daemon *daemon, struct task *task)
{
	struct task **at = &daemon->tasks;

	while (*at)
		at = &(*at)->next;
	*at = task;
}

/* What is stored comes back before what the collector wants beside it: the latter may need it, and
 * may be much. */
static void put_before_intents(struct daemon *daemon, struct task *task)
{
	struct task **at = &daemon->tasks;

	while (*at && (*at)->kind != TASK_INTENT)
		at = &(*at)->next;
	task->next = *at;
	*at = task;
}

/* --- in the child */

static int write_result(int fd, struct js *result)
{
	CLEANUP_FREE char *text = js_format(result, JS_COMPACT);
	const char *at = text;
	size_t length = text ? strlen(text) : 0;

	js_free(result);
	while (length) {
		ssize_t n = write(fd, at, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return EXIT_FAILURE;
		at += n;
		length -= (size_t)n;
	}
	return text ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int run_own(const struct task *task, int result_fd)
{
	const struct daemon *daemon = task->daemon;
	struct tend_env env = {
		.record = daemon->record,
		.grown = js_get(task->ids, "grown"),
		.lost = js_get(task->ids, "lost"),
		.repair = daemon->settings.repair,
		.probe = !daemon->kernel || daemon->is_kernel_old,
	};
	struct ctl ctl;

	ctl_init(&ctl);
	ctl.settings = daemon->settings;
	ctl.cli.command = "nvmet-sunfishd";
	if (ctl_open_system(&ctl, NULL) < 0)
		return EXIT_FAILURE;
	return write_result(result_fd, task->kind == TASK_TAKE_OUT ? tend_take_out(&ctl, task->ids)
								   : tend_run(&ctl, &env));
}

static int run_intent(const struct task *task, int result_fd)
{
	CLEANUP_JS struct js *document = wanted_encode("x", REPORT_TARGET, 1, js_array());
	struct js *entries = js_array();
	struct js *result = js_object();
	struct wanted wanted;
	struct wanted_entry entry;
	struct err err = ERR_NULL;
	struct ctl ctl;
	int r;

	js_append(entries, js_ref(task->entry));
	js_set(document, "entries", entries);
	ctl_init(&ctl);
	ctl.settings = task->daemon->settings;
	ctl.settings_path = task->daemon->config;
	ctl.cli.quiet = true;
	r = ctl_open_system(&ctl, &err);
	if (r == 0)
		r = wanted_decode(document, &wanted, &err);
	if (r == 0) {
		wanted_entry_at(&wanted, 0, &entry);
		r = intent_do(&ctl, &entry, &err);
	}
	js_set(result, "state", js_string(r == 0 ? "done" : r == -EAGAIN ? "working" : "failed"));
	if (r < 0)
		js_set(result, "error", js_string(err.text));
	return write_result(result_fd, result);
}

/* The command may have given up meanwhile, and done it itself. */
static bool is_called_off(int fd)
{
	char byte = ASK_READY;

	return send(fd, &byte, 1, MSG_NOSIGNAL) != 1 || recv(fd, &byte, 1, 0) != 1 ||
	       byte != ASK_GO;
}

static char **copy_words(const struct js *js, int *ret_n)
{
	size_t n = js_length(js);
	char **words = calloc(n + 1, sizeof(*words));
	size_t i;

	for (i = 0; words && i < n; i++) {
		words[i] = strdup(js_text(js_at(js, i)));
		if (!words[i])
			return NULL;
	}
	*ret_n = (int)n;
	return words;
}

static int run_verb(const struct task *task)
{
	const struct task_verb *verb = &task->verb;
	char answer[2] = { ASK_ENDED, EXIT_FAILURE };
	char **words;
	int n = 0;

	if (is_called_off(verb->fds[2]))
		return EXIT_SUCCESS;
	/* it goes on where its command was called, and whatever becomes of that or of the daemon */
	setsid();
	signal(SIGPIPE, SIG_IGN);
	words = copy_words(verb->words, &n);
	fcntl(verb->fds[2], F_SETFD, FD_CLOEXEC);
	if (words && chdir(verb->directory) == 0 && dup2(verb->fds[0], STDOUT_FILENO) >= 0 &&
	    dup2(verb->fds[1], STDERR_FILENO) >= 0)
		answer[1] = (char)command_run(n, words, task->daemon->config);
	fflush(stdout);
	send(verb->fds[2], answer, sizeof(answer), MSG_NOSIGNAL);
	return (unsigned char)answer[1];
}

static int run_task(void *data, int result_fd)
{
	const struct task *task = data;

	if (task->kind == TASK_VERB)
		return run_verb(task);
	return task->kind == TASK_INTENT ? run_intent(task, result_fd) : run_own(task, result_fd);
}

/* --- in the parent */

static void tell_lines(int priority, const struct js *lines)
{
	size_t i;

	for (i = 0; i < js_length(lines); i++)
		log_write(priority, NULL, "%s", js_text(js_at(lines, i)));
}

/* Told once, not each time it is tried again. */
static void take_errors(struct daemon *daemon, const struct js *result)
{
	const struct js *tried = js_get(result, "tried");
	const struct js *errors = js_get(result, "errors");
	struct js *now = js_object();
	size_t i;

	for (i = 0; i < js_length(daemon->errors); i++)
		js_set(now, js_key_at(daemon->errors, i), js_ref(js_value_at(daemon->errors, i)));
	for (i = 0; i < js_length(tried); i++)
		js_set(now, js_text(js_at(tried, i)), js_string(""));
	for (i = 0; i < js_length(errors); i++) {
		const char *nqn = js_key_at(errors, i);
		const char *text = js_text(js_value_at(errors, i));
		const char *before = js_text(js_get(daemon->errors, nqn));
		struct log_about about = { .nqn = nqn };

		if (!before || strcmp(before, text) != 0)
			log_write(LOG_ERR, &about, "%s: %s", nqn, text);
		js_set(now, nqn, js_string(text));
	}
	js_free(daemon->errors);
	daemon->errors = now;
}

static void take_result(struct task *task, const char *text, size_t length)
{
	struct daemon *daemon = task->daemon;
	CLEANUP_JS struct js *result = NULL;
	const char *error;

	if (js_parse(text, length, &result, NULL) < 0) {
		log_error("%s: it ended without a result", task->what);
		return;
	}
	tell_lines(LOG_NOTICE, js_get(result, "changes"));
	tell_lines(LOG_WARNING, js_get(result, "warnings"));
	take_errors(daemon, result);
	if (js_get(result, "kernel")) {
		js_free(daemon->kernel);
		daemon->kernel = js_ref(js_get(result, "kernel"));
		daemon->is_kernel_old = false;
	}
	error = js_text(js_get(result, "error"));
	if (error)
		log_error("%s: %s", task->what, error);
}

/* The entry that is in the document now; NULL: the one that was worked on, or none. */
static const struct js *entry_since(const struct task *task)
{
	const struct js *now = task->intent ? js_get(task->daemon->wants, task->intent) : NULL;

	return now && !js_is_equal(now, task->entry, NULL) ? now : NULL;
}

static void take_intent(struct task *task, const char *text, size_t length)
{
	CLEANUP_JS struct js *result = NULL;
	const char *state;

	/* what became of its opposite says nothing about this one */
	if (entry_since(task))
		return;
	js_parse(text, length, &result, NULL);
	state = js_text(js_get(result, "state"));
	daemon_report_intent(task->daemon, task->intent, state ? state : "failed",
			     state ? js_text(js_get(result, "error"))
				   : "it ended without a result");
}

static void unlink_task(struct task **at, const struct task *task)
{
	while (*at && *at != task)
		at = &(*at)->next;
	if (*at)
		*at = task->next;
}

static void on_done(void *data, int status, const char *result, size_t length)
{
	struct task *task = data;
	struct daemon *daemon = task->daemon;
	CLEANUP_FREE char *intent = NULL;
	CLEANUP_JS struct js *entry = NULL;
	char cause[DAEMON_CAUSE_MAX];

	if (entry_since(task)) {
		intent = strdup(task->intent);
		entry = js_ref(entry_since(task));
	}
	if (task->is_late)
		log_notice("%s: the kernel came back", task->what);
	if (task->kind == TASK_INTENT)
		take_intent(task, result, length);
	else if (task->kind != TASK_VERB)
		take_result(task, result, length);
	else
		log_info("%s: status %d", task->what,
			 WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	snprintf(cause, sizeof(cause), "%s", task->what);
	unlink_task(&daemon->running, task);
	task_free(task);
	if (intent)
		task_intent(daemon, intent, TAKE_PTR(entry));
	daemon_look_soon(daemon, 0, false, cause);
	task_next(daemon);
	if (daemon->is_stopping && !daemon->running)
		loop_quit(daemon->loop, 0);
}

static void on_late(void *data)
{
	struct task *task = data;

	task->is_late = true;
	log_error("%s: the kernel has not come back for %lld s: a drive does not answer (see: "
		  "dmesg); all else goes on",
		  task->what, (long long)(clock_wall_ms() - task->since_ms) / 1000);
	daemon_look_soon(task->daemon, 0, false, task->what);
	task_next(task->daemon);
}

static int64_t late_ms(const struct task *task)
{
	const struct settings *settings = &task->daemon->settings;
	int64_t ms = 1000 * LATE_FACTOR * (int64_t)settings->hang_seconds;

	/* it may wait for a command that works without the daemon */
	return task->kind == TASK_TAKE_OUT ? 1000 * (int64_t)settings->hang_seconds
					   : ms + 1000 * (int64_t)settings->wait_seconds;
}

bool task_is_busy(const struct daemon *daemon)
{
	const struct task *task;

	for (task = daemon->running; task; task = task->next)
		if (!task->is_late)
			return true;
	return false;
}

/* The command's descriptors are for the child only. */
static void give_fds(struct task *task)
{
	size_t i;

	for (i = 0; i < 3; i++)
		if (task->verb.fds[i] >= 0)
			fcntl(task->verb.fds[i], F_SETFD, 0);
}

static void start(struct daemon *daemon, struct task *task)
{
	struct err err = ERR_NULL;

	task->since_ms = clock_wall_ms();
	give_fds(task);
	if (job_start(daemon->loop, run_task, on_done, on_late, task, late_ms(task), &task->job,
		      &err) < 0) {
		log_error("%s: %s", task->what, err.text);
		task_free(task);
		return;
	}
	close_fds(task);
	task->next = daemon->running;
	daemon->running = task;
	daemon_look_void(daemon);
}

void task_next(struct daemon *daemon)
{
	struct task *task;

	while (!daemon->is_stopping && !task_is_busy(daemon) && (task = daemon->tasks)) {
		daemon->tasks = task->next;
		task->next = NULL;
		start(daemon, task);
	}
}

/* --- what is asked for */

void task_take_out(struct daemon *daemon, struct js *take_ids)
{
	CLEANUP_STR struct str what = STR_NULL;
	struct task *task;
	size_t i;

	str_add(&what, "disable");
	for (i = 0; i < js_length(take_ids) && i < 4; i++)
		str_addf(&what, " %s", js_text(js_at(take_ids, i)));
	str_add(&what, js_length(take_ids) > 4 ? " .. whose drive was pulled"
					       : ", whose drive was pulled");
	task = task_new(daemon, TASK_TAKE_OUT, str_get(&what));
	if (!task) {
		js_free(take_ids);
		return;
	}
	task->ids = take_ids;
	/* not behind others: the lock keeps them apart, if they work at all */
	start(daemon, task);
}

static struct task *find_intent(struct task *task, const char *id)
{
	while (task && (!task->intent || strcmp(task->intent, id) != 0))
		task = task->next;
	return task;
}

void task_intent(struct daemon *daemon, const char *id, struct js *take_entry)
{
	CLEANUP_STR struct str what = STR_NULL;
	struct task *task = find_intent(daemon->tasks, id);

	/* one that has not begun works on what is wanted now; after one that has, on_done looks */
	if (task) {
		js_free(task->entry);
		task->entry = take_entry;
		return;
	}
	str_addf(&what, "intent %s of the collector", id);
	task = find_intent(daemon->running, id) ? NULL
						: task_new(daemon, TASK_INTENT, str_get(&what));
	if (!task) {
		js_free(take_entry);
		return;
	}
	task->entry = take_entry;
	task->intent = strdup(id);
	append(daemon, task);
	task_next(daemon);
}

void task_tend(struct daemon *daemon, const struct js *result)
{
	struct task *task;

	for (task = daemon->tasks; task; task = task->next)
		if (task->kind == TASK_TEND && !js_length(js_get(result, "grown")) &&
		    !js_length(js_get(result, "lost")))
			return;
	task = task_new(daemon, TASK_TEND, "make what is wanted");
	if (!task)
		return;
	task->ids = js_copy_without(result, (const char *const[]){ "objects", "record", NULL });
	put_before_intents(daemon, task);
	task_next(daemon);
}

static size_t count(const struct task *task)
{
	size_t n = 0;

	for (; task; task = task->next)
		n++;
	return n;
}

static void describe(const struct js *words, struct str *text)
{
	size_t i;

	str_add(text, "nvmet-sunfishctl");
	for (i = 0; i < js_length(words) && text->length < 256; i++) {
		str_add(text, " ");
		str_add_quoted(text, js_text(js_at(words, i)));
	}
}

int task_run_verb(struct daemon *daemon, struct task_verb *take_verb)
{
	CLEANUP_STR struct str what = STR_NULL;
	struct task *task;

	if (count(daemon->tasks) >= WAITING_MAX)
		return -EAGAIN;
	describe(take_verb->words, &what);
	task = task_new(daemon, TASK_VERB, str_get(&what));
	if (!task)
		return -ENOMEM;
	task->verb = *take_verb;
	*take_verb = (struct task_verb){ .fds = { -1, -1, -1 } };
	append(daemon, task);
	task_next(daemon);
	return 0;
}

/* --- */

static void add_tasks(struct js *list, const struct task *task)
{
	for (; task; task = task->next) {
		struct js *js = js_object();

		js_set(js, "what", js_string(task->what));
		js_set(js, "state",
		       js_string(task->is_late ? "hung"
				 : task->job   ? "running"
					       : "waiting"));
		js_set(js, "since_ms", js_int(task->since_ms));
		js_append(list, js);
	}
}

struct js *task_list(const struct daemon *daemon)
{
	struct js *list = js_array();

	add_tasks(list, daemon->running);
	add_tasks(list, daemon->tasks);
	return list;
}

void task_end(struct daemon *daemon)
{
	while (daemon->tasks) {
		struct task *task = daemon->tasks;

		daemon->tasks = task->next;
		task_free(task);
	}
	/* only what hangs is left by now; what it had begun is undone by the next run */
	while (daemon->running) {
		struct task *task = daemon->running;

		daemon->running = task->next;
		job_abandon(task->job);
		task_free(task);
	}
}
