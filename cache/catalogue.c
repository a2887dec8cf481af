/* SPDX-License-Identifier: MIT */
/* The snapshots of one region: existence, local overrides and watchers, over the packed records. */
#include "catalogue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "catalogue_block.h"
#include "local_overrides.h"
#include "records.h"
#include "watchers.h"

struct catalogue {
	struct records records;
	struct local_overrides overrides;
	struct watchers watchers; /* catalogue_watch_fn */
	struct catalogue_seen *seen;
	uint64_t changes;
	size_t tidy_at; /* the number of overrides at which expired ones are freed */
	struct watchers holders;
	bool holder_missing; /* catalogue_hold() had no memory: slots are never freed */
	size_t let_go;       /* since the last sweep: slots let go by holders, plus new slots */
	void (*due)(void *arg);
	void *due_arg;
};

/* A sweep reads every slot. It is due when at least a quarter as many slots were let go. */
#define SWEEP_MIN   256
#define SWEEP_SHARE 4

struct catalogue *catalogue_create(void)
{
	struct catalogue *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	records_init(&c->records);
	return c;
}

void catalogue_destroy(struct catalogue *c)
{
	if (!c)
		return;
	records_finish(&c->records);
	local_overrides_finish(&c->overrides);
	watchers_finish(&c->watchers);
	watchers_finish(&c->holders);
	free(c);
}

/* --- reading --- */

catalogue_slot catalogue_slots(const struct catalogue *c)
{
	return records_count(&c->records);
}

size_t catalogue_memory(const struct catalogue *c)
{
	return sizeof(*c) + records_memory(&c->records) + local_overrides_memory(&c->overrides) +
	       (c->watchers.n + c->holders.n) * sizeof(*c->watchers.list);
}

catalogue_slot catalogue_find(const struct catalogue *c, const char *id)
{
	catalogue_slot slot = records_find(&c->records, id);

	return catalogue_from_disk(c, slot) ? CATALOGUE_NONE : slot;
}

catalogue_slot catalogue_find_shown(const struct catalogue *c, const char *id)
{
	return records_find(&c->records, id);
}

static const struct record *record_of(const struct catalogue *c, catalogue_slot slot)
{
	return records_has(&c->records, slot) ? records_at(&c->records, slot) : NULL;
}

bool catalogue_from_disk(const struct catalogue *c, catalogue_slot slot)
{
	const struct record *record = record_of(c, slot);

	return record && record->from_disk;
}

bool catalogue_exists(const struct catalogue *c, catalogue_slot slot)
{
	const struct record *record = record_of(c, slot);

	return record && record->exists;
}

unsigned catalogue_flaws(const struct catalogue *c, catalogue_slot slot)
{
	const struct record *record = record_of(c, slot);

	return record ? record->flaws : 0;
}

bool catalogue_created(const struct catalogue *c, catalogue_slot slot, int64_t now_ms)
{
	return local_overrides_created(local_overrides_find(&c->overrides, slot), now_ms);
}

int64_t catalogue_start_ms(const struct catalogue *c, catalogue_slot slot)
{
	const struct record *record = record_of(c, slot);

	return record ? record->start_ms : 0;
}

enum ec2_snapshot_state catalogue_state(const struct catalogue *c, catalogue_slot slot)
{
	const struct record *record = record_of(c, slot);

	return record ? (enum ec2_snapshot_state)record->state : EC2_SNAPSHOT_UNKNOWN;
}

const char *catalogue_id(const struct catalogue *c, catalogue_slot slot)
{
	return record_of(c, slot) ? numbering_text(&c->records.ids, slot) : "";
}

