/* SPDX-License-Identifier: MIT */
/* Texts about copies: `status` of one; of all, the table `copies`, copies.json and Prometheus
 * metrics. */
#include "copies_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws_error.h"
#include "clock.h"
#include "copy_tags.h"
#include "engine.h"
#include "isotime.h"
#include "job_kind.h"
#include "json.h"
#include "metric.h"
#include "region_queue.h"
#include "timing.h"
#include "utf8.h"

#define BAR 40

/* Returns advice for a copy that ended in error or failed, or NULL. The message of a refusal by
 * ebsfs itself contains its advice. */
static const char *report_hint(const struct copy *copy)
{
	const struct journal_copy *row = &copy->row;

	switch (copy->state) {
	case COPY_FAILED:
		return aws_error_advice(copy->kind->action, row->code, row->message);
	case COPY_ERROR:
		return copy->kind->advice ? copy->kind->advice(copy)
					  : aws_error_advice_for_status(row->message);
	default:
		return NULL;
	}
}

static const char *report_state(const struct copies *c, const struct copy *copy)
{
	const char *state = copy->kind->state ? copy->kind->state(c, copy) : NULL;

	return state ? state : copy->kind->states[copy->state];
}

static const char *report_maker(const struct copy *copy)
{
	if (copy->origin == COPY_TOOL)
		return "another tool";
	return copy->origin == COPY_MACHINE || copy->row.adopted ? "another ebsfs" : "ebsfs";
}

/* --- status: of a copy, and of a snapshot that no known copy makes --- */

void copies_text_line(struct buf *out, const char *key, const char *value)
{
	if (!value || !*value)
		return;
	buf_printf(out, "%s: ", key);
	utf8_put_line(out, value);
	buf_putc(out, '\n');
}

static void status_time(struct buf *out, const char *key, int64_t ms)
{
	char text[ISOTIME_SIZE];

	if (ms)
		copies_text_line(out, key, isotime_format(ms, text));
}

static void status_duration(struct buf *out, const char *key, int64_t ms)
{
	char text[ISOTIME_SIZE];

	copies_text_line(out, key, isotime_duration(ms / 1000, text));
}

void copies_text_note(struct buf *out, const char *remark)
{
	size_t line = out->len ? out->len - 1 : 0; /* where the last line begins */

	if (!remark || !*remark)
		return;
	while (line && out->data[line - 1] != '\n')
		line--;
	if (out->len && !strncmp(out->data + line, "note: ", strlen("note: "))) {
		buf_resize(out, out->len - 1);
		buf_puts(out, "; ");
		utf8_put_line(out, remark);
		buf_putc(out, '\n');
	} else {
		copies_text_line(out, "note", remark);
	}
}

void copies_text_progress(struct buf *out, int percent)
{
	int full = percent < 0 ? 0 : percent > 100 ? BAR : percent * BAR / 100;

	if (percent < 0) {
		buf_puts(out, "progress: unknown\n");
		return;
	}
	buf_printf(out, "progress: %d%%  [", percent);
	for (int i = 0; i < BAR; i++)
		buf_putc(out, i < full ? '#' : '-');
	buf_puts(out, "]\n");
}

static void status_source(struct buf *out, const struct journal_copy *row)
{
	if (row->source_region && row->source_id)
		buf_printf(out, "source: %s/%s\n", row->source_region, row->source_id);
}

static void status_encryption(const struct copies *c, const struct copy *copy, struct buf *out)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (copy->kind->encryption && copy->kind->encryption(c, copy, &text) == 0)
		copies_text_line(out, "encryption", buf_str(&text));
}

/* Appends the times of a copy: start, end or expected end, and duration. */
static void status_times(const struct copy *copy, int64_t now_ms, struct buf *out)
{
	const struct journal_copy *row = &copy->row;
	bool ended = copy_state_ended(copy->state);
	char eta[ISOTIME_SIZE];

	if (!row->started_ms) {
		status_time(out, "requested", row->requested_ms);
		status_time(out, "ended", row->ended_ms);
		return;
	}
	status_time(out, "started", row->started_ms);
	status_duration(out, "elapsed", (ended ? row->ended_ms : now_ms) - row->started_ms);
	if (ended)
		status_time(out, "ended", row->ended_ms);
	else if (copy->eta_ms > now_ms)
		buf_printf(out, "eta: %s (estimated)\n",
			isotime_duration((copy->eta_ms - now_ms) / 1000, eta));
	else if (copy->kind->makes_snapshots)
		buf_puts(out, "eta: unknown\n");
}

