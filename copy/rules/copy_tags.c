/* SPDX-License-Identifier: MIT */
/* The description and the tags that a copy carries. */
#include "copy_tags.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "endpoint.h"
#include "utf8.h"

char *copy_description_default(const char *account, const struct journal_copy *row,
	const struct catalogue_snapshot *source)
{
	bool own =
		!account || !*account || !*source->owner_id || !strcmp(source->owner_id, account);
	char *text;

	if (asprintf(&text, "[Copied %s%s%s from %s]%s%s", row->source_id, own ? "" : " of ",
		    own ? "" : source->owner_id, row->source_region,
		    *source->description ? " " : "", source->description) < 0)
		return NULL;
	text[utf8_prefix(text, EC2_DESCRIPTION_MAX)] = '\0';
	return text;
}

const char *copy_tags_label(const char *label)
{
	return label && *label != '#' ? label : NULL;
}

unsigned copy_tags_max(bool is_copy, const char *label)
{
	if (!is_copy)
		return EC2_TAGS_MAX;
	return copy_tags_label(label) ? REQUEST_TAGS_MAX - 1 : REQUEST_TAGS_MAX;
}

bool copy_tags_is_reserved(const char *key)
{
	return !strncasecmp(key, "aws:", 4) || !strncmp(key, "ebsfs:", 6);
}

/* Position of the last value for a key, -1. */
static ssize_t copy_tags_last(const struct request_tag *tags, size_t n_tags, const char *key)
{
	for (size_t i = n_tags; i--;)
		if (!strcmp(tags[i].key, key))
			return (ssize_t)i;
	return -1;
}

static ssize_t copy_tags_asked(const struct copy_request *request, const char *key)
{
	return copy_tags_last(request->tags, request->n_tags, key);
}

static int copy_tags_refuse(bool is_copy, unsigned max, struct err *err)
{
	if (!is_copy)
		return err_set(err, EINVAL,
			"more than %u tags are asked for (a volume's Name is one), and EC2 takes "
			"no more: leave some out",
			max);
	return err_set(err, EINVAL,
		"more than %u tags are asked for: EC2 takes %d, and ebsfs adds %u of its own; ask "
		"for fewer, or leave out the source's with copy.no-tags: yes",
		max, EC2_TAGS_MAX, EC2_TAGS_MAX - max);
}

int copy_tags_compose(const struct catalogue *catalogue, catalogue_slot slot,
	const struct copy_request *request, char **json, unsigned *left_out, struct err *err)
{
	bool is_copy = request->kind == REQUEST_COPY;
	unsigned max = copy_tags_max(is_copy, request->again), room = max;
	struct ec2_tag tag;
	json_t *object;
	int result = 0;

	*left_out = 0;
	for (size_t i = 0; i < request->n_tags; i++) {
		const char *key = request->tags[i].key;

		if (copy_tags_is_reserved(key) || copy_tags_asked(request, key) != (ssize_t)i)
			continue;
		if (!room--)
			return copy_tags_refuse(is_copy, max, err);
	}
	object = json_object();
	for (unsigned n = 0; catalogue && catalogue_tag(catalogue, slot, n, &tag); n++) {
		if (copy_tags_is_reserved(tag.key) || copy_tags_asked(request, tag.key) >= 0)
			continue;
		if (!room) {
			++*left_out;
			continue;
		}
		room--;
		result |= json_object_set_new(object, tag.key, json_string(tag.value));
	}
	for (size_t i = 0; i < request->n_tags; i++)
		if (!copy_tags_is_reserved(request->tags[i].key) &&
			copy_tags_asked(request, request->tags[i].key) == (ssize_t)i)
			result |= json_object_set_new(
				object, request->tags[i].key, json_string(request->tags[i].value));
	*json = result ? NULL : json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return *json ? 0 : err_set(err, ENOMEM, "out of memory");
}

int copy_tags_add(
	struct journal_copy *row, const struct request_tag *tags, size_t n_tags, struct err *err)
{
	json_t *object = row->tags ? json_loads(row->tags, 0, NULL) : json_object();
	unsigned max = copy_tags_max(!row->kind, row->label);
	char *text = NULL;
	int result = json_is_object(object) ? 0 : -ENOMEM;

