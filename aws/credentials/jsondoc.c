/* SPDX-License-Identifier: MIT */
/* JSON by jansson. */
#include "jsondoc.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

/* struct jsondoc is jansson's json_t under another name. */
static json_t *json_of(const struct jsondoc *doc)
{
	return (json_t *)doc;
}

struct jsondoc *jsondoc_parse(const char *text, size_t len)
{
	return (struct jsondoc *)json_loadb(text ? text : "", len, JSON_REJECT_DUPLICATES, NULL);
}

struct jsondoc *jsondoc_create(void)
{
	return (struct jsondoc *)json_object();
}

static void json_wipe(json_t *json)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_string(json))
		explicit_bzero((char *)json_string_value(json), json_string_length(json));
	json_object_foreach(json, key, value) json_wipe(value);
	json_array_foreach(json, i, value) json_wipe(value);
}

void jsondoc_destroy(struct jsondoc *doc)
{
	if (!doc)
		return;
	json_wipe(json_of(doc));
	json_decref(json_of(doc));
}

static const json_t *json_at(const struct jsondoc *doc, const char *path)
{
	const json_t *json = json_of(doc);

	while (json && *path) {
		char name[64];
		size_t len = strcspn(path, ".");

		if (len >= sizeof(name))
			return NULL;
		memcpy(name, path, len);
		name[len] = '\0';
		json = json_object_get(json, name);
		path += len + (path[len] == '.');
	}
	return json;
}

const char *jsondoc_string(const struct jsondoc *doc, const char *path)
{
	return json_string_value(json_at(doc, path));
}

int jsondoc_integer(const struct jsondoc *doc, const char *path, int64_t *out)
{
	const json_t *json = json_at(doc, path);
	double real;

	if (json_is_integer(json)) {
		*out = json_integer_value(json);
		return 0;
	}
	real = json_is_real(json) ? json_real_value(json) : NAN;
	if (!(fabs(real) < 9e15) || real != trunc(real))
		return -EINVAL;
	*out = (int64_t)real;
	return 0;
}

int jsondoc_set_string(struct jsondoc *doc, const char *name, const char *value)
{
	json_t *old = json_object_get(json_of(doc), name), *new = json_string(value);

	if (!new)
		return -ENOMEM;
	if (old)
		json_wipe(old);
	return json_object_set_new(json_of(doc), name, new) < 0 ? -ENOMEM : 0;
}

int jsondoc_print(const struct jsondoc *doc, struct buf *out)
{
	size_t len = json_dumpb(json_of(doc), NULL, 0, JSON_COMPACT);

	if (!len || buf_resize(out, len) < 0)
		return -ENOMEM;
	return json_dumpb(json_of(doc), out->data, len, JSON_COMPACT) == len ? 0 : -ENOMEM;
}
