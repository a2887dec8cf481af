/* SPDX-License-Identifier: MIT */
/* Changes to a copy after its request. */
#include "amend.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "copy_tags.h"
#include "job.h"
#include "recover.h"
#include "region_queue.h"
#include "utf8.h"

/* One call of copies_add_tags(). */
struct amend {
	struct amend *prev, *next;
	struct copies *all;
	int64_t row;
	const struct job_kind *kind;
	char *region, *id;        /* of the copy's snapshot; set when CreateTags is sent */
	struct copy_request tags; /* only its tags are set */
	struct aws_call *call;
	struct reply *reply;
	copies_done *done;
	void *arg;
};

static void amend_destroy(struct amend *m)
{
	if (m->call)
		aws_cancel(m->call);
	if (m->prev)
		DL_DELETE(m->all->amends, m);
	snapshot_file_finish(&m->tags);
	free(m->region);
	free(m->id);
	free(m->reply);
	free(m);
}

/* Frees m and calls its done in the next loop iteration. */
static void amend_end(struct amend *m, const struct err *err)
{
	reply_send(m->all, steal(&m->reply), m->done, m->arg, m->row, err);
	amend_destroy(m);
}

static void amend_end_memory(struct amend *m)
{
	struct err err;

	err_set(&err, ENOMEM, "out of memory");
	amend_end(m, &err);
}

/* Adds the new tags to the row of a volume or an image, because no listing of ebsfs shows their
 * tags. */
static void amend_note(struct amend *m)
{
	struct copy *copy = recover_find(m->all, m->row);
	struct err err;

	if (!copy || copy->kind->makes_snapshots || job_of(copy)->recalled)
		return;
	if (copy_tags_add(&copy->row, m->tags.tags, m->tags.n_tags, &err) == 0)
		job_save(job_of(copy));
}

static void amend_tagged(void *arg, const struct err *err)
{
	struct amend *m = arg;
	struct region *region = regions_get(m->all->options.regions, m->region);
	struct catalogue *catalogue = region ? region_catalogue(region) : NULL;
	catalogue_slot slot = catalogue ? catalogue_find(catalogue, m->id) : CATALOGUE_NONE;
	struct err mine;

	m->call = NULL;
	if (err) {
		mine = *err;
		err_context(&mine, "cannot set the tags of the %s %s in %s", m->kind->name, m->id,
			m->region);
		amend_end(m, &mine);
		return;
	}
	/* If an override fails for lack of memory, EC2's next listing shows the tag. */
	for (size_t i = 0; i < m->tags.n_tags && slot != CATALOGUE_NONE; i++)
		if (!copy_tags_is_reserved(m->tags.tags[i].key))
			catalogue_override_tag(catalogue, slot, m->tags.tags[i].key,
				m->tags.tags[i].value, clock_mono_ms());
	amend_note(m);
	amend_end(m, NULL);
}

static void amend_send(struct amend *m, const struct copy *copy)
{
	struct copies *c = m->all;
	struct region *region = regions_get(c->options.regions, copy->row.region);
	struct ec2_tag *lacking = calloc(m->tags.n_tags + 1, sizeof(*lacking));
	catalogue_slot slot;
	size_t n;

	m->region = strdup(copy->row.region);
	m->id = strdup(copy->row.copy_id);
	if (!region || !lacking || !m->region || !m->id) {
		free(lacking);
		amend_end_memory(m);
		return;
	}
	slot = catalogue_find(region_catalogue(region), m->id);
	n = copy->kind->makes_snapshots
		    ? copy_tags_lacking(
			      region_catalogue(region), slot, m->tags.tags, m->tags.n_tags, lacking)
		    : copy_tags_row_lacking(&copy->row, m->tags.tags, m->tags.n_tags, lacking);
	if (n)
		m->call = ec2_create_tags(
			c->options.aws, m->region, m->id, lacking, n, amend_tagged, m);
	free(lacking);
	if (!n)
		amend_end(m, NULL);
	else if (!m->call)
		amend_end_memory(m);
}

static void amend_saved(void *arg, struct copy *copy, const struct err *err)
{
	(void)copy;
	amend_end(arg, err);
}

static void amend_row(struct amend *m, struct job *job)
{
	struct err err;

	if (copy_tags_add(&job->pub.row, m->tags.tags, m->tags.n_tags, &err) < 0)
		amend_end(m, &err);
	else if (job_save_then(job, amend_saved, m) < 0)
		amend_end_memory(m);
}

