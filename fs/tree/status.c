/* SPDX-License-Identifier: MIT */
/* status and .wait: their texts, poll(), and reads that wait for the end of a copy. */
#define FUSE_USE_VERSION 314
#include "status.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "nodes.h"
#include "session.h"
#include "status_confirm.h"
#include "timespec.h"

/* A read of .wait that waits. */
struct waiter {
	struct waiter *prev, *next; /* statuses.waiters */
	struct fs *fs;
	struct node node;
	struct handle *handle;
	size_t size; /* of the read */
	off_t offset;
	struct pending_reply *reply;
	bool held; /* copies_release() is owed */
};

/* Forwards one region's catalogue changes to the kernel's caches, the waiters and poll(). */
struct region_watch {
	struct region_watch *next; /* statuses.watches */
	struct fs *fs;
	uint32_t region;
};

struct statuses {
	struct fs *fs;
	struct region_watch *watches;
	struct waiter *waiters;
	struct handle *polled; /* by prev_watched and next_watched */
};

/* --- the text --- */

static const char *region_of(struct fs *fs, struct node n)
{
	return region_name(fs_region(fs, n));
}

static int snapshot_status_text(struct fs *fs, struct node n, struct buf *out)
{
	struct catalogue *c = fs_catalogue(fs, n);
	struct catalogue_snapshot s;
	const struct copy *copy;

	if (!catalogue_get(c, n.slot, &s) || s.presence == CATALOGUE_GONE)
		return -ENOENT;
	copy = copies_by_snapshot(fs->copies, region_of(fs, n), s.id);
	if (copy)
		return copies_status(fs->copies, copy, clock_wall_ms(), out);
	return copies_snapshot_status(region_of(fs, n), c, n.slot, clock_wall_ms(), out);
}

static int receipt_status_text(struct fs *fs, struct node n, struct buf *out)
{
	const struct receipt *r = receipts_get(fs->receipts, n);

	return r ? receipt_status(fs, r, out) : -ENOENT;
}

static bool is_receipt(struct node n)
{
	return n.kind == NODE_RECEIPT_STATUS || n.kind == NODE_RECEIPT_WAIT;
}

static int status_text(struct fs *fs, struct node n, struct buf *out)
{
	return is_receipt(n) ? receipt_status_text(fs, n, out) : snapshot_status_text(fs, n, out);
}

/* Reading a status that is about to change makes the poller ask EC2 soon. Its size alone (ls -l,
 * find) costs no request. */
static int status_text_read(struct fs *fs, struct node n, struct buf *out)
{
	if (is_receipt(n)) {
		const struct receipt *r = receipts_get(fs->receipts, n);
		const struct copy *copy = r ? receipts_copy(fs, r) : NULL;

		if (copy && copy->state == COPY_PENDING && copy->row.copy_id)
			copies_glance(fs->copies, copy->row.region, copy->row.copy_id);
	} else {
		struct catalogue_snapshot s;

		if (catalogue_get(fs_catalogue(fs, n), n.slot, &s) &&
			s.state == EC2_SNAPSHOT_PENDING)
			copies_glance(fs->copies, region_of(fs, n), s.id);
	}
	return status_text(fs, n, out);
}

/* --- attributes --- */

static int64_t copy_status_ms(const struct copy *copy)
{
	if (!copy_state_ended(copy->state))
		return 0;
	return copy->state == COPY_DELETED ? copy->row.deleted_ms : copy->row.ended_ms;
}

static int64_t receipt_status_ms(struct fs *fs, struct node n)
{
	const struct receipt *r = receipts_get(fs->receipts, n);
	const struct copy *copy = r ? receipts_copy(fs, r) : NULL;

	if (copy)
		return copy_status_ms(copy);
	return r && r->state != RECEIPT_ASKING ? r->mtime_ns / 1000000 : 0;
}

