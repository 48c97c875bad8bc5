/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl/ctl.h"

void ctl_print_table(struct ctl *ctl, const struct table *table, const char *nothing)
{
	if (table_rows(table) == 0 && !table->failed)
		cli_say(&ctl->cli, "%s\n", nothing);
	else
		cli_print_table(&ctl->cli, table, "");
}
