/* SPDX-License-Identifier: MIT */
/* The snapshot that a volume or an image is made of: the text's own, or its copy in the region;
 * and the facts that the request takes from it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admission.h"
#include "copy_tags.h"
#include "job.h"
#include "job_key.h"
#include "made.h"
#include "recover.h"
#include "region_queue.h"
#include "request_key.h"
#include "request_options.h"
#include "utf8.h"

/* --- which snapshot --- */

/* Whether the row names a snapshot of another region, so that its copy is to be used. */
static bool made_is_unresolved(const struct journal_copy *row)
{
	return strcmp(row->source_region, row->region) != 0;
}

/* Sets *copy to the living copy in the row's region of the snapshot that it names, without a label;
 * NULL: there is none. 0 or -ENOMEM. */
static int made_find_copy(
	struct copies *c, const struct journal_copy *row, const struct copy **copy)
{
	const struct journal_copy copied = {.source_region = row->source_region,
		.source_id = row->source_id,
		.region = row->region};
	char key[REQUEST_KEY_SIZE];
	struct job *job = job_key_find(c, request_key(&copied, key));
	int64_t id = job ? 0 : history_by_key(c->history, &copied);

	*copy = job ? &job->pub : id ? recover_find(c, id) : NULL;
	return id && !*copy ? -ENOMEM : 0;
}

static int made_refuse_uncopied(
	const struct journal_copy *row, const struct copy *copy, struct err *err)
{
	return err_set(err, ENOENT,
		"%s has no copy of %s/%s%s, and EC2 makes %ss only of snapshots in the same "
		"region: copy it there first (cp regions/%s/snapshots/%s/%s.snapshot regions/%s/); "
		"nothing was sent",
		row->region, row->source_region, row->source_id,
		copy ? " that is known to exist" : "", row->kind, row->source_region,
		row->source_id, row->source_id, row->region);
}

/* Replaces the row's source by the copy's snapshot. Result as for job_kind.resolve. */
static int made_take_copy(struct journal_copy *row, const struct copy *copy, struct err *err)
{
	char *region, *id;

	if (!copy || copy->state == COPY_FAILED)
		return made_refuse_uncopied(row, copy, err);
	if (!copy->row.copy_id)
		return 1;
	region = strdup(row->region);
	id = strdup(copy->row.copy_id);
	if (!region || !id) {
		free(region);
		free(id);
		return err_set(err, ENOMEM, "out of memory");
	}
	free(row->source_region);
	free(row->source_id);
	row->source_region = region;
	row->source_id = id;
	return 0;
}

/* Replaces a queued job's source by its copy, once the copy has an id. This changes the job's key.
 * Result as for job_kind.resolve. */
static int made_resolve_job(struct job *job, struct err *err)
{
	struct journal_copy *row = &job->pub.row;
	const struct copy *copy;
	int result;

	if (!made_is_unresolved(row))
		return 0;
	if (made_find_copy(job->all, row, &copy) < 0)
		return 1; /* the job waits; check() looks again */
	if (copy && !copy->row.copy_id)
		return 1;
	job_key_leave(job);
	result = made_take_copy(row, copy, err);
	if (result == 0)
		row->generation = job_key_generation(job->all, row);
	job_key_update(job);
	if (result == 0 && (!job->kind->token || job_key_renew_token(job) == 0))
		job_save(job);
	return result;
}

/* Resolves the waiting jobs first, because the new request may have the key of one of them. */
int made_resolve(struct copies *c, struct journal_copy *row, struct err *err)
{
	struct region_queue *queue;
	const struct copy *copy;
	struct err ignored;
	int result;

	for (queue = c->queues; queue; queue = queue->hh.next)
		for (struct job *job = queue->waiting; job; job = job->next)
			if (job->kind->resolve == made_resolve && !strcmp(queue->name, row->region))
				made_resolve_job(job, &ignored);
	if (!made_is_unresolved(row))
		return 0;
	if (made_find_copy(c, row, &copy) < 0)
		return err_set(err, ENOMEM, "out of memory");
	result = made_take_copy(row, copy, err);
	if (result > 0 && row->dry_run)
		return err_set(err, EAGAIN,
			"the copy of %s/%s in %s has not begun, so nothing can be tried with it "
			"yet: try again when its status says pending",
			row->source_region, row->source_id, row->region);
	return result;
}

