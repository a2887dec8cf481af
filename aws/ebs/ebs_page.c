/* SPDX-License-Identifier: MIT */
/* Parses the JSON of ListSnapshotBlocks and ListChangedBlocks by a scanner for these two documents:
 * a page has a megabyte, for which jansson takes 15 ms and 30 MB of small objects. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ebs.h"

/* The deepest nesting of values that are skipped. */
#define DEPTH_MAX 32

/* An entry of the page while the page grows. Strings are offsets, because the memory of both
 * entries and texts moves. */
struct page_entry {
	uint32_t index;
	uint32_t token, first; /* 1 + offset in texts; 0: none */
};

struct page_scan {
	const char *at, *end;
	const char *fault; /* what is wrong with the document; NULL: no fault so far */
	bool changes;
	bool motos_lists;
	char *texts; /* memory of the strings, as large as the document: a decoded string is no
		      * longer than its source */
	size_t n_texts;
	struct page_entry *entries;
	size_t n_entries, room;
	uint32_t next_token; /* as in page_entry: 1 + offset in texts; 0: none */
	double expiry_s, volume_size, block_size;
};

void ebs_page_destroy(struct ebs_page *page)
{
	if (!page)
		return;
	free(page->blocks);
	free(page->texts);
	free(page);
}

/* --- JSON --- */

/* Notes the fault. Returns false, for `return scan_fail(…)`. */
static bool scan_fail(struct page_scan *s, const char *fault)
{
	if (!s->fault)
		s->fault = fault;
	return false;
}

/* Skips white space. Returns the next character without taking it; NUL at the end. */
static char scan_peek(struct page_scan *s)
{
	while (s->at < s->end &&
		(*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
		s->at++;
	return s->at < s->end ? *s->at : '\0';
}

static bool scan_expect(struct page_scan *s, char c)
{
	if (scan_peek(s) != c)
		return scan_fail(s, "it is not JSON");
	s->at++;
	return true;
}

/* Takes the character c if it is next; returns whether it was. */
static bool scan_take(struct page_scan *s, char c)
{
	bool is = scan_peek(s) == c;

	s->at += is;
	return is;
}

/* Decodes an escape like "\u0041" after its 'u': an ASCII character; any other becomes '?'. */
static bool scan_unicode(struct page_scan *s, char *out)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++, s->at++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *digit = s->at < s->end && *s->at ? strchr(digits, *s->at) : NULL;

		if (!digit)
			return scan_fail(s, "it is not JSON");
		value = value * 16 + (unsigned)(digit - digits) % 16;
	}
	*out = value > 0x20 && value < 0x7f ? (char)value : '?';
	return true;
}

/* Decodes an escape after its backslash. */
static bool scan_escape(struct page_scan *s, char *out)
{
	char c = s->at < s->end ? *s->at++ : '\0';

	*out = c;
	if (c == 'u')
		return scan_unicode(s, out);
	if (!c || !strchr("\"\\/bfnrt", c))
		return scan_fail(s, "it is not JSON");
	if (strchr("bfnrt", c))
		*out = ' '; /* the strings that are kept cannot contain this character */
	return true;
}

/* Decodes a string and appends it to the texts, without a NUL; *start: its offset. */
static bool scan_string(struct page_scan *s, size_t *start)
{
	*start = s->n_texts;
	if (!scan_expect(s, '"'))
		return false;
	while (s->at < s->end && *s->at != '"') {
		char c = *s->at++;

		if ((unsigned char)c < 0x20)
			return scan_fail(s, "it is not JSON");
		if (c == '\\' && !scan_escape(s, &c))
			return false;
		s->texts[s->n_texts++] = c;
	}
	return scan_expect(s, '"');
}

/* Reads a member's name; *known becomes its index in names, a list that NULL ends, or -1. */
static bool scan_name(struct page_scan *s, const char *const *names, int *known)
{
	size_t start, len;

	if (!scan_string(s, &start))
		return false;
	len = s->n_texts - start;
	s->n_texts = start;
	*known = -1;
	for (int i = 0; names[i]; i++)
		if (strlen(names[i]) == len && !memcmp(names[i], s->texts + start, len))
			*known = i;
	return scan_expect(s, ':');
}

static bool scan_word(struct page_scan *s, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(s->end - s->at) < len || memcmp(s->at, word, len) != 0)
		return scan_fail(s, "it is not JSON");
	s->at += len;
	return true;
}

