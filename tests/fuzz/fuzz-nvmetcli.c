/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-nvmetcli - nvmetcli's file: what is written is read back, and written the same again. */
#include <errno.h>

#include "base/cleanup.h"
#include "target/nvmetcli.h"
#include "tests/fuzz/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* nvmetcli writes 0 for what a passthru does not have, and ours nothing for what is off. */
static bool is_nothing(const struct model_object *object, const struct model_attr *attr)
{
	if (strcmp(attr->value, "0") != 0)
		return false;
	return object->kind == MODEL_PASSTHRU || strcmp(attr->name, "p2pmem") == 0 ||
	       strcmp(attr->name, "buffered_io") == 0;
}

static bool has_key(const struct model_object *root)
{
	const struct model_object *host;
	size_t i;

	for (i = 0; (host = model_next(root, MODEL_HOST, &i));)
		if (model_get(host, "dhchap_key") || model_get(host, "dhchap_ctrl_key"))
			return true;
	return false;
}

/* Without its secrets a file must not let in a host that had a key. */
static void check_without_secrets(const struct model_object *root)
{
	CLEANUP_MODEL struct model_object *again = NULL;
	CLEANUP_FREE char *text = NULL;
	int r;

	REQUIRE(nvmetcli_format(root, 0, &text, NULL) == 0);
	r = nvmetcli_parse(text, strlen(text), false, &again, NULL, NULL);
	REQUIRE(r == 0 || (r == -ENOKEY && has_key(root)));
	REQUIRE(!again || !has_key(again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_MODEL struct model_object *root = NULL;
	CLEANUP_MODEL struct model_object *again = NULL;
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *text_again = NULL;
	CLEANUP_STR struct str warnings = STR_NULL;
	struct err err = ERR_NULL;

	if (nvmetcli_parse((const char *)data, size, false, &root, &warnings, &err) < 0) {
		REQUIRE(!root && err.code < 0 && *err.text);
		return 0;
	}
	REQUIRE(nvmetcli_format(root, NVMETCLI_WITH_SECRETS, &text, &err) == 0);
	REQUIRE(nvmetcli_parse(text, strlen(text), false, &again, NULL, &err) == 0);
	REQUIRE(tree_is_same(root, again, is_nothing));
	REQUIRE(nvmetcli_format(again, NVMETCLI_WITH_SECRETS, &text_again, &err) == 0);
	REQUIRE(strcmp(text, text_again) == 0);
	check_without_secrets(root);
	/* without a warning it is also right in the strict sense */
	model_free(TAKE_PTR(again));
	REQUIRE((nvmetcli_parse((const char *)data, size, true, &again, NULL, NULL) == 0) ==
		(warnings.length == 0));
	return 0;
}
