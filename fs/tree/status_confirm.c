/* SPDX-License-Identifier: MIT */
/* Reads that first make sure that the snapshot of a completed copy still exists. */
#include "status_confirm.h"

#include <errno.h>
#include <stdio.h>
#include <utlist.h>

#include "clock.h"
#include "copies_report.h"
#include "loop.h"
#include "receipts.h"

struct copy *status_confirm_candidate(struct fs *fs, struct node n)
{
	const struct receipt *r;
	struct copy *copy;

	if (n.kind != NODE_RECEIPT_STATUS && n.kind != NODE_RECEIPT_WAIT)
		return NULL;
	r = receipts_get(fs->receipts, n);
	copy = r ? receipts_copy(fs, r) : NULL;
	return copy && copy->state == COPY_COMPLETED && copy->row.copy_id && !copy->row.dry_run
		       ? copy
		       : NULL;
}

struct status_confirm {
	struct status_confirm *prev, *next; /* fs->confirms */
	struct fs *fs;
	struct handle *handle; /* valid while reply is not NULL */
	uint32_t region;
	status_confirm_text_fn *text;
	size_t size;
	struct pending_reply *reply; /* NULL once replied or interrupted */
	struct loop_timer *patience;
};

static void status_confirm_free(struct status_confirm *c)
{
	DL_DELETE(c->fs->confirms, c);
	loop_timer_destroy(c->patience);
	free(c);
}

/* why: why EC2 did not answer; NULL: it did. */
static void status_confirm_show(struct handle *h, status_confirm_text_fn *text, size_t size,
	struct pending_reply *reply, const char *why)
{
	char note[700];
	int r;

	buf_clear(&h->text);
	h->changed = false;
	r = text(h->fs, h->node, &h->text);
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
		status_confirm_show(c->handle, c->text, c->size, steal(&c->reply), why);
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
			status_confirm_show(c->handle, c->text, c->size, steal(&c->reply), NULL);
	}
	status_confirm_free(c);
}

static void status_confirm_timed_out(void *arg)
{
	status_confirm_unanswered(arg, "no answer within 2 seconds");
}

void status_confirm_read(struct handle *h, struct copy *copy, status_confirm_text_fn *text,
	size_t size, struct pending_reply *reply)
{
	struct fs *fs = h->fs;
	int64_t unanswered = fs->unconfirmed_ms[h->node.region];
	struct status_confirm *c;

	if (unanswered && clock_mono_ms() - unanswered < STATUS_CONFIRM_PAUSE_MS) {
		status_confirm_show(h, text, size, reply, "no answer a moment ago");
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	*c = (struct status_confirm){.fs = fs,
		.handle = h,
		.region = h->node.region,
		.text = text,
		.size = size,
		.reply = reply};
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
