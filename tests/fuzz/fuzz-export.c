/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-export - the file of an export: what is written is read back as the same tree. */
#include "base/cleanup.h"
#include "target/export.h"
#include "tests/fuzz/libconfig.h"
#include "tests/fuzz/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *nqn_of(const struct model_object *root)
{
	size_t i = 0;

	return model_next(root, MODEL_SUBSYSTEM, &i)->name;
}

/* Nobody gets in whom the file does not name, and none by two ways. */
static void check_access(const struct model_object *root)
{
	const struct model_object *subsystem = model_find(root, MODEL_SUBSYSTEM, nqn_of(root));

	REQUIRE(model_get(subsystem, "attr_allow_any_host"));
	REQUIRE(!model_is_on(subsystem, "attr_allow_any_host") || subsystem->n_links == 0);
	REQUIRE(subsystem->exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_MODEL struct model_object *root = NULL;
	CLEANUP_MODEL struct model_object *again = NULL;
	CLEANUP_MODEL struct model_object *cut = NULL;
	CLEANUP_FREE char *text = NULL;
	CLEANUP_FREE char *text_again = NULL;
	CLEANUP_FREE char *cut_text = NULL;
	struct err err = ERR_NULL;

	if (export_parse((const char *)data, size, "f", &root, &err) < 0) {
		REQUIRE(!root && err.code < 0 && strncmp(err.text, "f:", 2) == 0);
		return 0;
	}
	check_access(root);
	REQUIRE(export_format(root, nqn_of(root), &text, &err) == 0);
	REQUIRE(export_parse(text, strlen(text), "f", &again, &err) == 0);
	REQUIRE(tree_is_same(root, again, NULL));
	REQUIRE(export_format(again, nqn_of(again), &text_again, &err) == 0);
	REQUIRE(strcmp(text, text_again) == 0);
	/* what was asked for and is there is cut out as it was asked for */
	REQUIRE(export_cut(root, nqn_of(root), root, &cut, &err) == 0);
	REQUIRE(export_format(cut, nqn_of(root), &cut_text, &err) == 0);
	model_free(TAKE_PTR(again));
	REQUIRE(export_parse(cut_text, strlen(cut_text), "f", &again, &err) == 0);
	return 0;
}
