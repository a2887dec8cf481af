/* SPDX-License-Identifier: MIT */
/* A request before its job has a row: joins the living copy of its key, or checks the request. */
#include "admission.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "amend.h"
#include "clock.h"
#include "confirm.h"
#include "encode.h"
#include "endpoint.h"
#include "job.h"
#include "job_key.h"
#include "log.h"
#include "poller.h"
#include "preflight.h"
#include "random.h"
#include "recover.h"
#include "region_queue.h"

#define TOKEN_BYTES  16
#define PATIENCE_MS  5000 /* for a dry run */
#define PERMITTED_MS (10 * 60 * 1000)
#define UNKNOWN_MS   (60 * 1000)
#define DRY_RUNS_MAX 32

/* --- the source: whether it can be copied now, and waiting until it can --- */

int admission_source_unknown(const char *region, const char *id, struct err *err)
{
	return err_set(err, ENOENT,
		"EC2 knows no snapshot %s in %s, or this account may not see it", id, region);
}

enum source_state admission_source_state(
	struct region *region, const char *id, catalogue_slot *slot, struct err *err)
{
	struct catalogue *catalogue = region_catalogue(region);
	catalogue_slot at = catalogue_find(catalogue, id);
	struct catalogue_snapshot s;

	if (slot)
		*slot = at;
	if (at == CATALOGUE_NONE || !catalogue_get(catalogue, at, &s) || !s.exists)
		return SOURCE_UNKNOWN;
	switch (s.state) {
	case EC2_SNAPSHOT_PENDING:
		return SOURCE_PENDING;
	case EC2_SNAPSHOT_ERROR:
		err_set(err, EINVAL,
			"source %s is in state error%s%s; EC2 cannot use it: choose another "
			"snapshot",
			id, *s.state_message ? ": " : "", s.state_message);
		return SOURCE_UNFIT;
	case EC2_SNAPSHOT_RECOVERABLE:
	case EC2_SNAPSHOT_RECOVERING:
		err_set(err, EINVAL, "source %s is in the recycle bin (%s); restore it first", id,
			s.state_text);
		return SOURCE_UNFIT;
	case EC2_SNAPSHOT_COMPLETED:
	case EC2_SNAPSHOT_UNKNOWN: /* a state that ebsfs does not know: EC2 decides */
		break;
	}
	if (preflight_snapshot_is_archived(catalogue, at, clock_wall_ms())) {
		err_set(err, EOPNOTSUPP,
			"source %s is in the archive tier; restore it first (aws ec2 "
			"restore-snapshot-tier), which takes up to 72 hours",
			id);
		return SOURCE_UNFIT;
	}
	return SOURCE_READY;
}

/* Whether the snapshot is a copy of this journal that is so new that EC2 may not show it yet. */
static bool source_is_new(struct copies *c, const char *region, const char *id)
{
	const struct copy *copy = recover_find_snapshot(c, region, id);

	return copy && copy->origin == COPY_OURS && job_key_is_alive(copy->state, &copy->row) &&
	       !confirm_is_settled(c, &copy->row);
}

static void source_explain(struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	struct catalogue *catalogue = region_catalogue(job->work->source->region);
	catalogue_slot slot = catalogue_find(catalogue, row->source_id);
	struct catalogue_snapshot s;

	if (slot != CATALOGUE_NONE && catalogue_get(catalogue, slot, &s) &&
		s.progress != EC2_PROGRESS_UNKNOWN)
		job_reason(job, "source %s is still pending (%d%%)", row->source_id, s.progress);
	else
		job_reason(job, "source %s is still pending", row->source_id);
}

/* Makes the job wait in the queue for its pending source, and polls the source's region for it. 0
 * or -ENOMEM. */
static int source_wait(struct job *job)
{
	struct region_queue *queue = region_queue_get(job->all, job->pub.row.source_region);

	if (!queue || poller_hold(queue, job->pub.row.source_id) < 0)
		return -ENOMEM;
	job->work->source = queue;
	source_explain(job);
	return 0;
}

static void source_checked(struct job *job, const struct err *err)
{
	struct err mine;

	if (err) {
		mine = *err;
		err_context(&mine, "source %s/%s cannot be looked up", job->pub.row.source_region,
			job->pub.row.source_id);
	}
	job_event(job, JOB_CHECKED, &(struct job_news){.err = err ? &mine : NULL});
}

static void source_no_memory(struct job *job)
{
	struct err err;

	err_set(&err, ENOMEM, "out of memory");
	source_checked(job, &err);
}

