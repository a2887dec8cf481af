/* SPDX-License-Identifier: MIT */
/* Keeps a catalogue on disk: which thread reads and writes it, and when. */
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
 * The loop owns the catalogue, the thread pool the file, and blocks go from one to the other: a
 * step on the loop takes about a millisecond, then a step in the pool follows. The catalogue may
 * change between two steps; each block is consistent in itself.
 */
struct transfer {
	struct catalogue_cache *cache; /* NULL: abandoned */
	uv_loop_t *loop;
	char *path;
	struct catalogue_file *file;
	struct catalogue_file_facts facts;
	struct buf block;
	struct err err;
	int result; /* of the step in the pool */
	bool begun;
	/* Reading. */
	catalogue_cache_loaded *loaded;
	void *arg;
	/* Writing. */
	struct catalogue_block_writer *writer; /* NULL: only the time changes */
	catalogue_slot slot;
	uint64_t changes; /* changes_of() at the start */
	bool last;        /* the next step in the pool commits */
};

struct catalogue_cache {
	uv_loop_t *loop;
	struct catalogue *catalogue;
	struct members *listed;
	char *path, *scope, *name;
	struct transfer *transfer;
	int64_t listed_ms; /* when EC2 listed the region; 0: not in this mount */
	int64_t stored_ms; /* the same for the file; 0: no file, or not known */
	uint64_t stored_changes;
	int64_t tried_at; /* the last attempt to write, monotonic; 0: none */
	bool warned, write_again;
};

struct catalogue_cache *catalogue_cache_create(uv_loop_t *loop, struct catalogue *c,
	struct members *listed, const char *path, const char *scope, const char *name)
{
	struct catalogue_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return NULL;
	cache->loop = loop;
	cache->catalogue = c;
	cache->listed = listed;
	cache->path = strdup(path);
	cache->scope = strdup(scope);
	cache->name = strdup(name);
	if (cache->path && cache->scope && cache->name)
		return cache;
	catalogue_cache_destroy(cache);
	return NULL;
}

void catalogue_cache_destroy(struct catalogue_cache *cache)
{
	if (!cache)
		return;
	if (cache->transfer)
		cache->transfer->cache = NULL;
	free(cache->path);
	free(cache->scope);
	free(cache->name);
	free(cache);
}

bool catalogue_cache_busy(const struct catalogue_cache *cache)
{
	return cache->transfer != NULL;
}

static void transfer_destroy(struct transfer *t)
{
	if (t->cache)
		t->cache->transfer = NULL;
	if (t->loaded)
		catalogue_file_close(t->file);
	else
		catalogue_file_discard(t->file);
	catalogue_block_writer_destroy(t->writer);
	buf_finish(&t->block);
	free(t->path);
	free(t);
}

static struct transfer *transfer_create(struct catalogue_cache *cache)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->loop = cache->loop;
	buf_init(&t->block, 2 * CATALOGUE_BLOCK_MAX);
	snprintf(t->facts.scope, sizeof(t->facts.scope), "%s", cache->scope);
	t->path = strdup(cache->path);
	if (!t->path) {
		transfer_destroy(t);
		return NULL;
	}
	t->cache = cache;
	cache->transfer = t;
	return t;
}

/* --- reading --- */

static void transfer_read(void *arg)
{
	struct transfer *t = arg;
	char scope[sizeof(t->facts.scope)];

	if (!t->file) {
		memcpy(scope, t->facts.scope, sizeof(scope));
		t->file = catalogue_file_open(t->path, scope, &t->facts, &t->err);
	}
	t->result = t->file ? catalogue_file_next(t->file, &t->block, &t->err) : -t->err.errnum;
}

static void note_read(void *arg, catalogue_slot slot, bool listed)
{
	struct catalogue_cache *cache = arg;

	/* Out of memory, it is missing until EC2 has listed the region. */
	if (listed)
		(void)members_add(cache->listed, slot);
}

/* Grows with every change that the file shows. */
static uint64_t changes_of(const struct catalogue_cache *cache)
{
	return catalogue_changes(cache->catalogue) + cache->listed->version;
}

static void discard_loaded(struct catalogue_cache *cache, const struct err *err)
{
	catalogue_forget_disk(cache->catalogue);
	if (err->errnum != ENOENT)
		log_line(err->errnum == ESTALE ? LOG_INFO : LOG_WARNING,
			"the saved listing of %s is not used: %s", cache->name, err->message);
}

