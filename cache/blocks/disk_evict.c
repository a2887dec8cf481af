/* SPDX-License-Identifier: MIT */
/* Makes room in the cache on disk. First it removes whole snapshots that no process has open,
 * beginning with the one used longest ago; then, from the open ones, runs of blocks that were not
 * used since the last pass. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk_inner.h"

/* Blocks that are evicted together: 4 MiB. */
#define RUN_BLOCKS 8

/* Eviction continues down to this size, so that it need not run for each new block. */
#define ROOM(max) ((max) - (max) / 20)

struct disk_evict {
	struct disk_job job;
	struct disks *d;
	struct disk *disk; /* the disk of the window; NULL: closed snapshots are being removed */
	struct disk_window *w; /* busy */
	uint8_t may[WINDOW_BYTES], used[WINDOW_BYTES];
	uint8_t dropped[WINDOW_BYTES];
	uint32_t next;   /* the next window with cached blocks; UINT32_MAX: none */
	unsigned passes; /* passes over all disks */
};

static void evict_next(struct disk_evict *e);

static void evict_end(struct disk_evict *e)
{
	e->d->evicting = NULL;
	free(e);
}

static void evict_drop(struct disk_job *job)
{
	free(JOB_OWNER(job, struct disk_evict));
}

static bool evict_is_enough(const struct disk_evict *e)
{
	return block_store_used(e->d->store) <= ROOM(block_store_max(e->d->store));
}

/* --- whole snapshots --- */

static void evict_closed_run(struct disk_job *job)
{
	struct disk_evict *e = JOB_OWNER(job, struct disk_evict);

	while (!evict_is_enough(e) && block_store_evict(e->d->store) > 0)
		continue;
}

static void evict_closed_done(struct disk_job *job)
{
	evict_next(JOB_OWNER(job, struct disk_evict));
}

/* --- runs of open ones --- */

static void evict_run_blocks(struct disk_evict *e, unsigned run)
{
	for (unsigned n = run * RUN_BLOCKS; n < (run + 1) * RUN_BLOCKS; n++)
		if (window_bit(e->may, n) &&
			block_file_drop(
				e->disk->file, (uint64_t)e->w->number * WINDOW_BLOCKS + n) == 0)
			window_set(e->dropped, n, true);
}

static void evict_window_run(struct disk_job *job)
{
	struct disk_evict *e = JOB_OWNER(job, struct disk_evict);
	uint32_t number = e->w->number;
	struct block_file *f = e->disk->file;
	struct block_window is;

	e->next = block_file_next_window(f, number);
	if (e->next != number || block_file_read_window(f, number, &is) < 0)
		return;
	for (unsigned i = 0; i < WINDOW_BYTES; i++)
		e->may[i] &= is.cached[i];
	e->next = number + 1;
	for (unsigned run = 0; run < WINDOW_BYTES && !evict_is_enough(e); run++) {
		if (!e->used[run])
			evict_run_blocks(e, run);
	}
}

static void evict_window_done(struct disk_job *job)
{
	struct disk_evict *e = JOB_OWNER(job, struct disk_evict);
	struct disk_window *w = e->w;

	for (unsigned i = 0; i < WINDOW_BYTES; i++) {
		if (w->loaded) {
			w->is.cached[i] &= (uint8_t)~e->dropped[i];
			w->checked[i] &= (uint8_t)~e->dropped[i];
		}
	}
	memset(w->used, 0, sizeof(w->used));
	e->disk->hand = e->next;
	disk_window_step_done(w, NULL);
	evict_next(e);
}

/* Returns the next disk that has its own files in the cache; NULL: none. */
static struct disk *evict_disk(struct disks *d, const struct disk *after)
{
	struct disk *disk = after ? after->hh.next : d->disks;

	while (disk &&
		(disk->state != DISK_OPEN || !disk->file || block_file_is_shared(disk->file)))
		disk = disk->hh.next;
	return disk;
}

/* Evicts blocks of one window. Returns false if the window is in use, or on ENOMEM. */
static bool evict_window(struct disk_evict *e)
{
	struct disk_window *w = disk_window_get(e->disk, e->disk->hand);

	if (!w || w->busy || w->reads)
		return false;
	e->w = w;
	memset(e->dropped, 0, sizeof(e->dropped));
	/* A block that is not cached any more may already be queued to be written again. */
	memset(e->may, 0xff, sizeof(e->may));
	if (w->loaded)
		memcpy(e->may, w->is.cached, sizeof(e->may));
	memcpy(e->used, w->used, sizeof(e->used));
	e->job = (struct disk_job){e->d, evict_window_run, evict_window_done, evict_drop};
	if (disk_job_start(&e->job) < 0)
		return false;
	w->busy = true;
	return true;
}

/* Continues with the next window. There are two passes, because the first one may only mark unused
 * blocks. */
static void evict_next(struct disk_evict *e)
{
	while (!evict_is_enough(e) && e->passes < 2) {
		if (!e->disk || (uint64_t)e->disk->hand * WINDOW_BLOCKS >= e->disk->n_blocks) {
			if (e->disk)
				e->disk->hand = 0;
			e->disk = evict_disk(e->d, e->disk);
			if (!e->disk)
				e->passes++;
			continue;
		}
		if (evict_window(e))
			return;
		e->disk->hand++;
	}
	evict_end(e);
}

void disk_evict(struct disks *d)
{
	struct disk_evict *e;

	if (!d->store || d->evicting || block_store_used(d->store) <= block_store_max(d->store))
		return;
	e = calloc(1, sizeof(*e));
	if (!e)
		return;
	e->d = d;
	e->job = (struct disk_job){d, evict_closed_run, evict_closed_done, evict_drop};
	if (disk_job_start(&e->job) < 0) {
		free(e);
		return;
	}
	d->evicting = e;
}
