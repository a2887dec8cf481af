/* SPDX-License-Identifier: MIT */
/* The user's command that is run when a copy ends. */
#include "on_end.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "isotime.h"
#include "job_kind.h"
#include "log.h"
#include "workdir.h"

#define AT_ONCE     8
#define WAITING_MAX 10000

extern char **environ;

/* One run of the command. Its libuv handle may outlive struct on_end. */
struct run {
	struct run *prev, *next;
	uv_process_t process;
	struct on_end *owner; /* NULL: freed by on_end_destroy() */
	int64_t row;
	char **env; /* first the EBSFS_ variables, then the inherited ones (borrowed) */
	size_t own; /* number of EBSFS_ variables, which are owned */
};

struct on_end {
	uv_loop_t *loop;
	char *command;
	on_end_started *started;
	void *arg;
	struct run *waiting, *running;
	unsigned n_waiting, n_running;
};

int on_end_create(uv_loop_t *loop, const char *command, on_end_started *started, void *arg,
	struct on_end **out)
{
	struct on_end *o;

	*out = NULL;
	if (!command)
		return 0;
	o = calloc(1, sizeof(*o));
	if (o)
		o->command = strdup(command);
	if (!o || !o->command) {
		free(o);
		return -ENOMEM;
	}
	o->loop = loop;
	o->started = started;
	o->arg = arg;
	*out = o;
	return 0;
}

static void on_end_run_free(struct run *r)
{
	for (size_t i = 0; r->env && i < r->own; i++)
		free(r->env[i]);
	free(r->env);
	free(r);
}

static void on_end_closed(uv_handle_t *handle)
{
	on_end_run_free(handle->data);
}

void on_end_destroy(struct on_end *o)
{
	struct run *r, *next;

	if (!o)
		return;
	for (r = o->waiting; r; r = next) {
		next = r->next;
		on_end_run_free(r);
	}
	for (r = o->running; r; r = next) {
		next = r->next;
		r->owner = NULL;
		uv_close((uv_handle_t *)&r->process, on_end_closed);
	}
	free(o->command);
	free(o);
}

static int on_end_add(struct run *r, const char *name, const char *value)
{
	char *text;

	if (asprintf(&text, "EBSFS_%s=%s", name, value ? value : "") < 0)
		return -ENOMEM;
	r->env[r->own++] = text;
	return 0;
}

static int on_end_add_time(struct run *r, const char *name, int64_t ms)
{
	char text[ISOTIME_SIZE];

	return on_end_add(r, name, ms ? isotime_format(ms, text) : "");
}

#define FACTS 14

static int on_end_fill(struct run *r, const struct copy *copy)
{
	const struct journal_copy *row = &copy->row;
	size_t inherited = 0, n;

	while (environ[inherited])
		inherited++;
	r->env = calloc(FACTS + inherited + 1, sizeof(char *));
	if (!r->env || on_end_add(r, "STATE", copy->kind->states[copy->state]) < 0 ||
		on_end_add(r, "KIND", copy->kind->name) < 0 ||
		on_end_add(r, "REGION", row->region) < 0 ||
		on_end_add(r, "RESULT", row->copy_id) < 0 ||
		on_end_add(r, "SNAPSHOT", copy->kind->makes_snapshots ? row->copy_id : NULL) < 0 ||
		on_end_add(r, "SOURCE_REGION", row->source_region) < 0 ||
		on_end_add(r, "SOURCE_SNAPSHOT", row->source_id) < 0 ||
		on_end_add(r, "DESCRIPTION", row->description) < 0 ||
		on_end_add(r, "CODE", row->code) < 0 ||
		on_end_add(r, "MESSAGE", row->message) < 0 ||
		on_end_add(r, "REQUEST_ID", row->request_id) < 0 ||
		on_end_add_time(r, "REQUESTED", row->requested_ms) < 0 ||
		on_end_add_time(r, "STARTED", row->started_ms) < 0 ||
		on_end_add_time(r, "ENDED", row->ended_ms) < 0)
		return -ENOMEM;
	n = r->own;
	for (size_t i = 0; i < inherited; i++)
		if (strncmp(environ[i], "EBSFS_", 6))
			r->env[n++] = environ[i];
	return 0;
}

static void on_end_start_waiting(struct on_end *o);

static void on_end_exited(uv_process_t *process, int64_t status, int signal)
{
	struct run *r = process->data;
	struct on_end *o = r->owner;

	if (signal)
		log_warning("on_end command for copy %lld: ended by signal %d", (long long)r->row,
			signal);
	else if (status)
		log_warning("on_end command for copy %lld: exit status %lld", (long long)r->row,
			(long long)status);
	DL_DELETE(o->running, r);
	o->n_running--;
	uv_close((uv_handle_t *)process, on_end_closed);
	on_end_start_waiting(o);
}

static void on_end_start_waiting(struct on_end *o)
{
	while (o->waiting && o->n_running < AT_ONCE) {
		struct run *r = o->waiting;
		char *args[] = {(char *)"/bin/sh", (char *)"-c", o->command, NULL};
		uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE},
			{.flags = UV_INHERIT_FD, .data.fd = 1},
			{.flags = UV_INHERIT_FD, .data.fd = 2}};
		uv_process_options_t options = {.exit_cb = on_end_exited,
			.file = args[0],
			.args = args,
			.env = r->env,
			.cwd = workdir_of_child(),
			.stdio_count = 3,
			.stdio = stdio,
			.flags = UV_PROCESS_DETACHED};
		int result;

		DL_DELETE(o->waiting, r);
		o->n_waiting--;
		r->process.data = r;
		result = uv_spawn(o->loop, &r->process, &options);
		if (result < 0) {
			log_error("on_end command for copy %lld: cannot be started: %s; the next "
				  "mount with on_end tries again",
				(long long)r->row, uv_strerror(result));
			uv_close((uv_handle_t *)&r->process, on_end_closed);
			continue;
		}
		DL_APPEND(o->running, r);
		o->n_running++;
		o->started(o->arg, r->row);
	}
}

void on_end_run(struct on_end *o, const struct copy *copy)
{
	struct run *r;

	if (!o)
		return;
	DL_FOREACH(o->waiting, r)
	if (r->row == copy->row.id)
		return;
	r = o->n_waiting < WAITING_MAX ? calloc(1, sizeof(*r)) : NULL;
	if (!r || on_end_fill(r, copy) < 0) {
		log_error("on_end command for copy %lld: cannot be started now: %s; the next mount "
			  "with on_end runs it",
			(long long)copy->row.id,
			o->n_waiting < WAITING_MAX ? "out of memory"
						   : "too many commands are waiting");
		if (r)
			on_end_run_free(r);
		return;
	}
	r->owner = o;
	r->row = copy->row.id;
	DL_APPEND(o->waiting, r);
	o->n_waiting++;
	on_end_start_waiting(o);
}
