/* SPDX-License-Identifier: MIT */
/* One file system: its queue of requests, and the process that handles them one after the other. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "files_inner.h"
#include "log.h"

/* --- results --- */

static void request_free(struct files_request *r)
{
	struct files_disk *disk = r->system->disk;

	if (r == &r->system->opening)
		return;
	free(r);
	disk->refs--;
}

static void request_answer(
	struct files_request *r, const void *answer, size_t len, const struct err *err)
{
	if (r->done)
		r->done(r->arg, answer, len, err);
	request_free(r);
}

/* Fails all requests that wait now. */
static void system_fail_queue(struct files_system *s, const struct err *err)
{
	struct files_request *r, *next;

	DL_FOREACH_SAFE(s->queue, r, next)
	{
		DL_DELETE(s->queue, r);
		DL_APPEND(s->failing, r);
		r->list = &s->failing;
	}
	while (s->failing) {
		r = s->failing;
		DL_DELETE(s->failing, r);
		request_answer(r, NULL, 0, err);
	}
}

/* Returns whether a caller still waits for the process's current request. */
static bool system_is_wanted(const struct files_system *s)
{
	return s->current == &s->opening ? s->queue != NULL : s->current->done != NULL;
}

/* --- the process --- */

static void system_wait(struct files_system *s)
{
	struct files *f = s->disk->f;

	if (!s->waiting)
		DL_APPEND2(f->waiting, s, prev_used, next_used);
	s->waiting = true;
	loop_timer_start(f->kick, 0);
}

void files_system_stop(struct files_system *s)
{
	struct files *f = s->disk->f;

	if (!s->process)
		return;
	files_need_cancel(&s->need);
	files_process_end(steal(&s->process));
	disk_close(steal(&s->reader));
	loop_timer_destroy(steal(&s->timer));
	s->open = false;
	DL_DELETE2(f->running, s, prev_used, next_used);
	f->stats.processes--;
	if (s->queue)
		system_wait(s);
	else if (f->waiting)
		loop_timer_start(f->kick, 0);
}

/* Ends the process, which has ended by itself or cannot be trusted any more. Its current request
 * fails; the others are sent to the next process, unless the file system cannot even be opened. */
static void system_fail(struct files_system *s, const struct err *err)
{
	struct files_request *r = steal(&s->current);
	struct files *f = s->disk->f;

	f->stats.failed++;
	if (!r || !r->done)
		log_info("files of %s in %s: %s", s->disk->facts.snapshot, s->disk->facts.region,
			err->message);
	files_system_stop(s);
	if (r == &s->opening)
		system_fail_queue(s, err);
	else if (r)
		request_answer(r, NULL, 0, err);
}

static void system_process_failed(void *arg, const struct err *err)
{
	system_fail(arg, err);
}

static void system_broke(struct files_system *s, const char *how)
{
	struct err err;

	err_set(&err, EIO, "ebsfs-reader broke the protocol: %s", how);
	system_fail(s, &err);
}

static int64_t system_limit_ms(const struct files_system *s)
{
	return s->disk->f->options.limit_ms;
}

static void system_timeout(void *arg)
{
	struct files_system *s = arg;
	struct err err;

	if (!s->current) {
		files_system_stop(s);
		return;
	}
	err_set(&err, EIO, "ebsfs-reader gave no answer within %lld s",
		(long long)(system_limit_ms(s) + 999) / 1000);
	system_fail(s, &err);
}

/* --- requests --- */

static void system_send(struct files_system *s)
{
	const struct files_question *q = &s->current->question;
	union {
		struct reader_disk_request disk;
		struct reader_open_request open;
		struct reader_inode_request inode;
		struct reader_lookup_request lookup;
		struct reader_range_request range;
	} u = {0};
	struct iovec parts[2] = {
		{&u, sizeof(u.range)}, {s->current->name, s->current->name_length}};

	switch (q->type) {
	case READER_PARTITIONS:
		u.disk.disk_size = q->disk_size;
		parts[0].iov_len = sizeof(u.disk);
		break;
	case READER_OPEN:
		u.open = (struct reader_open_request){q->disk_size, q->start, q->size};
		parts[0].iov_len = sizeof(u.open);
		break;
	case READER_STAT:
	case READER_READLINK:
		u.inode.inode = q->inode;
		parts[0].iov_len = sizeof(u.inode);
		break;
	case READER_LOOKUP:
		u.lookup.directory = q->inode;
		u.lookup.name_length = (uint32_t)s->current->name_length;
		parts[0].iov_len = sizeof(u.lookup);
		break;
	default:
		u.range = (struct reader_range_request){q->inode, q->offset, q->length};
		break;
	}
	s->id++;
	s->needed = 0;
	s->need.err = (struct err){0};
	/* If memory runs out, the request is not sent, and its time limit ends it. */
	files_process_send(s->process, q->type, s->id, parts, s->current->name_length ? 2 : 1);
	loop_timer_start(s->timer, system_limit_ms(s));
}

/* Sends the next request to the process. If others wait for a process, ends this one instead; if
 * there is no request, starts the idle time. */
static void system_next(struct files_system *s)
{
	struct files *f = s->disk->f;

	if (f->waiting && clock_mono_ms() - s->since_ms > TURN_MS) {
		files_system_stop(s);
		return;
	}
	if (!s->queue) {
		s->idle_since_ms = clock_mono_ms();
		loop_timer_start(s->timer, f->options.idle_ms);
		return;
	}
	DL_DELETE2(f->running, s, prev_used, next_used);
	DL_APPEND2(f->running, s, prev_used, next_used);
	if (!s->is_table && !s->open) {
		s->current = &s->opening;
	} else {
		s->current = s->queue;
		DL_DELETE(s->queue, s->current);
		s->current->list = NULL;
		if (!s->current->question.inode)
			s->current->question.inode = s->opened.root;
	}
	system_send(s);
}