static int64_t snapshot_status_ms(struct fs *fs, struct node n)
{
	struct catalogue_snapshot s;
	const struct copy *copy;

	if (!catalogue_get(fs_catalogue(fs, n), n.slot, &s) || s.state == EC2_SNAPSHOT_PENDING)
		return 0;
	if (s.completion_ms)
		return s.completion_ms;
	copy = copies_by_snapshot(fs->copies, region_of(fs, n), s.id);
	return copy ? copy_status_ms(copy) : s.start_ms;
}

/* A text that changes no more has the time of its last change, or tar would report that the file
 * changed while it was read. Any other has the present time, as the text contains durations. */
static void status_set_times(struct fs *fs, struct node n, struct stat *st)
{
	int64_t ms = is_receipt(n) ? receipt_status_ms(fs, n) : snapshot_status_ms(fs, n);

	if (ms > 0)
		st->st_atim = st->st_mtim = st->st_ctim = timespec_of_ms(ms);
}

static int status_attr(struct fs *fs, struct node n, struct stat *st)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	int r = status_text(fs, n, &out);

	st->st_size = (off_t)out.len;
	status_set_times(fs, n, st);
	return r;
}

/* The id that the poller must ask about for this node; NULL for a receipt, whose copy is polled
 * anyway. */
static const char *watched_id(struct fs *fs, struct node n)
{
	return is_receipt(n) ? NULL : catalogue_id(fs_catalogue(fs, n), n.slot);
}

static bool status_ended(struct fs *fs, struct node n)
{
	struct catalogue_snapshot s;
	const struct copy *copy;

	if (is_receipt(n)) {
		const struct receipt *r = receipts_get(fs->receipts, n);

		if (!r)
			return true;
		copy = receipts_copy(fs, r);
		return r->state != RECEIPT_ASKING && (!copy || copy_state_ended(copy->state));
	}
	if (!catalogue_get(fs_catalogue(fs, n), n.slot, &s) || s.presence == CATALOGUE_GONE)
		return true;
	copy = copies_by_snapshot(fs->copies, region_of(fs, n), s.id);
	return copy ? copy_state_ended(copy->state) : s.state != EC2_SNAPSHOT_PENDING;
}

/* --- reading --- */

static void status_read(struct handle *h, off_t offset, size_t size, struct pending_reply *a)
{
	struct copy *copy = status_confirm_candidate(h->fs, h->node);

	if (h->writing || (offset && h->told)) {
		handle_read(h, offset, size, a);
	} else if (copy && !offset) {
		status_confirm_read(h, copy, status_text, size, a);
	} else {
		h->changed = false;
		handle_read_anew(h, status_text_read, offset, size, a);
	}
}

/* --- waiting --- */

static void waiter_free(struct waiter *w)
{
	DL_DELETE(w->fs->statuses->waiters, w);
	if (w->held)
		copies_release(
			w->fs->copies, region_of(w->fs, w->node), watched_id(w->fs, w->node));
	free(w);
}

static void waiter_interrupted(void *arg)
{
	waiter_free(arg);
}

/* A read from the beginning waits for the end of the copy or the snapshot; a read further on
 * continues the text of the first one. */
static void wait_read(struct handle *h, off_t offset, size_t size, struct pending_reply *a)
{
	struct fs *fs = h->fs;
	struct waiter *w;

	if (offset && h->told) {
		handle_read(h, offset, size, a);
		return;
	}
	if (status_ended(fs, h->node)) {
		status_read(h, offset, size, a);
		return;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		pending_reply_errno(a, ENOMEM);
		return;
	}
	*w = (struct waiter){
		.fs = fs, .node = h->node, .handle = h, .size = size, .offset = offset, .reply = a};
	DL_PREPEND(fs->statuses->waiters, w);
	if (watched_id(fs, w->node))
		w->held = copies_hold(
				  fs->copies, region_of(fs, w->node), watched_id(fs, w->node)) == 0;
	pending_reply_on_interrupt(a, waiter_interrupted, w);
}

