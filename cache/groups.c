/* SPDX-License-Identifier: MIT */
/*
 * Groupings of a region's own snapshots.
 *
 * A grouping is one array of slots, sorted by group and then by start time, and the table of its
 * groups. Changed slots are noted in a log that all groupings share. The next look at a grouping
 * merges what the log has got since its last look: one pass over its array. A grouping that is
 * further behind than the log reaches takes all its slots anew, and keeps its groups' numbers.
 */
#include "groups.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "hashset.h"
#include "isotime.h"
#include "members.h"

/* Beyond it, taking all slots anew costs no more than a difference. */
#define GROUPS_LOG_MAX   16384
/* Empty groups are dropped from the table once there are as many as others, and this many. */
#define GROUPS_EMPTY_MIN 64
/* A position has 41 bits of milliseconds since 2006, which last until 2075, and 22 of the slot. */
#define GROUPS_EPOCH_MS  INT64_C(1136073600000)
#define GROUPS_TIME_MAX  ((INT64_C(1) << 41) - 2)
#define GROUPS_SLOT_BITS 22

struct value {
	char *text;
	uint32_t number;
	uint32_t first; /* in slots[]; the group ends where the next one begins */
};

struct grouping {
	struct groups *groups;
	enum groups_field field;
	char *key;
	uint32_t number;
	catalogue_slot *slots;
	uint32_t n_slots;
	struct value *values; /* by number; some may be empty */
	uint32_t n_values, room, next_number;
	struct hashset by_text; /* indexes of values */
	uint64_t seen;          /* the changes that were merged */
};

struct groups {
	struct catalogue *catalogue;
	const struct members *members;
	struct grouping **all; /* by number */
	uint32_t n;
	struct slot_set had; /* the members as the log knows them */
	uint64_t version;    /* of the members, at that time */
	/* Changed slots. Change number `dropped` is log[0]; those before it are not known. */
	uint32_t *log;
	uint32_t n_log, log_room;
	uint64_t dropped;
};

/* --- the log of changes --- */

static void log_drop(struct groups *g)
{
	g->dropped += g->n_log;
	g->n_log = 0;
}

static void log_add(struct groups *g, catalogue_slot slot)
{
	if (!g->n)
		return;
	if (g->n_log == GROUPS_LOG_MAX)
		log_drop(g);
	if (g->n_log == g->log_room) {
		uint32_t room = g->log_room ? g->log_room * 2 : 64;
		uint32_t *log = realloc(g->log, room * sizeof(*log));

		if (!log) { /* this change is not known either */
			log_drop(g);
			g->dropped++;
			return;
		}
		g->log = log;
		g->log_room = room;
	}
	g->log[g->n_log++] = slot;
}

static void groups_catalogue_changed(void *arg, enum catalogue_change change, catalogue_slot slot)
{
	if (change != CATALOGUE_CONFIRMED)
		log_add(arg, slot);
}

/* A snapshot can join or leave without a change of its own. */
static int log_members(struct groups *g)
{
	const struct slot_set *now = &g->members->set;

	if (g->version == g->members->version)
		return 0;
	for (uint32_t i = 0; i < now->room; i++) {
		uint64_t had = i < g->had.room ? g->had.words[i] : 0;
		uint64_t differ = now->words[i] ^ had;

		for (; differ; differ &= differ - 1) {
			uint32_t slot = i * 64 + (uint32_t)__builtin_ctzll(differ);

			if (slot_set_has(&g->had, slot))
				slot_set_remove(&g->had, slot);
			else if (slot_set_add(&g->had, slot) < 0)
				return -ENOMEM;
			log_add(g, slot);
		}
	}
	g->version = g->members->version;
	return 0;
}

/* --- the groups of a snapshot --- */

uint64_t groups_position(const struct groups *g, catalogue_slot slot)
{
	int64_t ms = catalogue_start_ms(g->catalogue, slot) - GROUPS_EPOCH_MS;

	ms = ms < 0 ? 0 : ms > GROUPS_TIME_MAX ? GROUPS_TIME_MAX : ms;
	return (uint64_t)ms << GROUPS_SLOT_BITS | (slot & ((1u << GROUPS_SLOT_BITS) - 1));
}

