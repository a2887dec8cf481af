/* SPDX-License-Identifier: MIT */
/* Keeps the snapshots with the tag ebsfs:source, and finds the one that satisfies a request. */
#include "adoptable.h"

#include <errno.h>
#include <string.h>

#include "confirm.h"
#include "copy_snapshot.h"
#include "job_key.h"
#include "region_queue.h"
#include "view.h"

#define DOUBLES_SHOWN 5

/* A snapshot of which the tag ebsfs:source names this source. */
struct adoptable_copy {
	catalogue_slot slot;
	int64_t seen_at; /* monotonic: when the last request of adopt.c began that found it; 0: none
			  */
};

struct adoptable_source {
	struct adoptable_copy *copies;
	size_t n;
	UT_hash_handle hh; /* copy_region.adoptable */
	char text[];       /* the tag's value */
};

/* --- by source --- */

static struct adoptable_source *adoptable_source_get(
	const struct region_queue *queue, const char *text)
{
	struct adoptable_source *source;

	HASH_FIND_STR(copy_region(queue)->adoptable, text, source);
	return source;
}

/* The entry of this value, created if necessary; NULL on ENOMEM. */
static struct adoptable_source *adoptable_source_make(struct region_queue *queue, const char *text)
{
	struct adoptable_source *source = adoptable_source_get(queue, text);

	if (source)
		return source;
	source = calloc(1, sizeof(*source) + strlen(text) + 1);
	if (!source)
		return NULL;
	strcpy(source->text, text);
	HASH_ADD_STR(copy_region(queue)->adoptable, text, source);
	if (source->hh.tbl)
		return source;
	free(source);
	return NULL;
}

int adoptable_take(struct region_queue *queue, catalogue_slot slot, int64_t seen_at)
{
	const struct catalogue *catalogue = region_catalogue(queue->region);
	const char *text = catalogue_tag_value(catalogue, slot, TAG_SOURCE);
	struct adoptable_source *source;
	struct adoptable_copy *copies;

	if (!text)
		return 0;
	source = adoptable_source_make(queue, text);
	if (!source)
		return -ENOMEM;
	for (size_t i = 0; i < source->n; i++)
		if (source->copies[i].slot == slot) {
			if (seen_at)
				source->copies[i].seen_at = seen_at;
			return 0;
		}
	copies = realloc(source->copies, (source->n + 1) * sizeof(*copies));
	if (!copies)
		return -ENOMEM;
	source->copies = copies;
	copies[source->n++] = (struct adoptable_copy){slot, seen_at};
	return 0;
}

static void adoptable_changed(void *arg, enum catalogue_change change, catalogue_slot slot)
{
	if (change != CATALOGUE_REMOVED)
		adoptable_take(arg, slot, 0); /* on ENOMEM adoptable_doubles() misses this copy */
}

/* --- the choice --- */

/* Whether the snapshot is a copy of this journal that cannot satisfy the request. Living copies of
 * the journal are found by key before; only a restored one, or a second one of its key, can. */
static bool adoptable_is_known(
	const struct region_queue *queue, const struct adoptable_terms *terms, const char *id)
{
	const struct copy *copy = copies_by_snapshot(queue->all, queue->name, id);

	return copy && copy->origin == COPY_OURS && !confirm_is_restored(queue->all, copy) &&
	       !(terms->with_spare && job_key_is_spare(copy));
}

static bool adoptable_is_label(const char *tag, const char *label)
{
	return tag && label ? !strcmp(tag, label) : tag == label;
}

/* Whether the snapshot meets the terms and is the account's own. Sets *s to its record. */
static bool adoptable_fits(const struct region_queue *queue, const struct adoptable_terms *terms,
	const struct adoptable_copy *found, struct catalogue_snapshot *s)
{
	const struct catalogue *c = region_catalogue(queue->region);
	const char *account = queue->all->options.account;
	const char *source = catalogue_tag_value(c, found->slot, TAG_SOURCE);

	if (!catalogue_get(c, found->slot, s) || !s->exists || !source ||
		strcmp(source, terms->source) ||
		(!found->seen_at && !view_has(region_own(queue->region), found->slot)) ||
		(account && *s->owner_id && strcmp(s->owner_id, account)))
		return false;
	/* Compares times by the second, because not every cloud gives milliseconds for both. */
	return (s->state == EC2_SNAPSHOT_PENDING || s->state == EC2_SNAPSHOT_COMPLETED) &&
	       s->volume_gib == terms->volume_gib && ec2_is_copy_volume(s->volume_id) &&
	       s->start_ms / 1000 >= terms->since_ms / 1000 &&
	       adoptable_is_label(catalogue_tag_value(c, found->slot, TAG_AGAIN), terms->label) &&
	       !(terms->source_id && !strcmp(terms->source_id, s->id)) &&
	       !adoptable_is_known(queue, terms, s->id);
}

