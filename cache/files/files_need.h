/* SPDX-License-Identifier: MIT */
/* What a reader's request needs of the disk: read, and sent. */
#ifndef EBSFS_FILES_NEED_H
#define EBSFS_FILES_NEED_H

#include "disk.h"
#include "files_process.h"

struct files_need;

struct files_need_read {
	struct files_need *need;
	struct disk_read *read; /* NULL: it has ended */
	struct reader_range range;
};

struct files_need {
	struct files_process *process;
	uint64_t id; /* of the request */
	struct files_need_read reads[READER_RANGES_MAX];
	unsigned n, left;
	struct err err; /* of the first read that failed */
	void (*done)(void *arg);
	void *arg;
};

/* Reads n ranges, all at once, and sends each when it has come. Calls done() after the last one,
 * perhaps before this returns; `need` must be empty. */
void files_need_start(struct files_need *need, struct disk_reader *disk,
	const struct reader_range *ranges, unsigned n);
/* Answers all ranges with ECANCELED instead. */
void files_need_refuse(struct files_need *need, const struct reader_range *ranges, unsigned n);
void files_need_cancel(struct files_need *need); /* of what has not come */

#endif
