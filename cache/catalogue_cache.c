/* SPDX-License-Identifier: MIT */
/* Keeps a catalogue on disk. */
#include "catalogue_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "catalogue_block.h"
#include "catalogue_file.h"
#include "clock.h"
#include "log.h"
#include "loop.h"

/*
 * The catalogue is the loop's, the file the thread pool's, and a block goes from one to the other:
 * a step on the loop takes about a millisecond, and the pool's step follows it. The catalogue
 * may change between two steps; each block is right when it is written.
 */
struct job {
	struct catalogue_cache *cache; /* NULL: abandoned */
	uv_loop_t *loop;
	char *path;
	struct catalogue_file *file;
	struct catalogue_file_facts facts;
	struct buf block;
	struct err err;
	int result; /* of the pool's step */
	bool begun;
	/* Reading. */
	catalogue_cache_loaded *loaded;
	void *arg;
	/* Writing. */
	struct catalogue_block_writer *writer; /* NULL: only the time changes */
	catalogue_slot slot;
	uint64_t changes; /* that it has in it */
	bool last;        /* the pool's step is to commit */
};

struct catalogue_cache {
	uv_loop_t *loop;
	struct catalogue *catalogue;
	char *path, *scope, *name;
	struct job *job;
	int64_t listed_ms; /* by EC2, 0: not in this mount */
	int64_t stored_ms; /* the listing that is on disk; 0: none, or not known */
	uint64_t stored_changes;
	int64_t tried_at; /* monotonic, of the last attempt to write; 0: none */
	bool complained, once_more;
};

struct catalogue_cache *catalogue_cache_create(
	uv_loop_t *loop, struct catalogue *c, const char *path, const char *scope, const char *name)
{
	struct catalogue_cache *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->loop = loop;
	k->catalogue = c;
	k->path = strdup(path);
	k->scope = strdup(scope);
	k->name = strdup(name);
	if (k->path && k->scope && k->name)
		return k;
	catalogue_cache_destroy(k);
	return NULL;
}

void catalogue_cache_destroy(struct catalogue_cache *k)
{
	if (!k)
		return;
	if (k->job)
		k->job->cache = NULL;
	free(k->path);
	free(k->scope);
	free(k->name);
	free(k);
}

bool catalogue_cache_busy(const struct catalogue_cache *k)
{
	return k->job != NULL;
}

static void job_destroy(struct job *j)
{
	if (j->cache)
		j->cache->job = NULL;
	if (j->loaded)
		catalogue_file_close(j->file);
	else
		catalogue_file_discard(j->file);
	catalogue_block_writer_destroy(j->writer);
	buf_finish(&j->block);
	free(j->path);
	free(j);
}

static struct job *job_create(struct catalogue_cache *k)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->loop = k->loop;
	buf_init(&j->block, 2 * CATALOGUE_BLOCK_MAX);
	snprintf(j->facts.scope, sizeof(j->facts.scope), "%s", k->scope);
	j->path = strdup(k->path);
	if (!j->path) {
		job_destroy(j);
		return NULL;
	}
	j->cache = k;
	k->job = j;
	return j;
}

/* --- reading --- */

static void read_step(void *arg)
{
	struct job *j = arg;
	char scope[sizeof(j->facts.scope)];

	if (!j->file) {
		memcpy(scope, j->facts.scope, sizeof(scope));
		j->file = catalogue_file_open(j->path, scope, &j->facts, &j->err);
	}
	j->result = j->file ? catalogue_file_next(j->file, &j->block, &j->err) : -j->err.errnum;
}

static void read_failed(struct catalogue_cache *k, const struct err *err)
{
	catalogue_forget_disk(k->catalogue);
	if (err->errnum != ENOENT)
		log_line(err->errnum == ESTALE ? LOG_INFO : LOG_WARNING,
			"what was kept of %s is not used: %s", k->name, err->message);
}