/* Whether the row's message is about its end, not a note. */
static bool status_message_is_outcome(const struct copy *copy)
{
	switch (copy->state) {
	case COPY_FAILED:
	case COPY_ERROR:
	case COPY_CANCELLED:
	case COPY_DELETED:
		return true;
	default:
		return copy->state == COPY_COMPLETED && copy->row.code &&
		       !strcmp(copy->row.code, COPY_SOURCE_KEPT);
	}
}

static void status_outcome(const struct copy *copy, struct buf *out)
{
	const struct journal_copy *row = &copy->row;

	if (!status_message_is_outcome(copy))
		return;
	if (copy->state != COPY_COMPLETED)
		copies_text_line(out, "code", row->code);
	copies_text_line(out, "message", row->message);
	if (copy->state != COPY_CANCELLED)
		copies_text_line(out, "hint", report_hint(copy));
	copies_text_line(out, "request-id", row->request_id);
}

static void status_note(const struct copies *c, const struct copy *copy, struct buf *out)
{
	const struct journal_copy *row = &copy->row;
	_cleanup_buf_ struct buf doubles = BUF_INIT;

	if (!status_message_is_outcome(copy))
		copies_text_note(out, row->message);
	if (copy->origin == COPY_OURS && copy->kind->doubles)
		copy->kind->doubles(c, copy, &doubles);
	copies_text_note(out, buf_str(&doubles));
	if (doubles.error)
		out->error = doubles.error;
	if (copy->kind->makes_snapshots && row->source_region &&
		!strcmp(row->source_region, row->region))
		copies_text_note(out, "source and copy are in the same region");
}

int copies_status(const struct copies *c, const struct copy *copy, int64_t now_ms, struct buf *out)
{
	const struct journal_copy *row = &copy->row;
	unsigned length, position = copies_position(c, copy, &length);

	buf_printf(out, "state: %s\n", report_state(c, copy));
	if (position)
		buf_printf(out, "position: %u of %u\n", position, length);
	copies_text_line(out, "reason", copy->reason);
	if (copy->kind->makes_snapshots &&
		(copy->state == COPY_PENDING || copy->state == COPY_ERROR ||
			(copy->state == COPY_COMPLETED && !row->dry_run)))
		copies_text_progress(out, copy->progress);
	copies_text_line(out, copy->kind->result, row->copy_id);
	copies_text_line(out, "region", row->region);
	if (copy->kind->facts)
		copy->kind->facts(c, copy, out);
	status_source(out, row);
	if (row->adopted)
		copies_text_line(out, "made by", report_maker(copy));
	status_encryption(c, copy, out);
	status_times(copy, now_ms, out);
	status_time(out, "deleted", row->deleted_ms);
	if (row->move)
		copy->kind->follow_up(copy, out);
	status_outcome(copy, out);
	status_note(c, copy, out);
	if (copy->kind->next_steps)
		copy->kind->next_steps(c, copy, out);
	return -out->error;
}

int copies_snapshot_status(
	struct region *region, catalogue_slot slot, int64_t now_ms, struct buf *out)
{
	const struct catalogue *catalogue = region_catalogue(region);
	struct catalogue_snapshot s;
	bool pending;
	char *from, *id, eta[ISOTIME_SIZE], note[EC2_FLAWS_TEXT_SIZE];
	int64_t end;

