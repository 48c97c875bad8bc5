/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/rf-account-hash.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/job.h"
#include "core/password.h"

#define RUNNING_MAX 2
#define LATE_MS 30000

struct task {
	STAILQ_ENTRY(task) next;
	struct hasher *hasher;
	struct job *job;
	char hash[PASSWORD_HASH_MAX]; /* "": make one */
	hasher_fn done;
	void *data;
	char password[];
};

STAILQ_HEAD(tasks, task);

struct hasher {
	struct loop *loop;
	struct tasks waiting, running;
	size_t n_waiting, n_running;
};

static void task_free(struct task *task)
{
	explicit_bzero(task->password, strlen(task->password));
	free(task);
}

/* --- in the child */

static int run(void *data, int result_fd)
{
	const struct task *task = data;
	char hash[PASSWORD_HASH_MAX] = "";
	int r;

	if (*task->hash)
		return password_is(task->password, task->hash) ? 0 : 1;
	r = password_hash(task->password, hash);
	if (r == 0 && write(result_fd, hash, strlen(hash)) != (ssize_t)strlen(hash))
		r = -EIO;
	return r == 0 ? 0 : 2;
}

/* --- in the parent */

static void go_on(struct hasher *hasher);

static void finish(struct task *task, int code, const char *hash)
{
	struct hasher *hasher = task->hasher;

	STAILQ_REMOVE(&hasher->running, task, task, next);
	hasher->n_running--;
	task->done(task->data, code, hash);
	task_free(task);
}

static void on_done(void *data, int status, const char *result, size_t length)
{
	struct task *task = data;
	struct hasher *hasher = task->hasher;
	bool is_made = !*task->hash;
	int code = -EIO;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && !(is_made && !length))
		code = 0;
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 1 && !is_made)
		code = -EACCES;
	finish(task, code, is_made && code == 0 ? result : NULL);
	go_on(hasher);
}

static void on_late(void *data)
{
	struct task *task = data;
	struct hasher *hasher = task->hasher;

	job_abandon(task->job);
	finish(task, -EIO, NULL);
	go_on(hasher);
}

static int begin(struct task *task)
{
	struct hasher *hasher = task->hasher;
	int r = job_start(hasher->loop, run, on_done, on_late, task, LATE_MS, &task->job, NULL);

	if (r < 0)
		return r;
	STAILQ_INSERT_TAIL(&hasher->running, task, next);
	hasher->n_running++;
	return 0;
}

static void go_on(struct hasher *hasher)
{
	struct task *task;

	while (hasher->n_running < RUNNING_MAX && (task = STAILQ_FIRST(&hasher->waiting))) {
		STAILQ_REMOVE_HEAD(&hasher->waiting, next);
		hasher->n_waiting--;
		if (begin(task) == 0)
			continue;
		task->done(task->data, -EIO, NULL);
		task_free(task);
	}
}

static struct task *task_new(struct hasher *hasher, const char *password, const char *hash)
{
	size_t size = strlen(password) + 1;
	struct task *task = calloc(1, sizeof(*task) + size);

	if (!task)
		return NULL;
	task->hasher = hasher;
	snprintf(task->password, size, "%s", password);
	if (hash)
		snprintf(task->hash, sizeof(task->hash), "%s", hash);
	return task;
}

int hasher_start(struct hasher *hasher, const char *password, const char *hash, hasher_fn done,
		 void *data)
{
	struct task *task;

	if (hasher->n_waiting >= HASHER_WAITING_MAX)
		return -EAGAIN;
	task = task_new(hasher, password, hash);
	if (!task)
		return -ENOMEM;
	task->done = done;
	task->data = data;
	if (hasher->n_running < RUNNING_MAX) {
		/* not told of from within this call */
		if (begin(task) == 0)
			return 0;
		task_free(task);
		return -EAGAIN;
	}
	STAILQ_INSERT_TAIL(&hasher->waiting, task, next);
	hasher->n_waiting++;
	return 0;
}

struct hasher *hasher_new(struct loop *loop)
{
	struct hasher *hasher = calloc(1, sizeof(*hasher));

	if (!hasher)
		return NULL;
	hasher->loop = loop;
	STAILQ_INIT(&hasher->waiting);
	STAILQ_INIT(&hasher->running);
	return hasher;
}

void hasher_free(struct hasher *hasher)
{
	struct task *task;

	if (!hasher)
		return;
	while ((task = STAILQ_FIRST(&hasher->running))) {
		STAILQ_REMOVE_HEAD(&hasher->running, next);
		job_abandon(task->job);
		task->done(task->data, -ECANCELED, NULL);
		task_free(task);
	}
	while ((task = STAILQ_FIRST(&hasher->waiting))) {
		STAILQ_REMOVE_HEAD(&hasher->waiting, next);
		task->done(task->data, -ECANCELED, NULL);
		task_free(task);
	}
	free(hasher);
}
