/* SPDX-License-Identifier: MIT */
/* Blocks of records: written and read. */
#include "catalogue_block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "isotime.h"

/*
 * The format of a block. Numbers have seven bits per byte, lowest first, except in the fixed part:
 *
 *   texts    how many; for each its length, bytes and a NUL. Texts are numbered from 1; 0 is ""
 *   records  how many; for each: its id as a text is written; struct fixed; the numbers of volume
 *            and description; how many tags, each the numbers of key and value; how many fields,
 *            each enum record_field, or RECORD_FIELD_FIRST + the number of its name, and the
 *            number of its value
 *
 * Each block has its own texts, so that blocks can be written and read one by one while the store
 * changes in between.
 */
struct fixed {
	int64_t start_ms, completion_ms, full_size;
	uint32_t volume_gib;
	int8_t progress;
	uint8_t state, presence, flags;
};
/* Whether the account's listing has the snapshot (its own), or not (shared or public ones). */
enum { PRESENCE_LISTED = 1, PRESENCE_UNLISTED = 2 };
/* The lowest two bits are enum ec2_encryption, the highest four enum ec2_flaw. */
enum { FLAGS_ENCRYPTION = 3, FLAG_COPY = 4, FLAG_UNUSED = 8, FLAGS_FLAWS_SHIFT = 4 };

/* The most texts of one record: volume, description, and two per pair. */
#define RECORD_TEXTS (2 + 4 * PAIR_LIST_MAX)
#define TEXTS        8192
#define PLACES       16384 /* more than TEXTS, so that a search always ends */
#define BYTES        ((size_t)256 << 10)
#define KEY          ((uint64_t)1 << 32) /* marks a key's number, as opposed to a text's reference */

struct catalogue_block_writer {
	uint64_t wanted[PLACES]; /* the key or text of each place; 0: free */
	uint32_t number[PLACES];
	uint32_t n_texts, n_records;
	struct buf texts, records;
};

struct catalogue_block_writer *catalogue_block_writer_create(void)
{
	return calloc(1, sizeof(struct catalogue_block_writer));
}

void catalogue_block_writer_destroy(struct catalogue_block_writer *w)
{
	if (!w)
		return;
	buf_finish(&w->texts);
	buf_finish(&w->records);
	free(w);
}

static void put_number(struct buf *out, uint32_t n)
{
	char bytes[5];
	size_t len = 0;

	for (; n >= 128; n >>= 7)
		bytes[len++] = (char)(n | 128);
	bytes[len++] = (char)n;
	buf_add(out, bytes, len);
}

static void put_text(struct buf *out, const char *text, size_t len)
{
	put_number(out, (uint32_t)len);
	buf_add(out, text, len + 1);
}

/* Returns the number of a text in this block. Adds the text if it is new. */
static uint32_t number_of(
	struct catalogue_block_writer *w, uint64_t wanted, const char *text, size_t len)
{
	uint32_t at = (uint32_t)(wanted * 0x9e3779b97f4a7c15u >> 50);

	for (; w->wanted[at]; at = (at + 1) % PLACES)
		if (w->wanted[at] == wanted)
			return w->number[at];
	put_text(&w->texts, text, len);
	w->wanted[at] = wanted;
	return w->number[at] = ++w->n_texts;
}

static uint32_t text_number(struct catalogue_block_writer *w, const struct records *r, uint32_t ref)
{
	size_t len;
	const char *text = textpool_data(&r->texts, ref, &len);

	return ref == TEXTPOOL_EMPTY ? 0 : number_of(w, ref, text, len);
}

static uint32_t key_number(struct catalogue_block_writer *w, const struct records *r, uint32_t key)
{
	const char *text = numbering_text(&r->keys, key);

	return number_of(w, KEY | key, text, strlen(text));
}

static void put_record(
	struct catalogue_block_writer *w, const struct records *r, uint32_t slot, bool listed)
{
	const struct record *record = records_at(r, slot);
	const struct fixed fixed = {.start_ms = record->start_ms,
		.completion_ms = record->completion_ms,
		.full_size = record->full_size,
		.volume_gib = record->volume_gib,
		.progress = record->progress,
		.state = record->state,
		.presence = listed ? PRESENCE_LISTED : PRESENCE_UNLISTED,
		.flags = (uint8_t)(record->encryption | (record->is_copy ? FLAG_COPY : 0) |
				   record->flaws << FLAGS_FLAWS_SHIFT)};
	const char *id = numbering_text(&r->ids, slot);
	struct pair_list p;

