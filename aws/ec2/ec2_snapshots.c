/* SPDX-License-Identifier: MIT */
/* Reads DescribeSnapshots' response from XML into a page, whose records and strings are in one
 * arena. */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "ec2_page.h"
#include "ec2_xml.h"
#include "isotime.h"
#include "num.h"
#include "utf8.h"
#include "xml.h"

/* Depths of elements: DescribeSnapshotsResponse / snapshotSet / item / tagSet / item / key */
enum {
	DEPTH_ROOT = 1,
	DEPTH_SET,
	DEPTH_ITEM,
	DEPTH_FIELD,
	DEPTH_TAG,
	DEPTH_TAG_FIELD,
};

/* Bytes of a malformed id that the log shows. */
#define ID_SHOWN   64
#define OWN_TAGS   "ebsfs:"
/* Bound of all texts of one record, in bytes: a thousand times the size of EC2's records. */
#define RECORD_MAX ((size_t)1 << 20)

/* The page's records are delivered in parts of at least this many. */
#define PART_RECORDS 64

struct ec2_snapshots_reader {
	struct xml_reader *xml;
	struct ec2_page_build *page;
	struct ec2_page *part; /* records that are complete and not yet delivered; NULL: none */
	bool in_parts;
	size_t n_records;  /* records of the whole page */
	char *token;       /* the next page's token, which may arrive before the records */
	bool in_set;       /* the current element is below snapshotSet */
	bool in_tags;      /* the current element is below an item's tagSet */
	char id[ID_SHOWN]; /* the current record's id as sent, cut to fit */
	struct ec2_snapshot item;
	struct ec2_tag tag;
	size_t n_tags;
	size_t n_fields;
	size_t item_bytes;
	size_t next_element; /* index in elements[] at which the next search begins */
	struct ec2_tag tags[EC2_XML_TAGS_MAX];
	struct ec2_field fields[EC2_XML_FIELDS_MAX];
};

/* Readers of one element's text into s. Each returns false if the text is malformed; the value then
 * counts as absent, so that one malformed record does not hide the others. */

static bool snapshot_read_id(struct ec2_snapshot *s, const char *text, size_t len)
{
	(void)s, (void)len;
	return ec2_is_snapshot_id(text);
}

static bool snapshot_read_state(struct ec2_snapshot *s, const char *text, size_t len)
{
	static const struct {
		const char *text;
		enum ec2_snapshot_state state;
	} states[] = {{"completed", EC2_SNAPSHOT_COMPLETED}, {"pending", EC2_SNAPSHOT_PENDING},
		{"error", EC2_SNAPSHOT_ERROR}, {"recoverable", EC2_SNAPSHOT_RECOVERABLE},
		{"recovering", EC2_SNAPSHOT_RECOVERING}};

	(void)len;
	s->state = EC2_SNAPSHOT_UNKNOWN;
	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (!strcmp(text, states[i].text))
			s->state = states[i].state;
	return true;
}

/* Accepts "42%" and "42"; the text is empty while EC2 does not know the progress. */
static bool snapshot_read_progress(struct ec2_snapshot *s, const char *text, size_t len)
{
	uint64_t v;

	if (len && text[len - 1] == '%')
		len--;
	if (num_parse_u64(text, len, 0, 100, &v) < 0)
		return len == 0;
	s->progress = (int)v;
	return true;
}

/* A date before 1970 counts as absent: some clouds send one instead of none. */
static bool snapshot_read_time(int64_t *out, const char *text, size_t len)
{
	int64_t ms;

	if (isotime_parse(text, len, &ms) < 0)
		return len == 0;
	*out = ms > 0 ? ms : 0;
	return true;
}

static bool snapshot_read_start(struct ec2_snapshot *s, const char *text, size_t len)
{
	return snapshot_read_time(&s->start_ms, text, len);
}

static bool snapshot_read_completion(struct ec2_snapshot *s, const char *text, size_t len)
{
	return snapshot_read_time(&s->completion_ms, text, len);
}

static bool snapshot_read_volume_size(struct ec2_snapshot *s, const char *text, size_t len)
{
	uint64_t v;

	if (num_parse_u64(text, len, 0, UINT32_MAX, &v) < 0)
		return len == 0;
	s->volume_gib = (uint32_t)v;
	return true;
}

