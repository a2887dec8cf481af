/* SPDX-License-Identifier: MIT */
/* Finds data and holes of a disk that was written. */
#include <errno.h>
#include <stdlib.h>

#include "disk_inner.h"
#include "disk_rw.h"

#define BLOCK ((int64_t)EBS_BLOCK_SIZE)

struct disk_rw_seek {
	struct disk_reader *reader;
	int64_t offset;
	bool hole;
	disk_seek_done *done;
	void *arg;
	struct disk_seek *base;
	bool calling; /* disk_seek() is running */
	int64_t found;
	struct err err;
	bool *finished; /* while disk_rw_seek() runs */
};

static void rw_seek_end(struct disk_rw_seek *seek, int64_t found)
{
	if (seek->finished)
		*seek->finished = true;
	seek->done(seek->arg, found, seek->err.errnum ? &seek->err : NULL);
	free(seek);
}

/* Returns the next written data at or after this position; the disk's end: none. */
static int64_t rw_seek_local(const struct disk *disk, int64_t at)
{
	uint32_t block = (uint32_t)(at / BLOCK);
	int64_t found;

	if (!disk->overlay)
		return disk->n_blocks * BLOCK;
	found = disk_overlay_next_data(disk->overlay, block) * BLOCK;
	return found < at ? at : found;
}

static void rw_seek_came(void *arg, int64_t found, const struct err *err);

/* Seeks in the snapshot from seek->offset on. Returns true if the result is there already. */
static bool rw_seek_ask(struct disk_rw_seek *seek)
{
	struct disk_seek *base;
	bool ready;

	seek->calling = true;
	base = disk_seek(seek->reader, seek->offset, seek->hole, rw_seek_came, seek, &ready);
	seek->calling = false;
	if (!ready && base) {
		seek->base = base;
		return false;
	}
	if (!ready)
		err_set(&seek->err, ENOMEM, "out of memory");
	return true;
}

/* Continues with the snapshot's result. Returns true if that was the last step; then the seek is
 * freed. */
static bool rw_seek_step(struct disk_rw_seek *seek)
{
	const struct disk *disk = seek->reader->disk;
	int64_t local = rw_seek_local(disk, seek->offset), end = disk->n_blocks * BLOCK;

	if (seek->err.errnum) {
		rw_seek_end(seek, -1);
		return true;
	}
	if (!seek->hole) {
		if (seek->found < 0 || local < seek->found)
			seek->found = local < end ? local : seek->found;
		rw_seek_end(seek, seek->found);
		return true;
	}
	/* A hole of the snapshot that contains written data continues after the block of that data.
	 */
	if (seek->found == seek->offset && local == seek->offset && local < end)
		seek->found = (seek->offset / BLOCK + 1) * BLOCK;
	else if (seek->found == seek->offset) {
		rw_seek_end(seek, seek->found);
		return true;
	}
	seek->offset = seek->found;
	if (seek->offset < end)
		return false;
	rw_seek_end(seek, end);
	return true;
}

static void rw_seek_go(struct disk_rw_seek *seek)
{
	while (rw_seek_ask(seek))
		if (rw_seek_step(seek))
			return;
}

static void rw_seek_came(void *arg, int64_t found, const struct err *err)
{
	struct disk_rw_seek *seek = arg;

	seek->base = NULL;
	seek->found = found;
	if (err)
		seek->err = *err;
	if (!seek->calling && !rw_seek_step(seek))
		rw_seek_go(seek);
}

struct disk_rw_seek *disk_rw_seek(struct disk_reader *r, int64_t offset, bool hole,
	disk_seek_done *done, void *arg, bool *ready)
{
	struct disk_rw_seek *seek = calloc(1, sizeof(*seek));
	bool finished = false;

	*ready = false;
	if (!seek)
		return NULL;
	*seek = (struct disk_rw_seek){.reader = r,
		.offset = offset,
		.hole = hole,
		.done = done,
		.arg = arg,
		.finished = &finished};
	rw_seek_go(seek);
	*ready = finished;
	if (finished)
		return NULL;
	seek->finished = NULL;
	return seek;
}

void disk_rw_seek_cancel(struct disk_rw_seek *seek)
{
	if (seek->base)
		disk_seek_cancel(seek->base);
	free(seek);
}
