/* SPDX-License-Identifier: MIT */
/* The zones of a region. */
#ifndef EBSFS_SIM_ZONES_H
#define EBSFS_SIM_ZONES_H

#include <stdbool.h>
#include <stddef.h>

/* Strings are on the heap; NULL: absent. */
struct sim_zone {
	char *name;
	char *id;    /* "euw1-az2", which means the same zone in every account */
	char *type;  /* "availability-zone", "local-zone", "wavelength-zone" */
	char *state; /* "available"; "constrained": no room for a new volume */
	char *opt_in;
	char *group;
	char *parent, *parent_id; /* of a local zone */
};

struct sim_region;

/* Adds zones to a new region: roughly those that AWS has there. Returns 0 or -ENOMEM. */
int sim_zones_add_default(struct sim_region *r);
/* Finds a zone by name; adds a local zone of this name if there is none. For worlds from a file.
 * NULL on ENOMEM. */
struct sim_zone *sim_zones_add(struct sim_region *r, const char *name);
void sim_zones_finish(struct sim_region *r);
/* Finds a zone by its name or, if that is NULL, by its id; NULL if unknown. */
const struct sim_zone *sim_zones_find(const struct sim_region *r, const char *name, const char *id);
/* Whether the account may use the zone. */
bool sim_zones_is_usable(const struct sim_zone *zone);
bool sim_zones_is_local(const struct sim_zone *zone);

#endif
