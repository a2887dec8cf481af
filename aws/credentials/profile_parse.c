/* SPDX-License-Identifier: MIT */
/* Parses the AWS CLI's files in place: all strings point into the file's text, so that wiping the
 * text wipes every string. A value of several lines is joined in place, where it is never longer
 * than its lines. */
#include "profile_parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cleanup.h"
#include "hash.h"
#include "secret.h"

/* The name of a section that was read, to detect duplicates. */
struct seen {
	const char *name;
	UT_hash_handle hh;
};

struct parser {
	struct profile_file *file;
	struct err *err;
	struct seen *seen;
	size_t sections_cap;
	size_t entries_cap;
	unsigned line;
	size_t indent;      /* indent of the last line that began a section or an option */
	bool has_option;    /* a line with a larger indent continues an option */
	const char *block;  /* the last option if it has a nested block, else NULL */
	size_t option;      /* index of the last option's entry */
	char *tail;         /* end of that option's value, where a continuation is appended */
	size_t blank_lines; /* blank lines after that end */
};

static int parser_fail(struct parser *p, const char *reason)
{
	return err_set(p->err, EINVAL, "%s:%u: %s", p->file->path, p->line, reason);
}

/* Makes room for one more element of *array. Returns 0 or -ENOMEM. */
static int parser_make_room(void **array, size_t n, size_t *cap, size_t size)
{
	void *grown;

	if (n < *cap)
		return 0;
	grown = reallocarray(*array, *cap ? *cap * 2 : 32, size);
	if (!grown)
		return -ENOMEM;
	*array = grown;
	*cap = *cap ? *cap * 2 : 32;
	return 0;
}

/* Returns the length in bytes of the white space character at s, as defined by Python's
 * str.isspace(); 0 if another character is there. */
