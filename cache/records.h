/* SPDX-License-Identifier: MIT */
/* Snapshots in their packed form: a fixed record each, and one pool for all their texts. The
 * catalogue's store. */
#ifndef EBSFS_RECORDS_H
#define EBSFS_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ec2.h"
#include "numbering.h"
#include "pair_list.h"
#include "textpool.h"

/* Longer texts are cut, at a character's end; tags with longer keys are left out. EC2's own bounds
 * are far below. */
#define RECORDS_TEXT_MAX ((size_t)4096)
#define RECORDS_KEY_MAX  ((size_t)1024)
#define RECORDS_ID_MAX   ((size_t)64)
/* Numbers of tag keys stay below this: node numbers have 24 bits for them. */
#define RECORDS_KEYS     (1u << 24)

struct record {
	int64_t start_ms, completion_ms, full_size;
	uint32_t volume_gib;
	uint32_t volume, description; /* texts */
	uint32_t tags;                /* an encoded pack: key number, value text */
	uint32_t fields; /* an encoded pack: enum record_field or RECORD_FIELD_FIRST + key number,
			    text */
	int8_t progress;
	uint8_t state;          /* enum ec2_snapshot_state */
	uint8_t presence;       /* enum catalogue_presence */
	uint8_t encryption : 2; /* enum ec2_encryption */
	uint8_t flaws : 4;      /* enum ec2_flaw */
	bool is_copy : 1;
	bool seen : 1;      /* put since the present listing began */
	bool from_disk : 1; /* an image told of it; EC2 has not since */
};

/* Texts that many snapshots share stand in the list of rarer fields, which as a whole is shared
 * too. */
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
	struct record **chunks;
	uint32_t n_chunks;
	size_t released; /* bytes of texts that records gave up since the last compaction; at least
			    the garbage in the pool */
};

/* The store must stay where it is. */
void records_init(struct records *r);
void records_finish(struct records *r);

uint32_t records_find(const struct records *r, const char *id); /* NUMBERING_NONE */
/* The slot of an id, new ones with a record of zeros. NUMBERING_NONE on ENOMEM or if the id is
 * longer than RECORDS_ID_MAX. */
uint32_t records_add(struct records *r, const char *id);
static inline uint32_t records_count(const struct records *r)
{
	return r->ids.count;
}
struct record *records_at(
	const struct records *r, uint32_t slot); /* a slot below records_count() */

/* The number of a key, a new one at need. NUMBERING_NONE on ENOMEM, or if it is empty, too long, or
 * one too many. */
uint32_t records_key(struct records *r, const char *key);
/* The reference of a text (NULL: ""), cut at RECORDS_TEXT_MAX. TEXTPOOL_NONE on ENOMEM. */
uint32_t records_text(struct records *r, const char *text);

/* Packs what s says, with these tags, into *out, which holds the snapshot's present record: what is
 * the same keeps its reference. Presence and seen are left alone. Returns 0 or -ENOMEM. */
int records_describe(struct records *r, const struct ec2_snapshot *s, const struct pair_list *tags,
	struct record *out);
/* Only the tags. Returns 0 or -ENOMEM. */
int records_describe_tags(struct records *r, const struct pair_list *tags, struct record *out);

/* Makes *to the slot's record. Returns whether anything but `seen` differs. May compact: texts
 * borrowed before are invalid then. */
bool records_replace(struct records *r, uint32_t slot, const struct record *to);

void records_pairs(const struct records *r, uint32_t encoded, struct pair_list *out);
/* The value of `key` in an encoded pack, TEXTPOOL_NONE if it is not there. */
uint32_t records_value(const struct records *r, uint32_t encoded, uint32_t key);
/* The n-th pair whose key is at least `first`. False past the end. */
bool records_pair(
	const struct records *r, uint32_t encoded, uint32_t first, unsigned n, struct pair *out);

size_t records_memory(const struct records *r);

#endif
