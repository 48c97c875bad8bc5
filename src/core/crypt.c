/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/crypt.h"

#include <errno.h>
#include <gmp.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

static const struct {
	gnutls_digest_algorithm_t digest;
	gnutls_mac_algorithm_t mac;
	size_t size;
} hashes[] = {
	[CRYPT_SHA256] = { GNUTLS_DIG_SHA256, GNUTLS_MAC_SHA256, 32 },
	[CRYPT_SHA384] = { GNUTLS_DIG_SHA384, GNUTLS_MAC_SHA384, 48 },
	[CRYPT_SHA512] = { GNUTLS_DIG_SHA512, GNUTLS_MAC_SHA512, 64 },
};

size_t crypt_hash_size(enum crypt_hash hash)
{
	return (size_t)hash < sizeof(hashes) / sizeof(hashes[0]) ? hashes[hash].size : 0;
}

int crypt_hash(enum crypt_hash hash, const void *bytes, size_t length, uint8_t *out)
{
	if (!crypt_hash_size(hash) || gnutls_hash_fast(hashes[hash].digest, bytes, length, out) < 0)
		return -EIO;
	return 0;
}

int crypt_hmac(enum crypt_hash hash, const void *key, size_t key_length, const struct iovec *parts,
	       size_t n, uint8_t *out)
{
	gnutls_hmac_hd_t handle;
	size_t i;
	int r = 0;

	if (!crypt_hash_size(hash) ||
	    gnutls_hmac_init(&handle, hashes[hash].mac, key, key_length) < 0)
		return -EIO;
	for (i = 0; r == 0 && i < n; i++)
		r = gnutls_hmac(handle, parts[i].iov_base, parts[i].iov_len);
	gnutls_hmac_deinit(handle, out);
	return r < 0 ? -EIO : 0;
}

int crypt_random(void *bytes, size_t length)
{
	return gnutls_rnd(GNUTLS_RND_KEY, bytes, length) < 0 ? -EIO : 0;
}

bool crypt_is_equal(const void *a, const void *b, size_t length)
{
	return gnutls_memcmp(a, b, length) == 0;
}

/* --- Diffie-Hellman */

static const gnutls_datum_t *prime_of(enum crypt_group group)
{
	switch (group) {
	case CRYPT_FFDHE2048:
		return &gnutls_ffdhe_2048_group_prime;
	case CRYPT_FFDHE3072:
		return &gnutls_ffdhe_3072_group_prime;
	case CRYPT_FFDHE4096:
		return &gnutls_ffdhe_4096_group_prime;
	case CRYPT_FFDHE6144:
		return &gnutls_ffdhe_6144_group_prime;
	case CRYPT_FFDHE8192:
		return &gnutls_ffdhe_8192_group_prime;
	}
	return NULL;
}

size_t crypt_dh_size(enum crypt_group group)
{
	static const size_t sizes[] = { 0, 256, 384, 512, 768, 1024 };

	return (size_t)group < sizeof(sizes) / sizeof(sizes[0]) ? sizes[group] : 0;
}

static void import(mpz_t value, const void *bytes, size_t length)
{
	mpz_import(value, length, 1, 1, 1, 0, bytes);
}

/* With zeros in front, so that it has the size of the group. */
static void export(const mpz_t value, uint8_t *out, size_t size)
{
	const size_t length = (mpz_sizeinbase(value, 2) + 7) / 8;

	memset(out, 0, size);
	if (length <= size)
		mpz_export(out + size - length, NULL, 1, 1, 1, 0, value);
}

/* @base is more than 1 and less than p - 1: else what comes out is known to anybody. */
static bool is_safe(const mpz_t base, const mpz_t prime)
{
	mpz_t last;
	bool safe;

	mpz_init(last);
	mpz_sub_ui(last, prime, 1);
	safe = mpz_cmp_ui(base, 1) > 0 && mpz_cmp(base, last) < 0;
	mpz_clear(last);
	return safe;
}

/* base ^ secret mod p. GMP's memory is not cleared when it is freed: the exponent is overwritten,
 * and its results are what the caller gets anyway. */
static int power(enum crypt_group group, const uint8_t *base, size_t base_length,
		 const uint8_t secret[CRYPT_DH_SECRET], uint8_t *ret)
{
	const gnutls_datum_t *prime = prime_of(group);
	mpz_t p, b, e, result;
	int r = -EINVAL;

	mpz_inits(p, b, e, result, NULL);
	import(p, prime->data, prime->size);
	import(b, base, base_length);
	if (is_safe(b, p)) {
		import(e, secret, CRYPT_DH_SECRET);
		mpz_powm_sec(result, b, e, p);
		export(result, ret, crypt_dh_size(group));
		explicit_bzero(mpz_limbs_modify(e, (mp_size_t)mpz_size(e)),
			       mpz_size(e) * sizeof(mp_limb_t));
		explicit_bzero(mpz_limbs_modify(result, (mp_size_t)mpz_size(result)),
			       mpz_size(result) * sizeof(mp_limb_t));
		r = 0;
	}
	mpz_clears(p, b, e, result, NULL);
	return r;
}

int crypt_dh_make(enum crypt_group group, uint8_t ret_secret[CRYPT_DH_SECRET], uint8_t *ret_public)
{
	static const uint8_t generator = 2;

	if (!crypt_dh_size(group))
		return -EINVAL;
	if (crypt_random(ret_secret, CRYPT_DH_SECRET) < 0)
		return -EIO;
	/* 512 bits of exponent are more than twice the strength of the largest group */
	ret_secret[0] |= 0x80;
	return power(group, &generator, 1, ret_secret, ret_public);
}

int crypt_dh_shared(enum crypt_group group, const uint8_t secret[CRYPT_DH_SECRET],
		    const uint8_t *peer, size_t peer_length, uint8_t *ret)
{
	if (!crypt_dh_size(group) || peer_length != crypt_dh_size(group))
		return -EINVAL;
	return power(group, peer, peer_length, secret, ret);
}
