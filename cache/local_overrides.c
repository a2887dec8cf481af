/* SPDX-License-Identifier: MIT */
/* What ebsfs itself changed lately, by slot. */
#include "local_overrides.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void hold_tag_finish(struct hold_tag *tag)
{
	free(tag->key);
	free(tag->value);
}

static void hold_destroy(struct hold *hold)
{
	for (size_t i = 0; i < hold->n_tags; i++)
		hold_tag_finish(&hold->tags[i]);
	free(hold->tags);
	free(hold);
}

void holds_finish(struct holds *h)
{
	struct hold *hold, *next;

	HASH_ITER (hh, h->by_slot, hold, next) {
		HASH_DEL(h->by_slot, hold);
		hold_destroy(hold);
	}
}

static struct hold *hold_of(const struct holds *h, uint32_t slot)
{
	struct hold *hold;

	HASH_FIND(hh, h->by_slot, &slot, sizeof(slot), hold);
	return hold;
}

const struct hold *holds_find(const struct holds *h, uint32_t slot)
{
	return hold_of(h, slot);
}

bool holds_created(const struct hold *hold, int64_t now_ms)
{
	return hold && now_ms < hold->created_until_ms;
}

bool holds_deleted(const struct hold *hold, int64_t now_ms)
{
	return hold && now_ms < hold->deleted_until_ms;
}

const struct hold_tag *holds_tag(const struct hold *hold, const char *key, int64_t now_ms)
{
	for (size_t i = 0; hold && i < hold->n_tags; i++) {
		if (now_ms < hold->tags[i].until_ms && strcmp(hold->tags[i].key, key) == 0)
			return &hold->tags[i];
	}
	return NULL;
}

/* The slot's hold, made if there is none; NULL on ENOMEM. */
static struct hold *hold_make(struct holds *h, uint32_t slot)
{
	struct hold *hold = hold_of(h, slot);

	if (hold)
		return hold;
	hold = calloc(1, sizeof(*hold));
	if (!hold)
		return NULL;
	hold->slot = slot;
	HASH_ADD(hh, h->by_slot, slot, sizeof(hold->slot), hold);
	if (!hold->hh.tbl) {
		free(hold);
		return NULL;
	}
	return hold;
}

int holds_set_created(struct holds *h, uint32_t slot, int64_t until_ms)
{
	struct hold *hold = hold_make(h, slot);

	if (!hold)
		return -ENOMEM;
	hold->created_until_ms = until_ms;
	hold->deleted_until_ms = 0;
	return 0;
}

int holds_set_deleted(struct holds *h, uint32_t slot, int64_t until_ms)
{
	struct hold *hold = hold_make(h, slot);

	if (!hold)
		return -ENOMEM;
	hold->deleted_until_ms = until_ms;
	hold->created_until_ms = 0;
	return 0;
}

static void hold_drop_tag(struct hold *hold, size_t i)
{
	hold_tag_finish(&hold->tags[i]);
	hold->n_tags--;
	memmove(&hold->tags[i], &hold->tags[i + 1], (hold->n_tags - i) * sizeof(*hold->tags));
}

int holds_set_tag(
	struct holds *h, uint32_t slot, const char *key, const char *value, int64_t until_ms)
{
	struct hold *hold = hold_make(h, slot);
	struct hold_tag tag = {.until_ms = until_ms}, *tags;

	if (!hold)
		return -ENOMEM;
	/* Before the old one goes: without memory for the new nothing changes. */
	tags = realloc(hold->tags, (hold->n_tags + 1) * sizeof(*tags));
	if (!tags)
		return -ENOMEM;
	hold->tags = tags;
	tag.key = strdup(key);
	tag.value = value ? strdup(value) : NULL;
	if (!tag.key || (value && !tag.value)) {
		hold_tag_finish(&tag);
		return -ENOMEM;
	}
	for (size_t i = 0; i < hold->n_tags; i++) {
		if (strcmp(hold->tags[i].key, key) == 0) {
			hold_drop_tag(hold, i);
			break;
		}
	}
	if (hold->n_tags == HOLDS_TAGS_MAX)
		hold_drop_tag(hold, 0);
	hold->tags[hold->n_tags++] = tag;
	return 0;
}

size_t holds_count(const struct holds *h)
{
	return HASH_COUNT(h->by_slot);
}

void holds_expire(struct holds *h, int64_t now_ms)
{
	struct hold *hold, *next;

	HASH_ITER (hh, h->by_slot, hold, next) {
		for (size_t i = hold->n_tags; i-- > 0;) {
			if (now_ms >= hold->tags[i].until_ms)
				hold_drop_tag(hold, i);
		}
		if (hold->n_tags || holds_created(hold, now_ms) || holds_deleted(hold, now_ms))
			continue;
		HASH_DEL(h->by_slot, hold);
		hold_destroy(hold);
	}
}

size_t holds_memory(const struct holds *h)
{
	size_t bytes = HASH_OVERHEAD(hh, h->by_slot);

	for (const struct hold *hold = h->by_slot; hold; hold = hold->hh.next)
		bytes += sizeof(*hold) + hold->n_tags * sizeof(*hold->tags);
	return bytes;
}
