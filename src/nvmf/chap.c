/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/chap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/crypt.h"
#include "nvmf/dhchap.h"
#include "nvmf/nqn.h"

enum { TYPE_COMMON = 0, TYPE_DHCHAP = 1 };
enum {
	NEGOTIATE = 0x00,
	CHALLENGE = 0x01,
	REPLY = 0x02,
	SUCCESS1 = 0x03,
	SUCCESS2 = 0x04,
	FAILURE2 = 0xf0,
	FAILURE1 = 0xf1,
};
/* reason explanation codes of a failure */
enum {
	FAILED = 1,
	NOT_USABLE = 2,
	HASH_UNUSABLE = 4,
	GROUP_UNUSABLE = 5,
	BAD_PAYLOAD = 6,
	BAD_MESSAGE = 7,
};
enum { PROTOCOL_DHCHAP = 1, LIST_GROUPS = 30, LIST_MAX = 30, PROTOCOL_BYTES = 64 };

/* lengths of the fixed parts */
enum { NEGOTIATE_HEAD = 8, HEAD = 16, FAILURE_BYTES = 8 };

enum step {
	/* the controller's */
	WAIT_NEGOTIATE,
	GIVE_CHALLENGE,
	WAIT_REPLY,
	GIVE_SUCCESS1,
	WAIT_SUCCESS2,
	/* the host's */
	GIVE_NEGOTIATE,
	WAIT_CHALLENGE,
	GIVE_REPLY,
	WAIT_SUCCESS1,
	GIVE_SUCCESS2,
	/* of both */
	GIVE_FAILURE,
	DONE,
	OVER,
};

struct chap_key {
	uint8_t bytes[CRYPT_HASH_MAX];
	size_t length;
};

struct chap {
	enum step step;
	bool is_host;
	bool is_proved;	    /* the peer */
	bool has_challenge; /* the controller is to prove itself */
	char hostnqn[NQN_MAX + 1], subnqn[NQN_MAX + 1];
	struct chap_key host_key, controller_key; /* transformed; length 0: none */
	enum crypt_hash hash;
	uint8_t group; /* 0: none */
	uint16_t id;   /* of the transaction */
	uint8_t failure;
	uint32_t seq1, seq2;
	uint8_t challenge1[CRYPT_HASH_MAX], challenge2[CRYPT_HASH_MAX];
	uint8_t secret[CRYPT_DH_SECRET];
	uint8_t value[CRYPT_GROUP_MAX];	      /* ours */
	uint8_t session_key[CRYPT_HASH_MAX];  /* hash of what both have */
	uint8_t response[2 * CRYPT_HASH_MAX]; /* to be given: ours to the challenge */
	struct err why;
};

