/* SPDX-License-Identifier: MIT */
/* The store of files, folders and links that are in memory only. */
#include "draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "fs.h"
#include "hash.h"
#include "hashset.h"

/* The drafts in a folder; freed when the folder has none. */
struct drafts_folder {
	uint64_t number;
	struct draft *first;
	/* The draft at which a listing that has reached `position` continues. NULL: unknown. */
	struct draft *cursor;
	bool held; /* not freed although it has no drafts */
	UT_hash_handle hh;
};

struct drafts {
	struct draft **all;    /* by number; NULL: the number is free */
	uint32_t *generations; /* by number: how often it was given */
	uint32_t *free;        /* stack of the free numbers below n */
	uint32_t n, cap, n_free;
	size_t bytes; /* of all texts */
	uint64_t version;
	uint64_t position;
	struct hashset by_key;
	struct drafts_folder *folders;
	struct draft *expiring;
};

static const void *drafts_key_of(const void *ctx, uint32_t number, size_t *len)
{
	const struct draft *d = ((const struct drafts *)ctx)->all[number];

	*len = sizeof(d->folder) + strlen(d->name);
	return d->key;
}

/* Returns the draft's key: the folder's number, then the name. NULL on ENOMEM. */
static char *drafts_make_key(uint64_t folder, const char *name)
{
	char *key = malloc(sizeof(folder) + strlen(name) + 1);

	if (!key)
		return NULL;
	memcpy(key, &folder, sizeof(folder));
	strcpy(key + sizeof(folder), name);
	return key;
}

struct drafts *drafts_create(void)
{
	struct drafts *ds = calloc(1, sizeof(*ds));

	if (ds)
		hashset_init(&ds->by_key, drafts_key_of, ds);
	return ds;
}

static void draft_free(struct draft *d)
{
	free(d->key);
	buf_finish(&d->text);
	free(d);
}

void drafts_destroy(struct drafts *ds)
{
	struct drafts_folder *folder, *next;

	if (!ds)
		return;
	for (uint32_t i = 0; i < ds->n; i++)
		if (ds->all[i])
			draft_free(ds->all[i]);
	HASH_ITER (hh, ds->folders, folder, next) {
		HASH_DEL(ds->folders, folder);
		free(folder);
	}
	hashset_finish(&ds->by_key);
	free(ds->all);
	free(ds->generations);
	free(ds->free);
	free(ds);
}

/* --- numbers --- */

struct draft *drafts_get(const struct drafts *ds, struct node n)
{
	struct draft *d = n.slot < ds->n ? ds->all[n.slot] : NULL;

	return d && d->generation == n.sub ? d : NULL;
}

struct node drafts_node(const struct draft *d)
{
	static const enum node_kind kinds[] = {NODE_DRAFT, NODE_DRAFT_FOLDER, NODE_DRAFT_LINK};

	return (struct node){.kind = kinds[d->type],
		.region = d->region,
		.slot = d->number,
		.sub = d->generation};
}

static int drafts_grow(struct drafts *ds)
{
	uint32_t cap = ds->cap ? ds->cap * 2 : 64;
	struct draft **all = realloc(ds->all, cap * sizeof(*all));
	uint32_t *generations, *unused;

	if (all)
		ds->all = all;
	generations = all ? realloc(ds->generations, cap * sizeof(*generations)) : NULL;
	if (generations)
		ds->generations = generations;
	unused = generations ? realloc(ds->free, cap * sizeof(*unused)) : NULL;
	if (!unused)
		return -ENOMEM;
	ds->free = unused;
	memset(ds->generations + ds->cap, 0, (cap - ds->cap) * sizeof(*generations));
	ds->cap = cap;
	return 0;
}

/* Gives the draft a free number and a new generation of it. The kernel has seen no other draft with
 * both. 0 or -ENOMEM. */
