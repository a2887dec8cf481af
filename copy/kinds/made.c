/* SPDX-License-Identifier: MIT */
/* Volumes and images as EC2 describes them: polled while they are made, asked about later. */
#include "made.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "job.h"
#include "poller.h"

/* EC2's last description of a volume or an image. */
struct made_seen {
	char id[EC2_ID_SIZE];
	char words[24];
	enum job_presence presence;
	int64_t at; /* monotonic */
	UT_hash_handle hh;
};

/* A request to EC2 about one volume or image, or a poll. */
struct presence_question {
	struct presence_question *prev, *next; /* made_region.questions */
	struct region_queue *queue;
	char id[EC2_ID_SIZE]; /* "": of a poll */
	struct aws_call *call;
	region_done *done;
	void *arg;
};

int made_attach(struct region_queue *queue, const struct made_type *type)
{
	struct made_region *m = calloc(1, sizeof(*m));

	queue->kind_region = m;
	if (!m)
		return -ENOMEM;
	m->type = type;
	return made_source_watch(queue);
}

void made_detach(struct region_queue *queue)
{
	struct made_region *m = made_region(queue);
	struct made_seen *seen, *next;

	while (m->questions)
		made_ask_cancel(m->questions);
	made_send_finish(queue);
	HASH_ITER (hh, m->seen, seen, next) {
		HASH_DEL(m->seen, seen);
		free(seen);
	}
	free(steal(&queue->kind_region));
}

/* --- the last description of each --- */

static const struct made_seen *made_seen_find(const struct region_queue *queue, const char *id)
{
	struct made_region *m = made_region(queue);
	struct made_seen *seen;

	HASH_FIND_STR(m->seen, id, seen);
	return seen;
}

/* Remembers a description. Without memory nothing is remembered, and EC2 is asked again. */
static void made_seen_put(
	struct region_queue *queue, const char *id, const char *words, enum job_presence presence)
{
	struct made_region *m = made_region(queue);
	struct made_seen *seen;

	HASH_FIND_STR(m->seen, id, seen);
	if (!seen) {
		seen = calloc(1, sizeof(*seen));
		if (!seen)
			return;
		snprintf(seen->id, sizeof(seen->id), "%s", id);
		HASH_ADD_STR(m->seen, id, seen);
		if (!seen->hh.tbl) {
			free(seen);
			return;
		}
	}
	snprintf(seen->words, sizeof(seen->words), "%s", words);
	seen->presence = presence;
	seen->at = clock_mono_ms();
}

enum job_presence made_presence(const struct region_queue *queue, const char *id)
{
	const struct made_seen *seen = made_seen_find(queue, id);

	return seen ? seen->presence : JOB_PRESENCE_UNKNOWN;
}

bool made_is_fresh(const struct region_queue *queue, const struct copy *copy)
{
	const struct made_seen *seen =
		copy->row.copy_id ? made_seen_find(queue, copy->row.copy_id) : NULL;

	if (copy->state != COPY_COMPLETED)
		return true; /* a job in progress is polled */
	return seen && seen->presence == JOB_PRESENCE_ALIVE &&
	       clock_mono_ms() - seen->at < region_ttl_ms(queue->region);
}

const char *made_state(const struct copies *c, const struct copy *copy)
{
	struct region_queue *queue;
	const struct made_seen *seen = NULL;

	if (copy->state != COPY_COMPLETED)
		return NULL;
	if (copy->row.dry_run)
		return "completed";
	for (queue = c->queues; queue && !seen; queue = queue->hh.next)
		if (queue->kind == copy->kind && !strcmp(queue->name, copy->row.region))
			seen = made_seen_find(queue, copy->row.copy_id);
	return seen && seen->presence == JOB_PRESENCE_ALIVE && *seen->words ? seen->words : NULL;
}

/* --- records --- */

static void made_see(struct region_queue *queue, const struct made_record *record)
{
	int64_t now = clock_wall_ms();
	struct job *job;

	made_seen_put(queue, record->id, record->words,
		record->state == MADE_GONE ? JOB_PRESENCE_GONE : JOB_PRESENCE_ALIVE);
	HASH_FIND(hh_id, queue->ids, record->id, strlen(record->id), job);
	if (!job || !job_is_watched(job))
		return;
	if (record->created_ms)
		job->pub.row.started_ms = record->created_ms;
	switch (record->state) {
	case MADE_PENDING:
		break;
	case MADE_DONE:
		job_event(job, JOB_COMPLETED, &(struct job_news){.ended_ms = now});
		break;
	case MADE_FAILED:
		job_event(job, JOB_ERROR,
			&(struct job_news){.ended_ms = now,
				.message =
					*record->message ? record->message : "EC2 gave no reason"});
		break;
	case MADE_GONE:
		job_event(job, JOB_GONE,
			&(struct job_news){.ended_ms = now,
				.message = "it was deleted while EC2 was making it"});
		break;
	}
}

/* --- questions --- */

static struct presence_question *made_question_start(
	struct region_queue *queue, const char *const *ids, size_t n)
{
	struct made_region *m = made_region(queue);
	struct presence_question *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->queue = queue;
	DL_APPEND(m->questions, q);
	q->call = m->type->describe(queue, ids, n, q);
	if (q->call)
		return q;
	made_ask_cancel(q);
	return NULL;
}

void made_ask_cancel(struct presence_question *question)
{
	struct made_region *m = made_region(question->queue);

	if (question->call)
		aws_cancel(question->call);
	if (m->poll == question)
		m->poll = NULL;
	DL_DELETE(m->questions, question);
	free(question);
}

void made_described(struct presence_question *question, const void *list, size_t n,
	made_record_fn *record, const struct err *err)
{
	struct region_queue *queue = question->queue;
	bool polls = made_region(queue)->poll == question;
	region_done *done = question->done;
	void *done_arg = question->arg;

	question->call = NULL;
	if (!polls && !err && !n)
		made_seen_put(queue, question->id, "", JOB_PRESENCE_GONE);
	for (size_t i = 0; i < n; i++) {
		struct made_record seen;

		record(list, i, &seen);
		made_see(queue, &seen);
		if (polls)
			poller_answered(queue, seen.id);
	}
	made_ask_cancel(question);
	if (polls)
		poller_done(queue, err);
	else
		done(done_arg, err);
}

int made_poll(struct region_queue *queue)
{
	queue->polls++;
	made_region(queue)->poll =
		made_question_start(queue, queue->poller.ids, queue->poller.n_ids);
	return made_region(queue)->poll ? 0 : -ENOMEM;
}

void made_poll_cancel(struct region_queue *queue)
{
	if (made_region(queue)->poll)
		made_ask_cancel(made_region(queue)->poll);
}

struct presence_question *made_ask(
	struct region_queue *queue, const char *id, region_done *done, void *arg)
{
	const char *ids[] = {id};
	struct presence_question *q = made_question_start(queue, ids, 1);

	if (!q)
		return NULL;
	snprintf(q->id, sizeof(q->id), "%s", id);
	q->done = done;
	q->arg = arg;
	return q;
}