/* Decides about the queued job by the source's record, after EC2's response has updated it. */
static void source_decide(struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	struct region *region = regions_get(job->all->options.regions, row->source_region);
	struct err err;

	if (!region) {
		source_no_memory(job);
		return;
	}
	switch (admission_source_state(region, row->source_id, NULL, &err)) {
	case SOURCE_READY:
		source_checked(job, NULL);
		break;
	case SOURCE_PENDING:
		source_checked(job, NULL);
		if (source_wait(job) < 0)
			source_no_memory(job);
		break;
	case SOURCE_UNKNOWN:
		admission_source_unknown(row->source_region, row->source_id, &err);
		if (source_is_new(job->all, row->source_region, row->source_id)) {
			err_set(&err, EAGAIN,
				"EC2 does not show snapshot %s yet, although it has just made it; "
				"ebsfs asks again",
				row->source_id);
			job_event(job, JOB_CHECKED, &(struct job_news){.err = &err});
		} else {
			job_event(job, JOB_REFUSED, &(struct job_news){.err = &err});
		}
		break;
	case SOURCE_UNFIT:
		job_event(job, JOB_REFUSED, &(struct job_news){.err = &err});
		break;
	}
}

static void source_asked(void *arg, const struct err *err)
{
	struct work *w = arg;

	w->waiter = NULL;
	if (err)
		source_checked(w->job, err);
	else
		source_decide(w->job);
}

bool admission_check_source(struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	struct region *region = regions_get(job->all->options.regions, row->source_region);
	struct work *w = job->work;
	bool ready = false;
	struct err err;

	if (!region) {
		source_no_memory(job);
		return false;
	}
	switch (admission_source_state(region, row->source_id, NULL, &err)) {
	case SOURCE_READY:
		return true;
	case SOURCE_UNKNOWN:
		w->waiter = region_ensure_id(region, row->source_id, true, source_asked, w, &ready);
		if (w->waiter)
			job_event(job, JOB_CHECKING, NULL);
		else if (ready)
			source_decide(job);
		else
			source_no_memory(job);
		return false;
	default:
		source_decide(job);
		return false;
	}
}

static void source_look_again(struct job *job)
{
	struct region_queue *queue = job->work->source;
	struct err err;

	if (admission_source_state(queue->region, job->pub.row.source_id, NULL, &err) ==
		SOURCE_PENDING) {
		source_explain(job);
		return;
	}
	/* When the job's turn comes, admission_check_source() looks up the source's new state. */
	job->work->source = NULL;
	poller_release(queue, job->pub.row.source_id);
	job_no_reason(job);
	job_changed(job);
	region_queue_wake(job->queue);
}

void admission_source_changed(struct region_queue *queue, const char *id)
{
	struct region_queue *q;
	struct job *job, *next;
	struct held *h;

	HASH_FIND_STR(queue->held, id, h);
	if (!h || !h->holds)
		return;
	for (q = queue->all->queues; q; q = q->hh.next)
		for (job = q->waiting; job; job = next) {
			next = job->next;
			if (job->work->source == queue && !strcmp(job->pub.row.source_id, id))
				source_look_again(job);
		}
}

/* --- a request --- */

struct admission {
	struct admission *prev, *next;
	struct copies *all;
	const struct job_kind *kind;
	struct journal_copy row;
	/* Only the request's kind, tags, label, name and no_tags are set. */
	struct copy_request tags;
	struct preflight known;
	struct journal_receipt receipt;
	char *key;
	char *name; /* the file's; NULL */
	bool awaits_description;
	bool unresolved; /* the source snapshot is being made: wait in the queue (kind->resolve())
			  */
	struct made_question *question;
	bool waits; /* EC2 was not asked for others' copies: check() does so on the job's turn */
	/* Set when the request has joined a copy: */
	int64_t joined; /* the copy's row */
	bool failed;    /* the copy was refused, with `err` */
	struct err err;
	bool has_receipt;
	copies_done *done;
	void *done_arg;
	struct reply *reply; /* allocated early, so that reporting an error needs no memory */
	struct region_waiter *waiter;
	bool source_pending;
	struct region_queue *awaits; /* the queue of the region whose settings it waits for; NULL */
	const struct dry_run *tries; /* the dry run that it waits for; NULL */
	bool tried;
};

static void admission_destroy(struct admission *a)
{
	if (!a)
		return;
	if (a->waiter)
		region_cancel(a->waiter);
	if (a->question)
		a->kind->find_made_cancel(a->question);
	if (a->prev)
		DL_DELETE(a->all->admissions, a);
	journal_copy_finish(&a->row);
	snapshot_file_finish(&a->tags);
	journal_receipt_finish(&a->receipt);
	free(a->name);
	free(a->key);
	free(a->reply);
	free(a);
}

/* Reports the request's end without a copy: the journal has no row of it. */
static void admission_tell(struct admission *a, const struct err *err)
{
	reply_send(a->all, steal(&a->reply), a->done, a->done_arg, 0, err);
}

static void admission_end(struct admission *a, const struct err *err)
{
	admission_tell(a, err);
	admission_destroy(a);
}

static void admission_end_memory(struct admission *a)
{
	struct err err;

	err_set(&err, ENOMEM, "out of memory");
	admission_end(a, &err);
}