static bool scan_number(struct page_scan *s, double *out)
{
	char text[64], *end;
	size_t len = 0;

	scan_peek(s);
	while (s->at + len < s->end && len < sizeof(text) - 1 && s->at[len] &&
		strchr("0123456789+-.eE", s->at[len]))
		len++;
	memcpy(text, s->at, len);
	text[len] = '\0';
	*out = strtod(text, &end);
	if (!len || *end || !isfinite(*out))
		return scan_fail(s, "a number in it is malformed");
	s->at += len;
	return true;
}

static bool scan_skip(struct page_scan *s, int depth);

/* Skips the rest of an object or array, up to the bracket `close`. */
static bool scan_skip_all(struct page_scan *s, char close, int depth)
{
	static const char *const none[] = {NULL};
	int ignored;

	if (depth > DEPTH_MAX)
		return scan_fail(s, "it is nested too deeply");
	if (scan_take(s, close))
		return true;
	do {
		if (close == '}' && !scan_name(s, none, &ignored))
			return false;
		if (!scan_skip(s, depth))
			return false;
	} while (scan_take(s, ','));
	return scan_expect(s, close);
}

static bool scan_skip(struct page_scan *s, int depth)
{
	size_t start;
	double number;

	switch (scan_peek(s)) {
	case '{':
		s->at++;
		return scan_skip_all(s, '}', depth + 1);
	case '[':
		s->at++;
		return scan_skip_all(s, ']', depth + 1);
	case '"':
		if (!scan_string(s, &start))
			return false;
		s->n_texts = start;
		return true;
	case 't':
		return scan_word(s, "true");
	case 'f':
		return scan_word(s, "false");
	case 'n':
		return scan_word(s, "null");
	default:
		return scan_number(s, &number);
	}
}

/* --- the two documents --- */

/* Reads a token; null and "" count as none. */
static bool scan_token(struct page_scan *s, uint32_t *out)
{
	size_t start;

	*out = 0;
	if (scan_peek(s) == 'n')
		return scan_word(s, "null");
	if (!scan_string(s, &start))
		return false;
	if (s->n_texts - start > EBS_TOKEN_MAX)
		return scan_fail(s, "a token in it is too long");
	for (size_t i = start; i < s->n_texts; i++)
		if (s->texts[i] <= ' ' || s->texts[i] >= 0x7f)
			return scan_fail(s, "a token in it is malformed");
	if (s->n_texts > start) {
		s->texts[s->n_texts++] = '\0'; /* there is room, because the string had two quotes
						* in the document */
		*out = (uint32_t)start + 1;
	}
	return true;
}

static bool scan_index(struct page_scan *s, bool *has, uint32_t *out)
{
	bool quoted = s->motos_lists && scan_take(s, '"');
	double number;

	if (!scan_number(s, &number) || (quoted && !scan_expect(s, '"')))
		return false;
	if (number < 0 || number >= EBS_BLOCKS_MAX || number != floor(number))
		return scan_fail(s, "a block's index in it is out of range");
	*has = true;
	*out = (uint32_t)number;
	return true;
}

static bool scan_add_entry(struct page_scan *s, const struct page_entry *entry)
{
	if (s->n_entries == s->room) {
		size_t room = s->room ? s->room * 2 : 256;
		struct page_entry *grown = reallocarray(s->entries, room, sizeof(*grown));

		if (!grown)
			return scan_fail(s, "out of memory");
		s->entries = grown;
		s->room = room;
	}
	s->entries[s->n_entries++] = *entry;
	return true;
}

static bool scan_block(struct page_scan *s)
{
	static const char *const of_list[] = {"BlockIndex", "BlockToken", NULL};
	static const char *const of_changes[] = {
		"BlockIndex", "SecondBlockToken", "FirstBlockToken", NULL};
	struct page_entry entry = {0};
	bool has_index = false, good = scan_expect(s, '{');
	int known;

	while (good && scan_peek(s) != '}') {
		good = scan_name(s, s->changes ? of_changes : of_list, &known);
		if (good)
			good = known == 0   ? scan_index(s, &has_index, &entry.index)
			       : known == 1 ? scan_token(s, &entry.token)
			       : known == 2 ? scan_token(s, &entry.first)
					    : scan_skip(s, 2);
		if (good && !scan_take(s, ','))
			break;
	}
	if (!good || !scan_expect(s, '}'))
		return false;
	if (!has_index || !(entry.token || entry.first))
		return scan_fail(s, "a block in it has no index or no token");
	return scan_add_entry(s, &entry);
}

