/* SPDX-License-Identifier: MIT */
/* The description and the tags that a receipt's folder adds to its request. The tags are kept as a
 * JSON object, as in the journal. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "receipts.h"

static json_t *receipt_tags_load(const struct receipt *r)
{
	json_t *object = r->tags ? json_loads(r->tags, 0, NULL) : json_object();

	if (object && !json_is_object(object)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

int receipt_tags_set(struct receipt *r, const char *key, const char *value)
{
	json_t *object = receipt_tags_load(r);
	char *tags;
	int result;

	if (!object)
		return -ENOMEM;
	result = value ? json_object_set_new(object, key, json_string(value))
		       : (json_object_del(object, key), 0);
	tags = result < 0 ? NULL : json_dumps(object, JSON_COMPACT);
	if (tags) {
		free(r->tags);
		r->tags = tags;
		if (!json_object_size(object))
			free(steal(&r->tags));
	}
	json_decref(object);
	return tags ? 0 : -ENOMEM;
}

char *receipt_tags_value(const struct receipt *r, const char *key)
{
	json_t *object = receipt_tags_load(r);
	const char *kept = object ? json_string_value(json_object_get(object, key)) : NULL;
	char *value = kept ? strdup(kept) : NULL;

	json_decref(object);
	return value;
}

int receipt_tags_each(const struct receipt *r, receipt_tags_fn *fn, void *arg)
{
	json_t *object = receipt_tags_load(r), *value;
	const char *key;
	int result = object ? 0 : -ENOMEM;

	json_object_foreach(object, key, value)
	{
		if (result == 0 && json_is_string(value))
			result = fn(arg, key, json_string_value(value));
	}
	json_decref(object);
	return result;
}

/* --- the source --- */

/* The source's slot in the catalogue of its region; CATALOGUE_NONE: the catalogue does not have it.
 */
static catalogue_slot receipt_tags_source(
	struct fs *fs, const char *region, const char *id, const struct catalogue **catalogue)
{
	struct region *r = region && id ? regions_get(fs->regions, region) : NULL;

	*catalogue = r ? region_catalogue(r) : NULL;
	return *catalogue ? catalogue_find(*catalogue, id) : CATALOGUE_NONE;
}

bool receipt_tags_are_source(
	struct fs *fs, const char *region, const char *id, const char *key, const char *value)
{
	const struct catalogue *c;
	catalogue_slot slot = receipt_tags_source(fs, region, id, &c);
	struct catalogue_snapshot s;
	const char *has;

	if (slot == CATALOGUE_NONE || !catalogue_get(c, slot, &s))
		return false;
	has = key ? catalogue_tag_value(c, slot, key) : s.description;
	return has && !strcmp(has, value);
}

/* --- the request --- */

struct receipt_adding {
	struct fs *fs;
	struct copy_request *request; /* to which the tags are added */
};

static int receipt_tags_add_one(void *arg, const char *key, const char *value)
{
	struct receipt_adding *adding = arg;
	struct copy_request *request = adding->request;
	struct request_tag *tag = &request->tags[request->n_tags];

	/* A tag that the copy gets from its source anyway is left out, to leave room for others. */
	if (!request->no_tags && receipt_tags_are_source(adding->fs, request->source_region,
					 request->source_id, key, value))
		return 0;
	tag->key = strdup(key);
	tag->value = strdup(value);
	if (!tag->key || !tag->value) {
		free(tag->key);
		free(tag->value);
		return -ENOMEM;
	}
	request->n_tags++;
	return 0;
}

static int receipt_tags_count(void *arg, const char *key, const char *value)
{
	(void)key;
	(void)value;
	++*(size_t *)arg;
	return 0;
}

int receipt_tags_request(struct fs *fs, const struct receipt *r, const struct copy_request *text,
	struct copy_request *out)
{
	struct receipt_adding adding = {fs, out};
	size_t n = text->n_tags;
	int result;

	*out = *text;
	out->tags = NULL;
	out->n_tags = 0;
	if (receipt_tags_each(r, receipt_tags_count, &n) < 0)
		return -ENOMEM;
	out->tags = calloc(n + 1, sizeof(*out->tags));
	if (!out->tags)
		return -ENOMEM;
	result = receipt_tags_each(r, receipt_tags_add_one, &adding);
	/* The text's tags come last, because the last value of a key counts. */
	if (text->n_tags)
		memcpy(out->tags + out->n_tags, text->tags, text->n_tags * sizeof(*out->tags));
	out->n_tags += text->n_tags;
	if (result < 0) {
		receipt_tags_request_finish(text, out);
		return result;
	}
	if (!out->description && r->description && *r->description)
		out->description = r->description;
	out->awaits_description = !text->description && !r->description && !text->dry_run;
	return 0;
}

void receipt_tags_request_finish(const struct copy_request *text, struct copy_request *out)
{
	for (size_t i = 0; i + text->n_tags < out->n_tags; i++) {
		free(out->tags[i].key);
		free(out->tags[i].value);
	}
	free(steal(&out->tags));
}