static void transfer_read_done(void *arg)
{
	struct transfer *t = arg;
	struct catalogue_cache *cache = t->cache;
	catalogue_cache_loaded *loaded = t->loaded;
	void *loaded_arg = t->arg;
	int64_t listed_ms = 0;

	if (cache && t->result > 0) {
		if (!t->begun)
			catalogue_reserve(cache->catalogue, t->facts.ids, t->facts.texts);
		t->begun = true;
		t->result = catalogue_read(
			cache->catalogue, t->block.data, t->block.len, note_read, cache);
		if (t->result < 0)
			err_set(&t->err, -t->result, "%s: %s", t->path, strerror(-t->result));
		else if (loop_work(t->loop, transfer_read, transfer_read_done, t) == 0)
			return;
		else
			t->result = err_set(&t->err, ENOMEM, "out of memory");
	}
	if (cache && t->result < 0) {
		discard_loaded(cache, &t->err);
	} else if (cache) {
		listed_ms = cache->stored_ms = t->facts.listed_ms;
		cache->stored_changes = changes_of(cache);
	}
	transfer_destroy(t);
	if (cache)
		loaded(loaded_arg, listed_ms);
}

int catalogue_cache_load(struct catalogue_cache *cache, catalogue_cache_loaded *done, void *arg)
{
	struct transfer *t = transfer_create(cache);

	if (!t)
		return -ENOMEM;
	t->loaded = done;
	t->arg = arg;
	if (loop_work(cache->loop, transfer_read, transfer_read_done, t) == 0)
		return 0;
	transfer_destroy(t);
	return -ENOMEM;
}

/* --- writing --- */

static void transfer_write(void *arg)
{
	struct transfer *t = arg;

	if (!t->writer) {
		t->result =
			catalogue_file_stamp(t->path, t->facts.scope, t->facts.listed_ms, &t->err);
		return;
	}
	if (!t->file)
		t->file = catalogue_file_create(t->path, &t->err);
	if (!t->file)
		t->result = -t->err.errnum;
	else if (t->last)
		t->result = catalogue_file_commit(steal(&t->file), &t->facts, &t->err);
	else
		t->result = catalogue_file_add(t->file, &t->block, &t->err);
}

static void transfer_write_done(void *arg);

/* Writes the next block, or commits. */
static void transfer_write_next(struct transfer *t)
{
	int n = 0;

	if (t->writer)
		n = catalogue_write(t->cache->catalogue, &t->cache->listed->set, t->writer,
			&t->slot, &t->block);
	t->last = n == 0;
	if (n < 0 || loop_work(t->loop, transfer_write, transfer_write_done, t) < 0) {
		log_warning("the listing of %s is not saved: out of memory", t->cache->name);
		transfer_destroy(t);
	}
}

static void note_written(struct catalogue_cache *cache, const struct transfer *t)
{
	if (t->result == 0) {
		cache->stored_ms = t->facts.listed_ms;
		cache->stored_changes = t->changes;
		cache->warned = false;
		return;
	}
	/* If the file cannot be stamped, another one has taken its place: write all of it next
	 * time. */
	cache->stored_ms = 0;
	if (!cache->warned && t->writer)
		log_warning("the listing of %s is not saved: %s; the next mount asks EC2 instead",
			cache->name, t->err.message);
	cache->warned |= t->writer != NULL;
}

static void transfer_write_done(void *arg)
{
	struct transfer *t = arg;
	struct catalogue_cache *cache = t->cache;

	if (cache && t->result == 0 && !t->last) {
		transfer_write_next(t);
		return;
	}
	if (cache)
		note_written(cache, t);
	transfer_destroy(t);
	if (cache && cache->write_again)
		catalogue_cache_flush(cache);
}

static void cache_write(struct catalogue_cache *cache)
{
	bool same = cache->stored_ms && cache->stored_changes == changes_of(cache);
	struct transfer *t = transfer_create(cache);

	cache->tried_at = clock_mono_ms();
	if (t && !same)
		t->writer = catalogue_block_writer_create();
	if (!t || (!same && !t->writer)) {
		log_warning("the listing of %s is not saved: out of memory", cache->name);
		if (t)
			transfer_destroy(t);
		return;
	}
	t->facts.listed_ms = cache->listed_ms;
	t->changes = changes_of(cache);
	catalogue_counts(cache->catalogue, &t->facts.ids, &t->facts.texts);
	transfer_write_next(t);
}

void catalogue_cache_listed(struct catalogue_cache *cache, int64_t listed_ms)
{
	if (cache->transfer && cache->transfer->loaded) {
		cache->transfer->cache = NULL;
		cache->transfer = NULL;
	}
	cache->listed_ms = listed_ms;
	if (!cache->transfer && (!cache->tried_at || clock_mono_ms() - cache->tried_at >=
							     CATALOGUE_CACHE_INTERVAL_MS))
		cache_write(cache);
}

void catalogue_cache_flush(struct catalogue_cache *cache)
{
	cache->write_again = cache->transfer && !cache->transfer->loaded;
	if (!cache->transfer && cache->listed_ms && cache->listed_ms != cache->stored_ms)
		cache_write(cache);
}
