/* SPDX-License-Identifier: MIT */
/* The table of the folders below filter/, and those of shared/. */
#include "filter_folders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "filter_query.h"
#include "fs.h"
#include "kernel_refs.h"
#include "loop.h"

/* The most hidden folders; beyond them, the folder that was used longest ago is freed. */
#define HIDDEN_MAX 64

struct filters {
	struct fs *fs;
	struct filter_folder *by_key;
	struct filter_place {
		struct filter_folder *folder; /* NULL: the place is free */
		uint32_t generation;
	} * places;
	uint32_t n_places;
	unsigned n_hidden;
	struct loop_timer *sweep; /* closes unused views; armed while there is a folder */
};

/* --- the table --- */

struct node filter_folders_node(const struct filters *f, const struct filter_folder *folder)
{
	return (struct node){.kind = NODE_FILTER_FOLDER,
		.region = folder->region,
		.slot = folder->index,
		.sub = f->places[folder->index].generation};
}

/* Writes a folder's key. The table has the folders below filter/ and, for NODE_SHARED, a folder
 * without a term. */
static void folder_key(
	uint32_t region, const struct filter_folder *parent, const char *term, struct buf *out)
{
	buf_printf(out, "%u/%lld/%s", region, parent ? (long long)parent->index : -1, term);
}

static struct filter_folder *folder_find(
	struct filters *f, uint32_t region, const struct filter_folder *parent, const char *term)
{
	_cleanup_buf_ struct buf key = BUF_INIT;
	struct filter_folder *folder;

	folder_key(region, parent, term, &key);
	if (key.error)
		return NULL;
	HASH_FIND(hh, f->by_key, key.data, key.len, folder);
	return folder;
}

/* Returns the number of a free place, or -errno. */
static int64_t free_place(struct filters *f)
{
	uint32_t n = f->n_places ? f->n_places * 2 : 16;
	struct filter_place *places;

	for (uint32_t i = 0; i < f->n_places; i++)
		if (!f->places[i].folder)
			return i;
	if (n - 1 > NODE_SLOT_MAX)
		return -ENOSPC;
	places = realloc(f->places, n * sizeof(*places));
	if (!places)
		return -ENOMEM;
	memset(places + f->n_places, 0, (n - f->n_places) * sizeof(*places));
	f->places = places;
	f->n_places = n;
	return n / 2;
}

/* --- queries --- */

/* Makes a query from the terms of a folder and one more (NULL: none). Results as
 * filter_query_make(). */
static int folder_query(const struct filters *f, const struct filter_folder *folder,
	const char *more, struct filter_query *out, struct err *err)
{
	unsigned depth = folder ? folder->depth : 0, n = 0;
	_cleanup_free_ const char **terms = calloc(depth + 1, sizeof(*terms));

	if (!terms) {
		*out = (struct filter_query){0};
		return err_set(err, ENOMEM, "out of memory");
	}
	for (; folder; folder = folder->parent)
		if (*folder->term)
			terms[n++] = folder->term;
	if (more)
		terms[n++] = more;
	return filter_query_make(out, terms, n, err);
}

struct view *filter_folders_look(struct filters *f, struct filter_folder *folder)
{
	struct region *region = regions_at(f->fs->regions, folder->region);
	struct filter_query q;

	folder->looked_ms = clock_mono_ms();
	if (folder->view)
		return folder->view;
	if (!*folder->term)
		return folder->view = region_view(
			       region, &(struct view_query){.restorable_by = ec2_owner_self});
	if (folder_query(f, folder, NULL, &q, NULL) == 0)
		folder->view = region_view(region, &q.query);
	filter_query_finish(&q);
	return folder->view;
}

/* --- closing unused views --- */

/* Closes the folder's view, unless another folder with an equal query uses it. */
static void folder_close_view(struct filters *f, struct filter_folder *folder)
{
	struct view *v = steal(&folder->view);

	for (uint32_t i = 0; v && i < f->n_places; i++)
		if (f->places[i].folder && f->places[i].folder->view == v)
			return;
	region_view_close(v);
}

static void folder_free(struct filters *f, struct filter_folder *folder)
{
	if (folder->view)
		folder_close_view(f, folder);
	if (folder->parent)
		folder->parent->children--;
	f->n_hidden -= folder->hidden;
	f->places[folder->index].folder = NULL;
	f->places[folder->index].generation =
		(f->places[folder->index].generation + 1) & NODE_SUB_MAX;
	HASH_DEL(f->by_key, folder);
	free(folder);
}

/* Returns whether a folder's view may be closed: no caller waits for it. */
static bool folder_is_quiet(const struct filter_folder *folder)
{
	return !folder->view || !view_is_busy(folder->view);
}

/* Returns the pause between two sweeps: the ttl, but at least a second. */
static int64_t sweep_ms(const struct filters *f)
{
	int64_t ttl_ms = f->fs->options->ttl_ms;

	return ttl_ms > 1000 ? ttl_ms : 1000;
}

static void filters_sweep(void *arg)
{
	struct filters *f = arg;
	int64_t idle_ms = VIEW_OLD_TTLS * sweep_ms(f), now = clock_mono_ms();
	struct filter_folder *folder, *next;

	HASH_ITER (hh, f->by_key, folder, next) {
		if (now - folder->looked_ms < idle_ms || !folder_is_quiet(folder))
			continue;
		if (folder->view)
			folder_close_view(f, folder);
		if (!folder->children && !kernel_refs_has(f->fs, filter_folders_node(f, folder)))
			folder_free(f, folder);
	}
	if (f->by_key)
		loop_timer_start(f->sweep, sweep_ms(f));
}