static void wake_waiters(struct statuses *s,
	bool (*concerns)(struct fs *fs, struct node n, const void *what), const void *what)
{
	struct waiter *w, *next;

	DL_FOREACH_SAFE(s->waiters, w, next)
	{
		struct waiter woken = *w;

		if (!concerns(s->fs, w->node, what) || !status_ended(s->fs, w->node))
			continue;
		waiter_free(w);
		handle_read_anew(woken.handle, status_text, woken.offset, woken.size, woken.reply);
	}
}

/* --- polling --- */

/* Notes changes for poll() from now on. */
static void status_open_read(struct handle *h)
{
	DL_PREPEND2(h->fs->statuses->polled, h, prev_watched, next_watched);
	h->watched = true;
}

static bool status_poll(struct handle *h, struct fuse_pollhandle *ph)
{
	if (ph && h->poll)
		fuse_pollhandle_destroy(h->poll);
	if (ph)
		h->poll = ph;
	/* The caller now waits, so the poller must ask about a snapshot that is not a copy of this
	 * mount. */
	if (ph && !h->held && watched_id(h->fs, h->node) && !status_ended(h->fs, h->node))
		h->held = copies_hold(h->fs->copies, region_of(h->fs, h->node),
				  watched_id(h->fs, h->node)) == 0;
	return h->changed;
}

static void status_release(struct handle *h)
{
	if (!h->watched)
		return;
	DL_DELETE2(h->fs->statuses->polled, h, prev_watched, next_watched);
	if (h->poll)
		fuse_pollhandle_destroy(h->poll);
	if (h->held)
		copies_release(
			h->fs->copies, region_of(h->fs, h->node), watched_id(h->fs, h->node));
}

static void tell_pollers(struct statuses *s,
	bool (*concerns)(struct fs *fs, struct node n, const void *what), const void *what)
{
	struct handle *h;

	DL_FOREACH2(s->polled, h, next_watched)
	{
		if (!concerns(s->fs, h->node, what))
			continue;
		h->changed = true;
		if (h->poll) {
			fuse_lowlevel_notify_poll(h->poll);
			fuse_pollhandle_destroy(h->poll);
			h->poll = NULL;
		}
	}
}

static void status_changed(struct statuses *s,
	bool (*concerns)(struct fs *fs, struct node n, const void *what), const void *what)
{
	tell_pollers(s, concerns, what);
	wake_waiters(s, concerns, what);
}

/* --- changes of copies, receipts and snapshots --- */

static bool concerns_copy(struct fs *fs, struct node n, const void *what)
{
	const struct copy *copy = what;

	if (is_receipt(n)) {
		const struct receipt *r = receipts_get(fs->receipts, n);

		return r && r->copy && r->copy == copy->row.id;
	}
	return copy->row.copy_id && !strcmp(copy->row.region, region_of(fs, n)) &&
	       !strcmp(copy->row.copy_id, catalogue_id(fs_catalogue(fs, n), n.slot));
}

static bool concerns_receipt(struct fs *fs, struct node n, const void *what)
{
	(void)fs;
	return is_receipt(n) && n.slot == *(const uint32_t *)what;
}

static bool concerns_snapshot(struct fs *fs, struct node n, const void *what)
{
	const struct node *snapshot = what;

	(void)fs;
	return !is_receipt(n) && n.region == snapshot->region && n.slot == snapshot->slot;
}

static void copy_changed(void *arg, const struct copy *copy)
{
	const struct statuses *s = arg;

	receipts_copy_changed(s->fs, copy);
	status_changed(arg, concerns_copy, copy);
}

static void receipt_changed(void *arg, uint32_t number)
{
	status_changed(arg, concerns_receipt, &number);
}

static void catalogue_changed(void *arg, enum catalogue_change change, catalogue_slot slot)
{
	const struct region_watch *w = arg;
	struct node snapshot = {.kind = NODE_SNAPSHOT, .region = w->region, .slot = slot};
	static const enum node_kind texts[] = {
		NODE_SNAPSHOT, NODE_DESCRIPTION, NODE_METADATA, NODE_TAGS, NODE_SNAPSHOT_FILE};

	if (slot > NODE_SLOT_MAX || change == CATALOGUE_CONFIRMED || change == CATALOGUE_ADDED)
		return;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		snapshot.kind = texts[i];
		session_invalidate(w->fs, snapshot);
	}
	status_changed(w->fs->statuses, concerns_snapshot, &snapshot);
}