static int drafts_number(struct drafts *ds, struct draft *d)
{
	if (!ds->n_free && ds->n == ds->cap && drafts_grow(ds) < 0)
		return -ENOMEM;
	d->number = ds->n_free ? ds->free[--ds->n_free] : ds->n++;
	ds->generations[d->number] = (ds->generations[d->number] + 1) & NODE_SUB_MAX;
	d->generation = ds->generations[d->number];
	ds->all[d->number] = d;
	return 0;
}

static void drafts_free_number(struct drafts *ds, struct draft *d)
{
	ds->all[d->number] = NULL;
	ds->free[ds->n_free++] = d->number;
}

/* --- folders --- */

static struct drafts_folder *drafts_folder(struct drafts *ds, uint64_t number)
{
	struct drafts_folder *folder;

	HASH_FIND(hh, ds->folders, &number, sizeof(number), folder);
	return folder;
}

static struct drafts_folder *drafts_folder_make(struct drafts *ds, uint64_t number)
{
	struct drafts_folder *folder = drafts_folder(ds, number);

	if (folder)
		return folder;
	folder = calloc(1, sizeof(*folder));
	if (!folder)
		return NULL;
	folder->number = number;
	HASH_ADD(hh, ds->folders, number, sizeof(folder->number), folder);
	if (!folder->hh.tbl) {
		free(folder);
		return NULL;
	}
	return folder;
}

static void drafts_folder_shed(struct drafts *ds, struct drafts_folder *folder)
{
	if (folder->first || folder->held)
		return;
	HASH_DEL(ds->folders, folder);
	free(folder);
}

/* Adds the draft to its folder's list and to the index by key (d->key is set). Returns 0 or
 * -ENOMEM. */
static int drafts_link(struct drafts *ds, struct draft *d, struct drafts_folder *folder)
{
	if (hashset_add(&ds->by_key, d->number) < 0)
		return -ENOMEM;
	d->position = ++ds->position;
	d->siblings = folder;
	DL_APPEND(folder->first, d);
	ds->version += node_of(d->folder).kind == NODE_SNAPSHOTS;
	return 0;
}

static void drafts_unlink(struct drafts *ds, struct draft *d)
{
	struct drafts_folder *folder = d->siblings;

	hashset_remove(&ds->by_key, d->number);
	if (folder->cursor == d)
		folder->cursor = NULL;
	DL_DELETE(folder->first, d);
	ds->version += node_of(d->folder).kind == NODE_SNAPSHOTS;
	d->siblings = NULL;
	drafts_folder_shed(ds, folder);
}

/* --- expiry --- */

void drafts_expire(struct drafts *ds, struct draft *d)
{
	if (d->until_ms)
		DL_DELETE2(ds->expiring, d, prev_expiring, next_expiring);
	d->until_ms = clock_mono_ms() + DRAFT_SCRATCH_MS;
	DL_APPEND2(ds->expiring, d, prev_expiring, next_expiring);
}

static void drafts_touch(struct drafts *ds, struct draft *d)
{
	d->mtime_ns = clock_wall_ms() * 1000000;
	if (d->until_ms)
		drafts_expire(ds, d);
}

static void drafts_sweep(struct drafts *ds)
{
	int64_t now_ms = clock_mono_ms();

	while (ds->expiring && ds->expiring->until_ms <= now_ms) {
		if (ds->expiring->openings)
			drafts_expire(ds, ds->expiring);
		else
			drafts_remove(ds, ds->expiring);
	}
}

/* --- lookups --- */

struct draft *drafts_find(struct drafts *ds, struct node folder, const char *name)
{
	char key[sizeof(uint64_t) + NAME_MAX + 1];
	uint64_t parent = node_number(folder);
	size_t len = strlen(name);
	uint32_t number;

	drafts_sweep(ds);
	if (len > NAME_MAX)
		return NULL;
	memcpy(key, &parent, sizeof(parent));
	memcpy(key + sizeof(parent), name, len);
	number = hashset_find(&ds->by_key, key, sizeof(parent) + len);
	return number == HASHSET_NONE ? NULL : ds->all[number];
}