void admission_finish(struct copies *c)
{
	while (c->admissions)
		admission_destroy(c->admissions);
}

void admission_each_row(
	const struct copies *c, void (*fn)(void *arg, const struct journal_copy *row), void *arg)
{
	for (const struct admission *a = c->admissions; a; a = a->next)
		fn(arg, &a->row);
}

static bool admission_is_source(const struct journal_copy *row, const char *region, const char *id)
{
	return row->source_id && !strcmp(row->source_id, id) && !strcmp(row->source_region, region);
}

bool admission_needs(const struct copies *c, const char *region, const char *id)
{
	for (const struct admission *a = c->admissions; a; a = a->next)
		if (admission_is_source(&a->row, region, id))
			return true;
	for (struct region_queue *queue = c->queues; queue; queue = queue->hh.next) {
		struct job *lists[] = {queue->waiting, queue->running};

		for (size_t i = 0; i < ARRAY_LEN(lists); i++)
			for (struct job *job = lists[i]; job; job = job->next)
				if (!job->pub.row.dry_run &&
					admission_is_source(&job->pub.row, region, id))
					return true;
		for (struct foreign *f = queue->foreign; f; f = f->hh.next)
			if (f->pub.state == COPY_PENDING &&
				admission_is_source(&f->pub.row, region, id))
				return true;
	}
	return false;
}

/* Gives the request its idempotency token, if its kind has one, once its key can no longer change.
 * A dry run keeps its random token. 0 or -ENOMEM. */
static int admission_stamp(struct admission *a)
{
	if (!a->kind->token || a->row.dry_run)
		return 0;
	a->row.generation = job_key_generation(a->all, &a->row);
	return a->kind->token(&a->row);
}

/* Makes a job of the request, and frees the request. NULL: out of memory, or no such region; the
 * error was reported to the request's caller. */
static struct job *admission_admit(
	struct admission *a, enum copy_state state, const struct err *refusal)
{
	struct job_start start = {.state = state,
		.receipt = a->has_receipt ? &a->receipt : NULL,
		.done = a->done,
		.done_arg = a->done_arg,
		.refusal = refusal};
	struct job *job = NULL;

	if (!admission_stamp(a))
		job = job_admit(a->all, a->kind, &a->row, &start);
	if (job)
		admission_destroy(a);
	else if (refusal)
		admission_end(a, refusal);
	else
		admission_end_memory(a);
	return job;
}

/* Records the request as a failed job that was never sent, so that the receipt's status says why.
 */
static void admission_refuse(struct admission *a, const struct err *err)
{
	admission_admit(a, COPY_FAILED, err);
}

static void admission_refuse_memory(struct admission *a)
{
	struct err err;

	err_set(&err, ENOMEM, "out of memory");
	admission_refuse(a, &err);
}

/* --- dry runs --- */

struct dry_run {
	struct dry_run *next; /* queue.dry_runs */
	struct region_queue *queue;
	char *terms;           /* options of the request that EC2's permission may depend on */
	struct aws_call *call; /* under way; NULL */
	struct loop_timer *patience;
	int64_t again_at; /* monotonic: not sent again before this time */
};

static void admission_begin(struct admission *a);
static void admission_judge(struct admission *a);
static void admission_find_made(struct admission *a);

/* Continues the requests that waited for this dry run. refusal: refuses them with this error; NULL:
 * they are not refused. */
static void admission_tried(struct dry_run *run, const struct err *refusal)
{
	struct admission *a = run->queue->all->admissions;

	/* The calls below may remove `a` from the list, but add no request to it. */
	while (a) {
		struct admission *next = a->next;

		if (a->tries == run) {
			a->tries = NULL;
			if (refusal)
				admission_refuse(a, refusal);
			else
				admission_judge(a);
		}
		a = next;
	}
}

static char *dry_run_terms(const struct journal_copy *row)
{
	char *terms;

	if (asprintf(&terms, "%d %d %d %s", row->encrypted, row->completion_minutes != 0,
		    row->tags != NULL, row->kms_key_id ? row->kms_key_id : "") < 0)
		return NULL;
	return terms;
}

static void dry_run_timeout(void *arg)
{
	struct dry_run *run = arg;

	if (!run->call)
		return;
	aws_cancel(steal(&run->call));
	admission_tried(run, NULL);
}

/* The dry run for requests with the row's terms, created if necessary. NULL: no memory, or
 * DRY_RUNS_MAX reached. */
static struct dry_run *dry_run_get(struct region_queue *queue, const struct journal_copy *row)
{
	char *terms = dry_run_terms(row);
	struct dry_run *run;
	int n = 0;

