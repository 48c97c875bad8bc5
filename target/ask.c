/* SPDX-License-Identifier: BSD-3-Clause */
#include "target/ask.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const names[] = { "verb", "status", "watch" };

/* A word that is no UTF-8 comes out escaped. */
static bool is_kept(const struct js *js, const char *text)
{
	return js_text(js) && strcmp(js_text(js), text) == 0;
}

char *ask_format(enum ask_kind kind, int n_words, char *const *words, const char *directory)
{
	CLEANUP_JS struct js *js = js_object();
	struct js *array = js_array();
	int i;

	js_set(js, "version", js_int(ASK_VERSION));
	js_set(js, "request", js_string(names[kind]));
	if (kind != ASK_VERB) {
		js_free(array);
		return js_format(js, JS_COMPACT);
	}
	for (i = 0; i < n_words; i++) {
		js_append(array, js_string(words[i]));
		if (!is_kept(js_at(array, (size_t)i), words[i])) {
			js_free(array);
			return NULL;
		}
	}
	js_set(js, "words", array);
	js_set(js, "directory", js_string(directory));
	if (!is_kept(js_get(js, "directory"), directory))
		return NULL;
	return js_format(js, JS_COMPACT);
}

static int parse_kind(const struct js *js, enum ask_kind *ret, struct err *err)
{
	const char *name = js_text(js_get(js, "request"));
	size_t i;

	for (i = 0; name && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0) {
			*ret = (enum ask_kind)i;
			return 0;
		}
	return err_set(err, -EINVAL, "there is no request \"%.40s\"", name ? name : "");
}

static int parse_verb(const struct js *js, struct ask *request, struct err *err)
{
	size_t i;
	size_t n;

	request->words = js_get(js, "words");
	request->directory = js_text(js_get(js, "directory"));
	n = js_length(request->words);
	if (!request->words || js_type(request->words) != JS_ARRAY || n == 0 || n > ASK_WORDS_MAX)
		return err_set(err, -EINVAL, "words: 1 to %d texts are meant", ASK_WORDS_MAX);
	for (i = 0; i < n; i++)
		if (!js_text(js_at(request->words, i)))
			return err_set(err, -EINVAL, "words: a text is meant");
	if (!request->directory || request->directory[0] != '/' ||
	    strlen(request->directory) >= ASK_DIRECTORY_MAX)
		return err_set(err, -EINVAL, "directory: an absolute path is meant");
	return 0;
}

int ask_parse(const struct js *js, struct ask *ret, struct err *err)
{
	struct ask request = { 0 };
	int r;

	if (js_type(js) != JS_OBJECT)
		return err_set(err, -EINVAL, "a request is an object");
	if (js_number(js_get(js, "version"), 0) != ASK_VERSION)
		return err_set(err, -EPROTONOSUPPORT,
			       "nvmet-sunfishctl and nvmet-sunfishd are of different versions: "
			       "systemctl restart nvmet-sunfishd");
	r = parse_kind(js, &request.kind, err);
	if (r == 0 && request.kind == ASK_VERB)
		r = parse_verb(js, &request, err);
	if (r == 0)
		*ret = request;
	return r;
}
