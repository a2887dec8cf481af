/* SPDX-License-Identifier: MIT */
/* The snapshot file: written for a snapshot, read as a request. */
#include "snapshot_file.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "ec2.h"
#include "endpoint.h"
#include "isotime.h"
#include "num.h"
#include "preflight.h"
#include "utf8.h"
#include "yaml_scalar.h"

#define TAG_PREFIX       "copy.tag."
/* A time-based copy: CompletionDurationMinutes, CopySnapshot's reference. */
#define MINUTES_MIN      15
#define MINUTES_MAX      2880
#define LABEL_MAX        128
#define LABEL_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static void put_line(struct buf *out, const char *key, const char *value)
{
	if (!*value)
		return;
	buf_printf(out, "%s: ", key);
	yaml_scalar_format(out, value);
	buf_putc(out, '\n');
}

int snapshot_file_format(struct buf *out, const char *region, const struct catalogue_snapshot *s)
{
	char started[ISOTIME_SIZE];

	buf_puts(out,
		"# EBS snapshot. Copy this file into another region's folder, and AWS copies the "
		"snapshot there.\n");
	buf_printf(out, "region: %s\nsnapshot: %s\n", region, s->id);
	put_line(out, "volume", s->volume_id);
	if (s->volume_gib)
		buf_printf(out, "size: %u GiB\n", s->volume_gib);
	if (s->start_ms)
		buf_printf(out, "started: %s\n", isotime_format(s->start_ms, started));
	if (*s->owner_id)
		buf_printf(out, "owner: %s\n", s->owner_id);
	if (s->encryption != EC2_ENCRYPTION_UNKNOWN)
		buf_printf(out, "encrypted: %s\n",
			s->encryption == EC2_ENCRYPTION_PRESENT ? "yes" : "no");
	put_line(out, "description", s->description);
	return buf_puts(out, "...\n");
}

struct reader {
	struct copy_request *out;
	struct err *err;
	unsigned line;
	unsigned seen; /* one bit for each key of the table below */
	int encrypted; /* copy.encrypted: -1 not given */
	bool ended;    /* the "..." has been read */
};

static int bad(struct reader *r, const char *what)
{
	err_set(r->err, EINVAL, "line %u: %s", r->line, what);
	return -EINVAL;
}

static int no_memory(struct reader *r)
{
	return err_set(r->err, ENOMEM, "out of memory");
}

static int keep(struct reader *r, char **field, const char *value)
{
	*field = strdup(value);
	return *field ? 0 : no_memory(r);
}

static int keep_text(struct reader *r, char **field, const char *key, const char *value)
{
	if (!*value) {
		err_set(r->err, EINVAL, "line %u: %s has no value", r->line, key);
		return -EINVAL;
	}
	return keep(r, field, value);
}

static int read_region(struct reader *r, const char *key, const char *value)
{
	(void)key;
	if (!endpoint_is_region(value))
		return bad(r, "region must be the name of a region, as us-east-1");
	return keep(r, &r->out->source_region, value);
}

static int read_snapshot(struct reader *r, const char *key, const char *value)
{
	(void)key;
	if (!ec2_is_snapshot_id(value))
		return bad(r, "snapshot must be a snapshot's id, as snap-0a1b2c3d4e5f60718");
	return keep(r, &r->out->source_id, value);
}

static int read_description(struct reader *r, const char *key, const char *value)
{
	if (utf8_count(value, strlen(value)) > EC2_DESCRIPTION_MAX)
		return err_set(r->err, EINVAL,
			"line %u: copy.description is longer than EC2's %d characters", r->line,
			EC2_DESCRIPTION_MAX);
	return keep_text(r, &r->out->description, key, value);
}

static int read_key(struct reader *r, const char *key, const char *value)
{
	char region[ENDPOINT_REGION_SIZE];

	if (*value && preflight_key_parse(value, region, r->err) < 0)
		return err_context(r->err, "line %u", r->line);
	return keep_text(r, &r->out->kms_key_id, key, value);
}

static int read_bool(struct reader *r, const char *key, const char *value, bool *out)
{
	if (!strcasecmp(value, "yes") || !strcasecmp(value, "true")) {
		*out = true;
	} else if (!strcasecmp(value, "no") || !strcasecmp(value, "false")) {
		*out = false;
	} else {
		err_set(r->err, EINVAL, "line %u: %s must be yes or no", r->line, key);
		return -EINVAL;
	}
	return 0;
}

static int read_encrypted(struct reader *r, const char *key, const char *value)
{
	int result = read_bool(r, key, value, &r->out->encrypted);

	if (!result)
		r->encrypted = r->out->encrypted;
	return result;
}

static int read_no_tags(struct reader *r, const char *key, const char *value)
{
	return read_bool(r, key, value, &r->out->no_tags);
}

