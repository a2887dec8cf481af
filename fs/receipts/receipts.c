/* SPDX-License-Identifier: MIT */
/* The receipts of a mount, by name and by number. Older receipts have lower numbers. */
#define FUSE_USE_VERSION 314
#include "receipts.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "hashset.h"
#include "journal.h"
#include "log.h"
#include "names.h"
#include "session.h"
#include "snapshot_file.h"
#include "timespec.h"

/* Permission bits that a receipt keeps. POSIX lets chmod() drop the set-user-id, set-group-id and
 * sticky bits; a text file needs none. */
#define RECEIPT_MODES 0777

struct receipts {
	struct fs *fs;
	struct receipt **all; /* by number; NULL: removed */
	uint32_t n, cap;
	uint64_t version;
	struct hashset by_key; /* the receipts' numbers, by key */
	bool shown_undecided;  /* the kernel may have cached attributes of an undecided receipt */
	receipts_watch_fn *watch;
	void *watch_arg;
};

static const void *receipts_key_of(const void *ctx, uint32_t number, size_t *len)
{
	const struct receipt *r = ((const struct receipts *)ctx)->all[number];

	*len = strlen(r->key);
	return r->key;
}

struct receipts *receipts_create(struct fs *fs)
{
	struct receipts *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return NULL;
	rs->fs = fs;
	hashset_init(&rs->by_key, receipts_key_of, rs);
	return rs;
}

struct receipt_work *receipts_work(struct receipt *r)
{
	if (r->work)
		return r->work;
	r->work = calloc(1, sizeof(*r->work));
	if (!r->work)
		return NULL;
	buf_init(&r->work->draft, REQUEST_TEXT_MAX);
	return r->work;
}

/* Frees w. Remaining waiters get no reply. NULL is permitted. */
static void receipts_work_destroy(struct receipt_work *w)
{
	if (!w)
		return;
	waiters_drop(&w->waiting);
	waiters_drop(&w->after);
	free(w->before.text);
	buf_finish(&w->draft);
	free(w->request);
	free(w);
}

void receipts_work_shed(struct receipt *r)
{
	const struct receipt_work *w = r->work;

	if (!w || r->state != RECEIPT_ASKED || w->writers || !waiters_empty(&w->waiting) ||
		!waiters_empty(&w->after))
		return;
	receipts_work_destroy(steal(&r->work));
}

void receipts_work_refuse(struct receipt_work *w, const struct err *err)
{
	w->has_refused = true;
	w->refused = *err;
}

static void receipt_free(struct receipt *r)
{
	receipts_work_destroy(r->work);
	free(r->key);
	free(r->file_name);
	free(r->text);
	free(r->description);
	free(r->tags);
	free(r);
}

void receipts_destroy(struct receipts *rs)
{
	if (!rs)
		return;
	hashset_finish(&rs->by_key);
	for (uint32_t i = 0; i < rs->n; i++)
		if (rs->all[i])
			receipt_free(rs->all[i]);
	free(rs->all);
	free(rs);
}

/* Allocates exactly the key's length, to save memory; asprintf() may allocate more. */
static char *receipts_make_key(const struct fs *fs, struct node folder, const char *name)
{
	const char *format = "%u/%s/%s";
	char where[RECEIPT_FOLDER_SIZE];
	size_t size;
	char *key;

	receipt_folder_name(fs, folder, where);
	size = (size_t)snprintf(NULL, 0, format, folder.region, where, name) + 1;
	key = malloc(size);
	if (key)
		snprintf(key, size, format, folder.region, where, name);
	return key;
}

struct receipt *receipts_by_name(const struct receipts *rs, struct node folder, const char *name)
{
	_cleanup_free_ char *key = receipts_make_key(rs->fs, folder, name);
	uint32_t number = key ? hashset_find(&rs->by_key, key, strlen(key)) : HASHSET_NONE;

	return number == HASHSET_NONE ? NULL : rs->all[number];
}

void receipts_watch(struct receipts *rs, receipts_watch_fn *fn, void *arg)
{
	rs->watch = fn;
	rs->watch_arg = arg;
}

static void receipts_invalidate(const struct receipts *rs, const struct receipt *r)
{
	session_invalidate(rs->fs, receipts_node(r));
	if (r->is_folder)
		session_invalidate(rs->fs, receipts_node_of(r, NODE_RECEIPT));
}

void receipts_changed(const struct receipts *rs, uint32_t number)
{
	if (rs->all[number])
		receipts_invalidate(rs, rs->all[number]);
	if (rs->watch)
		rs->watch(rs->watch_arg, number);
}

