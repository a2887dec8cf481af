/* SPDX-License-Identifier: MIT */
/* .ebsfs/metrics, in Prometheus's text format. */
#include "metric.h"

#include <errno.h>

#include "clock.h"
#include "disk.h"
#include "files.h"
#include "nodes.h"
#include "recovery_points.h"
#include "tree.h"
#include "view.h"

/* --- the client --- */

struct column {
	const char *name, *type, *help;
	bool paced; /* shown only if a request rate is kept */
	double (*value)(const struct aws_counter *counter);
};

static double counter_requests(const struct aws_counter *counter)
{
	return (double)counter->requests;
}

static double counter_retries(const struct aws_counter *counter)
{
	return (double)counter->retries;
}

static double counter_throttles(const struct aws_counter *counter)
{
	return (double)counter->throttled;
}

static double counter_errors(const struct aws_counter *counter)
{
	return (double)counter->errors;
}

static double counter_tokens(const struct aws_counter *counter)
{
	return counter->tokens;
}

static double counter_share(const struct aws_counter *counter)
{
	return counter->share;
}

static double counter_waiting(const struct aws_counter *counter)
{
	return counter->waiting;
}

static double counter_waits(const struct aws_counter *counter)
{
	return (double)counter->waits;
}

static double counter_wait_seconds(const struct aws_counter *counter)
{
	return (double)counter->waited_ms / 1000;
}

static const struct column columns[] = {
	{"ebsfs_requests_total", "counter", "Requests sent to AWS, every try.", false,
		counter_requests},
	{"ebsfs_retries_total", "counter", "Tries that were repeated.", false, counter_retries},
	{"ebsfs_throttles_total", "counter", "Tries that AWS refused for their rate.", false,
		counter_throttles},
	{"ebsfs_errors_total", "counter", "Calls that ended in an error.", false, counter_errors},
	{"ebsfs_rate_tokens", "gauge", "Requests that may go out now without waiting.", true,
		counter_tokens},
	{"ebsfs_rate_share", "gauge", "Share of EC2's request rate in use; smaller after refusals.",
		true, counter_share},
	{"ebsfs_rate_waiting", "gauge", "Calls that wait for EC2's request rate.", true,
		counter_waiting},
	{"ebsfs_rate_waits_total", "counter", "Tries that had to wait for EC2's request rate.",
		true, counter_waits},
	{"ebsfs_rate_wait_seconds_total", "counter", "Total time of these waits.", true,
		counter_wait_seconds},
};

struct writing {
	struct buf *out;
	const struct column *column;
};

static void put_counter(void *arg, const struct aws_counter *counter)
{
	const struct writing *w = arg;

	if (!w->column->paced || counter->paced)
		buf_printf(w->out, "%s{region=\"%s\",action=\"%s\"} %.15g\n", w->column->name,
			counter->region, counter->action, w->column->value(counter));
}

static void put_budget(void *arg, const char *region, int left)
{
	buf_printf(arg, "ebsfs_retry_budget{region=\"%s\"} %d\n", region, left);
}

static void put_client(const struct fs *fs, struct buf *out)
{
	const struct http_timeouts *timeouts = &fs->timeouts;

	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		metric_head(out, columns[i].name, columns[i].type, columns[i].help);
		aws_each_counter(fs->aws, put_counter, &(struct writing){out, &columns[i]});
	}
	metric_head(out, "ebsfs_retry_budget", "gauge",
		"Tokens left for retries: at most 500; a retry costs 5, after a timeout 10.");
	aws_each_budget(fs->aws, put_budget, out);
	metric_head(out, "ebsfs_timeouts_total", "counter",
		"Requests that timed out: connecting, no byte for 20 s, or in total.");
	buf_printf(out,
		"ebsfs_timeouts_total{kind=\"connect\"} %llu\n"
		"ebsfs_timeouts_total{kind=\"stalled\"} %llu\n"
		"ebsfs_timeouts_total{kind=\"total\"} %llu\n",
		(unsigned long long)timeouts->connect, (unsigned long long)timeouts->stalled,
		(unsigned long long)timeouts->total);
	metric_head(out, "ebsfs_clock_skew_seconds", "gauge",
		"AWS's clock minus this machine's, by the Date of the last answer.");
	buf_printf(out, "ebsfs_clock_skew_seconds %.3f\n", (double)aws_skew_ms(fs->aws) / 1000);
}

/* --- the regions --- */

static void put_age(const struct region *region, struct buf *out)
{
	int64_t age_ms = 0;

	if (view_known_ms(region_own(region)))
		age_ms = clock_wall_ms() - view_known_ms(region_own(region));
	else if (view_listed_at(region_own(region)))
		age_ms = clock_mono_ms() - view_listed_at(region_own(region));
	else
		return;
	buf_printf(out, "ebsfs_listing_age_seconds{region=\"%s\"} %.3f\n", region_name(region),
		(double)age_ms / 1000);
}

