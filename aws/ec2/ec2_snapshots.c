/* SPDX-License-Identifier: MIT */
/* Reads DescribeSnapshots' response from XML into a page of records and strings in one arena. */
#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "ec2_xml.h"
#include "isotime.h"
#include "num.h"
#include "utf8.h"
#include "xml.h"

/* --- a page and its memory --- */

#define PAGE_CHUNK ((size_t)64 << 10)

struct page_chunk {
	struct page_chunk *next;
	size_t used;
	size_t size;
	max_align_t data[];
};

/* A page under construction: its records and strings are in one arena, which is freed with the
 * page. If appending fails with ENOMEM, page_build_end() fails.
 * page is the first member, because ec2_page_destroy() gets its address. */
struct page_build {
	struct ec2_page page;
	struct page_chunk *chunks; /* the first is being filled */
	size_t cap;
	bool failed;
};

/* Returns NULL on ENOMEM. */
static struct page_build *page_build_start(void)
{
	return calloc(1, sizeof(struct page_build));
}

/* NULL is permitted. */
static void page_build_destroy(struct page_build *b)
{
	if (!b)
		return;
	while (b->chunks) {
		struct page_chunk *next = b->chunks->next;

		free(b->chunks);
		b->chunks = next;
	}
	free(b->page.snapshots);
	free(b->page.refused);
	free(b->page.next_token);
	free(b);
}

void ec2_page_destroy(struct ec2_page *page)
{
	page_build_destroy((struct page_build *)page);
}

static void *page_reserve(struct page_build *b, size_t size, size_t align)
{
	struct page_chunk *c = b->chunks;
	size_t at = c ? (c->used + align - 1) / align * align : 0;

	if (!c || c->size < size || at > c->size - size) {
		size_t room = size > PAGE_CHUNK ? size : PAGE_CHUNK;

		c = malloc(sizeof(*c) + room);
		if (!c) {
			b->failed = true;
			return NULL;
		}
		*c = (struct page_chunk){.next = b->chunks, .size = room};
		b->chunks = c;
		at = 0;
	}
	c->used = at + size;
	return (char *)c->data + at;
}

/* Copies text[0..len) into the page. Returns NULL on ENOMEM. */
static const char *page_string(struct page_build *b, const char *text, size_t len)
{
	char *s = page_reserve(b, len + 1, 1);

	if (!s)
		return NULL;
	memcpy(s, text, len);
	s[len] = '\0';
	return s;
}

/* Copies size bytes into the page, aligned for pointers. Returns NULL on ENOMEM. */
static void *page_memory(struct page_build *b, const void *data, size_t size)
{
	void *p = page_reserve(b, size, _Alignof(max_align_t));

	if (p)
		memcpy(p, data, size);
	return p;
}

static void page_add(struct page_build *b, const struct ec2_snapshot *snapshot)
{
	struct ec2_page *page = &b->page;

	if (page->n_snapshots == b->cap) {
		size_t cap = b->cap ? 2 * b->cap : 256;
		struct ec2_snapshot *grown = realloc(page->snapshots, cap * sizeof(*grown));

		if (!grown) {
			b->failed = true;
			return;
		}
		page->snapshots = grown;
		b->cap = cap;
	}
	page->snapshots[page->n_snapshots++] = *snapshot;
}

/* Takes the string; NULL is permitted. */
static void page_set_token(struct page_build *b, char *token)
{
	free(b->page.next_token);
	b->page.next_token = token;
}

/* Returns the number of records so far, refused ones included. */
static size_t page_count(const struct page_build *b)
{
	return b->page.n_snapshots + b->page.n_refused;
}

/* Notes the id of a record that is left out. */
static void page_refuse(struct page_build *b, const char *id)
{
	struct ec2_page *page = &b->page;
	const char *copy = page_string(b, id, strlen(id));
	const char **grown;

	/* The array grows whenever its length is a power of two. */
	if (copy && (page->n_refused & (page->n_refused - 1)) == 0) {
		grown = realloc(page->refused,
			(page->n_refused ? 2 * page->n_refused : 1) * sizeof(*grown));
		if (!grown)
			b->failed = true;
		else
			page->refused = grown;
	}
	if (!b->failed)
		page->refused[page->n_refused++] = copy;
}

/* Returns the page, or NULL on ENOMEM. b must not be used any more. */
static struct ec2_page *page_build_end(struct page_build *b)
{
	if (!b->failed)
		return &b->page;
	page_build_destroy(b);
	return NULL;
}

/* --- the response --- */

/* DescribeSnapshotsResponse / snapshotSet / item / tagSet / item / key */
enum {
	DEPTH_ROOT = 1,
	DEPTH_SET,
	DEPTH_ITEM,
	DEPTH_FIELD,
	DEPTH_TAG,
	DEPTH_TAG_FIELD,
};

