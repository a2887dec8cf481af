/* SPDX-License-Identifier: MIT */
/* Packed records of snapshots. */
#include "records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "utf8.h"

#define CHUNK_RECORDS 256
/* Smaller pools are not compacted. */
#define COMPACT_MIN   ((size_t)64 << 10)

void records_init(struct records *r)
{
	*r = (struct records){0};
	/* A slot is at most UINT32_MAX - 1: the last value says "none". */
	numbering_init(&r->ids, UINT32_MAX - 1);
	numbering_init(&r->keys, RECORDS_KEYS);
	textpool_init(&r->texts);
}

void records_finish(struct records *r)
{
	numbering_finish(&r->ids);
	numbering_finish(&r->keys);
	textpool_finish(&r->texts);
	for (uint32_t i = 0; i < r->n_chunks; i++)
		free(r->chunks[i]);
	free(r->chunks);
	r->chunks = NULL;
	r->n_chunks = 0;
}

uint32_t records_find(const struct records *r, const char *id)
{
	return numbering_find(&r->ids, id);
}

struct record *records_at(const struct records *r, uint32_t slot)
{
	return &r->chunks[slot / CHUNK_RECORDS][slot % CHUNK_RECORDS];
}

/* Room for the record of the next new slot. */
static int records_reserve(struct records *r)
{
	uint32_t chunk = numbering_next(&r->ids) / CHUNK_RECORDS;

	if (chunk >= r->n_chunks) {
		struct record **chunks = realloc(r->chunks, (chunk + 1) * sizeof(*chunks));

		if (!chunks)
			return -ENOMEM;
		r->chunks = chunks;
		while (r->n_chunks <= chunk)
			chunks[r->n_chunks++] = NULL;
	}
	if (!r->chunks[chunk])
		r->chunks[chunk] = calloc(CHUNK_RECORDS, sizeof(**r->chunks));
	return r->chunks[chunk] ? 0 : -ENOMEM;
}

uint32_t records_add(struct records *r, const char *id)
{
	uint32_t slot;

	if (!id || strnlen(id, RECORDS_ID_MAX + 1) > RECORDS_ID_MAX)
		return NUMBERING_NONE;
	slot = numbering_find(&r->ids, id);
	if (slot != NUMBERING_NONE)
		return slot;
	return records_reserve(r) < 0 ? NUMBERING_NONE : numbering_add_new(&r->ids, id);
}

uint32_t records_key(struct records *r, const char *key)
{
	if (!key || !*key || strnlen(key, RECORDS_KEY_MAX + 1) > RECORDS_KEY_MAX)
		return NUMBERING_NONE;
	return numbering_add(&r->keys, key);
}

uint32_t records_text(struct records *r, const char *text)
{
	size_t len;

	if (!text)
		return TEXTPOOL_EMPTY;
	len = strnlen(text, RECORDS_TEXT_MAX + 1);
	if (len > RECORDS_TEXT_MAX)
		len = utf8_whole(text, RECORDS_TEXT_MAX);
	return textpool_put(&r->texts, text, len);
}

void records_pairs(const struct records *r, uint32_t encoded, struct pair_list *out)
{
	size_t len;
	const void *data = textpool_data(&r->texts, encoded, &len);

	pair_list_decode(data, len, out);
}

uint32_t records_value(const struct records *r, uint32_t encoded, uint32_t key)
{
	size_t len;
	const uint8_t *at = textpool_data(&r->texts, encoded, &len), *end = at + len;
	struct pair pair;

	while (pair_list_next(&at, end, &pair)) {
		if (pair.key == key)
			return pair.value;
	}
	return TEXTPOOL_NONE;
}

bool records_pair(
	const struct records *r, uint32_t encoded, uint32_t first, unsigned n, struct pair *out)
{
	size_t len;
	const uint8_t *at = textpool_data(&r->texts, encoded, &len), *end = at + len;

	while (pair_list_next(&at, end, out)) {
		if (out->key >= first && n-- == 0)
			return true;
	}
	return false;
}

/* Encodes p, unless *encoded has the same pairs in another order: EC2 guarantees no order, and a
 * change of order is not a change. */
static int set_pairs(struct records *r, const struct pair_list *p, uint32_t *encoded)
{
	uint8_t bytes[PAIR_LIST_BYTES_MAX];
	struct pair_list present;
	uint32_t ref;

	records_pairs(r, *encoded, &present);
	if (pair_list_same(p, &present))
		return 0;
	ref = textpool_put(&r->texts, bytes, pair_list_encode(p, bytes));
	if (ref == TEXTPOOL_NONE)
		return -ENOMEM;
	*encoded = ref;
	return 0;
}

