/* SPDX-License-Identifier: MIT */
/* The texts about the mount: README, copies, copies.json, and the files in .ebsfs/ except metrics.
 */
#include "nodes.h"

#include <errno.h>
#include <string.h>

#include "by.h"
#include "clock.h"
#include "isotime.h"
#include "journal.h"
#include "last_error.h"
#include "offline.h"
#include "receipts.h"
#include "tree.h"
#include "view.h"

#define CLOCK_OFF_S 60 /* smaller differences are not shown */

static int readme_text(struct fs *fs, struct node n, struct buf *out)
{
	(void)n;
	buf_printf(out,
		"ebsfs " EBSFS_VERSION ": EBS snapshots as files. Account %s (profile %s)%s.\n",
		*fs->account ? fs->account : "unknown", fs->profile,
		fs->options->simulate ? ", simulated on this machine" : "");
	buf_puts(out, "regions/<region>/snapshots/<id>/ is a snapshot; cat its status, "
		      "description, metadata.json and tags/.\n"
		      "Find one:    grep nightly regions/*/list   (list.json for programs), or ls "
		      "regions/*/by/name   (tag, volume, day, state)\n"
		      "EC2's filters: ls regions/us-east-1/filter/tag:Name=db*/   (cat "
		      "regions/us-east-1/filter/README); of others: regions/*/shared/\n"
		      "Its contents: ls regions/us-east-1/files/<id>/   (the files, by partition); "
		      "regions/us-east-1/disks/<id>.img\n");
	buf_puts(out,
		"Copy one:    cp regions/us-east-1/snapshots/<id>/<id>.snapshot "
		"regions/eu-west-1/\n"
		"Copy many:   cp regions/us-east-1/snapshots/*/*.snapshot regions/eu-west-1/\n"
		"Watch it:    watch cat regions/eu-west-1/<id>.status      Wait for it:  cat "
		"regions/eu-west-1/<id>.wait\n"
		"Again:       a copy that exists is not made a second time; a line copy.again: "
		"LABEL in the file asks for one more.\n"
		"All copies:  cat copies   (copies.json for programs). AWS moves the data and "
		"bills it as always.\n"
		"Run it:      cp the same file to regions/eu-west-1/volumes/eu-west-1a/ makes a "
		"volume of the copy, to images/NAME an AMI.\n");
	buf_printf(out, "Deletion is %s\n",
		fs->options->read_only ? "off, as all changes are: mounted read-only."
		: fs->options->delete_
			? "on: rmdir regions/<region>/snapshots/<id> deletes that snapshot, or "
			  "cancels the copy that makes it."
			: "off; mount with -o delete to permit it, and to cancel running copies.");
	if (fs_group_writes(fs))
		buf_printf(out,
			"Members of group %u may copy, and change what the group's permissions "
			"allow; disks are only for uid %u and root. All other users may look, and "
			"change nothing: EACCES (Permission denied).\n",
			fs->options->gid.value, fs->uid);
	else if (fs->options->allow_other)
		buf_printf(out,
			"Users other than uid %u and root may look, and change nothing: "
			"EACCES (Permission denied).\n",
			fs->uid);
	offline_text(fs, out);
	return buf_puts(out,
		"When something fails: cat .ebsfs/last-error; then .ebsfs/health, and the log.\n"
		"The manual: man ebsfs. End: fusermount3 -u MOUNTPOINT\n");
}

static int copies_text(struct fs *fs, struct node n, struct buf *out)
{
	size_t n_receipts;
	_cleanup_free_ int64_t *receipts = receipts_copies(fs->receipts, &n_receipts);

	(void)n;
	return receipts ? copies_table(fs->copies, receipts, n_receipts, clock_wall_ms(), out)
			: -ENOMEM;
}

static int copies_json_text(struct fs *fs, struct node n, struct buf *out)
{
	size_t n_receipts;
	_cleanup_free_ int64_t *receipts = receipts_copies(fs->receipts, &n_receipts);

	(void)n;
	return receipts ? copies_json(fs->copies, receipts, n_receipts, clock_wall_ms(), out)
			: -ENOMEM;
}

static const char *info_age(int64_t then_mono_ms, char out[ISOTIME_SIZE])
{
	return isotime_duration((clock_mono_ms() - then_mono_ms) / 1000, out);
}

static void region_health(struct region *region, struct buf *out)
{
	static const char *const words[] = {[VIEW_NEVER] = "never",
		[VIEW_FRESH] = "fresh",
		[VIEW_STALE] = "stale",
		[VIEW_KNOWN] = "disk"};
	const struct err *err = view_last_error(region_own(region));
	bool waiting = view_listing_now(region_own(region)) && view_known_ms(region_own(region));
	char since[ISOTIME_SIZE] = "-", text[800];
	size_t not_in_by = by_left_out(region);

	if (view_listed_at(region_own(region)))
		info_age(view_listed_at(region_own(region)), since);
	else if (view_known_ms(region_own(region)))
		isotime_duration(
			(clock_wall_ms() - view_known_ms(region_own(region))) / 1000, since);
	buf_printf(out, "%-20s %-6s %10s %10zu %12zu  %s", region_name(region),
		words[view_freshness(region_own(region), clock_mono_ms())], since,
		view_count(region_own(region)), region_memory(region),
		waiting ? "being refreshed"
		: err   ? err_text(err, text, sizeof(text))
			: "ok");
	if (view_left_out(region_own(region)))
		buf_printf(out, "; %zu left out (ids not of EC2's form)",
			view_left_out(region_own(region)));
	if (not_in_by)
		buf_printf(out, "; %zu tags not in by/ (a name would be too long)", not_in_by);
	if (view_flawed(region_own(region)))
		buf_printf(out, "; %zu incomplete (see their status)",
			view_flawed(region_own(region)));
	buf_putc(out, '\n');
}

