/* SPDX-License-Identifier: BSD-3-Clause */
#include "collector/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/str.h"
#include "core/digest.h"

#define TOKENS_MAX 65536
/* Addresses that came with wrong tokens, the latest of them. */
#define SUSPECTS_MAX 256
#define SUSPECT_ADDRESS_MAX 64
/* So many wrong ones in that time are answered. */
#define WRONG_MAX 20
#define WRONG_MS 10000

struct token {
	char hash[DIGEST_TEXT];
	enum auth_right right;
	char name[AUTH_NAME_MAX + 1];
};

struct suspect {
	char address[SUSPECT_ADDRESS_MAX];
	int64_t since_ms;
	unsigned int wrong;
};

struct auth {
	struct store *store;
	struct token *tokens; /* by hash */
	size_t n_tokens;
	size_t room;
	struct suspect suspects[SUSPECTS_MAX];
	size_t next_suspect;
};

static const char *const right_words[] = { "none", "node", "viewer", "admin" };

const char *auth_right_word(enum auth_right right)
{
	return right_words[right];
}

int auth_right_parse(const char *word, enum auth_right *ret)
{
	int i;

	for (i = AUTH_NODE; i <= AUTH_ADMIN; i++)
		if (strcmp(word, right_words[i]) == 0) {
			*ret = (enum auth_right)i;
			return 0;
		}
	return -EINVAL;
}

/* --- tokens */

static int compare_hash(const void *a, const void *b)
{
	return strcmp(((const struct token *)a)->hash, ((const struct token *)b)->hash);
}

static int append(struct auth *auth, const struct store_token *stored)
{
	struct token *tokens;
	struct token *token;

	if (auth->n_tokens == auth->room) {
		size_t room = auth->room ? 2 * auth->room : 64;

		tokens = reallocarray(auth->tokens, room, sizeof(*tokens));
		if (!tokens)
			return -ENOMEM;
		auth->tokens = tokens;
		auth->room = room;
	}
	token = &auth->tokens[auth->n_tokens++];
	memcpy(token->hash, stored->hash, DIGEST_TEXT);
	token->right = (enum auth_right)stored->right;
	snprintf(token->name, sizeof(token->name), "%s", stored->name);
	return 0;
}

static int load_one(void *data, const struct store_token *stored)
{
	struct auth *auth = data;

	if (auth->n_tokens == TOKENS_MAX || stored->right < AUTH_NODE ||
	    stored->right > AUTH_ADMIN || strlen(stored->hash) != DIGEST_TEXT - 1)
		return 0;
	return append(auth, stored);
}

/* The last one goes where its hash belongs. */
static void sort_last(struct auth *auth)
{
	size_t i = auth->n_tokens - 1;
	struct token last = auth->tokens[i];

	for (; i > 0 && compare_hash(&auth->tokens[i - 1], &last) > 0; i--)
		auth->tokens[i] = auth->tokens[i - 1];
	auth->tokens[i] = last;
}

int auth_load(struct auth *auth, struct err *err)
{
	int r;

	auth->n_tokens = 0;
	r = store_token_each(auth->store, load_one, auth, err);
	if (auth->n_tokens)
		qsort(auth->tokens, auth->n_tokens, sizeof(*auth->tokens), compare_hash);
	return r == -ENOMEM ? err_nomem(err) : r;
}

int auth_new(struct store *store, struct auth **ret, struct err *err)
{
	struct auth *auth = calloc(1, sizeof(*auth));
	int r;

	if (!auth)
		return err_nomem(err);
	auth->store = store;
	r = auth_load(auth, err);
	if (r < 0)
		auth_free(auth);
	else
		*ret = auth;
	return r;
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	free(auth->tokens);
	free(auth);
}

size_t auth_count(const struct auth *auth)
{
	return auth->n_tokens;
}

static struct token *find_name(const struct auth *auth, const char *name)
{
	size_t i;

	for (i = 0; i < auth->n_tokens; i++)
		if (strcmp(auth->tokens[i].name, name) == 0)
			return &auth->tokens[i];
	return NULL;
}

bool auth_has(const struct auth *auth, const char *name)
{
	return find_name(auth, name) != NULL;
}

static size_t count_admins(const struct auth *auth)
{
	size_t count = 0;
	size_t i;

	for (i = 0; i < auth->n_tokens; i++)
		count += auth->tokens[i].right == AUTH_ADMIN;
	return count;
}

bool auth_has_admin(const struct auth *auth)
{
	return count_admins(auth) > 0;
}

bool auth_is_last_admin(const struct auth *auth, const char *name)
{
	const struct token *token = find_name(auth, name);

	return token && token->right == AUTH_ADMIN && count_admins(auth) == 1;
}

static int check_name(const char *name, struct err *err)
{
	if (!*name || strlen(name) > AUTH_NAME_MAX || !str_is_printable(name) || strchr(name, '/'))
		return err_set(err, -EINVAL,
			       "a name must be of 1 to %d printable characters without '/'",
			       AUTH_NAME_MAX);
	return 0;
}