bool made_check(struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	const struct copy *copy;
	struct err err;
	int result = made_resolve_job(job, &err);

	if (result == 0)
		return admission_check_source(job);
	if (result < 0) {
		job_event(job, JOB_REFUSED, &(struct job_news){.err = &err});
		return false;
	}
	if (made_find_copy(job->all, row, &copy) < 0)
		copy = NULL;
	job_reason(job, "its snapshot is the copy of %s/%s, which is %s", row->source_region,
		row->source_id, copy ? copy->kind->states[copy->state] : "not found now");
	return false;
}

/* A copy has changed: jobs that wait for it look again. */
static void made_copy_changed(void *arg, const struct copy *copy)
{
	struct region_queue *queue = arg;

	if (queue->waiting && copy->kind->makes_snapshots && !strcmp(copy->row.region, queue->name))
		region_queue_wake(queue);
}

int made_source_watch(struct region_queue *queue)
{
	return copies_watch(queue->all, made_copy_changed, queue);
}

/* --- the facts taken from it --- */

int made_compose(struct copies *c, struct journal_copy *row, const struct copy_request *request,
	const struct catalogue *catalogue, catalogue_slot slot, const char *name,
	struct preflight *known, struct err *err)
{
	struct copy_request whole = *request;
	struct request_tag *tags = calloc(request->n_tags + 1, sizeof(*tags));
	struct catalogue_snapshot s;
	unsigned left_out;
	int result;

	if (!tags)
		return err_set(err, ENOMEM, "out of memory");
	/* Of a new copy that EC2 does not show yet, nothing is known. */
	if (slot != CATALOGUE_NONE && catalogue_get(catalogue, slot, &s)) {
		known->source = s.encryption;
		row->bytes = (int64_t)s.volume_gib << 30;
	}
	if (c->options.no_tags) {
		free(tags);
		return 0;
	}
	/* Of one key the last value counts: a text may name another Name. */
	if (name)
		tags[whole.n_tags = 0] = (struct request_tag){(char *)"Name", (char *)name};
	whole.n_tags = name != NULL;
	for (size_t i = 0; i < request->n_tags; i++)
		tags[whole.n_tags++] = request->tags[i];
	whole.tags = tags;
	result = whole.n_tags ? copy_tags_compose(
					NULL, CATALOGUE_NONE, &whole, &row->tags, &left_out, err)
			      : 0;
	free(tags);
	return result;
}

/* --- the living one of a key --- */

int made_differs(const struct copy *copy, const char *what, const char *option, struct err *err)
{
	const struct journal_copy *row = &copy->row;

	return err_set(err, EEXIST,
		"%s%s%s in %s is the %s of %s already, and %s; nothing was sent. %s%s%s%s",
		row->copy_id ? row->copy_id : "the one that is ",
		row->copy_id ? "" : copy->kind->states[copy->state], "",
		row->place && copy->kind->again ? row->place : row->region, copy->kind->name,
		row->source_id, what, option ? "Leave " : "Give the file another name",
		option ? option : "", option ? " out, or " : "",
		!option             ? ""
		: copy->kind->again ? "add the line 'volume.again: LABEL' for one more"
				    : "give the file another name");
}

int made_difference(const struct copy *copy, const struct preflight *request, struct err *err)
{
	const struct journal_copy *row = &copy->row;
	char name[REQUEST_OPTION_SIZE], asked[REQUEST_OPTION_SIZE], has[REQUEST_OPTION_SIZE];
	char what[3 * REQUEST_OPTION_SIZE], option[REQUEST_OPTION_SIZE + 16];

	for (unsigned n = 0; request_option_at(request->row->options, n, name, asked); n++) {
		request_option(row->options, name, has);
		if (!strcmp(name, "size") && !*has && row->bytes > 0)
			snprintf(has, sizeof(has), "%" PRId64, row->bytes >> 30);
		if (!strcmp(asked, has))
			continue;
		if (*has)
			snprintf(what, sizeof(what), "its %s is %s, not %s", name, has, asked);
		else
			snprintf(what, sizeof(what), "it was asked for without %s, not with %s",
				name, asked);
		snprintf(option, sizeof(option), "%s.%s", copy->kind->name, name);
		return made_differs(copy, what, option, err);
	}
	return 0;
}