int records_describe_tags(struct records *r, const struct pair_list *tags, struct record *out)
{
	return set_pairs(r, tags, &out->tags);
}

/* Adds a field unless its text is empty or absent. */
static int add_field(struct records *r, struct pair_list *p, uint32_t key, const char *text)
{
	uint32_t ref = records_text(r, text);

	if (ref == TEXTPOOL_NONE)
		return -ENOMEM;
	if (ref != TEXTPOOL_EMPTY)
		pair_list_add(p, key, ref);
	return 0;
}

static int add_named_field(
	struct records *r, struct pair_list *p, const char *name, const char *text)
{
	uint32_t key;

	if (!text || !*text)
		return 0;
	key = records_key(r, name);
	/* A name without a number is left out. If memory has run out, the next text fails. */
	return key == NUMBERING_NONE ? 0 : add_field(r, p, RECORD_FIELD_FIRST + key, text);
}

static int describe_fields(struct records *r, const struct ec2_snapshot *s, struct record *out)
{
	struct pair_list p;

	p.n = 0;
	if (add_field(r, &p, RECORD_STATE_TEXT, s->state_text) < 0 ||
		add_field(r, &p, RECORD_STATE_MESSAGE, s->state_message) < 0 ||
		add_field(r, &p, RECORD_OWNER, s->owner_id) < 0 ||
		add_field(r, &p, RECORD_KMS_KEY, s->kms_key_id) < 0 ||
		add_named_field(r, &p, "TransferType", s->transfer_type) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_fields && p.n < PAIR_LIST_MAX; i++) {
		if (add_named_field(r, &p, s->fields[i].name, s->fields[i].value) < 0)
			return -ENOMEM;
	}
	return set_pairs(r, &p, &out->fields);
}

static bool is_copy(const struct ec2_snapshot *s)
{
	return (s->transfer_type && *s->transfer_type) ||
	       (s->volume_id && ec2_is_copy_volume(s->volume_id));
}

/* Only for free text: ids and enumerations are never that long. */
static bool is_too_long(const char *text)
{
	return text && strnlen(text, RECORDS_TEXT_MAX + 1) > RECORDS_TEXT_MAX;
}

int records_describe(struct records *r, const struct ec2_snapshot *s, const struct pair_list *tags,
	struct record *out)
{
	out->start_ms = s->start_ms;
	out->completion_ms = s->completion_ms;
	out->full_size = s->full_size;
	out->volume_gib = s->volume_gib;
	out->progress = (int8_t)(s->progress >= 0 && s->progress <= 100 ? s->progress
									: EC2_PROGRESS_UNKNOWN);
	out->state = (uint8_t)s->state;
	out->encryption = (uint8_t)s->encryption;
	out->flaws = (uint8_t)s->flaws & EC2_FLAWS;
	if (is_too_long(s->description) || is_too_long(s->state_message))
		out->flaws |= EC2_FLAW_TEXT;
	out->is_copy = is_copy(s);
	out->volume = records_text(r, s->volume_id);
	out->description = records_text(r, s->description);
	if (out->volume == TEXTPOOL_NONE || out->description == TEXTPOOL_NONE)
		return -ENOMEM;
	if (describe_fields(r, s, out) < 0)
		return -ENOMEM;
	return records_describe_tags(r, tags, out);
}

/* --- compaction --- */

/* The bytes that a record drops when its pair list `from` becomes `to`: the list, and the values
 * that are not in `to`. Other records may still use them, so this is an upper bound of the new
 * garbage. */
static size_t pairs_released(const struct records *r, uint32_t from, uint32_t to)
{
	struct pair_list old, new;
	size_t bytes;

	if (from == to || from == TEXTPOOL_EMPTY)
		return 0;
	bytes = textpool_size(&r->texts, from);
	records_pairs(r, from, &old);
	records_pairs(r, to, &new);
	for (size_t i = 0; i < old.n; i++) {
		const struct pair *kept = pair_list_find(&new, old.pairs[i].key);

		if (!kept || kept->value != old.pairs[i].value)
			bytes += textpool_size(&r->texts, old.pairs[i].value);
	}
	return bytes;
}

static size_t text_released(const struct records *r, uint32_t from, uint32_t to)
{
	return from == to ? 0 : textpool_size(&r->texts, from);
}

/* The texts of one record in another pool. */
struct moved {
	uint32_t volume, description, tags, fields;
};

static uint32_t move_text(const struct records *r, struct textpool *to, uint32_t ref)
{
	size_t len;
	const void *data = textpool_data(&r->texts, ref, &len);

	return textpool_put(to, data, len);
}