	put_text(&w->records, id, strlen(id));
	buf_add(&w->records, &fixed, sizeof(fixed));
	put_number(&w->records, text_number(w, r, record->volume));
	put_number(&w->records, text_number(w, r, record->description));
	records_pairs(r, record->tags, &p);
	put_number(&w->records, (uint32_t)p.n);
	for (size_t i = 0; i < p.n; i++) {
		put_number(&w->records, key_number(w, r, p.pairs[i].key));
		put_number(&w->records, text_number(w, r, p.pairs[i].value));
	}
	records_pairs(r, record->fields, &p);
	put_number(&w->records, (uint32_t)p.n);
	for (size_t i = 0; i < p.n; i++) {
		uint32_t key = p.pairs[i].key;

		if (key >= RECORD_FIELD_FIRST)
			key = RECORD_FIELD_FIRST + key_number(w, r, key - RECORD_FIELD_FIRST);
		put_number(&w->records, key);
		put_number(&w->records, text_number(w, r, p.pairs[i].value));
	}
	w->n_records++;
}

int catalogue_block_write(struct catalogue_block_writer *w, const struct records *r,
	const struct slot_set *listed, uint32_t *slot, struct buf *block)
{
	memset(w->wanted, 0, sizeof(w->wanted));
	w->n_texts = w->n_records = 0;
	buf_clear(&w->texts);
	buf_clear(&w->records);
	buf_clear(block);
	for (; *slot < records_count(r) && w->n_records < CATALOGUE_BLOCK_RECORDS &&
		w->n_texts <= TEXTS - RECORD_TEXTS && w->texts.len + w->records.len < BYTES;
		++*slot) {
		const struct record *record;
		bool is_listed = slot_set_has(listed, *slot);

		if (!records_has(r, *slot))
			continue;
		record = records_at(r, *slot);
		if (record->exists && (is_listed || !record->from_disk))
			put_record(w, r, *slot, is_listed);
	}
	put_number(block, w->n_texts);
	buf_add(block, w->texts.data, w->texts.len);
	put_number(block, w->n_records);
	buf_add(block, w->records.data, w->records.len);
	return w->texts.error || w->records.error || block->error ? -ENOMEM : (int)w->n_records;
}

/* --- reading --- */

struct text {
	const char *data;
	uint32_t len;
	uint32_t ref,
		key; /* in the store; set on first use, until then TEXTPOOL_NONE, NUMBERING_NONE */
};

struct reader {
	struct records *r;
	const unsigned char *at, *end;
	struct text *texts;
	uint32_t n_texts;
	int result; /* the first failure, after which get_number() returns 0; else 0 */
};

static uint32_t get_number(struct reader *in, uint32_t max)
{
	uint64_t n = 0;

	for (unsigned shift = 0; !in->result && shift < 35; shift += 7) {
		if (in->at == in->end)
			break;
		n |= (uint64_t)(*in->at & 127) << shift;
		if (*in->at++ < 128) {
			if (n <= max)
				return (uint32_t)n;
			break;
		}
	}
	if (!in->result)
		in->result = -EINVAL;
	return 0;
}

/* Reads a length of at most `max`, a text without NUL bytes, and the NUL after it. Returns the text
 * and sets *len; on malformed input returns "" and sets in->result. */
static const char *get_text(struct reader *in, size_t max, uint32_t *len)
{
	const char *text;

	*len = get_number(in, (uint32_t)max);
	text = (const char *)in->at;
	if (!in->result && ((size_t)(in->end - in->at) <= *len || strnlen(text, *len + 1) != *len))
		in->result = -EINVAL;
	if (in->result)
		return "";
	in->at += *len + 1;
	return text;
}

static void get_texts(struct reader *in)
{
	in->n_texts = get_number(in, TEXTS);
	in->texts = calloc(in->n_texts + 1, sizeof(*in->texts));
	if (!in->texts) {
		in->result = -ENOMEM;
		return;
	}
	in->texts[0] = (struct text){"", 0, TEXTPOOL_EMPTY, NUMBERING_NONE};
	for (uint32_t i = 1; i <= in->n_texts && !in->result; i++) {
		in->texts[i].data = get_text(in, RECORDS_TEXT_MAX, &in->texts[i].len);
		in->texts[i].ref = TEXTPOOL_NONE;
		in->texts[i].key = NUMBERING_NONE;
	}
}

static uint32_t get_ref(struct reader *in)
{
	struct text *text = &in->texts[get_number(in, in->n_texts)];

	if (text->ref == TEXTPOOL_NONE)
		text->ref = textpool_put(&in->r->texts, text->data, text->len);
	if (text->ref == TEXTPOOL_NONE)
		in->result = -ENOMEM;
	return text->ref;
}

