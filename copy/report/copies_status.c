/* SPDX-License-Identifier: MIT */
/* The text of `status`: for a copy, and for a snapshot that no copy is known to make. */
#include "copies.h"

#include <string.h>

#include "aws_error.h"
#include "copy_tags.h"
#include "hint.h"
#include "isotime.h"
#include "job_kind.h"
#include "text.h"
#include "timing.h"

static void status_source(struct buf *out, const struct journal_copy *row)
{
	if (row->source_region && row->source_id)
		buf_printf(out, "source: %s/%s\n", row->source_region, row->source_id);
}

static void status_encryption(const struct copies *c, const struct copy *copy, struct buf *out)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (copy->kind->encryption(c, copy, &text) == 0)
		text_line(out, "encryption", buf_str(&text));
}

/* How long it took, or takes so far; and how long it will take. */
static void status_times(const struct copy *copy, int64_t now_ms, struct buf *out)
{
	const struct journal_copy *row = &copy->row;
	bool ended = copy_state_ended(copy->state);
	char eta[ISOTIME_SIZE];

	if (!row->started_ms) {
		text_time(out, "requested", row->requested_ms);
		text_time(out, "ended", row->ended_ms);
		return;
	}
	text_time(out, "started", row->started_ms);
	text_duration(out, "elapsed", (ended ? row->ended_ms : now_ms) - row->started_ms);
	if (ended)
		text_time(out, "ended", row->ended_ms);
	else if (copy->eta_ms > now_ms)
		buf_printf(out, "eta: %s (estimated)\n",
			isotime_duration((copy->eta_ms - now_ms) / 1000, eta));
	else
		buf_puts(out, "eta: unknown\n");
}

static void status_outcome(const struct copy *copy, struct buf *out)
{
	const struct journal_copy *row = &copy->row;
	bool told =
		copy->state == COPY_COMPLETED && row->code && !strcmp(row->code, COPY_SOURCE_KEPT);

	if (copy->state == COPY_FAILED || copy->state == COPY_ERROR ||
		copy->state == COPY_CANCELLED || told) {
		if (!told)
			text_line(out, "code", row->code);
		text_line(out, "message", row->message);
		if (copy->state != COPY_CANCELLED)
			text_line(out, "hint", hint_for_copy(copy));
		text_line(out, "request-id", row->request_id);
	} else {
		text_line(out, "note", row->message);
	}
}

int copies_status(const struct copies *c, const struct copy *copy, int64_t now_ms, struct buf *out)
{
	const struct journal_copy *row = &copy->row;
	unsigned length, position = copies_position(c, copy, &length);

	buf_printf(out, "state: %s\n", copy->kind->states[copy->state]);
	if (position)
		buf_printf(out, "position: %u of %u\n", position, length);
	text_line(out, "reason", copy->reason);
	if (copy->state == COPY_PENDING || copy->state == COPY_ERROR ||
		(copy->state == COPY_COMPLETED && !row->dry_run))
		text_progress(out, copy->progress);
	text_line(out, "snapshot", row->copy_id);
	text_line(out, "region", row->region);
	status_source(out, row);
	status_encryption(c, copy, out);
	status_times(copy, now_ms, out);
	copy->kind->follow_up(copy, out);
	status_outcome(copy, out);
	return -out->error;
}

int copies_snapshot_status(const char *region, const struct catalogue *catalogue,
	catalogue_slot slot, int64_t now_ms, struct buf *out)
{
	struct catalogue_snapshot s;
	bool pending;
	char *from, *id, eta[ISOTIME_SIZE], note[EC2_FLAWS_TEXT_SIZE];
	int64_t end;

	if (!catalogue_get(catalogue, slot, &s))
		return buf_puts(out, "state: unknown\n");
	pending = s.state == EC2_SNAPSHOT_PENDING;
	text_line(out, "state",
		s.presence == CATALOGUE_GONE ? "deleted"
		: *s.state_text              ? s.state_text
					     : "unknown");
	text_progress(out, s.state == EC2_SNAPSHOT_COMPLETED && s.progress < 0 ? 100 : s.progress);
	text_line(out, "snapshot", s.id);
	text_line(out, "region", region);
	if (copy_tags_source(catalogue_tag_value(catalogue, slot, TAG_SOURCE), &from, &id))
		buf_printf(out, "source: %s/%s\n", from, id);
	free(from);
	free(id);
	text_time(out, "started", s.start_ms);
	end = pending ? now_ms : s.completion_ms;
	if (s.start_ms && end)
		text_duration(out, "elapsed", end - s.start_ms);
	text_time(out, "ended", s.completion_ms);
	if (pending) {
		end = timing_expected_end(s.start_ms, s.progress, now_ms, -1, 0);
		if (end > now_ms)
			buf_printf(out, "eta: %s (estimated)\n",
				isotime_duration((end - now_ms) / 1000, eta));
		else
			buf_puts(out, "eta: unknown\n");
	}
	text_line(out, "message", s.state_message);
	if (*s.state_message)
		text_line(out, "hint", aws_error_advice_for_status(s.state_message));
	if (s.flaws)
		text_line(out, "note", ec2_flaws_text(s.flaws, note));
	return -out->error;
}