	for (run = terms ? queue->dry_runs : NULL; run; run = run->next, n++)
		if (!strcmp(run->terms, terms)) {
			free(terms);
			return run;
		}
	run = terms && n < DRY_RUNS_MAX ? calloc(1, sizeof(*run)) : NULL;
	if (run)
		run->patience = loop_timer_create(queue->all->options.loop, dry_run_timeout, run);
	if (!run || !run->patience) {
		free(run);
		free(terms);
		return NULL;
	}
	run->queue = queue;
	run->terms = terms;
	run->next = queue->dry_runs;
	queue->dry_runs = run;
	return run;
}

void admission_dry_run_copied(struct region_queue *queue, const char *id, struct err *err)
{
	queue->heeds_dry_run = false;
	queue->copies_dry = true;
	err_set(err, EIO,
		"the endpoint ignored DryRun: instead of only checking the request, it started the "
		"%s %s in %s; delete %s, unless you want to keep it",
		queue->kind->name, id, queue->name, id);
}

static void dry_run_answered(
	void *arg, const char *id, const char *request_id, const struct err *err)
{
	struct dry_run *run = arg;
	struct err copied;
	char why[700];

	(void)request_id;
	run->call = NULL;
	loop_timer_stop(run->patience);
	if (!err && id) {
		/* dry_run_is_safe() trusted this endpoint: report the unwanted copy to the user. */
		admission_dry_run_copied(run->queue, id, &copied);
		admission_tried(run, &copied);
	} else if (!err) {
		run->again_at = clock_mono_ms() + PERMITTED_MS;
		admission_tried(run, NULL);
	} else if (preflight_is_forbidden(err)) {
		run->again_at = 0; /* the policy may be mended at any time */
		admission_tried(run, err);
	} else {
		log_debug("%s", err_text(err, why, sizeof(why)));
		admission_tried(run, NULL);
	}
}

/* An endpoint that ignores DryRun would make the copy. Only Amazon's endpoints are trusted, and an
 * endpoint that obeyed a dry run which the user requested. */
static bool dry_run_is_safe(const struct region_queue *queue)
{
	return !queue->copies_dry &&
	       (queue->heeds_dry_run || !aws_endpoint_is_named(queue->all->options.aws));
}

/* Starts a dry run before the row's request is queued, or returns the one in flight for the same
 * terms; admission_tried() follows within five seconds. NULL: the request need not wait. */
static struct dry_run *dry_run_start(struct region_queue *queue, const struct journal_copy *row)
{
	int64_t now = clock_mono_ms();
	struct dry_run *run;
	struct err err;

	/* During a pause of the queue no request gets through, so a dry run would show nothing. */
	if (!queue->kind->dry_run || !dry_run_is_safe(queue) || queue->pause_until > now)
		return NULL;
	run = dry_run_get(queue, row);
	if (!run || run->call)
		return run;
	if (now < run->again_at)
		return NULL;
	/* Without a usable response, no other dry run is sent before UNKNOWN_MS. */
	run->again_at = now + UNKNOWN_MS;
	run->call = queue->kind->dry_run(queue->all, row, dry_run_answered, run, &err);
	if (!run->call)
		return NULL;
	loop_timer_start(run->patience, PATIENCE_MS);
	return run;
}

void admission_permitted(struct region_queue *queue, const struct journal_copy *row)
{
	struct dry_run *run;

	if (row->dry_run)
		queue->heeds_dry_run = true;
	run = queue->kind->dry_run && dry_run_is_safe(queue) ? dry_run_get(queue, row) : NULL;
	if (run)
		run->again_at = clock_mono_ms() + PERMITTED_MS;
}

void admission_forget(struct region_queue *queue)
{
	while (queue->dry_runs) {
		struct dry_run *run = queue->dry_runs;

		queue->dry_runs = run->next;
		if (run->call)
			aws_cancel(run->call);
		loop_timer_destroy(run->patience);
		free(run->terms);
		free(run);
	}
}

/* --- joining a living copy --- */

static void admission_copies_nothing(struct admission *a, const char *copy_id, const char *state)
{
	free(steal(&a->row.message));
	if (copy_id ? asprintf(&a->row.message, "dry run: would %s nothing: %s is the %s",
			      a->kind->verb, copy_id, a->kind->name) < 0
		    : asprintf(&a->row.message, "dry run: would %s nothing: a %s is %s",
			      a->kind->verb, a->kind->name, state) < 0)
		a->row.message = NULL;
	a->row.ended_ms = clock_wall_ms();
	admission_admit(a, COPY_COMPLETED, NULL);
}