static void watch_region(void *arg, struct region *region)
{
	struct statuses *s = arg;
	int index = regions_index(s->fs->regions, region_name(region));
	struct region_watch *w;

	if (index < 0)
		return; /* a region that is only the source of a copy has no nodes */
	w = calloc(1, sizeof(*w));
	if (!w)
		return;
	*w = (struct region_watch){.fs = s->fs, .region = (uint32_t)index};
	LL_PREPEND(s->watches, w);
	catalogue_watch(region_catalogue(region), catalogue_changed, w);
}

struct statuses *statuses_create(struct fs *fs)
{
	struct statuses *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->fs = fs;
	fs->statuses = s;
	if (copies_watch(fs->copies, copy_changed, s) < 0) {
		free(s);
		return NULL;
	}
	receipts_watch(fs->receipts, receipt_changed, s);
	regions_each(fs->regions, watch_region, s);
	return s;
}

void statuses_destroy(struct statuses *s)
{
	struct region_watch *w, *next;

	if (!s)
		return;
	receipts_watch(s->fs->receipts, NULL, NULL);
	while (s->waiters)
		waiter_free(s->waiters);
	LL_FOREACH_SAFE(s->watches, w, next)
	free(w);
	free(s);
}

/* --- nodes --- */

/* The size of .wait is unknown before it is read. */
static int wait_attr(struct fs *fs, struct node n, struct stat *st)
{
	st->st_size = 0;
	status_set_times(fs, n, st);
	return 0;
}

#define INSTEAD                                                                                    \
	"ebsfs writes it from EC2's state; a file that asks for a copy goes into regions/REGION/"

/* Accepts, and drops, the status that cp -r writes into a receipt's folder. The status of a receipt
 * that is a file is read-only. */
static int receipt_status_open_write(
	struct fs *fs, struct node n, struct handle *h, struct err *err)
{
	const struct receipt *r = receipts_get(fs->receipts, n);

	(void)h;
	if (!r || !r->is_folder)
		return err_set(err, EPERM, "the file is read-only; " INSTEAD);
	return 0;
}

static int receipt_status_set_attr(
	struct fs *fs, struct node n, const struct stat *st, int which, struct err *err)
{
	(void)st;
	(void)which;
	return receipt_status_open_write(fs, n, NULL, err);
}

static void receipt_status_remove(struct fs *fs, struct node n, struct pending_reply *a)
{
	struct receipt *r = receipts_get(fs->receipts, n);

	if (r)
		receipts_hide(fs, r, n.kind);
	pending_reply_errno(a, r ? 0 : ENOENT);
}

const struct node_ops status_ops = {.type = S_IFREG,
	.mode = 0444,
	.trust = TRUST_NEVER,
	.instead = INSTEAD,
	.attr = status_attr,
	.text = status_text_read,
	.open_read = status_open_read,
	.poll = status_poll,
	.release = status_release};
const struct node_ops wait_ops = {.type = S_IFREG,
	.mode = 0444,
	.trust = TRUST_NEVER,
	.instead = INSTEAD,
	.attr = wait_attr,
	.text = status_text,
	.read = wait_read,
	.stream = true};
const struct node_ops receipt_status_ops = {
	.type = S_IFREG,
	.mode = 0444,
	.trust = TRUST_NEVER,
	.attr = status_attr,
	.text = status_text_read,
	.read = status_read,
	.open_read = status_open_read,
	.poll = status_poll,
	.release = status_release,
	.open_write = receipt_status_open_write,
	.write = handle_write,
	.truncate = handle_truncate,
	.commit = handle_drop,
	.set_attr = receipt_status_set_attr,
	.remove = receipt_status_remove,
};
