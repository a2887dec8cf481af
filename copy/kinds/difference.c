/* SPDX-License-Identifier: MIT */
/* Compares a request with the living copy of its key: by EC2's record of the copy, and as long as
 * there is none, by what was asked for. */
#include "difference.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "copy_snapshot.h"
#include "copy_tags.h"
#include "num.h"
#include "region_queue.h"

struct compared {
	struct copies *all;
	const struct copy *copy;
	const struct preflight *request;
	bool shown; /* s is EC2's record of the copy */
	struct catalogue_snapshot s;
	const struct catalogue *catalogue;
	catalogue_slot slot;
	bool has_source; /* source is EC2's record of the source */
	struct catalogue_snapshot source;
	const char *description; /* the copy's; "" */
};

static bool difference_find(struct copies *c, const char *region_name, const char *id,
	struct catalogue_snapshot *out, const struct catalogue **catalogue, catalogue_slot *slot)
{
	struct region *region = region_name ? regions_get(c->options.regions, region_name) : NULL;

	if (!region || !id)
		return false;
	*catalogue = region_catalogue(region);
	*slot = catalogue_find_shown(*catalogue, id);
	return *slot != CATALOGUE_NONE && catalogue_get(*catalogue, *slot, out) && out->exists;
}

/* --- description --- */

/* The copy's description without the head "[Copied snap-… from …] "; NULL: it has none. */
static const char *difference_tail(const struct compared *d)
{
	static const char head[] = "[Copied ";
	const char *text = d->description, *end = strchr(text, ']');
	const char *id = strstr(text, d->copy->row.source_id);

	if (strncmp(text, head, sizeof(head) - 1) || !end || !id || id > end)
		return NULL;
	return end[1] == ' ' ? end + 2 : end + 1;
}

/* A text of EC2's may have been cut to its longest. */
static bool difference_is_default(const struct compared *d, const char *asked)
{
	const struct journal_copy *row = &d->copy->row;
	_cleanup_free_ char *text =
		d->has_source ? copy_description_default(d->all->options.account, row, &d->source)
			      : NULL;

	return text && !strcmp(text, asked);
}

static bool difference_in_description(const struct compared *d, char *what, size_t size)
{
	const char *asked = d->request->row->description, *tail = difference_tail(d);

	if (!asked || !strcmp(asked, d->description) || (tail && !strcmp(asked, tail)) ||
		(d->has_source && !strcmp(asked, d->source.description)) ||
		difference_is_default(d, asked))
		return false;
	snprintf(what, size, "its description is '%.100s', not '%.100s'", d->description, asked);
	return true;
}

/* --- encryption --- */

static bool difference_is_encrypted(const struct compared *d, bool *known)
{
	const struct journal_copy *row = &d->copy->row;
	struct region_queue *queue = region_queue_find(d->all, row->region);
	const struct encryption_defaults *defaults =
		queue ? &copy_region(queue)->defaults.known : NULL;

	*known = true;
	if (d->shown && d->s.encryption != EC2_ENCRYPTION_UNKNOWN)
		return d->s.encryption == EC2_ENCRYPTION_PRESENT;
	if (row->encrypted || (d->has_source && d->source.encryption == EC2_ENCRYPTION_PRESENT) ||
		(defaults && defaults->known && defaults->on))
		return true;
	*known = d->has_source && defaults && defaults->known;
	return false;
}

/* A key's ARN ends with its id. */
static bool difference_is_key(const char *shown, const char *asked)
{
	const char *id = strrchr(shown, '/');

	return !strcmp(shown, asked) || (strncmp(shown, "alias/", 6) && !strstr(shown, ":alias/") &&
						id && !strcmp(id + 1, asked));
}

static bool difference_in_key(const struct compared *d, char *what, size_t size)
{
	const char *asked = d->request->row->kms_key_id, *given = d->copy->row.kms_key_id;
	const char *shown = d->shown ? d->s.kms_key_id : "";

	if (!asked || (given && (!strcmp(given, asked) || difference_is_key(given, asked))) ||
		(*shown && difference_is_key(shown, asked)))
		return false;
	if (*shown || given)
		snprintf(what, size, "it is encrypted with the KMS key %.150s, not with %.150s",
			*shown ? shown : given, asked);
	else
		snprintf(what, size, "it was not asked for with the KMS key %.150s", asked);
	return true;
}

static bool difference_in_encryption(const struct compared *d, char *what, size_t size)
{
	const struct preflight *request = d->request;
	bool known, encrypted = difference_is_encrypted(d, &known);

	if (request->unencrypted && (encrypted || !known)) {
		snprintf(what, size, known ? "it is encrypted" : "it may become encrypted");
		return true;
	}
	if (request->row->encrypted && !request->row->kms_key_id && !encrypted) {
		snprintf(what, size, "it is not encrypted");
		return true;
	}
	return false;
}

/* --- completion time --- */

static uint64_t difference_minutes(const struct compared *d)
{
	struct ec2_field field;
	uint64_t minutes;

	for (unsigned n = 0; d->shown && catalogue_field(d->catalogue, d->slot, n, &field); n++)
		if (!strcmp(field.name, "CompletionDurationMinutes") &&
			num_parse_u64(field.value, strlen(field.value), 1, INT32_MAX, &minutes) ==
				0)
			return minutes;
	return (uint64_t)d->copy->row.completion_minutes;
}

static bool difference_in_minutes(const struct compared *d, char *what, size_t size)
{
	int asked = d->request->row->completion_minutes;

	if (!asked || difference_minutes(d) == (uint64_t)asked)
		return false;
	snprintf(what, size, "it was not asked for with a completion time of %d minutes", asked);
	return true;
}

static int difference_tell(
	const struct compared *d, const char *what, const char *option, struct err *err)
{
	const struct journal_copy *row = &d->copy->row;

	if (row->copy_id)
		return err_set(err, EEXIST,
			"%s in %s is the copy of %s/%s already, and %s; nothing was sent. "
			"Leave %s out, or add the line 'copy.again: LABEL' for one more copy",
			row->copy_id, row->region, row->source_region, row->source_id, what,
			option);
	return err_set(err, EEXIST,
		"a copy of %s/%s to %s is %s already, and %s; nothing was sent. Leave %s out, or "
		"add the line 'copy.again: LABEL' for one more copy",
		row->source_region, row->source_id, row->region,
		d->copy->state == COPY_QUEUED ? "queued" : "being requested", what, option);
}

int difference_judge(
	struct copies *c, const struct copy *copy, const struct preflight *request, struct err *err)
{
	struct compared d = {.all = c, .copy = copy, .request = request};
	const struct catalogue *of_source;
	catalogue_slot slot;
	char what[400];

	d.shown = difference_find(
		c, copy->row.region, copy->row.copy_id, &d.s, &d.catalogue, &d.slot);
	d.has_source = difference_find(
		c, copy->row.source_region, copy->row.source_id, &d.source, &of_source, &slot);
	d.description = d.shown                 ? d.s.description
			: copy->row.description ? copy->row.description
						: "";
	if (difference_in_description(&d, what, sizeof(what)))
		return difference_tell(&d, what, "the description", err);
	if (difference_in_encryption(&d, what, sizeof(what)))
		return difference_tell(&d, what, "copy.encrypted", err);
	if (difference_in_key(&d, what, sizeof(what)))
		return difference_tell(&d, what, "copy.kms-key", err);
	if (difference_in_minutes(&d, what, sizeof(what)))
		return difference_tell(&d, what, "copy.completion-minutes", err);
	return 0;
}
