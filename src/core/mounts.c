/* SPDX-License-Identifier: BSD-3-Clause */
#include "core/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define PROC_MAX (64U << 20) /* mountinfo of a host with a hundred thousand mounts */

struct mounts {
	char *mount_text; /* the uses point into both texts */
	char *swap_text;
	struct mounts_use *uses;
	size_t count;
};

static int add_use(struct mounts *mounts, const struct mounts_use *use)
{
	struct mounts_use *more = mounts->uses;

	/* there is room for a power of two */
	if ((mounts->count & (mounts->count - 1)) == 0)
		more = reallocarray(more, mounts->count ? mounts->count * 2 : 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	mounts->uses = more;
	mounts->uses[mounts->count++] = *use;
	return 0;
}

/* Blanks and backslashes stand there as \040; in place. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] && text[3]) {
			*to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0');
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

static char *next_line(char **text)
{
	char *line;

	do {
		line = strsep(text, "\n");
	} while (line && !*line);
	return line;
}

/* btrfs and its like mount an anonymous device; only the source tells a drive. */
static dev_t device_of_source(char *source)
{
	struct stat st;

	unescape(source);
	if (strncmp(source, "/dev/", 5) != 0 || stat(source, &st) < 0 || !S_ISBLK(st.st_mode))
		return 0;
	return st.st_rdev;
}

/* ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS [OPTIONAL..] - TYPE SOURCE SUPER */
static int add_mount(struct mounts *mounts, char *line)
{
	char *rest = strstr(line, " - ");
	struct mounts_use use = { 0 };
	char *colon = NULL;
	char *where;
	unsigned int i;

	if (!rest)
		return 0;
	rest += 3;
	strsep(&rest, " ");
	for (i = 0; i < 2; i++)
		strsep(&line, " ");
	if (line)
		use.device = makedev(strtoul(line, &colon, 10), 0);
	if (!colon || *colon != ':')
		return 0;
	use.device = makedev(major(use.device), strtoul(colon + 1, NULL, 10));
	for (i = 0; i < 2; i++)
		strsep(&line, " ");
	where = strsep(&line, " ");
	if (!where)
		return 0;
	unescape(where);
	use.where = where;
	if (major(use.device) == 0 && rest)
		use.device = device_of_source(strsep(&rest, " "));
	return use.device ? add_use(mounts, &use) : 0;
}

static int add_swap(struct mounts *mounts, char *line)
{
	struct mounts_use use = { .is_swap = true };
	struct stat st;

	line[strcspn(line, " \t")] = '\0';
	unescape(line);
	if (line[0] != '/' || stat(line, &st) < 0)
		return 0;
	use.where = line;
	use.device = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	use.inode = S_ISBLK(st.st_mode) ? 0 : st.st_ino;
	return add_use(mounts, &use);
}

static int read_lines(struct mounts *mounts, int proc_fd, const char *path, char **ret_text,
		      int (*add)(struct mounts *mounts, char *line))
{
	char *text;
	char *line;
	int r = fs_read_file(proc_fd, path, PROC_MAX, ret_text, NULL);

	for (text = *ret_text; r == 0 && (line = next_line(&text));)
		r = add(mounts, line);
	return r;
}

static int read_both(int proc_fd, const char *mountinfo, const char *swaps, struct mounts **ret,
		     struct err *err)
{
	CLEANUP_MOUNTS struct mounts *mounts = calloc(1, sizeof(*mounts));
	int r;

	if (!mounts)
		return err_nomem(err);
	r = read_lines(mounts, proc_fd, mountinfo, &mounts->mount_text, add_mount);
	if (r < 0)
		return err_set(err, r, "cannot read /proc/self/mountinfo: %s", strerror(-r));
	r = read_lines(mounts, proc_fd, swaps, &mounts->swap_text, add_swap);
	/* a kernel without swap */
	if (r < 0 && r != -ENOENT)
		return err_set(err, r, "cannot read /proc/swaps: %s", strerror(-r));
	*ret = TAKE_PTR(mounts);
	return 0;
}

int mounts_read(struct mounts **ret, struct err *err)
{
	return read_both(AT_FDCWD, "/proc/self/mountinfo", "/proc/swaps", ret, err);
}

int mounts_read_at(int proc_fd, struct mounts **ret, struct err *err)
{
	return read_both(proc_fd, "self/mountinfo", "swaps", ret, err);
}

void mounts_free(struct mounts *mounts)
{
	if (!mounts)
		return;
	free(mounts->uses);
	free(mounts->mount_text);
	free(mounts->swap_text);
	free(mounts);
}

const struct mounts_use *mounts_next(const struct mounts *mounts, dev_t device,
				     const struct mounts_use *after)
{
	size_t i = after ? (size_t)(after - mounts->uses) + 1 : 0;

	for (; device && i < mounts->count; i++)
		if (mounts->uses[i].device == device && mounts->uses[i].inode == 0)
			return &mounts->uses[i];
	return NULL;
}

const struct mounts_use *mounts_find(const struct mounts *mounts, dev_t device, ino_t inode)
{
	size_t i;

	for (i = 0; device && i < mounts->count; i++)
		if (mounts->uses[i].device == device && mounts->uses[i].inode == inode)
			return &mounts->uses[i];
	return NULL;
}
