/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/password.h"

#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"

/* Returns: 0; -EINVAL; -ENOMEM. */
static int make(const char *password, const char *setting, char ret[PASSWORD_HASH_MAX])
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *hash;
	int r = -EINVAL;

	if (!data)
		return -ENOMEM;
	hash = crypt_r(password, setting, data);
	/* "*0" is none */
	if (hash && *hash == '$' && strlen(hash) < PASSWORD_HASH_MAX) {
		snprintf(ret, PASSWORD_HASH_MAX, "%s", hash);
		r = 0;
	}
	explicit_bzero(data, sizeof(*data));
	free(data);
	return r;
}

int password_hash(const char *password, char ret_hash[PASSWORD_HASH_MAX])
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)))
		return -EIO;
	return make(password, setting, ret_hash);
}

bool password_is(const char *password, const char *hash)
{
	char made[PASSWORD_HASH_MAX] = { 0 };
	char wanted[PASSWORD_HASH_MAX] = { 0 };
	bool is;

	snprintf(wanted, sizeof(wanted), "%s", hash);
	is = make(password, wanted, made) == 0 && digest_compare(made, wanted, sizeof(made)) == 0;
	explicit_bzero(made, sizeof(made));
	return is;
}

int password_nobody(char ret_hash[PASSWORD_HASH_MAX])
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (!crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof(setting)) ||
	    strlen(setting) + 2 >= PASSWORD_HASH_MAX)
		return -EIO;
	snprintf(ret_hash, PASSWORD_HASH_MAX, "%.64s$", setting);
	return 0;
}
