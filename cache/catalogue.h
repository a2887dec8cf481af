/* SPDX-License-Identifier: MIT */
/* The store of all snapshots of one region that this mount knows: in memory, compact, found by slot
 * and by id. Views (view.h) say which snapshots a query has. */
#ifndef EBSFS_CATALOGUE_H
#define EBSFS_CATALOGUE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "ec2.h"
#include "slot_set.h"

struct catalogue;

/* Slots count from 0. A snapshot keeps its slot while a holder names the slot (catalogue_hold()).
 * After that catalogue_sweep() frees the slot, and another snapshot may get it. */
typedef uint32_t catalogue_slot;
#define CATALOGUE_NONE UINT32_MAX

/* One snapshot, unpacked. Strings are borrowed, valid until the catalogue changes next, and never
 * NULL ("" if absent). A gone snapshot keeps its id, numbers and times, but no other texts, tags or
 * fields. */
struct catalogue_snapshot {
	const char *id, *volume_id, *state_text, *state_message, *owner_id, *description,
		*kms_key_id;
	enum ec2_snapshot_state state;
	bool exists;  /* false: deleted, or not visible to the account any more */
	int progress; /* EC2_PROGRESS_UNKNOWN if EC2 gave none */
	int64_t start_ms, completion_ms; /* 0: absent */
	uint32_t volume_gib;             /* 0: absent */
	int64_t full_size;               /* bytes; -1: absent */
	enum ec2_encryption encryption;
	unsigned flaws; /* enum ec2_flaw: which parts differ from what EC2 sent */
	bool is_copy;   /* EC2 gave a transfer type, or the volume id of a copy (vol-ffff…) */
	unsigned n_tags;
};

struct catalogue *catalogue_create(void); /* NULL on ENOMEM */
void catalogue_destroy(struct catalogue *c);

/* The bound for iterating over slots: gone snapshots are included, and free slots. */
catalogue_slot catalogue_slots(const struct catalogue *c);
size_t catalogue_memory(const struct catalogue *c); /* bytes held */

/* The slot of a snapshot that EC2 has described in this mount, also of a gone one. Use it for
 * decisions. CATALOGUE_NONE if there is none. */
catalogue_slot catalogue_find(const struct catalogue *c, const char *id);
/* The same, but finds also snapshots known only from disk. Use it for what is shown, never for
 * decisions. */
catalogue_slot catalogue_find_shown(const struct catalogue *c, const char *id);
/* Whether the snapshot is known only from disk: EC2 has not described it in this mount. */
bool catalogue_from_disk(const struct catalogue *c, catalogue_slot slot);
/* Returns false if there is no such slot, or if it is free. */
bool catalogue_get(const struct catalogue *c, catalogue_slot slot, struct catalogue_snapshot *out);
bool catalogue_exists(const struct catalogue *c, catalogue_slot slot);
unsigned catalogue_flaws(const struct catalogue *c, catalogue_slot slot); /* enum ec2_flaw */
const char *catalogue_owner(const struct catalogue *c,
	catalogue_slot slot); /* borrowed like all strings; "": unknown */
/* Whether this mount created the snapshot a short time ago: a local override (below) is in force.
 */
bool catalogue_created(const struct catalogue *c, catalogue_slot slot, int64_t now_ms);
int64_t catalogue_start_ms(const struct catalogue *c, catalogue_slot slot); /* 0: absent */
enum ec2_snapshot_state catalogue_state(const struct catalogue *c, catalogue_slot slot);
const char *catalogue_id(const struct catalogue *c,
	catalogue_slot slot); /* borrowed like all strings; "": the slot is free */
/* A hash of the snapshot's id, which distinguishes the snapshots that have the same slot one after
 * the other. */
uint32_t catalogue_generation(const struct catalogue *c, catalogue_slot slot);

/* Tags, in EC2's order. Returns false past the end. */
bool catalogue_tag(const struct catalogue *c, catalogue_slot slot, unsigned n, struct ec2_tag *out);
const char *catalogue_tag_value(
	const struct catalogue *c, catalogue_slot slot, const char *key); /* NULL if absent */
/* The number of a tag key in this catalogue, below 2^24. It never changes: node numbers contain it.
 * UINT32_MAX on ENOMEM, if the numbers are used up, and for a key that is empty or longer than 1024
 * bytes. */
uint32_t catalogue_key_number(struct catalogue *c, const char *key);
const char *catalogue_key_text(
	const struct catalogue *c, uint32_t number); /* NULL if there is no such number */
/* The rarer fields that are not empty, by EC2's names, TransferType included. Returns false past
 * the end. */
bool catalogue_field(
	const struct catalogue *c, catalogue_slot slot, unsigned n, struct ec2_field *out);
const char *catalogue_field_value(
	const struct catalogue *c, catalogue_slot slot, const char *name); /* NULL if absent */

/* --- changing it --- */

/* A watcher is called after each visible change, to invalidate the kernel's caches and to wake
 * readers of a status. The order of tags or fields does not count as a change. Any number of
 * watchers. */