/* FNV-1a. */
uint32_t catalogue_generation(const struct catalogue *c, catalogue_slot slot)
{
	uint32_t hash = 2166136261u;

	for (const char *p = catalogue_id(c, slot); *p; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	return hash;
}

const char *catalogue_owner(const struct catalogue *c, catalogue_slot slot)
{
	const struct record *r = record_of(c, slot);
	uint32_t ref = r ? records_value(&c->records, r->fields, RECORD_OWNER) : TEXTPOOL_NONE;

	return ref == TEXTPOOL_NONE ? "" : textpool_text(&c->records.texts, ref);
}

/* The texts that are in the list of rarer fields. */
static void get_shared_texts(
	const struct catalogue *c, const struct record *record, struct catalogue_snapshot *out)
{
	const char **const texts[RECORD_FIELD_FIRST] = {
		[RECORD_STATE_TEXT] = &out->state_text,
		[RECORD_STATE_MESSAGE] = &out->state_message,
		[RECORD_OWNER] = &out->owner_id,
		[RECORD_KMS_KEY] = &out->kms_key_id,
	};
	struct pair_list fields;

	for (size_t i = 0; i < RECORD_FIELD_FIRST; i++)
		*texts[i] = "";
	records_pairs(&c->records, record->fields, &fields);
	for (size_t i = 0; i < fields.n; i++)
		if (fields.pairs[i].key < RECORD_FIELD_FIRST)
			*texts[fields.pairs[i].key] =
				textpool_text(&c->records.texts, fields.pairs[i].value);
}

bool catalogue_get(const struct catalogue *c, catalogue_slot slot, struct catalogue_snapshot *out)
{
	const struct record *record = record_of(c, slot);
	struct pair_list tags;

	if (!record)
		return false;
	records_pairs(&c->records, record->tags, &tags);
	*out = (struct catalogue_snapshot){
		.id = catalogue_id(c, slot),
		.volume_id = textpool_text(&c->records.texts, record->volume),
		.description = textpool_text(&c->records.texts, record->description),
		.state = (enum ec2_snapshot_state)record->state,
		.exists = record->exists,
		.progress = record->progress,
		.start_ms = record->start_ms,
		.completion_ms = record->completion_ms,
		.volume_gib = record->volume_gib,
		.full_size = record->full_size,
		.encryption = (enum ec2_encryption)record->encryption,
		.flaws = record->flaws,
		.is_copy = record->is_copy,
		.n_tags = (unsigned)tags.n,
	};
	get_shared_texts(c, record, out);
	return true;
}

bool catalogue_tag(const struct catalogue *c, catalogue_slot slot, unsigned n, struct ec2_tag *out)
{
	const struct record *record = record_of(c, slot);
	struct pair pair;

	if (!record || !records_pair(&c->records, record->tags, 0, n, &pair))
		return false;
	out->key = numbering_text(&c->records.keys, pair.key);
	out->value = textpool_text(&c->records.texts, pair.value);
	return true;
}

const char *catalogue_tag_value(const struct catalogue *c, catalogue_slot slot, const char *key)
{
	const struct record *record = record_of(c, slot);
	uint32_t number = numbering_find(&c->records.keys, key), ref;

	if (!record || number == NUMBERING_NONE)
		return NULL;
	ref = records_value(&c->records, record->tags, number);
	return ref == TEXTPOOL_NONE ? NULL : textpool_text(&c->records.texts, ref);
}

uint32_t catalogue_key_number(struct catalogue *c, const char *key)
{
	return records_key(&c->records, key);
}

const char *catalogue_key_text(const struct catalogue *c, uint32_t number)
{
	return number < c->records.keys.count ? numbering_text(&c->records.keys, number) : NULL;
}

bool catalogue_field(
	const struct catalogue *c, catalogue_slot slot, unsigned n, struct ec2_field *out)
{
	const struct record *record = record_of(c, slot);
	struct pair pair;

	if (!record || !records_pair(&c->records, record->fields, RECORD_FIELD_FIRST, n, &pair))
		return false;
	out->name = numbering_text(&c->records.keys, pair.key - RECORD_FIELD_FIRST);
	out->value = textpool_text(&c->records.texts, pair.value);
	return true;
}

const char *catalogue_field_value(const struct catalogue *c, catalogue_slot slot, const char *name)
{
	struct ec2_field f;

	for (unsigned n = 0; catalogue_field(c, slot, n, &f); n++)
		if (!strcmp(f.name, name))
			return f.value;
	return NULL;
}

/* --- changing --- */

int catalogue_watch(struct catalogue *c, catalogue_watch_fn *fn, void *arg)
{
	return watchers_add(&c->watchers, (watchers_fn *)fn, arg);
}

void catalogue_unwatch(struct catalogue *c, catalogue_watch_fn *fn, void *arg)
{
	watchers_remove(&c->watchers, (watchers_fn *)fn, arg);
}

static void tell_watchers(struct catalogue *c, enum catalogue_change change, catalogue_slot slot)
{
	for (size_t i = 0; i < c->watchers.n; i++)
		((catalogue_watch_fn *)c->watchers.list[i].fn)(
			c->watchers.list[i].arg, change, slot);
}

/* Makes *to the slot's record, and calls the watchers if the change is visible. */
static void replace(struct catalogue *c, catalogue_slot slot, const struct record *to)
{
	const struct record *record = records_at(&c->records, slot);
	bool existed = record->exists, confirmed = record->from_disk && !to->from_disk;
	enum catalogue_change change = CATALOGUE_CHANGED;

	if (records_replace(&c->records, slot, to))
		c->changes++;
	else if (confirmed)
		change = CATALOGUE_CONFIRMED;
	else
		return;
	if (existed != to->exists)
		change = to->exists ? CATALOGUE_ADDED : CATALOGUE_REMOVED;
	tell_watchers(c, change, slot);
}

/* A gone snapshot keeps its slot and its numbers; its texts are released. */
static void remove_slot(struct catalogue *c, catalogue_slot slot)
{
	struct record to = *records_at(&c->records, slot);

	if (!to.exists)
		return;
	to.exists = false;
	to.from_disk = false;
	to.volume = to.description = to.tags = to.fields = TEXTPOOL_EMPTY;
	replace(c, slot, &to);
}

static int add_tag(struct catalogue *c, struct pair_list *p, const char *key, const char *value,
	unsigned *flaws)
{
	uint32_t number = records_key(&c->records, key), ref;

	/* The key is not of EC2's form. */
	if (number == NUMBERING_NONE) {
		*flaws |= EC2_FLAW_TAGS;
		return 0;
	}
	if (value && strnlen(value, RECORDS_TEXT_MAX + 1) > RECORDS_TEXT_MAX)
		*flaws |= EC2_FLAW_TEXT;
	ref = records_text(&c->records, value);
	if (ref == TEXTPOOL_NONE)
		return -ENOMEM;
	pair_list_add(p, number, ref);
	return 0;
}

/* Sets *p to EC2's tags with the local overrides applied. */
static int compose_tags(struct catalogue *c, const struct ec2_snapshot *s,
	const struct local_override *override, int64_t now_ms, struct pair_list *p, unsigned *flaws)
{
	p->n = 0;
	*flaws = s->n_tags > PAIR_LIST_MAX ? EC2_FLAW_TAGS : 0;
	for (size_t i = 0; i < s->n_tags && p->n < PAIR_LIST_MAX; i++) {
		const char *key = s->tags[i].key ? s->tags[i].key : "";
		const struct local_override_tag *held = local_overrides_tag(override, key, now_ms);

		if (held && !held->value)
			continue;
		if (add_tag(c, p, key, held ? held->value : s->tags[i].value, flaws) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; override && i < override->n_tags; i++) {
		const struct local_override_tag *held = &override->tags[i];

		if (held->value && now_ms < held->until_ms &&
			add_tag(c, p, held->key, held->value, flaws) < 0)
			return -ENOMEM;
	}
	return 0;
}

void catalogue_seen_begin(struct catalogue *c, struct catalogue_seen *seen)
{
	DL_APPEND(c->seen, seen);
}

void catalogue_seen_end(struct catalogue *c, struct catalogue_seen *seen)
{
	if (!seen->prev)
		return;
	DL_DELETE(c->seen, seen);
	seen->prev = seen->next = NULL;
}

static int mark_seen(struct catalogue *c, catalogue_slot slot)
{
	for (struct catalogue_seen *seen = c->seen; seen; seen = seen->next)
		if (slot_set_add(&seen->slots, slot) < 0)
			return -ENOMEM;
	return 0;
}

/* The slot of an id, added if necessary. A new slot may stay without a description. */
static catalogue_slot add_slot(struct catalogue *c, const char *id)
{
	uint32_t ids = c->records.ids.set.used;
	catalogue_slot slot = records_add(&c->records, id);

	if (c->records.ids.set.used != ids)
		catalogue_let_go(c, 1);
	return slot;
}

catalogue_slot catalogue_put(struct catalogue *c, const struct ec2_snapshot *s, int64_t now_ms)
{
	catalogue_slot slot = add_slot(c, s->id);
	const struct local_override *override;
	struct record to;
	struct pair_list tags;
	unsigned flaws;

	if (slot == NUMBERING_NONE)
		return CATALOGUE_NONE;
	if (mark_seen(c, slot) < 0)
		return CATALOGUE_NONE;
	override = local_overrides_find(&c->overrides, slot);
	if (local_overrides_deleted(override, now_ms))
		return slot;
	to = *records_at(&c->records, slot);
	to.from_disk = false;
	to.exists = true;
	if (compose_tags(c, s, override, now_ms, &tags, &flaws) < 0 ||
		records_describe(&c->records, s, &tags, &to) < 0)
		return CATALOGUE_NONE;
	to.flaws |= (uint8_t)flaws & EC2_FLAWS;
	replace(c, slot, &to);
	return slot;
}

void catalogue_absent(struct catalogue *c, catalogue_slot slot, int64_t now_ms)
{
	if (record_of(c, slot) &&
		!local_overrides_created(local_overrides_find(&c->overrides, slot), now_ms))
		remove_slot(c, slot);
}

/* --- local overrides --- */

void catalogue_expire_overrides(struct catalogue *c, int64_t now_ms)
{
	local_overrides_expire(&c->overrides, now_ms);
}

/* The end of a listing frees expired overrides too, but a region that is only a destination may
 * never be listed. */
static void tidy_overrides(struct catalogue *c, int64_t now_ms)
{
	if (local_overrides_count(&c->overrides) < c->tidy_at)
		return;
	local_overrides_expire(&c->overrides, now_ms);
	c->tidy_at = local_overrides_count(&c->overrides) * 2 + 64;
}

catalogue_slot catalogue_override_created(
	struct catalogue *c, const struct ec2_snapshot *s, int64_t now_ms)
{
	catalogue_slot slot = add_slot(c, s->id);
	const struct record *record;

	tidy_overrides(c, now_ms);
	if (slot == NUMBERING_NONE || local_overrides_set_created(&c->overrides, slot,
					      now_ms + CATALOGUE_OVERRIDE_MS) < 0)
		return CATALOGUE_NONE;
	record = records_at(&c->records, slot);
	if (!record->exists || record->from_disk)
		return catalogue_put(c, s, now_ms);
	/* EC2 has described the snapshot already: that description is kept. */
	tell_watchers(c, CATALOGUE_CHANGED, slot);
	return slot;
}

bool catalogue_override_settled(struct catalogue *c, catalogue_slot slot, int64_t now_ms)
{
	if (!local_overrides_created(local_overrides_find(&c->overrides, slot), now_ms))
		return false;
	/* Cannot fail: the slot has an override already. */
	(void)local_overrides_set_created(&c->overrides, slot, 0);
	return true;
}

void catalogue_override_deleted(struct catalogue *c, catalogue_slot slot, int64_t now_ms)
{
	if (!record_of(c, slot))
		return;
	tidy_overrides(c, now_ms);
	/* Out of memory, the snapshot is shown as gone until the next listing that still has it. */
	(void)local_overrides_set_deleted(&c->overrides, slot, now_ms + CATALOGUE_OVERRIDE_MS);
	remove_slot(c, slot);
}

int catalogue_override_tag(struct catalogue *c, catalogue_slot slot, const char *key,
	const char *value, int64_t now_ms)
{
	const struct record *record = record_of(c, slot);
	uint32_t number, ref;
	struct record to;
	struct pair_list tags;

	if (!record)
		return 0;
	tidy_overrides(c, now_ms);
	number = records_key(&c->records, key);
	ref = records_text(&c->records, value);
	if (number == NUMBERING_NONE || ref == TEXTPOOL_NONE ||
		local_overrides_set_tag(
			&c->overrides, slot, key, value, now_ms + CATALOGUE_OVERRIDE_MS) < 0)
		return -ENOMEM;
	if (!record->exists)
		return 0;
	to = *record;
	records_pairs(&c->records, to.tags, &tags);
	if (!value)
		pair_list_remove(&tags, number);
	else if (pair_list_find(&tags, number))
		pair_list_find(&tags, number)->value = ref;
	else
		pair_list_add(&tags, number, ref);
	if (records_describe_tags(&c->records, &tags, &to) < 0)
		return -ENOMEM;
	replace(c, slot, &to);
	return 0;
}

/* --- slots that nothing names any more --- */

void catalogue_hold(struct catalogue *c, catalogue_mark_fn *mark, void *arg)
{
	if (watchers_add(&c->holders, (watchers_fn *)mark, arg) < 0)
		c->holder_missing = true;
}

void catalogue_unhold(struct catalogue *c, catalogue_mark_fn *mark, void *arg)
{
	watchers_remove(&c->holders, (watchers_fn *)mark, arg);
}

void catalogue_on_sweep_due(struct catalogue *c, void (*due)(void *arg), void *arg)
{
	c->due = due;
	c->due_arg = arg;
}

bool catalogue_sweep_is_due(const struct catalogue *c)
{
	return c->let_go >= SWEEP_MIN && c->let_go >= c->records.ids.set.used / SWEEP_SHARE;
}

void catalogue_let_go(struct catalogue *c, size_t n)
{
	bool was_due = catalogue_sweep_is_due(c);

	c->let_go += n;
	if (!was_due && c->due && catalogue_sweep_is_due(c))
		c->due(c->due_arg);
}

static int mark_all(struct catalogue *c, struct slot_set *named)
{
	if (c->holder_missing)
		return -ENOMEM;
	for (size_t i = 0; i < c->holders.n; i++) {
		const struct watcher *w = &c->holders.list[i];

		if (((catalogue_mark_fn *)w->fn)(w->arg, named) < 0)
			return -ENOMEM;
	}
	return local_overrides_mark(&c->overrides, named);
}

size_t catalogue_sweep(struct catalogue *c, int64_t now_ms)
{
	struct slot_set named = {0};
	size_t n = 0;

	c->let_go = 0;
	local_overrides_expire(&c->overrides, now_ms);
	if (mark_all(c, &named) == 0)
		for (catalogue_slot slot = 0; slot < records_count(&c->records); slot++) {
			if (slot_set_has(&named, slot) || !records_has(&c->records, slot))
				continue;
			records_remove(&c->records, slot);
			n++;
		}
	slot_set_finish(&named);
	if (n)
		records_tidy(&c->records);
	return n;
}

/* --- on disk --- */

uint64_t catalogue_changes(const struct catalogue *c)
{
	return c->changes;
}

int catalogue_write(const struct catalogue *c, const struct slot_set *listed,
	struct catalogue_block_writer *w, catalogue_slot *slot, struct buf *block)
{
	return catalogue_block_write(w, &c->records, listed, slot, block);
}

void catalogue_counts(const struct catalogue *c, uint32_t *ids, uint32_t *texts)
{
	*ids = c->records.ids.set.used;
	*texts = c->records.texts.set.used;
}

void catalogue_reserve(struct catalogue *c, uint32_t ids, uint32_t texts)
{
	hashset_reserve(&c->records.ids.set, ids);
	hashset_reserve(&c->records.texts.set, texts);
}

int catalogue_read(struct catalogue *c, const void *block, size_t len,
	void (*added)(void *arg, catalogue_slot slot, bool listed), void *arg)
{
	return catalogue_block_read(&c->records, block, len, added, arg);
}

void catalogue_forget_disk(struct catalogue *c)
{
	for (catalogue_slot slot = 0; slot < records_count(&c->records); slot++)
		if (catalogue_from_disk(c, slot))
			remove_slot(c, slot);
}