static void read_done(void *arg)
{
	struct job *j = arg;
	struct catalogue_cache *k = j->cache;
	catalogue_cache_loaded *loaded = j->loaded;
	void *loaded_arg = j->arg;
	int64_t listed_ms = 0;

	if (k && j->result > 0) {
		if (!j->begun)
			catalogue_reserve(k->catalogue, j->facts.ids, j->facts.texts);
		j->begun = true;
		j->result = catalogue_read(k->catalogue, j->block.data, j->block.len);
		if (j->result < 0)
			err_set(&j->err, -j->result, "%s: %s", j->path, strerror(-j->result));
		else if (loop_work(j->loop, read_step, read_done, j) == 0)
			return;
		else
			j->result = err_set(&j->err, ENOMEM, "out of memory");
	}
	if (k && j->result < 0) {
		read_failed(k, &j->err);
	} else if (k) {
		listed_ms = k->stored_ms = j->facts.listed_ms;
		k->stored_changes = catalogue_changes(k->catalogue);
	}
	job_destroy(j);
	if (k)
		loaded(loaded_arg, listed_ms);
}

int catalogue_cache_load(struct catalogue_cache *k, catalogue_cache_loaded *done, void *arg)
{
	struct job *j = job_create(k);

	if (!j)
		return -ENOMEM;
	j->loaded = done;
	j->arg = arg;
	if (loop_work(k->loop, read_step, read_done, j) == 0)
		return 0;
	job_destroy(j);
	return -ENOMEM;
}

/* --- writing --- */

static void write_step(void *arg)
{
	struct job *j = arg;

	if (!j->writer) {
		j->result =
			catalogue_file_stamp(j->path, j->facts.scope, j->facts.listed_ms, &j->err);
		return;
	}
	if (!j->file)
		j->file = catalogue_file_create(j->path, &j->err);
	if (!j->file)
		j->result = -j->err.errnum;
	else if (j->last)
		j->result = catalogue_file_commit(steal(&j->file), &j->facts, &j->err);
	else
		j->result = catalogue_file_add(j->file, &j->block, &j->err);
}

static void write_done(void *arg);

/* The next block, or the end. */
static void write_next(struct job *j)
{
	int n = 0;

	if (j->writer)
		n = catalogue_write(j->cache->catalogue, j->writer, &j->slot, &j->block);
	j->last = n == 0;
	if (n < 0 || loop_work(j->loop, write_step, write_done, j) < 0) {
		log_warning("%s is not kept on disk: out of memory", j->cache->name);
		job_destroy(j);
	}
}

static void written(struct catalogue_cache *k, const struct job *j)
{
	if (j->result == 0) {
		k->stored_ms = j->facts.listed_ms;
		k->stored_changes = j->changes;
		k->complained = false;
		return;
	}
	/* A file that cannot be stamped is not the one that was written. */
	k->stored_ms = 0;
	if (!k->complained && j->writer)
		log_warning("%s is not kept on disk: %s", k->name, j->err.message);
	k->complained |= j->writer != NULL;
}

static void write_done(void *arg)
{
	struct job *j = arg;
	struct catalogue_cache *k = j->cache;

	if (k && j->result == 0 && !j->last) {
		write_next(j);
		return;
	}
	if (k)
		written(k, j);
	job_destroy(j);
	if (k && k->once_more)
		catalogue_cache_flush(k);
}

static void write_now(struct catalogue_cache *k)
{
	bool same = k->stored_ms && k->stored_changes == catalogue_changes(k->catalogue);
	struct job *j = job_create(k);

	k->tried_at = clock_mono_ms();
	if (j && !same)
		j->writer = catalogue_block_writer_create();
	if (!j || (!same && !j->writer)) {
		log_warning("%s is not kept on disk: out of memory", k->name);
		if (j)
			job_destroy(j);
		return;
	}
	j->facts.listed_ms = k->listed_ms;
	j->changes = catalogue_changes(k->catalogue);
	catalogue_counts(k->catalogue, &j->facts.ids, &j->facts.texts);
	write_next(j);
}

void catalogue_cache_listed(struct catalogue_cache *k, int64_t listed_ms)
{
	if (k->job && k->job->loaded) {
		k->job->cache = NULL;
		k->job = NULL;
	}
	k->listed_ms = listed_ms;
	if (!k->job &&
		(!k->tried_at || clock_mono_ms() - k->tried_at >= CATALOGUE_CACHE_INTERVAL_MS))
		write_now(k);
}

void catalogue_cache_flush(struct catalogue_cache *k)
{
	k->once_more = k->job && !k->job->loaded;
	if (!k->job && k->listed_ms && k->listed_ms != k->stored_ms)
		write_now(k);
}
