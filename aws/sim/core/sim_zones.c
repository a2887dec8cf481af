/* SPDX-License-Identifier: MIT */
/* The zones of a region. */
#include "sim_zones.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "sim_world.h"

/* Writes the beginning of the ids of a region's zones: "use1" for "us-east-1", "apse2" for
 * "ap-southeast-2". */
static void zones_prefix(const char *region, char *out, size_t size)
{
	static const char *const compass[][2] = {
		{"northeast", "ne"}, {"northwest", "nw"}, {"southeast", "se"}, {"southwest", "sw"}};
	size_t n = strcspn(region, "-");

	snprintf(out, size, "%.*s", (int)n, region);
	while (region[n] == '-') {
		const char *part = region + n + 1;
		size_t len = strcspn(part, "-"), at = strlen(out);
		const char *word = NULL;

		for (size_t i = 0; i < ARRAY_LEN(compass); i++)
			if (len == strlen(compass[i][0]) && !strncmp(part, compass[i][0], len))
				word = compass[i][1];
		if (word)
			snprintf(out + at, size - at, "%s", word);
		else
			snprintf(out + at, size - at, "%.1s", part);
		n += 1 + len;
	}
}

static int zones_set(char **field, const char *value)
{
	free(*field);
	*field = value ? strdup(value) : NULL;
	return value && !*field ? -ENOMEM : 0;
}

static struct sim_zone *zones_append(
	struct sim_region *r, const char *name, const char *id, const char *type)
{
	struct sim_zone *grown = realloc(r->zones, (r->n_zones + 1) * sizeof(*grown)), *zone;
	bool local = strcmp(type, "availability-zone") != 0;
	char group[80];

	if (!grown)
		return NULL;
	r->zones = grown;
	zone = &grown[r->n_zones++];
	*zone = (struct sim_zone){0};
	/* "us-west-2-lax-1" of "us-west-2-lax-1a" */
	snprintf(group, sizeof(group), "%.*s", (int)(strlen(name) ? strlen(name) - 1 : 0), name);
	if (zones_set(&zone->name, name) < 0 || zones_set(&zone->id, id) < 0 ||
		zones_set(&zone->type, type) < 0 || zones_set(&zone->state, "available") < 0 ||
		zones_set(&zone->opt_in, local ? "not-opted-in" : "opt-in-not-required") < 0 ||
		zones_set(&zone->group, local ? group : r->name) < 0)
		return NULL;
	return zone;
}

static struct sim_zone *zones_append_local(struct sim_region *r, const char *name, const char *id)
{
	struct sim_zone *zone = zones_append(r, name, id, "local-zone");

	if (!zone || !r->n_zones || zones_set(&zone->parent, r->zones[0].name) < 0 ||
		zones_set(&zone->parent_id, r->zones[0].id) < 0)
		return NULL;
	return zone;
}

int sim_zones_add_default(struct sim_region *r)
{
	static const struct {
		const char *region, *name, *id;
	} locals[] = {
		{"us-east-1", "us-east-1-bos-1a", "use1-bos1-az1"},
		{"us-west-2", "us-west-2-lax-1a", "usw2-lax1-az1"},
		{"us-west-2", "us-west-2-lax-1b", "usw2-lax1-az2"},
	};
	int n = !strcmp(r->name, "us-east-1") ? 6 : !strcmp(r->name, "us-west-2") ? 4 : 3;
	char prefix[40], name[80], id[80];

	zones_prefix(r->name, prefix, sizeof(prefix));
	/* In AWS, a letter names different zones in different accounts. Here 'a' is -az3. */
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%.60s%c", r->name, 'a' + i);
		snprintf(id, sizeof(id), "%.40s-az%d", prefix, (i + 2) % n + 1);
		if (!zones_append(r, name, id, "availability-zone"))
			return -ENOMEM;
	}
	for (size_t i = 0; i < ARRAY_LEN(locals); i++)
		if (!strcmp(locals[i].region, r->name) &&
			!zones_append_local(r, locals[i].name, locals[i].id))
			return -ENOMEM;
	return 0;
}

struct sim_zone *sim_zones_add(struct sim_region *r, const char *name)
{
	for (size_t i = 0; i < r->n_zones; i++)
		if (!strcmp(r->zones[i].name, name))
			return &r->zones[i];
	return zones_append_local(r, name, name);
}

void sim_zones_finish(struct sim_region *r)
{
	for (size_t i = 0; i < r->n_zones; i++) {
		struct sim_zone *zone = &r->zones[i];

		free(zone->name);
		free(zone->id);
		free(zone->type);
		free(zone->state);
		free(zone->opt_in);
		free(zone->group);
		free(zone->parent);
		free(zone->parent_id);
	}
	free(r->zones);
	r->zones = NULL;
	r->n_zones = 0;
}

const struct sim_zone *sim_zones_find(const struct sim_region *r, const char *name, const char *id)
{
	for (size_t i = 0; i < r->n_zones; i++)
		if (name ? !strcmp(r->zones[i].name, name) : id && !strcmp(r->zones[i].id, id))
			return &r->zones[i];
	return NULL;
}

bool sim_zones_is_usable(const struct sim_zone *zone)
{
	return strcmp(zone->opt_in, "not-opted-in") != 0;
}

bool sim_zones_is_local(const struct sim_zone *zone)
{
	return strcmp(zone->type, "availability-zone") != 0;
}
