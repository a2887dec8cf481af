/* SPDX-License-Identifier: MIT */
/* Opens a disk's files in the cache, and those of another snapshot of its volume. */
#include "disk_inner.h"
#include "log.h"

static void disk_open_run(struct disk_job *job)
{
	struct disk *disk = JOB_OWNER(job, struct disk);
	struct disks *d = disk->d;

	disk->result.errnum = 0;
	if (!d->store && block_store_open(d->options.cache_dir, d->options.cache_scope,
				 d->options.cache_bytes, &d->store, &disk->result) < 0)
		return;
	if (block_file_open(d->store, &disk->owner, &disk->file, &disk->result) < 0)
		return;
	if (*disk->owner.volume && block_file_open_sibling(d->store, &disk->owner, &disk->sibling,
					   disk->sibling_id, &disk->sibling_start_ms) < 0)
		disk->sibling = NULL;
}

static void disk_open_done(struct disk_job *job)
{
	struct disk *disk = JOB_OWNER(job, struct disk);

	disk->d->opening = false;
	if (disk->result.errnum && !disk->d->store_failed) {
		disk->d->store_failed = true;
		log_warning("blocks of disks are not kept, so they are bought anew when they are "
			    "read again: %s",
			disk->result.message);
	}
	disk->state = DISK_OPEN;
	disk_wait_wake(&disk->waiting, NULL);
	disk_wait_wake(&disk->d->opens, NULL);
}

bool disk_is_open(struct disk *disk, struct disk_wait *wait)
{
	struct disks *d = disk->d;

	if (disk->state == DISK_OPEN)
		return true;
	if (!d->options.cache_dir) {
		disk->state = DISK_OPEN;
		return true;
	}
	if (disk->state == DISK_OPENING) {
		disk_wait_add(&disk->waiting, wait);
		return false;
	}
	/* Only one disk is opened at a time, because the first opens the cache. */
	if (d->opening) {
		disk_wait_add(&d->opens, wait);
		return false;
	}
	disk->job = (struct disk_job){d, disk_open_run, disk_open_done, NULL};
	if (disk_job_start(&disk->job) < 0) {
		disk->state = DISK_OPEN; /* there is no cache */
		return true;
	}
	d->opening = true;
	disk->state = DISK_OPENING;
	disk_wait_add(&disk->waiting, wait);
	return false;
}
