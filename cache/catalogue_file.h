/* SPDX-License-Identifier: MIT */
/* A file of catalogue blocks, read only if it is complete and its checksums match. Every function
 * here may block. */
#ifndef EBSFS_CATALOGUE_FILE_H
#define EBSFS_CATALOGUE_FILE_H

#include <stdint.h>

#include "buf.h"
#include "err.h"

/* The header of a file. */
struct catalogue_file_facts {
	char scope[72];      /* the account and endpoint; a file of another scope is not read */
	int64_t listed_ms;   /* when EC2 made the listing, wall clock */
	uint32_t ids, texts; /* for catalogue_reserve() */
};

/* --- writing: create, add, then commit or discard --- */

struct catalogue_file;

/* Creates a temporary file beside `path`; only this process writes in that folder, which is created
 * if missing (0700). NULL with *err. */
struct catalogue_file *catalogue_file_create(const char *path, struct err *err);
/* Returns 0, or -errno with *err: then call catalogue_file_discard(). */
int catalogue_file_add(struct catalogue_file *f, const struct buf *block, struct err *err);
/* Syncs the file and renames it to `path`. Frees f in any case. Returns 0, or -errno with *err:
 * then the old file is unchanged. */
int catalogue_file_commit(
	struct catalogue_file *f, const struct catalogue_file_facts *facts, struct err *err);
void catalogue_file_discard(struct catalogue_file *f); /* NULL is permitted */

/* --- reading: open, next until it returns 0, close --- */

/* Opens a file and checks all of it. NULL with *err: ENOENT if there is none; ESTALE if its scope
 * or version differs; EBADMSG if it is damaged; or an error of reading. */
struct catalogue_file *catalogue_file_open(
	const char *path, const char *scope, struct catalogue_file_facts *facts, struct err *err);
/* Reads the next block into *block. Returns 1; 0 at the end; -errno with *err. */
int catalogue_file_next(struct catalogue_file *f, struct buf *block, struct err *err);
void catalogue_file_close(struct catalogue_file *f); /* NULL is permitted */

/* EC2 has listed the same again: changes only the time in the file at `path`. Returns 0, or -errno
 * with *err. */
int catalogue_file_stamp(const char *path, const char *scope, int64_t listed_ms, struct err *err);

#endif
