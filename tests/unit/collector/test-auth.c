/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/collector/harness.h"

#include <errno.h>

#include "base/fs.h"

#define NOW 1000000

struct change {
	struct harness *h;
	const char *name;
	enum auth_right right;
	char *ret_token; /* NULL: it is removed */
	bool fails;	 /* the transaction */
	int code;
};

static int write_change(void *data, struct err *err)
{
	struct change *change = data;
	struct auth *auth = change->h->collector.auth;

	change->code = change->ret_token
			       ? auth_add(auth, change->name, change->right, change->ret_token, err)
			       : auth_remove(auth, change->name, err);
	return change->fails ? -EIO : 0;
}

static int add(struct harness *h, const char *name, enum auth_right right, char *ret_token)
{
	struct change change = { h, name, right, ret_token, false, 1 };

	assert_int_equal(commit_join(h->collector.commit, write_change, NULL, &change), 0);
	commit_now(h->collector.commit);
	return change.code;
}

static int take_away(struct harness *h, const char *name)
{
	return add(h, name, AUTH_NONE, NULL);
}

/* Who is it that comes with this token, or with that certificate? Returns: as auth_check. */
static int check(struct harness *h, const char *token, const char *certificate,
		 struct auth_who *ret)
{
	char header[256];
	struct err err = ERR_NULL;

	snprintf(header, sizeof(header), "Bearer %.200s", token ? token : "");
	return auth_check(h->collector.auth, token ? header : NULL, certificate, "10.1.1.1", NOW,
			  ret, &err);
}

static void a_token_is_good_until_it_is_removed_also_over_restarts(void **state)
{
	HARNESS h;
	char token[AUTH_TOKEN_TEXT];
	char other[AUTH_TOKEN_TEXT];
	struct auth_who who;

	(void)state;
	harness_start(&h);
	assert_int_equal(add(&h, "blake14", AUTH_NODE, token), 0);
	assert_int_equal(add(&h, "blake14", AUTH_NODE, other), -EEXIST);
	assert_int_equal(add(&h, "eye", AUTH_VIEWER, other), 0);
	assert_int_equal(check(&h, token, NULL, &who), 0);
	assert_int_equal(who.right, AUTH_NODE);
	assert_string_equal(who.name, "blake14");
	harness_restart(&h);
	assert_int_equal(check(&h, token, NULL, &who), 0);
	assert_int_equal(take_away(&h, "blake14"), 0);
	assert_int_equal(check(&h, token, NULL, &who), -EACCES);
	assert_int_equal(take_away(&h, "blake14"), -ENOENT);
	harness_restart(&h);
	assert_int_equal(check(&h, token, NULL, &who), -EACCES);
	assert_int_equal(check(&h, other, NULL, &who), 0);
	assert_int_equal(who.right, AUTH_VIEWER);
	/* the same name again is another token */
	assert_int_equal(add(&h, "blake14", AUTH_NODE, other), 0);
	assert_string_not_equal(token, other);
}

static void each_of_many_is_found_whatever_is_removed(void **state)
{
	HARNESS h;
	static char tokens[40][AUTH_TOKEN_TEXT];
	struct auth_who who;
	char name[16];
	int i;

	(void)state;
	harness_start(&h);
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(add(&h, name, AUTH_NODE, tokens[i]), 0);
	}
	for (i = 0; i < 40; i += 3) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(take_away(&h, name), 0);
	}
	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(check(&h, tokens[i], NULL, &who), i % 3 == 0 ? -EACCES : 0);
		if (i % 3)
			assert_string_equal(who.name, name);
	}
}

static void what_is_stored_is_no_token(void **state)
{
	HARNESS h;
	char token[AUTH_TOKEN_TEXT];
	char wal[160];
	CLEANUP_FREE char *text = NULL;
	size_t length;

	(void)state;
	harness_start(&h);
	assert_int_equal(add(&h, "blake14", AUTH_NODE, token), 0);
	snprintf(wal, sizeof(wal), "%s-wal", h.store);
	assert_int_equal(fs_read_file(AT_FDCWD, wal, 1 << 24, &text, &length), 0);
	assert_non_null(memmem(text, length, "blake14", 7));
	assert_null(memmem(text, length, token, strlen(token)));
}

static void a_transaction_that_fails_gives_no_right_and_takes_none(void **state)
{
	HARNESS h;
	char kept[AUTH_TOKEN_TEXT];
	char lost[AUTH_TOKEN_TEXT];
	struct change made = { &h, "lost", AUTH_ADMIN, lost, true, 1 };
	struct change gone = { &h, "kept", AUTH_NONE, NULL, true, 1 };
	struct auth_who who;

	(void)state;
	harness_start(&h);
	assert_int_equal(add(&h, "kept", AUTH_NODE, kept), 0);
	assert_int_equal(commit_join(h.collector.commit, write_change, NULL, &made), 0);
	assert_int_equal(commit_join(h.collector.commit, write_change, NULL, &gone), 0);
	commit_now(h.collector.commit);
	assert_int_equal(made.code, 0);
	assert_int_equal(check(&h, lost, NULL, &who), -EACCES);
	assert_int_equal(check(&h, kept, NULL, &who), 0);
}

