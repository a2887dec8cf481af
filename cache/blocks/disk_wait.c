/* SPDX-License-Identifier: MIT */
/* Disks: lists of what waits, and work in threads. */
#include <utlist.h>

#include "disk_inner.h"

void disk_wait_add(struct disk_wait **list, struct disk_wait *w)
{
	DL_APPEND(*list, w);
	w->list = list;
}

void disk_wait_remove(struct disk_wait *w)
{
	if (w->list)
		DL_DELETE(*w->list, w);
	w->list = NULL;
}

void disk_wait_wake(struct disk_wait **list, const struct err *err)
{
	struct disk_wait *now = NULL, *w;

	while ((w = *list)) {
		disk_wait_remove(w);
		disk_wait_add(&now, w);
	}
	while ((w = now)) {
		disk_wait_remove(w);
		w->wake(w->arg, err);
	}
}

static void disk_job_run(void *arg)
{
	struct disk_job *job = arg;

	job->run(job);
}

static void disk_job_done(void *arg)
{
	struct disk_job *job = arg;
	struct disks *d = job->d;

	d->jobs--;
	if (!d->ending) {
		job->done(job);
		return;
	}
	if (job->drop)
		job->drop(job);
	if (d->jobs == 0)
		d->free(d);
}

int disk_job_start(struct disk_job *job)
{
	int r = workers_run(job->d->options.workers, disk_job_run, disk_job_done, job);

	if (r == 0)
		job->d->jobs++;
	return r;
}
