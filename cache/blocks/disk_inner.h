/* SPDX-License-Identifier: MIT */
/* Shared by the files that make up disk.h: disk.c (disks, readers, reads), disk_block.c (how a
 * block gets into memory), disk_window.c (which blocks there are, where, and their tokens). */
#ifndef EBSFS_DISK_INNER_H
#define EBSFS_DISK_INNER_H

#include "block_file.h"
#include "disk.h"
#include "disk_overlay.h"
#include "hash.h"
#include "waiters.h"

/* GetSnapshotBlock at once, for all disks. The last of them are never used to read ahead. */
#define GETS_MAX         64
#define GETS_AHEAD_MAX   56
/* Blocks that wait to be written into the cache, beyond which no further ones are bought; beyond
 * the first number none are read ahead. */
#define WRITES_AHEAD_MAX 48
#define WRITES_MAX       64
/* Blocks ahead of a sequential reader. */
#define AHEAD_FIRST      4
#define AHEAD_MAX        64
/* Blocks that stay in memory when nothing uses them: those read ahead wait here to be read. */
#define KEPT_MAX         80
/* Windows in memory, and those of them with tokens, of all disks. */
#define WINDOWS_MAX      2048
#define TOKENS_MAX       16
/* Lists under way: each takes some MB. */
#define LISTS_MAX        4
/* The interval of the log lines about bought blocks. */
#define REPORT_MS        60000

/* --- waiting --- */

/* One thing that waits for another; it waits for one at a time. */
struct disk_wait {
	struct waiter base;
	void (*wake)(void *arg, const struct err *err); /* err NULL: look again */
	void *arg;
	const struct waiters *list; /* NULL: it does not wait */
};

void disk_wait_add(struct waiters *list, struct disk_wait *w);
void disk_wait_remove(struct disk_wait *w); /* permitted if it does not wait */
/* Wakes all that wait now. A thing that waits may be woken before the function that made it wait
 * has returned. */
void disk_wait_wake(struct waiters *list, const struct err *err);

/* --- work in threads --- */

/* Embedded in what it works on, which is freed with the disks at the earliest while it runs. */
struct disk_job {
	struct disks *d;
	void (*run)(struct disk_job *job);
	void (*done)(struct disk_job *job); /* on the loop */
	void (*drop)(struct disk_job *job); /* instead of done once the disks end; may be NULL */
};
int disk_job_start(struct disk_job *job); /* 0 or -ENOMEM */
/* The struct that has this job as its member `job`. */
#define JOB_OWNER(j, type) ((type *)((char *)(j)-offsetof(type, job)))

/* --- the disks --- */

struct disks {
	struct disks_options options;
	struct block_store *store; /* NULL: none */
	bool store_failed;         /* it could not be opened, or written: said once */
	bool ending;               /* destroyed: the last job frees all */
	void (*free)(struct disks *d);
	unsigned jobs;               /* running */
	struct disk *disks;          /* by key */
	struct waiters waiting[2];   /* for a place among the GETs: for readers; read ahead */
	struct waiters unpaid;       /* for the budget */
	struct waiters unlisted;     /* for a place among the lists */
	unsigned n_lists;            /* under way */
	struct disk_block *kept;     /* in memory and unused, the oldest first */
	unsigned n_kept, n_ahead;    /* n_ahead: read ahead, under way or not read yet */
	unsigned n_writes;           /* of blocks into the cache, under way */
	struct disk_window *windows; /* the one used longest ago first */
	struct disk_window *listed;  /* those with tokens, the oldest first */
	unsigned n_windows, n_listed;
	bool opening;         /* a disk's files, one at a time: the first opens the store */
	struct waiters opens; /* other disks' blocks, for that */
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
	char reader[32]; /* the latest one's name, for the log */
	unsigned readers;
	uint64_t bought; /* since the last report */

	/* Files are opened with the first block. */
	enum { DISK_NEW, DISK_OPENING, DISK_OPEN } state;
	struct disk_job job;
	struct err result;
	struct waiters waiting;  /* for the files */
	struct block_file *file; /* NULL: none */
	struct block_file *sibling;
	char sibling_id[BLOCK_SNAPSHOT_SIZE];
	int64_t sibling_start_ms;

	struct disk_block *blocks;   /* by index */
	struct disk_window *windows; /* by number */
	uint32_t hand;               /* the window at which eviction goes on */

	struct disk_overlay *overlay; /* written bytes; NULL: none. Such a disk stays open */
	struct disk_write *writing;   /* disk_rw.c: in their order */
	bool write_runs;              /* the first of them */
	int64_t written_ms;           /* wall clock, of the last one that has ended */
};

