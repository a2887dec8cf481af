/* SPDX-License-Identifier: MIT */
/* The disks whose files are in use, and the file systems on them that have a process. */
#include "files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "files_inner.h"

static void files_kick(void *arg);

struct files *files_create(const struct files_options *options)
{
	struct files *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->options = *options;
	if (!f->options.processes_max)
		f->options.processes_max = PROCESSES_MAX;
	if (!f->options.idle_ms)
		f->options.idle_ms = IDLE_MS;
	if (!f->options.limit_ms)
		f->options.limit_ms = LIMIT_MS;
	if (!f->options.need_max)
		f->options.need_max = NEED_MAX;
	f->kick = loop_timer_create(options->loop, files_kick, f);
	if (!f->kick) {
		free(f);
		return NULL;
	}
	return f;
}

static void files_disk_free(struct files_disk *d)
{
	struct files_system *s, *next;

	LL_FOREACH_SAFE(d->systems, s, next)
	files_system_free(s);
	if (d->hh.tbl)
		HASH_DEL(d->f->disks, d);
	free((char *)d->facts.region);
	free((char *)d->facts.snapshot);
	free((char *)d->facts.volume);
	free(d->table);
	free(d->key);
	free(d);
}

void files_destroy(struct files *f)
{
	struct files_disk *d, *next;

	if (!f)
		return;
	HASH_ITER (hh, f->disks, d, next)
		files_disk_free(d);
	loop_timer_destroy(f->kick);
	free(f);
}

struct files_stats files_stats(const struct files *f)
{
	return f->stats;
}

/* --- processes --- */

/* Ends the process that has been idle for longest. A process that is idle for less than PAUSE_MS
 * does not count: it may be between two requests of one walk. Returns false if there is none. */
static bool files_make_room(struct files *f)
{
	int64_t before = clock_mono_ms() - PAUSE_MS;
	struct files_system *s;

	DL_FOREACH2(f->running, s, next_used)
	if (!s->current && !s->queue && s->idle_since_ms <= before) {
		files_system_stop(s);
		return true;
	}
	return false;
}

/* Returns whether no opening and no request uses the disk; only its table may be worth keeping. */
static bool files_disk_is_idle(const struct files_disk *d)
{
	const struct files_system *s;

	if (d->refs)
		return false;
	LL_FOREACH(d->systems, s)
	if (s->current)
		return false;
	return true;
}

/* Frees idle disks beyond IDLE_DISKS_MAX, beginning with the disk that was closed longest ago. */
static void files_trim(struct files *f)
{
	for (;;) {
		struct files_disk *d, *oldest = NULL;
		unsigned idle = 0;

		for (d = f->disks; d; d = d->hh.next) {
			if (!files_disk_is_idle(d))
				continue;
			idle++;
			if (!oldest || d->closed < oldest->closed)
				oldest = d;
		}
		if (idle <= IDLE_DISKS_MAX)
			return;
		files_disk_free(oldest);
	}
}

static void files_kick(void *arg)
{
	struct files *f = arg;

	while (f->waiting && (f->stats.processes < f->options.processes_max || files_make_room(f)))
		files_system_start(f->waiting);
	if (f->waiting)
		loop_timer_start(f->kick, PAUSE_MS);
	files_trim(f);
}

/* --- disks --- */

static struct files_system *files_system_create(
	struct files_disk *d, const struct reader_partition *p)
{
	struct files_system *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->disk = d;
	s->is_table = !p;
	if (p) {
		s->number = p->number;
		s->start = p->start;
		s->size = p->size;
	}
	s->opening.system = s;
	s->opening.question = (struct files_question){
		.type = READER_OPEN, .disk_size = d->size, .start = s->start, .size = s->size};
	LL_PREPEND(d->systems, s);
	return s;
}

static struct files_disk *files_disk_create(
	struct files *f, const struct disk_facts *facts, const char *key)
{
	struct files_disk *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->f = f;
	d->size = (uint64_t)facts->volume_gib << 30;
	d->facts = *facts;
	d->facts.region = strdup(facts->region);
	d->facts.snapshot = strdup(facts->snapshot);
	d->facts.volume = strdup(facts->volume ? facts->volume : "");
	d->key = strdup(key);
	d->table_system = files_system_create(d, NULL);
	if (d->facts.region && d->facts.snapshot && d->facts.volume && d->key && d->table_system)
		HASH_ADD_KEYPTR(hh, f->disks, d->key, strlen(d->key), d);
	if (d->hh.tbl)
		return d;
	files_disk_free(d);
	return NULL;
}

int files_disk_open(struct files *f, const struct disk_facts *facts, struct files_disk **out)
{
	_cleanup_free_ char *key = NULL;
	struct files_disk *d;

	if (asprintf(&key, "%s/%s", facts->region, facts->snapshot) < 0) {
		key = NULL;
		return -ENOMEM;
	}
	HASH_FIND_STR(f->disks, key, d);
	if (!d)
		d = files_disk_create(f, facts, key);
	if (!d)
		return -ENOMEM;
	d->refs++;
	*out = d;
	return 0;
}

void files_disk_close(struct files_disk *d)
{
	d->closed = ++d->f->closes;
	if (--d->refs == 0)
		loop_timer_start(d->f->kick, 0);
}

const struct disk_facts *files_disk_facts(const struct files_disk *d)
{
	return &d->facts;
}

const struct reader_table *files_table(const struct files_disk *d)
{
	return d->table;
}

const struct reader_partition *files_partition(const struct files_disk *d, uint32_t i)
{
	return d->table && i < d->table->count ? (const struct reader_partition *)(d->table + 1) + i
					       : NULL;
}

struct files_system *files_system_at(struct files_disk *d, uint32_t i)
{
	const struct reader_partition *p = files_partition(d, i);
	struct files_system *s;

	LL_FOREACH(d->systems, s)
	if (!s->is_table && s->number == p->number)
		return s;
	return files_system_create(d, p);
}

const struct reader_opened *files_opened(const struct files_system *s)
{
	return s->was_opened ? &s->opened : NULL;
}

bool files_runs(const struct files_system *s)
{
	return s->process != NULL;
}

/* --- requests --- */

static struct files_request *files_request_add(struct files_system *s, const struct files_ask *ask,
	const char *program, files_done *done, void *arg)
{
	struct files_request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->system = s;
	r->question = (struct files_question){.type = ask->type,
		.inode = ask->inode,
		.offset = ask->offset,
		.length = ask->length,
		.disk_size = s->disk->size,
		.start = s->start,
		.size = s->size};
	if (ask->name) {
		r->name_length = strnlen(ask->name, READER_NAME_MAX);
		memcpy(r->name, ask->name, r->name_length);
	}
	snprintf(r->program, sizeof(r->program), "%s", program);
	r->done = done;
	r->arg = arg;
	files_system_add(s, r);
	return r;
}

struct files_request *files_ask(struct files_system *s, const struct files_ask *ask,
	const char *program, files_done *done, void *arg)
{
	return files_request_add(s, ask, program, done, arg);
}

struct files_request *files_ask_table(
	struct files_disk *d, const char *program, files_done *done, void *arg)
{
	return files_request_add(d->table_system, &(struct files_ask){.type = READER_PARTITIONS},
		program, done, arg);
}
