/* SPDX-License-Identifier: MIT */
/* status and .wait: their texts, poll(), and reads that wait for the end of a copy. */
#define FUSE_USE_VERSION 314
#include "status.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "copies_report.h"
#include "loop.h"
#include "nodes.h"
#include "session.h"
#include "timespec.h"
#include "waiters.h"

/* How long a reader waits for EC2. After a request without a response, the region's readers do not
 * wait at all for STATUS_CONFIRM_PAUSE_MS; otherwise a grep over a thousand receipts could take an
 * hour. */
#define STATUS_CONFIRM_PATIENCE_MS 2000
#define STATUS_CONFIRM_PAUSE_MS    10000

/* A read of .wait that is waiting. */
struct wait_reader {
	struct waiter base; /* in statuses.waiters */
	struct fs *fs;
	struct node node;
	struct handle *handle;
	size_t size; /* of the read */
	off_t offset;
	struct pending_reply *reply;
	bool held; /* copies_hold() was called: copies_release() must follow */
};

/* Passes one region's catalogue changes on to the kernel's caches, the waiters and poll(). */
struct region_watch {
	struct region_watch *next; /* statuses.watches */
	struct fs *fs;
	uint32_t region;
};

struct statuses {
	struct fs *fs;
	struct region_watch *watches;
	struct waiters waiters; /* waiting reads: struct wait_reader */
	struct handle
		*polled; /* open files that are polled, linked by prev_watched and next_watched */
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