	if (!catalogue_get(catalogue, slot, &s))
		return buf_puts(out, "state: unknown\n");
	pending = s.state == EC2_SNAPSHOT_PENDING;
	copies_text_line(out, "state",
		!s.exists       ? "deleted"
		: *s.state_text ? s.state_text
				: "unknown");
	copies_text_progress(
		out, s.state == EC2_SNAPSHOT_COMPLETED && s.progress < 0 ? 100 : s.progress);
	copies_text_line(out, "snapshot", s.id);
	copies_text_line(out, "region", region_name(region));
	if (!region_owns(region, slot))
		copies_text_line(out, "owner", s.owner_id);
	if (copy_tags_source(catalogue_tag_value(catalogue, slot, TAG_SOURCE), &from, &id))
		buf_printf(out, "source: %s/%s\n", from, id);
	free(from);
	free(id);
	status_time(out, "started", s.start_ms);
	end = pending ? now_ms : s.completion_ms;
	if (s.start_ms && end)
		status_duration(out, "elapsed", end - s.start_ms);
	status_time(out, "ended", s.completion_ms);
	if (pending) {
		end = timing_expected_end(s.start_ms, s.progress, now_ms, -1, 0);
		if (end > now_ms)
			buf_printf(out, "eta: %s (estimated)\n",
				isotime_duration((end - now_ms) / 1000, eta));
		else
			buf_puts(out, "eta: unknown\n");
	}
	copies_text_line(out, "message", s.state_message);
	if (*s.state_message)
		copies_text_line(out, "hint", aws_error_advice_for_status(s.state_message));
	if (s.flaws)
		copies_text_line(out, "note", ec2_flaws_text(s.flaws, note));
	return -out->error;
}

/* --- copies --- */

struct table {
	const struct copies *all;
	const int64_t *receipts; /* the copy (row id) of each receipt, sorted */
	size_t n_receipts;
	struct buf *out;
	int64_t now_ms;
	bool any;
};

/* The number of elements of the sorted list that are below the bound. */
static size_t report_below(const int64_t *list, size_t n, int64_t bound)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (list[middle] < bound)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

static size_t report_receipts(const struct table *t, const struct copy *copy)
{
	int64_t row = copy->row.id;

	return row ? report_below(t->receipts, t->n_receipts, row + 1) -
			       report_below(t->receipts, t->n_receipts, row)
		   : 0;
}

/* The text of the last column. */
static const char *report_remark(const struct copy *copy)
{
	return *copy->reason ? copy->reason : copy->row.message ? copy->row.message : "";
}

static void report_table_row(void *arg, const struct copy *copy)
{
	const struct journal_copy *row = &copy->row;
	struct table *t = arg;
	char progress[32] = "-", since[ISOTIME_SIZE] = "-", took[ISOTIME_SIZE] = "-",
	     eta[ISOTIME_SIZE] = "-", source[128] = "-";
	unsigned length, position = copies_position(t->all, copy, &length);
	int64_t since_ms = row->started_ms ? row->started_ms : row->requested_ms;

	t->any = true;
	if (position)
		snprintf(progress, sizeof(progress), "%u of %u", position, length);
	else if (copy->kind->makes_snapshots && copy->progress >= 0)
		snprintf(progress, sizeof(progress), "%d%%", copy->progress);
	if (row->source_id)
		snprintf(source, sizeof(source), "%s/%s", row->source_region, row->source_id);
	if (since_ms) {
		isotime_format(since_ms, since);
		isotime_duration(
			((copy_state_ended(copy->state) ? row->ended_ms : t->now_ms) - since_ms) /
				1000,
			took);
	}
	if (copy->eta_ms > t->now_ms)
		isotime_duration((copy->eta_ms - t->now_ms) / 1000, eta);
	/* The last column is not padded. */
	buf_printf(t->out,
		"%-10s  %-6s  %-11s  %-14s  %-22s  %-37s  %-20s  %-8s  %-8s  %-13s  %-*zu",
		report_state(t->all, copy), copy->kind->name, progress, row->region,
		row->copy_id ? row->copy_id : "-", source, since, took, eta, report_maker(copy),
		*report_remark(copy) ? 8 : 0, report_receipts(t, copy));
	if (*report_remark(copy)) {
		buf_puts(t->out, "  ");
		utf8_put_line(t->out, report_remark(copy));
	}
	buf_putc(t->out, '\n');
}

