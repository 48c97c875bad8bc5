/* SPDX-License-Identifier: BSD-3-Clause */
/* The drives of this host: which are free to be exported, and who has the others. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/str.h"
#include "core/dev.h"
#include "target/drive.h"
#include "target/scan-objects.h"

/* What nobody calls a drive. */
static bool is_none(const char *name)
{
	static const char *const prefixes[] = { "ram", "zram", "sr", "fd", "nbd" };
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return name[0] == '.';
}

static bool is_exported(const struct survey *survey, const struct dev_info *dev)
{
	size_t i;

	for (i = 0; i < survey->n_namespaces; i++)
		if (survey->namespaces[i].is_there && *survey->namespaces[i].dev.disk &&
		    strcmp(survey->namespaces[i].dev.disk, dev->disk) == 0)
			return true;
	return false;
}

static void set_attr(struct js *js, const char *key, int block_fd, const char *node,
		     const char *attr)
{
	char path[128];
	char text[FS_ATTR_MAX];
	size_t length;

	snprintf(path, sizeof(path), "%s/device/%s", node, attr);
	if (fs_read_at(block_fd, path, text, sizeof(text)) <= 0)
		return;
	length = strlen(text);
	while (length && text[length - 1] == ' ')
		text[--length] = '\0';
	if (length)
		js_set(js, key, js_string(text));
}

static void add_drive(const struct drive_context *drives, const struct survey *survey, int block_fd,
		      const struct dev_info *dev, struct js *objects)
{
	struct err why = ERR_NULL;
	int r = claim_check(drives->claim, dev, NULL, 0, CLAIM_LOOK, NULL, &why);
	struct js *js = js_object();
	const char *state = "busy";

	if (is_exported(survey, dev))
		state = "exported";
	else if (r == 0)
		state = "free";
	js_set(js, "path", js_string(dev->path));
	if (*dev->by_id)
		js_set(js, "by_id", js_string(dev->by_id));
	js_set(js, "size_bytes", js_int((int64_t)dev->size_bytes));
	set_attr(js, "model", block_fd, dev->node, "model");
	set_attr(js, "serial", block_fd, dev->node, "serial");
	js_set(js, "state", js_string(state));
	if (r < 0)
		js_set(js, "why", js_string(why.text));
	scan_add(objects, "drive", *dev->wwid ? dev->wwid : dev->path, js);
}

static void try_drive(struct ctl *ctl, const struct drive_context *drives,
		      const struct survey *survey, int block_fd, const char *node,
		      struct js *objects)
{
	struct dev_info dev;
	uint64_t major;
	uint64_t minor;
	char path[300];
	char text[32];
	char *colon;

	snprintf(path, sizeof(path), "%s/dev", node);
	/* one path of a multipath drive has no number of its own */
	if (fs_read_at(block_fd, path, text, sizeof(text)) < 0 || !(colon = strchr(text, ':')))
		return;
	*colon = '\0';
	if (str_parse_uint(text, UINT32_MAX, &major) < 0 ||
	    str_parse_uint(colon + 1, UINT32_MAX, &minor) < 0)
		return;
	if (dev_inspect_at(ctl->sysfs_fd, (unsigned int)major, (unsigned int)minor, &dev, NULL) ==
		    0 &&
	    dev.size_bytes)
		add_drive(drives, survey, block_fd, &dev, objects);
}

void scan_add_drives(struct ctl *ctl, const struct survey *survey, struct js *objects)
{
	CLEANUP_DRIVE_CONTEXT struct drive_context drives = DRIVE_CONTEXT_NULL;
	int fd = openat(ctl->sysfs_fd, "block", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSEDIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir || drive_context_init(ctl, survey->actual, &drives, NULL) < 0)
		return;
	while ((entry = readdir(dir)))
		if (!is_none(entry->d_name))
			try_drive(ctl, &drives, survey, fd, entry->d_name, objects);
}
