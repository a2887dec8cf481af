/* SPDX-License-Identifier: MIT */
/* Keeps the snapshots with the tag ebsfs:source, and finds the one that satisfies a request. */
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

/* Adds the snapshot if it has the tag; one with a malformed value satisfies no request. seen_at:
 * when the request to EC2 began that found the snapshot; 0: it came from another response. 0 or
 * -ENOMEM. */
int adoptable_take(struct region_queue *queue, catalogue_slot slot, int64_t seen_at);

enum {
	ADOPTABLE_KNOWN,
	ADOPTABLE_SEEN
}; /* values of `since`: all snapshots; those that any request of adopt.c found */

/* Sets *out to the snapshot that satisfies the terms: the newest completed one, otherwise the
 * newest, of those found by a request that began at `since` or later. False: there is none. */
bool adoptable_pick(const struct region_queue *queue, const struct adoptable_terms *terms,
	int64_t since, struct catalogue_snapshot *out);
/* Whether the request that began at seen_at has found a snapshot with this value of the tag. */
bool adoptable_was_shown(const struct region_queue *queue, const char *text, int64_t seen_at);

/* Implements job_kind.doubles: names other copies of the same source and label that the catalogue
 * has. */
void adoptable_doubles(const struct copies *c, const struct copy *copy, struct buf *out);

/* Watches the catalogue for adoptable_doubles(). Without memory, that function misses some copies.
 */
void adoptable_watch(struct region_queue *queue);
/* Adds the kept snapshots' slots, as catalogue_mark_fn, and forgets snapshots that are gone. */
int adoptable_mark(struct region_queue *queue, struct slot_set *named);
void adoptable_finish(struct region_queue *queue);

#endif
