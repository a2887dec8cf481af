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
	uint64_t next; /* position after this entry; positions ascend */
};

/* Called for each entry. Returns whether to continue. */
typedef bool filesystem_entry_fn(void *arg, const struct filesystem_entry *entry);

enum filesystem_extent_kind {
	FILESYSTEM_HOLE,  /* reads as zeros */
	FILESYSTEM_DISK,  /* lies on the disk */
	FILESYSTEM_BYTES, /* only filesystem_ops.read() returns the bytes: they are stored inline,
			   * or the file system's own log (journal) has changed them */
};

struct filesystem_extent {
	uint64_t offset, length; /* in the file */
	enum filesystem_extent_kind kind;
	uint64_t disk; /* only for FILESYSTEM_DISK: bytes from the beginning of the partition */
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
	/* Finds a name; -ENOENT: no such name. NULL: filesystem_lookup() uses readdir() and
	 * compares bytes. */
	int (*lookup)(struct filesystem *fs, uint64_t directory, const char *name, unsigned len,
		uint64_t *inode);
	/* Appends the target: 1 to FILESYSTEM_LINK_MAX bytes without NUL. */
	int (*readlink)(struct filesystem *fs, uint64_t inode, struct buf *target);
	/* Finds the extents of [offset, offset + length), in order and without gaps, at most to the
	 * end of the file. *n: in, the room; out, the number of extents. The extents may end early,
	 * but there is at least one unless the offset is at or past the end of the file. */
	int (*map)(struct filesystem *fs, uint64_t inode, uint64_t offset, uint64_t length,
		struct filesystem_extent *extents, unsigned *n);
	/* Reads bytes of a FILESYSTEM_BYTES extent. NULL: map() returns no such extents. */
	int (*read)(struct filesystem *fs, uint64_t inode, uint64_t offset, void *out, size_t len);
	/* Notes the blocks of these inodes by sectors_want(). NULL: no blocks are noted. */
	void (*want)(struct filesystem *fs, const uint64_t *inodes, unsigned n);
};

struct filesystem {
	const struct filesystem_ops *ops;
	struct sectors *disk; /* owned by the caller */
	uint64_t root;
	char kind[16];   /* "xfs", "ext4" */
	char label[128]; /* as on the disk, with a terminator; may be any bytes */
	char note[160];  /* how the file system was opened: "log replayed: 765 transactions" */
	char reason[160];
};

struct filesystem_options {
	bool skip_checksums; /* for tests with damaged images: the code behind the checksums is
				reached */
	bool skip_log;       /* for tests: shows the file system without its log */
};

void filesystem_destroy(struct filesystem *fs); /* NULL is permitted */
/* Finds a name in a directory. Returns as the operations do; -ENOENT: no such name. */
int filesystem_lookup(
	struct filesystem *fs, uint64_t directory, const char *name, unsigned len, uint64_t *inode);
/* Fetches, in parallel, the blocks of inodes whose attributes are read next, as many as one fetch
 * may have. Returns 0 or -errno. */
int filesystem_fetch(struct filesystem *fs, const uint64_t *inodes, unsigned n);

/* Sets filesystem.reason. Returns -errnum. */
int filesystem_fail(struct filesystem *fs, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Returns whether a name may be shown: 1 to 255 bytes, no '/', no NUL, neither "." nor "..". */
bool filesystem_name_is_valid(const char *name, size_t len);
/* Returns whether st_mode has one of the seven types of POSIX. */
bool filesystem_mode_is_valid(unsigned mode);

#endif
