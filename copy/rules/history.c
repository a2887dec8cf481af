/* SPDX-License-Identifier: MIT */
/* Copies that ended long ago, packed. */
#include "history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "request_key.h"

/* One copy: the numbers, then its texts one after another, each with its NUL, in the order of
 * enum text. */
struct packed {
	int64_t id;
	int64_t requested_ms, started_ms, ended_ms, deleted_ms, bytes;
	int32_t generation;
	uint8_t state;
	bool move : 1, encrypted : 1, dry_run : 1, adopted : 1, acknowledged : 1;
	char texts[];
};

enum text {
	TEXT_REGION,
	TEXT_COPY_ID,
	TEXT_SOURCE_REGION,
	TEXT_SOURCE_ID,
	TEXT_LABEL,
	TEXT_KMS_KEY_ID,
	TEXT_CODE,
	TEXT_MESSAGE,
	TEXT_REQUEST_ID,
	TEXT_KIND,
	TEXT_PLACE,
	TEXT_OPTIONS,
	TEXTS,
};

/* Row ids by the hash of a text, open addressing; 0 is free. An entry may be out of date: its row
 * went, or is another now. A look-up therefore checks the row. */
struct index {
	uint32_t *slots;
	size_t n_slots, used;
};

struct history {
	struct packed **sorted; /* by row id */
	size_t n, cap;
	struct index by_snapshot; /* rows with a snapshot's id */
	struct index by_key;      /* living rows */
};

struct history *history_create(void)
{
	return calloc(1, sizeof(struct history));
}

void history_destroy(struct history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++)
		free(h->sorted[i]);
	free(h->sorted);
	free(h->by_snapshot.slots);
	free(h->by_key.slots);
	free(h);
}

static void history_texts_of(struct journal_copy *row, char **texts[TEXTS])
{
	texts[TEXT_REGION] = &row->region;
	texts[TEXT_COPY_ID] = &row->copy_id;
	texts[TEXT_SOURCE_REGION] = &row->source_region;
	texts[TEXT_SOURCE_ID] = &row->source_id;
	texts[TEXT_LABEL] = &row->label;
	texts[TEXT_KMS_KEY_ID] = &row->kms_key_id;
	texts[TEXT_CODE] = &row->code;
	texts[TEXT_MESSAGE] = &row->message;
	texts[TEXT_REQUEST_ID] = &row->request_id;
	texts[TEXT_KIND] = &row->kind;
	texts[TEXT_PLACE] = &row->place;
	texts[TEXT_OPTIONS] = &row->options;
}

static const char *history_packed_text(const struct packed *p, enum text which)
{
	const char *text = p->texts;

	for (unsigned i = 0; i < which; i++)
		text += strlen(text) + 1;
	return text;
}

static struct packed *history_pack(const struct copy *copy)
{
	struct journal_copy row = copy->row;
	char **texts[TEXTS];
	size_t size = offsetof(struct packed, texts);
	struct packed *p;
	char *at;

	history_texts_of(&row, texts);
	for (int i = 0; i < TEXTS; i++)
		size += (*texts[i] ? strlen(*texts[i]) : 0) + 1;
	if (size < sizeof(struct packed))
		size = sizeof(struct packed);
	p = malloc(size);
	if (!p)
		return NULL;
	*p = (struct packed){.id = row.id,
		.requested_ms = row.requested_ms,
		.started_ms = row.started_ms,
		.ended_ms = row.ended_ms,
		.deleted_ms = row.deleted_ms,
		.bytes = row.bytes,
		.generation = row.generation,
		.state = (uint8_t)copy->state,
		.move = row.move,
		.encrypted = row.encrypted,
		.dry_run = row.dry_run,
		.adopted = row.adopted,
		.acknowledged = row.acknowledged};
	at = p->texts;
	for (int i = 0; i < TEXTS; i++)
		at = stpcpy(at, *texts[i] ? *texts[i] : "") + 1;
	return p;
}

/* --- the indexes --- */

/* Over the text and its NUL. */
static uint64_t history_hash(uint64_t h, const char *text)
{
	return checksum_add(h, text, strlen(text) + 1);
}

static uint64_t history_snapshot_hash(const char *region, const char *id)
{
	return history_hash(history_hash(0, region), id);
}

