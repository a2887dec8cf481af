/* SPDX-License-Identifier: MIT */
/* The snapshots of one region in memory: by slot and by id, compact, changed only by difference. */
#ifndef EBSFS_CATALOGUE_H
#define EBSFS_CATALOGUE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "ec2.h"

struct catalogue;

/* A snapshot keeps its slot as long as the catalogue lives; slots count from 0 and are not used
 * again. */
typedef uint32_t catalogue_slot;
#define CATALOGUE_NONE UINT32_MAX

enum catalogue_presence {
	CATALOGUE_GONE,     /* deleted, or no longer in the account's listing */
	CATALOGUE_LISTED,   /* one of the account's own */
	CATALOGUE_UNLISTED, /* visible to the account, opened by name: shared, public */
};

/* What is known of one snapshot, unpacked. Strings are borrowed and valid until the catalogue
 * changes next; never NULL ("" if absent). One that is gone has kept its id, numbers and times, and
 * has no other texts, tags or fields. */
struct catalogue_snapshot {
	const char *id, *volume_id, *state_text, *state_message, *owner_id, *description,
		*kms_key_id;
	enum ec2_snapshot_state state;
	enum catalogue_presence presence;
	int progress;                    /* EC2_PROGRESS_UNKNOWN if EC2 gave none */
	int64_t start_ms, completion_ms; /* 0: absent */
	uint32_t volume_gib;             /* 0: absent */
	int64_t full_size;               /* bytes; -1: absent */
	enum ec2_encryption encryption;
	unsigned flaws; /* enum ec2_flaw: what of it is not as EC2 sent it */
	bool is_copy;   /* EC2 gave a transfer type, or the volume id of a copy (vol-ffff…) */
	unsigned n_tags;
};

struct catalogue *catalogue_create(void); /* NULL on ENOMEM */
void catalogue_destroy(struct catalogue *c);

/* A number that changes whenever the set of listed snapshots does: for the kernel's cache of the
 * directory. */
uint64_t catalogue_version(const struct catalogue *c);
/* Slots given out so far, gone ones included: the bound for an iteration in order of slots. */
catalogue_slot catalogue_slots(const struct catalogue *c);
size_t catalogue_listed(const struct catalogue *c); /* how many are CATALOGUE_LISTED */
size_t catalogue_flawed(const struct catalogue *c); /* of those: not shown as EC2 sent them */
size_t catalogue_memory(const struct catalogue *c); /* bytes held */

/* Only what EC2 itself has spoken of in this mount: fit to decide by. Gone ones too;
 * CATALOGUE_NONE. */
catalogue_slot catalogue_find(const struct catalogue *c, const char *id);
/* The same, and what is known from disk only: fit to be shown, never to decide by. */
catalogue_slot catalogue_find_shown(const struct catalogue *c, const char *id);
/* Whether what is shown of it is from disk, and EC2 has not spoken of it since. */
bool catalogue_from_disk(const struct catalogue *c, catalogue_slot slot);
/* False if the slot was never given out. */
bool catalogue_get(const struct catalogue *c, catalogue_slot slot, struct catalogue_snapshot *out);
enum catalogue_presence catalogue_presence(const struct catalogue *c, catalogue_slot slot);
const char *catalogue_id(
	const struct catalogue *c, catalogue_slot slot); /* borrowed like all strings */

/* Tags, in EC2's order. catalogue_tag(): false past the end. */
bool catalogue_tag(const struct catalogue *c, catalogue_slot slot, unsigned n, struct ec2_tag *out);
const char *catalogue_tag_value(
	const struct catalogue *c, catalogue_slot slot, const char *key); /* NULL if absent */
/* A number for each distinct tag key in this catalogue, below 2^24, for ever: node numbers are made
 * of it. UINT32_MAX on ENOMEM, if the numbers are used up, and for a key that is empty or longer
 * than 1024 bytes. */