	for (size_t i = 0; i < n_tags && !result; i++)
		if (!copy_tags_is_reserved(tags[i].key) &&
			json_object_set_new(object, tags[i].key, json_string(tags[i].value)) < 0)
			result = -ENOMEM;
	if (!result && json_object_size(object) > max)
		result = err_set(err, EDQUOT,
			"the copy would have more than %u tags: EC2 takes %d, and ebsfs adds %u of "
			"its own",
			max, EC2_TAGS_MAX, EC2_TAGS_MAX - max);
	else if (!result)
		text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (!text)
		return result < 0 && result != -ENOMEM ? result
						       : err_set(err, ENOMEM, "out of memory");
	free(row->tags);
	row->tags = text;
	return 0;
}

size_t copy_tags_lacking(const struct catalogue *catalogue, catalogue_slot slot,
	const struct request_tag *tags, size_t n_tags, struct ec2_tag *out)
{
	size_t n = 0;

	for (size_t i = 0; i < n_tags; i++) {
		const char *has = slot == CATALOGUE_NONE
					  ? NULL
					  : catalogue_tag_value(catalogue, slot, tags[i].key);

		if (copy_tags_is_reserved(tags[i].key) ||
			copy_tags_last(tags, n_tags, tags[i].key) != (ssize_t)i ||
			(has && !strcmp(has, tags[i].value)))
			continue;
		out[n++] = (struct ec2_tag){tags[i].key, tags[i].value};
	}
	return n;
}

size_t copy_tags_row_lacking(const struct journal_copy *row, const struct request_tag *tags,
	size_t n_tags, struct ec2_tag *out)
{
	json_t *object = row->tags ? json_loads(row->tags, 0, NULL) : NULL;
	size_t n = 0;

	for (size_t i = 0; i < n_tags; i++) {
		const char *has = json_string_value(json_object_get(object, tags[i].key));

		if (!copy_tags_is_reserved(tags[i].key) &&
			copy_tags_last(tags, n_tags, tags[i].key) == (ssize_t)i &&
			!(has && !strcmp(has, tags[i].value)))
			out[n++] = (struct ec2_tag){tags[i].key, tags[i].value};
	}
	json_decref(object);
	return n;
}

const char *copy_tags_source_text(const struct journal_copy *row, char out[COPY_TAGS_SOURCE_SIZE])
{
	snprintf(out, COPY_TAGS_SOURCE_SIZE, "%s/%s", row->source_region, row->source_id);
	return out;
}

int copy_tags_list(const struct journal_copy *row, struct tag_list *out)
{
	json_t *object = row->tags ? json_loads(row->tags, 0, NULL) : NULL;
	const char *label = copy_tags_label(row->label);
	const char *key;
	json_t *value;

	*out = (struct tag_list){.memory = object};
	if (row->tags && !json_is_object(object)) {
		copy_tags_finish(out);
		return -EINVAL;
	}
	json_object_foreach(object, key, value)
	{
		if (!json_is_string(value) || out->n == copy_tags_max(!row->kind, label)) {
			copy_tags_finish(out);
			return -EINVAL;
		}
		out->tags[out->n++] = (struct ec2_tag){key, json_string_value(value)};
	}
	if (row->kind)
		return 0;
	out->tags[out->n++] = (struct ec2_tag){TAG_REQUEST, row->token};
	copy_tags_source_text(row, out->source);
	out->tags[out->n++] = (struct ec2_tag){TAG_SOURCE, out->source};
	if (label)
		out->tags[out->n++] = (struct ec2_tag){TAG_AGAIN, label};
	return 0;
}

int copy_tags_to_send(const struct journal_copy *row, struct tag_list *out, struct err *err)
{
	*out = (struct tag_list){0};
	if (!row->tags || copy_tags_list(row, out) == 0)
		return 0;
	return err_set(err, EINVAL,
		"the tags of this %s cannot be read from the journal; nothing was sent; request it "
		"again",
		row->kind ? row->kind : "copy");
}

void copy_tags_finish(struct tag_list *list)
{
	json_decref(list->memory);
	*list = (struct tag_list){0};
}

const char *copy_tags_find(const struct ec2_snapshot *s, const char *key)
{
	for (size_t i = 0; i < s->n_tags; i++)
		if (!strcmp(s->tags[i].key, key))
			return s->tags[i].value;
	return NULL;
}

bool copy_tags_source(const char *value, char **region, char **id)
{
	const char *slash = value ? strchr(value, '/') : NULL;

	*region = *id = NULL;
	if (!slash)
		return false;
	*region = strndup(value, (size_t)(slash - value));
	*id = strdup(slash + 1);
	if (*region && *id && endpoint_is_region(*region) && ec2_is_snapshot_id(*id))
		return true;
	free(steal(region));
	free(steal(id));
	return false;
}