struct disk_reader {
	struct disk *disk;
	uint32_t last;  /* the block that was read last */
	unsigned ahead; /* blocks to read ahead; 0: reads are not in sequence */
	bool exactly;   /* nothing is read ahead */
	struct disk_read *reads;
	struct disk_rw_read *rw_reads;
	bool written; /* it reads what was written too */
};

/* True if the files are open, or there are none; false: `wait` is woken when they are. */
bool disk_is_open(struct disk *disk, struct disk_wait *wait);

/* Ends the reads of disk_rw.h without calling them, and its writes with EIO. A write that runs in a
 * thread is carried out. */
void disk_rw_close(struct disk_reader *r);

/* --- windows --- */

struct disk_window {
	struct disk *disk;
	UT_hash_handle hh;
	uint32_t number;
	struct disk_window *prev, *next;               /* d->windows */
	struct disk_window *prev_listed, *next_listed; /* d->listed */

	bool loaded;    /* from the cache's files */
	bool busy;      /* work or a call is under way */
	unsigned reads; /* of cached blocks, in threads */
	struct block_window is;
	uint8_t checked[WINDOW_BYTES]; /* of those cached: compared with their digests */
	uint8_t used[WINDOW_BYTES];    /* since eviction last came by */
	uint8_t shared[WINDOW_BYTES];  /* the sibling has this block, cached and unchanged */
	bool shared_known;
	uint32_t next_exists; /* the first block after this window; UINT32_MAX: not known */

	unsigned lists;               /* of tokens, so far */
	struct window_tokens *tokens; /* NULL: none */

	struct waiters waiting;
	struct disk_job job;
	int result;
	struct aws_call *call;
	struct window_list *list;
};

/* The parts of a window's knowledge that a caller may need; each includes those before it. */
enum window_need {
	WINDOW_LOADED, /* which blocks are cached */
	WINDOW_LISTED, /* which blocks exist */
	WINDOW_SHARED, /* which of them the sibling has */
	WINDOW_TOKENS, /* their tokens */
};

/* The window of a block, which is the latest used from now on. NULL on ENOMEM. */
struct disk_window *disk_window_get(struct disk *disk, uint32_t number);
/* 1: it is known. 0: not yet; `wait` is woken when this window is to be looked at again.
 * -ENOMEM. */
int disk_window_need(struct disk_window *w, enum window_need need, struct disk_wait *wait);
const char *disk_window_token(const struct disk_window *w, unsigned n); /* NULL: no such block */
void disk_window_forget_tokens(struct disk_window *w);
void disk_window_free(struct disk_window *w);
/* A step that was begun with `busy` has ended: wakes the waiters. */
void disk_window_step_done(struct disk_window *w, const struct err *err);

/* Makes room in the cache, if it is beyond its size, in the background. */
void disk_evict(struct disks *d);

/* --- blocks --- */

struct disk_block {
	struct disk *disk;
	UT_hash_handle hh;
	uint32_t index;
	struct disk_block *prev, *next; /* d->kept */
	bool kept;
	bool ahead;             /* no read has asked for it yet */
	bool listed_anew;       /* its token had ended once */
	struct ebs_block *data; /* NULL: not yet in memory */
	unsigned uses;          /* reads that have its data and wait for other blocks; its write */
	struct waiters waiting; /* reads */
	struct disk_wait wait;  /* the block's own wait */
	struct aws_call *call;
	struct disk_job job;
	bool working;              /* job runs */
	bool from_sibling, copied; /* copied: into the own files */
	unsigned list;             /* the window's list that its token is from */
	int64_t taken_ms;          /* wall clock, when its price was taken from the budget */
	int result;
};

/* The answer to a read's request for a block. */
enum block_have {
	BLOCK_HERE,    /* its data; counted in uses */
	BLOCK_ZERO,    /* it was never written */
	BLOCK_CHECKED, /* cached on disk and checked before: block_file_read_part() */
	BLOCK_COMING,  /* `wait` is woken when it is to be looked at again */
	BLOCK_NOMEM,
};
/* *block: for BLOCK_HERE. window: for BLOCK_CHECKED. */
enum block_have disk_block_want(struct disk *disk, uint32_t index, struct disk_wait *wait,
	struct disk_block **block, struct disk_window **window);
void disk_block_unuse(struct disk_block *b);
/* Fetches a block before it is asked for. False: its window is not known, or there is no
 * room; nothing further is to be read ahead now. */
bool disk_block_ahead(struct disk *disk, uint32_t index);
void disk_block_pump(struct disks *d); /* a GET has ended */
void disk_block_free(struct disk_block *b);

#endif