static bool snapshot_read_full_size(struct ec2_snapshot *s, const char *text, size_t len)
{
	uint64_t v;

	if (num_parse_u64(text, len, 0, EC2_FULL_SIZE_MAX, &v) < 0)
		return len == 0;
	s->full_size = (int64_t)v;
	return true;
}

static bool snapshot_read_encrypted(struct ec2_snapshot *s, const char *text, size_t len)
{
	if (!strcasecmp(text, "true") || !strcmp(text, "1"))
		s->encryption = EC2_ENCRYPTION_PRESENT;
	else if (!strcasecmp(text, "false") || !strcmp(text, "0"))
		s->encryption = EC2_ENCRYPTION_NONE;
	else
		return len == 0;
	return true;
}

/* The elements of a record, in the order in which EC2 sends them. */
struct snapshot_element {
	const char *name;
	bool (*read)(struct ec2_snapshot *s, const char *text, size_t len);
	bool has_text;     /* the text is stored in the member at text_offset */
	bool keeps_blanks; /* white space around the text is kept, because users wrote the text */
	size_t text_offset;
	const char *field; /* the text is stored as a field of this name; NULL: not as a field */
};

#define TEXT(member) .has_text = true, .text_offset = offsetof(struct ec2_snapshot, member)

static const struct snapshot_element elements[] = {
	{"snapshotId", .read = snapshot_read_id, TEXT(id)},
	{"volumeId", TEXT(volume_id)},
	{"status", .read = snapshot_read_state, TEXT(state_text)},
	{"statusMessage", TEXT(state_message)},
	{"startTime", .read = snapshot_read_start},
	{"completionTime", .read = snapshot_read_completion},
	{"progress", .read = snapshot_read_progress},
	{"ownerId", TEXT(owner_id)},
	{"volumeSize", .read = snapshot_read_volume_size},
	{"description", TEXT(description), .keeps_blanks = true},
	{"encrypted", .read = snapshot_read_encrypted},
	{"kmsKeyId", TEXT(kms_key_id)},
	{"dataEncryptionKeyId", .field = "DataEncryptionKeyId"},
	{"storageTier", .field = "StorageTier"},
	{"sseType", .field = "SSEType"},
	{"transferType", TEXT(transfer_type)},
	{"fullSnapshotSizeInBytes", .read = snapshot_read_full_size},
};

static int snapshots_no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "out of memory");
}

/* Copies a text of the current record into the page. Returns "" if the record exceeds RECORD_MAX,
 * NULL on ENOMEM. */
static const char *snapshots_copy_text(struct ec2_snapshots_reader *w, const char *text, size_t len)
{
	bool fits = w->item_bytes + len <= RECORD_MAX;

	if (!fits || xml_reader_is_altered(w->xml))
		w->item.flaws |= EC2_FLAW_TEXT;
	if (!fits)
		return "";
	w->item_bytes += len;
	return ec2_page_string(w->page, text, len);
}

/* Finds an element by its name; NULL if elements[] does not have it. EC2 sends the elements of all
 * records in the same order, so the search begins after the element that was found last. */
static const struct snapshot_element *snapshots_find_element(
	struct ec2_snapshots_reader *w, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(elements); i++, w->next_element++) {
		if (w->next_element == ARRAY_LEN(elements))
			w->next_element = 0;
		if (!strcmp(name, elements[w->next_element].name))
			return &elements[w->next_element++];
	}
	return NULL;
}

static void snapshots_add_field(
	struct ec2_snapshots_reader *w, const char *name, const char *text, size_t len)
{
	w->fields[w->n_fields++] = (struct ec2_field){name, snapshots_copy_text(w, text, len)};
}

/* Stores an element that elements[] lacks as a field. EC2's API names are the response's names with
 * a capital first letter. */
static int snapshots_add_unknown(struct ec2_snapshots_reader *w, const char *name, const char *text,
	size_t len, struct err *err)
{
	char *copy;
	const char *end = name;

	while (isalnum((unsigned char)*end) && end - name < 64)
		end++;
	if (*end)
		return 0;
	copy = (char *)ec2_page_string(w->page, name, (size_t)(end - name));
	if (!copy)
		return snapshots_no_memory(err);
	copy[0] = (char)toupper((unsigned char)copy[0]);
	snapshots_add_field(w, copy, text, len);
	return 0;
}