static size_t space_at(const char *s)
{
	static const char *const wide[] = {"\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\x80",
		"\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85",
		"\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a",
		"\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};

	if (!(*s & 0x80))
		return *s == ' ' || (*s >= '\t' && *s <= '\r') || (*s >= 0x1c && *s <= 0x1f);
	for (size_t i = 0; i < ARRAY_LEN(wide); i++)
		if (!strncmp(s, wide[i], strlen(wide[i])))
			return strlen(wide[i]);
	return 0;
}

static size_t space_before(const char *s, const char *end)
{
	for (size_t n = 1; n <= 3 && n <= (size_t)(end - s); n++)
		if (space_at(end - n) == n)
			return n;
	return 0;
}

char *profile_strip(char *s)
{
	size_t n;
	char *end;

	while ((n = space_at(s)))
		s += n;
	end = s + strlen(s);
	while ((n = space_before(s, end)))
		end -= n;
	*end = '\0';
	return s;
}

static int parser_add_section(struct parser *p, char *name)
{
	struct profile_file *file = p->file;
	struct seen *seen;

	HASH_FIND_STR(p->seen, name, seen);
	if (seen)
		return err_set(p->err, EINVAL,
			"%s:%u: the section %.100s was there before: merge the two", file->path,
			p->line, name);
	if (file->n_sections == PROFILE_SECTIONS_MAX)
		return parser_fail(p, "too many sections");
	if (parser_make_room((void **)&file->sections, file->n_sections, &p->sections_cap,
		    sizeof(*file->sections)) < 0)
		return err_set(p->err, ENOMEM, "out of memory");
	seen = calloc(1, sizeof(*seen));
	if (!seen)
		return err_set(p->err, ENOMEM, "out of memory");
	seen->name = name;
	HASH_ADD_KEYPTR(hh, p->seen, seen->name, strlen(seen->name), seen);
	if (!seen->hh.tbl) {
		free(seen);
		return err_set(p->err, ENOMEM, "out of memory");
	}
	file->sections[file->n_sections++] =
		(struct profile_section){.name = name, .first = file->n_entries, .line = p->line};
	p->has_option = false;
	p->block = NULL;
	return 0;
}

static int parser_add_entry(struct parser *p, const char *block, const char *key, const char *value)
{
	struct profile_file *file = p->file;
	struct profile_section *section = &file->sections[file->n_sections - 1];

	if (section->n == PROFILE_OPTIONS_MAX || file->n_entries == PROFILE_ENTRIES_MAX)
		return parser_fail(p, "too many options");
	if (parser_make_room((void **)&file->entries, file->n_entries, &p->entries_cap,
		    sizeof(*file->entries)) < 0)
		return err_set(p->err, ENOMEM, "out of memory");
	file->entries[file->n_entries++] = (struct profile_entry){block, key, value};
	section->n++;
	return 0;
}

/* Parses `key = value` or `key: value`. */
static int parser_take_option(struct parser *p, char *text)
{
	struct profile_file *file = p->file;
	const struct profile_section *section;
	size_t divide = strcspn(text, "=:");
	char *value;

	if (!text[divide])
		return parser_fail(p, "neither a [section] nor an option = value");
	text[divide] = '\0';
	value = profile_strip(text + divide + 1);
	text = profile_strip(text);
	if (!*text)
		return parser_fail(p, "an option without a name");
	for (char *c = text; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	section = &file->sections[file->n_sections - 1];
	for (size_t i = section->first; i < section->first + section->n; i++) {
		if (!file->entries[i].block && strcmp(file->entries[i].key, text) == 0)
			return parser_fail(p, "this option was there before in its section");
	}
	p->has_option = true;
	p->block = NULL;
	p->option = file->n_entries;
	p->tail = value + strlen(value);
	p->blank_lines = 0;
	return parser_add_entry(p, NULL, text, value);
}

/* Parses a line with a larger indent: a nested `inner = value` under an option without a value,
 * else more of the option's value. */
static int parser_take_continuation(struct parser *p, char *text)
{
	struct profile_entry *option = &p->file->entries[p->option];
	size_t len = strlen(text);

	if (!p->block && option->value && !*option->value) {
		p->block = option->key;
		option->value = NULL;
	}
	if (p->block) {
		char *divide = strchr(text, '=');

		if (!divide)
			return parser_fail(p, "a nested line that is no option = value");
		*divide = '\0';
		return parser_add_entry(
			p, p->block, profile_strip(text), profile_strip(divide + 1));
	}
	for (size_t i = 0; i <= p->blank_lines; i++)
		*p->tail++ = '\n';
	memmove(p->tail, text, len + 1);
	p->tail += len;
	p->blank_lines = 0;
	return 0;
}

static int parser_take_line(struct parser *p, char *line)
{
	size_t indent = 0; /* in characters */
	char *text;

	for (size_t n, at = 0; (n = space_at(line + at)); at += n)
		indent++;
	text = profile_strip(line);
	if (!*text) {
		p->blank_lines++;
		return 0;
	}
	if (*text == '#' || *text == ';')
		return 0;
	if (p->has_option && indent > p->indent)
		return parser_take_continuation(p, text);
	p->indent = indent;
	if (*text == '[' && strrchr(text, ']') > text + 1) {
		*strrchr(text, ']') = '\0';
		return parser_add_section(p, text + 1);
	}
	if (!p->file->n_sections)
		return parser_fail(p, "a line before the first [section]");
	return parser_take_option(p, text);
}

static int parser_take_lines(struct parser *p)
{
	char *s = p->file->text.data, *end = s ? s + p->file->text.len : NULL;
	int r;

	if (p->file->text.len >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
		s += 3;
	for (; s < end; s++) {
		char *line = s;

		p->line++;
		while (s < end && *s != '\n' && *s != '\r')
			s++;
		if (memchr(line, '\0', (size_t)(s - line)))
			return parser_fail(p, "a NUL byte");
		if (s + 1 < end && s[0] == '\r' && s[1] == '\n')
			*s++ = '\0';
		*s = '\0';
		r = parser_take_line(p, line);
		if (r < 0)
			return r;
	}
	return 0;
}

int profile_parse(struct profile_file *file, struct err *err)
{
	struct parser p = {.file = file, .err = err};
	struct seen *seen, *next;
	int r = parser_take_lines(&p);

	HASH_ITER (hh, p.seen, seen, next) {
		HASH_DEL(p.seen, seen);
		free(seen);
	}
	return r;
}

int profile_file_load(struct profile_file *file, const char *path, struct err *err)
{
	int r;

	*file = (struct profile_file){.path = strdup(path)};
	if (!file->path)
		return err_set(err, ENOMEM, "out of memory");
	r = secret_file_read(path, PROFILE_FILE_MAX, &file->text);
	if (r == -ENOENT || r == -ENOTDIR || r == -EINVAL) {
		buf_wipe(&file->text);
		return 0;
	}
	if (r < 0)
		return err_set(err, -r, "cannot read %s: %s", path, strerror(-r));
	return profile_parse(file, err);
}

void profile_file_finish(struct profile_file *file)
{
	buf_wipe(&file->text);
	free(file->path);
	free(file->sections);
	free(file->entries);
	*file = (struct profile_file){0};
}

const char *profile_file_get(
	const struct profile_file *file, const struct profile_section *section, const char *key)
{
	const char *dot = strchr(key, '.'), *found = NULL;
	size_t outer = dot ? (size_t)(dot - key) : 0;

	for (size_t i = section->first; i < section->first + section->n; i++) {
		const struct profile_entry *e = &file->entries[i];

		if (!e->block && strcmp(e->key, key) == 0)
			found = e->value;
		/* If a nested option occurs twice, the last one counts, as in the AWS CLI. */
		else if (e->block && dot && strncmp(e->block, key, outer) == 0 &&
			 !e->block[outer] && strcmp(e->key, dot + 1) == 0)
			found = e->value;
	}
	return found;
}

const struct profile_section *profile_file_section(
	const struct profile_file *file, const char *name)
{
	for (size_t i = 0; i < file->n_sections; i++) {
		if (strcmp(file->sections[i].name, name) == 0)
			return &file->sections[i];
	}
	return NULL;
}