/* Bytes shown of an id that is malformed, for the log. */
#define ID_SHOWN   64
#define OWN_TAGS   "ebsfs:"
/* Bytes of all texts of one record: a thousand times the size of EC2's. */
#define RECORD_MAX ((size_t)1 << 20)

/* A part of a page is handed on once it has this many records. */
#define PART_RECORDS 64

struct ec2_snapshots_reader {
	struct xml_reader *xml;
	struct page_build *page;
	struct ec2_page *part; /* not taken yet; NULL: none */
	bool in_parts;
	size_t n_records;  /* of the whole page */
	char *token;       /* may come before the records */
	bool in_set;       /* below snapshotSet */
	bool in_tags;      /* below an item's tagSet */
	char id[ID_SHOWN]; /* as sent, cut to fit */
	struct ec2_snapshot item;
	struct ec2_tag tag;
	size_t n_tags;
	size_t n_fields;
	size_t item_bytes;
	struct ec2_tag tags[EC2_XML_TAGS_MAX];
	struct ec2_field fields[EC2_XML_FIELDS_MAX];
};

static enum ec2_snapshot_state snapshot_state(const char *text)
{
	static const struct {
		const char *text;
		enum ec2_snapshot_state state;
	} states[] = {{"completed", EC2_SNAPSHOT_COMPLETED}, {"pending", EC2_SNAPSHOT_PENDING},
		{"error", EC2_SNAPSHOT_ERROR}, {"recoverable", EC2_SNAPSHOT_RECOVERABLE},
		{"recovering", EC2_SNAPSHOT_RECOVERING}};

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (!strcmp(text, states[i].text))
			return states[i].state;
	return EC2_SNAPSHOT_UNKNOWN;
}

/* "42%", "42"; empty while EC2 does not know. */
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

/* Some clouds write a date before 1970 for none. */
static bool snapshot_read_time(int64_t *out, const char *text, size_t len)
{
	int64_t ms;

	if (isotime_parse(text, len, &ms) < 0)
		return len == 0;
	*out = ms > 0 ? ms : 0;
	return true;
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

static bool snapshot_read_encrypted(struct ec2_snapshot *s, const char *text)
{
	if (!strcasecmp(text, "true") || !strcmp(text, "1"))
		s->encryption = EC2_ENCRYPTION_PRESENT;
	else if (!strcasecmp(text, "false") || !strcmp(text, "0"))
		s->encryption = EC2_ENCRYPTION_NONE;
	else
		return !*text;
	return true;
}

/* The texts that have a member of struct ec2_snapshot, by their names in the response. */
static const struct {
	const char *name;
	size_t offset;
} texts[] = {
	{"volumeId", offsetof(struct ec2_snapshot, volume_id)},
	{"statusMessage", offsetof(struct ec2_snapshot, state_message)},
	{"ownerId", offsetof(struct ec2_snapshot, owner_id)},
	{"description", offsetof(struct ec2_snapshot, description)},
	{"kmsKeyId", offsetof(struct ec2_snapshot, kms_key_id)},
	{"transferType", offsetof(struct ec2_snapshot, transfer_type)},
};

static int snapshots_no_memory(struct err *err)
{
	return err_set(err, ENOMEM, "out of memory");
}

/* Copies a text of the current record; returns "" past RECORD_MAX, NULL on ENOMEM. */
static const char *snapshots_copy_text(struct ec2_snapshots_reader *w, const char *text, size_t len)
{
	bool fits = w->item_bytes + len <= RECORD_MAX;

	if (!fits || xml_reader_is_altered(w->xml))
		w->item.flaws |= EC2_FLAW_TEXT;
	if (!fits)
		return "";
	w->item_bytes += len;
	return page_string(w->page, text, len);
}

static bool snapshots_set_text(
	struct ec2_snapshots_reader *w, const char *name, const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (!strcmp(name, texts[i].name)) {
			*(const char **)((char *)&w->item + texts[i].offset) =
				snapshots_copy_text(w, text, len);
			return true;
		}
	}
	return false;
}

/* A malformed number or date counts as absent: one odd record must not hide the others. */
static bool snapshots_set_value(
	struct ec2_snapshots_reader *w, const char *name, const char *text, size_t len)
{
	struct ec2_snapshot *s = &w->item;
	bool sense = true;

	if (!strcmp(name, "snapshotId")) {
		snprintf(w->id, sizeof(w->id), "%s", text);
		s->id = ec2_is_snapshot_id(text) ? snapshots_copy_text(w, text, len) : NULL;
	} else if (!strcmp(name, "status")) {
		s->state = snapshot_state(text);
		s->state_text = snapshots_copy_text(w, text, len);
	} else if (!strcmp(name, "progress")) {
		sense = snapshot_read_progress(s, text, len);
	} else if (!strcmp(name, "startTime")) {
		sense = snapshot_read_time(&s->start_ms, text, len);
	} else if (!strcmp(name, "completionTime")) {
		sense = snapshot_read_time(&s->completion_ms, text, len);
	} else if (!strcmp(name, "volumeSize")) {
		sense = snapshot_read_volume_size(s, text, len);
	} else if (!strcmp(name, "fullSnapshotSizeInBytes")) {
		sense = snapshot_read_full_size(s, text, len);
	} else if (!strcmp(name, "encrypted")) {
		sense = snapshot_read_encrypted(s, text);
	} else {
		return false;
	}
	if (!sense)
		s->flaws |= EC2_FLAW_VALUES;
	return true;
}