static void a_certificate_is_the_node_of_its_name_or_has_that_names_right(void **state)
{
	HARNESS h;
	char token[AUTH_TOKEN_TEXT];
	struct auth_who who;

	(void)state;
	harness_start(&h);
	assert_int_equal(check(&h, NULL, "blake14", &who), 0);
	assert_int_equal(who.right, AUTH_NODE);
	assert_string_equal(who.name, "blake14");
	assert_int_equal(add(&h, "ada", AUTH_ADMIN, token), 0);
	assert_int_equal(check(&h, NULL, "ada", &who), 0);
	assert_int_equal(who.right, AUTH_ADMIN);
	assert_int_equal(take_away(&h, "ada"), 0);
	assert_int_equal(check(&h, NULL, "ada", &who), 0);
	assert_int_equal(who.right, AUTH_NODE);
	/* who shows a token as well is taken by that: a wrong one is not overlooked */
	assert_int_equal(check(&h, token, "blake14", &who), -EACCES);
	assert_int_equal(check(&h, NULL, "", &who), -EACCES);
}

static void what_is_no_token_is_none(void **state)
{
	static const char *const headers[] = { "Bearer ", "Bearer", "Basic cm9vdDp4", "", NULL };
	HARNESS h;
	char token[AUTH_TOKEN_TEXT];
	char almost[AUTH_TOKEN_TEXT + 1];
	struct auth_who who;
	size_t i;

	(void)state;
	harness_start(&h);
	assert_int_equal(add(&h, "blake14", AUTH_ADMIN, token), 0);
	for (i = 0; headers[i]; i++)
		assert_int_equal(
			auth_check(h.collector.auth, headers[i], NULL, "a", NOW, &who, NULL),
			-EACCES);
	snprintf(almost, sizeof(almost), "%s ", token);
	assert_int_equal(check(&h, almost, NULL, &who), -EACCES);
	token[63]++;
	assert_int_equal(check(&h, token, NULL, &who), -EACCES);
}

static int wrong(struct harness *h, const char *address, int64_t now)
{
	struct auth_who who;

	return auth_check(h->collector.auth, "Bearer 00", NULL, address, now, &who, NULL);
}

static void wrong_ones_are_slowed_down_by_address_for_a_while(void **state)
{
	HARNESS h;
	char token[AUTH_TOKEN_TEXT];
	struct auth_who who;
	int r = -EACCES;
	int i;

	(void)state;
	harness_start(&h);
	assert_int_equal(add(&h, "blake14", AUTH_NODE, token), 0);
	for (i = 0; i < 100 && r == -EACCES; i++)
		r = wrong(&h, "10.1.1.1", NOW);
	assert_int_equal(r, -EAGAIN);
	assert_in_range(i, 5, 50);
	assert_int_equal(wrong(&h, "10.1.1.2", NOW), -EACCES);
	assert_int_equal(check(&h, token, NULL, &who), 0);
	assert_int_equal(wrong(&h, "10.1.1.1", NOW + 60000), -EACCES);
}

static void names_are_plain(void **state)
{
	HARNESS h;
	char token[AUTH_TOKEN_TEXT];
	char name[AUTH_NAME_MAX + 2];

	(void)state;
	harness_start(&h);
	assert_int_equal(add(&h, "", AUTH_NODE, token), -EINVAL);
	assert_int_equal(add(&h, "a/b", AUTH_NODE, token), -EINVAL);
	assert_int_equal(add(&h, "a\nb", AUTH_NODE, token), -EINVAL);
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(add(&h, name, AUTH_NODE, token), -EINVAL);
	name[AUTH_NAME_MAX] = '\0';
	assert_int_equal(add(&h, name, AUTH_NODE, token), 0);
	assert_int_equal(auth_count(h.collector.auth), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_good_until_it_is_removed_also_over_restarts),
		cmocka_unit_test(each_of_many_is_found_whatever_is_removed),
		cmocka_unit_test(what_is_stored_is_no_token),
		cmocka_unit_test(a_transaction_that_fails_gives_no_right_and_takes_none),
		cmocka_unit_test(a_certificate_is_the_node_of_its_name_or_has_that_names_right),
		cmocka_unit_test(what_is_no_token_is_none),
		cmocka_unit_test(wrong_ones_are_slowed_down_by_address_for_a_while),
		cmocka_unit_test(names_are_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
