/* SPDX-License-Identifier: BSD-3-Clause */
/* libconfig.h - for fuzzers that feed libconfig: it forgets the text it was reading when it meets a
 * mistake (1.5). */
#pragma once

const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\nleak:libconfig_yylex\n";
}