bool adoptable_pick(const struct region_queue *queue, const struct adoptable_terms *terms,
	int64_t since, struct catalogue_snapshot *out)
{
	struct adoptable_source *source = adoptable_source_get(queue, terms->source);
	struct catalogue_snapshot s;
	bool found = false;

	for (size_t i = 0; source && i < source->n; i++) {
		if (source->copies[i].seen_at < since ||
			!adoptable_fits(queue, terms, &source->copies[i], &s))
			continue;
		if (!found || (s.state == out->state ? s.start_ms > out->start_ms
						     : s.state == EC2_SNAPSHOT_COMPLETED))
			*out = s;
		found = true;
	}
	return found;
}

void adoptable_doubles(const struct copies *c, const struct copy *copy, struct buf *out)
{
	const struct journal_copy *row = &copy->row;
	struct region_queue *queue = region_queue_find(c, row->region);
	struct adoptable_terms terms = {.label = copy_tags_label(row->label)};
	struct catalogue_snapshot s;
	struct adoptable_source *source;
	catalogue_slot slot;
	unsigned n = 0;

	if (!queue || !row->source_id || !row->source_region || !row->copy_id)
		return;
	copy_tags_source_text(row, terms.source);
	source = adoptable_source_get(queue, terms.source);
	slot = catalogue_find(region_catalogue(queue->region), row->copy_id);
	if (!source || slot == CATALOGUE_NONE ||
		!catalogue_get(region_catalogue(queue->region), slot, &s))
		return;
	terms.volume_gib = s.volume_gib;
	for (size_t i = 0; i < source->n && n < DOUBLES_SHOWN; i++)
		if (adoptable_fits(queue, &terms, &source->copies[i], &s))
			buf_printf(out, "%s%s",
				n++ ? ", " : "another copy with the same source: ", s.id);
}

bool adoptable_was_shown(const struct region_queue *queue, const char *text, int64_t seen_at)
{
	const struct adoptable_source *source = adoptable_source_get(queue, text);

	for (size_t i = 0; source && i < source->n; i++)
		if (source->copies[i].seen_at == seen_at)
			return true;
	return false;
}

void adoptable_watch(struct region_queue *queue)
{
	struct catalogue *catalogue = region_catalogue(queue->region);
	catalogue_slot slots = catalogue_slots(catalogue);

	for (catalogue_slot slot = 0; slot < slots; slot++)
		if (!catalogue_from_disk(catalogue, slot))
			adoptable_take(queue, slot, 0);
	catalogue_watch(catalogue, adoptable_changed, queue);
}

static void adoptable_source_drop(struct region_queue *queue, struct adoptable_source *source)
{
	HASH_DEL(copy_region(queue)->adoptable, source);
	free(source->copies);
	free(source);
}

int adoptable_mark(struct region_queue *queue, struct slot_set *named)
{
	const struct catalogue *catalogue = region_catalogue(queue->region);
	struct adoptable_source *source, *next;

	HASH_ITER (hh, copy_region(queue)->adoptable, source, next) {
		size_t kept = 0;

		for (size_t i = 0; i < source->n; i++)
			if (catalogue_exists(catalogue, source->copies[i].slot))
				source->copies[kept++] = source->copies[i];
		source->n = kept;
		for (size_t i = 0; i < kept; i++)
			if (slot_set_add(named, source->copies[i].slot) < 0)
				return -ENOMEM;
		if (!kept)
			adoptable_source_drop(queue, source);
	}
	return 0;
}

void adoptable_finish(struct region_queue *queue)
{
	struct adoptable_source *source, *next;

	HASH_ITER (hh, copy_region(queue)->adoptable, source, next)
		adoptable_source_drop(queue, source);
}