uint64_t receipts_version(const struct receipts *rs)
{
	return rs->version;
}

void receipts_listed_anew(struct receipts *rs)
{
	rs->version++;
}

bool receipts_asking(const struct receipts *rs)
{
	for (uint32_t i = 0; i < rs->n; i++)
		if (rs->all[i] && rs->all[i]->state == RECEIPT_ASKING)
			return true;
	return false;
}

struct receipt *receipts_get(const struct receipts *rs, struct node n)
{
	return n.slot < rs->n ? rs->all[n.slot] : NULL;
}

uint32_t receipts_count(const struct receipts *rs)
{
	return rs->n;
}

static int receipts_by_row(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

int64_t *receipts_copies(const struct receipts *rs, size_t *n)
{
	int64_t *copies = calloc((size_t)rs->n + 1, sizeof(*copies));

	*n = 0;
	if (!copies)
		return NULL;
	for (uint32_t i = 0; i < rs->n; i++)
		if (rs->all[i] && rs->all[i]->copy && rs->all[i]->state != RECEIPT_REMOVING)
			copies[(*n)++] = rs->all[i]->copy;
	qsort(copies, *n, sizeof(*copies), receipts_by_row);
	return copies;
}

struct copy *receipts_copy(const struct fs *fs, const struct receipt *r)
{
	return r->copy ? copies_by_row(fs->copies, r->copy) : NULL;
}

bool receipts_is_living(const struct fs *fs, const struct receipt *r)
{
	const struct copy *copy = receipts_copy(fs, r);

	if (!copy || copy->row.dry_run)
		return false;
	switch (copy->state) {
	case COPY_QUEUED:
	case COPY_SUBMITTING:
	case COPY_PENDING:
	case COPY_COMPLETED:
		return true;
	case COPY_FAILED:
		return copy->row.code && !strcmp(copy->row.code, COPY_CODE_UNKNOWN);
	case COPY_ERROR:
	case COPY_CANCELLED:
	case COPY_DELETED:
		break;
	}
	return false;
}

bool receipts_is_fixed(const struct fs *fs, const struct receipt *r)
{
	if (r->state != RECEIPT_ASKED)
		return r->state != RECEIPT_DRAFT;
	return receipts_is_living(fs, r);
}

/* Whether another receipt has the same copy as this one. */
static bool receipts_copy_is_shared(const struct fs *fs, const struct receipt *r)
{
	const struct receipts *rs = fs->receipts;

	for (uint32_t i = 0; r->copy && i < rs->n; i++)
		if (rs->all[i] && rs->all[i] != r && rs->all[i]->copy == r->copy)
			return true;
	return false;
}

int receipts_check_writable(const struct receipt *r, struct err *err)
{
	if (!r)
		return err_set(err, ENOENT, "the receipt is gone");
	if (r->state == RECEIPT_REMOVING)
		return err_set(err, EBUSY, "the receipt '%s' is being removed; try again", r->name);
	return 0;
}

struct node receipts_folder(const struct receipt *r)
{
	return (struct node){
		.kind = (enum node_kind)r->folder, .region = r->region, .slot = r->zone};
}

const char *receipts_region(const struct fs *fs, const struct receipt *r)
{
	return region_name(fs_region(fs, receipts_folder(r)));
}

struct node receipts_node_of(const struct receipt *r, enum node_kind kind)
{
	return (struct node){.kind = kind, .region = r->region, .slot = r->number};
}

struct node receipts_node(const struct receipt *r)
{
	return receipts_node_of(r, r->is_folder ? NODE_FOLDER : NODE_RECEIPT);
}

static void receipts_set_key(struct receipt *r, char *key)
{
	r->key = key;
	r->name = strrchr(key, '/') + 1;
}

/* Gives the receipt its number, and adds it to the list and the index by key. */
static int receipts_insert(struct receipts *rs, struct receipt *r)
{
	if (rs->n > NODE_SLOT_MAX)
		return -ENOSPC;
	if (rs->n == rs->cap) {
		uint32_t cap = rs->cap ? rs->cap * 2 : 64;
		struct receipt **all = realloc(rs->all, cap * sizeof(*all));

		if (!all)
			return -ENOMEM;
		rs->all = all;
		rs->cap = cap;
	}
	r->number = rs->n;
	rs->all[r->number] = r;
	if (hashset_add(&rs->by_key, r->number) < 0)
		return -ENOMEM;
	rs->n++;
	rs->version++;
	return 0;
}

static void receipt_set_folder(struct receipt *r, struct node folder)
{
	r->folder = (uint8_t)folder.kind;
	r->zone = folder.kind == NODE_ZONE ? (uint8_t)folder.slot : 0;
}

/* Creates a receipt of this name; the caller inserts it. NULL on ENOMEM. */
static struct receipt *receipt_create(const struct fs *fs, struct node folder, const char *name)
{
	struct receipt *r = calloc(1, sizeof(*r));
	char *key = receipts_make_key(fs, folder, name);

	if (!r || !key) {
		free(r);
		free(key);
		return NULL;
	}
	receipts_set_key(r, key);
	r->region = folder.region;
	receipt_set_folder(r, folder);
	r->file_mode = 0644;
	return r;
}

int receipts_load(void *arg, const struct journal_receipt *row)
{
	struct receipts *rs = ((struct fs *)arg)->receipts;
	int region = row->region ? regions_index(rs->fs->regions, row->region) : -1;
	int result = -ENOMEM;
	const char *name = row->name ? row->name : "";
	const char *file = row->file_name && *row->file_name ? row->file_name : NULL;
	const char *text = row->text && *row->text ? row->text : NULL;
	struct node folder;
	struct receipt *r;

	if (region < 0)
		return 0;
	if (!receipt_folder_of_name(
		    rs->fs, (uint32_t)region, row->folder ? row->folder : "", &folder)) {
		log_warning("receipt %lld of the journal is not shown, because %s has no folder "
			    "'%.100s'",
			(long long)row->id, row->region, row->folder);
		return 0;
	}
	r = receipt_create(rs->fs, folder, name);
	if (!r)
		return -ENOMEM;
	if (!names_is_file(name) || (file && !names_is_file(file)) ||
		hashset_find(&rs->by_key, r->key, strlen(r->key)) != HASHSET_NONE) {
		log_warning("receipt %lld of the journal is not shown, because no file in %s can "
			    "have its name, '%.100s'",
			(long long)row->id, row->region, name);
		receipt_free(r);
		return 0;
	}
	/* A row without a copy is of a folder into which only a description or tags were written.
	 */
	r->state = row->copy ? RECEIPT_ASKED : RECEIPT_DRAFT;
	r->id = row->id;
	r->copy = row->copy;
	r->mtime_ns = row->mtime_ns;
	r->mtime_set = row->mtime_set;
	r->uid = row->uid;
	r->gid = row->gid;
	r->mode = row->mode & RECEIPT_MODES;
	r->file_mode = row->file_mode & 0777;
	r->is_folder = row->is_folder;
	r->has_file = !row->is_folder || file;
	r->file_name = file ? strdup(file) : NULL;
	r->text = text ? strdup(text) : NULL;
	r->description = row->description ? strdup(row->description) : NULL;
	r->tags = row->tags ? strdup(row->tags) : NULL;
	if (!r->text == !text && !r->file_name == !file && !r->description == !row->description &&
		!r->tags == !row->tags)
		result = receipts_insert(rs, r);
	if (result < 0)
		receipt_free(r);
	return result;
}

static int64_t receipts_now_ns(void)
{
	return clock_wall_ms() * 1000000;
}

struct receipt *receipts_add(struct fs *fs, struct node folder, const char *name, mode_t mode,
	bool is_folder, struct err *err)
{
	struct receipt *r = receipt_create(fs, folder, name);

	if (!r || !receipts_work(r) || receipts_insert(fs->receipts, r) < 0) {
		if (r)
			receipt_free(r);
		err_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	r->is_folder = is_folder;
	r->mode = mode & RECEIPT_MODES;
	r->uid = fs_maker(fs);
	r->gid = fs->gid;
	r->mtime_ns = receipts_now_ns();
	return r;
}

int receipts_move(struct fs *fs, struct receipt *r, struct node folder, const char *name)
{
	char *key = receipts_make_key(fs, folder, name);

	if (!key)
		return -ENOMEM;
	hashset_remove(&fs->receipts->by_key, r->number);
	free(r->key);
	receipts_set_key(r, key);
	receipt_set_folder(r, folder);
	hashset_add(&fs->receipts->by_key, r->number); /* cannot fail: its old entry was removed */
	fs->receipts->version++;
	receipts_save(fs, r);
	return 0;
}

void receipts_drop(struct fs *fs, struct receipt *r)
{
	struct copy *copy = receipts_copy(fs, r);
	uint32_t number = r->number;

	if (copy && !receipts_copy_is_shared(fs, r))
		copies_abandon(fs->copies, copy);
	drafts_remove_all(fs->drafts, receipts_node(r));
	hashset_remove(&fs->receipts->by_key, number);
	fs->receipts->all[number] = NULL;
	fs->receipts->version++;
	receipts_changed(fs->receipts, number);
	receipt_free(r);
}

struct journal_receipt receipts_row(
	const struct fs *fs, const struct receipt *r, char folder[RECEIPT_FOLDER_SIZE])
{
	return (struct journal_receipt){
		.id = r->id,
		.copy = r->copy,
		.region = (char *)receipts_region(fs, r),
		.folder = (char *)receipt_folder_name(fs, receipts_folder(r), folder),
		.name = (char *)r->name,
		.is_folder = r->is_folder,
		.file_name = r->file_name,
		.text = r->text,
		.mode = r->mode,
		.uid = r->uid,
		.gid = r->gid,
		.mtime_ns = r->mtime_ns,
		.mtime_set = r->mtime_set,
		.description = r->description,
		.tags = r->tags,
		.file_mode = r->file_mode,
	};
}

void receipts_save(struct fs *fs, struct receipt *r)
{
	char folder[RECEIPT_FOLDER_SIZE];
	struct journal_receipt row;

	if (r->state == RECEIPT_ASKING) {
		r->work->save_again = true;
	} else if (r->state != RECEIPT_REMOVING && r->id) {
		row = receipts_row(fs, r, folder);
		journal_put_receipt(fs->journal, &row, NULL, NULL);
	}
}

/* While a receipt that has a copy is being written, the new mtime goes into `work`: it is used only
 * if the new text is accepted. */
static void receipt_set_mtime(struct receipt *r, int64_t mtime_ns)
{
	struct receipt_work *w = r->work;

	if (r->state == RECEIPT_ASKED && w && w->dirty) {
		w->has_mtime = true;
		w->mtime_ns = mtime_ns;
	} else {
		r->mtime_ns = mtime_ns;
		r->mtime_set = true;
	}
}

void receipts_set_attr(struct fs *fs, struct receipt *r, const struct stat *st, int which)
{
	if (which & FUSE_SET_ATTR_MODE)
		r->mode = st->st_mode & RECEIPT_MODES;
	if (which & FUSE_SET_ATTR_UID)
		r->uid = st->st_uid;
	if (which & FUSE_SET_ATTR_GID)
		r->gid = st->st_gid;
	if (which & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW))
		receipt_set_mtime(r, which & FUSE_SET_ATTR_MTIME_NOW ? receipts_now_ns()
								     : timespec_ns(st->st_mtim));
	receipts_save(fs, r);
}

/* Whether EC2 may or may not make the copy: its request was in flight when an earlier mount ended,
 * and its caller got no result. */
static bool receipts_is_undecided(const struct copy *copy)
{
	return copy->state == COPY_SUBMITTING && !copy->row.acknowledged;
}

static bool receipts_is_nothing(const struct copy *copy)
{
	return copy->state == COPY_FAILED || copy->state == COPY_ERROR ||
	       (copy->state == COPY_CANCELLED && !copy->row.acknowledged);
}

/* Whether rsync and cp -u should request the copy again, because it failed, was refused, or its
 * caller got no result: the receipt's mtime is then shown as 0, older than any source's. */
static bool receipt_is_to_be_sent(const struct fs *fs, const struct receipt *r)
{
	const struct copy *copy = receipts_copy(fs, r);

	if (!copy)
		return r->state == RECEIPT_DRAFT && r->work && r->work->has_refused;
	if (!receipts_is_undecided(copy))
		return receipts_is_nothing(copy);
	fs->receipts->shown_undecided = true;
	return true;
}

void receipts_attr(const struct fs *fs, const struct receipt *r, struct stat *st)
{
	st->st_mode = (st->st_mode & S_IFMT) | r->mode;
	st->st_uid = r->uid;
	st->st_gid = r->gid;
	st->st_mtim = timespec_of_ns(r->mtime_ns);
	st->st_atim = st->st_ctim = st->st_mtim;
	if (receipt_is_to_be_sent(fs, r))
		st->st_mtim = timespec_of_ns(0);
}

void receipts_copy_changed(const struct fs *fs, const struct copy *copy)
{
	const struct receipts *rs = fs->receipts;

	if (!copy->row.id || (!receipts_is_nothing(copy) && !rs->shown_undecided))
		return;
	for (uint32_t i = 0; i < rs->n; i++)
		if (rs->all[i] && rs->all[i]->copy == copy->row.id)
			receipts_invalidate(rs, rs->all[i]);
}