int copies_table(
	const struct copies *c, const int64_t *receipts, size_t n, int64_t now_ms, struct buf *out)
{
	struct table t = {c, receipts, n, out, now_ms, false};

	buf_printf(out,
		"%-10s  %-6s  %-11s  %-14s  %-22s  %-37s  %-20s  %-8s  %-8s  %-13s  %-8s  %s\n",
		"STATE", "KIND", "PROGRESS", "REGION", "RESULT", "SOURCE", "SINCE", "ELAPSED",
		"ETA", "MADE BY", "RECEIPTS", "REMARK");
	if (copies_each(c, report_table_row, &t) < 0)
		return -ENOMEM;
	if (!t.any)
		buf_puts(out, "no copies\n");
	return -out->error;
}

/* --- copies.json --- */

static void report_json_time(const struct json *j, const char *name, int64_t ms)
{
	char text[ISOTIME_SIZE];

	if (ms)
		json_text(j, name, isotime_format(ms, text));
}

static void report_json_progress(const struct json *j, const struct copy *copy)
{
	if (!copy->kind->makes_snapshots || copy->state == COPY_QUEUED ||
		copy->state == COPY_SUBMITTING || copy->row.dry_run)
		return;
	if (copy->progress >= 0) {
		json_number(j, "progress", copy->progress);
		return;
	}
	json_name(j, "progress");
	buf_puts(j->out, "null");
}

static void report_json_encryption(
	const struct json *j, const struct copies *c, const struct copy *copy)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	int r = copy->kind->encryption ? copy->kind->encryption(c, copy, &text) : 0;

	if (r == 0)
		json_text(j, "encryption", buf_str(&text));
	else if (!j->out->error)
		j->out->error = -r;
}

static void report_json_move(const struct json *j, const struct copy *copy)
{
	const struct journal_copy *row = &copy->row;

	if (!row->move)
		return;
	json_text(j, "move", copy->state == COPY_COMPLETED && row->code ? row->code : "pending");
}

static void report_json_row(void *arg, const struct copy *copy)
{
	static const char *const origins[] = {"ours", "machine", "tool"};
	const struct journal_copy *row = &copy->row;
	bool bad = copy->state == COPY_FAILED || copy->state == COPY_ERROR;
	struct table *t = arg;
	struct buf *out = t->out;
	const struct json j = {out, "\n    "};
	unsigned length, position = copies_position(t->all, copy, &length);
	int64_t since = row->started_ms ? row->started_ms : row->requested_ms;
	char source[128];

	buf_puts(out, t->any ? ",\n  {" : "\n  {");
	t->any = true;
	if (row->id)
		json_number(&j, "id", row->id);
	json_text(&j, "origin", origins[copy->origin]);
	json_text(&j, "made-by", report_maker(copy));
	json_number(&j, "receipts", (int64_t)report_receipts(t, copy));
	json_text(&j, "kind", copy->kind->name);
	json_text(&j, "state", report_state(t->all, copy));
	if (position) {
		json_number(&j, "position", position);
		json_number(&j, "queue-length", length);
	}
	json_text(&j, "reason", copy->reason);
	report_json_progress(&j, copy);
	json_text(&j, copy->kind->result, row->copy_id);
	json_text(&j, "region", row->region);
	json_text(&j, "place", row->place);
	if (row->source_region && row->source_id) {
		snprintf(source, sizeof(source), "%s/%s", row->source_region, row->source_id);
		json_text(&j, "source", source);
		json_text(&j, "source-region", row->source_region);
		json_text(&j, "source-snapshot", row->source_id);
	}
	report_json_encryption(&j, t->all, copy);
	json_text(&j, "description", row->description);
	json_text(&j, "request", row->token);
	report_json_time(&j, "requested", row->requested_ms);
	report_json_time(&j, "started", row->started_ms);
	if (since)
		json_number(&j, "elapsed",
			((copy_state_ended(copy->state) ? row->ended_ms : t->now_ms) - since) /
				1000);
	report_json_time(&j, "eta", copy->eta_ms > t->now_ms ? copy->eta_ms : 0);
	report_json_time(&j, "ended", row->ended_ms);
	report_json_time(&j, "deleted", row->deleted_ms);
	report_json_move(&j, copy);
	if (bad)
		json_text(&j, "code", row->code);
	json_text(&j,
		bad || copy->state == COPY_CANCELLED || copy->state == COPY_DELETED ? "message"
										    : "note",
		row->message);
	if (bad)
		json_text(&j, "hint", report_hint(copy));
	json_text(&j, "request-id", row->request_id);
	buf_puts(out, "\n  }");
}