/* Refuses an equal request whose options the copy can never get. 0, or -EEXIST with *err. */
static int admission_fits(struct admission *a, struct copy *copy, struct err *err)
{
	const struct journal_copy *row = &copy->row;

	if (copy->state == COPY_FAILED)
		return err_set(err, EEXIST,
			"it is unknown whether EC2 made the %s of %s/%s that was requested earlier "
			"(%s), so nothing was sent now: look for the %s in %s%s%s%s",
			a->kind->name, row->source_region, row->source_id,
			row->message ? row->message : "", a->kind->name, row->region,
			a->kind->again ? "; to request one more, add the line '"
				       : "; to request one more, use another name",
			a->kind->again ? a->kind->again : "", a->kind->again ? ": LABEL'" : "");
	if (a->row.move && row->adopted)
		return err_set(err, EEXIST,
			"another ebsfs has already made %s in %s as a copy of %s/%s, so mv did not "
			"delete the source: if you no longer need %s/%s, remove it with rmdir",
			row->copy_id, row->region, row->source_region, row->source_id,
			row->source_region, row->source_id);
	return a->kind->difference(a->all, copy, &a->known, err);
}

/* The receipt is durable, or could not be written. */
static void admission_recorded(void *arg, const struct err *err)
{
	struct admission *a = arg;
	struct copy *copy = recover_find(a->all, a->joined);
	copies_done *done = a->done;
	void *done_arg = a->done_arg;
	struct err mine;
	bool failed = a->failed || err, moves = a->row.move && copy && !a->failed;

	if (failed)
		mine = a->failed ? a->err : *err;
	if (moves && err)
		amend_keep_source(copy);
	else if (moves && copy->state == COPY_COMPLETED)
		copy->kind->ended(job_of(copy));
	admission_destroy(a);
	done(done_arg, err ? NULL : copy, failed ? &mine : NULL);
}

/* The request's receipt becomes one of this copy. err: the copy's own refusal. */
static void admission_record(struct admission *a, struct copy *copy, const struct err *err)
{
	struct job *job = job_of(copy);

	a->joined = copy->row.id;
	a->failed = err != NULL;
	if (err)
		a->err = *err;
	if (a->row.move && !err && !copy->row.move) {
		copy->row.move = true;
		if (copy->row.code)
			job_note(job, NULL, NULL, NULL);
		job_save(job);
		job_changed(job);
	}
	a->receipt.copy = copy->row.id;
	if (!a->has_receipt)
		admission_recorded(a, NULL);
	else if (journal_put_receipt(a->all->options.journal, &a->receipt, admission_recorded, a) <
		 0)
		admission_end_memory(a);
}

static void admission_tagged(void *arg, struct copy *copy, const struct err *err)
{
	struct admission *a = arg;

	if (err)
		admission_end(a, err);
	else if (!copy)
		admission_end_memory(a);
	else
		admission_record(a, copy, NULL);
}

static void admission_join(struct admission *a, struct copy *copy)
{
	struct job *job = job_of(copy);
	struct err err;

	if (admission_fits(a, copy, &err) < 0) {
		admission_end(a, &err);
		return;
	}
	if (copy->state == COPY_QUEUED && job->work->cancels)
		region_queue_hold(job, 0, false);
	if (amend_tags(a->all, copy, a->tags.tags, a->tags.n_tags, admission_tagged, a) < 0)
		admission_end_memory(a);
}

/* The copy that the request waited for was accepted or refused. */
static void admission_decided(void *arg, struct copy *copy, const struct err *err)
{
	struct admission *a = arg;

	if (!copy)
		admission_end(a, err);
	else if (err)
		admission_record(a, copy, err);
	else
		admission_join(a, copy);
}

/* EC2 responded whether the completed copy still exists. */
static void admission_confirmed(void *arg, struct copy *copy, const struct err *err)
{
	struct admission *a = arg;

	if (err)
		admission_end(a, err);
	else if (!copy || !job_key_is_alive(copy->state, &copy->row))
		admission_begin(a);
	else if (a->row.dry_run)
		admission_copies_nothing(a, copy->row.copy_id, copy->kind->states[copy->state]);
	else
		admission_join(a, copy);
}

/* Whether the request's options can be compared with those of this copy in progress only by EC2's
 * record of it, because another ebsfs made the copy. */
static bool admission_compares(const struct admission *a, const struct copy *copy)
{
	const struct journal_copy *row = &a->row;

	return copy->state == COPY_PENDING && copy->row.adopted &&
	       (row->description || row->encrypted || a->known.unencrypted ||
		       row->completion_minutes);
}

/* A copy of this journal satisfies the request although the index of keys does not have it: its
 * deleted snapshot exists again, or it was the second living copy of its key (label "#ID"). */
static void admission_restore(struct admission *a, struct job *job)
{
	if (job->pub.state == COPY_DELETED && job->phase == PHASE_REST)
		job_event(job, JOB_COMPLETED, NULL);
	if (job_key_is_spare(&job->pub)) {
		if (job_key_take(job, a->row.label) < 0) {
			admission_end_memory(a);
			return;
		}
		job_save(job);
	}
	admission_begin(a);
}

