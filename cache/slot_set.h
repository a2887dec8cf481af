/* SPDX-License-Identifier: MIT */
/* A set of slots: a bit each. */
#ifndef EBSFS_SLOT_SET_H
#define EBSFS_SLOT_SET_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* All zero: empty. */
struct slot_set {
	uint64_t *words;
	uint32_t room; /* in words */
};

static inline bool slot_set_has(const struct slot_set *s, uint32_t slot)
{
	return slot / 64 < s->room && s->words[slot / 64] >> slot % 64 & 1;
}

/* Returns 0 or -ENOMEM. */
static inline int slot_set_add(struct slot_set *s, uint32_t slot)
{
	if (slot / 64 >= s->room) {
		uint32_t room = slot / 64 + slot / 256 + 16;
		uint64_t *words = realloc(s->words, room * sizeof(*words));

		if (!words)
			return -ENOMEM;
		memset(words + s->room, 0, (room - s->room) * sizeof(*words));
		s->words = words;
		s->room = room;
	}
	s->words[slot / 64] |= (uint64_t)1 << slot % 64;
	return 0;
}

static inline void slot_set_remove(struct slot_set *s, uint32_t slot)
{
	if (slot_set_has(s, slot))
		s->words[slot / 64] &= ~((uint64_t)1 << slot % 64);
}

/* Adds all of `from`. Returns 0 or -ENOMEM. */
static inline int slot_set_add_all(struct slot_set *s, const struct slot_set *from)
{
	if (from->room > s->room) {
		uint64_t *words = realloc(s->words, from->room * sizeof(*words));

		if (!words)
			return -ENOMEM;
		memset(words + s->room, 0, (from->room - s->room) * sizeof(*words));
		s->words = words;
		s->room = from->room;
	}
	for (uint32_t i = 0; i < from->room; i++)
		s->words[i] |= from->words[i];
	return 0;
}

/* Keeps the memory. */
static inline void slot_set_clear(struct slot_set *s)
{
	if (s->words)
		memset(s->words, 0, s->room * sizeof(*s->words));
}

static inline void slot_set_finish(struct slot_set *s)
{
	free(s->words);
	*s = (struct slot_set){0};
}

static inline size_t slot_set_memory(const struct slot_set *s)
{
	return s->room * sizeof(*s->words);
}

#endif
