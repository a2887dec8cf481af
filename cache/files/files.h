/* SPDX-License-Identifier: MIT */
/* The file systems on snapshots' disks, read by ebsfs-reader (reader_protocol.h): one process for
 * each file system in use, and one for each partition table. If a process breaks the protocol,
 * exceeds its limits or ends by itself, the request that it works on fails (EIO), and the next
 * request starts a new process. */
#ifndef EBSFS_FILES_H
#define EBSFS_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "disk.h"
#include "err.h"
#include "reader_protocol.h"

struct files;
struct files_disk;
struct files_system;
struct files_request;

struct files_options {
	uv_loop_t *loop; /* all pointers are borrowed and must outlive struct files */
	struct disks *disks;
	const char *program; /* the path of ebsfs-reader */
	/* Limits; 0: the defaults. */
	unsigned processes_max; /* processes at once: 16 */
	int64_t idle_ms;        /* time after which an idle process is ended: 60 s */
	int64_t limit_ms;  /* time without a message after which a working process is ended: 60 s */
	uint64_t need_max; /* bytes of the disk that one request may read: 4 GiB */
};

struct files *files_create(const struct files_options *options); /* NULL on ENOMEM */
/* Frees the files and all requests, whose callbacks are not called. Call it before the disks are
 * destroyed. NULL is permitted. */
void files_destroy(struct files *f);

/* Counters since the start, for metrics. */
struct files_stats {
	unsigned processes; /* processes that run now */
	uint64_t started;
	uint64_t failed; /* processes that ended by themselves, or were killed for a fault */
	uint64_t requests;
};
struct files_stats files_stats(const struct files *f);

/* Opens the files of a disk; reads nothing yet. All openings of one snapshot share the partition
 * table and the processes. Returns 0 or -ENOMEM. */
int files_disk_open(struct files *f, const struct disk_facts *facts, struct files_disk **out);
void files_disk_close(struct files_disk *d);
const struct disk_facts *files_disk_facts(const struct files_disk *d); /* the facts of the first
									* opening */

/* Returns the partition table, once files_ask_table() has read it; NULL before. The table stays
 * valid while the disk is open. The partitions follow it in memory: files_partition(). */
const struct reader_table *files_table(const struct files_disk *d);
const struct reader_partition *files_partition(const struct files_disk *d, uint32_t i);
/* Returns the file system of the i-th partition, valid while the disk is open. NULL on ENOMEM. */
struct files_system *files_system_at(struct files_disk *d, uint32_t i);
/* Returns the reader's facts about the file system; NULL if it was never opened. */
const struct reader_opened *files_opened(const struct files_system *s);

bool files_runs(const struct files_system *s); /* whether the file system has a process now */

/* Result of a request: either the reply's payload, checked and valid during the call; or an error:
 * from the reader, with its reason; from the disk (EDQUOT, or AWS's); or EIO because the process
 * failed. Called once, on the loop, never before the function that sent the request has returned.
 */
typedef void files_done(void *arg, const void *answer, size_t len, const struct err *err);

/* A request to a file system, in the terms of reader_protocol.h. READER_OPEN is sent before it if
 * necessary. */
struct files_ask {
	enum reader_type type;
	uint64_t inode; /* 0: the root folder */
	uint64_t offset, length;
	const char *name; /* the name of READER_LOOKUP; copied */
};
/* Sends a request. program: the name of the user's program that caused the request, for the log.
 * NULL on ENOMEM. */
struct files_request *files_ask(struct files_system *s, const struct files_ask *ask,
	const char *program, files_done *done, void *arg);
struct files_request *files_ask_table(
	struct files_disk *d, const char *program, files_done *done, void *arg);
/* Cancels a request: done is not called. The process continues until it next needs bytes of the
 * disk. */
void files_cancel(struct files_request *r);

#endif
