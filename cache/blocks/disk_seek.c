/* SPDX-License-Identifier: MIT */
/* Finds data and holes of a disk. */
#include <errno.h>
#include <stdlib.h>

#include "disk_inner.h"

struct disk_seek {
	struct disk *disk;
	int64_t offset; /* the position that the search began at */
	uint32_t block; /* the block that is examined next */
	bool hole;
	struct disk_wait wait;
	disk_seek_done *done;
	void *arg;
	bool *finished; /* while disk_seek() runs */
};

static void seek_finish(struct disk_seek *seek, int64_t found, const struct err *err)
{
	if (seek->finished)
		*seek->finished = true;
	if (found >= 0 && found < seek->offset)
		found = seek->offset; /* the position is in the middle of a block */
	seek->done(seek->arg, found, err);
	free(seek);
}

/* Examines a window from seek->block on. Returns true if the block was found. */
static bool seek_window(struct disk_seek *seek, const struct disk_window *w)
{
	uint32_t end = (w->number + 1) * WINDOW_BLOCKS;

	for (; seek->block < end && seek->block < seek->disk->n_blocks; seek->block++)
		if (window_bit(w->is.exists, seek->block % WINDOW_BLOCKS) != seek->hole)
			return true;
	if (!seek->hole && w->next_exists != UINT32_MAX && w->next_exists > seek->block)
		seek->block = w->next_exists;
	return false;
}

static void seek_go(struct disk_seek *seek)
{
	struct disk *disk = seek->disk;

	while (seek->block < disk->n_blocks) {
		struct disk_window *w;
		int known;
		struct err err;

		if (!disk_is_open(disk, &seek->wait))
			return;
		w = disk_window_get(disk, seek->block / WINDOW_BLOCKS);
		known = w ? disk_window_need(w, WINDOW_LISTED, &seek->wait) : -ENOMEM;
		if (known == 0)
			return;
		if (known < 0) {
			err_set(&err, ENOMEM, "out of memory");
			seek_finish(seek, -1, &err);
			return;
		}
		if (seek_window(seek, w)) {
			seek_finish(seek, (int64_t)seek->block * (int64_t)EBS_BLOCK_SIZE, NULL);
			return;
		}
	}
	/* The end of the disk counts as a hole. */
	seek_finish(
		seek, seek->hole ? (int64_t)disk->n_blocks * (int64_t)EBS_BLOCK_SIZE : -1, NULL);
}

static void seek_woken(void *arg, const struct err *err)
{
	if (err)
		seek_finish(arg, -1, err);
	else
		seek_go(arg);
}

struct disk_seek *disk_seek(struct disk_reader *r, int64_t offset, bool hole, disk_seek_done *done,
	void *arg, bool *ready)
{
	struct disk_seek *seek = calloc(1, sizeof(*seek));
	bool finished = false;

	*ready = false;
	if (!seek)
		return NULL;
	*seek = (struct disk_seek){.disk = r->disk,
		.offset = offset,
		.block = (uint32_t)(offset / (int64_t)EBS_BLOCK_SIZE),
		.hole = hole,
		.wait = {.wake = seek_woken, .arg = seek},
		.done = done,
		.arg = arg,
		.finished = &finished};
	seek_go(seek);
	*ready = finished;
	if (finished)
		return NULL;
	seek->finished = NULL;
	return seek;
}

void disk_seek_cancel(struct disk_seek *seek)
{
	disk_wait_remove(&seek->wait);
	free(seek);
}
