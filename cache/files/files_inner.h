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
/* While other file systems wait for a process, a process that was started longer ago than this gets
 * no further request: it ends, even if requests for it are queued. */
#define TURN_MS        2000
/* Between two requests of a program that walks a file system, its process is idle for less than
 * this. */
#define PAUSE_MS       20
/* The default of need_max: bytes of the disk that one request may read; a journal has 2 GiB at
 * most. */
#define NEED_MAX       ((uint64_t)4 << 30)
/* Disks that are not open, but whose partition tables are kept. */
#define IDLE_DISKS_MAX 32

struct files {
	struct files_options options;
	struct files_disk *disks; /* by key */
	uint64_t closes;          /* number of closes so far */
	/* Starts processes for the systems in `waiting`, and frees disks. A timer, so that this
	 * never happens within a call from outside. */
	struct loop_timer *kick;
	struct files_system *waiting; /* file systems that wait for a process */
	struct files_system *running; /* file systems with a process; the one that was used longest
				       * ago is first */
	struct files_stats stats;
};

struct files_disk {
	struct files *f;
	UT_hash_handle hh;
	char *key;               /* REGION/SNAPSHOT */
	struct disk_facts facts; /* the struct owns the strings */
	uint64_t size;
	unsigned refs;                /* number of openings and requests */
	uint64_t closed;              /* value of f->closes when the disk was closed last */
	struct reader_table *table;   /* the partition table; NULL: not read yet */
	struct files_system *systems; /* by utlist */
	struct files_system *table_system;
};

struct files_request {
	struct files_request *prev, *next;
	struct files_request *
		*list; /* the list that the request is in; NULL: it is the current one */
	struct files_system *system;
	struct files_question question;
	size_t name_length; /* length of the name of a READER_LOOKUP */
	char name[READER_NAME_MAX + 1];
	char program[32];
	files_done *done; /* NULL: the request was cancelled */
	void *arg;
};

struct files_system {
	struct files_disk *disk;
	struct files_system *next;                  /* next file system of the disk */
	struct files_system *prev_used, *next_used; /* in f->waiting or f->running */
	bool waiting;
	bool is_table; /* reads the partition table; false: the partition below */
	uint32_t number;
	uint64_t start, size;
	struct reader_opened opened;
	bool was_opened; /* READER_OPEN has succeeded at least once */

	struct files_process *process; /* NULL: no process runs */
	bool open;                     /* the process has replied to READER_OPEN */
	int64_t since_ms;              /* when the process was started */
	int64_t idle_since_ms;         /* when the last request was replied to */
	struct disk_reader *reader;
	struct loop_timer *timer; /* time limit of the process's request, or its idle time */

	struct files_request *queue;
	struct files_request *current; /* the request that the process works on */
	struct files_request opening;  /* READER_OPEN, which is sent before the first request */
	struct files_request
		*failing; /* the requests whose callbacks are being called with an error */
	uint64_t id;      /* number of the current request */
	uint64_t needed;  /* bytes of the disk that the current request has read */
	struct files_need need;
};

/* Appends a request, and sends it if the process is idle. */
void files_system_add(struct files_system *s, struct files_request *r);
/* Starts a process if the limit permits; on failure the waiting requests get the error. */
void files_system_start(struct files_system *s);
/* Ends the process, if there is one. */
void files_system_stop(struct files_system *s);
void files_system_free(struct files_system *s); /* frees its requests too, without calling them */

#endif
