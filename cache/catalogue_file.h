/* SPDX-License-Identifier: MIT */
/* A file of image blocks: whole and right, or not read at all. Every function here may block. */
#ifndef EBSFS_CATALOGUE_FILE_H
#define EBSFS_CATALOGUE_FILE_H

#include <stdint.h>

#include "buf.h"
#include "err.h"

/* What a file says of itself, besides its blocks. */
struct catalogue_file_facts {
	char scope[72];      /* whose it is: the same text, or it is not read */
	int64_t listed_ms;   /* wall clock: when EC2 said so */
	uint32_t ids, texts; /* room that reading will need: catalogue_reserve() */
};

/* --- writing: create, add, then commit or discard --- */

struct catalogue_file;

/* Begins a file beside `path`, in whose folder only this process writes; the folder is made if it
 * is missing (0700). NULL with *err. */
struct catalogue_file *catalogue_file_create(const char *path, struct err *err);
/* 0, or -errno with *err; then only catalogue_file_discard() makes sense. */
int catalogue_file_add(struct catalogue_file *f, const struct buf *block, struct err *err);
/* The file is whole, on disk, and stands at `path` in the place of an older one. Ends f, whatever
 * happens. 0, or -errno with *err: the older one is as it was. */
int catalogue_file_commit(
	struct catalogue_file *f, const struct catalogue_file_facts *facts, struct err *err);
void catalogue_file_discard(struct catalogue_file *f); /* NULL is permitted */

/* --- reading: open, next until it returns 0, close --- */

/* Opens a file and checks all of it. NULL with *err: ENOENT if there is none; ESTALE if it is
 * another scope's or another version's; EBADMSG if it is damaged; or what reading says. */
struct catalogue_file *catalogue_file_open(
	const char *path, const char *scope, struct catalogue_file_facts *facts, struct err *err);
/* The next block, into *block. Returns 1; 0 at the end; -errno with *err. */
int catalogue_file_next(struct catalogue_file *f, struct buf *block, struct err *err);
void catalogue_file_close(struct catalogue_file *f); /* NULL is permitted */

/* EC2 has said the same again: only the time in the file at `path` changes. 0, or -errno with
 * *err. */
int catalogue_file_stamp(const char *path, const char *scope, int64_t listed_ms, struct err *err);

#endif
