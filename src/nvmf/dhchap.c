/* SPDX-License-Identifier: BSD-3-Clause */
#include "nvmf/dhchap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SECRET_MAX 64
#define CRC_SIZE 4
#define PREFIX "DHHC-1:"
#define PREFIX_SIZE (sizeof(PREFIX) - 1)

#define HOW_TO "make one with: nvme gen-dhchap-key"

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decode all of @text. Returns: the number of bytes; -1 it is no base64 or more than @size. */
static int base64_decode(const char *text, size_t length, uint8_t *bytes, size_t size)
{
	size_t padding = 0;
	uint32_t bits = 0;
	size_t count = 0;
	size_t i;

	while (padding < 2 && padding < length && text[length - padding - 1] == '=')
		padding++;
	if (length == 0 || length % 4)
		return -1;
	for (i = 0; i < length - padding; i++) {
		int value = base64_value(text[i]);

		if (value < 0 || count == size)
			return -1;
		bits = bits << 6 | (uint32_t)value;
		if (i % 4)
			bytes[count++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	/* bits that belong to no byte must be zero, so that a key has one spelling */
	return padding && (bits & (padding == 1 ? 3 : 15)) ? -1 : (int)count;
}

/* CRC-32 of IEEE 802.3, as in zlib. */
static uint32_t crc32(const uint8_t *bytes, size_t size)
{
	uint32_t crc = 0xffffffff;
	size_t i;
	int bit;

	for (i = 0; i < size; i++) {
		crc ^= bytes[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static bool suits_hash(unsigned int hash, int size)
{
	static const int sizes[] = { 0, 32, 48, 64 };

	if (hash)
		return size == sizes[hash];
	return size == 32 || size == 48 || size == 64;
}

/* @text: base64 and ':', after "DHHC-1:HH:" */
static int take_secret(unsigned int hash, const char *text, uint8_t ret[SECRET_MAX],
		       size_t *ret_length, struct err *err)
{
	uint8_t bytes[SECRET_MAX + CRC_SIZE];
	size_t length = strlen(text);
	const uint8_t *crc;
	int size;
	int r = 0;

	if (length == 0 || text[length - 1] != ':')
		return err_set(
			err, -EINVAL,
			"a DH-HMAC-CHAP key ends with \":\": copy the whole line, or " HOW_TO);
	size = base64_decode(text, length - 1, bytes, sizeof(bytes)) - CRC_SIZE;
	if (size < 0 || !suits_hash(hash, size)) {
		r = err_set(err, -EINVAL,
			    "the DH-HMAC-CHAP key is damaged: its base64 part does not hold the "
			    "right number of bytes for its kind %02u; " HOW_TO,
			    hash);
		goto out;
	}
	crc = bytes + size;
	if (crc32(bytes, (size_t)size) != ((uint32_t)crc[0] | (uint32_t)crc[1] << 8 |
					   (uint32_t)crc[2] << 16 | (uint32_t)crc[3] << 24))
		r = err_set(
			err, -EINVAL,
			"the DH-HMAC-CHAP key is damaged: its checksum is wrong; copy the whole "
			"line again, or " HOW_TO);
	if (r == 0) {
		memcpy(ret, bytes, (size_t)size);
		*ret_length = (size_t)size;
	}
out:
	explicit_bzero(bytes, sizeof(bytes));
	return r;
}

int dhchap_decode(const char *key, unsigned int *ret_hash, uint8_t ret_secret[SECRET_MAX],
		  size_t *ret_length, struct err *err)
{
	const char *hash = key + PREFIX_SIZE;

	if (strncmp(key, PREFIX, PREFIX_SIZE) != 0)
		return err_set(err, -EINVAL,
			       "this is no DH-HMAC-CHAP key: one begins with \"" PREFIX
			       "\"; " HOW_TO);
	if (hash[0] != '0' || hash[1] < '0' || hash[1] > '3' || hash[2] != ':')
		return err_set(err, -EINVAL,
			       "after \"" PREFIX
			       "\" a DH-HMAC-CHAP key has 00:, 01:, 02: or 03:; " HOW_TO);
	*ret_hash = (unsigned int)(hash[1] - '0');
	return take_secret(*ret_hash, hash + 3, ret_secret, ret_length, err);
}

int dhchap_check(const char *key, struct err *err)
{
	uint8_t secret[SECRET_MAX];
	unsigned int hash;
	size_t length;
	int r = dhchap_decode(key, &hash, secret, &length, err);

	explicit_bzero(secret, sizeof(secret));
	return r;
}

static int check_access(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "%s: a key file must be a regular file", path);
	if (st.st_uid != 0 && st.st_uid != geteuid())
		return err_set(
			err, -EPERM,
			"%s belongs to user %u, who can read and change the key: chown root %s",
			path, (unsigned int)st.st_uid, path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(err, -EPERM,
			       "%s has mode %04o, so that others can get at the key: chmod 0600 %s",
			       path, (unsigned int)st.st_mode & 07777, path);
	return 0;
}

static int check_line(char *line, const char *path, struct err *err)
{
	int r;

	line[strcspn(line, "\r\n")] = '\0';
	if (!*line)
		return err_set(err, -EINVAL,
			       "%s: the first line is empty, but must be the key; " HOW_TO, path);
	r = dhchap_check(line, err);
	if (r < 0)
		err_prefix(err, "%s: ", path);
	return r;
}

int dhchap_read_file(int dirfd, const char *path, char ret[DHCHAP_KEY_MAX], struct err *err)
{
	CLEANUP_CLOSE int fd = -1;
	char line[DHCHAP_KEY_MAX] = "";
	ssize_t length;
	int r;

	/* without O_NONBLOCK a FIFO in its place would hold us for ever */
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return err_set(err, -errno, "key file %s: %s", path, strerror(errno));
	r = check_access(fd, path, err);
	if (r < 0)
		return r;
	length = read(fd, line, sizeof(line) - 1);
	if (length < 0)
		return err_set(err, -errno, "key file %s: %s", path, strerror(errno));
	line[length] = '\0';
	r = check_line(line, path, err);
	if (r == 0)
		memcpy(ret, line, sizeof(line));
	explicit_bzero(line, sizeof(line));
	return r;
}