static void clock_health(const struct fs *fs, struct buf *out)
{
	int64_t off_s = aws_skew_ms(fs->aws) / 1000;

	if (llabs(off_s) < CLOCK_OFF_S)
		buf_puts(out, "clock: ok\n");
	else
		buf_printf(out, "clock: %lld s %s AWS's\n", (long long)llabs(off_s),
			off_s < 0 ? "ahead of" : "behind");
}

static void add_waiting(void *arg, const struct aws_counter *counter)
{
	*(unsigned *)arg += counter->waiting;
}

static void rate_health(const struct fs *fs, struct buf *out)
{
	unsigned waiting = 0;

	aws_each_counter(fs->aws, add_waiting, &waiting);
	if (waiting)
		buf_printf(out, "request rate: %u requests wait for it\n", waiting);
	else
		buf_puts(out, "request rate: ok\n");
}

static void copies_count_state(void *arg, const struct copy *copy)
{
	unsigned *counts = arg;

	counts[copy->state]++;
}

/* Appends the number of copies, and how to cancel a copy in progress: rm of its receipt does not
 * cancel it. */
static int copies_health(const struct fs *fs, struct buf *out)
{
	unsigned counts[COPY_STATES] = {0};

	if (copies_each(fs->copies, copies_count_state, counts) < 0)
		return -ENOMEM;
	buf_printf(out, "copies: %u queued, %u in progress", counts[COPY_QUEUED],
		counts[COPY_SUBMITTING] + counts[COPY_PENDING]);
	if (counts[COPY_PENDING] && fs->options->delete_)
		buf_puts(out, " (to cancel one: rmdir its snapshot's folder in the destination)");
	else if (counts[COPY_PENDING])
		buf_puts(out, " (to cancel one: mount with -o delete, and rmdir its snapshot's "
			      "folder in the destination)");
	return buf_putc(out, '\n');
}

static int health_text(struct fs *fs, struct node n, struct buf *out)
{
	struct aws_health health = aws_health(fs->aws, NULL);
	const struct err *journal = journal_last_error(fs->journal);
	char stamp[ISOTIME_SIZE], text[800];

	(void)n;
	buf_printf(out, "mounted: %s\n", isotime_format(fs->started_ms, stamp));
	buf_printf(out, "aws: %s\n",
		health.last_answer_ms >= health.last_failure_ms ? "ok" : "failing");
	buf_printf(out, "last answer: %s\n",
		health.last_answer_ms ? isotime_format(health.last_answer_ms, stamp) : "never");
	if (health.last_failure_ms)
		buf_printf(out, "last failure: %s %s\n",
			isotime_format(health.last_failure_ms, stamp),
			err_text(&health.last_failure, text, sizeof(text)));
	clock_health(fs, out);
	rate_health(fs, out);
	offline_text(fs, out);
	buf_printf(out, "journal: %s\n", journal ? err_text(journal, text, sizeof(text)) : "ok");
	if (copies_health(fs, out) < 0)
		return -ENOMEM;
	buf_printf(out, "\n%-20s %-6s %10s %10s %12s  %s\n", "REGION", "LIST", "AGE", "SNAPSHOTS",
		"BYTES", "LAST LISTING");
	for (size_t i = 0; regions_at(fs->regions, i); i++)
		region_health(regions_at(fs->regions, i), out);
	return -out->error;
}

static int version_text(struct fs *fs, struct node n, struct buf *out)
{
	(void)fs;
	(void)n;
	return buf_puts(out, "ebsfs " EBSFS_VERSION "\n");
}

static int errors_text(struct fs *fs, struct node n, struct buf *out)
{
	bool everybody = !fs->caller || fs->caller == fs->uid;

	(void)n;
	/* For others the file modes refuse changes in the kernel, so no error of theirs is recorded
	 * here. */
	if (!everybody && fs_group_writes(fs))
		buf_printf(out,
			"note: members of group %u may change what the group's permissions allow; "
			"if you (uid %u) are not one, your cp, mv, rm and touch fail with EACCES "
			"(Permission denied)\n\n",
			fs->options->gid.value, fs->caller);
	else if (!everybody)
		buf_printf(out,
			"note: you (uid %u) may look at this mount, and change nothing: uid %u "
			"mounted it with allow_other. Your cp, mv, rm and touch fail with EACCES "
			"(Permission denied): ask uid %u, or mount ebsfs yourself\n\n",
			fs->caller, fs->uid, fs->uid);
	return last_error_text(fs->last_error, fs->caller, everybody, out);
}

#define INFO_OPS(name, fn)                                                                         \
	const struct node_ops name = {.type = S_IFREG,                                             \
		.mode = 0444,                                                                      \
		.trust = TRUST_NEVER,                                                              \
		.instead = "ebsfs writes it itself; copy it elsewhere to edit it",                 \
		.text = fn}

INFO_OPS(readme_ops, readme_text);
INFO_OPS(copies_ops, copies_text);
INFO_OPS(copies_json_ops, copies_json_text);
INFO_OPS(health_ops, health_text);
INFO_OPS(version_ops, version_text);
INFO_OPS(last_error_ops, errors_text);