static void admission_revived(void *arg, const struct journal_copy *row, const struct err *err)
{
	struct admission *a = arg;
	struct copy *copy = row ? recover_revive(a->all, row) : NULL;

	if (err)
		admission_end(a, err);
	else if (!copy)
		admission_end_memory(a);
	else
		admission_restore(a, job_of(copy));
}

/* Reads the whole row of a copy that ended long ago, so that the row can be changed. */
static void admission_revive(struct admission *a, const struct copy *copy)
{
	if (journal_get_copy(a->all->options.journal, copy->row.id, admission_revived, a) < 0)
		admission_end_memory(a);
}

/* Joins, compares or refuses: `copy` is alive and has the request's key. */
static void admission_meet(struct admission *a, struct copy *copy)
{
	struct job *job = job_of(copy);
	struct err err;

	if (a->row.move && job->recalled) {
		admission_revive(a, copy);
	} else if (copy->state == COPY_COMPLETED && !job_is_undecided(job)) {
		if (confirm_start(a->all, copy, admission_confirmed, a) < 0)
			admission_end_memory(a);
	} else if (a->row.dry_run) {
		admission_copies_nothing(a, copy->row.copy_id, copy->kind->states[copy->state]);
	} else if (admission_fits(a, copy, &err) < 0 && !admission_compares(a, copy)) {
		admission_end(a, &err);
	} else if (job_is_undecided(job)) {
		if (job_wait(job, true, admission_decided, a) < 0)
			admission_end_memory(a);
	} else if (admission_compares(a, copy)) {
		if (confirm_start(a->all, copy, admission_confirmed, a) < 0)
			admission_end_memory(a);
	} else {
		admission_join(a, copy);
	}
}

/* Whether `copy` decides about the request. A failed copy whose outcome is unknown does not decide
 * about a dry run. */
static bool admission_concerns(const struct admission *a, const struct copy *copy)
{
	return copy && !(a->row.dry_run && copy->state == COPY_FAILED);
}

/* Looks for a living job of the same key, which may have been admitted since the last look, and
 * continues with it. False: there is none. */
static bool admission_meets_another(struct admission *a)
{
	struct job *job = job_key_find(a->all, a->key);

	if (!job || !admission_concerns(a, &job->pub))
		return false;
	admission_meet(a, &job->pub);
	return true;
}

/* --- the decision --- */

/* All checks are done: queues the request, or sends it at once. */
static void admission_proceed(struct admission *a, bool at_once)
{
	bool source_pending = a->source_pending, describes = a->awaits_description;
	struct job *job;

	if (admission_meets_another(a))
		return;
	job = admission_admit(a, at_once ? COPY_SUBMITTING : COPY_QUEUED, NULL);
	if (job && !at_once && describes) {
		job->work->describe_until = clock_mono_ms() + COPIES_DESCRIPTION_MAX_MS;
		region_queue_hold_for_description(job);
	}
	/* If source_wait() fails for lack of memory, the queue asks EC2 for the source instead. */
	if (job && !at_once && source_pending)
		source_wait(job);
}

/* Judges the request by the facts known so far; starts a dry run if the request must wait. */
static void admission_judge(struct admission *a)
{
	struct region_queue *queue = region_queue_of(a->all, a->kind, a->row.region);
	bool at_once = a->row.dry_run ||
		       (!a->source_pending && !a->awaits_description && queue && !a->unresolved &&
			       !a->waits && region_queue_is_free(queue));
	struct err err;

	if (a->kind->judge(&a->known, &err) < 0) {
		admission_refuse(a, &err);
		return;
	}
	if (!at_once && queue && !a->tried) {
		a->tried = true;
		a->tries = dry_run_start(queue, &a->row);
	}
	if (!a->tries)
		admission_proceed(a, at_once);
}

/* The source can be copied, or is pending: continues, once the region's settings are known. */
static void admission_weigh(struct admission *a)
{
	struct region_queue *queue = region_queue_of(a->all, a->kind, a->row.region);

	if (queue && a->kind->awaits && a->kind->awaits(queue, &a->known))
		a->awaits = queue;
	else
		admission_judge(a);
}

void admission_resume(struct region_queue *queue)
{
	struct admission *a = queue->all->admissions;

	/* admission_judge() may remove `a` from the list, but adds no request to it. */
	while (a) {
		struct admission *next = a->next;

		if (a->awaits == queue) {
			a->awaits = NULL;
			admission_judge(a);
		}
		a = next;
	}
}

/* --- a copy that another ebsfs made --- */

static void admission_adopt(
	struct admission *a, struct region_queue *queue, const struct job_made *made)
{
	const struct job_start start = {.state = made->completed ? COPY_COMPLETED : COPY_PENDING,
		.done = admission_decided,
		.done_arg = a};
	struct journal_copy row;

