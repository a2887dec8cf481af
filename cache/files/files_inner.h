/* SPDX-License-Identifier: MIT */
/* Shared by files.c (the disks and their systems) and files_system.c (one system's process). */
#ifndef EBSFS_FILES_INNER_H
#define EBSFS_FILES_INNER_H

#include "files.h"
#include "files_check.h"
#include "files_need.h"
#include "hash.h"
#include "loop.h"

#define PROCESSES_MAX  16
#define IDLE_MS        60000
#define LIMIT_MS       60000
/* While others wait for a process, a busy system gives up its own after this time. */
#define TURN_MS        2000
/* A request may read as much of the disk: a log has 2 GiB at most. */
#define NEED_MAX       ((uint64_t)4 << 30)
/* Disks that nobody has open, and of which the table is kept. */
#define IDLE_DISKS_MAX 32

struct files {
	struct files_options options;
	struct files_disk *disks; /* by key */
	uint64_t closes;          /* so far */
	/* Starts processes for the systems in `waiting`, and frees disks: never within a call from
	 * outside. */
	struct loop_timer *kick;
	struct files_system *waiting; /* for a process */
	struct files_system *running; /* with a process, the one used longest ago first */
	struct files_stats stats;
};

struct files_disk {
	struct files *f;
	UT_hash_handle hh;
	char *key;               /* REGION/SNAPSHOT */
	struct disk_facts facts; /* strings are owned */
	uint64_t size;
	unsigned refs;                /* openings, and requests */
	uint64_t closed;              /* f->closes when it was closed last */
	struct reader_table *table;   /* with its partitions; NULL: not known */
	struct files_system *systems; /* by utlist */
	struct files_system *table_system;
};

struct files_request {
	struct files_request *prev, *next;
	struct files_request **list; /* that it is in; NULL: it is the current one */
	struct files_system *system;
	struct files_question question;
	size_t name_length; /* of a look-up */
	char name[READER_NAME_MAX + 1];
	char program[32];
	files_done *done; /* NULL: cancelled */
	void *arg;
};

struct files_system {
	struct files_disk *disk;
	struct files_system *next;                  /* of the disk */
	struct files_system *prev_used, *next_used; /* f->waiting or f->running */
	bool waiting;
	bool is_table; /* the table of partitions; else a partition: */
	uint32_t number;
	uint64_t start, size;
	struct reader_opened opened;
	bool was_opened; /* once */

	struct files_process *process; /* NULL: none */
	bool open;                     /* the process has done READER_OPEN */
	int64_t since_ms;              /* the process was started */
	struct disk_reader *reader;
	struct loop_timer *timer; /* of a process: its request's limit, or its idle time */

	struct files_request *queue;
	struct files_request *current; /* the process works on it */
	struct files_request opening;  /* READER_OPEN, for the requests that follow */
	struct files_request *failing; /* being told of an error */
	uint64_t id;                   /* of the current request */
	uint64_t needed;               /* bytes of the disk, for it */
	struct files_need need;
};

/* Appends a request, and sends it if the process is idle. */
void files_system_add(struct files_system *s, struct files_request *r);
/* Takes a place among the processes and starts; on failure the requests are told. */
void files_system_start(struct files_system *s);
/* Ends the process, if there is one. */
void files_system_stop(struct files_system *s);
void files_system_free(struct files_system *s); /* with its requests, which are not called */

#endif