/* Frees the hidden folder that was used longest ago, except those whose view a caller waits for. */
static void drop_oldest_hidden(struct filters *f)
{
	struct filter_folder *folder, *next, *oldest = NULL;

	HASH_ITER (hh, f->by_key, folder, next)
		if (folder->hidden && folder_is_quiet(folder) &&
			(!oldest || folder->looked_ms < oldest->looked_ms))
			oldest = folder;
	if (oldest)
		folder_free(f, oldest);
}

/* --- making folders --- */

static struct filter_folder *folder_create(
	struct filters *f, uint32_t region, struct filter_folder *parent, const char *term)
{
	_cleanup_buf_ struct buf key = BUF_INIT;
	int64_t place = free_place(f);
	struct filter_folder *folder;

	folder_key(region, parent, term, &key);
	folder = key.error || place < 0 ? NULL : calloc(1, sizeof(*folder) + key.len + 1);
	if (!folder)
		return NULL;
	memcpy(folder->key, key.data, key.len + 1);
	folder->term = folder->key + key.len - strlen(term);
	folder->index = (uint32_t)place;
	folder->region = region;
	folder->parent = parent;
	folder->depth = (parent ? parent->depth : 0) + (*term != '\0');
	HASH_ADD_KEYPTR(hh, f->by_key, folder->key, key.len, folder);
	if (!folder->hh.tbl) {
		free(folder);
		return NULL;
	}
	f->places[place].folder = folder;
	if (parent)
		parent->children++;
	if (!loop_timer_armed(f->sweep))
		loop_timer_start(f->sweep, sweep_ms(f));
	return folder;
}

int filter_folders_need(struct filters *f, uint32_t region, struct filter_folder *parent,
	const char *term, struct filter_folder **out, struct err *err)
{
	struct filter_query q;
	int r = 0;

	*out = folder_find(f, region, parent, term);
	if (*out)
		return 0;
	r = filter_query_check(term, err);
	if (r < 0)
		return r;
	r = folder_query(f, parent, term, &q, err);
	if (r == 0) {
		*out = folder_create(f, region, parent, term);
		if (*out)
			(*out)->world = filter_query_is_world(&q.query);
		else
			r = err_set(err, ENOMEM, "out of memory");
	}
	filter_query_finish(&q);
	if (*out)
		(*out)->looked_ms = clock_mono_ms();
	return r;
}

struct filter_folder *filter_folders_for_id(
	struct filters *f, struct filter_folder *folder, const char *id)
{
	_cleanup_buf_ struct buf term = BUF_INIT;
	struct filter_folder *hidden;
	struct err err;

	if (!folder->world)
		return folder;
	buf_printf(&term, "snapshot-id=%s", id);
	if (!folder_find(f, folder->region, folder, buf_str(&term)) && f->n_hidden >= HIDDEN_MAX)
		drop_oldest_hidden(f);
	if (term.error ||
		filter_folders_need(f, folder->region, folder, buf_str(&term), &hidden, &err) < 0)
		return NULL;
	if (!hidden->hidden && !kernel_refs_has(f->fs, filter_folders_node(f, hidden))) {
		hidden->hidden = true;
		f->n_hidden++;
	}
	return hidden;
}

void filter_folders_show(struct filters *f, struct filter_folder *folder)
{
	f->n_hidden -= folder->hidden;
	folder->hidden = false;
}

struct filter_folder *filter_folders_get(struct fs *fs, struct node n)
{
	struct filters *f = fs->filters;
	struct filter_folder *shared;

	if (n.kind == NODE_SHARED) {
		shared = folder_find(f, n.region, NULL, "");
		return shared ? shared : folder_create(f, n.region, NULL, "");
	}
	if (n.slot >= f->n_places || f->places[n.slot].generation != n.sub)
		return NULL;
	return f->places[n.slot].folder;
}

static int folder_path(const struct filter_folder *folder, struct buf *out)
{
	if (folder->parent)
		folder_path(folder->parent, out);
	return buf_printf(out, "/%s", folder->term);
}

int filter_folders_path(struct fs *fs, struct node n, struct buf *out)
{
	const struct filter_folder *folder;

	if (n.kind == NODE_SHARED)
		return buf_puts(out, "/shared");
	buf_puts(out, "/filter");
	folder = n.kind == NODE_FILTER_FOLDER ? filter_folders_get(fs, n) : NULL;
	return folder ? folder_path(folder, out) : -out->error;
}

/* --- create and destroy --- */

struct filters *filter_folders_create(struct fs *fs)
{
	struct filters *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->fs = fs;
	f->sweep = loop_timer_create(fs->loop, filters_sweep, f);
	if (f->sweep)
		return f;
	free(f);
	return NULL;
}

void filter_folders_destroy(struct filters *f)
{
	struct filter_folder *folder, *next;

	if (!f)
		return;
	HASH_ITER (hh, f->by_key, folder, next) {
		HASH_DEL(f->by_key, folder);
		free(folder);
	}
	loop_timer_destroy(f->sweep);
	free(f->places);
	free(f);
}
