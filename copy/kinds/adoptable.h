/* SPDX-License-Identifier: MIT */
/* Snapshots that bear the tag ebsfs:source, and which of them is the copy of a request. */
#ifndef EBSFS_ADOPTABLE_H
#define EBSFS_ADOPTABLE_H

#include "copy_tags.h"
#include "engine.h"

/* The conditions that a snapshot must meet to be the wanted copy. */
struct adoptable_terms {
	char source[COPY_TAGS_SOURCE_SIZE];
	const char *source_id; /* NULL: the source is in another region */
	const char *label;     /* NULL: none */
	bool with_spare; /* also this journal's own second copy of a key (job_key_is_spare()) */
	uint32_t volume_gib;
	int64_t since_ms; /* wall clock: when the source was complete; 0: unknown */
};

/* Takes up the snapshot if it has the tag; a malformed value is no request's source. seen_at: when
 * the question that found it began; 0: it was not asked for. 0 or -ENOMEM. */
int adoptable_take(struct region_queue *queue, catalogue_slot slot, int64_t seen_at);

enum { ADOPTABLE_KNOWN, ADOPTABLE_SEEN }; /* since: all; those that a question found */

/* The newest completed one, else the newest, of those that a question begun at `since` or later has
 * found. False: there is none. */
bool adoptable_pick(const struct region_queue *queue, const struct adoptable_terms *terms,
	int64_t since, struct catalogue_snapshot *out);
/* Whether the question that began at seen_at has found a snapshot with this value of the tag. */
bool adoptable_was_shown(const struct region_queue *queue, const char *text, int64_t seen_at);

/* job_kind.doubles: other copies of the same source and label, as far as the catalogue has them. */
void adoptable_doubles(const struct copies *c, const struct copy *copy, struct buf *out);

/* Follows the catalogue, for adoptable_doubles(): without memory for that, some are not named. */
void adoptable_watch(struct region_queue *queue);
/* As catalogue_mark_fn. Drops the notes of snapshots that are gone. */
int adoptable_mark(struct region_queue *queue, struct slot_set *named);
void adoptable_finish(struct region_queue *queue);

#endif
