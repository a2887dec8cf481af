/* SPDX-License-Identifier: MIT */
/* The availability zones of the regions. */
#include "zones.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ec2_volumes.h"
#include "fs.h"
#include "region_waiter.h"

/* How long a list of zones is valid: AWS opens and closes zones rarely. */
#define ZONES_VALID_MS (3600 * 1000)

struct zones_region {
	struct zones *all;
	uint32_t region;
	struct {
		char name[EC2_ZONE_SIZE];
		bool listed; /* EC2's list contains the zone */
	} * zones;
	uint32_t n;
	int64_t asked_at; /* monotonic time of EC2's last response; 0: none yet */
	struct aws_call *call;
	struct waiters waiters;
};

struct zones {
	struct fs *fs;
	struct zones_region regions[REGIONS_MAX];
};

struct zones *zones_create(struct fs *fs)
{
	struct zones *z = calloc(1, sizeof(*z));

	if (!z)
		return NULL;
	z->fs = fs;
	for (uint32_t i = 0; i < REGIONS_MAX; i++) {
		z->regions[i].all = z;
		z->regions[i].region = i;
	}
	return z;
}

void zones_destroy(struct zones *z)
{
	if (!z)
		return;
	for (uint32_t i = 0; i < REGIONS_MAX; i++) {
		if (z->regions[i].call)
			aws_cancel(z->regions[i].call);
		waiters_drop(&z->regions[i].waiters);
		free(z->regions[i].zones);
	}
	free(z);
}

uint32_t zones_find(const struct zones *z, uint32_t region, const char *name)
{
	const struct zones_region *r = &z->regions[region];

	for (uint32_t i = 0; i < r->n; i++)
		if (!strcmp(r->zones[i].name, name))
			return i;
	return ZONES_NONE;
}

uint32_t zones_add(struct zones *z, uint32_t region, const char *name)
{
	struct zones_region *r = &z->regions[region];
	uint32_t zone = zones_find(z, region, name);
	void *more;

	if (zone != ZONES_NONE || r->n == ZONES_MAX || strlen(name) >= EC2_ZONE_SIZE ||
		!endpoint_is_region(name))
		return zone;
	more = realloc(r->zones, (r->n + 1) * sizeof(*r->zones));
	if (!more)
		return ZONES_NONE;
	r->zones = more;
	memset(&r->zones[r->n], 0, sizeof(*r->zones));
	strcpy(r->zones[r->n].name, name);
	return r->n++;
}

const char *zones_name(const struct zones *z, uint32_t region, uint32_t zone)
{
	return zone < z->regions[region].n ? z->regions[region].zones[zone].name : "";
}

bool zones_next(const struct zones *z, uint32_t region, uint32_t *at)
{
	const struct zones_region *r = &z->regions[region];

	while (*at < r->n && !r->zones[*at].listed)
		++*at;
	return *at < r->n;
}

static void zones_answered(void *arg, const struct ec2_zone *zones, size_t n, const struct err *err)
{
	struct zones_region *r = arg;

	r->call = NULL;
	for (uint32_t i = 0; i < r->n && !err; i++)
		r->zones[i].listed = false;
	for (size_t i = 0; i < n; i++) {
		uint32_t zone = zones_add(r->all, r->region, zones[i].name);

		if (zone != ZONES_NONE)
			r->zones[zone].listed = true;
	}
	if (!err)
		r->asked_at = clock_mono_ms();
	region_waiters_deliver(&r->waiters, err);
}

struct region_waiter *zones_ensure(
	struct zones *z, uint32_t region, region_done *done, void *arg, bool *ready)
{
	struct zones_region *r = &z->regions[region];
	struct region *of = regions_at(z->fs->regions, region);

	*ready = r->asked_at && clock_mono_ms() - r->asked_at < ZONES_VALID_MS;
	if (*ready || !of)
		return NULL;
	if (!r->call)
		r->call = ec2_describe_zones(z->fs->aws, region_name(of), zones_answered, r);
	return r->call ? region_waiter_add(&r->waiters, done, arg) : NULL;
}