static bool scan_blocks(struct page_scan *s)
{
	if (scan_peek(s) == 'n')
		return scan_word(s, "null");
	if (!scan_expect(s, '['))
		return false;
	if (scan_take(s, ']'))
		return true;
	do {
		if (!scan_block(s))
			return false;
	} while (scan_take(s, ','));
	return scan_expect(s, ']');
}

static bool scan_optional_number(struct page_scan *s, double *out)
{
	return scan_peek(s) == 'n' ? scan_word(s, "null") : scan_number(s, out);
}

static bool scan_page(struct page_scan *s)
{
	const char *const names[] = {s->changes ? "ChangedBlocks" : "Blocks", "NextToken",
		"ExpiryTime", "VolumeSize", "BlockSize", NULL};
	bool good = scan_expect(s, '{');
	int known;

	while (good && scan_peek(s) != '}') {
		good = scan_name(s, names, &known);
		if (good)
			good = known == 0   ? scan_blocks(s)
			       : known == 1 ? scan_token(s, &s->next_token)
			       : known == 2 ? scan_optional_number(s, &s->expiry_s)
			       : known == 3 ? scan_optional_number(s, &s->volume_size)
			       : known == 4 ? scan_optional_number(s, &s->block_size)
					    : scan_skip(s, 0);
		if (good && !scan_take(s, ','))
			break;
	}
	if (!good || !scan_expect(s, '}'))
		return false;
	return scan_peek(s) == '\0' && s->at == s->end ? true : scan_fail(s, "it is not JSON");
}

/* --- the page --- */

static int page_compare(const void *va, const void *vb)
{
	const struct page_entry *a = va, *b = vb;

	return a->index < b->index ? -1 : a->index > b->index;
}

/* Sorts the entries by index. AWS's are ascending, moto's are in the order of their upload. Returns
 * false if an index occurs twice. */
static bool page_order(struct page_scan *s)
{
	bool ordered = true;

	for (size_t i = 1; i < s->n_entries; i++)
		ordered &= s->entries[i - 1].index < s->entries[i].index;
	if (ordered)
		return true;
	qsort(s->entries, s->n_entries, sizeof(*s->entries), page_compare);
	for (size_t i = 1; i < s->n_entries; i++)
		if (s->entries[i - 1].index == s->entries[i].index)
			return scan_fail(s, "a block is in it twice");
	return true;
}

static const char *page_text(const struct ebs_page *page, uint32_t text)
{
	return text ? page->texts + text - 1 : NULL;
}

/* Makes the page from the scanned entries. */
static struct ebs_page *page_make(struct page_scan *s)
{
	struct ebs_page *page = calloc(1, sizeof(*page));
	char *exact;

	if (!page)
		return NULL;
	exact = realloc(s->texts, s->n_texts + 1);
	page->texts = exact ? exact : s->texts;
	s->texts = NULL;
	page->blocks = calloc(s->n_entries + 1, sizeof(*page->blocks));
	if (!page->blocks) {
		ebs_page_destroy(page);
		return NULL;
	}
	for (size_t i = 0; i < s->n_entries; i++)
		page->blocks[i] = (struct ebs_listed){.index = s->entries[i].index,
			.token = page_text(page, s->entries[i].token),
			.first_token = page_text(page, s->entries[i].first)};
	page->n_blocks = s->n_entries;
	page->next_token = page_text(page, s->next_token);
	page->expiry_ms = s->expiry_s > 0 && s->expiry_s < 1e12 ? (int64_t)(s->expiry_s * 1000) : 0;
	page->volume_size =
		s->volume_size > 0 && s->volume_size < 1e18 ? (int64_t)s->volume_size : 0;
	return page;
}

int ebs_page_parse(const char *text, size_t len, bool changes, bool motos_lists,
	struct ebs_page **out, struct err *err)
{
	struct page_scan s = {
		.at = text, .end = text + len, .changes = changes, .motos_lists = motos_lists};
	int r = 0;

	*out = NULL;
	s.texts = malloc(len + 1);
	if (!s.texts)
		r = err_set(err, ENOMEM, "out of memory");
	else if (!scan_page(&s) || !page_order(&s))
		r = err_set(err, EIO, "the list of blocks cannot be read: %s", s.fault);
	else if (s.block_size && s.block_size != EBS_BLOCK_SIZE && !motos_lists)
		r = err_set(err, EIO,
			"the list is of blocks of %.0f bytes; only those of %zu are "
			"supported",
			s.block_size, EBS_BLOCK_SIZE);
	else if (!(*out = page_make(&s)))
		r = err_set(err, ENOMEM, "out of memory");
	free(s.texts);
	free(s.entries);
	return r;
}
