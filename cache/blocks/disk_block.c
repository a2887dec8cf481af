/* SPDX-License-Identifier: MIT */
/* Gets a block into memory: from the cache on disk, from another snapshot of the same volume in
 * that cache, or bought from EBS. A block that needs several steps waits for one of them at a time;
 * when that step has ended, block_go() decides anew. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "aws_error.h"
#include "clock.h"
#include "disk_inner.h"
#include "log.h"
#include "loop.h"

static void block_go(struct disk_block *b);
/* Starts the GetSnapshotBlock requests that there is room for. */
static void gets_pump(struct disks *d);

/* --- memory --- */

static void block_unkeep(struct disk_block *b)
{
	struct disks *d = b->disk->d;

	if (!b->kept)
		return;
	DL_DELETE(d->kept, b);
	d->n_kept--;
	b->kept = false;
}

/* A block that was read ahead is now needed by a read, or is dropped. */
static void block_not_ahead(struct disk_block *b)
{
	if (b->ahead)
		b->disk->d->n_ahead--;
	b->ahead = false;
}

void disk_block_free(struct disk_block *b)
{
	struct disk *disk = b->disk;

	block_unkeep(b);
	block_not_ahead(b);
	disk_wait_remove(&b->wait);
	if (b->call) {
		aws_cancel(b->call);
		disk->d->stats.in_flight--;
	}
	ebs_block_unref(b->data);
	HASH_DEL(disk->blocks, b);
	free(b);
}

/* Returns the block that was used longest ago. Blocks that were read ahead stay longer, because
 * their read is still to come: they are fewer than KEPT_MAX. */
static struct disk_block *kept_oldest(const struct disks *d)
{
	struct disk_block *b = d->kept;

	while (b->ahead && b->next)
		b = b->next;
	return b;
}

/* Keeps a block in memory for its next read, and drops those that were used longest ago. */
static void block_keep(struct disk_block *b)
{
	struct disks *d = b->disk->d;
	struct disk_block *oldest;

	if (b->kept || b->uses || b->working || !b->data)
		return;
	DL_APPEND(d->kept, b);
	b->kept = true;
	d->n_kept++;
	while (d->n_kept > KEPT_MAX) {
		oldest = kept_oldest(d);
		disk_block_free(oldest);
		if (oldest == b)
			break;
	}
}

/* Ends a block that has no data: it was never written (err NULL), or cannot be fetched. Its reads
 * continue without it, or fetch it again: so the block is removed before they are woken. */
static void block_end(struct disk_block *b, const struct err *err)
{
	struct waiters waiting = {0};

	waiters_move_all(&b->waiting, &waiting);
	disk_block_free(b);
	disk_wait_wake(&waiting, err);
}

static void block_end_memory(struct disk_block *b)
{
	struct err err;

	err_set(&err, ENOMEM, "out of memory");
	block_end(b, &err);
}

/* The block's data are in memory: wakes its reads. */
static void block_done(struct disk_block *b)
{
	b->uses++; /* keeps the block while its reads copy the data */
	disk_wait_wake(&b->waiting, NULL);
	disk_block_unuse(b);
}

/* --- from the cache on disk --- */

/* Notes whether the disk's own files contain a block; its digest has just been compared. */
static void block_mark(struct disk *disk, uint32_t index, bool cached)
{
	struct disk_window *w = disk_window_get(disk, index / WINDOW_BLOCKS);
	unsigned n = index % WINDOW_BLOCKS;

	if (!w || !w->loaded)
		return;
	window_set(w->is.cached, n, cached);
	window_set(w->checked, n, cached && !block_file_is_shared(disk->file));
	window_set(w->used, n, cached);
	window_set(w->shared, n, false);
}

static void block_load_run(struct disk_job *job)
{
	struct disk_block *b = JOB_OWNER(job, struct disk_block);
	struct disk *disk = b->disk;

	b->result = block_file_read(b->from_sibling ? disk->sibling : disk->file, b->index,
		b->data->data, b->data->sha256);
	if (b->result == 0 && b->from_sibling)
		b->copied =
			block_file_write(disk->file, b->index, b->data->data, b->data->sha256) == 0;
}

static void block_load_done(struct disk_job *job)
{
	struct disk_block *b = JOB_OWNER(job, struct disk_block);
	struct disks *d = b->disk->d;
	struct disk_window *w = disk_window_get(b->disk, b->index / WINDOW_BLOCKS);

	b->working = false;
	if (w)
		w->reads--;
	if (b->result == 0) {
		d->stats.cached++;
		d->stats.shared += b->from_sibling;
		if (!b->from_sibling || b->copied)
			block_mark(b->disk, b->index, true);
		block_done(b);
		return;
	}
	/* A damaged block counts as not cached. */
	d->stats.mismatches++;
	ebs_block_unref(steal(&b->data));
	block_mark(b->disk, b->index, false);
	block_go(b);
}

