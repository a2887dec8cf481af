/* SPDX-License-Identifier: MIT */
/* Snapshot ids cut into ranges by their first digits. */
#include "ranges.h"

#include <stdio.h>
#include <string.h>

#define PREFIX "snap-"

static const char hex[] = "0123456789abcdef";
/* What an id of a cloud that is not Amazon's might be made of besides. */
static const char others[] = "ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

bool ranges_choose(struct ranges *r, const struct ec2_snapshot *sample, size_t n)
{
	size_t with_zero = 0;

	if (!n)
		return false;
	for (size_t i = 0; i < n; i++)
		with_zero += strncmp(sample[i].id, PREFIX "0", 6) == 0;
	/* If the first digit were evenly spread, one in sixteen would be a zero. */
	strcpy(r->prefix, with_zero * 2 > n ? PREFIX "0" : PREFIX);
	return true;
}

static void add(struct ranges_filter *out, const char *prefix, char c)
{
	snprintf(out->texts[out->n], sizeof(out->texts[0]), "%s%c*", prefix, c);
	out->values[out->n] = out->texts[out->n];
	out->n++;
}

void ranges_filter(const struct ranges *r, unsigned i, struct ranges_filter *out)
{
	out->n = 0;
	if (i < RANGES_DIGITS) {
		add(out, r->prefix, hex[i]);
		return;
	}
	for (const char *c = others; *c; c++)
		add(out, r->prefix, *c);
	if (strcmp(r->prefix, PREFIX) == 0)
		return;
	/* Cut behind the zero: what does not begin with one. */
	for (const char *c = hex + 1; *c; c++)
		add(out, PREFIX, *c);
	for (const char *c = others; *c; c++)
		add(out, PREFIX, *c);
}

unsigned ranges_of(const struct ranges *r, const char *id)
{
	size_t len = strlen(r->prefix);
	const char *digit;

	if (strncmp(id, r->prefix, len) != 0 || !id[len])
		return RANGES_REST;
	digit = strchr(hex, id[len]);
	return digit ? (unsigned)(digit - hex) : RANGES_REST;
}