int copies_json(
	const struct copies *c, const int64_t *receipts, size_t n, int64_t now_ms, struct buf *out)
{
	struct table t = {c, receipts, n, out, now_ms, false};

	buf_puts(out, "[");
	if (copies_each(c, report_json_row, &t) < 0)
		return -ENOMEM;
	return buf_puts(out, t.any ? "\n]\n" : "]\n");
}

/* --- metrics --- */

static void report_count_state(void *arg, const struct copy *copy)
{
	unsigned *counts = arg;

	counts[copy->state]++;
}

static void report_put_rate(void *arg, const char *from, const char *to, double rate)
{
	buf_printf(arg, "ebsfs_copy_rate_bytes_per_second{source=\"%s\",region=\"%s\"} %.0f\n",
		from, to, rate);
}

static double report_oldest(const struct region_queue *queue)
{
	int64_t age = queue->waiting ? clock_wall_ms() - queue->waiting->pub.row.requested_ms : 0;

	return age > 0 ? (double)age / 1000 : 0;
}

static double report_region_queue_value(const struct region_queue *queue, int which)
{
	switch (which) {
	case 0:
		return queue->n_waiting;
	case 1:
		return report_oldest(queue);
	case 2:
		return region_queue_used(queue);
	case 3:
		return queue->limit.limit;
	case 4:
		return (double)queue->polls;
	case 5:
		return (double)queue->poll_failures;
	case 6:
		return (double)queue->refusals;
	default:
		return (double)queue->lost_answers;
	}
}

int copies_metrics(const struct copies *c, struct buf *out)
{
	static const struct {
		const char *name, *type, *help;
	} queues[] = {
		{"ebsfs_copy_queue_length", "gauge",
			"Copies that wait for a slot or their source."},
		{"ebsfs_copy_queue_oldest_seconds", "gauge",
			"Age of the oldest request in the queue."},
		{"ebsfs_copy_slots_used", "gauge",
			"Copies in progress into the region, those of other tools included."},
		{"ebsfs_copy_limit", "gauge",
			"Copies that EC2 carries out at once into the region, as far as known."},
		{"ebsfs_copy_polls_total", "counter", "DescribeSnapshots sent to watch copies."},
		{"ebsfs_copy_poll_failures_total", "counter", "Polls without an answer."},
		{"ebsfs_copy_limit_refusals_total", "counter",
			"CopySnapshot refused because too many are in progress."},
		{"ebsfs_copy_lost_answers_total", "counter", "CopySnapshot sent and not answered."},
	};
	unsigned counts[COPY_STATES] = {0};

	if (copies_each(c, report_count_state, counts) < 0)
		return -ENOMEM;
	metric_head(out, "ebsfs_copies", "gauge", "Copies by state; ended ones of the last day.");
	for (enum copy_state state = COPY_QUEUED; state < COPY_STATES; state++)
		buf_printf(out, "ebsfs_copies{state=\"%s\"} %u\n", copy_state_text(state),
			counts[state]);
	for (size_t i = 0; i < ARRAY_LEN(queues); i++) {
		metric_head(out, queues[i].name, queues[i].type, queues[i].help);
		for (const struct region_queue *queue = c->queues; queue; queue = queue->hh.next)
			buf_printf(out, "%s{region=\"%s\"%s%s%s} %.15g\n", queues[i].name,
				queue->name, queue->kind->row_name ? ",kind=\"" : "",
				queue->kind->row_name ? queue->kind->row_name : "",
				queue->kind->row_name ? "\"" : "",
				report_region_queue_value(queue, (int)i));
	}
	metric_head(out, "ebsfs_copy_rate_bytes_per_second", "gauge",
		"Estimated: source data copied a second, learned from completed copies.");
	timing_each_rate(c->timing, report_put_rate, out);
	return -out->error;
}
