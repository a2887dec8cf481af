/* SPDX-License-Identifier: MIT */
/* A file system in a partition, read only: one table of functions for each kind. */
#ifndef EBSFS_FILESYSTEM_H
#define EBSFS_FILESYSTEM_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "buf.h"

#define FILESYSTEM_NAME_MAX 255
#define FILESYSTEM_LINK_MAX 4095 /* the longest target of a symbolic link that is shown */

struct filesystem_attributes {
	uint64_t inode;
	uint32_t mode; /* as st_mode, with the type */
	uint32_t nlink, uid, gid;
	uint64_t size;
	uint64_t blocks; /* of 512 bytes */
	uint32_t major, minor;
	struct timespec atime, mtime, ctime, birth; /* birth: zero if unknown */
};

struct filesystem_entry {
	const char *name; /* not terminated; without '/' and NUL, neither "." nor ".." */
	unsigned name_len;
	uint64_t inode;
	uint64_t next; /* the position after this entry; positions ascend */
};

/* Returns whether to go on. */
typedef bool filesystem_entry_fn(void *arg, const struct filesystem_entry *entry);

enum filesystem_extent_kind {
	FILESYSTEM_HOLE,  /* reads as zeros */
	FILESYSTEM_DISK,  /* lies on the disk */
	FILESYSTEM_BYTES, /* only filesystem_ops.read() has it: inline, or changed by the log */
};

struct filesystem_extent {
	uint64_t offset, length; /* in the file */
	enum filesystem_extent_kind kind;
	uint64_t disk; /* FILESYSTEM_DISK: bytes from the beginning of the partition */
};

struct filesystem;

/* Each returns 0 or -errno, with the reason in filesystem.reason: -ESTALE for an inode that is not
 * in use, -EIO for damage, -ENOTDIR, -EINVAL or -EISDIR for an inode of another type, or the error
 * of the disk. */
struct filesystem_ops {
	void (*destroy)(struct filesystem *fs);
	int (*stat)(struct filesystem *fs, uint64_t inode, struct filesystem_attributes *out);
	/* Calls fn for the entries from a position on; 0 is the beginning. */
	int (*readdir)(struct filesystem *fs, uint64_t directory, uint64_t position,
		filesystem_entry_fn *fn, void *arg);
	/* Finds a name; -ENOENT: there is none. NULL: by readdir(), byte by byte. */
	int (*lookup)(struct filesystem *fs, uint64_t directory, const char *name, unsigned len,
		uint64_t *inode);
	/* Appends 1 to FILESYSTEM_LINK_MAX bytes without NUL. */
	int (*readlink)(struct filesystem *fs, uint64_t inode, struct buf *target);
	/* The extents of [offset, offset + length), in order and without gaps, to the end of the
	 * file at most. *n: in, the room; out, the number of extents. They may end early, but there
	 * is at least one unless the offset is at or past the end. */
	int (*map)(struct filesystem *fs, uint64_t inode, uint64_t offset, uint64_t length,
		struct filesystem_extent *extents, unsigned *n);
	/* Bytes of a FILESYSTEM_BYTES extent. NULL: map() returns none of this kind. */
	int (*read)(struct filesystem *fs, uint64_t inode, uint64_t offset, void *out, size_t len);
	/* Notes the blocks of these inodes with sectors_want(). NULL: nothing is noted. */
	void (*want)(struct filesystem *fs, const uint64_t *inodes, unsigned n);
};

struct filesystem {
	const struct filesystem_ops *ops;
	struct sectors *disk; /* the caller's */
	uint64_t root;
	char kind[16];   /* "xfs", "ext4" */
	char label[128]; /* as on the disk: any bytes, terminated */
	char note[160];  /* how it was opened: "log replayed: 765 transactions" */
	char reason[160];
};

struct filesystem_options {
	bool skip_checksums; /* for tests with damaged images: reach the code below the checksums */
	bool skip_log;       /* for tests: the view without the log */
};

void filesystem_destroy(struct filesystem *fs); /* NULL is permitted */
/* Finds a name in a directory. Returns as the operations do; -ENOENT: no such name. */
int filesystem_lookup(
	struct filesystem *fs, uint64_t directory, const char *name, unsigned len, uint64_t *inode);
/* Fetches the blocks of inodes whose attributes are to be read next, in parallel and as many as one
 * fetch may have. Returns 0 or -errno. */
int filesystem_fetch(struct filesystem *fs, const uint64_t *inodes, unsigned n);

/* Sets the reason. Returns -errnum. */
int filesystem_fail(struct filesystem *fs, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Whether a name may be shown: 1 to 255 bytes, no '/', no NUL, neither "." nor "..". */
bool filesystem_name_is_valid(const char *name, size_t len);

#endif
