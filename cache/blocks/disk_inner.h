/* SPDX-License-Identifier: MIT */
/* Shared by the files that implement disk.h: disk.c (disks, readers, reads), disk_block.c (gets a
 * block into memory), disk_window.c (which blocks exist, where they are, and their tokens). */
#ifndef EBSFS_DISK_INNER_H
#define EBSFS_DISK_INNER_H

#include "block_file.h"
#include "disk.h"
#include "disk_overlay.h"
#include "hash.h"
#include "waiters.h"

/* GetSnapshotBlock requests in flight, for all disks. The last of them are never used to read
 * ahead. */
#define GETS_MAX         64
#define GETS_AHEAD_MAX   56
/* Blocks that wait to be written into the cache. From the first number on no blocks are read ahead,
 * from the second on no blocks are bought. */
#define WRITES_AHEAD_MAX 48
#define WRITES_MAX       64
/* Number of blocks that are read ahead for a sequential reader: AHEAD_FIRST at first, doubled with
 * each read that reaches a further block, up to AHEAD_MAX. */
#define AHEAD_FIRST      4
#define AHEAD_MAX        64
/* Unused blocks that stay in memory, among them those that were read ahead. */
#define KEPT_MAX         80
/* Windows in memory, and windows in memory with tokens, of all disks. */
#define WINDOWS_MAX      2048
#define TOKENS_MAX       16
/* Lists in flight: each needs some MB. */
#define LISTS_MAX        4
/* The interval of the log lines about bought blocks. */
#define REPORT_MS        60000

/* --- waiting --- */

/* An object that waits for one event at a time. */
struct disk_wait {
	struct waiter base;
	void (*wake)(
		void *arg, const struct err *err); /* err NULL: the event has come, decide anew */
	void *arg;
	const struct waiters *list; /* NULL: not waiting */
};

void disk_wait_add(struct waiters *list, struct disk_wait *w);
void disk_wait_remove(struct disk_wait *w); /* permitted if it does not wait */
/* Wakes all that wait now. An object may be woken before the function that made it wait has
 * returned. */
void disk_wait_wake(struct waiters *list, const struct err *err);

/* --- work in threads --- */

/* Work in a thread, embedded in the object that it works on, which must not be freed while the job
 * runs. */
struct disk_job {
	struct disks *d;
	void (*run)(struct disk_job *job);
	void (*done)(struct disk_job *job); /* on the loop */
	void (*drop)(struct disk_job *job); /* called instead of done if the disks were destroyed;
					     * may be NULL */
};
int disk_job_start(struct disk_job *job); /* 0 or -ENOMEM */
/* Returns the struct that contains this job as its member `job`. */
#define JOB_OWNER(j, type) ((type *)((char *)(j)-offsetof(type, job)))

/* --- the disks --- */

struct disks {
	struct disks_options options;
	struct block_store *store; /* NULL: none */
	bool store_failed;         /* the store could not be opened or written; logged once */
	bool ending;               /* disks_destroy() was called: the last job frees the struct */
	void (*free)(struct disks *d);
	unsigned jobs;               /* running */
	struct disk *disks;          /* by key */
	struct waiters waiting[2];   /* waiting for a free GetSnapshotBlock request: for readers;
				      * for reading ahead */
	struct waiters unpaid;       /* waiting for the budget */
	struct waiters unlisted;     /* waiting for a free list request */
	unsigned n_lists;            /* lists in flight */
	struct disk_block *kept;     /* unused blocks in memory, the oldest first */
	unsigned n_kept, n_ahead;    /* n_ahead: blocks that are being read ahead, or were and are
				      * not read yet */
	unsigned n_writes;           /* writes into the cache in progress */
	struct disk_window *windows; /* the one used longest ago first */
	struct disk_window *listed;  /* windows with tokens, the oldest first */
	unsigned n_windows, n_listed;
	bool opening;         /* a disk's files are being opened; one at a time, because the first
			       * opens the store */
	struct waiters opens; /* blocks of other disks that wait for that */
	struct disk_evict *evicting;
	struct loop_timer *report; /* the log line about bought blocks */
	struct disks_stats stats;
};

struct disk {
	struct disks *d;
	UT_hash_handle hh;
	char *key; /* REGION/SNAPSHOT */
	struct block_owner owner;
	uint32_t n_blocks;
	char reader[32]; /* name of the latest reader, for the log */
	unsigned readers;
	uint64_t bought; /* blocks bought since the last log line */

	/* The files are opened with the first block. */
	enum { DISK_NEW, DISK_OPENING, DISK_OPEN } state;
	struct disk_job job;
	struct err result;
	struct waiters waiting;  /* waiting for the files to be opened */
	struct block_file *file; /* NULL: none */
	struct block_file *sibling;
	char sibling_id[BLOCK_SNAPSHOT_SIZE];
	int64_t sibling_start_ms;

	struct disk_block *blocks;   /* by index */
	struct disk_window *windows; /* by number */
	uint32_t hand;               /* the window at which the next eviction continues */

