/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

#define RECORD_MAX 8192 /* the kernel's own bound is 1 KiB and its escapes */
#define RECORDS_AT_ONCE 1000

int kmsg_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* a file in a test is read from its beginning */
	(void)!lseek(fd, 0, SEEK_END);
	return fd;
}

/* Drivers write "nvme nvme0: ..", "nvme_fabrics: ..", "nvme_tcp: .."; the target is "nvmet: ..". */
static bool is_of_host(const char *text)
{
	return strncmp(text, "nvme ", 5) == 0 || strncmp(text, "nvme_", 5) == 0;
}

bool kmsg_parse(const char *record, size_t length, char ret[KMSG_TEXT_MAX])
{
	const char *text = memchr(record, ';', length);
	char clean[KMSG_TEXT_MAX];

	if (!text)
		return false;
	text++;
	length -= (size_t)(text - record);
	if (length >= sizeof(clean))
		length = sizeof(clean) - 1;
	memcpy(clean, text, length);
	clean[length] = '\0';
	clean[strcspn(clean, "\n")] = '\0';
	if (!is_of_host(clean))
		return false;
	str_clean(clean);
	memcpy(ret, clean, sizeof(clean));
	return true;
}

int kmsg_next(int fd, char ret[KMSG_TEXT_MAX])
{
	char record[RECORD_MAX];
	unsigned int i;

	for (i = 0; i < RECORDS_AT_ONCE; i++) {
		ssize_t length = read(fd, record, sizeof(record));

		/* it was overtaken: older ones are lost, the next is there */
		if (length < 0 && errno == EPIPE)
			continue;
		if (length <= 0)
			return 0;
		if (kmsg_parse(record, (size_t)length, ret))
			return 1;
	}
	return 0;
}

int kmsg_meaning(const char *text)
{
	static const struct {
		const char *part;
		int code;
	} known[] = {
		{ "Connect Invalid Data Parameter", -ENOENT },
		{ "is not allowed, hostnqn", -EACCES },
		{ "authentication", -EACCES },
		{ "no valid PSK found", -ENOKEY },
		{ "unknown parameter or missing value", -EOPNOTSUPP },
		{ "no handler found for transport", -EPROTONOSUPPORT },
		{ "found same hostid", -EADDRINUSE },
		{ "found same hostnqn", -EADDRINUSE },
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strstr(text, known[i].part))
			return known[i].code;
	return 0;
}

void kmsg_controller(const char *text, char *ret_name, size_t size)
{
	const char *name = strncmp(text, "nvme ", 5) == 0 ? text + 5 : "";
	size_t digits = strncmp(name, "nvme", 4) == 0 ? strspn(name + 4, "0123456789") : 0;

	snprintf(ret_name, size, "%.*s", digits ? (int)(digits + 4) : 0, name);
}