static uint32_t move_pairs(const struct records *r, struct textpool *to, uint32_t ref)
{
	uint8_t bytes[PAIR_LIST_BYTES_MAX];
	struct pair_list p;

	records_pairs(r, ref, &p);
	for (size_t i = 0; i < p.n; i++) {
		p.pairs[i].value = move_text(r, to, p.pairs[i].value);
		if (p.pairs[i].value == TEXTPOOL_NONE)
			return TEXTPOOL_NONE;
	}
	return textpool_put(to, bytes, pair_list_encode(&p, bytes));
}

static int move_all(const struct records *r, struct textpool *to, struct moved *moved)
{
	for (uint32_t slot = 0; slot < records_count(r); slot++) {
		const struct record *record;
		struct moved *m = &moved[slot];

		if (!records_has(r, slot))
			continue;
		record = records_at(r, slot);
		m->volume = move_text(r, to, record->volume);
		m->description = move_text(r, to, record->description);
		m->tags = move_pairs(r, to, record->tags);
		m->fields = move_pairs(r, to, record->fields);
		if (m->volume == TEXTPOOL_NONE || m->description == TEXTPOOL_NONE ||
			m->tags == TEXTPOOL_NONE || m->fields == TEXTPOOL_NONE)
			return -ENOMEM;
	}
	return 0;
}

/* Copies the texts in use into a new pool. Out of memory, changes nothing. */
static void records_compact(struct records *r)
{
	_cleanup_free_ struct moved *moved = calloc(records_count(r), sizeof(*moved));
	struct textpool fresh;

	if (!moved)
		return;
	textpool_init(&fresh);
	if (move_all(r, &fresh, moved) < 0) {
		textpool_finish(&fresh);
		return;
	}
	for (uint32_t slot = 0; slot < records_count(r); slot++) {
		struct record *record;

		if (!records_has(r, slot))
			continue;
		record = records_at(r, slot);
		record->volume = moved[slot].volume;
		record->description = moved[slot].description;
		record->tags = moved[slot].tags;
		record->fields = moved[slot].fields;
	}
	textpool_finish(&r->texts);
	textpool_move(&fresh, &r->texts);
}

static bool record_equal(const struct record *a, const struct record *b)
{
	return a->start_ms == b->start_ms && a->completion_ms == b->completion_ms &&
	       a->full_size == b->full_size && a->volume_gib == b->volume_gib &&
	       a->volume == b->volume && a->description == b->description && a->tags == b->tags &&
	       a->fields == b->fields && a->progress == b->progress && a->state == b->state &&
	       a->exists == b->exists && a->encryption == b->encryption && a->flaws == b->flaws &&
	       a->is_copy == b->is_copy;
}

static void records_set(struct records *r, struct record *record, const struct record *to)
{
	r->released += text_released(r, record->volume, to->volume) +
		       text_released(r, record->description, to->description) +
		       pairs_released(r, record->tags, to->tags) +
		       pairs_released(r, record->fields, to->fields);
	*record = *to;
}

static void records_compact_if_due(struct records *r)
{
	if (r->released <= COMPACT_MIN || r->released <= textpool_bytes(&r->texts) / 2)
		return;
	/* Reset first: without memory for it, the next change must not try again at once. */
	r->released = 0;
	records_compact(r);
}

bool records_replace(struct records *r, uint32_t slot, const struct record *to)
{
	struct record *record = records_at(r, slot);
	bool differs = !record_equal(record, to);

	records_set(r, record, to);
	records_compact_if_due(r);
	return differs;
}

/* --- freeing slots --- */

void records_remove(struct records *r, uint32_t slot)
{
	records_set(r, records_at(r, slot), &(struct record){0});
	numbering_remove(&r->ids, slot);
}

static bool chunk_is_free(const struct records *r, uint32_t chunk)
{
	for (uint32_t i = 0; i < CHUNK_RECORDS; i++)
		if (records_has(r, chunk * CHUNK_RECORDS + i))
			return false;
	return true;
}

void records_tidy(struct records *r)
{
	numbering_tidy(&r->ids);
	for (uint32_t chunk = 0; chunk < r->n_chunks; chunk++)
		if (r->chunks[chunk] && chunk_is_free(r, chunk))
			free(steal(&r->chunks[chunk]));
	records_compact_if_due(r);
}

size_t records_memory(const struct records *r)
{
	size_t bytes = numbering_memory(&r->ids) + numbering_memory(&r->keys) +
		       textpool_memory(&r->texts) + r->n_chunks * sizeof(*r->chunks);

	for (uint32_t chunk = 0; chunk < r->n_chunks; chunk++)
		if (r->chunks[chunk])
			bytes += CHUNK_RECORDS * sizeof(**r->chunks);
	return bytes;
}
