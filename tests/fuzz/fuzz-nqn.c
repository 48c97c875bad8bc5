/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-nqn - names: what is accepted is safe as a directory and as a file name. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "nvmf/nqn.h"
#include "target/export.h"
#include "tests/fuzz/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The name of the file tells the NQN: no two exports share one. */
static void check_file_name(const char *nqn)
{
	CLEANUP_STR struct str back = STR_NULL;
	char name[EXPORT_NAME_MAX];
	const char *c;
	int r = export_path_name(nqn, name, sizeof(name));

	REQUIRE(r == 0 || (r == -ENAMETOOLONG && strlen(nqn) > 80));
	if (r < 0)
		return;
	REQUIRE(name[0] != '.' && !strchr(name, '/') && strlen(name) <= 255);
	for (c = name; c < name + strlen(name) - strlen(EXPORT_SUFFIX); c++) {
		unsigned int byte;

		if (*c != '%') {
			str_add_n(&back, c, 1);
			continue;
		}
		REQUIRE(sscanf(c + 1, "%2X", &byte) == 1);
		str_addf(&back, "%c", (int)byte);
		c += 2;
	}
	REQUIRE(strcmp(str_get(&back), nqn) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = strndup((const char *)data, size);
	struct err err = ERR_NULL;
	int r = nqn_check(text, &err);

	REQUIRE((r < 0) == (err.code < 0) && (r < 0) == (*err.text != '\0'));
	REQUIRE(r == 0 ? nqn_check_host(text, NULL) == 0 : 1);
	if (r < 0)
		return 0;
	REQUIRE(*text && strlen(text) <= NQN_MAX && str_is_printable(text));
	REQUIRE(!strpbrk(text, "/ ") && strcmp(text, ".") != 0 && strcmp(text, "..") != 0);
	check_file_name(text);
	return 0;
}