static void block_load(struct disk_block *b, struct disk_window *w, bool from_sibling)
{
	b->data = ebs_block_create(b->disk->d->options.ebs);
	b->from_sibling = from_sibling;
	b->job = (struct disk_job){b->disk->d, block_load_run, block_load_done, NULL};
	if (!b->data || disk_job_start(&b->job) < 0) {
		ebs_block_unref(steal(&b->data));
		block_end_memory(b);
		return;
	}
	b->working = true;
	w->reads++;
}

/* --- into it --- */

static void block_write_run(struct disk_job *job)
{
	struct disk_block *b = JOB_OWNER(job, struct disk_block);

	b->result = block_file_write(b->disk->file, b->index, b->data->data, b->data->sha256);
}

static void block_write_done(struct disk_job *job)
{
	struct disk_block *b = JOB_OWNER(job, struct disk_block);
	struct disks *d = b->disk->d;

	if (b->result == 0) {
		block_mark(b->disk, b->index, true);
	} else if (!d->store_failed) {
		d->store_failed = true;
		log_warning("blocks of disks cannot be kept in %s, so they are bought anew when "
			    "they are read again: %s",
			block_store_dir(d->store), strerror(-b->result));
	}
	d->n_writes--;
	disk_block_unuse(b);
	disk_evict(d);
	gets_pump(d);
}

/* Writes the block into the cache, if there is one and memory permits. Until it is written the
 * block stays in memory, so that it is not bought again. */
static void block_write(struct disk_block *b)
{
	struct disk *disk = b->disk;

	if (!disk->file || block_file_is_shared(disk->file))
		return;
	b->job = (struct disk_job){disk->d, block_write_run, block_write_done, NULL};
	if (disk_job_start(&b->job) < 0)
		return;
	b->uses++;
	disk->d->n_writes++;
}

/* --- from EBS --- */

/* Returns whether one more block may be bought. Blocks that wait to be written count too, so that a
 * slow disk does not fill the memory. */
static bool gets_have_room(const struct disks *d, bool ahead)
{
	return d->stats.in_flight < (ahead ? GETS_AHEAD_MAX : GETS_MAX) &&
	       d->n_writes < (ahead ? WRITES_AHEAD_MAX : WRITES_MAX);
}

static void gets_pump(struct disks *d)
{
	struct disk_wait *w;

	for (int ahead = 0; ahead < 2; ahead++) {
		while (gets_have_room(d, ahead) && (w = waiters_take(&d->waiting[ahead]))) {
			w->list = NULL;
			w->wake(w->arg, NULL);
		}
	}
}

/* Returns whether AWS certainly did not bill the request. It bills data, but neither a refusal nor
 * a request that did not reach it. If the response was lost, AWS may have sent data. */
static bool block_is_unbilled(const struct err *err)
{
	return (err->http_status >= 400 && err->http_status < 500) || err->errnum == EHOSTUNREACH;
}

static void block_bought(void *arg, struct ebs_block *data, unsigned bought, const struct err *err)
{
	struct disk_block *b = arg;
	struct disk *disk = b->disk;
	struct disks *d = disk->d;
	struct disk_window *w;

	b->call = NULL;
	d->stats.in_flight--;
	d->stats.bought += bought;
	disk->bought += bought;
	if (!loop_timer_armed(d->report))
		loop_timer_start(d->report, REPORT_MS);
	if (!bought && err && block_is_unbilled(err))
		budget_return(d->options.budget, b->taken_ms);
	for (unsigned i = 1; i < bought; i++) /* the first one was taken from the budget before */
		budget_add(d->options.budget, BUDGET_GET, clock_wall_ms());
	if (data) {
		b->data = data;
		block_write(b);
		block_done(b);
	} else if (aws_error_is_token(err->code) && !b->listed_anew) {
		b->listed_anew = true;
		w = disk_window_get(disk, b->index / WINDOW_BLOCKS);
		if (w && w->lists == b->list)
			disk_window_forget_tokens(w);
		block_go(b);
	} else {
		block_end(b, err);
	}
	gets_pump(d);
}

static void block_buy(struct disk_block *b, const struct disk_window *w)
{
	struct disk *disk = b->disk;
	struct disks *d = disk->d;
	struct err err;

	if (!gets_have_room(d, b->ahead)) {
		disk_wait_add(&d->waiting[b->ahead], &b->wait);
		return;
	}
	b->taken_ms = clock_wall_ms();
	switch (budget_take(d->options.budget, BUDGET_GET, b->taken_ms, &err)) {
	case BUDGET_WAIT:
		disk_wait_add(&d->unpaid, &b->wait);
		return;
	case BUDGET_REFUSED:
		block_end(b, &err);
		return;
	case BUDGET_TAKEN:
		break;
	}
	b->call = ebs_get_block(d->options.ebs, disk->owner.region, disk->owner.snapshot, b->index,
		disk_window_token(w, b->index % WINDOW_BLOCKS), block_bought, b);
	b->list = w->lists;
	if (!b->call) {
		budget_return(d->options.budget, b->taken_ms);
		block_end_memory(b);
		return;
	}
	d->stats.in_flight++;
	d->stats.ahead += b->ahead;
}