	if (journal_copy_copy(&row, &a->row) < 0) {
		admission_end_memory(a);
		return;
	}
	/* An adopted copy need not have the request's options, and no tag has the row's token. */
	free(steal(&row.token));
	free(steal(&row.description));
	free(steal(&row.tags));
	free(steal(&row.kms_key_id));
	free(steal(&row.message));
	row.copy_id = strdup(made->copy_id);
	row.encrypted = row.move = false;
	row.completion_minutes = 0;
	row.adopted = true;
	row.started_ms = made->started_ms;
	row.ended_ms = made->completed ? made->ended_ms : 0;
	if (!row.copy_id) {
		journal_copy_finish(&row);
		admission_end_memory(a);
		return;
	}
	region_queue_adopted(queue, made->copy_id);
	if (!job_admit(a->all, a->kind, &row, &start))
		admission_end_memory(a);
}

static void admission_made(void *arg, const struct job_made *made, const struct err *err)
{
	struct admission *a = arg;
	struct region_queue *queue = region_queue_of(a->all, a->kind, a->row.region);
	struct copy *known =
		made ? recover_find_snapshot(a->all, a->row.region, made->copy_id) : NULL;
	struct err mine;

	a->question = NULL;
	if (known && known->origin != COPY_OURS)
		known = NULL;
	if (err) {
		mine = *err;
		err_context(&mine,
			"nothing was sent: cannot find out whether %s has a copy of %s/%s already",
			a->row.region, a->row.source_region, a->row.source_id);
		admission_end(a, &mine);
	} else if (admission_meets_another(a)) {
		return;
	} else if (!made || !queue ||
		   (known && !confirm_is_restored(a->all, known) && !job_key_is_spare(known))) {
		admission_weigh(a);
	} else if (a->row.dry_run) {
		admission_copies_nothing(a, made->copy_id, NULL);
	} else if (known && job_of(known)->recalled) {
		admission_revive(a, known);
	} else if (known) {
		admission_restore(a, job_of(known));
	} else {
		admission_adopt(a, queue, made);
	}
}

static void admission_find_made(struct admission *a)
{
	const struct job_kind *kind = a->kind;
	struct region_queue *queue = region_queue_of(a->all, a->kind, a->row.region);
	bool waits = queue && !a->row.dry_run && !region_queue_is_free(queue);
	struct err err = {0};

	if (queue && kind->find_made)
		a->question = kind->find_made(queue, &a->row, waits, admission_made, a, &err);
	a->waits = waits && !a->question;
	if (!a->question && err.errnum)
		admission_refuse(a, &err);
	else if (!a->question)
		admission_weigh(a);
}

/* Continues the request by the catalogue's record of its source. False: EC2 must be asked for the
 * source first. */
static bool admission_decide(struct admission *a, bool was_asked)
{
	const struct job_kind *kind = a->kind;
	struct region *from = regions_get(a->all->options.regions, a->row.source_region);
	catalogue_slot slot;
	enum source_state state;
	struct err err;

	if (!from) {
		admission_refuse_memory(a);
		return true;
	}
	state = admission_source_state(from, a->row.source_id, &slot, &err);
	if (state != SOURCE_READY && !was_asked)
		return false;
	if (state == SOURCE_UNKNOWN &&
		source_is_new(a->all, a->row.source_region, a->row.source_id)) {
		a->unresolved = true;
		state = SOURCE_READY;
	}
	if (state == SOURCE_UNKNOWN)
		admission_source_unknown(a->row.source_region, a->row.source_id, &err);
	a->source_pending = state == SOURCE_PENDING;
	if (state == SOURCE_UNKNOWN || state == SOURCE_UNFIT ||
		kind->compose(a->all, &a->row, &a->tags, region_catalogue(from), slot, &a->known,
			&err) < 0 ||
		kind->judge(&a->known, &err) < 0)
		admission_refuse(a, &err);
	else
		admission_find_made(a);
	return true;
}

static void admission_looked_up(void *arg, const struct err *err)
{
	struct admission *a = arg;
	struct err mine;

	a->waiter = NULL;
	if (!err) {
		admission_decide(a, true);
		return;
	}
	mine = *err;
	err_context(
		&mine, "source %s/%s cannot be looked up", a->row.source_region, a->row.source_id);
	admission_refuse(a, &mine);
}

static void admission_look_up(struct admission *a)
{
	struct region *from = regions_get(a->all->options.regions, a->row.source_region);
	bool ready = false;

	if (!from) {
		admission_refuse_memory(a);
		return;
	}
	if (admission_decide(a, false))
		return;
	a->waiter = region_ensure_id(from, a->row.source_id, true, admission_looked_up, a, &ready);
	if (!a->waiter && ready)
		admission_decide(a, true);
	else if (!a->waiter)
		admission_refuse_memory(a);
}

