/* SPDX-License-Identifier: MIT */
/* The acts of fake_reader.c, by the numbers in its requests. */
#ifndef EBSFS_FAKE_READER_H
#define EBSFS_FAKE_READER_H

#define FAKE_ROOT 100 /* the root's inode */

/* The size of a disk in GiB: what is wrong with its table. */
enum { FAKE_DISK = 1, FAKE_DISK_OUTSIDE, FAKE_DISK_NUMBERS, FAKE_DISK_TEXT, FAKE_DISK_COUNT };

/* The number of a partition, which begins at so many MiB and has one. */
enum { FAKE_OPEN = 1, FAKE_OPEN_REFUSED, FAKE_OPEN_DIES, FAKE_OPEN_ROOT, FAKE_PARTITIONS = 4 };

/* The inode of a request: what is wrong with its answer. */
enum fake_wrong {
	FAKE_RIGHT = 1,
	FAKE_SLASH,
	FAKE_NUL,
	FAKE_DOTS,
	FAKE_LENGTH,
	FAKE_TOO_LONG,
	FAKE_PAST_END,
	FAKE_ORDER,
	FAKE_NUMBER,
	FAKE_EMPTY,
	FAKE_INODE,
	FAKE_OUTSIDE,
	FAKE_BEFORE,
	FAKE_GAP,
	FAKE_KIND,
	FAKE_OTHER,
};

#endif