enum catalogue_change {
	CATALOGUE_ADDED,     /* new, or back after having been gone */
	CATALOGUE_CHANGED,   /* EC2's description changed, or an override of its creation began */
	CATALOGUE_REMOVED,   /* gone */
	CATALOGUE_CONFIRMED, /* was known only from disk; EC2 gave the same description */
};
typedef void catalogue_watch_fn(void *arg, enum catalogue_change change, catalogue_slot slot);
int catalogue_watch(struct catalogue *c, catalogue_watch_fn *fn, void *arg); /* 0 or -ENOMEM */
void catalogue_unwatch(struct catalogue *c, catalogue_watch_fn *fn, void *arg);

/* Adds or updates one snapshot as EC2 described it. now_ms: monotonic. Local overrides (below) win
 * over the description. Texts beyond 4096 bytes are cut; tags beyond 128, or with keys that have
 * no number, are left out. Returns its slot; CATALOGUE_NONE on ENOMEM or if the id is longer than
 * 64 bytes. */
catalogue_slot catalogue_put(struct catalogue *c, const struct ec2_snapshot *s, int64_t now_ms);

/* Collects in `slots` the slots passed to catalogue_put() by any caller between begin and end.
 * Several collections may run at once. end does not free `slots`, and may be called without begin.
 */
struct catalogue_seen {
	struct slot_set slots;
	struct catalogue_seen *prev, *next;
};
void catalogue_seen_begin(struct catalogue *c, struct catalogue_seen *seen);
void catalogue_seen_end(struct catalogue *c, struct catalogue_seen *seen);

/* EC2 does not show the snapshot to this account: marks it as gone, unless a local override says
 * that it was just created. */
void catalogue_absent(struct catalogue *c, catalogue_slot slot, int64_t now_ms);

/* Local overrides: a change by ebsfs is shown at once and wins for CATALOGUE_OVERRIDE_MS over EC2's
 * eventually consistent responses. */
#define CATALOGUE_OVERRIDE_MS 300000
/* Adds a snapshot that this mount created. If EC2 has described it already, that description is
 * kept. Result as for catalogue_put(). */
catalogue_slot catalogue_override_created(
	struct catalogue *c, const struct ec2_snapshot *s, int64_t now_ms);
/* Ends the override of the snapshot's creation, because EC2's responses are consistent by now: from
 * now on they decide whether it exists. Returns whether that override was in force. */
bool catalogue_override_settled(struct catalogue *c, catalogue_slot slot, int64_t now_ms);
void catalogue_override_deleted(struct catalogue *c, catalogue_slot slot, int64_t now_ms);
/* value NULL: the tag was deleted. Returns 0 or -ENOMEM. */
int catalogue_override_tag(struct catalogue *c, catalogue_slot slot, const char *key,
	const char *value, int64_t now_ms);
void catalogue_expire_overrides(struct catalogue *c, int64_t now_ms); /* frees the expired ones */

/* --- slots that nothing names any more --- */

/* A holder keeps numbers of slots from one loop iteration to the next. Its mark function adds those
 * slots to `named`, and returns 0 or -ENOMEM. If catalogue_hold() has no memory for a holder, no
 * slot is ever freed. A holder that has dropped n slots calls catalogue_let_go(c, n).
 * catalogue_sweep() frees all slots that no holder and no local override names, and their memory.
 * Call it from a timer of the loop, and only while no listing is in flight, because readers of a
 * first listing rely on slots being added at the end only. Without memory it does nothing. Returns
 * the number of freed slots. due() is called once when enough slots may be unused for a sweep to be
 * worth its time. */
typedef int catalogue_mark_fn(void *arg, struct slot_set *named);
void catalogue_hold(struct catalogue *c, catalogue_mark_fn *mark, void *arg);
void catalogue_unhold(struct catalogue *c, catalogue_mark_fn *mark, void *arg);
void catalogue_let_go(struct catalogue *c, size_t n);
void catalogue_on_sweep_due(struct catalogue *c, void (*due)(void *arg), void *arg);
bool catalogue_sweep_is_due(const struct catalogue *c);
size_t catalogue_sweep(struct catalogue *c, int64_t now_ms);

/* --- on disk --- */

/* A number that grows with every visible change, except changes by reading from disk. */
uint64_t catalogue_changes(const struct catalogue *c);
struct catalogue_block_writer;
/* Call catalogue_block_write() and catalogue_block_read() for this catalogue. Reading does not call
 * the watchers. */
int catalogue_write(const struct catalogue *c, const struct slot_set *listed,
	struct catalogue_block_writer *w, catalogue_slot *slot, struct buf *block);
int catalogue_read(struct catalogue *c, const void *block, size_t len,
	void (*added)(void *arg, catalogue_slot slot, bool listed), void *arg);
/* counts: the number of ids and texts. reserve: makes room for as many more, which speeds up
 * reading. */
void catalogue_counts(const struct catalogue *c, uint32_t *ids, uint32_t *texts);
void catalogue_reserve(struct catalogue *c, uint32_t ids, uint32_t texts);
/* Marks snapshots that are known from disk only as gone. */
void catalogue_forget_disk(struct catalogue *c);

#endif
