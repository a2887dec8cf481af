/* SPDX-License-Identifier: MIT */
/*
 * A region's own snapshots (members.h) in groups: all of them, or by volume, day, state, tag key,
 * or value of one tag. Within a group they are in the order of start time, the oldest first.
 * A grouping is computed from the catalogue, without a request. groups_by() builds it on the first
 * call, and on later calls merges the changes since.
 */
#ifndef EBSFS_GROUPS_H
#define EBSFS_GROUPS_H

#include "catalogue.h"

struct members;
struct groups;
struct grouping;

/* The catalogue and the members must outlive it. NULL on ENOMEM. */
struct groups *groups_create(struct catalogue *c, const struct members *m);
void groups_destroy(struct groups *g); /* NULL is permitted */
size_t groups_memory(const struct groups *g);

/* All snapshots, the oldest first; borrowed until the catalogue changes next. NULL on ENOMEM. */
const catalogue_slot *groups_all(struct groups *g, size_t *n);

enum groups_field {
	GROUPS_ALL,     /* one group, with the value "" */
	GROUPS_VOLUME,  /* by the volume's id */
	GROUPS_DAY,     /* by the day of the start in UTC, "2026-11-29" */
	GROUPS_STATE,   /* by EC2's word for the state */
	GROUPS_TAG_KEY, /* a snapshot is in the group of each of its tags' keys */
	GROUPS_TAG,     /* by the value of one tag, which may be "" */
};

/* The grouping by a field, and by a tag's key for GROUPS_TAG (else NULL), up to date until the
 * catalogue changes next. NULL on ENOMEM, or if 32768 keys have a grouping already. */
const struct grouping *groups_by(struct groups *g, enum groups_field field, const char *key);

/* A grouping's number stays the same for the life of the struct groups. */
#define GROUPS_NUMBER_MAX ((1u << 15) - 1)
uint32_t groups_number(const struct grouping *x);
/* The grouping with this number, up to date. NULL on ENOMEM, or if there is none. */
const struct grouping *groups_numbered(struct groups *g, uint32_t number);
enum groups_field groups_field(const struct grouping *x);
const char *groups_key(const struct grouping *x); /* GROUPS_TAG: the tag's key; else "" */

/* A group is never empty. Its number stays the same while it exists, and no group of another value
 * ever gets it. Everything is borrowed until the catalogue changes next. */
struct group {
	uint32_t number;
	const char *value;
	const catalogue_slot *slots;
	size_t n;
};
bool groups_find(const struct grouping *x, const char *value, struct group *out);
/* The group with this number, or else the one with the next higher number. */
bool groups_next(const struct grouping *x, uint32_t number, struct group *out);

/* The newest completed snapshot of a group; CATALOGUE_NONE: the group has no completed one. */
catalogue_slot groups_latest(const struct groups *g, const struct group *group);

/* A snapshot's place in the order of start time, below 2^63 - 2^22: the same as long as its start
 * time is. Up to 4 million slots, no two snapshots have the same. */
uint64_t groups_position(const struct groups *g, catalogue_slot slot);

#endif
