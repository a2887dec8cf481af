/* SPDX-License-Identifier: MIT */
/* The catalogue's store: a packed record of fixed size per snapshot, and one pool for all texts. */
#ifndef EBSFS_RECORDS_H
#define EBSFS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ec2.h"
#include "pair_list.h"
#include "textpool.h"

/* Longer texts are cut at the end of a character; tags with longer keys are left out. EC2's own
 * limits are far below. */
#define RECORDS_TEXT_MAX ((size_t)4096)
#define RECORDS_KEY_MAX  ((size_t)1024)
#define RECORDS_ID_MAX   ((size_t)64)
/* The numbers of tag keys stay below this: node numbers have 23 bits for them (NODE_SUB_MAX). */
#define RECORDS_KEYS     (1u << 23)

struct record {
	int64_t start_ms, completion_ms, full_size;
	uint32_t volume_gib;
	uint32_t volume, description; /* references of texts in the pool */
	uint32_t tags;                /* an encoded pair list: key number, value text */
	uint32_t fields; /* an encoded pair list: enum record_field or RECORD_FIELD_FIRST + key
			    number, text */
	int8_t progress;
	uint8_t state;          /* enum ec2_snapshot_state */
	uint8_t encryption : 2; /* enum ec2_encryption */
	uint8_t flaws : 4;      /* enum ec2_flaw */
	bool is_copy : 1;
	bool exists : 1;    /* false: the snapshot is gone, or the slot has no description yet */
	bool from_disk : 1; /* read from disk, not described by EC2 since */
};

/* Texts that many snapshots share are in the list of rarer fields; equal lists are stored once. */
enum record_field {
	RECORD_STATE_TEXT,
	RECORD_STATE_MESSAGE,
	RECORD_OWNER,
	RECORD_KMS_KEY,
	RECORD_FIELD_FIRST,
};

struct records {
	struct numbering ids;  /* a slot is the number of an id */
	struct numbering keys; /* of tags and of the rarer fields */
	struct textpool texts;
	struct record **chunks; /* NULL: all slots of the chunk are free */
	uint32_t n_chunks;
	size_t released; /* bytes of texts that records dropped since the last compaction: at least
			    as many as the pool has of unused texts */
};

/* The store must not move in memory. */
void records_init(struct records *r);
void records_finish(struct records *r);

uint32_t records_find(const struct records *r, const char *id); /* NUMBERING_NONE */
/* The slot of an id; a new one has a record of zeros. NUMBERING_NONE on ENOMEM or if the id is
 * longer than RECORDS_ID_MAX. */
uint32_t records_add(struct records *r, const char *id);
static inline uint32_t records_count(const struct records *r)
{
	return r->ids.count;
}
/* Whether the slot is in use; above records_count() none is. */
static inline bool records_has(const struct records *r, uint32_t slot)
{
	return numbering_has(&r->ids, slot);
}
struct record *records_at(const struct records *r, uint32_t slot); /* a slot in use */
/* Frees a slot in use. Its memory is given back by records_tidy(), which invalidates borrowed texts
 * and ids. */
void records_remove(struct records *r, uint32_t slot);
void records_tidy(struct records *r);

/* The number of a key, a new one if needed. NUMBERING_NONE on ENOMEM, if the key is empty or too
 * long, or if all numbers are used. */
uint32_t records_key(struct records *r, const char *key);
/* The reference of a text (NULL: ""), cut at RECORDS_TEXT_MAX. TEXTPOOL_NONE on ENOMEM. */
uint32_t records_text(struct records *r, const char *text);

/* Packs s and these tags into *out. On entry *out holds the snapshot's present record; texts and
 * lists that are equal in s keep their references. Does not change out->exists. Returns 0 or
 * -ENOMEM. */
int records_describe(struct records *r, const struct ec2_snapshot *s, const struct pair_list *tags,
	struct record *out);
/* Replaces only the tags in *out. Returns 0 or -ENOMEM. */
int records_describe_tags(struct records *r, const struct pair_list *tags, struct record *out);

/* Replaces the slot's record by *to. Returns whether the records differ in anything but
 * `from_disk`. May compact the pool of texts, which invalidates borrowed texts. */
bool records_replace(struct records *r, uint32_t slot, const struct record *to);

void records_pairs(const struct records *r, uint32_t encoded, struct pair_list *out);
/* The value of `key` in an encoded pair list; TEXTPOOL_NONE if it is absent. */
uint32_t records_value(const struct records *r, uint32_t encoded, uint32_t key);
/* Sets *out to the n-th pair (from 0) of those with a key of at least `first`. Returns false past
 * the end. */
bool records_pair(
	const struct records *r, uint32_t encoded, uint32_t first, unsigned n, struct pair *out);

size_t records_memory(const struct records *r);

#endif
