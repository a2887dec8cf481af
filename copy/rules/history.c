/* SPDX-License-Identifier: MIT */
/* Copies that ended long ago, packed. */
#include "history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One copy: the numbers, then its texts one behind the other, each with its NUL, in the order of
 * history_texts_of(). */
struct packed {
	int64_t id;
	int64_t requested_ms, started_ms, ended_ms, bytes;
	uint8_t state;
	bool move, encrypted, dry_run;
	char texts[];
};

#define TEXTS 7

struct history {
	struct packed **sorted; /* by row id */
	size_t n, cap;
	struct packed **table; /* by snapshot id, open addressing; NULL slots are free */
	size_t slots;
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
	free(h->table);
	free(h);
}

static void history_texts_of(struct journal_copy *row, char **texts[TEXTS])
{
	texts[0] = &row->region;
	texts[1] = &row->copy_id;
	texts[2] = &row->source_region;
	texts[3] = &row->source_id;
	texts[4] = &row->code;
	texts[5] = &row->message;
	texts[6] = &row->request_id;
}

static const char *history_packed_text(const struct packed *p, unsigned n)
{
	const char *text = p->texts;

	while (n--)
		text += strlen(text) + 1;
	return text;
}

static struct packed *history_pack(const struct copy *copy)
{
	struct journal_copy row = copy->row;
	char **texts[TEXTS];
	size_t size = sizeof(struct packed);
	struct packed *p;
	char *at;

	history_texts_of(&row, texts);
	for (int i = 0; i < TEXTS; i++)
		size += (*texts[i] ? strlen(*texts[i]) : 0) + 1;
	p = malloc(size);
	if (!p)
		return NULL;
	*p = (struct packed){.id = row.id,
		.requested_ms = row.requested_ms,
		.started_ms = row.started_ms,
		.ended_ms = row.ended_ms,
		.bytes = row.bytes,
		.state = (uint8_t)copy->state,
		.move = row.move,
		.encrypted = row.encrypted,
		.dry_run = row.dry_run};
	at = p->texts;
	for (int i = 0; i < TEXTS; i++)
		at = stpcpy(at, *texts[i] ? *texts[i] : "") + 1;
	return p;
}

/* FNV-1a */
static size_t history_hash(const char *text)
{
	uint64_t h = 14695981039346656037u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 1099511628211u;
	return (size_t)(h ^ h >> 29);
}

static void history_table_put(struct history *h, struct packed *p)
{
	size_t i = history_hash(history_packed_text(p, 1)) & (h->slots - 1);

	while (h->table[i])
		i = (i + 1) & (h->slots - 1);
	h->table[i] = p;
}

static void history_table_fill(struct history *h)
{
	if (h->slots)
		memset(h->table, 0, h->slots * sizeof(*h->table));
	for (size_t i = 0; i < h->n; i++)
		if (*history_packed_text(h->sorted[i], 1))
			history_table_put(h, h->sorted[i]);
}

/* Makes the table anew, with room for as many again. */
static int history_table_build(struct history *h)
{
	size_t slots = 64;
	struct packed **table;

	while (slots < h->n * 3)
		slots *= 2;
	table = calloc(slots, sizeof(struct packed *));
	if (!table)
		return -ENOMEM;
	free(h->table);
	h->table = table;
	h->slots = slots;
	history_table_fill(h);
	return 0;
}

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

static int history_reserve(struct history *h)
{
	size_t cap = h->cap ? h->cap * 2 : 64;
	struct packed **sorted;

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

	if (history_reserve(h) < 0)
		return -ENOMEM;
	p = history_pack(copy);
	if (!p)
		return -ENOMEM;
	if (at < h->n && h->sorted[at]->id == p->id) {
		free(h->sorted[at]);
		h->sorted[at] = p;
		history_table_fill(h);
		return 0;
	}
	if (h->slots < (h->n + 1) * 3 / 2 && history_table_build(h) < 0) {
		free(p);
		return -ENOMEM;
	}
	memmove(h->sorted + at + 1, h->sorted + at, (h->n - at) * sizeof(*h->sorted));
	h->sorted[at] = p;
	h->n++;
	if (*history_packed_text(p, 1))
		history_table_put(h, p);
	return 0;
}

void history_retain(struct history *h, const int64_t *keep, size_t n)
{
	size_t kept = 0, k = 0;

	for (size_t i = 0; i < h->n; i++) {
		struct packed *p = h->sorted[i];

		while (k < n && keep[k] < p->id)
			k++;
		if (k < n && keep[k] == p->id)
			h->sorted[kept++] = p;
		else
			free(p);
	}
	h->n = kept;
	if (history_table_build(h) < 0)
		history_table_fill(h); /* no memory for a smaller one: the old one serves */
}

size_t history_count(const struct history *h)
{
	return h->n;
}

int64_t history_by_snapshot(const struct history *h, const char *region, const char *id)
{
	if (!h->slots)
		return 0;
	for (size_t i = history_hash(id) & (h->slots - 1); h->table[i];
		i = (i + 1) & (h->slots - 1))
		if (!strcmp(history_packed_text(h->table[i], 1), id) &&
			!strcmp(history_packed_text(h->table[i], 0), region))
			return h->table[i]->id;
	return 0;
}

int history_get(const struct history *h, int64_t row, struct copy *out)
{
	size_t at = history_place(h, row);
	const struct packed *p;
	char **texts[TEXTS];

	if (at == h->n || h->sorted[at]->id != row)
		return -ENOENT;
	p = h->sorted[at];
	*out = (struct copy){.state = (enum copy_state)p->state,
		.origin = COPY_OURS,
		.reason = "",
		.progress = p->state == COPY_COMPLETED ? 100 : EC2_PROGRESS_UNKNOWN};
	out->row = (struct journal_copy){.id = p->id,
		.requested_ms = p->requested_ms,
		.started_ms = p->started_ms,
		.ended_ms = p->ended_ms,
		.bytes = p->bytes,
		.move = p->move,
		.encrypted = p->encrypted,
		.dry_run = p->dry_run,
		.acknowledged = true};
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
