/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "base/wait.h"

#define FILE_NAME "journal"
#define FILE_NEW "journal.new"
#define MAGIC "sunfish-journal 1"
#define HEAD_SIZE 64
#define LOOK_MS 5
#define COMMITTED_AT (HEAD_SIZE - 1)
#define MAX_SIZE (256UL << 20)
/* the fewest bytes that an action, a step with its state, and a store take */
#define MIN_ACTION 9
#define MIN_STEP 13
#define MIN_STORE 3

static void stores_free(struct journal *journal)
{
	size_t i;

	for (i = 0; i < journal->n_stores; i++) {
		free((char *)journal->stores[i].path);
		free((char *)journal->stores[i].text);
	}
	free(journal->stores);
}

void journal_deinit(struct journal *journal)
{
	if (journal->map)
		munmap(journal->map, journal->size);
	if (journal->fd >= 0)
		close(journal->fd);
	plan_deinit(&journal->plan);
	stores_free(journal);
	*journal = JOURNAL_NULL;
}

/* --- write: numbers as text, each text with its NUL */

static void put_text(struct str *out, const char *text)
{
	str_add_n(out, text, strlen(text) + 1);
}

static void put_number(struct str *out, unsigned long number)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", number);
	put_text(out, text);
}

static void put_optional(struct str *out, const char *text)
{
	put_number(out, text != NULL);
	if (text)
		put_text(out, text);
}

static void put_action(struct str *out, const struct plan_action *act)
{
	put_number(out, act->op);
	put_number(out, act->flags);
	put_number(out, act->mode);
	put_text(out, act->path);
	put_optional(out, act->value);
}

static void put_plan(struct str *out, const struct plan *plan, const struct apply_store *stores,
		     size_t n_stores)
{
	size_t i;
	size_t j;

	for (i = 0; i < plan->n_steps; i++) {
		const struct plan_step *step = &plan->steps[i];

		put_text(out, step->what);
		put_action(out, &step->act);
		put_number(out, step->n_undo);
		for (j = 0; j < step->n_undo; j++)
			put_action(out, &step->undo[j]);
	}
	put_number(out, n_stores);
	for (i = 0; i < n_stores; i++) {
		put_text(out, stores[i].path);
		put_optional(out, stores[i].text);
	}
}

static void put_head(struct str *out, size_t n_steps)
{
	char head[HEAD_SIZE] = { 0 };
	size_t i;

	snprintf(head, sizeof(head), "%s %zu", MAGIC, n_steps);
	str_add_n(out, head, sizeof(head));
	for (i = 0; i < n_steps; i++)
		str_add_n(out, "\0", 1);
}

static void set_map(struct journal *journal, void *map, size_t size)
{
	journal->map = map;
	journal->size = size;
	journal->committed = (_Atomic unsigned char *)map + COMMITTED_AT;
	journal->states = (_Atomic unsigned char *)map + HEAD_SIZE;
}

static int write_whole(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		length -= (size_t)n;
	}
	return 0;
}