static const char *history_key(const struct packed *p, char out[REQUEST_KEY_SIZE])
{
	const char *kind = history_packed_text(p, TEXT_KIND);
	const struct journal_copy row = {
		.source_region = (char *)history_packed_text(p, TEXT_SOURCE_REGION),
		.source_id = (char *)history_packed_text(p, TEXT_SOURCE_ID),
		.region = (char *)history_packed_text(p, TEXT_REGION),
		.label = (char *)history_packed_text(p, TEXT_LABEL),
		.kind = *kind ? (char *)kind : NULL,
		.place = (char *)history_packed_text(p, TEXT_PLACE)};

	return request_key(&row, out);
}

/* Whether the same request starts no other copy (copies.h). */
static bool history_lives(const struct packed *p)
{
	if (p->dry_run)
		return false;
	return p->state == COPY_COMPLETED ||
	       (p->state == COPY_FAILED &&
		       !strcmp(history_packed_text(p, TEXT_CODE), COPY_CODE_UNKNOWN));
}

static size_t history_first_slot(const struct index *index, uint64_t hash)
{
	return (size_t)(hash ^ hash >> 29) & (index->n_slots - 1);
}

static void history_index_put(struct index *index, uint64_t hash, uint32_t id)
{
	size_t i = history_first_slot(index, hash);

	while (index->slots[i] && index->slots[i] != id)
		i = (i + 1) & (index->n_slots - 1);
	index->used += !index->slots[i];
	index->slots[i] = id;
}

static void history_index_row(struct history *h, const struct packed *p)
{
	const char *region = history_packed_text(p, TEXT_REGION),
		   *copy_id = history_packed_text(p, TEXT_COPY_ID);
	char key[REQUEST_KEY_SIZE];

	if (*copy_id)
		history_index_put(
			&h->by_snapshot, history_snapshot_hash(region, copy_id), (uint32_t)p->id);
	if (history_lives(p))
		history_index_put(
			&h->by_key, history_hash(0, history_key(p, key)), (uint32_t)p->id);
}

static bool history_index_is_full(const struct index *index)
{
	return index->n_slots < (index->used + 1) * 3 / 2;
}

/* Makes both indexes anew, with room for n rows. On -ENOMEM they are unchanged. */
static int history_index_renew(struct history *h, size_t n)
{
	size_t n_slots = 64;
	uint32_t *by_snapshot, *by_key;

	while (n_slots < (n + 1) * 3 / 2)
		n_slots *= 2;
	by_snapshot = calloc(n_slots, sizeof(*by_snapshot));
	by_key = calloc(n_slots, sizeof(*by_key));
	if (!by_snapshot || !by_key) {
		free(by_snapshot);
		free(by_key);
		return -ENOMEM;
	}
	free(h->by_snapshot.slots);
	free(h->by_key.slots);
	h->by_snapshot = (struct index){.slots = by_snapshot, .n_slots = n_slots};
	h->by_key = (struct index){.slots = by_key, .n_slots = n_slots};
	for (size_t i = 0; i < h->n; i++)
		history_index_row(h, h->sorted[i]);
	return 0;
}

/* --- rows come and go --- */