/* --- messages --- */

static void system_need_done(void *arg)
{
	struct files_system *s = arg;

	loop_timer_start(s->timer, system_limit_ms(s));
}

static void system_take_need(struct files_system *s, const void *payload, size_t len)
{
	unsigned n;
	const char *wrong = files_check_need(s->disk->size, payload, len, &n);
	const struct reader_range *ranges = payload;

	if (wrong || s->need.left) {
		system_broke(s, wrong ? wrong : "it needs more before it has got all");
		return;
	}
	for (unsigned i = 0; i < n; i++)
		s->needed += ranges[i].length;
	if (s->needed > s->disk->f->options.need_max) {
		system_broke(s, "one request needs too much of the disk");
		return;
	}
	s->need.process = s->process;
	s->need.id = s->id;
	s->need.done = system_need_done;
	s->need.arg = s;
	if (!system_is_wanted(s)) {
		files_need_refuse(&s->need, ranges, n);
		return;
	}
	loop_timer_stop(s->timer);
	files_need_start(&s->need, s->reader, ranges, n);
}

static void system_keep_table(struct files_disk *d, const void *answer, size_t len)
{
	if (d->table)
		return;
	d->table = malloc(len);
	if (d->table)
		memcpy(d->table, answer, len);
}

/* Handles the reply to READER_OPEN. If the file system cannot be opened, ends the process. */
static void system_take_opened(
	struct files_system *s, const struct reader_opened *opened, const struct err *err)
{
	if (err) {
		files_system_stop(s);
		system_fail_queue(s, err);
		return;
	}
	s->opened = *opened;
	s->open = s->was_opened = true;
	system_next(s);
}

static void system_take_reply(struct files_system *s, const void *payload, size_t len)
{
	struct files_request *r = s->current;
	const struct reader_reply *reply = payload;
	const char *answer = (const char *)payload + sizeof(*reply), *wrong;
	int error = 0;
	struct err err;

	wrong = s->need.left ? "it answers before it has got what it needs"
			     : files_check_error(payload, len, &error);
	if (!wrong && !error)
		wrong = files_check_answer(&r->question, answer, len - sizeof(*reply));
	if (wrong) {
		system_broke(s, wrong);
		return;
	}
	if (error && s->need.err.errnum)
		err = s->need.err;
	else if (error)
		err_set(&err, error, "%s", *reply->reason ? reply->reason : strerror(error));
	s->current = NULL;
	len -= sizeof(*reply);
	if (r == &s->opening) {
		system_take_opened(s, (const void *)answer, error ? &err : NULL);
		return;
	}
	if (s->is_table && !error)
		system_keep_table(s->disk, answer, len);
	system_next(s);
	request_answer(r, error ? NULL : answer, error ? 0 : len, error ? &err : NULL);
}

static void system_message(void *arg, const struct reader_header *header, const void *payload)
{
	struct files_system *s = arg;

	if (!s->current || header->id != s->id)
		system_broke(s, "a message answers no request");
	else if (header->type == READER_NEED)
		system_take_need(s, payload, header->length);
	else if (header->type == READER_REPLY)
		system_take_reply(s, payload, header->length);
	else
		system_broke(s, "a message is of an unknown type");
}

static const struct files_process_events events = {system_message, system_process_failed};

/* --- for files.c --- */

static int system_run(struct files_system *s, struct err *err)
{
	struct files *f = s->disk->f;

	s->timer = loop_timer_create(f->options.loop, system_timeout, s);
	if (!s->timer ||
		disk_open(f->options.disks, &s->disk->facts, s->queue->program, &s->reader) < 0)
		return err_set(err, ENOMEM, "out of memory");
	disk_read_exactly(s->reader);
	return files_process_start(
		f->options.loop, f->options.program, &events, s, &s->process, err);
}

void files_system_start(struct files_system *s)
{
	struct files *f = s->disk->f;
	struct err err;

	DL_DELETE2(f->waiting, s, prev_used, next_used);
	s->waiting = false;
	if (!s->queue)
		return;
	if (system_run(s, &err) < 0) {
		if (s->reader)
			disk_close(steal(&s->reader));
		loop_timer_destroy(steal(&s->timer));
		system_fail_queue(s, &err);
		return;
	}
	DL_APPEND2(f->running, s, prev_used, next_used);
	s->since_ms = clock_mono_ms();
	f->stats.processes++;
	f->stats.started++;
	system_next(s);
}

void files_system_add(struct files_system *s, struct files_request *r)
{
	s->disk->refs++;
	s->disk->f->stats.requests++;
	r->list = &s->queue;
	DL_APPEND(s->queue, r);
	if (!s->process)
		system_wait(s);
	else if (!s->current)
		system_next(s);
}

void files_cancel(struct files_request *r)
{
	r->done = NULL;
	if (!r->list)
		return; /* the process is working on it */
	DL_DELETE(*r->list, r);
	request_free(r);
}

void files_system_free(struct files_system *s)
{
	struct files_request *r, *next;
	struct files *f = s->disk->f;

	DL_FOREACH_SAFE(s->queue, r, next)
	free(r);
	s->queue = NULL;
	if (s->current != &s->opening)
		free(s->current);
	files_system_stop(s);
	if (s->waiting)
		DL_DELETE2(f->waiting, s, prev_used, next_used);
	free(s);
}
