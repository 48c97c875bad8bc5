/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bare-create - the floor: the system calls of an export, and nothing else.
 *
 *   bare-create make NQN DEVICE ADDRESS PORT      one export over TCP, as port 1
 *   bare-create remove NQN                        and away with it, as other tools do
 *   bare-create make-many NQN DIR ADDRESS PORT N  NQN.0 .. with DIR/0 .. (DIR: a file for all)
 *   bare-create remove-many NQN N
 *
 * No checks, no undo, no clean-up after a failure. tests/bench/run compares the tree it makes
 * with that of create, so that it cannot leave anything out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NVMET "/sys/kernel/config/nvmet"

/* 0, or 1 after saying what failed */
static int check(int result, const char *call, const char *path)
{
	if (result >= 0)
		return 0;
	fprintf(stderr, "bare-create: %s %s: %s\n", call, path, strerror(errno));
	return 1;
}

static int make_dir(int dirfd, const char *path)
{
	return check(mkdirat(dirfd, path, 0755), "mkdir", path);
}

static int remove_dir(int dirfd, const char *path)
{
	return check(unlinkat(dirfd, path, AT_REMOVEDIR), "rmdir", path);
}

/* One attribute of an object: three calls. */
static int put(int dirfd, const char *object, const char *name, const char *value)
{
	size_t length = strlen(value);
	char path[1024];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", object, name);
	fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	if (check(fd, "open", path))
		return 1;
	n = write(fd, value, length);
	if (check((int)n, "write", path)) {
		close(fd);
		return 1;
	}
	close(fd);
	return 0;
}

static int make_subsystem(int fd, const char *nqn)
{
	char path[512];

	snprintf(path, sizeof(path), "subsystems/%s", nqn);
	return make_dir(fd, path) || put(fd, path, "attr_serial", "0123456789abcdef0123") ||
	       put(fd, path, "attr_allow_any_host", "1");
}

/* @id makes the UUID one of its own */
static int make_namespace(int fd, const char *nqn, const char *device, unsigned int id)
{
	char path[512];
	char uuid[40];

	snprintf(path, sizeof(path), "subsystems/%s/namespaces/1", nqn);
	snprintf(uuid, sizeof(uuid), "3f9b0b52-8d6e-5c0a-9a41-6b2f%08x", id);
	return make_dir(fd, path) || put(fd, path, "device_path", device) ||
	       put(fd, path, "device_uuid", uuid) || put(fd, path, "device_nguid", uuid) ||
	       put(fd, path, "enable", "1");
}

static int make_port(int fd, const char *address, const char *port)
{
	return make_dir(fd, "ports/1") || put(fd, "ports/1", "addr_trtype", "tcp") ||
	       put(fd, "ports/1", "addr_adrfam", "ipv4") ||
	       put(fd, "ports/1", "addr_traddr", address) ||
	       put(fd, "ports/1", "addr_trsvcid", port);
}

static int link_port(int fd, const char *nqn)
{
	char target[512];
	char path[512];

	snprintf(target, sizeof(target), NVMET "/subsystems/%s", nqn);
	snprintf(path, sizeof(path), "ports/1/subsystems/%s", nqn);
	return check(symlinkat(target, fd, path), "symlink", path);
}

static int unlink_port(int fd, const char *nqn)
{
	char path[512];

	snprintf(path, sizeof(path), "ports/1/subsystems/%s", nqn);
	return check(unlinkat(fd, path, 0), "unlink", path);
}

/* enable=0 first, as every other tool does */
static int remove_subsystem(int fd, const char *nqn)
{
	char path[512];

	snprintf(path, sizeof(path), "subsystems/%s/namespaces/1", nqn);
	if (put(fd, path, "enable", "0") || remove_dir(fd, path))
		return 1;
	snprintf(path, sizeof(path), "subsystems/%s", nqn);
	return remove_dir(fd, path);
}

static const char *numbered(char name[256], const char *nqn, unsigned int i)
{
	snprintf(name, 256, "%s.%u", nqn, i);
	return name;
}

static int make_many(int fd, char **argv, unsigned int count)
{
	bool is_dir = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC) >= 0;
	char device[512];
	char nqn[256];
	unsigned int i;

	if (make_port(fd, argv[2], argv[3]))
		return 1;
	for (i = 0; i < count; i++) {
		numbered(nqn, argv[0], i);
		snprintf(device, sizeof(device), "%s", argv[1]);
		if (is_dir)
			snprintf(device, sizeof(device), "%s/%u", argv[1], i);
		if (make_subsystem(fd, nqn) || make_namespace(fd, nqn, device, i) ||
		    link_port(fd, nqn))
			return 1;
	}
	return 0;
}

static int remove_many(int fd, const char *prefix, unsigned int count)
{
	char nqn[256];
	unsigned int i;

	for (i = 0; i < count; i++)
		if (unlink_port(fd, numbered(nqn, prefix, i)))
			return 1;
	for (i = 0; i < count; i++)
		if (remove_subsystem(fd, numbered(nqn, prefix, i)))
			return 1;
	return remove_dir(fd, "ports/1");
}

static unsigned int number(const char *text)
{
	return (unsigned int)strtoul(text, NULL, 10);
}

static int run(int fd, int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[0], "make") == 0)
		return make_subsystem(fd, argv[1]) || make_namespace(fd, argv[1], argv[2], 0) ||
		       make_port(fd, argv[3], argv[4]) || link_port(fd, argv[1]);
	if (argc == 2 && strcmp(argv[0], "remove") == 0)
		return unlink_port(fd, argv[1]) || remove_subsystem(fd, argv[1]) ||
		       remove_dir(fd, "ports/1");
	if (argc == 6 && strcmp(argv[0], "make-many") == 0)
		return make_many(fd, argv + 1, number(argv[5]));
	if (argc == 3 && strcmp(argv[0], "remove-many") == 0)
		return remove_many(fd, argv[1], number(argv[2]));
	fprintf(stderr, "bare-create: see the top of its source\n");
	return 2;
}

int main(int argc, char **argv)
{
	int fd = open(NVMET, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (check(fd, "open", NVMET))
		return 1;
	return run(fd, argc - 1, argv + 1);
}
