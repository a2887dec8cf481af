/* SPDX-License-Identifier: MIT */
/* Whether a copy's snapshot exists, by the region's catalogue or a request to EC2. */
#include "copy_presence.h"

#include "clock.h"
#include "confirm.h"

enum job_presence copy_presence(const struct region_queue *queue, const char *id)
{
	const struct catalogue *catalogue = region_catalogue(queue->region);
	catalogue_slot slot = catalogue_find(catalogue, id);
	struct catalogue_snapshot s;

	if (slot == CATALOGUE_NONE || !catalogue_get(catalogue, slot, &s))
		return JOB_PRESENCE_UNKNOWN;
	if (!s.exists)
		return JOB_PRESENCE_GONE;
	return s.state == EC2_SNAPSHOT_RECOVERABLE || s.state == EC2_SNAPSHOT_RECOVERING
		       ? JOB_PRESENCE_BIN
		       : JOB_PRESENCE_ALIVE;
}

/* Whether the last record of the copy is fresh enough. A copy in progress is polled, so its record
 * is fresh once there is one. */
bool copy_presence_is_fresh(const struct region_queue *queue, const struct copy *copy)
{
	enum job_presence presence = copy_presence(queue, copy->row.copy_id);
	struct catalogue *catalogue = region_catalogue(queue->region);

	if (copy->state != COPY_COMPLETED)
		return copy->state != COPY_PENDING || presence != JOB_PRESENCE_UNKNOWN;
	/* An override has shown the new copy whatever EC2's listings said: ask EC2 once it ends. */
	if (confirm_is_settled(queue->all, &copy->row) && presence == JOB_PRESENCE_ALIVE &&
		catalogue_override_settled(
			catalogue, catalogue_find(catalogue, copy->row.copy_id), clock_mono_ms()))
		return false;
	return presence == JOB_PRESENCE_ALIVE &&
	       region_id_is_confirmed(queue->region, copy->row.copy_id, clock_mono_ms());
}

struct presence_question *copy_presence_ask(
	struct region_queue *queue, const char *id, region_done *done, void *arg)
{
	return (struct presence_question *)region_confirm_id(queue->region, id, done, arg);
}

void copy_presence_cancel(struct presence_question *question)
{
	region_cancel((struct region_waiter *)question);
}
