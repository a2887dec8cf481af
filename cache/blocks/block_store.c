/* SPDX-License-Identifier: MIT */
/* The cache of disks' blocks: its folder, its size, and the eviction of whole snapshots. */
#include "block_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "statedir.h"

#define DEFAULT_MAX ((int64_t)20 << 30)

struct block_store {
	char *dir; /* DIR/SCOPE */
	int64_t max;
	_Atomic int64_t used;
};

/* --- the store --- */

void block_store_each_in(const char *folder, block_index_fn *fn, void *arg)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	char path[PATH_MAX];

	while (dir && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name);

		if (len > 6 && !strcmp(entry->d_name + len - 6, ".index") &&
			(size_t)snprintf(path, sizeof(path), "%s/%.*s", folder, (int)len - 6,
				entry->d_name) < sizeof(path))
			fn(arg, path);
	}
	if (dir)
		closedir(dir);
}

static void store_each(const struct block_store *store, block_index_fn *fn, void *arg)
{
	DIR *dir = opendir(store->dir);
	const struct dirent *entry;
	char path[PATH_MAX];

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.' && (size_t)snprintf(path, sizeof(path), "%s/%s",
						       store->dir, entry->d_name) < sizeof(path))
			block_store_each_in(path, fn, arg);
	if (dir)
		closedir(dir);
}

int64_t block_store_bytes(const char *path)
{
	int64_t bytes = 0;
	char name[PATH_MAX];
	struct stat st;

	for (int i = 0; i < BLOCK_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "%s.%d", path, i);
		if (stat(name, &st) == 0)
			bytes += (int64_t)st.st_blocks * 512;
	}
	return bytes;
}

static void store_count(void *arg, const char *path)
{
	struct block_store *store = arg;

	store->used += block_store_bytes(path);
}

static int64_t store_default_max(const char *dir)
{
	struct statvfs fs;
	int64_t tenth;

	if (statvfs(dir, &fs) < 0)
		return DEFAULT_MAX;
	tenth = (int64_t)fs.f_blocks * (int64_t)fs.f_frsize / 10;
	return tenth < DEFAULT_MAX ? tenth : DEFAULT_MAX;
}

int block_store_open(const char *dir, const char *scope, int64_t max_bytes,
	struct block_store **out, struct err *err)
{
	struct block_store *store = calloc(1, sizeof(*store));
	int folder;

	if (!store || asprintf(&store->dir, "%s/%s", dir, scope) < 0) {
		free(store);
		return err_set(err, ENOMEM, "out of memory");
	}
	folder = statedir_open(store->dir, true, err);
	if (folder < 0) {
		err_context(err, "cannot keep blocks of disks in %s", store->dir);
		block_store_close(store);
		return folder;
	}
	close(folder);
	store->max = max_bytes > 0 ? max_bytes : store_default_max(store->dir);
	store_each(store, store_count, store);
	*out = store;
	return 0;
}

void block_store_close(struct block_store *store)
{
	if (!store)
		return;
	free(store->dir);
	free(store);
}

int64_t block_store_used(const struct block_store *store)
{
	return store->used;
}

void block_store_add_used(struct block_store *store, int64_t bytes)
{
	store->used += bytes;
}

const char *block_store_dir(const struct block_store *store)
{
	return store->dir;
}

int64_t block_store_max(const struct block_store *store)
{
	return store->max;
}

/* --- evicting whole snapshots --- */

struct oldest {
	char path[PATH_MAX];
	struct timespec used;
	int index; /* the locked index; -1: none was found */
};

/* Replaces the candidate by this index if no process has it open and it was used earlier. */
static void oldest_consider(void *arg, const char *path)
{
	struct oldest *oldest = arg;
	char name[PATH_MAX];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), "%s.index", path);
	fd = open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (fstat(fd, &st) < 0 ||
		(oldest->index >= 0 &&
			(st.st_mtim.tv_sec > oldest->used.tv_sec ||
				(st.st_mtim.tv_sec == oldest->used.tv_sec &&
					st.st_mtim.tv_nsec >= oldest->used.tv_nsec))) ||
		flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return;
	}
	if (oldest->index >= 0)
		close(oldest->index);
	oldest->index = fd;
	oldest->used = st.st_mtim;
	snprintf(oldest->path, sizeof(oldest->path), "%s", path);
}

int64_t block_store_evict(struct block_store *store)
{
	struct oldest oldest = {.index = -1};
	char name[PATH_MAX];
	int64_t bytes;

	store_each(store, oldest_consider, &oldest);
	if (oldest.index < 0)
		return 0;
	bytes = block_store_bytes(oldest.path);
	/* The index is removed first: data without an index are never read. */
	snprintf(name, sizeof(name), "%s.index", oldest.path);
	unlink(name);
	for (int i = 0; i < BLOCK_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "%s.%d", oldest.path, i);
		unlink(name);
	}
	close(oldest.index);
	store->used -= bytes;
	return bytes;
}
