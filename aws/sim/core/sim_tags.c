/* SPDX-License-Identifier: MIT */
/* EC2's rules for tags: CreateTags, DeleteTags, and tags of a new resource. */
#include "sim_tags.h"

#include <string.h>
#include <strings.h>

#include "sim_actions.h"
#include "sim_image_calls.h"
#include "sim_text.h"
#include "sim_volume_calls.h"
#include "utf8.h"

#define RESOURCES_MAX 1000

const char *const sim_create_tags_params[] = {"ResourceId.#", "Tag.#.Key", "Tag.#.Value", NULL};

static bool tag_is_reserved(const char *key)
{
	return !strncasecmp(key, "aws:", 4);
}

static int tag_check_key(struct sim_call *c, const char *key)
{
	if (tag_is_reserved(key))
		return sim_fail(c, 400, "InvalidParameterValue",
			"Tag keys starting with 'aws:' are reserved for internal use");
	if (!*key || utf8_count(key, strlen(key)) > SIM_TAG_KEY_MAX || !sim_text_is_printable(key))
		return sim_fail(c, 400, "InvalidParameterValue",
			"Tag key is invalid. Tag keys must be between 1 and %d characters in "
			"length.",
			SIM_TAG_KEY_MAX);
	return 0;
}

static int tag_check_value(struct sim_call *c, const char *value)
{
	if (utf8_count(value, strlen(value)) > SIM_TAG_VALUE_MAX || !sim_text_is_printable(value))
		return sim_fail(c, 400, "InvalidParameterValue",
			"Tag value exceeds the maximum length of %d characters", SIM_TAG_VALUE_MAX);
	return 0;
}

static int tags_check_count(struct sim_call *c, const struct sim_tags *tags)
{
	size_t n = 0;

	for (size_t i = 0; i < tags->n; i++)
		n += !tag_is_reserved(tags->items[i].key);
	if (n > SIM_TAGS_MAX)
		return sim_fail(c, 400, "TagLimitExceeded",
			"The maximum number of Tags for a resource has been reached.");
	return 0;
}

/* Reads <prefix>Tag.N.Key and .Value into *out, which must be empty. */
static int parse_tags(struct sim_call *c, const char *prefix, struct sim_tags *out)
{
	_cleanup_free_ size_t *numbers = NULL;
	char list[64];
	int n;

	snprintf(list, sizeof(list), "%sTag.", prefix);
	n = sim_params_numbers(c->params, list, &numbers);
	if (n < 0)
		return sim_fail_memory(c);
	for (int i = 0; i < n; i++) {
		const char *key = sim_params_getf(c->params, "%sTag.%zu.Key", prefix, numbers[i]);
		const char *value =
			sim_params_getf(c->params, "%sTag.%zu.Value", prefix, numbers[i]);

		if (!key)
			return sim_fail(c, 400, "MissingParameter",
				"The request must contain the parameter %sTag.%zu.Key", prefix,
				numbers[i]);
		if (tag_check_key(c, key) < 0 || tag_check_value(c, value ? value : "") < 0)
			return -1;
		if (sim_tags_get(out, key))
			return sim_fail(c, 400, "InvalidParameterValue",
				"Duplicate tag key '%s' specified.", key);
		if (sim_tags_set(out, key, value ? value : "") < 0)
			return sim_fail_memory(c);
	}
	return 0;
}

int sim_tags_from_specification(struct sim_call *c, const char *type, struct sim_tags *out)
{
	_cleanup_free_ size_t *numbers = NULL;
	int n = sim_params_numbers(c->params, "TagSpecification.", &numbers);
	char prefix[48];

	if (n < 0)
		return sim_fail_memory(c);
	if (n > 1)
		return sim_fail(c, 400, "InvalidParameterValue",
			"The resource type '%s' may have only one TagSpecification", type);
	for (int i = 0; i < n; i++) {
		const char *said =
			sim_params_getf(c->params, "TagSpecification.%zu.ResourceType", numbers[i]);

		if (!said || strcmp(said, type))
			return sim_fail(c, 400, "InvalidParameterValue",
				"'%s' is not a valid taggable resource type for this operation.",
				said ? said : "");
		snprintf(prefix, sizeof(prefix), "TagSpecification.%zu.", numbers[i]);
		if (parse_tags(c, prefix, out) < 0)
			return -1;
		if (!out->n)
			return sim_fail(c, 400, "InvalidParameterValue",
				"Tag specification must have at least one tag");
	}
	return tags_check_count(c, out);
}

/* A resource with tags. The tags of volumes and images change without a consistency delay. */
struct resource {
	struct sim_snapshot *snapshot; /* NULL: the resource is a volume or an image */
	struct sim_tags *tags;
};

