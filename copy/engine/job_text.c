/* SPDX-License-Identifier: MIT */
/* The texts of a job: in its row, in its status, for its watchers, in the log. */
#include "job_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "log.h"

const char *copy_state_text(enum copy_state state)
{
	static const char *const texts[] = {"queued", "submitting", "pending", "completed", "error",
		"failed", "cancelled", "deleted"};

	return texts[state];
}

bool copy_state_ended(enum copy_state state)
{
	return state > COPY_PENDING;
}

static void job_set_text(char **text, const char *value)
{
	char *copy = value && *value ? strdup(value) : NULL;

	free(*text);
	*text = copy;
}

void job_note(struct job *job, const char *code, const char *message, const char *request_id)
{
	job_set_text(&job->pub.row.code, code);
	job_set_text(&job->pub.row.message, message);
	job_set_text(&job->pub.row.request_id, request_id);
}

void job_set_message(struct job *job, const char *message)
{
	job_set_text(&job->pub.row.message, message);
}

void job_no_reason(struct job *job)
{
	if (job->work)
		free(steal(&job->work->reason));
	job->pub.reason = job->pub.state == COPY_QUEUED ? job->queue->reason : "";
}

void job_reason(struct job *job, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		job_no_reason(job);
		return;
	}
	if (job->work->reason && !strcmp(job->work->reason, text)) {
		free(text);
		return;
	}
	free(job->work->reason);
	job->work->reason = text;
	job->pub.reason = text;
	job_changed(job);
}

void job_tell(struct copies *c, const struct copy *copy)
{
	for (struct watcher *w = c->watchers; w; w = w->next)
		w->fn(w->arg, copy);
}

void job_changed(struct job *job)
{
	job_tell(job->all, &job->pub);
}

void job_log_end(const struct job *job)
{
	const struct journal_copy *row = &job->pub.row;
	struct err why = {0};
	char text[700];

	snprintf(why.message, sizeof(why.message), "%s", row->message ? row->message : "");
	snprintf(why.code, sizeof(why.code), "%s", row->code ? row->code : "");
	snprintf(why.request_id, sizeof(why.request_id), "%s",
		row->request_id ? row->request_id : "");
	log_info("%s %lld of %s/%s to %s%s%s: %s%s%s", job->kind->name, (long long)row->id,
		row->source_region, row->source_id, row->region, row->copy_id ? "/" : "",
		row->copy_id ? row->copy_id : "", copy_state_text(job->pub.state),
		*why.message ? ": " : "", err_text(&why, text, sizeof(text)));
}
