/* SPDX-License-Identifier: MIT */
/* Divides snapshot ids into ranges by their first digits. */
#include "ranges.h"

#include <stdio.h>
#include <string.h>

#include "cleanup.h"

#define PREFIX "snap-"

static const char hex[] = "0123456789abcdef";
/* Further characters that ids of EC2-compatible clouds may contain. */
static const char others[] = "ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static const char *const prefixes[2] = {PREFIX, PREFIX "0"};

static unsigned range_of(const char *prefix, const char *id)
{
	size_t len = strlen(prefix);
	const char *digit;

	if (strncmp(id, prefix, len) != 0 || !id[len])
		return RANGES_REST;
	digit = strchr(hex, id[len]);
	return digit ? (unsigned)(digit - hex) : RANGES_REST;
}

void ranges_note(struct ranges_sample *sample, const char *id)
{
	sample->n++;
	sample->with_zero += strncmp(id, prefixes[1], strlen(prefixes[1])) == 0;
	for (unsigned cut = 0; cut < ARRAY_LEN(prefixes); cut++) {
		unsigned range = range_of(prefixes[cut], id);

		if (range == RANGES_REST)
			continue;
		if (!sample->digits[cut][range].n++)
			snprintf(sample->digits[cut][range].witness,
				sizeof(sample->digits[cut][range].witness), "%s", id);
	}
}

bool ranges_choose(struct ranges *r, const struct ranges_sample *sample, unsigned *fullest,
	const char **witness)
{
	/* If the first digit were evenly spread, one in sixteen would be a zero. */
	unsigned cut = sample->with_zero * 2 > sample->n, most = 0;

	strcpy(r->prefix, prefixes[cut]);
	for (unsigned i = 1; i < RANGES_DIGITS; i++)
		if (sample->digits[cut][i].n > sample->digits[cut][most].n)
			most = i;
	*fullest = most;
	*witness = sample->digits[cut][most].witness;
	return sample->digits[cut][most].n > 0;
}

static void add_pattern(struct ranges_filter *out, const char *prefix, char c)
{
	snprintf(out->texts[out->n], sizeof(out->texts[0]), "%s%c*", prefix, c);
	out->values[out->n] = out->texts[out->n];
	out->n++;
}

void ranges_filter(const struct ranges *r, unsigned i, struct ranges_filter *out)
{
	out->n = 0;
	if (i < RANGES_DIGITS) {
		add_pattern(out, r->prefix, hex[i]);
		return;
	}
	for (const char *c = others; *c; c++)
		add_pattern(out, r->prefix, *c);
	if (strcmp(r->prefix, PREFIX) == 0)
		return;
	/* The prefix ends with the zero: add the ids without one. */
	for (const char *c = hex + 1; *c; c++)
		add_pattern(out, PREFIX, *c);
	for (const char *c = others; *c; c++)
		add_pattern(out, PREFIX, *c);
}

unsigned ranges_of(const struct ranges *r, const char *id)
{
	return range_of(r->prefix, id);
}