static uint32_t get_key(struct reader *in, uint32_t number)
{
	struct text *text = &in->texts[number];

	if (in->result)
		return 0;
	if (!text->len || text->len > RECORDS_KEY_MAX)
		in->result = -EINVAL;
	else if (text->key == NUMBERING_NONE)
		text->key = records_key(in->r, text->data);
	if (text->key == NUMBERING_NONE && !in->result)
		in->result = -ENOMEM;
	return text->key;
}

/* Reads a list of fields (`fields`) or of tags. Returns its reference in the pool. */
static uint32_t get_pairs(struct reader *in, bool fields)
{
	uint8_t bytes[PAIR_LIST_BYTES_MAX];
	uint32_t n = get_number(in, PAIR_LIST_MAX), first = fields ? RECORD_FIELD_FIRST : 0, ref;
	struct pair_list p;

	p.n = 0;
	for (uint32_t i = 0; i < n && !in->result; i++) {
		uint32_t key = get_number(in, first + in->n_texts);

		if (key >= first)
			key = first + get_key(in, key - first);
		p.pairs[p.n++] = (struct pair){key, get_ref(in)};
	}
	if (in->result)
		return TEXTPOOL_EMPTY;
	ref = textpool_put(&in->r->texts, bytes, pair_list_encode(&p, bytes));
	if (ref == TEXTPOOL_NONE)
		in->result = -ENOMEM;
	return ref;
}

static void get_fixed(struct reader *in, struct fixed *out)
{
	*out = (struct fixed){0};
	if (in->result || (size_t)(in->end - in->at) < sizeof(*out)) {
		in->result = in->result ? in->result : -EINVAL;
		return;
	}
	memcpy(out, in->at, sizeof(*out));
	in->at += sizeof(*out);
	if ((out->presence != PRESENCE_LISTED && out->presence != PRESENCE_UNLISTED) ||
		out->state > EC2_SNAPSHOT_RECOVERING || out->progress > 100 ||
		out->progress < EC2_PROGRESS_UNKNOWN || out->full_size < -1 ||
		!isotime_is_date(out->start_ms) || !isotime_is_date(out->completion_ms) ||
		out->full_size > EC2_FULL_SIZE_MAX || (out->flags & FLAG_UNUSED) ||
		(out->flags & FLAGS_ENCRYPTION) > EC2_ENCRYPTION_PRESENT)
		in->result = -EINVAL;
}

/* Returns the new slot; NUMBERING_NONE on failure, or if the id has a slot already. */
static uint32_t get_record(struct reader *in, bool *listed)
{
	uint32_t len, slot;
	const char *id = get_text(in, RECORDS_ID_MAX, &len);
	struct record record = {.exists = true, .from_disk = true};
	struct fixed fixed;

	get_fixed(in, &fixed);
	record.start_ms = fixed.start_ms;
	record.completion_ms = fixed.completion_ms;
	record.full_size = fixed.full_size;
	record.volume_gib = fixed.volume_gib;
	record.progress = fixed.progress;
	record.state = fixed.state;
	*listed = fixed.presence == PRESENCE_LISTED;
	record.encryption = fixed.flags & FLAGS_ENCRYPTION;
	record.flaws = fixed.flags >> FLAGS_FLAWS_SHIFT & EC2_FLAWS;
	record.is_copy = fixed.flags & FLAG_COPY;
	record.volume = get_ref(in);
	record.description = get_ref(in);
	record.tags = get_pairs(in, false);
	record.fields = get_pairs(in, true);
	if (!in->result && !ec2_is_snapshot_id(id))
		in->result = -EINVAL;
	if (in->result || records_find(in->r, id) != NUMBERING_NONE)
		return NUMBERING_NONE;
	slot = records_add(in->r, id);
	if (slot == NUMBERING_NONE) {
		in->result = -ENOMEM;
		return NUMBERING_NONE;
	}
	*records_at(in->r, slot) = record;
	return slot;
}

int catalogue_block_read(
	struct records *r, const void *block, size_t len, catalogue_block_added *added, void *arg)
{
	struct reader in = {.r = r, .at = block, .end = (const unsigned char *)block + len};
	uint32_t n;

	get_texts(&in);
	n = get_number(&in, CATALOGUE_BLOCK_RECORDS);
	for (uint32_t i = 0; i < n && !in.result; i++) {
		bool listed;
		uint32_t slot = get_record(&in, &listed);

		if (slot != NUMBERING_NONE)
			added(arg, slot, listed);
	}
	if (!in.result && in.at != in.end)
		in.result = -EINVAL;
	free(in.texts);
	return in.result;
}