	if (!catalogue_get(c, n.slot, &s) || !s.exists)
		return -ENOENT;
	copy = copies_by_snapshot(fs->copies, region_of(fs, n), s.id);
	if (copy)
		return copies_status(fs->copies, copy, clock_wall_ms(), out);
	return copies_snapshot_status(fs_region(fs, n), n.slot, clock_wall_ms(), out);
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

/* Generates the text. A read of a status that will still change makes the poller ask EC2 soon.
 * stat() (ls -l, find) causes no request. */
static int status_text_read(struct fs *fs, struct node n, struct buf *out)
{
	if (is_receipt(n)) {
		const struct receipt *r = receipts_get(fs->receipts, n);
		const struct copy *copy = r ? receipts_copy(fs, r) : NULL;

		if (copy && copy->state == COPY_PENDING && copy->row.copy_id)
			copies_glance_at(fs->copies, copy);
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

/* A text that does not change any more has the time of its last change; otherwise tar would report
 * that the file changed while it was read. Any other text has the present time, because it contains
 * durations. */
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

/* Returns the id that the poller must ask about for this node; NULL for a receipt, whose copy is
 * polled in any case. */
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
	if (!catalogue_get(fs_catalogue(fs, n), n.slot, &s) || !s.exists)
		return true;
	copy = copies_by_snapshot(fs->copies, region_of(fs, n), s.id);
	return copy ? copy_state_ended(copy->state) : s.state != EC2_SNAPSHOT_PENDING;
}

/* --- reading: a completed copy is first confirmed to exist --- */

/* If n is the status of a receipt with a completed copy, returns that copy; else NULL. Its snapshot
 * may have been deleted at EC2 since, so EC2 is asked before the status is shown. (A snapshot's own
 * status disappears with the snapshot.) */
static struct copy *status_confirm_candidate(struct fs *fs, struct node n)
{
	const struct receipt *r = is_receipt(n) ? receipts_get(fs->receipts, n) : NULL;
	struct copy *copy = r ? receipts_copy(fs, r) : NULL;

	return copy && copy->state == COPY_COMPLETED && copy->row.copy_id && !copy->row.dry_run
		       ? copy
		       : NULL;
}

struct status_confirm {
	struct status_confirm *prev, *next; /* fs->confirms */
	struct fs *fs;
	struct handle *handle; /* valid while reply is not NULL */
	uint32_t region;
	size_t size;
	struct pending_reply *reply; /* NULL: the reply was sent, or the request was interrupted */
	struct loop_timer *patience;
};

static void status_confirm_free(struct status_confirm *c)
{
	DL_DELETE(c->fs->confirms, c);
	loop_timer_destroy(c->patience);
	free(c);
}

/* Replies to the read. why: why EC2 did not respond; NULL: it has responded. */
static void status_confirm_show(
	struct handle *h, size_t size, struct pending_reply *reply, const char *why)
{
	char note[700];
	int r;

	buf_clear(&h->text);
	h->changed = false;
	r = status_text(h->fs, h->node, &h->text);
	if (r == 0 && why) {
		snprintf(note, sizeof(note),
			"the last known state; EC2 could not be asked whether the snapshot still "
			"exists: %s",
			why);
		copies_text_note(&h->text, note);
		r = -h->text.error;
	}
	if (r < 0) {
		pending_reply_errno(reply, -r);
		return;
	}
	h->told = true;
	handle_read(h, 0, size, reply);
}

static void status_confirm_unanswered(struct status_confirm *c, const char *why)
{
	c->fs->unconfirmed_ms[c->region] = clock_mono_ms();
	if (c->reply)
		status_confirm_show(c->handle, c->size, steal(&c->reply), why);
}

static void status_confirm_done(void *arg, struct copy *copy, const struct err *err)
{
	struct status_confirm *c = arg;

	(void)copy;
	if (err) {
		status_confirm_unanswered(c, err->message);
	} else {
		c->fs->unconfirmed_ms[c->region] = 0;
		if (c->reply)
			status_confirm_show(c->handle, c->size, steal(&c->reply), NULL);
	}
	status_confirm_free(c);
}

static void status_confirm_timed_out(void *arg)
{
	status_confirm_unanswered(arg, "no answer within 2 seconds");
}

/* Replies with the text from its beginning, once EC2 has responded. Without a response the text is
 * the last known state, followed by a line "note:". */
static void status_confirm_read(
	struct handle *h, struct copy *copy, size_t size, struct pending_reply *reply)
{
	struct fs *fs = h->fs;
	int64_t unanswered = fs->unconfirmed_ms[h->node.region];
	struct status_confirm *c;

	if (unanswered && clock_mono_ms() - unanswered < STATUS_CONFIRM_PAUSE_MS) {
		status_confirm_show(h, size, reply, "no answer a moment ago");
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	*c = (struct status_confirm){
		.fs = fs, .handle = h, .region = h->node.region, .size = size, .reply = reply};
	DL_PREPEND(fs->confirms, c);
	c->patience = loop_timer_create(fs->loop, status_confirm_timed_out, c);
	if (!c->patience || copies_confirm(fs->copies, copy, status_confirm_done, c) < 0) {
		status_confirm_free(c);
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	loop_timer_start(c->patience, STATUS_CONFIRM_PATIENCE_MS);
	pending_reply_detach_on_interrupt(&c->reply);
}

void status_confirm_free_all(struct fs *fs)
{
	while (fs->confirms)
		status_confirm_free(fs->confirms);
}

static void status_read(struct handle *h, off_t offset, size_t size, struct pending_reply *a)
{
	struct copy *copy = status_confirm_candidate(h->fs, h->node);

	if (h->writing || (offset && h->told)) {
		handle_read(h, offset, size, a);
	} else if (copy && !offset) {
		status_confirm_read(h, copy, size, a);
	} else {
		h->changed = false;
		handle_read_anew(h, status_text_read, offset, size, a);
	}
}

/* --- waiting --- */

static void wait_reader_free(struct wait_reader *w)
{
	waiters_leave(&w->base);
	if (w->held)
		copies_release(
			w->fs->copies, region_of(w->fs, w->node), watched_id(w->fs, w->node));
	free(w);
}

static void wait_reader_interrupted(void *arg)
{
	wait_reader_free(arg);
}

/* A read from the beginning waits for the end of the copy or the snapshot; a read at another offset
 * continues the text of the first read. */
static void wait_read(struct handle *h, off_t offset, size_t size, struct pending_reply *a)
{
	struct fs *fs = h->fs;
	struct wait_reader *w;

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
	*w = (struct wait_reader){
		.fs = fs, .node = h->node, .handle = h, .size = size, .offset = offset, .reply = a};
	waiters_append(&fs->statuses->waiters, &w->base);
	if (watched_id(fs, w->node))
		w->held = copies_hold(
				  fs->copies, region_of(fs, w->node), watched_id(fs, w->node)) == 0;
	pending_reply_on_interrupt(a, wait_reader_interrupted, w);
}

static void wake_waiters(struct statuses *s,
	bool (*concerns)(struct fs *fs, struct node n, const void *what), const void *what)
{
	struct waiter *at, *next;

	for (at = waiters_next(&s->waiters, NULL); at; at = next) {
		struct wait_reader *w = (struct wait_reader *)at, woken = *w;

		next = waiters_next(&s->waiters, at);
		if (!concerns(s->fs, w->node, what) || !status_ended(s->fs, w->node))
			continue;
		wait_reader_free(w);
		handle_read_anew(woken.handle, status_text, woken.offset, woken.size, woken.reply);
	}
}

/* --- polling --- */

/* Prepares the handle for poll(): changes are noted from now on. */
static int status_open_read(struct handle *h, struct err *err)
{
	(void)err;
	DL_PREPEND2(h->fs->statuses->polled, h, prev_watched, next_watched);
	h->watched = true;
	return 0;
}

static bool status_poll(struct handle *h, struct fuse_pollhandle *ph)
{
	if (ph && h->poll)
		fuse_pollhandle_destroy(h->poll);
	if (ph)
		h->poll = ph;
	/* The caller waits from now on, so the poller must ask about a snapshot that is not a copy
	 * of this mount. */
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
	for (struct waiter *at; (at = waiters_next(&s->waiters, NULL));)
		wait_reader_free((struct wait_reader *)at);
	LL_FOREACH_SAFE(s->watches, w, next)
	free(w);
	free(s);
}

/* --- nodes --- */

/* The size of .wait is 0, because it is unknown before the read. */
static int wait_attr(struct fs *fs, struct node n, struct stat *st)
{
	st->st_size = 0;
	status_set_times(fs, n, st);
	return 0;
}

const struct node_ops status_ops = {.type = S_IFREG,
	.mode = 0444,
	.trust = TRUST_NEVER,
	.counted = NODE_SNAPSHOT,
	.instead = STATUS_INSTEAD,
	.attr = status_attr,
	.text = status_text_read,
	.open_read = status_open_read,
	.poll = status_poll,
	.release = status_release};
/* The operations of .wait and NAME.wait. */
#define WAIT_OPS                                                                                   \
	.type = S_IFREG, .mode = 0444, .trust = TRUST_NEVER, .instead = STATUS_INSTEAD,            \
	.attr = wait_attr, .text = status_text, .read = wait_read, .stream = true
const struct node_ops wait_ops = {WAIT_OPS, .counted = NODE_SNAPSHOT};
const struct node_ops receipt_wait_ops = {WAIT_OPS};
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