/* EC2's API names are those of the response with a capital letter, sseType excepted. */
static int snapshots_add_field(struct ec2_snapshots_reader *w, const char *name, const char *text,
	size_t len, struct err *err)
{
	char *copy;
	struct ec2_field *field;

	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) || p - name >= 64)
			return 0;
	if (w->n_fields == EC2_XML_FIELDS_MAX) {
		w->item.flaws |= EC2_FLAW_FIELDS;
		return 0;
	}
	if (!strcmp(name, "sseType"))
		name = "SSEType";
	field = &w->fields[w->n_fields++];
	copy = (char *)page_string(w->page, name, strlen(name));
	field->value = snapshots_copy_text(w, text, len);
	field->name = copy;
	if (!copy || !field->value)
		return snapshots_no_memory(err);
	copy[0] = (char)toupper((unsigned char)copy[0]);
	return 0;
}

/* Past the bound a tag of ebsfs's own replaces the last tag: copies are found by these tags. */
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

/* The complete records become a part, if the previous part has been taken. */
static int snapshots_end_part(struct ec2_snapshots_reader *w, struct err *err)
{
	if (!w->in_parts || w->part || page_count(w->page) < PART_RECORDS)
		return 0;
	w->part = page_build_end(w->page);
	w->page = w->part ? page_build_start() : NULL;
	return w->page ? 0 : snapshots_no_memory(err);
}

static int snapshots_end_item(struct ec2_snapshots_reader *w, struct err *err)
{
	struct ec2_snapshot *s = &w->item;

	if (w->n_records++ == EC2_XML_RECORDS_MAX)
		return err_set(
			err, EIO, "a response with more than %d snapshots", EC2_XML_RECORDS_MAX);
	if (!s->id) {
		utf8_make_line(w->id);
		page_refuse(w->page, w->id);
		return 0;
	}
	s->n_tags = w->n_tags;
	s->n_fields = w->n_fields;
	if (w->n_tags)
		s->tags = page_memory(w->page, w->tags, w->n_tags * sizeof(*w->tags));
	if (w->n_fields)
		s->fields = page_memory(w->page, w->fields, w->n_fields * sizeof(*w->fields));
	page_add(w->page, s);
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
		return err_set(err, EIO, "the page's token is not legible");
	copy = len ? strndup(text, len) : NULL;
	if (len && !copy)
		return snapshots_no_memory(err);
	free(w->token);
	w->token = copy;
	return 0;
}

/* White space around descriptions and tags is part of them: people wrote it. */
static bool snapshots_keep_blanks(const struct ec2_snapshots_reader *w, int depth, const char *name)
{
	return (depth == DEPTH_TAG_FIELD && w->in_tags) ||
	       (depth == DEPTH_FIELD && !strcmp(name, "description"));
}

static int snapshots_close(
	void *arg, int depth, const char *name, const char *text, size_t len, struct err *err)
{
	struct ec2_snapshots_reader *w = arg;

	if (text && !snapshots_keep_blanks(w, depth, name))
		text = xml_trim(text, &len);
	if (depth == DEPTH_SET && text && !strcmp(name, "nextToken"))
		return snapshots_set_token(w, text, len, err);
	if (!w->in_set)
		return 0;
	/* The functions below need terminated strings. */
	if (text && text[len]) {
		text = snapshots_copy_text(w, text, len);
		if (!text)
			return snapshots_no_memory(err);
		len = strlen(text);
	}
	if (depth == DEPTH_TAG_FIELD && w->in_tags && text)
		return snapshots_set_tag(w, name, text, len, err);
	if (depth == DEPTH_TAG && w->in_tags)
		snapshots_end_tag(w);
	if (depth == DEPTH_ITEM)
		return snapshots_end_item(w, err);
	if (depth != DEPTH_FIELD || !text || w->in_tags)
		return 0;
	if (snapshots_set_value(w, name, text, len) || snapshots_set_text(w, name, text, len))
		return 0;
	return snapshots_add_field(w, name, text, len, err);
}

struct ec2_snapshots_reader *ec2_snapshots_reader_create(bool in_parts)
{
	struct ec2_snapshots_reader *w = calloc(1, sizeof(*w));
	const struct xml_handler handler = {
		.open = snapshots_open, .close = snapshots_close, .arg = w};

	if (!w)
		return NULL;
	w->in_parts = in_parts;
	w->page = page_build_start();
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
	page_build_destroy(w->page);
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
	page_set_token(w->page, steal(&w->token));
	*out = page_build_end(steal(&w->page));
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
