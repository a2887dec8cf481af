/* SPDX-License-Identifier: MIT */
/* The file systems on snapshots' disks, as ebsfs-reader reads them (reader_protocol.h): one process
 * for each file system that is looked at, and one for each table of partitions. A process that
 * breaks the protocol, exceeds its limits or ends by itself costs the request that it works on
 * (EIO), and is started again by the next one. */
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
	uv_loop_t *loop; /* all pointers are borrowed and must outlive the files */
	struct disks *disks;
	const char *program; /* the path of ebsfs-reader */
	/* 0: the defaults. */
	unsigned processes_max; /* at once: 16 */
	int64_t idle_ms;        /* after which a process that has nothing to do is ended: 60 s */
	int64_t limit_ms;       /* that a process may be silent while it works: 60 s */
	uint64_t need_max;      /* bytes of the disk that one request may need: 4 GiB */
};

struct files *files_create(const struct files_options *options); /* NULL on ENOMEM */
/* Before the disks. Drops all requests without calling them. NULL is permitted. */
void files_destroy(struct files *f);

/* For metrics; since the start. */
struct files_stats {
	unsigned processes; /* now */
	uint64_t started;
	uint64_t failed; /* ended by themselves, or killed for what they did */
	uint64_t requests;
};
struct files_stats files_stats(const struct files *f);

/* Opens the files of a disk; sends nothing. Openings of one snapshot share what is known. Returns 0
 * or -ENOMEM. */
int files_disk_open(struct files *f, const struct disk_facts *facts, struct files_disk **out);
void files_disk_close(struct files_disk *d);
const struct disk_facts *files_disk_facts(const struct files_disk *d); /* as it was opened */

/* The table of partitions, once files_ask_table() has got it; NULL before. It stays. The partitions
 * follow it in memory: files_partition(). */
const struct reader_table *files_table(const struct files_disk *d);
const struct reader_partition *files_partition(const struct files_disk *d, uint32_t i);
/* The file system of the i-th partition, as long as the disk is open. NULL on ENOMEM. */
struct files_system *files_system_at(struct files_disk *d, uint32_t i);
/* How it was opened; NULL if it never was. */
const struct reader_opened *files_opened(const struct files_system *s);

bool files_runs(const struct files_system *s); /* it has a process now */

/* Either the payload of the reply, checked, which is valid during the call; or an error: of the
 * reader with its reason, of the disk (EDQUOT, AWS's), or EIO for the process itself. Called once,
 * on the loop, never before the asking function has returned. */
typedef void files_done(void *arg, const void *answer, size_t len, const struct err *err);

/* A request to a file system, as reader_protocol.h has them; READER_OPEN precedes it by itself. */
struct files_ask {
	enum reader_type type;
	uint64_t inode; /* 0: the root */
	uint64_t offset, length;
	const char *name; /* of READER_LOOKUP; copied */
};
/* program: on whose behalf, for the log. NULL on ENOMEM. */
struct files_request *files_ask(struct files_system *s, const struct files_ask *ask,
	const char *program, files_done *done, void *arg);
struct files_request *files_ask_table(
	struct files_disk *d, const char *program, files_done *done, void *arg);
/* done is not called. The process gives up what it does for the request when it next needs the
 * disk. */
void files_cancel(struct files_request *r);

#endif
