/* SPDX-License-Identifier: MIT */
/* The key of a request, and the index of living jobs by key. */
#include "job_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "copy_tags.h"
#include "log.h"
#include "request_key.h"

char *job_key_of(const struct journal_copy *row)
{
	char key[REQUEST_KEY_SIZE];

	return strdup(request_key(row, key));
}

int job_key_generation(const struct copies *c, const struct journal_copy *row)
{
	char key[REQUEST_KEY_SIZE], other[REQUEST_KEY_SIZE];
	int next = history_generation(c->history, row);

	request_key(row, key);
	for (const struct job *job = c->rows; job; job = job->hh.next) {
		const struct journal_copy *old = &job->pub.row;

		if (request_key_is_spent(old) && next <= old->generation &&
			!job_key_is_alive(job->pub.state, old) &&
			!strcmp(request_key(old, other), key))
			next = old->generation + 1;
	}
	return next;
}

bool job_key_is_alive(enum copy_state state, const struct journal_copy *row)
{
	if (row->dry_run)
		return false;
	return state <= COPY_COMPLETED ||
	       (state == COPY_FAILED && row->code && !strcmp(row->code, COPY_CODE_UNKNOWN));
}

struct job *job_key_find(const struct copies *c, const char *key)
{
	struct job *job;

	HASH_FIND(hh_key, c->keys, key, strlen(key), job);
	return job;
}

static int job_key_relabel(struct job *job)
{
	struct journal_copy *row = &job->pub.row;
	char *label;

	if (asprintf(&label, "#%lld", (long long)row->id) < 0)
		return -ENOMEM;
	log_warning("%s %lld of %s/%s to %s: another %s of the same source, destination and label "
		    "exists; both are kept",
		job->kind->name, (long long)row->id, row->source_region, row->source_id,
		row->region, job->kind->name);
	free(row->label);
	row->label = label;
	return 0;
}

static int job_key_enter(struct job *job)
{
	char *key = job_key_of(&job->pub.row);

	if (key && job_key_find(job->all, key)) {
		free(key);
		key = job_key_relabel(job) < 0 ? NULL : job_key_of(&job->pub.row);
	}
	if (!key)
		return -ENOMEM;
	HASH_ADD_KEYPTR(hh_key, job->all->keys, key, strlen(key), job);
	if (!job->hh_key.tbl) {
		free(key);
		return -ENOMEM;
	}
	job->key = key;
	return 0;
}

int job_key_update(struct job *job)
{
	bool alive = job_key_is_alive(job->pub.state, &job->pub.row);

	if (!alive)
		job_key_leave(job);
	if (!alive || job->key || job_key_enter(job) == 0)
		return 0;
	log_error("%s %lld: out of memory: until the next mount, an equal request cannot join it",
		job->kind->name, (long long)job->pub.row.id);
	return -ENOMEM;
}

void job_key_leave(struct job *job)
{
	if (job->hh_key.tbl)
		HASH_DELETE(hh_key, job->all->keys, job);
	job->hh_key.tbl = NULL;
	free(steal(&job->key));
}

bool job_key_is_spare(const struct copy *copy)
{
	const struct journal_copy *row = &copy->row;

	return row->copy_id && row->label && !copy_tags_label(row->label) &&
	       job_key_is_alive(copy->state, row);
}

int job_key_take(struct job *job, const char *label)
{
	char *copy = label ? strdup(label) : NULL;

	if (label && !copy)
		return -ENOMEM;
	job_key_leave(job);
	free(job->pub.row.label);
	job->pub.row.label = copy;
	return job_key_update(job);
}

int job_key_renew_token(struct job *job)
{
	struct work *w = job->work;
	int result;

	if (w && w->hh.tbl)
		HASH_DEL(job->all->tokens, w);
	result = job->kind->token(&job->pub.row);
	if (w && job->pub.row.token)
		HASH_ADD_KEYPTR(
			hh, job->all->tokens, job->pub.row.token, strlen(job->pub.row.token), w);
	return result;
}