static int read_dry_run(struct reader *r, const char *key, const char *value)
{
	return read_bool(r, key, value, &r->out->dry_run);
}

static int read_minutes(struct reader *r, const char *key, const char *value)
{
	uint64_t minutes;

	(void)key;
	if (num_parse_u64(value, strlen(value), MINUTES_MIN, MINUTES_MAX, &minutes) < 0 ||
		minutes % 15)
		return bad(r, "copy.completion-minutes must be a multiple of 15, from 15 to 2880");
	r->out->completion_minutes = (int)minutes;
	return 0;
}

static int read_again(struct reader *r, const char *key, const char *value)
{
	size_t len = strlen(value);

	(void)key;
	if (!len || len > LABEL_MAX || strspn(value, LABEL_CHARACTERS) != len)
		return bad(r,
			"copy.again must be a label of 1 to 128 of the characters A-Z a-z 0-9 . _ "
			"-");
	return keep(r, &r->out->again, value);
}

static int read_fact(struct reader *r, const char *key, const char *value)
{
	(void)r;
	(void)key;
	(void)value;
	return 0;
}

static const struct {
	const char *key;
	int (*read)(struct reader *r, const char *key, const char *value);
} keys[] = {
	{"region", read_region},
	{"snapshot", read_snapshot},
	{"volume", read_fact},
	{"size", read_fact},
	{"started", read_fact},
	{"owner", read_fact},
	{"encrypted", read_fact},
	{"description", read_fact},
	{"copy.description", read_description},
	{"copy.encrypted", read_encrypted},
	{"copy.kms-key", read_key},
	{"copy.no-tags", read_no_tags},
	{"copy.completion-minutes", read_minutes},
	{"copy.dry-run", read_dry_run},
	{"copy.again", read_again},
};

static int read_tag(struct reader *r, const char *key, const char *value)
{
	struct copy_request *out = r->out;
	ssize_t chars = utf8_count(key, strlen(key));
	struct request_tag *tags;

	if (chars < 1 || chars > EC2_TAG_KEY_MAX)
		return bad(r, "a tag's key has 1 to 127 characters");
	if (utf8_count(value, strlen(value)) > EC2_TAG_VALUE_MAX)
		return bad(r, "a tag's value has at most 255 characters");
	if (!strncasecmp(key, "aws:", 4))
		return bad(r, "tags that begin with aws: can only be set by AWS");
	if (!strncmp(key, "ebsfs:", 6))
		return bad(r, "tags that begin with ebsfs: are set by ebsfs itself");
	for (size_t i = 0; i < out->n_tags; i++)
		if (!strcmp(out->tags[i].key, key))
			return bad(r, "this tag was given before");
	if (out->n_tags == REQUEST_TAGS_MAX)
		return bad(r, "more than 48 tags: EC2 takes 50, and ebsfs adds two of its own");
	tags = realloc(out->tags, (out->n_tags + 1) * sizeof(*tags));
	if (!tags)
		return no_memory(r);
	out->tags = tags;
	tags += out->n_tags++;
	*tags = (struct request_tag){strdup(key), strdup(value)};
	return tags->key && tags->value ? 0 : no_memory(r);
}

static bool has_prefix(const char *key, const char *prefix)
{
	return !strncmp(key, prefix, strlen(prefix));
}

static int read_pair(struct reader *r, const char *key, const char *value)
{
	/* Options of requests of another kind. */
	if (has_prefix(key, "volume.") || has_prefix(key, "image."))
		return 0;
	if (r->ended && !has_prefix(key, "copy."))
		return err_set(r->err, EINVAL,
			"line %u: '%.60s' stands after the '...'; only copy.* lines may follow it, "
			"as one text asks for one copy: write another snapshot's text to a file of "
			"its own",
			r->line, key);
	if (has_prefix(key, TAG_PREFIX))
		return read_tag(r, key + strlen(TAG_PREFIX), value);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].key, key))
			continue;
		if (r->seen & 1u << i) {
			err_set(r->err, EINVAL, "line %u: %s was given before", r->line, key);
			return -EINVAL;
		}
		r->seen |= 1u << i;
		return keys[i].read(r, key, value);
	}
	err_set(r->err, EINVAL,
		"line %u: '%.60s' is not a key of a snapshot file (to ask for something: "
		"copy.description, "
		"copy.encrypted, copy.kms-key, copy.tag.KEY, copy.no-tags, "
		"copy.completion-minutes, "
		"copy.dry-run, copy.again)",
		r->line, key);
	return -EINVAL;
}