	struct disk_overlay
		*overlay; /* written bytes; NULL: none. A disk with written bytes stays open */
	struct disk_write *writing; /* writes, in their order (disk_rw.c) */
	bool write_runs;            /* the first write is running */
	int64_t written_ms;         /* wall-clock time of the last write that has ended */
};

struct disk_reader {
	struct disk *disk;
	uint32_t last;  /* the block that was read last */
	unsigned ahead; /* blocks to read ahead; 0: the reads are not sequential */
	bool exactly;   /* nothing is read ahead */
	struct disk_read *reads;
	struct disk_rw_read *rw_reads;
	bool written; /* the reader also gets written bytes */
};

/* Returns true if the files are open, or there is no cache; false: `wait` is woken when they are
 * open. */
bool disk_is_open(struct disk *disk, struct disk_wait *wait);

/* Ends the reads of disk_rw.h without calling them, and its writes with EIO. A write that already
 * runs in a thread is completed. */
void disk_rw_close(struct disk_reader *r);

/* --- windows --- */

struct disk_window {
	struct disk *disk;
	UT_hash_handle hh;
	uint32_t number;
	struct disk_window *prev, *next;               /* d->windows */
	struct disk_window *prev_listed, *next_listed; /* d->listed */

	bool loaded;    /* the cache's files have been read */
	bool busy;      /* a job or a call is in progress */
	unsigned reads; /* reads of cached blocks that run in threads */
	struct block_window is;
	uint8_t checked[WINDOW_BYTES]; /* cached blocks that were compared with their digests */
	uint8_t used[WINDOW_BYTES];    /* blocks that were used since the last eviction pass */
	uint8_t shared[WINDOW_BYTES];  /* blocks that the sibling (another snapshot of the volume)
					* has cached, unchanged */
	bool shared_known;
	uint32_t next_exists; /* the first block after this window; UINT32_MAX: not known */

	unsigned lists;               /* number of responses so far that had tokens */
	struct window_tokens *tokens; /* NULL: none */

	struct waiters waiting;
	struct disk_job job;
	int result;
	struct aws_call *call;
	struct window_list *list;
};

/* Facts about a window that a caller may need; each level includes those before it. */
enum window_need {
	WINDOW_LOADED, /* which blocks are cached */
	WINDOW_LISTED, /* which blocks exist */
	WINDOW_SHARED, /* which of them the sibling has */
	WINDOW_TOKENS, /* their tokens */
};

/* Returns the window of a block, and marks it as used last. NULL on ENOMEM. */
struct disk_window *disk_window_get(struct disk *disk, uint32_t number);
/* Returns 1 if the facts are known; 0 if not yet: `wait` is woken when the caller must call again;
 * -ENOMEM. */
int disk_window_need(struct disk_window *w, enum window_need need, struct disk_wait *wait);
const char *disk_window_token(const struct disk_window *w, unsigned n); /* NULL: no such block */
void disk_window_forget_tokens(struct disk_window *w);
void disk_window_free(struct disk_window *w);
/* Ends a step that set `busy`, and wakes the waiters. */
void disk_window_step_done(struct disk_window *w, const struct err *err);

/* Makes room in the cache in the background, if it exceeds its size. */
void disk_evict(struct disks *d);

/* --- blocks --- */

struct disk_block {
	struct disk *disk;
	UT_hash_handle hh;
	uint32_t index;
	struct disk_block *prev, *next; /* d->kept */
	bool kept;
	bool ahead;             /* read ahead, and not needed by a read yet */
	bool listed_anew;       /* its token was invalid once, and its window was listed again */
	struct ebs_block *data; /* NULL: not yet in memory */
	unsigned uses;          /* number of reads that hold its data while they wait for other
				 * blocks; its write counts too */
	struct waiters waiting; /* reads */
	struct disk_wait wait;  /* the block's own wait */
	struct aws_call *call;
	struct disk_job job;
	bool working;              /* the job is running */
	bool from_sibling, copied; /* copied: from the sibling into the disk's own files */
	unsigned list;             /* number of the window's list that its token is from */
	int64_t taken_ms; /* wall-clock time at which its price was taken from the budget */
	int result;
};

/* The result of disk_block_want(). */
enum block_have {
	BLOCK_HERE,    /* the data are in memory; the caller must drop one of `uses` */
	BLOCK_ZERO,    /* it was never written */
	BLOCK_CHECKED, /* the block is cached on disk and was checked: use block_file_read_part() */
	BLOCK_COMING,  /* `wait` is woken when the caller must call again */
	BLOCK_NOMEM,
};
/* *block: for BLOCK_HERE. window: for BLOCK_CHECKED. */
enum block_have disk_block_want(struct disk *disk, uint32_t index, struct disk_wait *wait,
	struct disk_block **block, struct disk_window **window);
void disk_block_unuse(struct disk_block *b);
/* Fetches a block before a read needs it. Returns false if its window is not known, or there is no
 * room: then no more blocks can be read ahead now. */
bool disk_block_ahead(struct disk *disk, uint32_t index);
void disk_block_free(struct disk_block *b);

#endif