/* A snapshot's place in a grouping. */
struct place {
	uint64_t position;
	uint32_t value; /* an index of values */
	catalogue_slot slot;
};

struct places {
	struct place *all;
	size_t n, room;
};

static int place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	if (x->position != y->position)
		return x->position < y->position ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static const void *value_key(const void *ctx, uint32_t value, size_t *len)
{
	const struct grouping *x = ctx;

	*len = strlen(x->values[value].text);
	return x->values[value].text;
}

/* The index of a value; a new one is empty. HASHSET_NONE on ENOMEM. */
static uint32_t value_add(struct grouping *x, const char *text)
{
	uint32_t i = hashset_find(&x->by_text, text, strlen(text));
	struct value *v;

	if (i != HASHSET_NONE)
		return i;
	if (x->n_values == x->room) {
		uint32_t room = x->room ? x->room * 2 : 16;
		struct value *values = realloc(x->values, room * sizeof(*values));

		if (!values)
			return HASHSET_NONE;
		x->values = values;
		x->room = room;
	}
	v = &x->values[x->n_values];
	*v = (struct value){strdup(text), x->next_number, x->n_slots};
	if (!v->text || hashset_add(&x->by_text, x->n_values) < 0) {
		free(v->text);
		return HASHSET_NONE;
	}
	x->next_number++;
	return x->n_values++;
}

static int places_add(struct places *p, struct grouping *x, catalogue_slot slot, const char *text)
{
	uint32_t value = value_add(x, text);

	if (value == HASHSET_NONE)
		return -ENOMEM;
	if (p->n == p->room) {
		size_t room = p->room ? p->room * 2 : 256;
		struct place *all = realloc(p->all, room * sizeof(*all));

		if (!all)
			return -ENOMEM;
		p->all = all;
		p->room = room;
	}
	p->all[p->n++] = (struct place){groups_position(x->groups, slot), value, slot};
	return 0;
}

static int places_add_keys(struct places *p, struct grouping *x, catalogue_slot slot)
{
	struct ec2_tag tag;

	for (unsigned i = 0; catalogue_tag(x->groups->catalogue, slot, i, &tag); i++)
		if (places_add(p, x, slot, tag.key) < 0)
			return -ENOMEM;
	return 0;
}

/* Adds the snapshot's places in the grouping. Returns 0 or -ENOMEM. */
static int places_of(struct places *p, struct grouping *x, catalogue_slot slot)
{
	const struct catalogue *c = x->groups->catalogue;
	int64_t start = catalogue_start_ms(c, slot);
	struct catalogue_snapshot s;
	char day[ISOTIME_SIZE];
	const char *value;

	switch (x->field) {
	case GROUPS_TAG_KEY:
		return places_add_keys(p, x, slot);
	case GROUPS_TAG:
		value = catalogue_tag_value(c, slot, x->key);
		return value ? places_add(p, x, slot, value) : 0;
	case GROUPS_DAY:
		isotime_format(start, day);
		day[strcspn(day, "T")] = '\0';
		return start ? places_add(p, x, slot, day) : 0;
	case GROUPS_VOLUME:
	case GROUPS_STATE:
		catalogue_get(c, slot, &s);
		value = x->field == GROUPS_STATE ? s.state_text : s.volume_id;
		return *value ? places_add(p, x, slot, value) : 0;
	case GROUPS_ALL:
		break;
	}
	return places_add(p, x, slot, "");
}

/* --- bringing a grouping up to date --- */

static void values_free(struct grouping *x)
{
	for (uint32_t i = 0; i < x->n_values; i++)
		free(x->values[i].text);
	free(x->values);
}

static uint32_t value_end(const struct grouping *x, uint32_t value)
{
	return value + 1 < x->n_values ? x->values[value + 1].first : x->n_slots;
}

/* Drops empty groups once they are many: values that came and went. Their numbers are not used
 * again. */
