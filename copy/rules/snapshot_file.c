/* SPDX-License-Identifier: MIT */
/* The snapshot file: written for a snapshot, read as a request. */
#include "snapshot_file.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "ec2.h"
#include "endpoint.h"
#include "isotime.h"
#include "request_options.h"
#include "utf8.h"
#include "yaml_scalar.h"

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
	struct request_reader options; /* the first member */
	bool ended;                    /* the "..." has been read */
};

static int bad(struct reader *r, const char *what)
{
	err_set(r->options.err, EINVAL, "line %u: %s", r->options.line, what);
	return -EINVAL;
}

static int no_memory(struct reader *r)
{
	return err_set(r->options.err, ENOMEM, "out of memory");
}

static int keep(struct reader *r, char **field, const char *value)
{
	*field = strdup(value);
	return *field ? 0 : no_memory(r);
}

static int read_region(struct reader *r, const char *value)
{
	if (!endpoint_is_region(value))
		return bad(r, "region must be the name of a region, as us-east-1");
	return keep(r, &r->options.out->source_region, value);
}

static int read_snapshot(struct reader *r, const char *value)
{
	if (!ec2_is_snapshot_id(value))
		return bad(r, "snapshot must be a snapshot's id, as snap-0a1b2c3d4e5f60718");
	return keep(r, &r->options.out->source_id, value);
}

static int read_fact(struct reader *r, const char *value)
{
	(void)r;
	(void)value;
	return 0;
}

/* Bits of request_reader.seen from REQUEST_FACTS on are those of the options. */
static const struct {
	const char *key;
	int (*read)(struct reader *r, const char *value);
} facts[REQUEST_FACTS] = {
	{"region", read_region},
	{"snapshot", read_snapshot},
	{"volume", read_fact},
	{"size", read_fact},
	{"started", read_fact},
	{"owner", read_fact},
	{"encrypted", read_fact},
	{"description", read_fact},
};

static int read_pair(struct reader *r, const char *key, const char *value)
{
	int result = request_options_read(&r->options, key, value);
	char known[REQUEST_OPTIONS_NAMES_SIZE];

	if (result <= 0)
		return result;
	if (r->ended)
		return err_set(r->options.err, EINVAL,
			"line %u: '%.60s' stands after the '...'; only %s.* lines may follow it, "
			"as one text asks for one %s: write another snapshot's text to a file of "
			"its own",
			r->options.line, key, request_options_kind(r->options.out->kind),
			request_options_kind(r->options.out->kind));
	for (size_t i = 0; i < ARRAY_LEN(facts); i++) {
		if (strcmp(facts[i].key, key))
			continue;
		return request_options_once(&r->options, key, (unsigned)i) < 0
			       ? -EINVAL
			       : facts[i].read(r, value);
	}
	err_set(r->options.err, EINVAL,
		"line %u: '%.60s' is not a key of a snapshot file (to ask for something: %s)",
		r->options.line, key, request_options_names(r->options.out->kind, known));
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
	struct copy_request *out = r->options.out;
	int result = request_options_check(&r->options, whole);

	if (result < 0 || !whole || (out->source_region && out->source_id))
		return result;
	return err_set(r->options.err, EINVAL,
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

		r->options.line++;
		if (stop > at && stop[-1] == '\r')
			stop--;
		if (is_terminator(at, stop)) {
			if (r->ended)
				return bad(r, "a second '...'; the text has ended before");
			r->ended = true;
		} else if (!newline && !r->ended && !at_end) {
			return 0;
		} else if (!(r->options.line == 1 && stop - at == 3 && !memcmp(at, "---", 3))) {
			result = read_line(r, at, stop);
		}
		if (result < 0)
			return result;
		at = newline ? newline + 1 : end;
	}
	return 0;
}

int snapshot_file_parse_for(enum request_kind kind, const char *text, size_t len, bool at_end,
	struct copy_request *out, struct err *err)
{
	struct reader r = {.options = {.out = out, .err = err, .encrypted = -1}};
	const char *at = text, *end = text + len;
	int result;

	*out = (struct copy_request){.kind = kind};
	if (len > REQUEST_TEXT_MAX)
		return err_set(err, EINVAL,
			"the text is longer than a snapshot file can be; write only the snapshot "
			"file and its options");
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		at += 3;
	result = read_lines(&r, at, end, at_end);
	if (result == 0) {
		out->complete = r.ended;
		result = check_fields(&r, out->complete || at_end);
	}
	return result;
}

int snapshot_file_parse(
	const char *text, size_t len, bool at_end, struct copy_request *out, struct err *err)
{
	return snapshot_file_parse_for(REQUEST_COPY, text, len, at_end, out, err);
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
	free(request->options);
	*request = (struct copy_request){0};
}