/* Looks for a living copy before the source, because the source may have been deleted since. */
static void admission_begin(struct admission *a)
{
	struct copies *c = a->all;
	struct copy *copy;
	int64_t row;

	if (admission_meets_another(a))
		return;
	row = history_by_key(c->history, &a->row);
	copy = row ? recover_find(c, row) : NULL;
	if (admission_concerns(a, copy))
		admission_meet(a, copy);
	else if (row && !copy)
		admission_refuse_memory(a);
	else
		admission_look_up(a);
}

/* --- the request as it came --- */

static int admission_check(const char *region, const struct copy_request *request, struct err *err)
{
	if (!endpoint_is_region(region))
		return err_set(err, EINVAL,
			"'%.40s' does not have the form of a region's name, such as us-east-1",
			region);
	if (!request->source_region || !endpoint_is_region(request->source_region))
		return err_set(err, EINVAL,
			"the source's region is missing, or does not have the form of a region's "
			"name, such as us-east-1");
	if (!request->source_id || !ec2_is_snapshot_id(request->source_id))
		return err_set(err, EINVAL,
			"the source's id is missing, or does not have the form of a snapshot's id, "
			"such as snap-0a1b2c3d4e5f60718");
	return 0;
}

static char *admission_copy_text(const char *text, bool *failed)
{
	char *copy = text && *text ? strdup(text) : NULL;

	*failed |= text && *text && !copy;
	return copy;
}

static void admission_fill_row(struct journal_copy *row, const char *region,
	const struct copy_request *r, bool move, bool *failed)
{
	unsigned char random[TOKEN_BYTES];
	char token[2 * TOKEN_BYTES + 1];

	random_bytes(random, sizeof(random));
	row->token = admission_copy_text(encode_hex(random, sizeof(random), token), failed);
	row->source_region = admission_copy_text(r->source_region, failed);
	row->source_id = admission_copy_text(r->source_id, failed);
	row->region = admission_copy_text(region, failed);
	row->description = admission_copy_text(r->description, failed);
	row->kms_key_id = admission_copy_text(r->kms_key_id, failed);
	row->label = admission_copy_text(r->again, failed);
	row->place = admission_copy_text(r->place, failed);
	row->options = admission_copy_text(r->options, failed);
	row->encrypted = r->encrypted || r->kms_key_id;
	row->completion_minutes = r->completion_minutes;
	row->dry_run = r->dry_run;
	row->move = move && !r->dry_run;
	row->requested_ms = clock_wall_ms();
	row->bytes = -1;
}

static void admission_fill_tags(
	struct copy_request *out, const struct copy_request *r, bool *failed)
{
	out->kind = r->kind;
	out->no_tags = r->no_tags;
	out->again = admission_copy_text(r->again, failed);
	out->tags = calloc(r->n_tags + 1, sizeof(*out->tags));
	if (!out->tags) {
		*failed = true;
		return;
	}
	for (; out->n_tags < r->n_tags; out->n_tags++) {
		struct request_tag *to = &out->tags[out->n_tags];

		to->key = strdup(r->tags[out->n_tags].key);
		to->value = strdup(r->tags[out->n_tags].value);
		*failed |= !to->key || !to->value;
	}
}

int admission_start(struct copies *c, const char *region, const struct copy_request *request,
	bool move, const struct journal_receipt *r, copies_done *done, void *arg)
{
	struct admission *a = calloc(1, sizeof(*a));
	bool failed = false;
	struct err err;
	int resolved;

	if (!a)
		return -ENOMEM;
	a->all = c;
	a->done = done;
	a->done_arg = arg;
	a->reply = reply_create();
	if (!a->reply) {
		admission_destroy(a);
		return -ENOMEM;
	}
	a->kind = c->kinds[request->kind];
	if (admission_check(region, request, &err) < 0) {
		admission_tell(a, &err);
		admission_destroy(a);
		return 0;
	}
	admission_fill_row(&a->row, region, request, move, &failed);
	a->row.kind = admission_copy_text(a->kind->row_name, &failed);
	admission_fill_tags(&a->tags, request, &failed);
	a->tags.name = a->name = admission_copy_text(request->name, &failed);
	if (r) {
		failed |= journal_receipt_copy(&a->receipt, r) < 0;
		a->has_receipt = true;
	}
	a->awaits_description = request->awaits_description && !request->dry_run;
	resolved = failed || !a->kind->resolve ? 0 : a->kind->resolve(c, &a->row, &err);
	a->unresolved = resolved > 0;
	a->key = failed ? NULL : job_key_of(&a->row);
	if (!a->key) {
		admission_destroy(a);
		return -ENOMEM;
	}
	if (resolved < 0) {
		admission_tell(a, &err);
		admission_destroy(a);
		return 0;
	}
	a->row.id = journal_next_copy_id(c->options.journal);
	a->known = (struct preflight){.row = &a->row, .unencrypted = request->unencrypted};
	DL_APPEND(c->admissions, a);
	if (preflight_regions(a->row.source_region, region, &err) < 0)
		admission_refuse(a, &err);
	else
		admission_begin(a);
	return 0;
}
