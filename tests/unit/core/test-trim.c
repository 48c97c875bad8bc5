/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/trim.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/unit.h"

#define LIBRARY "libsqlite3.so.0"

/* Kilobytes of its read-only mappings that are in memory. Returns: -1 this kernel does not tell. */
static long resident(const char *library)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long from, to;
	bool counts = false;
	char line[512];
	char mode[8];
	long sum = 0;
	long kib;

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3)
			counts = strstr(line, library) && mode[1] != 'w';
		else if (counts && sscanf(line, "Rss: %ld kB", &kib) == 1)
			sum += kib;
	}
	fclose(f);
	return sum;
}

static void what_is_not_in_use_is_given_back(void **state)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	long before;

	(void)state;
	assert_non_null(library);
	before = resident("libsqlite3");
	if (before < 0)
		skip();
	assert_true(before > 0);
	trim_libraries();
	assert_true(resident("libsqlite3") < before / 2);
	dlclose(library);
}

static void what_is_given_back_works_as_before(void **state)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	const char *(*version)(void);
	char before[32];
	int i;

	(void)state;
	assert_non_null(library);
	version = dlsym(library, "sqlite3_libversion");
	assert_non_null(version);
	snprintf(before, sizeof(before), "%s", version());
	for (i = 0; i < 3; i++) {
		trim_libraries();
		assert_string_equal(version(), before);
	}
	dlclose(library);
}

static int written = 5;

static void what_was_written_to_stays(void **state)
{
	(void)state;
	written = 7;
	errno = 3;
	trim_libraries();
	assert_int_equal(written, 7);
	assert_int_equal(errno, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_in_use_is_given_back),
		cmocka_unit_test(what_is_given_back_works_as_before),
		cmocka_unit_test(what_was_written_to_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