static void values_tidy(struct grouping *x)
{
	uint32_t empty = 0, n = 0;

	for (uint32_t i = 0; i < x->n_values; i++)
		empty += x->values[i].first == value_end(x, i);
	if (empty < GROUPS_EMPTY_MIN || empty < x->n_values / 2)
		return;
	for (uint32_t i = 0; i < x->n_values; i++) {
		hashset_remove(&x->by_text, i);
		if (x->values[i].first == value_end(x, i)) {
			free(x->values[i].text);
			continue;
		}
		x->values[n] = x->values[i];
		(void)hashset_add(&x->by_text, n++); /* cannot fail after a removal */
	}
	x->n_values = n;
}

/* Writes the slots of all groups to `out`: those that did not change, and the places p. Returns
 * their number. */
static uint32_t groups_merge(struct grouping *x, const struct slot_set *changed,
	const struct places *p, catalogue_slot *out)
{
	const struct place *at = p->all, *end = at ? at + p->n : NULL;
	uint32_t n = 0;

	for (uint32_t v = 0; v < x->n_values; v++) {
		uint32_t old = x->values[v].first, old_end = value_end(x, v);

		x->values[v].first = n;
		for (;;) {
			bool more = at < end && at->value == v;

			while (old < old_end && slot_set_has(changed, x->slots[old]))
				old++;
			if (old < old_end && (!more || groups_position(x->groups, x->slots[old]) <
							       at->position)) {
				out[n++] = x->slots[old++];
			} else if (more) {
				/* Tags that EC2 sent twice count once. */
				if (n == x->values[v].first || out[n - 1] != at->slot)
					out[n++] = at->slot;
				at++;
			} else {
				break;
			}
		}
	}
	return n;
}

/* The slots that changed since the last look; all, if the log does not reach back that far. */
static int groups_changed(const struct grouping *x, struct slot_set *changed)
{
	const struct groups *g = x->groups;
	catalogue_slot slots = catalogue_slots(g->catalogue);

	if (x->seen < g->dropped) {
		for (catalogue_slot slot = 0; slot < slots; slot++)
			if (slot_set_add(changed, slot) < 0)
				return -ENOMEM;
		for (uint32_t i = 0; i < x->n_slots; i++)
			if (slot_set_add(changed, x->slots[i]) < 0)
				return -ENOMEM;
		return 0;
	}
	for (uint64_t i = x->seen - g->dropped; i < g->n_log; i++)
		if (slot_set_add(changed, g->log[i]) < 0)
			return -ENOMEM;
	return 0;
}

static int groups_places(struct grouping *x, const struct slot_set *changed, struct places *places)
{
	const struct members *m = x->groups->members;

	for (uint32_t i = 0; i < changed->room && i < m->set.room; i++) {
		uint64_t bits = changed->words[i] & m->set.words[i];

		for (; bits; bits &= bits - 1)
			if (places_of(places, x, i * 64 + (uint32_t)__builtin_ctzll(bits)) < 0)
				return -ENOMEM;
	}
	if (places->n)
		qsort(places->all, places->n, sizeof(*places->all), place_compare);
	return 0;
}

/* Returns x, or NULL on ENOMEM: nothing has changed then. */
static const struct grouping *groups_update(struct grouping *x)
{
	struct groups *g = x->groups;
	struct slot_set changed = {0};
	struct places places = {0};
	catalogue_slot *slots = NULL;
	bool ok;

	if (log_members(g) < 0)
		return NULL;
	if (x->seen == g->dropped + g->n_log)
		return x;
	ok = groups_changed(x, &changed) == 0 && groups_places(x, &changed, &places) == 0;
	if (ok)
		slots = malloc((x->n_slots + places.n + 1) * sizeof(*slots));
	if (slots) {
		x->n_slots = groups_merge(x, &changed, &places, slots);
		free(x->slots);
		x->slots = slots;
		x->seen = g->dropped + g->n_log;
		values_tidy(x);
	}
	slot_set_finish(&changed);
	free(places.all);
	return slots ? x : NULL;
}

/* --- groupings --- */

static struct grouping *groups_add(struct groups *g, enum groups_field field, const char *key)
{
	struct grouping **all, *x;