/* The first place with a row id of `row` or more. */
static size_t history_place(const struct history *h, int64_t row)
{
	size_t low = 0, high = h->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (h->sorted[middle]->id < row)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Makes room for one more row. */
static int history_reserve(struct history *h)
{
	size_t cap = h->cap ? h->cap * 2 : 64;
	struct packed **sorted;

	if ((history_index_is_full(&h->by_snapshot) || history_index_is_full(&h->by_key)) &&
		history_index_renew(h, h->n + 1) < 0)
		return -ENOMEM;
	if (h->n < h->cap)
		return 0;
	sorted = realloc(h->sorted, cap * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	h->sorted = sorted;
	h->cap = cap;
	return 0;
}

int history_add(struct history *h, const struct copy *copy)
{
	size_t at = history_place(h, copy->row.id);
	struct packed *p;

	if (copy->row.id < 1 || copy->row.id > UINT32_MAX)
		return -EOVERFLOW;
	if (history_reserve(h) < 0)
		return -ENOMEM;
	p = history_pack(copy);
	if (!p)
		return -ENOMEM;
	if (at < h->n && h->sorted[at]->id == p->id) {
		free(h->sorted[at]);
	} else {
		memmove(h->sorted + at + 1, h->sorted + at, (h->n - at) * sizeof(*h->sorted));
		h->n++;
	}
	h->sorted[at] = p;
	history_index_row(h, p);
	return 0;
}

void history_retain(struct history *h, const int64_t *keep, size_t n)
{
	size_t kept = 0, k = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct packed *p = h->sorted[i];

		while (k < n && keep[k] < p->id)
			k++;
		if ((k < n && keep[k] == p->id) || history_lives(p))
			h->sorted[kept++] = p;
		else
			free(p);
	}
	h->n = kept;
	/* Without memory for smaller ones, the old indexes serve. */
	(void)history_index_renew(h, kept);
}

size_t history_count(const struct history *h)
{
	return h->n;
}

static const struct packed *history_find(const struct history *h, int64_t id)
{
	size_t at = history_place(h, id);

	return at < h->n && h->sorted[at]->id == id ? h->sorted[at] : NULL;
}

/* The next row with an entry of this hash, from slot *i on; NULL: no more. */
static const struct packed *history_next(
	const struct history *h, const struct index *index, size_t *i)
{
	const struct packed *p = NULL;

	while (!p && index->slots[*i]) {
		p = history_find(h, index->slots[*i]);
		*i = (*i + 1) & (index->n_slots - 1);
	}
	return p;
}

int64_t history_by_snapshot(const struct history *h, const char *region, const char *id)
{
	const struct packed *p;
	size_t i;

	if (!h->by_snapshot.n_slots)
		return 0;
	i = history_first_slot(&h->by_snapshot, history_snapshot_hash(region, id));
	while ((p = history_next(h, &h->by_snapshot, &i)) != NULL)
		if (!strcmp(history_packed_text(p, TEXT_COPY_ID), id) &&
			!strcmp(history_packed_text(p, TEXT_REGION), region))
			return p->id;
	return 0;
}

static bool history_has_key(const struct packed *p, const char *key)
{
	char own[REQUEST_KEY_SIZE];

	return !strcmp(history_key(p, own), key);
}

int64_t history_by_key(const struct history *h, const struct journal_copy *row)
{
	char key[REQUEST_KEY_SIZE];
	const struct packed *p;
	int64_t unknown = 0;
	size_t i;

	if (!h->by_key.n_slots)
		return 0;
	i = history_first_slot(&h->by_key, history_hash(0, request_key(row, key)));
	while ((p = history_next(h, &h->by_key, &i)) != NULL) {
		if (!history_lives(p) || !history_has_key(p, key))
			continue;
		if (p->state == COPY_COMPLETED)
			return p->id;
		unknown = p->id;
	}
	return unknown;
}

int history_generation(const struct history *h, const struct journal_copy *row)
{
	char key[REQUEST_KEY_SIZE];
	int next = 0;

	request_key(row, key);
	for (size_t i = 0; i < h->n; i++) {
		const struct packed *p = h->sorted[i];
		const struct journal_copy old = {.kind = (char *)history_packed_text(p, TEXT_KIND),
			.copy_id = (char *)history_packed_text(p, TEXT_COPY_ID),
			.code = (char *)history_packed_text(p, TEXT_CODE),
			.dry_run = p->dry_run};

		if (request_key_is_spent(&old) && next <= p->generation && !history_lives(p) &&
			history_has_key(p, key))
			next = p->generation + 1;
	}
	return next;
}

int history_get(const struct history *h, int64_t row, struct copy *out)
{
	const struct packed *p = history_find(h, row);
	char **texts[TEXTS];

	if (!p)
		return -ENOENT;
	*out = (struct copy){.state = (enum copy_state)p->state,
		.origin = COPY_OURS,
		.reason = "",
		.progress = p->state == COPY_COMPLETED || p->state == COPY_DELETED
				    ? 100
				    : EC2_PROGRESS_UNKNOWN};
	out->row = (struct journal_copy){.id = p->id,
		.requested_ms = p->requested_ms,
		.started_ms = p->started_ms,
		.ended_ms = p->ended_ms,
		.deleted_ms = p->deleted_ms,
		.generation = p->generation,
		.bytes = p->bytes,
		.move = p->move,
		.encrypted = p->encrypted,
		.dry_run = p->dry_run,
		.adopted = p->adopted,
		.acknowledged = p->acknowledged};
	history_texts_of(&out->row, texts);
	for (unsigned i = 0; i < TEXTS; i++) {
		const char *text = history_packed_text(p, i);

		if (!*text)
			continue;
		*texts[i] = strdup(text);
		if (!*texts[i]) {
			journal_copy_finish(&out->row);
			return -ENOMEM;
		}
	}
	return 0;
}