static void snapshots_set_element(struct ec2_snapshots_reader *w,
	const struct snapshot_element *element, const char *text, size_t len)
{
	bool good = !element->read || element->read(&w->item, text, len);

	if (!good)
		w->item.flaws |= EC2_FLAW_VALUES;
	if (!good && element->read == snapshot_read_id)
		snprintf(w->id, sizeof(w->id), "%s", text);
	else if (element->has_text)
		*(const char **)((char *)&w->item + element->text_offset) =
			snapshots_copy_text(w, text, len);
	else if (element->field)
		snapshots_add_field(w, element->field, text, len);
}

/* Reads an element of a record that is not inside one of its sets. */
static int snapshots_close_field(struct ec2_snapshots_reader *w, const char *name, const char *text,
	size_t len, struct err *err)
{
	const struct snapshot_element *element = snapshots_find_element(w, name);

	if (!element || !element->keeps_blanks)
		text = xml_trim(text, &len);
	/* The functions for numbers and dates need terminated strings. */
	if (text[len]) {
		text = snapshots_copy_text(w, text, len);
		if (!text)
			return snapshots_no_memory(err);
		len = strlen(text);
	}
	if (w->n_fields == EC2_XML_FIELDS_MAX && (!element || element->field))
		w->item.flaws |= EC2_FLAW_FIELDS;
	else if (element)
		snapshots_set_element(w, element, text, len);
	else
		return snapshots_add_unknown(w, name, text, len, err);
	return 0;
}

/* Adds the tag to the record. If the record has too many tags, a tag that ebsfs made replaces the
 * last one, because ebsfs finds its copies by these tags. */
static void snapshots_end_tag(struct ec2_snapshots_reader *w)
{
	if (!w->tag.value)
		w->tag.value = "";
	if (w->tag.key && *w->tag.key && w->n_tags < EC2_XML_TAGS_MAX) {
		w->tags[w->n_tags++] = w->tag;
		return;
	}
	w->item.flaws |= EC2_FLAW_TAGS;
	if (w->tag.key && !strncmp(w->tag.key, OWN_TAGS, strlen(OWN_TAGS)))
		w->tags[w->n_tags - 1] = w->tag;
}

/* Turns the complete records into a part, if the previous part has been taken. */
static int snapshots_end_part(struct ec2_snapshots_reader *w, struct err *err)
{
	if (!w->in_parts || w->part || ec2_page_count(w->page) < PART_RECORDS)
		return 0;
	w->part = ec2_page_end(w->page);
	w->page = w->part ? ec2_page_start() : NULL;
	return w->page ? 0 : snapshots_no_memory(err);
}

static int snapshots_end_item(struct ec2_snapshots_reader *w, struct err *err)
{
	struct ec2_snapshot *s = &w->item;

	if (w->n_records++ == EC2_XML_RECORDS_MAX)
		return err_set(
			err, EIO, "the response has more than %d snapshots", EC2_XML_RECORDS_MAX);
	if (!s->id) {
		utf8_make_line(w->id);
		ec2_page_refuse(w->page, w->id);
		return 0;
	}
	s->n_tags = w->n_tags;
	s->n_fields = w->n_fields;
	if (w->n_tags)
		s->tags = ec2_page_memory(w->page, w->tags, w->n_tags * sizeof(*w->tags));
	if (w->n_fields)
		s->fields = ec2_page_memory(w->page, w->fields, w->n_fields * sizeof(*w->fields));
	ec2_page_add(w->page, s);
	return snapshots_end_part(w, err);
}

static int snapshots_open(void *arg, int depth, const char *name, struct err *err)
{
	struct ec2_snapshots_reader *w = arg;

	if (depth == DEPTH_ROOT && strcmp(name, "DescribeSnapshotsResponse"))
		return err_set(err, EIO,
			"the response is not a DescribeSnapshotsResponse but a %.40s", name);
	if (depth == DEPTH_SET)
		w->in_set = !strcmp(name, "snapshotSet");
	if (!w->in_set)
		return 0;
	if (depth == DEPTH_ITEM) {
		w->item = (struct ec2_snapshot){.progress = EC2_PROGRESS_UNKNOWN, .full_size = -1};
		w->n_tags = 0;
		w->n_fields = 0;
		w->item_bytes = 0;
		w->next_element = 0;
		w->id[0] = '\0';
	} else if (depth == DEPTH_FIELD) {
		w->in_tags = !strcmp(name, "tagSet");
	} else if (depth == DEPTH_TAG) {
		w->tag = (struct ec2_tag){0};
	}
	return 0;
}

