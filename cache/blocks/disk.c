/* SPDX-License-Identifier: MIT */
/* Disks. A disk's files in the cache are opened when its first block is read. */
#include "disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "disk_inner.h"
#include "log.h"
#include "loop.h"

/* Disks that stay open without readers, with their lists of blocks. */
#define IDLE_DISKS_MAX 32

/* --- the disks --- */

static void disks_report(void *arg);
static void disks_free(struct disks *d);

struct disks *disks_create(const struct disks_options *options)
{
	struct disks *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->options = *options;
	d->free = disks_free;
	d->report = loop_timer_create(options->loop, disks_report, d);
	if (!d->report) {
		free(d);
		return NULL;
	}
	return d;
}

static void disk_free(struct disk *disk)
{
	struct disk_block *b, *next_b;
	struct disk_window *w, *next_w;

	HASH_ITER (hh, disk->blocks, b, next_b)
		disk_block_free(b);
	HASH_ITER (hh, disk->windows, w, next_w)
		disk_window_free(w);
	block_file_close(disk->file);
	block_file_close(disk->sibling);
	disk_overlay_destroy(disk->overlay);
	HASH_DEL(disk->d->disks, disk);
	free((char *)disk->owner.region);
	free((char *)disk->owner.snapshot);
	free((char *)disk->owner.volume);
	free(disk->key);
	free(disk);
}

static void disks_free(struct disks *d)
{
	struct disk *disk, *next;

	HASH_ITER (hh, d->disks, disk, next)
		disk_free(disk);
	block_store_close(d->store);
	free(d);
}

static void disk_cancel_calls(struct disk *disk)
{
	for (struct disk_block *b = disk->blocks; b; b = b->hh.next)
		if (b->call)
			aws_cancel(steal(&b->call));
	for (struct disk_window *w = disk->windows; w; w = w->hh.next)
		if (w->call)
			aws_cancel(steal(&w->call));
}

void disks_destroy(struct disks *d)
{
	struct disk *disk, *next;

	if (!d)
		return;
	disks_report(d);
	loop_timer_destroy(d->report);
	d->ending = true;
	/* Ends the calls now, not with the last job: by then the AWS client may be freed. */
	HASH_ITER (hh, d->disks, disk, next)
		disk_cancel_calls(disk);
	if (d->jobs == 0)
		disks_free(d);
}

void disks_resume(struct disks *d)
{
	disk_wait_wake(&d->unpaid, NULL);
}

struct disks_stats disks_stats(const struct disks *d)
{
	struct disks_stats stats = d->stats;

	if (d->store) {
		stats.cache_used = block_store_used(d->store);
		stats.cache_max = block_store_max(d->store);
	}
	return stats;
}

/* Logs one line for each disk of which blocks were bought since the last line. */
static void disks_report(void *arg)
{
	struct disks *d = arg;
	struct disk *disk, *next;

	HASH_ITER (hh, d->disks, disk, next) {
		if (disk->bought)
			log_info("%s read %llu blocks of %s in %s: about $%.6f", disk->reader,
				(unsigned long long)disk->bought, disk->owner.snapshot,
				disk->owner.region,
				(double)disk->bought * BUDGET_GET / (double)BUDGET_DOLLAR);
		disk->bought = 0;
	}
}

/* --- opening --- */

static bool disk_is_idle(const struct disk *disk)
{
	const struct disk_block *b;
	const struct disk_window *w;

	if (disk->readers || disk->overlay || disk->state == DISK_OPENING)
		return false;
	for (b = disk->blocks; b; b = b->hh.next)
		if (!b->kept)
			return false;
	for (w = disk->windows; w; w = w->hh.next)
		if (w->busy || w->reads)
			return false;
	return true;
}

/* Frees the disks that were closed longest ago. */
static void disks_trim(struct disks *d)
{
	struct disk *disk, *next;

	HASH_ITER (hh, d->disks, disk, next)
		if (HASH_COUNT(d->disks) > IDLE_DISKS_MAX && disk_is_idle(disk))
			disk_free(disk);
}

/* --- readers --- */

static struct disk *disk_create(struct disks *d, const struct disk_facts *facts)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	bool shares = facts->volume && strncmp(facts->volume, "vol-f", 5) != 0;

	if (!disk)
		return NULL;
	disk->d = d;
	disk->owner = (struct block_owner){strdup(facts->region), strdup(facts->snapshot),
		strdup(shares ? facts->volume : ""), facts->start_ms, facts->volume_gib};
	disk->n_blocks = facts->volume_gib * 2048;
	if (asprintf(&disk->key, "%s/%s", facts->region, facts->snapshot) < 0)
		disk->key = NULL;
	if (disk->key)
		HASH_ADD_KEYPTR(hh, d->disks, disk->key, strlen(disk->key), disk);
	if (disk->owner.region && disk->owner.snapshot && disk->owner.volume && disk->hh.tbl)
		return disk;
	free((char *)disk->owner.region);
	free((char *)disk->owner.snapshot);
	free((char *)disk->owner.volume);
	free(disk->key);
	free(disk);
	return NULL;
}

int disk_open(struct disks *d, const struct disk_facts *facts, const char *reader,
	struct disk_reader **out)
{
	_cleanup_free_ struct disk_reader *r = calloc(1, sizeof(*r));
	_cleanup_free_ char *key = NULL;
	struct disk *disk;

	if (!r || asprintf(&key, "%s/%s", facts->region, facts->snapshot) < 0)
		return -ENOMEM;
	HASH_FIND_STR(d->disks, key, disk);
	if (!disk)
		disk = disk_create(d, facts);
	if (!disk)
		return -ENOMEM;
	disk->readers++;
	snprintf(disk->reader, sizeof(disk->reader), "%s", reader);
	r->disk = disk;
	r->last = UINT32_MAX - 1;
	*out = steal(&r);
	disks_trim(d);
	return 0;
}

/* Drops the blocks that were to be read ahead and have not been requested yet. */
static void disk_stop_ahead(struct disk *disk)
{
	struct disk_block *b, *next;

	HASH_ITER (hh, disk->blocks, b, next)
		if (b->ahead && b->wait.list && waiters_empty(&b->waiting))
			disk_block_free(b);
}

void disk_close(struct disk_reader *r)
{
	struct disk *disk = r->disk;

	disk_rw_close(r);
	while (r->reads)
		disk_read_cancel(r->reads);
	if (--disk->readers == 0)
		disk_stop_ahead(disk);
	free(r);
}

int64_t disk_size(const struct disk_reader *r)
{
	return (int64_t)r->disk->n_blocks * (int64_t)EBS_BLOCK_SIZE;
}