/* The key at *at, up to its ':', and *at behind that. A quoted key may hold anything. */
static int split_key(struct reader *r, const char **at, const char *end, struct buf *key)
{
	const char *colon = *at;
	const char *why = "";

	if (colon < end && (*colon == '"' || *colon == '\'')) {
		int result = yaml_scalar_parse(&colon, end, key, &why);

		if (result == -EINVAL)
			return bad(r, why);
		if (result < 0)
			return no_memory(r);
		if (colon == end || *colon != ':' ||
			(colon + 1 < end && colon[1] != ' ' && colon[1] != '\t'))
			return bad(r, "a line has the form 'key: value'");
	} else {
		for (; colon < end; colon++)
			if (*colon == ':' &&
				(colon + 1 == end || colon[1] == ' ' || colon[1] == '\t'))
				break;
		if (colon == end || colon == *at)
			return bad(r, "a line has the form 'key: value'");
		if (buf_add(key, *at, (size_t)(colon - *at)) < 0)
			return no_memory(r);
	}
	*at = colon + 1;
	return 0;
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/* One line without its end. */
static int read_line(struct reader *r, const char *at, const char *end)
{
	_cleanup_buf_ struct buf key = BUF_INIT, value = BUF_INIT;
	const char *rest = skip_blanks(at, end), *why = "";
	int result;

	if (rest == end || *rest == '#')
		return 0;
	if (rest != at)
		return bad(r, "a line has the form 'key: value' and is not indented");
	for (const char *p = at; p < end; p++)
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f)
			return bad(r, "a control character");
	if (utf8_count(at, (size_t)(end - at)) < 0)
		return bad(r, "not UTF-8 text");
	result = split_key(r, &at, end, &key);
	if (result < 0)
		return result;
	at = skip_blanks(at, end);
	result = yaml_scalar_parse(&at, end, &value, &why);
	if (result == -EINVAL)
		return bad(r, why);
	if (result < 0)
		return no_memory(r);
	rest = skip_blanks(at, end);
	if (rest != end && *rest != '#')
		return bad(r, "nothing may follow the closing quote");
	return read_pair(r, buf_str(&key), buf_str(&value));
}

/* Cross-field checks. `whole`: nothing more of the text is to come. */
static int check_fields(struct reader *r, bool whole)
{
	struct copy_request *out = r->out;

	out->unencrypted = r->encrypted == 0;
	if (out->kms_key_id && out->unencrypted)
		return err_set(r->err, EINVAL, "copy.kms-key is given, but copy.encrypted is no");
	if (out->kms_key_id)
		out->encrypted = true; /* EC2 takes a key only together with Encrypted=true */
	if (!whole || (out->source_region && out->source_id))
		return 0;
	return err_set(r->err, EINVAL,
		"the text asks for nothing: %s missing; copy a snapshot's own file, "
		"<id>.snapshot, and add to it what you want",
		out->source_region ? "the line 'snapshot: …' is"
		: out->source_id   ? "the line 'region: …' is"
				   : "the lines 'region: …' and 'snapshot: …' are");
}

static bool is_blank(const char *at, const char *end)
{
	while (at < end && strchr(" \t\r\n", *at) && *at)
		at++;
	return at == end;
}

static bool is_terminator(const char *at, const char *end)
{
	return end - at >= 3 && !memcmp(at, "...", 3) && is_blank(at + 3, end);
}

/* Reads the lines from `at` on. */
static int read_lines(struct reader *r, const char *at, const char *end, bool at_end)
{
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		int result = 0;

		r->line++;
		if (stop > at && stop[-1] == '\r')
			stop--;
		if (is_terminator(at, stop)) {
			if (r->ended)
				return bad(r, "a second '...'; the text has ended before");
			r->ended = true;
		} else if (!newline && !r->ended && !at_end) {
			return 0;
		} else if (!(r->line == 1 && stop - at == 3 && !memcmp(at, "---", 3))) {
			result = read_line(r, at, stop);
		}
		if (result < 0)
			return result;
		at = newline ? newline + 1 : end;
	}
	return 0;
}

int snapshot_file_parse(
	const char *text, size_t len, bool at_end, struct copy_request *out, struct err *err)
{
	struct reader r = {.out = out, .err = err, .encrypted = -1};
	const char *at = text, *end = text + len;
	int result;

	*out = (struct copy_request){0};
	if (len > REQUEST_TEXT_MAX)
		return err_set(err, EINVAL,
			"the text is longer than a snapshot file can be; write only the snapshot "
			"file and its options");
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		at += 3;
	result = read_lines(&r, at, end, at_end);
	if (result < 0)
		return result;
	out->complete = r.ended;
	return check_fields(&r, out->complete || at_end);
}

void snapshot_file_finish(struct copy_request *request)
{
	for (size_t i = 0; i < request->n_tags; i++) {
		free(request->tags[i].key);
		free(request->tags[i].value);
	}
	free(request->tags);
	free(request->source_region);
	free(request->source_id);
	free(request->description);
	free(request->kms_key_id);
	free(request->again);
	*request = (struct copy_request){0};
}