static void put(uint8_t *at, uint64_t value, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get(const uint8_t *at, unsigned int n)
{
	uint32_t value = 0;

	while (n--)
		value = value << 8 | at[n];
	return value;
}

static struct iovec part(const void *bytes, size_t length)
{
	return (struct iovec){ (void *)(uintptr_t)bytes, length };
}

static size_t hash_size(const struct chap *chap)
{
	return crypt_hash_size(chap->hash);
}

/* --- keys and responses */

/* A key is bound to the name of who has it. */
static int take_key(const char *text, const char *nqn, struct chap_key *ret, struct err *err)
{
	static const char seed[] = "NVMe-over-Fabrics";
	const struct iovec parts[] = { part(nqn, strlen(nqn)), part(seed, sizeof(seed) - 1) };
	uint8_t secret[CRYPT_HASH_MAX];
	unsigned int hash;
	size_t length;
	int r = dhchap_decode(text, &hash, secret, &length, err);

	if (r < 0)
		return r;
	if (hash) {
		r = crypt_hmac((enum crypt_hash)hash, secret, length, parts, 2, ret->bytes);
		ret->length = crypt_hash_size((enum crypt_hash)hash);
	} else {
		memcpy(ret->bytes, secret, length);
		ret->length = length;
	}
	explicit_bzero(secret, sizeof(secret));
	return r < 0 ? err_set(err, r, "GnuTLS cannot make an HMAC") : 0;
}

/* What one side answers to the challenge of the other. */
static int respond(const struct chap *chap, bool of_host, uint8_t *out)
{
	const struct chap_key *key = of_host ? &chap->host_key : &chap->controller_key;
	const uint8_t *challenge = of_host ? chap->challenge1 : chap->challenge2;
	const char *role = of_host ? "HostHost" : "Controller";
	const char *first = of_host ? chap->hostnqn : chap->subnqn;
	const char *second = of_host ? chap->subnqn : chap->hostnqn;
	const struct iovec plain = part(challenge, hash_size(chap));
	uint8_t augmented[CRYPT_HASH_MAX];
	uint8_t numbers[7] = { 0 }; /* sequence, transaction, no secure channel */
	struct iovec parts[6];
	int r = 0;

	memcpy(augmented, challenge, hash_size(chap));
	if (chap->group)
		r = crypt_hmac(chap->hash, chap->session_key, hash_size(chap), &plain, 1,
			       augmented);
	put(numbers, of_host ? chap->seq1 : chap->seq2, 4);
	put(numbers + 4, chap->id, 2);
	parts[0] = part(augmented, hash_size(chap));
	parts[1] = part(numbers, sizeof(numbers));
	parts[2] = part(role, strlen(role));
	parts[3] = part(first, strlen(first));
	parts[4] = part("", 1);
	parts[5] = part(second, strlen(second));
	if (r == 0)
		r = crypt_hmac(chap->hash, key->bytes, key->length, parts, 6, out);
	explicit_bzero(augmented, sizeof(augmented));
	return r;
}

/* Returns: is it the right answer? */
static bool verify(const struct chap *chap, bool of_host, const uint8_t *response)
{
	uint8_t right[CRYPT_HASH_MAX] = { 0 };
	bool same = respond(chap, of_host, right) == 0 &&
		    crypt_is_equal(right, response, hash_size(chap));

	explicit_bzero(right, sizeof(right));
	return same;
}

/* Returns: 0; -EINVAL the peer's value is not safe; -EIO. */
static int share(struct chap *chap, const uint8_t *peer, size_t length)
{
	uint8_t shared[CRYPT_GROUP_MAX];
	int r = crypt_dh_shared((enum crypt_group)chap->group, chap->secret, peer, length, shared);

	if (r == 0)
		r = crypt_hash(chap->hash, shared, crypt_dh_size((enum crypt_group)chap->group),
			       chap->session_key);
	explicit_bzero(shared, sizeof(shared));
	explicit_bzero(chap->secret, sizeof(chap->secret));
	return r;
}

static uint32_t new_sequence(void)
{
	uint32_t value = 0;

	if (crypt_random(&value, sizeof(value)) < 0)
		return 0;
	return value ? value : 1;
}

/* --- failing */

/* To be told to the peer. Returns: 0. */
static int fail(struct chap *chap, uint8_t explanation, const char *text)
{
	chap->failure = explanation;
	chap->step = GIVE_FAILURE;
	err_set_text(&chap->why, -EACCES, "%s", text);
	return 0;
}

static const char *explain(uint8_t code)
{
	static const char *const words[] = {
		"no reason",
		"authentication failed",
		"the protocol is not usable",
		"secure channel concatenation does not match",
		"no hash function is usable",
		"no Diffie-Hellman group is usable",
		"a wrong payload",
		"a wrong message",
	};

	return words[code < sizeof(words) / sizeof(words[0]) ? code : 0];
}

/* The peer says that it is over. */
static int take_failure(struct chap *chap, const uint8_t *bytes, size_t length)
{
	chap->step = OVER;
	err_set_text(&chap->why, -EACCES, "the peer says: %s",
		     explain(length >= FAILURE_BYTES ? bytes[7] : 0));
	return -EACCES;
}

/* --- the controller's side */

/* What a host offers to a controller. */
static const uint8_t groups[] = { CRYPT_FFDHE2048, CRYPT_FFDHE3072, CRYPT_FFDHE4096,
				  CRYPT_FFDHE6144, CRYPT_FFDHE8192, 0 };
/* What we take as a controller, in this order: who has not proved anything yet is not to choose the
 * largest ones and let us compute. */
static const uint8_t served[] = { CRYPT_FFDHE2048, CRYPT_FFDHE3072, CRYPT_FFDHE4096, 0 };
static const uint8_t hash_ids[] = { CRYPT_SHA256, CRYPT_SHA384, CRYPT_SHA512 };

static const uint8_t *choose(const uint8_t *ours, size_t n_ours, const uint8_t *theirs, size_t n)
{
	size_t i;

	for (i = 0; i < n_ours; i++)
		if (memchr(theirs, ours[i], n))
			return &ours[i];
	return NULL;
}

static int take_negotiate(struct chap *chap, const uint8_t *bytes, size_t length)
{
	const uint8_t *protocol = bytes + NEGOTIATE_HEAD;
	const uint8_t *hash;
	const uint8_t *group;
	uint8_t n_hashes;
	uint8_t n_groups;

	if (length < NEGOTIATE_HEAD + PROTOCOL_BYTES || bytes[7] < 1)
		return fail(chap, BAD_PAYLOAD, "it sent a negotiation that is too short");
	chap->id = (uint16_t)get(bytes + 4, 2);
	if (bytes[6])
		return fail(chap, NOT_USABLE, "it wants a secure channel out of authentication");
	n_hashes = protocol[2];
	n_groups = protocol[3];
	if (protocol[0] != PROTOCOL_DHCHAP || n_hashes > LIST_MAX || n_groups > LIST_MAX)
		return fail(chap, NOT_USABLE, "it offers another protocol than DH-HMAC-CHAP");
	hash = choose(hash_ids, sizeof(hash_ids), protocol + 4, n_hashes);
	group = choose(served, sizeof(served), protocol + 4 + LIST_GROUPS, n_groups);
	if (!hash)
		return fail(chap, HASH_UNUSABLE, "it offers no hash function that is known");
	if (!group)
		return fail(chap, GROUP_UNUSABLE,
			    "it offers no Diffie-Hellman group that is known");
	chap->hash = (enum crypt_hash) * hash;
	chap->group = *group;
	chap->seq1 = new_sequence();
	if (!chap->seq1 || crypt_random(chap->challenge1, hash_size(chap)) < 0 ||
	    (chap->group &&
	     crypt_dh_make((enum crypt_group)chap->group, chap->secret, chap->value) < 0))
		return fail(chap, FAILED, "there are no random numbers");
	chap->step = GIVE_CHALLENGE;
	return 0;
}

static size_t value_size(const struct chap *chap)
{
	return crypt_dh_size((enum crypt_group)chap->group);
}

static void put_head(const struct chap *chap, uint8_t type, uint8_t id, uint8_t *out)
{
	out[0] = type;
	out[1] = id;
	put(out + 4, chap->id, 2);
}

static size_t give_challenge(struct chap *chap, uint8_t *out)
{
	const size_t hl = hash_size(chap);

	put_head(chap, TYPE_DHCHAP, CHALLENGE, out);
	out[6] = (uint8_t)hl;
	out[8] = (uint8_t)chap->hash;
	out[9] = chap->group;
	put(out + 10, value_size(chap), 2);
	put(out + 12, chap->seq1, 4);
	memcpy(out + HEAD, chap->challenge1, hl);
	memcpy(out + HEAD + hl, chap->value, value_size(chap));
	chap->step = WAIT_REPLY;
	return HEAD + hl + value_size(chap);
}

static int take_reply(struct chap *chap, const uint8_t *bytes, size_t length)
{
	const size_t hl = hash_size(chap);
	const size_t value_length = length < HEAD ? 0 : get(bytes + 10, 2);

	if (length < HEAD + 2 * hl + value_length || bytes[6] != hl ||
	    value_length != value_size(chap))
		return fail(chap, BAD_PAYLOAD, "it sent a reply of a wrong length");
	if (chap->group && share(chap, bytes + HEAD + 2 * hl, value_length) < 0)
		return fail(chap, BAD_PAYLOAD, "it sent a Diffie-Hellman value that is not safe");
	chap->seq2 = get(bytes + 12, 4);
	if (!verify(chap, true, bytes + HEAD))
		return fail(chap, FAILED, "its key is another one");
	chap->has_challenge = bytes[8] & 1;
	if (chap->has_challenge) {
		memcpy(chap->challenge2, bytes + HEAD + hl, hl);
		/* the same numbers would make our answer one that was heard before */
		if (!chap->controller_key.length)
			return fail(
				chap, FAILED,
				"it wants us to prove who we are, and there is no key for that");
		if (crypt_is_equal(chap->challenge1, chap->challenge2, hl))
			return fail(chap, FAILED, "it sent our own challenge back");
		if (respond(chap, false, chap->response) < 0)
			return fail(chap, FAILED, "GnuTLS cannot make an HMAC");
	}
	chap->is_proved = true;
	chap->step = GIVE_SUCCESS1;
	return 0;
}

static size_t give_success1(struct chap *chap, uint8_t *out)
{
	const size_t hl = hash_size(chap);

	put_head(chap, TYPE_DHCHAP, SUCCESS1, out);
	out[6] = (uint8_t)hl;
	out[8] = chap->has_challenge;
	if (chap->has_challenge)
		memcpy(out + HEAD, chap->response, hl);
	chap->step = chap->has_challenge ? WAIT_SUCCESS2 : DONE;
	return chap->has_challenge ? HEAD + hl : HEAD;
}

/* --- the host's side */

static size_t give_negotiate(struct chap *chap, uint8_t *out)
{
	uint8_t *protocol = out + NEGOTIATE_HEAD;

	put_head(chap, TYPE_COMMON, NEGOTIATE, out);
	out[7] = 1;
	protocol[0] = PROTOCOL_DHCHAP;
	protocol[2] = sizeof(hash_ids);
	protocol[3] = sizeof(groups);
	memcpy(protocol + 4, hash_ids, sizeof(hash_ids));
	memcpy(protocol + 4 + LIST_GROUPS, groups, sizeof(groups));
	chap->step = WAIT_CHALLENGE;
	return NEGOTIATE_HEAD + PROTOCOL_BYTES;
}

static int take_challenge(struct chap *chap, const uint8_t *bytes, size_t length)
{
	const uint8_t group = length < HEAD ? 0xff : bytes[9];
	size_t hl;

	if (group == 0xff || !memchr(hash_ids, bytes[8], sizeof(hash_ids)))
		return fail(chap, HASH_UNUSABLE, "it chose a hash function that was not offered");
	if (!memchr(groups, group, sizeof(groups)))
		return fail(chap, GROUP_UNUSABLE, "it chose a group that was not offered");
	chap->hash = (enum crypt_hash)bytes[8];
	chap->group = group;
	hl = hash_size(chap);
	if (bytes[6] != hl || get(bytes + 10, 2) != value_size(chap) ||
	    length < HEAD + hl + value_size(chap))
		return fail(chap, BAD_PAYLOAD, "it sent a challenge of a wrong length");
	chap->seq1 = get(bytes + 12, 4);
	memcpy(chap->challenge1, bytes + HEAD, hl);
	if (group && (crypt_dh_make((enum crypt_group)group, chap->secret, chap->value) < 0 ||
		      share(chap, bytes + HEAD + hl, value_size(chap)) < 0))
		return fail(chap, BAD_PAYLOAD, "it sent a Diffie-Hellman value that is not safe");
	chap->has_challenge = chap->controller_key.length > 0;
	chap->seq2 = chap->has_challenge ? new_sequence() : 0;
	if (chap->has_challenge && (!chap->seq2 || crypt_random(chap->challenge2, hl) < 0))
		return fail(chap, FAILED, "there are no random numbers");
	if (respond(chap, true, chap->response) < 0)
		return fail(chap, FAILED, "GnuTLS cannot make an HMAC");
	chap->step = GIVE_REPLY;
	return 0;
}

static size_t give_reply(struct chap *chap, uint8_t *out)
{
	const size_t hl = hash_size(chap);

	put_head(chap, TYPE_DHCHAP, REPLY, out);
	out[6] = (uint8_t)hl;
	out[8] = chap->has_challenge;
	put(out + 10, value_size(chap), 2);
	put(out + 12, chap->seq2, 4);
	memcpy(out + HEAD, chap->response, hl);
	if (chap->has_challenge)
		memcpy(out + HEAD + hl, chap->challenge2, hl);
	memcpy(out + HEAD + 2 * hl, chap->value, value_size(chap));
	chap->step = WAIT_SUCCESS1;
	return HEAD + 2 * hl + value_size(chap);
}

static int take_success1(struct chap *chap, const uint8_t *bytes, size_t length)
{
	const size_t hl = hash_size(chap);

	if (length < HEAD || bytes[6] != hl)
		return fail(chap, BAD_PAYLOAD, "it sent a success of a wrong length");
	if (!chap->has_challenge) {
		chap->step = DONE;
		return 0;
	}
	if (!(bytes[8] & 1) || length < HEAD + hl || !verify(chap, false, bytes + HEAD))
		return fail(chap, FAILED, "it did not prove that it has the controller's key");
	chap->is_proved = true;
	chap->step = GIVE_SUCCESS2;
	return 0;
}

/* --- both */

static size_t give_failure(struct chap *chap, uint8_t *out)
{
	put_head(chap, TYPE_COMMON, chap->is_host ? FAILURE2 : FAILURE1, out);
	out[6] = FAILED;
	out[7] = chap->failure;
	chap->step = OVER;
	return FAILURE_BYTES;
}

enum chap_next chap_next(const struct chap *chap)
{
	switch (chap->step) {
	case WAIT_NEGOTIATE:
	case WAIT_REPLY:
	case WAIT_SUCCESS2:
	case WAIT_CHALLENGE:
	case WAIT_SUCCESS1:
		return CHAP_TAKE;
	case DONE:
		return CHAP_DONE;
	case OVER:
		return CHAP_OVER;
	default:
		return CHAP_GIVE;
	}
}

static int take(struct chap *chap, const uint8_t *bytes, size_t length)
{
	static const uint8_t expected[] = {
		[WAIT_NEGOTIATE] = NEGOTIATE, [WAIT_REPLY] = REPLY,
		[WAIT_SUCCESS2] = SUCCESS2,   [WAIT_CHALLENGE] = CHALLENGE,
		[WAIT_SUCCESS1] = SUCCESS1,
	};
	const uint8_t type = chap->step == WAIT_NEGOTIATE ? TYPE_COMMON : TYPE_DHCHAP;

	if (length < FAILURE_BYTES)
		return fail(chap, BAD_PAYLOAD, "it sent a message that is too short");
	if (bytes[0] == TYPE_COMMON && (bytes[1] == FAILURE1 || bytes[1] == FAILURE2))
		return take_failure(chap, bytes, length);
	if (bytes[0] != type || bytes[1] != expected[chap->step])
		return fail(chap, BAD_MESSAGE, "it sent another message than is due");
	if (chap->step != WAIT_NEGOTIATE && get(bytes + 4, 2) != chap->id)
		return fail(chap, BAD_PAYLOAD, "it sent a message of another transaction");
	switch (chap->step) {
	case WAIT_NEGOTIATE:
		return take_negotiate(chap, bytes, length);
	case WAIT_REPLY:
		return take_reply(chap, bytes, length);
	case WAIT_CHALLENGE:
		return take_challenge(chap, bytes, length);
	case WAIT_SUCCESS1:
		return take_success1(chap, bytes, length);
	default:
		chap->step = DONE;
		return 0;
	}
}

int chap_take(struct chap *chap, const uint8_t *bytes, size_t length, struct err *err)
{
	int r;

	if (chap_next(chap) != CHAP_TAKE)
		return err_set(err, -EPROTO, "it sent a message that nobody waits for");
	r = take(chap, bytes, length);
	return r < 0 ? err_set(err, r, "%s", chap->why.text) : 0;
}

size_t chap_give(struct chap *chap, uint8_t out[CHAP_MESSAGE_MAX])
{
	memset(out, 0, CHAP_MESSAGE_MAX);
	switch (chap->step) {
	case GIVE_NEGOTIATE:
		return give_negotiate(chap, out);
	case GIVE_CHALLENGE:
		return give_challenge(chap, out);
	case GIVE_REPLY:
		return give_reply(chap, out);
	case GIVE_SUCCESS1:
		return give_success1(chap, out);
	case GIVE_SUCCESS2:
		put_head(chap, TYPE_DHCHAP, SUCCESS2, out);
		chap->step = DONE;
		return HEAD;
	case GIVE_FAILURE:
		return give_failure(chap, out);
	default:
		return 0;
	}
}

bool chap_is_proved(const struct chap *chap)
{
	return chap->is_proved;
}

const char *chap_why(const struct chap *chap)
{
	return chap->why.text;
}

int chap_new(const struct chap_params *params, struct chap **ret, struct err *err)
{
	struct chap *chap = calloc(1, sizeof(*chap));
	int r = 0;

	if (!chap)
		return err_nomem(err);
	chap->is_host = params->is_host;
	chap->step = params->is_host ? GIVE_NEGOTIATE : WAIT_NEGOTIATE;
	snprintf(chap->hostnqn, sizeof(chap->hostnqn), "%s", params->hostnqn);
	snprintf(chap->subnqn, sizeof(chap->subnqn), "%s", params->subnqn);
	r = take_key(params->host_key, chap->hostnqn, &chap->host_key, err);
	if (r == 0 && params->controller_key)
		r = take_key(params->controller_key, chap->subnqn, &chap->controller_key, err);
	if (r == 0 && params->is_host && crypt_random(&chap->id, sizeof(chap->id)) < 0)
		r = err_set(err, -EIO, "there are no random numbers");
	if (r < 0)
		chap_free(chap);
	else
		*ret = chap;
	return r;
}

void chap_free(struct chap *chap)
{
	if (!chap)
		return;
	explicit_bzero(chap, sizeof(*chap));
	free(chap);
}
