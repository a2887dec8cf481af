/* SPDX-License-Identifier: MIT */
/* Counters of requests. */
#include "request_stats.h"

#include <linux/fuse.h>

#include "cleanup.h"
#include "fs.h"
#include "metric.h"

/* --- EC2 --- */

static const char *const causes[REGION_WHYS] = {
	[REGION_WHY_FIRST] = "first",
	[REGION_WHY_STALE] = "stale",
	[REGION_WHY_ANEW] = "anew",
	[REGION_WHY_PREFETCH] = "ahead",
};

static void request_stats_by_cause(struct buf *out, const char *name, const struct region *region,
	const uint64_t values[REGION_WHYS])
{
	for (size_t i = 0; i < REGION_WHYS; i++)
		buf_printf(out, "%s{region=\"%s\",why=\"%s\"} %llu\n", name, region_name(region),
			causes[i], (unsigned long long)values[i]);
}

static void request_stats_regions(const struct fs *fs, struct buf *out)
{
	struct region *region;
	struct region_cost cost;

	metric_head(out, "ebsfs_listings_total", "counter", "Listings started, by cause.");
	for (size_t i = 0; (region = regions_at(fs->regions, i)); i++) {
		cost = region_cost(region);
		request_stats_by_cause(out, "ebsfs_listings_total", region, cost.listings);
	}
	metric_head(out, "ebsfs_listing_pages_total", "counter",
		"Pages of listings received, one request each.");
	for (size_t i = 0; (region = regions_at(fs->regions, i)); i++) {
		cost = region_cost(region);
		request_stats_by_cause(out, "ebsfs_listing_pages_total", region, cost.pages);
	}
	metric_head(out, "ebsfs_id_requests_total", "counter",
		"Requests for single ids that no listing contains.");
	for (size_t i = 0; (region = regions_at(fs->regions, i)); i++)
		buf_printf(out, "ebsfs_id_requests_total{region=\"%s\"} %llu\n",
			region_name(region), (unsigned long long)region_cost(region).lookups);
}

/* --- the kernel --- */

static const char *const opcode_names[FUSE_OPCODES] = {
	[FUSE_LOOKUP] = "lookup",
	[FUSE_FORGET] = "forget",
	[FUSE_GETATTR] = "getattr",
	[FUSE_SETATTR] = "setattr",
	[FUSE_READLINK] = "readlink",
	[FUSE_SYMLINK] = "symlink",
	[FUSE_MKNOD] = "mknod",
	[FUSE_MKDIR] = "mkdir",
	[FUSE_UNLINK] = "unlink",
	[FUSE_RMDIR] = "rmdir",
	[FUSE_RENAME] = "rename",
	[FUSE_LINK] = "link",
	[FUSE_OPEN] = "open",
	[FUSE_READ] = "read",
	[FUSE_WRITE] = "write",
	[FUSE_STATFS] = "statfs",
	[FUSE_RELEASE] = "release",
	[FUSE_FSYNC] = "fsync",
	[FUSE_SETXATTR] = "setxattr",
	[FUSE_GETXATTR] = "getxattr",
	[FUSE_LISTXATTR] = "listxattr",
	[FUSE_REMOVEXATTR] = "removexattr",
	[FUSE_FLUSH] = "flush",
	[FUSE_OPENDIR] = "opendir",
	[FUSE_READDIR] = "readdir",
	[FUSE_RELEASEDIR] = "releasedir",
	[FUSE_CREATE] = "create",
	[FUSE_INTERRUPT] = "interrupt",
	[FUSE_POLL] = "poll",
	[FUSE_BATCH_FORGET] = "batch_forget",
	[FUSE_READDIRPLUS] = "readdirplus",
	[FUSE_RENAME2] = "rename2",
	[FUSE_LSEEK] = "lseek",
};

void request_stats_count(struct request_stats *stats, const void *message, size_t len)
{
	const struct fuse_in_header *header = message;

	if (len >= sizeof(*header) && header->opcode < FUSE_OPCODES)
		stats->requests[header->opcode]++;
}

static void request_stats_kernel(const struct fs *fs, struct buf *out)
{
	metric_head(out, "ebsfs_kernel_requests_total", "counter",
		"FUSE requests by operation: the kernel's caches served the others.");
	for (size_t i = 0; i < FUSE_OPCODES; i++)
		if (opcode_names[i])
			buf_printf(out, "ebsfs_kernel_requests_total{op=\"%s\"} %llu\n",
				opcode_names[i], (unsigned long long)fs->stats.requests[i]);
	metric_head(out, "ebsfs_kernel_invalidations_total", "counter",
		"Invalidations sent to the kernel's caches.");
	buf_printf(out, "ebsfs_kernel_invalidations_total %llu\n",
		(unsigned long long)fs->stats.invalidations);
}

void request_stats_metrics(const struct fs *fs, struct buf *out)
{
	request_stats_regions(fs, out);
	request_stats_kernel(fs, out);
}
