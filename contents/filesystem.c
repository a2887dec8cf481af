/* SPDX-License-Identifier: MIT */
/* Functions for all kinds of file system. */
#include "filesystem.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "sectors.h"

void filesystem_destroy(struct filesystem *fs)
{
	if (fs)
		fs->ops->destroy(fs);
}

int filesystem_fail(struct filesystem *fs, int errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fs->reason, sizeof(fs->reason), fmt, ap);
	va_end(ap);
	return -errnum;
}

bool filesystem_name_is_valid(const char *name, size_t len)
{
	if (!len || len > FILESYSTEM_NAME_MAX || memchr(name, '/', len) || memchr(name, 0, len))
		return false;
	return name[0] != '.' || !(len == 1 || (len == 2 && name[1] == '.'));
}

bool filesystem_mode_is_valid(unsigned mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	default:
		return false;
	}
}

struct filesystem_search {
	const char *name;
	unsigned len;
	uint64_t inode;
	bool found;
};

static bool filesystem_search_entry(void *arg, const struct filesystem_entry *entry)
{
	struct filesystem_search *search = arg;

	if (entry->name_len != search->len || memcmp(entry->name, search->name, search->len))
		return true;
	search->inode = entry->inode;
	search->found = true;
	return false;
}

int filesystem_lookup(
	struct filesystem *fs, uint64_t directory, const char *name, unsigned len, uint64_t *inode)
{
	struct filesystem_search search = {.name = name, .len = len};
	int r;

	if (fs->ops->lookup)
		return fs->ops->lookup(fs, directory, name, len, inode);
	r = fs->ops->readdir(fs, directory, 0, filesystem_search_entry, &search);
	if (!r && !search.found)
		r = -ENOENT;
	*inode = search.inode;
	return r;
}

int filesystem_fetch(struct filesystem *fs, const uint64_t *inodes, unsigned n)
{
	int r;

	if (!fs->ops->want)
		return 0;
	fs->ops->want(fs, inodes, n);
	r = sectors_fetch(fs->disk);
	return r ? filesystem_fail(fs, -r, "cannot read inodes: %s", strerror(-r)) : 0;
}