	if (g->n > GROUPS_NUMBER_MAX)
		return NULL;
	all = realloc(g->all, (g->n + 1) * sizeof(struct grouping *));
	if (!all)
		return NULL;
	g->all = all;
	x = calloc(1, sizeof(*x));
	if (!x)
		return NULL;
	x->groups = g;
	x->field = field;
	x->number = g->n;
	x->key = strdup(key);
	if (!x->key) {
		free(x);
		return NULL;
	}
	hashset_init(&x->by_text, value_key, x);
	g->all[g->n++] = x;
	return x;
}

const struct grouping *groups_by(struct groups *g, enum groups_field field, const char *key)
{
	struct grouping *x = NULL;

	key = key ? key : "";
	for (uint32_t i = 0; i < g->n && !x; i++)
		if (g->all[i]->field == field && strcmp(g->all[i]->key, key) == 0)
			x = g->all[i];
	if (!x)
		x = groups_add(g, field, key);
	return x ? groups_update(x) : NULL;
}

const struct grouping *groups_numbered(struct groups *g, uint32_t number)
{
	return number < g->n ? groups_update(g->all[number]) : NULL;
}

uint32_t groups_number(const struct grouping *x)
{
	return x->number;
}

enum groups_field groups_field(const struct grouping *x)
{
	return x->field;
}

const char *groups_key(const struct grouping *x)
{
	return x->key;
}

/* --- groups --- */

static bool group_get(const struct grouping *x, uint32_t value, struct group *out)
{
	const struct value *v = &x->values[value];

	*out = (struct group){.number = v->number,
		.value = v->text,
		.slots = x->slots + v->first,
		.n = value_end(x, value) - v->first};
	return out->n;
}

bool groups_find(const struct grouping *x, const char *value, struct group *out)
{
	uint32_t i = hashset_find(&x->by_text, value, strlen(value));

	return i != HASHSET_NONE && group_get(x, i, out);
}

bool groups_next(const struct grouping *x, uint32_t number, struct group *out)
{
	uint32_t low = 0, high = x->n_values;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (x->values[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < x->n_values; low++)
		if (group_get(x, low, out))
			return true;
	return false;
}

const catalogue_slot *groups_all(struct groups *g, size_t *n)
{
	static const catalogue_slot none;
	const struct grouping *x = groups_by(g, GROUPS_ALL, NULL);
	struct group group;

	*n = 0;
	if (!x)
		return NULL;
	if (!groups_next(x, 0, &group))
		return &none;
	*n = group.n;
	return group.slots;
}

catalogue_slot groups_latest(const struct groups *g, const struct group *group)
{
	for (size_t i = group->n; i > 0; i--)
		if (catalogue_state(g->catalogue, group->slots[i - 1]) == EC2_SNAPSHOT_COMPLETED)
			return group->slots[i - 1];
	return CATALOGUE_NONE;
}

/* --- create and destroy --- */

struct groups *groups_create(struct catalogue *c, const struct members *m)
{
	struct groups *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->catalogue = c;
	g->members = m;
	g->dropped = 1; /* a new grouping has seen nothing */
	if (catalogue_watch(c, groups_catalogue_changed, g) < 0) {
		free(g);
		return NULL;
	}
	return g;
}

void groups_destroy(struct groups *g)
{
	if (!g)
		return;
	catalogue_unwatch(g->catalogue, groups_catalogue_changed, g);
	for (uint32_t i = 0; i < g->n; i++) {
		struct grouping *x = g->all[i];

		hashset_finish(&x->by_text);
		values_free(x);
		free(x->slots);
		free(x->key);
		free(x);
	}
	free(g->all);
	free(g->log);
	slot_set_finish(&g->had);
	free(g);
}

size_t groups_memory(const struct groups *g)
{
	size_t bytes = sizeof(*g) + g->log_room * sizeof(*g->log) + slot_set_memory(&g->had);

	for (uint32_t i = 0; i < g->n; i++) {
		const struct grouping *x = g->all[i];

		bytes += sizeof(x) + sizeof(*x) + x->n_slots * sizeof(*x->slots) +
			 x->room * sizeof(*x->values) + hashset_memory(&x->by_text);
		for (uint32_t v = 0; v < x->n_values; v++)
			bytes += malloc_usable_size(x->values[v].text);
	}
	return bytes;
}
