/* SPDX-License-Identifier: MIT */
/* The AWS CLI's files, and the small parsers that their values go through. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "credential_source.h"
#include "endpoint.h"
#include "profile_parse.h"
#include "shell_split.h"
#include "url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Every string lies in the file's own text: one wipe gets them all. */
static void require_inside(const struct profile_file *file, const char *s)
{
	require(s >= file->text.data && s + strlen(s) <= file->text.data + file->text.len);
}

static void read_words(const char *text)
{
	char **words = NULL;
	int n = shell_split(text, 8, &words);

	for (int i = 0; i < n; i++)
		require(strlen(words[i]) <= strlen(text));
	require(n < 0 || !words[n]);
	free(words);
}

static void read_value(const char *value)
{
	struct url_parts parts;
	int64_t ms;

	read_words(value);
	if (url_split(value, &parts) == 0) {
		char *authority = url_authority(value);

		require(authority && *parts.host && strlen(authority) <= strlen(value));
		url_host_is_loopback(parts.host);
		free(authority);
	}
	credential_date(value, &ms);
	endpoint_is_region(value);
}

static void read_section(const struct profile_file *file, const struct profile_section *section)
{
	require_inside(file, section->name);
	require(section->first + section->n <= file->n_entries);
	read_words(section->name);
	for (size_t i = section->first; i < section->first + section->n; i++) {
		const struct profile_entry *e = &file->entries[i];

		require_inside(file, e->key);
		if (e->block)
			require_inside(file, e->block);
		if (!e->value)
			continue;
		require_inside(file, e->value);
		read_value(e->value);
		if (!e->block && !strchr(e->key, '.'))
			require(profile_file_get(file, section, e->key) == e->value);
	}
	profile_file_get(file, section, "ec2.endpoint_url");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct profile_file file = {.path = strdup("fuzz")};
	struct err err = {0};

	if (buf_add(&file.text, data, size) == 0 && profile_parse(&file, &err) == 0) {
		for (size_t i = 0; i < file.n_sections; i++)
			read_section(&file, &file.sections[i]);
	} else {
		require(err.errnum == 0 || strncmp(err.message, "fuzz:", 5) == 0);
	}
	profile_file_finish(&file);
	return 0;
}