/* Finds the caller's own resource, to be changed. Returns 0, or -1 after sim_fail(). */
static int resource_find(struct sim_call *c, const char *id, struct resource *out)
{
	struct sim_volume *v = NULL;
	struct sim_image *image = NULL;

	*out = (struct resource){0};
	if (!strncmp(id, "vol-", 4)) {
		if (sim_call_check_id(c, "vol", "resourceId", id) == 0)
			v = sim_volume_own(c, id);
		out->tags = v ? &v->tags : NULL;
	} else if (!strncmp(id, "ami-", 4)) {
		image = sim_image_own(c, id);
		out->tags = image ? &image->tags : NULL;
	} else if (strncmp(id, "snap-", 5) != 0) {
		return sim_fail(c, 400, "InvalidID", "The ID '%s' is not valid", id);
	} else if (sim_call_check_id(c, "snap", "resourceId", id) == 0) {
		out->snapshot = sim_call_own_snapshot(c, id);
		out->tags = out->snapshot ? &out->snapshot->tags : NULL;
	}
	return out->tags ? 0 : -1;
}

/* Replaces the resource's tags by the contents of *tags, which are moved. */
static void resource_show_tags(struct sim_call *c, const struct resource *r, struct sim_tags *tags)
{
	if (r->snapshot) {
		sim_call_show_tags(c, r->snapshot, tags);
		return;
	}
	sim_tags_finish(r->tags);
	*r->tags = *tags;
	*tags = (struct sim_tags){0};
}

/* Reads the ids of ResourceId.N, which must be the caller's own resources. The caller frees *ids.
 * Returns their number, or -1 after sim_fail(). */
static int parse_resources(struct sim_call *c, const char ***ids)
{
	int n = sim_params_list(c->params, "ResourceId.", ids);

	if (n < 0)
		return sim_fail_memory(c);
	if (!n)
		return sim_fail(c, 400, "MissingParameter",
			"The request must contain the parameter resourceIdSet");
	if (n > RESOURCES_MAX)
		return sim_fail(
			c, 400, "InvalidParameterValue", "More than %d resources", RESOURCES_MAX);
	for (int i = 0; i < n; i++) {
		struct resource r;

		if (resource_find(c, (*ids)[i], &r) < 0)
			return -1;
	}
	return n;
}

static int tags_merge(struct sim_call *c, const struct sim_tags *old, const struct sim_tags *new,
	struct sim_tags *out)
{
	if (sim_tags_copy(out, old) < 0 || sim_tags_copy(out, new) < 0)
		return sim_fail_memory(c);
	return tags_check_count(c, out);
}

int sim_create_tags(struct sim_call *c)
{
	_cleanup_(sim_tags_finish) struct sim_tags new = {0};
	_cleanup_free_ const char **ids = NULL;
	int n = parse_resources(c, &ids);

	if (n < 0 || parse_tags(c, "", &new) < 0)
		return -1;
	if (!new.n)
		return sim_fail(c, 400, "MissingParameter",
			"The request must contain the parameter tagSet");
	/* Either all resources change or none: the first pass checks them, the second changes them.
	 */
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < n; i++) {
			_cleanup_(sim_tags_finish) struct sim_tags merged = {0};
			struct resource r;

			if (resource_find(c, ids[i], &r) < 0 ||
				tags_merge(c, r.tags, &new, &merged) < 0)
				return -1;
			if (pass)
				resource_show_tags(c, &r, &merged);
		}
		if (!pass && sim_call_dry_run(c) < 0)
			return -1;
	}
	return sim_call_true(c);
}

/* Whether DeleteTags deletes this tag: a request without tags deletes all, a key without a value
 * deletes any value. */
static bool tag_is_named(
	const struct sim_call *c, const size_t *numbers, int n, const struct sim_tag *tag)
{
	for (int i = 0; i < n; i++) {
		const char *key = sim_params_getf(c->params, "Tag.%zu.Key", numbers[i]);
		const char *value = sim_params_getf(c->params, "Tag.%zu.Value", numbers[i]);

		if (key && !strcmp(key, tag->key) && (!value || !strcmp(value, tag->value)))
			return true;
	}
	return !n && !tag_is_reserved(tag->key);
}

int sim_delete_tags(struct sim_call *c)
{
	_cleanup_free_ const char **ids = NULL;
	_cleanup_free_ size_t *numbers = NULL;
	int n = parse_resources(c, &ids), n_tags;

	if (n < 0)
		return -1;
	n_tags = sim_params_numbers(c->params, "Tag.", &numbers);
	if (n_tags < 0)
		return sim_fail_memory(c);
	for (int i = 0; i < n_tags; i++) {
		const char *key = sim_params_getf(c->params, "Tag.%zu.Key", numbers[i]);

		if (tag_check_key(c, key ? key : "") < 0)
			return -1;
	}
	if (sim_call_dry_run(c) < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		_cleanup_(sim_tags_finish) struct sim_tags left = {0};
		struct resource r;

		if (resource_find(c, ids[i], &r) < 0)
			return -1;
		for (size_t j = 0; j < r.tags->n; j++)
			if (!tag_is_named(c, numbers, n_tags, &r.tags->items[j]) &&
				sim_tags_set(&left, r.tags->items[j].key, r.tags->items[j].value) <
					0)
				return sim_fail_memory(c);
		resource_show_tags(c, &r, &left);
	}
	return sim_call_true(c);
}
