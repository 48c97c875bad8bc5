/* SPDX-License-Identifier: BSD-3-Clause */
#include "redfish/rf-message.h"

const char *rf_severity_word(enum rf_severity severity)
{
	static const char *const words[] = { "OK", "Warning", "Critical" };

	return words[severity];
}