/* The lock is on the open file, so that children have a share in it until they end. */
static int fill_file(int run_fd, int fd, const struct str *text, void **ret_map)
{
	void *map;
	int r = write_whole(fd, text->text, text->length);

	if (r < 0)
		return r;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	map = mmap(NULL, text->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	if (renameat(run_fd, FILE_NEW, run_fd, FILE_NAME) < 0) {
		r = -errno;
		munmap(map, text->length);
		return r;
	}
	*ret_map = map;
	return 0;
}

static int create_file(int run_fd, const struct str *text, struct journal *ret)
{
	int fd CLEANUP_CLOSE = -1;
	void *map = NULL;
	int r;

	if (text->length > MAX_SIZE)
		return -EFBIG;
	/* one that a dead run left may still be locked by its children */
	if (unlinkat(run_fd, FILE_NEW, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(run_fd, FILE_NEW, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = fill_file(run_fd, fd, text, &map);
	if (r < 0) {
		unlinkat(run_fd, FILE_NEW, 0);
		return r;
	}
	*ret = JOURNAL_NULL;
	set_map(ret, map, text->length);
	ret->fd = take_fd(&fd);
	return 0;
}

int journal_create(int run_fd, const struct plan *plan, const struct apply_store *stores,
		   size_t n_stores, struct journal *ret, struct err *err)
{
	struct str text CLEANUP_STR = STR_NULL;
	int r;

	put_head(&text, plan->n_steps);
	put_plan(&text, plan, stores, n_stores);
	if (text.failed)
		return err_nomem(err);
	r = create_file(run_fd, &text, ret);
	explicit_bzero(text.text, text.length);
	if (r < 0)
		return err_set(err, r, "the undo journal cannot be written: %s", strerror(-r));
	return 0;
}

/* --- read */

struct reader {
	const char *at;
	size_t left;
	bool failed; /* cut short, or no memory */
};

static const char *get_text(struct reader *in)
{
	size_t length = strnlen(in->at, in->left);
	const char *text = in->at;

	if (in->failed || length == in->left) {
		in->failed = true;
		return "";
	}
	in->at += length + 1;
	in->left -= length + 1;
	return text;
}

static unsigned long get_number(struct reader *in, unsigned long max)
{
	uint64_t number = 0;

	if (str_parse_uint(get_text(in), max, &number) < 0)
		in->failed = true;
	return in->failed ? 0 : (unsigned long)number;
}

static char *get_copy(struct reader *in)
{
	char *copy = strdup(get_text(in));

	if (!copy)
		in->failed = true;
	return copy;
}

static char *get_optional(struct reader *in)
{
	return get_number(in, 1) ? get_copy(in) : NULL;
}

static bool has_way_up(const char *path)
{
	const char *part;
	size_t length;

	for (part = path; *part; part += length + (part[length] == '/')) {
		length = strcspn(part, "/");
		if (length == 2 && memcmp(part, "..", 2) == 0)
			return true;
	}
	return false;
}

/* Never out of nvmet, whatever the file says. */
static bool is_below(const char *path)
{
	return path[0] && path[0] != '/' && !has_way_up(path);
}

static void get_action(struct reader *in, struct plan_action *ret)
{
	ret->op = (enum plan_op)get_number(in, PLAN_CHMOD);
	ret->flags = (unsigned int)get_number(in, 0xffff);
	ret->mode = (mode_t)get_number(in, 07777);
	ret->path = get_copy(in);
	ret->value = get_optional(in);
	if (!ret->path || !is_below(ret->path))
		in->failed = true;
	if ((ret->op == PLAN_WRITE || ret->op == PLAN_SYMLINK) && !ret->value)
		in->failed = true;
	if (ret->op == PLAN_SYMLINK && ret->value && !is_below(ret->value))
		in->failed = true;
}

static void get_step(struct reader *in, struct plan_step *ret)
{
	size_t n_undo;

	ret->what = get_copy(in);
	get_action(in, &ret->act);
	n_undo = get_number(in, in->left / MIN_ACTION);
	if (in->failed || !n_undo)
		return;
	ret->undo = calloc(n_undo, sizeof(*ret->undo));
	if (!ret->undo) {
		in->failed = true;
		return;
	}
	ret->n_undo = n_undo;
	for (size_t i = 0; i < n_undo && !in->failed; i++)
		get_action(in, &ret->undo[i]);
}

static void get_stores(struct reader *in, struct journal *journal)
{
	size_t n = get_number(in, in->left / MIN_STORE);

	journal->stores = n ? calloc(n, sizeof(*journal->stores)) : NULL;
	if (n && !journal->stores)
		in->failed = true;
	if (in->failed)
		return;
	journal->n_stores = n;
	for (size_t i = 0; i < n && !in->failed; i++) {
		const char *path = get_copy(in);

		journal->stores[i].path = path;
		journal->stores[i].text = get_optional(in);
		if (!path || path[0] != '/' || has_way_up(path))
			in->failed = true;
	}
}

static bool parse(struct journal *journal)
{
	struct reader in = { .at = journal->map, .left = HEAD_SIZE - 1 };
	const char *head = get_text(&in);
	uint64_t n_steps = 0;

	if (strncmp(head, MAGIC " ", sizeof(MAGIC)) != 0 ||
	    str_parse_uint(head + sizeof(MAGIC), (journal->size - HEAD_SIZE) / MIN_STEP, &n_steps) <
		    0)
		return false;
	in.at = (const char *)journal->map + HEAD_SIZE + n_steps;
	in.left = journal->size - HEAD_SIZE - n_steps;
	journal->plan.steps = n_steps ? calloc(n_steps, sizeof(*journal->plan.steps)) : NULL;
	if (n_steps && !journal->plan.steps)
		return false;
	journal->plan.n_steps = n_steps;
	for (size_t i = 0; i < n_steps && !in.failed; i++)
		get_step(&in, &journal->plan.steps[i]);
	get_stores(&in, journal);
	return !in.failed && in.left == 0;
}

/* 0 once nobody of the earlier run lives. Polled: a lock that waits has no deadline. */
static int wait_unlocked(int fd, unsigned int wait_seconds)
{
	int64_t deadline = wait_deadline(1000 * wait_seconds);

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (wait_left(deadline) == 0)
			return -ETIMEDOUT;
		wait_sleep(LOOK_MS, deadline);
	}
	return 0;
}

static int map_file(int run_fd, unsigned int wait_seconds, struct journal *ret)
{
	int fd CLEANUP_CLOSE = openat(run_fd, FILE_NAME, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	void *map;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	r = wait_unlocked(fd, wait_seconds);
	if (r < 0)
		return r;
	if (st.st_size < HEAD_SIZE || (unsigned long)st.st_size > MAX_SIZE)
		return -EBADMSG;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	set_map(ret, map, (size_t)st.st_size);
	ret->fd = take_fd(&fd);
	return 0;
}

int journal_load(int run_fd, unsigned int wait_seconds, struct journal *ret, struct err *err)
{
	struct journal journal CLEANUP_JOURNAL = JOURNAL_NULL;
	int r = map_file(run_fd, wait_seconds, &journal);

	if (r == -ENOENT)
		return r;
	if (r == -ETIMEDOUT)
		return err_set(err, r,
			       "a process of an earlier run is still in the kernel after %u s: a "
			       "drive or a network does not answer; repeat this once it does",
			       wait_seconds);
	if (r == 0 && (!journal.map || !parse(&journal)))
		r = -EBADMSG;
	if (r < 0)
		return err_set(err, r,
			       "the undo journal of an earlier run cannot be read: %s; look at the "
			       "target with \"list\", then remove /run/sunfish/" FILE_NAME,
			       strerror(-r));
	*ret = journal;
	journal = JOURNAL_NULL;
	return 0;
}

int journal_drop(int run_fd, struct err *err)
{
	if (unlinkat(run_fd, FILE_NAME, 0) < 0 && errno != ENOENT)
		return err_set(err, -errno, "the undo journal cannot be removed: %s",
			       strerror(errno));
	return 0;
}
