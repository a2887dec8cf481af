/* SPDX-License-Identifier: MIT */
/* The snapshots that jobs and requests name. */
#include "job_names.h"

#include <errno.h>
#include <string.h>

#include "admission.h"

struct naming {
	struct region_queue *queue;
	struct slot_set *named;
	int result;
};

static void name_id(struct naming *n, const char *id)
{
	catalogue_slot slot = catalogue_find_shown(region_catalogue(n->queue->region), id);

	if (slot != CATALOGUE_NONE && slot_set_add(n->named, slot) < 0)
		n->result = -ENOMEM;
}

static void name_row(void *arg, const struct journal_copy *row)
{
	struct naming *n = arg;

	if (row->copy_id && !row->kind && !strcmp(row->region, n->queue->name))
		name_id(n, row->copy_id);
	if (row->source_id && row->source_region && !strcmp(row->source_region, n->queue->name))
		name_id(n, row->source_id);
}

int job_names_mark(struct region_queue *queue, struct slot_set *named)
{
	struct naming n = {.queue = queue, .named = named};

	for (const struct job *job = queue->all->rows; job; job = job->hh.next)
		if (job->work || job->moving)
			name_row(&n, &job->pub.row);
	admission_each_row(queue->all, name_row, &n);
	for (const struct foreign *f = queue->foreign; f; f = f->hh.next)
		name_row(&n, &f->pub.row);
	for (const struct held *h = queue->held; h; h = h->hh.next)
		name_id(&n, h->id);
	return n.result;
}