uint32_t catalogue_key_number(struct catalogue *c, const char *key);
const char *catalogue_key_text(
	const struct catalogue *c, uint32_t number); /* NULL if never given out */
/* The rarer fields that are not empty, by EC2's names, TransferType among them. False past the end.
 */
bool catalogue_field(
	const struct catalogue *c, catalogue_slot slot, unsigned n, struct ec2_field *out);

/* --- changing it --- */

/* What changed, told when it has changed, and only if it differs: the kernel's caches and who waits
 * for a status are to be told. Any number of watchers. A change of the order of tags or fields is
 * none. */
enum catalogue_change {
	CATALOGUE_ADDED, /* new, back after having been gone, or become one of the listed */
	CATALOGUE_CHANGED,
	CATALOGUE_REMOVED,   /* gone */
	CATALOGUE_CONFIRMED, /* was known from disk, and EC2 now says the same */
};
typedef void catalogue_watch_fn(void *arg, enum catalogue_change change, catalogue_slot slot);
int catalogue_watch(struct catalogue *c, catalogue_watch_fn *fn, void *arg); /* 0 or -ENOMEM */

/* Adds or updates one snapshot as EC2 described it (one page's record). now_ms: monotonic. What
 * ebsfs itself changed lately (below) wins over the description. One that is listed stays so until
 * it is gone. Texts beyond 4096 bytes are cut, tags beyond 128 or with keys that have no number are
 * left out. Returns its slot, CATALOGUE_NONE on ENOMEM or if the id is longer than 64 bytes. */
catalogue_slot catalogue_put(struct catalogue *c, const struct ec2_snapshot *s,
	enum catalogue_presence presence, int64_t now_ms);

/* EC2 said that there is no such snapshot, or none that this account may see: it is gone, unless
 * ebsfs itself made it lately. */
void catalogue_absent(struct catalogue *c, catalogue_slot slot, int64_t now_ms);

/* A whole listing: begin, put all its pages, then end, which marks as gone every listed snapshot
 * that was not put since begin, except those that ebsfs itself made lately. Abort forgets that a
 * listing began; what was put stays. */
void catalogue_listing_begin(struct catalogue *c);
void catalogue_listing_end(struct catalogue *c, int64_t now_ms);
void catalogue_listing_abort(struct catalogue *c);

/* What ebsfs itself changed is shown at once and, for CATALOGUE_OVERRIDE_MS, whatever EC2's
 * eventually consistent answers still say. */
#define CATALOGUE_OVERRIDE_MS 300000
/* Where EC2 has described it already, that stays. Results as catalogue_put(). */
catalogue_slot catalogue_override_created(
	struct catalogue *c, const struct ec2_snapshot *s, int64_t now_ms);
void catalogue_override_deleted(struct catalogue *c, catalogue_slot slot, int64_t now_ms);
/* value NULL: the tag was deleted. Returns 0 or -ENOMEM. */
int catalogue_override_tag(struct catalogue *c, catalogue_slot slot, const char *key,
	const char *value, int64_t now_ms);

/* --- on disk --- */

/* Grows with every change of what is shown; what is read from disk is none. */
uint64_t catalogue_changes(const struct catalogue *c);
struct catalogue_block_writer;
/* catalogue_block_write() and catalogue_block_read() of this catalogue. The watchers are not told
 * of what is read. */
int catalogue_write(const struct catalogue *c, struct catalogue_block_writer *w,
	catalogue_slot *slot, struct buf *block);
int catalogue_read(struct catalogue *c, const void *block, size_t len);
/* How many ids and texts there are, and room for so many more: reading is faster then. */
void catalogue_counts(const struct catalogue *c, uint32_t *ids, uint32_t *texts);
void catalogue_reserve(struct catalogue *c, uint32_t ids, uint32_t texts);
/* What is known from disk only is gone. */
void catalogue_forget_disk(struct catalogue *c);

#endif
