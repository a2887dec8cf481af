/* SPDX-License-Identifier: MIT */
/* Finds copies by their tag ebsfs:source, and copies of the last day also by the journal. */
#include "recovery_points.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "copies.h"
#include "copy_tags.h"
#include "fs.h"
#include "hash.h"
#include "metric.h"
#include "region.h"

/* Keys are compared byte by byte, so the whole struct is zeroed first. */
struct point_key {
	char volume[32];
	const struct region *source, *region;
};

struct point {
	struct point_key key;
	int64_t start_ms; /* wall-clock time at which the newest source was started */
	UT_hash_handle hh;
};

struct points {
	struct fs *fs;
	struct point *all;
	unsigned long unknown; /* number of copies whose source's volume is not known */
	bool no_memory;
};

static struct region *recovery_points_region(const struct fs *fs, const char *name)
{
	int index = regions_index(fs->regions, name);

	return index < 0 ? NULL : regions_at(fs->regions, (size_t)index);
}

/* Counts a completed copy of the source. */
static void recovery_points_add(struct points *p, const struct region *region,
	struct region *source_region, const char *source_id)
{
	const struct catalogue *c = source_region ? region_catalogue(source_region) : NULL;
	catalogue_slot slot = c ? catalogue_find_shown(c, source_id) : CATALOGUE_NONE;
	struct catalogue_snapshot source = {.volume_id = ""};
	struct point_key key;
	struct point *point;

	memset(&key, 0, sizeof(key));
	if (slot != CATALOGUE_NONE)
		catalogue_get(c, slot, &source);
	/* Copies have no volume of their own: EC2 gives all of them the same volume id. */
	if (!*source.volume_id || !source.start_ms || source.is_copy ||
		strlen(source.volume_id) >= sizeof(key.volume)) {
		p->unknown++;
		return;
	}
	strcpy(key.volume, source.volume_id);
	key.source = source_region;
	key.region = region;
	HASH_FIND(hh, p->all, &key, sizeof(key), point);
	if (!point) {
		point = calloc(1, sizeof(*point));
		if (!point) {
			p->no_memory = true;
			return;
		}
		point->key = key;
		HASH_ADD(hh, p->all, key, sizeof(key), point);
		if (!point->hh.tbl) {
			free(point);
			p->no_memory = true;
			return;
		}
	}
	if (source.start_ms > point->start_ms)
		point->start_ms = source.start_ms;
}

static void recovery_points_add_listed(struct points *p, struct region *region)
{
	const struct catalogue *c = region_catalogue(region);

	for (catalogue_slot slot = 0; slot < catalogue_slots(c); slot++) {
		const char *source, *slash;
		char name[64];

		if (!catalogue_exists(c, slot) || !region_owns(region, slot) ||
			catalogue_state(c, slot) != EC2_SNAPSHOT_COMPLETED)
			continue;
		source = catalogue_tag_value(c, slot, TAG_SOURCE);
		slash = source ? strchr(source, '/') : NULL;
		if (!slash)
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)(slash - source), source);
		recovery_points_add(p, region, recovery_points_region(p->fs, name), slash + 1);
	}
}

/* For copies without a listing of the destination, or without tags (-o notags). */
static void recovery_points_add_copy(void *arg, const struct copy *copy)
{
	const struct journal_copy *row = &copy->row;
	struct points *p = arg;
	struct region *region;
	const struct catalogue *c;
	catalogue_slot slot;

	if (copy->state != COPY_COMPLETED || row->kind || row->dry_run)
		return;
	region = recovery_points_region(p->fs, row->region);
	if (!region)
		return;
	c = region_catalogue(region);
	slot = row->copy_id ? catalogue_find_shown(c, row->copy_id) : CATALOGUE_NONE;
	if (slot != CATALOGUE_NONE &&
		(!catalogue_exists(c, slot) || catalogue_tag_value(c, slot, TAG_SOURCE)))
		return; /* the copy was deleted, or has been counted already */
	recovery_points_add(
		p, region, recovery_points_region(p->fs, row->source_region), row->source_id);
}

static int recovery_points_older_first(const struct point *a, const struct point *b)
{
	return (a->start_ms > b->start_ms) - (a->start_ms < b->start_ms);
}

static void recovery_points_put(const struct points *p, struct buf *out)
{
	int64_t now_ms = clock_wall_ms();
	unsigned n = HASH_COUNT(p->all), left = RECOVERY_POINTS_MAX;

	metric_head(out, "ebsfs_newest_copy_age_seconds", "gauge",
		"The recovery point: age of the newest snapshot of the volume that has a completed "
		"copy in the region.");
	for (const struct point *point = p->all; point && left--; point = point->hh.next)
		buf_printf(out,
			"ebsfs_newest_copy_age_seconds{volume=\"%s\",source_region=\"%s\","
			"region=\"%s\"} %.0f\n",
			point->key.volume, region_name(point->key.source),
			region_name(point->key.region), (double)(now_ms - point->start_ms) / 1000);
	metric_head(out, "ebsfs_newest_copy_left_out", "gauge",
		"Recovery points beyond the 1,000 oldest, which are not shown.");
	buf_printf(out, "ebsfs_newest_copy_left_out %u\n",
		n > RECOVERY_POINTS_MAX ? n - RECOVERY_POINTS_MAX : 0);
	metric_head(out, "ebsfs_newest_copy_unknown", "gauge",
		"Completed copies whose source is not listed, so that its volume is not known.");
	buf_printf(out, "ebsfs_newest_copy_unknown %lu\n", p->unknown);
}

int recovery_points_metrics(struct fs *fs, struct buf *out)
{
	struct points p = {.fs = fs};
	struct region *region;
	struct point *point, *next;

	for (size_t i = 0; (region = regions_at(fs->regions, i)); i++)
		recovery_points_add_listed(&p, region);
	if (copies_each(fs->copies, recovery_points_add_copy, &p) < 0)
		p.no_memory = true;
	HASH_SORT(p.all, recovery_points_older_first);
	if (!p.no_memory)
		recovery_points_put(&p, out);
	HASH_ITER (hh, p.all, point, next) {
		HASH_DEL(p.all, point);
		free(point);
	}
	return p.no_memory ? -ENOMEM : -out->error;
}
