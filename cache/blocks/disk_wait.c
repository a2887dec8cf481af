/* SPDX-License-Identifier: MIT */
/* Disks: lists of waiting objects, and jobs in threads. */
#include "disk_inner.h"

void disk_wait_add(struct waiters *list, struct disk_wait *w)
{
	waiters_append(list, &w->base);
	w->list = list;
}

void disk_wait_remove(struct disk_wait *w)
{
	if (w->list)
		waiters_leave(&w->base);
	w->list = NULL;
}

void disk_wait_wake(struct waiters *list, const struct err *err)
{
	struct waiters now = {0};
	struct disk_wait *w;

	waiters_move_all(list, &now);
	while ((w = waiters_take(&now))) {
		w->list = NULL;
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