int auth_add(struct auth *auth, const char *name, enum auth_right right,
	     char ret_token[AUTH_TOKEN_TEXT], struct err *err)
{
	unsigned char bytes[AUTH_TOKEN_BYTES];
	char token[AUTH_TOKEN_TEXT];
	char hash[DIGEST_TEXT];
	struct store_token stored = {
		.name = name, .right = right, .hash = hash, .created_ms = clock_wall_ms()
	};
	int r = check_name(name, err);

	if (r < 0)
		return r;
	if (find_name(auth, name))
		return err_set(err, -EEXIST, "there is a token of %s already: delete it first",
			       name);
	if (auth->n_tokens == TOKENS_MAX)
		return err_set(err, -E2BIG, "there are %d tokens already", TOKENS_MAX);
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return err_set(err, -EIO, "there are no random bytes");
	str_hex(bytes, sizeof(bytes), token);
	explicit_bzero(bytes, sizeof(bytes));
	r = digest_sha256_hex(token, strlen(token), hash);
	if (r == 0)
		r = store_token_put(auth->store, &stored, err);
	if (r == 0 && append(auth, &stored) < 0)
		r = err_nomem(err);
	if (r == 0)
		sort_last(auth);
	if (r == 0)
		memcpy(ret_token, token, sizeof(token));
	explicit_bzero(token, sizeof(token));
	return r;
}

int auth_remove(struct auth *auth, const char *name, struct err *err)
{
	struct token *token = find_name(auth, name);
	int r;

	if (!token)
		return err_set(err, -ENOENT, "there is no token of %s", name);
	r = store_token_delete(auth->store, name, err);
	if (r < 0)
		return r;
	auth->n_tokens--;
	memmove(token, token + 1, (size_t)(auth->tokens + auth->n_tokens - token) * sizeof(*token));
	return 0;
}

/* --- who asks */

static struct suspect *find_suspect(struct auth *auth, const char *address, int64_t now_ms)
{
	struct suspect *suspect;
	size_t i;

	for (i = 0; i < SUSPECTS_MAX; i++)
		if (strcmp(auth->suspects[i].address, address) == 0)
			break;
	if (i < SUSPECTS_MAX && now_ms - auth->suspects[i].since_ms < WRONG_MS)
		return &auth->suspects[i];
	if (i == SUSPECTS_MAX)
		i = auth->next_suspect++ % SUSPECTS_MAX;
	suspect = &auth->suspects[i];
	*suspect = (struct suspect){ .since_ms = now_ms };
	snprintf(suspect->address, sizeof(suspect->address), "%s", address);
	return suspect;
}

bool auth_is_blocked(const struct auth *auth, const char *address, int64_t now_ms)
{
	size_t i;

	for (i = 0; i < SUSPECTS_MAX; i++)
		if (strcmp(auth->suspects[i].address, address) == 0)
			return auth->suspects[i].wrong >= WRONG_MAX &&
			       now_ms - auth->suspects[i].since_ms < WRONG_MS;
	return false;
}

int auth_note_wrong(struct auth *auth, const char *address, int64_t now_ms, const char *why,
		    struct err *err)
{
	struct suspect *suspect = find_suspect(auth, address, now_ms);

	if (++suspect->wrong > WRONG_MAX)
		return err_set(err, -EAGAIN, "too many requests without a valid token from %s",
			       address);
	return err_set(err, -EACCES, "%s", why);
}

/* The hash is found by its order, which tells nothing about the token; then all of it is compared
 * whatever it is. */
static const struct token *find_token(const struct auth *auth, const char *text)
{
	struct token key = { 0 };
	const struct token *token;

	if (!auth->n_tokens || digest_sha256_hex(text, strlen(text), key.hash) < 0)
		return NULL;
	token = bsearch(&key, auth->tokens, auth->n_tokens, sizeof(key), compare_hash);
	return token && digest_compare(token->hash, key.hash, DIGEST_TEXT) == 0 ? token : NULL;
}

static void who_set(struct auth_who *who, enum auth_right right, const char *name)
{
	who->right = right;
	snprintf(who->name, sizeof(who->name), "%s", name);
}

int auth_check(struct auth *auth, const char *authorization, const char *peer_name,
	       const char *address, int64_t now_ms, struct auth_who *ret, struct err *err)
{
	static const char bearer[] = "Bearer ";
	const struct token *token;

	if (authorization && strncasecmp(authorization, bearer, strlen(bearer)) == 0) {
		token = find_token(auth, authorization + strlen(bearer));
		if (!token)
			return auth_note_wrong(
				auth, address, now_ms,
				"the token is not valid: make one by `sunfishctl node add`", err);
		who_set(ret, token->right, token->name);
		return 0;
	}
	if (peer_name && *peer_name) {
		/* a token of that name may give it more than a node's right */
		token = find_name(auth, peer_name);
		who_set(ret, token ? token->right : AUTH_NODE, peer_name);
		return 0;
	}
	return auth_note_wrong(
		auth, address, now_ms,
		"a token is needed: Authorization: Bearer TOKEN, or a client certificate", err);
}