static int snapshots_set_tag(struct ec2_snapshots_reader *w, const char *name, const char *text,
	size_t len, struct err *err)
{
	const char **at = !strcmp(name, "key")     ? &w->tag.key
			  : !strcmp(name, "value") ? &w->tag.value
						   : NULL;

	if (!at)
		return 0;
	*at = snapshots_copy_text(w, text, len);
	return *at ? 0 : snapshots_no_memory(err);
}

static int snapshots_set_token(
	struct ec2_snapshots_reader *w, const char *text, size_t len, struct err *err)
{
	char *copy;

	if (xml_reader_is_altered(w->xml))
		return err_set(err, EIO, "the token of the next page is malformed");
	copy = len ? strndup(text, len) : NULL;
	if (len && !copy)
		return snapshots_no_memory(err);
	free(w->token);
	w->token = copy;
	return 0;
}

static int snapshots_close(
	void *arg, int depth, const char *name, const char *text, size_t len, struct err *err)
{
	struct ec2_snapshots_reader *w = arg;

	if (depth == DEPTH_SET && text && !strcmp(name, "nextToken")) {
		text = xml_trim(text, &len);
		return snapshots_set_token(w, text, len, err);
	}
	if (!w->in_set)
		return 0;
	if (depth == DEPTH_FIELD && text && !w->in_tags)
		return snapshots_close_field(w, name, text, len, err);
	if (depth == DEPTH_TAG_FIELD && text && w->in_tags)
		return snapshots_set_tag(w, name, text, len, err);
	if (depth == DEPTH_TAG && w->in_tags)
		snapshots_end_tag(w);
	return depth == DEPTH_ITEM ? snapshots_end_item(w, err) : 0;
}

struct ec2_snapshots_reader *ec2_snapshots_reader_create(bool in_parts)
{
	struct ec2_snapshots_reader *w = calloc(1, sizeof(*w));
	const struct xml_handler handler = {
		.open = snapshots_open, .close = snapshots_close, .arg = w};

	if (!w)
		return NULL;
	w->in_parts = in_parts;
	w->page = ec2_page_start();
	w->xml = xml_reader_create(&handler);
	if (!w->page || !w->xml) {
		ec2_snapshots_reader_destroy(w);
		return NULL;
	}
	return w;
}

void ec2_snapshots_reader_destroy(struct ec2_snapshots_reader *w)
{
	if (!w)
		return;
	xml_reader_destroy(w->xml);
	ec2_page_abandon(w->page);
	ec2_page_destroy(w->part);
	free(w->token);
	free(w);
}

int ec2_snapshots_reader_read(
	struct ec2_snapshots_reader *w, const char *data, size_t len, struct err *err)
{
	return xml_reader_read(w->xml, data, len, err);
}

struct ec2_page *ec2_snapshots_reader_part(struct ec2_snapshots_reader *w)
{
	return steal(&w->part);
}

int ec2_snapshots_reader_end(struct ec2_snapshots_reader *w, struct ec2_page **out, struct err *err)
{
	int r = xml_reader_end(w->xml, err);

	*out = NULL;
	if (r < 0)
		return r;
	ec2_page_set_token(w->page, steal(&w->token));
	*out = ec2_page_end(steal(&w->page));
	return *out ? 0 : snapshots_no_memory(err);
}

int ec2_xml_snapshots(const char *body, size_t len, struct ec2_page **out, struct err *err)
{
	struct ec2_snapshots_reader *w = ec2_snapshots_reader_create(false);
	int r;

	*out = NULL;
	if (!w)
		return snapshots_no_memory(err);
	r = ec2_snapshots_reader_read(w, body, len, err);
	if (!r)
		r = ec2_snapshots_reader_end(w, out, err);
	ec2_snapshots_reader_destroy(w);
	return r;
}
