/* SPDX-License-Identifier: MIT */
/* The snapshots of the catalogue that belong to one view, kept by difference from listing to
 * listing. */
#ifndef EBSFS_MEMBERS_H
#define EBSFS_MEMBERS_H

#include "catalogue.h"
#include "slot_set.h"

/* Whether a snapshot belongs to the view that EC2 described, but not in a listing of the view. */
typedef bool members_admit_fn(void *arg, catalogue_slot slot);

struct members {
	struct catalogue *catalogue;
	struct slot_set set; /* all of them exist */
	size_t count;
	/* Without admit: all that ever were in the view, in the order of their arrival. */
	struct slot_set ever;
	catalogue_slot *order;
	size_t n_order, order_capacity;
	uint64_t version;           /* changes whenever the set does */
	bool listing;               /* between begin and end */
	struct catalogue_seen seen; /* since the listing began */
	bool putting;               /* the catalogue is calling the watcher for members_put() */
	members_admit_fn *admit;
	void *arg;
};

/* Watches the catalogue: removes members that are gone, and adds snapshots that `admit` accepts.
 * admit NULL: only listings add members. Call it once, before other watchers are added; the struct
 * must not move in memory. Returns 0 or -ENOMEM. */
int members_init(struct members *m, struct catalogue *c, members_admit_fn *admit, void *arg);
/* Stops watching. */
void members_finish(struct members *m);

static inline bool members_has(const struct members *m, catalogue_slot slot)
{
	return slot_set_has(&m->set, slot);
}
/* The next member from position *pos on (0 at first), or false. With admit a position is a slot,
 * else a place in the order of arrival: members that join later have higher positions. */
bool members_next(const struct members *m, uint64_t *pos, catalogue_slot *slot);
uint64_t members_positions(const struct members *m); /* all are below */
size_t members_flawed(const struct members *m);      /* how many have flaws */
size_t members_memory(const struct members *m);

/* Adds a slot, unless its snapshot is gone. Returns 0 or -ENOMEM. */
int members_add(struct members *m, catalogue_slot slot);
/* catalogue_put() and members_add(); results as catalogue_put(). */
catalogue_slot members_put(struct members *m, const struct ec2_snapshot *s, int64_t now_ms);
/* `admit` may accept more than before: asks it again about all slots. */
void members_review(struct members *m);

/* A whole listing: begin, put all snapshots, end. Members that were not put since begin leave the
 * view. Of a view with `admit`, anybody's put counts, and those that leave are absent from the
 * catalogue too (catalogue_absent()), except those that a local override says were just created.
 * Without begin, end does nothing. abort ends a listing and removes no member. */
void members_begin(struct members *m);
void members_end(struct members *m, int64_t now_ms);
void members_abort(struct members *m);

#endif
