/* SPDX-License-Identifier: MIT */
/* Reads DescribeRegions' response; describes a record's flaws. */
#include "ec2_xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "xml.h"

const char *ec2_flaws_text(unsigned flaws, char out[EC2_FLAWS_TEXT_SIZE])
{
	snprintf(out, EC2_FLAWS_TEXT_SIZE, "not shown as EC2 sent it:%s%s%s%s",
		flaws & EC2_FLAW_TEXT ? " texts were cut or characters replaced;" : "",
		flaws & EC2_FLAW_TAGS ? " tags are left out;" : "",
		flaws & EC2_FLAW_FIELDS ? " fields are left out;" : "",
		flaws & EC2_FLAW_VALUES ? " dates or numbers that are none are left out;" : "");
	out[strlen(out) - 1] = '\0';
	return out;
}

#define NOT_OPTED_IN "not-opted-in"

struct regions_walk {
	struct ec2_regions *out;
	char name[ENDPOINT_REGION_SIZE];
	bool enabled, too_long;
};

static int regions_open(void *arg, int depth, const char *name, struct err *err)
{
	struct regions_walk *w = arg;

	if (depth == 3) {
		w->name[0] = '\0';
		w->enabled = true;
		w->too_long = false;
	}
	return xml_check_root(depth, name, "DescribeRegionsResponse", err);
}

static int regions_add(struct ec2_regions *out, const char *name, struct err *err)
{
	char(*names)[ENDPOINT_REGION_SIZE];

	for (size_t i = 0; i < out->n; i++)
		if (!strcmp(out->names[i], name))
			return 0;
	if (out->n == EC2_XML_REGIONS_MAX)
		return err_set(err, EIO, "more than %d regions", EC2_XML_REGIONS_MAX);
	names = realloc(out->names, (out->n + 1) * sizeof(*names));
	if (!names)
		return err_set(err, ENOMEM, "out of memory");
	snprintf(names[out->n++], sizeof(*names), "%s", name);
	out->names = names;
	return 0;
}

/* Takes the texts of DescribeRegionsResponse/regionInfo/item/{regionName,optInStatus}. */
static int regions_close(
	void *arg, int depth, const char *name, const char *text, size_t len, struct err *err)
{
	struct regions_walk *w = arg;

	if (depth == 4 && text)
		text = xml_trim(text, &len);
	if (depth == 4 && text && !strcmp(name, "regionName")) {
		snprintf(w->name, sizeof(w->name), "%.*s", (int)len, text);
		w->too_long = len >= sizeof(w->name);
	} else if (depth == 4 && text && !strcmp(name, "optInStatus")) {
		w->enabled = len != strlen(NOT_OPTED_IN) || strncmp(text, NOT_OPTED_IN, len) != 0;
	} else if (depth == 3 && *w->name && !w->enabled) {
		w->out->n_disabled++;
	} else if (depth == 3 && *w->name && (w->too_long || !endpoint_is_region(w->name))) {
		if (!w->out->n_refused++)
			snprintf(w->out->refused, sizeof(w->out->refused), "%s", w->name);
	} else if (depth == 3 && *w->name) {
		return regions_add(w->out, w->name, err);
	}
	return 0;
}

int ec2_xml_regions(const char *body, size_t len, struct ec2_regions *out, struct err *err)
{
	struct regions_walk w = {.out = out};
	const struct xml_handler handler = {
		.open = regions_open, .close = regions_close, .arg = &w};
	int r;

	*out = (struct ec2_regions){0};
	r = xml_parse(body, len, &handler, err);
	if (r < 0)
		ec2_regions_finish(out);
	return r;
}

void ec2_regions_finish(struct ec2_regions *regions)
{
	free(regions->names);
	*regions = (struct ec2_regions){0};
}
