/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sunfish-boot-wanted - ask the collector once which connections this host is to have: for
 * sunfish-boot in an initramfs, which makes them. Prints one of tid.h a line.
 *
 * An answer without any is an answer; all else ends with 1 and one line on standard error, and is
 * asked again. Where the collector is, by whose certificate, and the token stand in
 * initiator.conf. The machine id by which the collector knows this host is that of its image, as
 * the root is not there yet; else that of the initramfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "core/httpc.h"
#include "core/loop.h"
#include "initiator/conf.h"
#include "initiator/tid.h"
#include "wire/wanted.h"

#define TOKEN_MAX 512
#define URL_MAX 1024
#define ANSWER_MS 10000

struct question {
	struct loop *loop;
	const char *hostnqn;
	struct err err;
};

static bool is_for(const struct wanted_entry *entry, const char *hostnqn)
{
	return entry->kind == WANTED_CONNECTION && !entry->absent &&
	       (!*entry->hostnqn || strcmp(entry->hostnqn, hostnqn) == 0);
}

static int print_entry(const struct wanted_entry *entry, struct err *err)
{
	struct tid_parts parts = {
		.transport = entry->at.transport,
		.traddr = entry->at.address,
		.trsvcid = entry->at.service,
		.nqn = entry->nqn,
	};
	char text[TID_TEXT_MAX];
	struct tid tid;
	int r = tid_make(&parts, &tid, err);

	if (r == 0)
		printf("%s\n", tid_format(&tid, text));
	return r;
}

static int print(const struct question *question, const struct httpc_reply *reply, struct err *err)
{
	CLEANUP_JS struct js *js = NULL;
	struct wanted wanted = { 0 };
	size_t i;
	int r = js_parse(reply->body, reply->length, &js, err);

	if (r == 0)
		r = wanted_decode(js, &wanted, err);
	if (r == 0 && wanted.role != REPORT_INITIATOR)
		r = err_set(err, -EINVAL, "the answer is not for a host");
	for (i = 0; r == 0 && i < wanted.count; i++) {
		struct wanted_entry entry;

		wanted_entry_at(&wanted, i, &entry);
		if (is_for(&entry, question->hostnqn))
			r = print_entry(&entry, err);
	}
	return r;
}

static void on_done(void *data, const struct httpc_reply *reply)
{
	struct question *question = data;
	int r;

	if (reply->code < 0)
		r = err_set(&question->err, reply->code, "%s", reply->error);
	else if (reply->status != 200)
		r = err_set(&question->err, -EPROTO, "it answers with HTTP %u", reply->status);
	else
		r = print(question, reply, &question->err);
	loop_quit(question->loop, r < 0 ? 1 : 0);
}

/* The first line of a file, "" if there is none. */
static int read_token(const char *path, char token[TOKEN_MAX], struct err *err)
{
	ssize_t length = fs_read_at(AT_FDCWD, path, token, TOKEN_MAX - 1);

	if (length < 0)
		return err_set(err, (int)length, "the token %s cannot be read: %s", path,
			       strerror((int)-length));
	token[length] = '\0';
	token[strcspn(token, " \t\r\n")] = '\0';
	return 0;
}

static int identify(struct agent_conf *conf, struct err *err)
{
	static const char *const directories[] = { SYSCONFDIR "/boot", "/etc" };
	int r = -ENOENT;
	size_t i;

	for (i = 0; r < 0 && i < sizeof(directories) / sizeof(directories[0]); i++) {
		CLEANUP_CLOSE int fd = open(directories[i], O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0)
			r = agent_conf_identify(fd, conf, err);
	}
	return r;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static int ask(struct question *question, const struct agent_conf *conf, struct err *err)
{
	struct httpc_config config = {
		.ca_file = or_null(conf->ca_file),
		.certificate_file = or_null(conf->certificate_file),
		.key_file = or_null(conf->key_file),
		.connect_timeout_ms = ANSWER_MS,
	};
	char token[TOKEN_MAX] = "";
	char url[URL_MAX];
	struct httpc_request request = {
		.method = "GET", .url = url, .token = token, .timeout_ms = ANSWER_MS
	};
	struct httpc *httpc = NULL;
	int r = *conf->token_file ? read_token(conf->token_file, token, err) : 0;

	if (!*token)
		request.token = NULL;
	snprintf(url, sizeof(url), "%s/sunfish/v1/wanted?node=%s&role=initiator", conf->url,
		 conf->node);
	if (r == 0)
		r = httpc_new(question->loop, &config, &httpc, err);
	if (r == 0)
		r = httpc_start(httpc, &request, on_done, question, NULL, err);
	if (r == 0)
		r = loop_run(question->loop, err);
	httpc_free(httpc);
	if (r <= 0)
		return r;
	*err = question->err;
	return err->code;
}

static int run(const char *url, const char *hostnqn, struct err *err)
{
	CLEANUP_LOOP struct loop *loop = NULL;
	CLEANUP_CONF struct conf conf = CONF_NULL;
	struct question question = { .hostnqn = hostnqn };
	int r = conf_load(AT_FDCWD, SYSCONFDIR "/initiator.conf", &conf, err);

	if (r == 0 && strcmp(url, "conf") != 0 &&
	    (size_t)snprintf(conf.collector.url, sizeof(conf.collector.url), "%s", url) >=
		    sizeof(conf.collector.url))
		r = err_set(err, -ENAMETOOLONG, "its URL is too long");
	if (r == 0 && !*conf.collector.url)
		r = err_set(err, -EINVAL, "initiator.conf of the image names no collector");
	if (r == 0)
		r = identify(&conf.collector, err);
	if (r == 0)
		r = loop_new(&loop, err);
	question.loop = loop;
	return r < 0 ? r : ask(&question, &conf.collector, err);
}

int main(int argc, char **argv)
{
	struct err err = ERR_NULL;

	if (argc != 3) {
		fprintf(stderr, "usage: sunfish-boot-wanted URL|conf HOSTNQN\n");
		return 2;
	}
	if (run(argv[1], argv[2], &err) < 0) {
		fprintf(stderr, "collector: %s\n", err.text);
		return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