static void amend_step(struct amend *m, struct copy *copy);

/* The copy was accepted or refused, or is in the queue again. */
static void amend_decided(void *arg, struct copy *copy, const struct err *err)
{
	struct amend *m = arg;

	if (err)
		amend_end(m, err);
	else
		amend_step(m, copy);
}

static void amend_step(struct amend *m, struct copy *copy)
{
	struct job *job = job_of(copy);
	struct err err;

	switch (copy->state) {
	case COPY_QUEUED:
		amend_row(m, job);
		return;
	case COPY_SUBMITTING:
		if (job_wait(job, false, amend_decided, m) < 0)
			amend_end_memory(m);
		return;
	case COPY_PENDING:
	case COPY_COMPLETED:
		if (copy->row.copy_id) {
			amend_send(m, copy);
			return;
		}
		break; /* a dry run */
	default:
		break;
	}
	err_set(&err, ENOENT, "cannot set the tags of the %s, because it is %s", copy->kind->name,
		copy->kind->states[copy->state]);
	amend_end(m, &err);
}

static int amend_fill(struct amend *m, const struct request_tag *tags, size_t n_tags)
{
	struct copy_request *own = &m->tags;

	own->tags = calloc(n_tags + 1, sizeof(*own->tags));
	if (!own->tags)
		return -ENOMEM;
	for (; own->n_tags < n_tags; own->n_tags++) {
		struct request_tag *to = &own->tags[own->n_tags];

		*to = (struct request_tag){
			strdup(tags[own->n_tags].key), strdup(tags[own->n_tags].value)};
		if (!to->key || !to->value) {
			own->n_tags++;
			return -ENOMEM;
		}
	}
	return 0;
}

int amend_tags(struct copies *c, struct copy *copy, const struct request_tag *tags, size_t n_tags,
	copies_done *done, void *arg)
{
	struct amend *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	*m = (struct amend){.all = c,
		.row = copy->row.id,
		.kind = copy->kind,
		.reply = reply_create(),
		.done = done,
		.arg = arg};
	if (!m->reply || amend_fill(m, tags, n_tags) < 0) {
		amend_destroy(m);
		return -ENOMEM;
	}
	DL_APPEND(c->amends, m);
	/* With -o notags these tags are ignored, like those of the request's text. */
	if (!n_tags || c->options.no_tags)
		amend_end(m, NULL);
	else
		amend_step(m, copy);
	return 0;
}

void amend_finish(struct copies *c)
{
	while (c->amends)
		amend_destroy(c->amends);
}

/* --- the description --- */

/* Sets the description in the row of a copy that waits for it. 0, or -errno with *err. */
static int amend_describe(struct job *job, const char *description, struct err *err)
{
	char *text;

	if (utf8_count(description, strlen(description)) > job->kind->description_max)
		return err_set(err, EINVAL, "the description is longer than EC2's %d characters",
			job->kind->description_max);
	text = strdup(description);
	if (!text)
		return err_set(err, ENOMEM, "out of memory");
	free(job->pub.row.description);
	job->pub.row.description = text;
	job->work->describe_until = 0;
	if (!job->work->cancels)
		region_queue_hold(job, 0, false);
	return 0;
}

int amend_description(
	struct copies *c, struct copy *copy, const char *description, copies_done *done, void *arg)
{
	struct journal_copy asked = {.description = (char *)description};
	struct preflight request = {.row = &asked};
	struct job *job = job_of(copy);
	struct reply *reply;
	struct err err;
	int result;

	if (copy->state == COPY_QUEUED && job->work->describe_until) {
		result = amend_describe(job, description, &err);
		if (!result)
			return job_save_then(job, done, arg);
	} else {
		asked.source_region = copy->row.source_region;
		asked.source_id = copy->row.source_id;
		result = copy->kind->difference(c, copy, &request, &err);
	}
	reply = reply_create();
	if (!reply)
		return -ENOMEM;
	reply_send(c, reply, done, arg, copy->row.id, result < 0 ? &err : NULL);
	return 0;
}

void amend_keep_source(struct copy *copy)
{
	struct job *job = job_of(copy);

	if (!copy->row.move || job->moving)
		return;
	copy->row.move = false;
	job_changed(job);
	job_save(job);
}