static void put_regions(const struct fs *fs, struct buf *out)
{
	metric_head(out, "ebsfs_snapshots", "gauge", "Snapshots listed.");
	for (size_t i = 0; regions_at(fs->regions, i); i++)
		buf_printf(out, "ebsfs_snapshots{region=\"%s\"} %zu\n",
			region_name(regions_at(fs->regions, i)),
			view_count(region_own(regions_at(fs->regions, i))));
	metric_head(out, "ebsfs_snapshots_left_out", "gauge",
		"Snapshots that the latest listing left out: ids not of EC2's form.");
	for (size_t i = 0; regions_at(fs->regions, i); i++)
		buf_printf(out, "ebsfs_snapshots_left_out{region=\"%s\"} %zu\n",
			region_name(regions_at(fs->regions, i)),
			view_left_out(region_own(regions_at(fs->regions, i))));
	metric_head(out, "ebsfs_snapshots_incomplete", "gauge",
		"Snapshots listed, but not as EC2 sent them; their status has a note.");
	for (size_t i = 0; regions_at(fs->regions, i); i++)
		buf_printf(out, "ebsfs_snapshots_incomplete{region=\"%s\"} %zu\n",
			region_name(regions_at(fs->regions, i)),
			view_flawed(region_own(regions_at(fs->regions, i))));
	metric_head(out, "ebsfs_catalogue_bytes", "gauge", "Memory used by the catalogue.");
	for (size_t i = 0; regions_at(fs->regions, i); i++)
		buf_printf(out, "ebsfs_catalogue_bytes{region=\"%s\"} %zu\n",
			region_name(regions_at(fs->regions, i)),
			region_memory(regions_at(fs->regions, i)));
	metric_head(out, "ebsfs_from_disk", "gauge",
		"1: from the last mount's catalogue; EC2 has not listed it yet.");
	for (size_t i = 0; regions_at(fs->regions, i); i++)
		buf_printf(out, "ebsfs_from_disk{region=\"%s\"} %d\n",
			region_name(regions_at(fs->regions, i)),
			view_known_ms(region_own(regions_at(fs->regions, i))) != 0);
	metric_head(out, "ebsfs_listing_age_seconds", "gauge",
		"Seconds since the region was last listed.");
	for (size_t i = 0; regions_at(fs->regions, i); i++)
		put_age(regions_at(fs->regions, i), out);
}

/* --- disks --- */

static void put_value(
	struct buf *out, const char *name, const char *type, const char *help, double value)
{
	metric_head(out, name, type, help);
	buf_printf(out, "%s %.15g\n", name, value);
}

static void put_disks(const struct fs *fs, struct buf *out)
{
	struct disks_stats disks = disks_stats(fs->disks);
	struct budget_sums budget = budget_sums(fs->budget, clock_wall_ms());
	uint64_t units = disks.bought * BUDGET_GET + disks.lists * BUDGET_LIST;

	put_value(out, "ebsfs_disk_bought_blocks_total", "counter",
		"Blocks of disks bought by GetSnapshotBlock.", (double)disks.bought);
	put_value(out, "ebsfs_disk_bought_bytes_total", "counter", "The same in bytes.",
		(double)disks.bought * (double)EBS_BLOCK_SIZE);
	put_value(out, "ebsfs_disk_lists_total", "counter",
		"Pages of ListSnapshotBlocks and ListChangedBlocks.", (double)disks.lists);
	put_value(out, "ebsfs_disk_cost_dollars_total", "counter",
		"Cost of these blocks and pages, estimated at AWS's example prices.",
		(double)units / (double)BUDGET_DOLLAR);
	put_value(out, "ebsfs_disk_in_flight", "gauge", "GetSnapshotBlock under way.",
		disks.in_flight);
	put_value(out, "ebsfs_disk_ahead_blocks_total", "counter",
		"Blocks that were bought to read ahead.", (double)disks.ahead);
	put_value(out, "ebsfs_disk_cached_blocks_total", "counter",
		"Reads of blocks, or of parts of them, from this machine's cache.",
		(double)disks.cached);
	put_value(out, "ebsfs_disk_shared_blocks_total", "counter",
		"Blocks taken from another snapshot of the volume in the cache.",
		(double)disks.shared);
	put_value(out, "ebsfs_disk_damaged_blocks_total", "counter",
		"Blocks in the cache that were not as they had been written.",
		(double)disks.mismatches);
	put_value(out, "ebsfs_disk_cache_bytes", "gauge", "Size of the blocks in the cache.",
		(double)disks.cache_used);
	put_value(out, "ebsfs_disk_cache_limit_bytes", "gauge",
		"The size that the cache may have; 0: none is in use.", (double)disks.cache_max);
	put_value(out, "ebsfs_disk_spent_dollars", "gauge",
		"Cost of reading disks today (UTC), of all mounts of the account, estimated.",
		(double)budget.spent / (double)BUDGET_DOLLAR);
	put_value(out, "ebsfs_disk_budget_dollars", "gauge", "The limit of it.",
		(double)budget.limit / (double)BUDGET_DOLLAR);
}

static void put_readers(const struct fs *fs, struct buf *out)
{
	struct files_stats files = files_stats(fs->files);

	put_value(out, "ebsfs_reader_processes", "gauge", "Processes of ebsfs-reader.",
		files.processes);
	put_value(out, "ebsfs_reader_starts_total", "counter", "Processes started.",
		(double)files.started);
	put_value(out, "ebsfs_reader_failures_total", "counter",
		"Processes that broke the protocol, exceeded a limit or died.",
		(double)files.failed);
	put_value(out, "ebsfs_reader_requests_total", "counter", "Requests to them.",
		(double)files.requests);
}

static int metrics_text(struct fs *fs, struct node n, struct buf *out)
{
	(void)n;
	put_client(fs, out);
	put_regions(fs, out);
	put_disks(fs, out);
	put_readers(fs, out);
	request_stats_metrics(fs, out);
	if (recovery_points_metrics(fs, out) < 0)
		return -ENOMEM;
	return copies_metrics(fs->copies, out);
}

const struct node_ops metrics_ops = {
	.type = S_IFREG, .mode = 0444, .trust = TRUST_NEVER, .text = metrics_text};