uint64_t drafts_version(const struct drafts *ds)
{
	return ds->version;
}

void drafts_each_folder(struct drafts *ds, void (*fn)(void *arg, struct node folder), void *arg)
{
	drafts_sweep(ds);
	for (const struct drafts_folder *folder = ds->folders; folder; folder = folder->hh.next)
		fn(arg, node_of(folder->number));
}

bool drafts_any(struct drafts *ds, struct node folder)
{
	drafts_sweep(ds);
	return drafts_folder(ds, node_number(folder)) != NULL;
}

struct draft *drafts_next(struct drafts *ds, struct node folder, uint64_t *pos)
{
	struct drafts_folder *f;
	struct draft *d;

	drafts_sweep(ds);
	f = drafts_folder(ds, node_number(folder));
	if (!f)
		return NULL;
	d = *pos && f->cursor ? f->cursor : f->first;
	while (d != f->first && d->position > *pos)
		d = d->prev;
	while (d && (d->position <= *pos || d->type == DRAFT_WHITEOUT))
		d = d->next;
	f->cursor = d;
	if (d)
		*pos = d->position;
	return d;
}

/* --- life --- */

static void drafts_set_key(struct draft *d, uint64_t folder, char *key)
{
	d->folder = folder;
	d->key = key;
	d->name = key + sizeof(folder);
}

/* Creates an empty draft in its folder; NULL on ENOMEM. */
static struct draft *drafts_new(struct drafts *ds, uint64_t number, const char *name)
{
	struct drafts_folder *folder = drafts_folder_make(ds, number);
	struct draft *d = calloc(1, sizeof(*d));
	char *key = drafts_make_key(number, name);

	if (folder && d && key && drafts_number(ds, d) == 0) {
		drafts_set_key(d, number, key);
		d->mtime_ns = clock_wall_ms() * 1000000;
		buf_init(&d->text, DRAFT_BYTES_MAX);
		if (drafts_link(ds, d, folder) == 0)
			return d;
		drafts_free_number(ds, d);
	}
	if (folder)
		drafts_folder_shed(ds, folder);
	free(key);
	free(d);
	return NULL;
}

struct draft *drafts_add(struct drafts *ds, struct node folder, const char *name,
	enum draft_type type, bool kept, struct err *err)
{
	struct draft *d;

