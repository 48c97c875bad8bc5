/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking at the target: when, in which child, and what follows. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "core/log.h"
#include "core/service.h"
#include "target/ctl.h"
#include "target/daemon.h"
#include "target/scan.h"

#define QUIET_MS 30	/* events come in bursts */
#define PATIENCE_MS 400 /* but no burst puts off a look for longer */
#define BUSY_MS 200	/* until a command that works without the daemon may be done */
#define SLACK_MS 1000
#define TEND_FIRST_MS 10000
#define TEND_LAST_MS 120000
#define RECORD_FILE "nvmet-sunfishd.record"
#define RECORD_MAX (64u << 20)

struct daemon_look {
	struct daemon *daemon;
	struct daemon_look *next;
	struct job *job;
	struct scan_where *where;  /* shared with the child */
	char hung[SCAN_WHERE_MAX]; /* as it stood when it was late */
	char cause[DAEMON_CAUSE_MAX];
	bool is_late;
	bool is_void; /* something was changed meanwhile: look again */
};

/* --- in the child */

static int write_all(int fd, const char *text)
{
	size_t length = strlen(text);

	while (length) {
		ssize_t n = write(fd, text, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return EXIT_FAILURE;
		text += n;
		length -= (size_t)n;
	}
	return EXIT_SUCCESS;
}

static int run_look(void *data, int result_fd)
{
	const struct daemon_look *look = data;
	const struct daemon *daemon = look->daemon;
	CLEANUP_JS struct js *result = NULL;
	CLEANUP_FREE char *text = NULL;
	struct scan_env env = {
		.record = daemon->record,
		.errors = daemon->errors,
		.owners = daemon->owners,
		.skip = &daemon->hung,
		.where = look->where,
		.inotify_fd = daemon->inotify_fd,
		.repair = daemon->settings.repair,
		.take_files = daemon->take_files,
	};
	struct ctl ctl;

	ctl_init(&ctl);
	ctl.settings = daemon->settings;
	ctl.cli.quiet = true;
	if (ctl_open_system(&ctl, NULL) < 0)
		return EXIT_FAILURE;
	result = scan_run(&ctl, &env);
	text = js_format(result, JS_COMPACT);
	return text ? write_all(result_fd, text) : EXIT_FAILURE;
}

/* --- the record outlives the daemon, but not a start of the machine */

static void store_record(const struct daemon *daemon)
{
	CLEANUP_FREE char *text = js_format(daemon->record, JS_COMPACT);
	CLEANUP_CLOSE int fd = open(daemon->run_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0	? -errno
		: !text ? -ENOMEM
			: fs_replace_file(fd, RECORD_FILE, text, strlen(text), 0600);

	if (r < 0)
		log_warning("%s/" RECORD_FILE " cannot be written: %s", daemon->run_path,
			    strerror(-r));
}

static void load_record(struct daemon *daemon)
{
	CLEANUP_CLOSE int fd = open(daemon->run_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_FREE char *text = NULL;
	size_t length;

	if (fd >= 0 && fs_read_file(fd, RECORD_FILE, RECORD_MAX, &text, &length) == 0)
		js_parse(text, length, &daemon->record, NULL);
	if (!daemon->record || js_type(daemon->record) != JS_OBJECT) {
		js_free(daemon->record);
		daemon->record = js_object();
	}
}

static void take_record(struct daemon *daemon, const struct js *record)
{
	if (!record || js_is_equal(daemon->record, record, NULL))
		return;
	js_free(daemon->record);
	daemon->record = js_ref(record);
	store_record(daemon);
}

/* --- objects */

/* What a look left out stays as it was last seen. */
static bool is_of(const struct object *object, const char *what)
{
	const char *nqn = js_text(js_get(object->attrs, "nqn"));

	if (strcmp(what, "ports") == 0)
		return strcmp(object->kind, "listener") == 0;
	return nqn && strcmp(nqn, what) == 0;
}

static void keep_hung(const struct daemon *daemon, struct object_set *state, const char *what)
{
	const struct object_set *before = daemon_state(daemon);
	size_t i;

	for (i = 0; before && i < object_set_count(before); i++) {
		struct object object = object_set_at(before, i);
		static const char *const but[] = { "state", NULL };
		struct js *attrs;

		if (!is_of(&object, what) || object_set_find(state, object.kind, object.id))
			continue;
		if (strcmp(object.kind, "namespace") == 0) {
			attrs = js_copy_without(object.attrs, but);
			js_set(attrs, "state", js_string("hung"));
		} else {
			attrs = js_ref(object.attrs);
		}
		object_set_put(state, object.kind, object.id, attrs, NULL);
	}
}

static void take_objects(struct daemon *daemon, const struct js *result, const char *cause)
{
	const struct js *skipped = js_get(result, "skipped");
	struct object_set *state = NULL;
	struct err err = ERR_NULL;
	size_t i;

	if (object_set_parse(js_get(result, "objects"), &state, &err) < 0) {
		log_error("the state of the target cannot be told: %s", err.text);
		return;
	}
	for (i = 0; i < js_length(skipped); i++)
		keep_hung(daemon, state, js_text(js_at(skipped, i)));
	daemon_report_state(daemon, state, cause);
}

/* --- what is due */

static void add_due(struct js *due, const struct js *result, const char *key)
{
	if (js_length(js_get(result, key)))
		js_set(due, key, js_ref(js_get(result, key)));
}

/* The same once more only after a while: what failed would mostly fail again. */
static void decide(struct daemon *daemon, const struct js *result)
{
	static const char *const keys[] = { "due", "gone", "grown", "back", "lost" };
	CLEANUP_JS struct js *due = js_object();
	CLEANUP_FREE char *text = NULL;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		add_due(due, result, keys[i]);
	if (js_is_true(js_get(result, "unfinished")))
		js_set(due, "unfinished", js_bool(true));
	text = js_format(due, JS_COMPACT);
	if (!text || (js_length(due) == 0 && daemon->kernel && !daemon->is_kernel_old)) {
		free(daemon->tended);
		daemon->tended = NULL;
		return;
	}
	if (!daemon->tended || strcmp(daemon->tended, text) != 0)
		daemon->tend_delay_ms = 0;
	else if (loop_now_ms(daemon->loop) < daemon->tend_after_ms)
		return;
	free(daemon->tended);
	daemon->tended = TAKE_PTR(text);
	daemon->tend_delay_ms = daemon->tend_delay_ms ? 2 * daemon->tend_delay_ms : TEND_FIRST_MS;
	if (daemon->tend_delay_ms > TEND_LAST_MS)
		daemon->tend_delay_ms = TEND_LAST_MS;
	daemon->tend_after_ms = loop_now_ms(daemon->loop) + daemon->tend_delay_ms;
	task_tend(daemon, result);
}

static void tell_status(const struct daemon *daemon)
{
	const struct object_set *all = daemon_state(daemon);
	size_t n = 0;
	size_t n_active = 0;
	size_t i;

	for (i = 0; all && i < object_set_count(all); i++) {
		struct object object = object_set_at(all, i);
		const char *state = js_text(js_get(object.attrs, "state"));

		if (strcmp(object.kind, "subsystem") != 0)
			continue;
		n++;
		n_active += state && strcmp(state, "active") == 0;
	}
	service_status("%zu exports, %zu active%s", n, n_active,
		       daemon->hung.count ? ", a drive hangs" : "");
}

/* --- in the parent */

static void wait_for_next(struct daemon *daemon)
{
	loop_timer_set(daemon->look_timer, 1000 * (int64_t)daemon->settings.sample_seconds,
		       SLACK_MS);
}

static void take_result(struct daemon *daemon, struct daemon_look *look, const char *text,
			size_t length)
{
	CLEANUP_JS struct js *result = NULL;
	struct err err = ERR_NULL;
	const char *error;
	int wd;

	if (js_parse(text, length, &result, &err) < 0) {
		log_error("a look at the target failed%s%s", err.text[0] ? ": " : "", err.text);
		return;
	}
	error = js_text(js_get(result, "error"));
	if (error) {
		log_error("the target cannot be seen: %s", error);
		return;
	}
	if (js_length(js_get(result, "skipped")) == 0)
		take_record(daemon, js_get(result, "record"));
	daemon->take_files = false;
	take_objects(daemon, result, look->cause);
	wd = (int)js_number(js_get(result, "wd"), -1);
	if (wd > daemon->highest_wd) {
		daemon->highest_wd = wd;
		daemon->look_again = true;
	}
	if (js_is_true(js_get(result, "busy")))
		daemon_look_soon(daemon, BUSY_MS, false, look->cause);
	else if (js_length(js_get(result, "skipped")) == 0)
		decide(daemon, result);
}

static void forget_hung(struct daemon *daemon, const char *what)
{
	struct names hung = NAMES_NULL;
	size_t i;

	for (i = 0; i < daemon->hung.count; i++)
		if (strcmp(daemon->hung.items[i], what) != 0)
			names_add(&hung, daemon->hung.items[i]);
	names_deinit(&daemon->hung);
	daemon->hung = hung;
}

static void look_free(struct daemon_look *look)
{
	struct daemon *daemon = look->daemon;
	struct daemon_look **at = &daemon->looks;

	while (*at && *at != look)
		at = &(*at)->next;
	if (*at)
		*at = look->next;
	daemon->n_looks--;
	munmap(look->where, sizeof(*look->where));
	free(look);
}

static void begin_ready(struct daemon *daemon)
{
	if (daemon->is_ready)
		return;
	daemon->is_ready = true;
	service_ready("looked at the target");
}

static void on_done(void *data, int status, const char *result, size_t length)
{
	struct daemon_look *look = data;
	struct daemon *daemon = look->daemon;
	bool is_void = look->is_void || task_is_busy(daemon);

	if (look->is_late) {
		log_notice("the kernel came back%s%s", *look->hung ? " from " : "", look->hung);
		forget_hung(daemon, look->hung);
		is_void = true;
	} else if (!is_void && status == 0) {
		take_result(daemon, look, result, length);
	} else if (status != 0) {
		log_error("a look at the target ended with status %d", status);
	}
	if (is_void)
		daemon->look_again = true;
	look_free(look);
	begin_ready(daemon);
	tell_status(daemon);
	if (daemon->look_again)
		daemon_look_soon(daemon, QUIET_MS, false, daemon->cause);
	else if (!daemon->look_first_ms)
		wait_for_next(daemon);
	task_next(daemon);
}

static void on_late(void *data)
{
	struct daemon_look *look = data;
	struct daemon *daemon = look->daemon;

	look->is_late = true;
	look->where->what[SCAN_WHERE_MAX - 1] = '\0';
	snprintf(look->hung, sizeof(look->hung), "%s", look->where->what);
	if (*look->hung)
		names_add(&daemon->hung, look->hung);
	log_error("the kernel has not come back from looking at %s for %u s: a drive does not "
		  "answer (see: dmesg); all else goes on",
		  *look->hung ? look->hung : "the target", daemon->settings.hang_seconds);
	begin_ready(daemon);
	daemon_look_soon(daemon, QUIET_MS, false, "a drive hangs");
}

static bool is_looking(const struct daemon *daemon)
{
	const struct daemon_look *look;

	for (look = daemon->looks; look; look = look->next)
		if (!look->is_late)
			return true;
	return false;
}

static int look_new(struct daemon *daemon, struct err *err)
{
	struct daemon_look *look = calloc(1, sizeof(*look));
	int r;

	if (!look)
		return err_nomem(err);
	look->daemon = daemon;
	snprintf(look->cause, sizeof(look->cause), "%s", daemon->cause);
	look->where = mmap(NULL, sizeof(*look->where), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (look->where == MAP_FAILED) {
		free(look);
		return err_nomem(err);
	}
	look->next = daemon->looks;
	daemon->looks = look;
	daemon->n_looks++;
	r = job_start(daemon->loop, run_look, on_done, on_late, look,
		      1000 * (int64_t)daemon->settings.hang_seconds, &look->job, err);
	if (r < 0)
		look_free(look);
	return r;
}

static void on_time(void *data)
{
	struct daemon *daemon = data;
	struct err err = ERR_NULL;

	if (!daemon->look_first_ms)
		snprintf(daemon->cause, sizeof(daemon->cause), "sample");
	daemon->look_first_ms = 0;
	daemon->look_again = false;
	/* what is half changed is not looked at: the end of the change asks again */
	if (is_looking(daemon) || task_is_busy(daemon)) {
		daemon->look_again = true;
		return;
	}
	if (daemon->n_looks < DAEMON_LOOKS_MAX && look_new(daemon, &err) == 0)
		return;
	if (err.text[0])
		log_error("cannot look at the target: %s", err.text);
	wait_for_next(daemon);
}

void daemon_look_soon(struct daemon *daemon, int64_t ms, bool is_news, const char *cause)
{
	int64_t now = loop_now_ms(daemon->loop);

	if (daemon->is_stopping)
		return;
	if (is_news)
		daemon->tend_after_ms = 0;
	/* a command's own changes of configfs are noticed before its end */
	if (cause != daemon->cause &&
	    (!daemon->look_first_ms || strcmp(daemon->cause, DAEMON_CAUSE_CONFIGFS) == 0))
		snprintf(daemon->cause, sizeof(daemon->cause), "%s", cause);
	if (!daemon->look_first_ms)
		daemon->look_first_ms = now;
	if (now + ms > daemon->look_first_ms + PATIENCE_MS)
		ms = daemon->look_first_ms + PATIENCE_MS - now;
	loop_timer_set(daemon->look_timer, ms > 0 ? ms : 0, 0);
}

void daemon_look_void(struct daemon *daemon)
{
	struct daemon_look *look;

	for (look = daemon->looks; look; look = look->next)
		look->is_void = true;
}

void daemon_look_begin(struct daemon *daemon)
{
	struct err err = ERR_NULL;

	load_record(daemon);
	daemon->take_files = true;
	if (loop_add_timer(daemon->loop, on_time, daemon, &daemon->look_timer, &err) < 0)
		log_error("%s", err.text);
	else
		daemon_look_soon(daemon, 0, true, "start");
}

void daemon_look_end(struct daemon *daemon)
{
	while (daemon->looks) {
		job_abandon(daemon->looks->job);
		look_free(daemon->looks);
	}
	loop_source_free(daemon->look_timer);
	js_free(daemon->record);
	js_free(daemon->errors);
	js_free(daemon->kernel);
	names_deinit(&daemon->hung);
	free(daemon->tended);
}
