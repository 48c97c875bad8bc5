/* SPDX-License-Identifier: BSD-3-Clause */
/* fuzz-conn - the tables of connections: 't' and a text of /proc/net/tcp, or 'r' and a datagram of
 * netlink; and what is not 't' or 'r' as the kernel's messages for the doctor. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "target/conn.h"
#include "target/doctor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_text(const uint8_t *data, size_t size, char kind)
{
	CLEANUP_CONN_LIST struct conn_list list = CONN_LIST_NULL;
	CLEANUP_FINDINGS struct findings report = FINDINGS_NULL;
	CLEANUP_FREE char *text = malloc(size + 1);

	if (!text)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	if (kind == 't')
		conn_parse_tcp(text, &list);
	else
		doctor_check_kmsg(text, 3, &report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_CONN_LIST struct conn_list list = CONN_LIST_NULL;
	char address[64];
	size_t i;

	if (size == 0)
		return 0;
	if (*data != 'r')
		as_text(data + 1, size - 1, (char)*data);
	else
		conn_parse_rdma(data + 1, size - 1, &list);
	for (i = 0; i < list.count; i++)
		conn_addr_format(&list.items[i].remote, address, sizeof(address));
	return 0;
}
