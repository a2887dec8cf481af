/* SPDX-License-Identifier: MIT */
/* Recent changes by ebsfs itself, by slot. */
#include "local_overrides.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void override_tag_finish(struct local_override_tag *tag)
{
	free(tag->key);
	free(tag->value);
}

static void override_destroy(struct local_override *o)
{
	for (size_t i = 0; i < o->n_tags; i++)
		override_tag_finish(&o->tags[i]);
	free(o->tags);
	free(o);
}

void local_overrides_finish(struct local_overrides *h)
{
	struct local_override *o, *next;

	HASH_ITER (hh, h->by_slot, o, next) {
		HASH_DEL(h->by_slot, o);
		override_destroy(o);
	}
}

static struct local_override *override_find(const struct local_overrides *h, uint32_t slot)
{
	struct local_override *o;

	HASH_FIND(hh, h->by_slot, &slot, sizeof(slot), o);
	return o;
}

const struct local_override *local_overrides_find(const struct local_overrides *h, uint32_t slot)
{
	return override_find(h, slot);
}

bool local_overrides_created(const struct local_override *o, int64_t now_ms)
{
	return o && now_ms < o->created_until_ms;
}

bool local_overrides_deleted(const struct local_override *o, int64_t now_ms)
{
	return o && now_ms < o->deleted_until_ms;
}

const struct local_override_tag *local_overrides_tag(
	const struct local_override *o, const char *key, int64_t now_ms)
{
	for (size_t i = 0; o && i < o->n_tags; i++) {
		if (now_ms < o->tags[i].until_ms && strcmp(o->tags[i].key, key) == 0)
			return &o->tags[i];
	}
	return NULL;
}

/* The slot's override, created if there is none; NULL on ENOMEM. */
static struct local_override *override_make(struct local_overrides *h, uint32_t slot)
{
	struct local_override *o = override_find(h, slot);

	if (o)
		return o;
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->slot = slot;
	HASH_ADD(hh, h->by_slot, slot, sizeof(o->slot), o);
	if (!o->hh.tbl) {
		free(o);
		return NULL;
	}
	return o;
}

int local_overrides_set_created(struct local_overrides *h, uint32_t slot, int64_t until_ms)
{
	struct local_override *o = override_make(h, slot);

	if (!o)
		return -ENOMEM;
	o->created_until_ms = until_ms;
	o->deleted_until_ms = 0;
	return 0;
}

int local_overrides_set_deleted(struct local_overrides *h, uint32_t slot, int64_t until_ms)
{
	struct local_override *o = override_make(h, slot);

	if (!o)
		return -ENOMEM;
	o->deleted_until_ms = until_ms;
	o->created_until_ms = 0;
	return 0;
}

static void override_drop_tag(struct local_override *o, size_t i)
{
	override_tag_finish(&o->tags[i]);
	o->n_tags--;
	memmove(&o->tags[i], &o->tags[i + 1], (o->n_tags - i) * sizeof(*o->tags));
}

int local_overrides_set_tag(struct local_overrides *h, uint32_t slot, const char *key,
	const char *value, int64_t until_ms)
{
	struct local_override *o = override_make(h, slot);
	struct local_override_tag tag = {.until_ms = until_ms}, *tags;

	if (!o)
		return -ENOMEM;
	/* Allocated before the old override is dropped: on ENOMEM nothing changes. */
	tags = realloc(o->tags, (o->n_tags + 1) * sizeof(*tags));
	if (!tags)
		return -ENOMEM;
	o->tags = tags;
	tag.key = strdup(key);
	tag.value = value ? strdup(value) : NULL;
	if (!tag.key || (value && !tag.value)) {
		override_tag_finish(&tag);
		return -ENOMEM;
	}
	for (size_t i = 0; i < o->n_tags; i++) {
		if (strcmp(o->tags[i].key, key) == 0) {
			override_drop_tag(o, i);
			break;
		}
	}
	if (o->n_tags == LOCAL_OVERRIDES_TAGS_MAX)
		override_drop_tag(o, 0);
	o->tags[o->n_tags++] = tag;
	return 0;
}

size_t local_overrides_count(const struct local_overrides *h)
{
	return HASH_COUNT(h->by_slot);
}

int local_overrides_mark(const struct local_overrides *h, struct slot_set *named)
{
	for (const struct local_override *o = h->by_slot; o; o = o->hh.next)
		if (slot_set_add(named, o->slot) < 0)
			return -ENOMEM;
	return 0;
}

void local_overrides_expire(struct local_overrides *h, int64_t now_ms)
{
	struct local_override *o, *next;

	HASH_ITER (hh, h->by_slot, o, next) {
		for (size_t i = o->n_tags; i-- > 0;) {
			if (now_ms >= o->tags[i].until_ms)
				override_drop_tag(o, i);
		}
		if (o->n_tags || local_overrides_created(o, now_ms) ||
			local_overrides_deleted(o, now_ms))
			continue;
		HASH_DEL(h->by_slot, o);
		override_destroy(o);
	}
}

size_t local_overrides_memory(const struct local_overrides *h)
{
	size_t bytes = HASH_OVERHEAD(hh, h->by_slot);

	for (const struct local_override *o = h->by_slot; o; o = o->hh.next)
		bytes += sizeof(*o) + o->n_tags * sizeof(*o->tags);
	return bytes;
}