/* --- the steps --- */

/* Starts the next step of the block, which may be freed by it. */
static void block_go(struct disk_block *b)
{
	struct disk *disk = b->disk;
	unsigned n = b->index % WINDOW_BLOCKS;
	struct disk_window *w;
	int known;

	if (!disk_is_open(disk, &b->wait))
		return;
	w = disk_window_get(disk, b->index / WINDOW_BLOCKS);
	known = w ? disk_window_need(w, WINDOW_LOADED, &b->wait) : -ENOMEM;
	if (known > 0 && window_bit(w->is.cached, n)) {
		block_load(b, w, false);
		return;
	}
	if (known > 0)
		known = disk_window_need(w, WINDOW_LISTED, &b->wait);
	if (known > 0 && !window_bit(w->is.exists, n)) {
		block_end(b, NULL);
		return;
	}
	if (known > 0)
		known = disk_window_need(w, WINDOW_SHARED, &b->wait);
	if (known > 0 && disk->sibling && window_bit(w->shared, n)) {
		block_load(b, w, true);
		return;
	}
	if (known > 0)
		known = disk_window_need(w, WINDOW_TOKENS, &b->wait);
	if (known > 0)
		block_buy(b, w);
	else if (known < 0)
		block_end_memory(b);
}

static void block_woken(void *arg, const struct err *err)
{
	if (err)
		block_end(arg, err);
	else
		block_go(arg);
}

static struct disk_block *block_create(struct disk *disk, uint32_t index, bool ahead)
{
	struct disk_block *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->disk = disk;
	b->index = index;
	b->ahead = ahead;
	b->wait = (struct disk_wait){.wake = block_woken, .arg = b};
	HASH_ADD(hh, disk->blocks, index, sizeof(b->index), b);
	if (!b->hh.tbl) {
		free(b);
		return NULL;
	}
	if (ahead)
		disk->d->n_ahead++;
	return b;
}

/* A read needs a block that was queued to be read ahead: moves the block to the readers' queue. */
static void block_promote(struct disk_block *b)
{
	struct disks *d = b->disk->d;
	bool queued = b->wait.list == &d->waiting[true];

	block_not_ahead(b);
	if (!queued)
		return;
	disk_wait_remove(&b->wait);
	disk_wait_add(&d->waiting[false], &b->wait);
}

enum block_have disk_block_want(struct disk *disk, uint32_t index, struct disk_wait *wait,
	struct disk_block **block, struct disk_window **window)
{
	struct disk_block *b;
	unsigned n = index % WINDOW_BLOCKS;

	HASH_FIND(hh, disk->blocks, &index, sizeof(index), b);
	if (b && b->data && !b->working) {
		block_promote(b);
		block_unkeep(b);
		b->uses++;
		*block = b;
		return BLOCK_HERE;
	}
	if (!b) {
		uint32_t number = index / WINDOW_BLOCKS;
		struct disk_window *w;

		HASH_FIND(hh, disk->windows, &number, sizeof(number), w);
		if (w && w->loaded && !w->busy && window_bit(w->checked, n)) {
			window_set(w->used, n, true);
			*window = disk_window_get(disk, number);
			return BLOCK_CHECKED;
		}
		if (w && w->is.listed && !window_bit(w->is.exists, n))
			return BLOCK_ZERO;
		b = block_create(disk, index, false);
		if (!b)
			return BLOCK_NOMEM;
		disk_wait_add(&b->waiting, wait);
		block_go(b);
		return BLOCK_COMING;
	}
	disk_wait_add(&b->waiting, wait);
	block_promote(b);
	gets_pump(disk->d);
	return BLOCK_COMING;
}

void disk_block_unuse(struct disk_block *b)
{
	b->uses--;
	block_keep(b);
}

bool disk_block_ahead(struct disk *disk, uint32_t index)
{
	struct disks *d = disk->d;
	uint32_t number = index / WINDOW_BLOCKS;
	unsigned n = index % WINDOW_BLOCKS;
	struct disk_window *w;
	struct disk_block *b;

	HASH_FIND(hh, disk->blocks, &index, sizeof(index), b);
	if (b)
		return true;
	HASH_FIND(hh, disk->windows, &number, sizeof(number), w);
	if (w && w->loaded && window_bit(w->is.cached, n) && window_bit(w->checked, n))
		return true;
	if (w && w->is.listed && !window_bit(w->is.exists, n))
		return true;
	if (d->n_ahead >= AHEAD_MAX)
		return false;
	b = block_create(disk, index, true);
	if (b)
		block_go(b);
	return b;
}