	drafts_sweep(ds);
	if (!kept && ds->n - ds->n_free >= DRAFTS_MAX) {
		err_set(err, ENOSPC,
			"this mount holds %u files in memory already, in names that begin with a "
			"dot and in receipts' folders; remove some, or mount again",
			DRAFTS_MAX);
		return NULL;
	}
	d = drafts_new(ds, node_number(folder), name);
	if (!d) {
		err_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	d->region = folder.region;
	d->type = type;
	return d;
}

struct draft *drafts_make(struct fs *fs, struct node folder, const char *name, enum draft_type type,
	mode_t mode, struct err *err)
{
	struct draft *d = NULL;

	if (drafts_find(fs->drafts, folder, name))
		err_set(err, EEXIST, "'%s' exists already; choose another name, or remove it first",
			name);
	else
		d = drafts_add(fs->drafts, folder, name, type, false, err);
	if (d) {
		d->mode = mode & 07777;
		d->uid = fs_maker(fs);
		d->gid = fs->gid;
	}
	return d;
}

int drafts_rename(struct drafts *ds, struct draft *d, struct node folder, const char *name)
{
	uint64_t number = node_number(folder);
	struct draft *old = drafts_find(ds, folder, name);
	struct drafts_folder *to;
	char *key;

	if (old == d)
		return 0;
	key = drafts_make_key(number, name);
	to = key ? drafts_folder_make(ds, number) : NULL;
	if (!to) {
		free(key);
		return -ENOMEM;
	}
	to->held = true;
	if (old)
		drafts_remove(ds, old);
	drafts_unlink(ds, d);
	free(d->key);
	drafts_set_key(d, number, key);
	drafts_link(ds, d, to); /* cannot fail: removing the draft has freed a place in the index */
	to->held = false;
	return 0;
}

void drafts_rename_all(struct drafts *ds, struct node from, struct node to)
{
	struct draft *d;
	uint64_t pos = 0;

	while ((d = drafts_next(ds, from, &pos)))
		drafts_rename(ds, d, to, d->name);
}

static void drafts_free(struct drafts *ds, struct draft *d)
{
	ds->bytes -= d->text.len;
	drafts_free_number(ds, d);
	draft_free(d);
}

void drafts_remove_all(struct drafts *ds, struct node folder)
{
	struct drafts_folder *f;

	while ((f = drafts_folder(ds, node_number(folder))))
		drafts_remove(ds, f->first);
}

void drafts_remove(struct drafts *ds, struct draft *d)
{
	if (d->type == DRAFT_FOLDER)
		drafts_remove_all(ds, drafts_node(d));
	if (d->until_ms)
		DL_DELETE2(ds->expiring, d, prev_expiring, next_expiring);
	d->until_ms = 0;
	drafts_unlink(ds, d);
	d->gone = true;
	if (!d->openings)
		drafts_free(ds, d);
}

void drafts_open(struct draft *d)
{
	d->openings++;
}

void drafts_close(struct drafts *ds, struct draft *d)
{
	if (--d->openings)
		return;
	if (d->gone)
		drafts_free(ds, d);
	else if (d->until_ms)
		drafts_expire(ds, d);
}

/* --- text --- */

/* Checks the limits of one draft and of the mount for a text of `size` bytes. */
static int drafts_check_size(
	const struct drafts *ds, const struct draft *d, size_t size, struct err *err)
{
	if (size > DRAFT_BYTES_MAX)
		return err_set(err, EFBIG,
			"%s: this file is kept in memory, with %zu bytes at most; this is no "
			"snapshot file",
			d->name, DRAFT_BYTES_MAX);
	if (size > d->text.len && ds->bytes - d->text.len + size > DRAFTS_BYTES_MAX)
		return err_set(err, ENOSPC,
			"this mount holds %zu MiB in memory already, in names that begin with a "
			"dot and in receipts' folders; remove some, or mount again",
			DRAFTS_BYTES_MAX >> 20);
	return 0;
}

int drafts_write(struct drafts *ds, struct draft *d, const char *data, size_t len, off_t offset,
	struct err *err)
{
	size_t end = (size_t)offset + len, before = d->text.len;

	if (drafts_check_size(ds, d, end > before ? end : before, err) < 0)
		return -err->errnum;
	if (buf_write_at(&d->text, (size_t)offset, data, len) < 0) {
		d->text.error = 0;
		return err_set(err, ENOMEM, "out of memory");
	}
	ds->bytes += d->text.len - before;
	drafts_touch(ds, d);
	return 0;
}

int drafts_write_line(struct drafts *ds, struct draft *d, const char *value, struct err *err)
{
	size_t len = strlen(value);

	return drafts_write(ds, d, value, len, 0, err) < 0 ||
			       drafts_write(ds, d, "\n", 1, (off_t)len, err) < 0
		       ? -err->errnum
		       : 0;
}

int drafts_truncate(struct drafts *ds, struct draft *d, off_t size, struct err *err)
{
	size_t before = d->text.len;

	if (drafts_check_size(ds, d, (size_t)size, err) < 0)
		return -err->errnum;
	if (buf_resize(&d->text, (size_t)size) < 0) {
		d->text.error = 0;
		return err_set(err, ENOMEM, "out of memory");
	}
	ds->bytes += d->text.len - before;
	drafts_touch(ds, d);
	return 0;
}
