/* SPDX-License-Identifier: MIT */
/* One snapshot: its fields, its tags, its accounts. */
#include "sim_snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

static struct sim_tag *tags_find(const struct sim_tags *tags, const char *key)
{
	for (size_t i = 0; i < tags->n; i++)
		if (!strcmp(tags->items[i].key, key))
			return &tags->items[i];
	return NULL;
}

int sim_tags_set(struct sim_tags *tags, const char *key, const char *value)
{
	struct sim_tag *tag = tags_find(tags, key);
	_cleanup_free_ char *v = strdup(value), *k = NULL;
	struct sim_tag *items;

	if (!v)
		return -ENOMEM;
	if (tag) {
		free((void *)tag->value);
		tag->value = steal(&v);
		return 0;
	}
	k = strdup(key);
	items = realloc(tags->items, (tags->n + 1) * sizeof(*items));
	if (items)
		tags->items = items;
	if (!k || !items)
		return -ENOMEM;
	items[tags->n++] = (struct sim_tag){steal(&k), steal(&v)};
	return 0;
}

int sim_tags_copy(struct sim_tags *to, const struct sim_tags *from)
{
	for (size_t i = 0; i < from->n; i++) {
		int r = sim_tags_set(to, from->items[i].key, from->items[i].value);

		if (r < 0)
			return r;
	}
	return 0;
}

const char *sim_tags_get(const struct sim_tags *tags, const char *key)
{
	const struct sim_tag *tag = tags_find(tags, key);

	return tag ? tag->value : NULL;
}

void sim_tags_finish(struct sim_tags *tags)
{
	for (size_t i = 0; i < tags->n; i++) {
		free((void *)tags->items[i].key);
		free((void *)tags->items[i].value);
	}
	free(tags->items);
	*tags = (struct sim_tags){0};
}

struct sim_snapshot *sim_snapshot_create(void)
{
	struct sim_snapshot *s = calloc(1, sizeof(*s));

	if (s)
		s->full_size = -1;
	return s;
}

/* Applies do_ to every string field. */
#define EACH_STRING(do_)                                                                           \
	do_(id) do_(volume_id) do_(owner_id) do_(owner_alias) do_(description) do_(state)          \
		do_(message) do_(progress) do_(kms_key_id) do_(data_key_id) do_(outpost_arn)       \
			do_(zone) do_(storage_tier) do_(sse_type) do_(transfer_type) do_(disk)     \
				do_(source_region) do_(source_id) do_(run.failure)

void sim_snapshot_destroy(struct sim_snapshot *s)
{
	if (!s)
		return;
#define FREE(field) free((void *)s->field);
	EACH_STRING(FREE)
#undef FREE
	for (size_t i = 0; i < s->n_shared; i++)
		free((void *)s->shared[i]);
	free(s->shared);
	sim_tags_finish(&s->tags);
	sim_tags_finish(&s->old_tags);
	free(s);
}
DEFINE_CLEANUP(struct sim_snapshot *, sim_snapshot_destroy)

int sim_snapshot_set(const char **field, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return -ENOMEM;
	free((void *)*field);
	*field = copy;
	return 0;
}

struct sim_snapshot *sim_snapshot_copy(const struct sim_snapshot *from)
{
	_cleanup_(sim_snapshot_destroyp) struct sim_snapshot *s = sim_snapshot_create();
	int r = 0;

	if (!s)
		return NULL;
	*s = *from;
	memset(&s->by_id, 0, sizeof(s->by_id));
	s->shared = NULL;
	s->n_shared = 0;
	s->tags = s->old_tags = (struct sim_tags){0};
#define CLEAR(field) s->field = NULL;
#define COPY(field)  r = r < 0 ? r : sim_snapshot_set(&s->field, from->field);
	EACH_STRING(CLEAR)
	EACH_STRING(COPY)
#undef CLEAR
#undef COPY
	for (size_t i = 0; i < from->n_shared && r == 0; i++)
		r = sim_snapshot_share(s, from->shared[i]);
	if (r < 0 || sim_tags_copy(&s->tags, &from->tags) < 0 ||
		sim_tags_copy(&s->old_tags, &from->old_tags) < 0)
		return NULL;
	return steal(&s);
}

int sim_snapshot_share(struct sim_snapshot *s, const char *account)
{
	_cleanup_free_ char *copy = strdup(account);
	const char **shared;

	if (sim_snapshot_is_shared_with(s, account))
		return 0;
	shared = realloc(s->shared, (s->n_shared + 1) * sizeof(*shared));
	if (shared)
		s->shared = shared;
	if (!shared || !copy)
		return -ENOMEM;
	shared[s->n_shared++] = steal(&copy);
	return 0;
}

void sim_snapshot_unshare(struct sim_snapshot *s, const char *account)
{
	for (size_t i = 0; i < s->n_shared; i++) {
		if (strcmp(s->shared[i], account))
			continue;
		free((void *)s->shared[i]);
		s->shared[i] = s->shared[--s->n_shared];
		return;
	}
}

bool sim_snapshot_is_shared_with(const struct sim_snapshot *s, const char *account)
{
	for (size_t i = 0; i < s->n_shared; i++)
		if (!strcmp(s->shared[i], account))
			return true;
	return false;
}

bool sim_snapshot_is(const struct sim_snapshot *s, const char *state)
{
	return !strcmp(s->state, state);
}
