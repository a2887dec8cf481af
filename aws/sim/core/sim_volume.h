/* SPDX-License-Identifier: MIT */
/* One volume, its types with their ranges, and its states. */
#ifndef EBSFS_SIM_VOLUME_H
#define EBSFS_SIM_VOLUME_H

#include "sim_snapshot.h"

/* Strings are on the heap; NULL: absent. A deleted volume stays in memory, and so does the client
 * token of its request. */
struct sim_volume {
	char *id;
	char *owner_id;
	char *zone;
	char *snapshot_id;
	char *kms_key_id; /* NULL: not encrypted */
	char *type;
	char *token;       /* the client token of its request */
	char *state;       /* as set by a world or a test; NULL: follows from run, instance_id */
	char *instance_id; /* the instance that the volume is attached to; NULL: none */
	char *device;
	uint64_t request; /* sim_page_hash() of the request that created the volume */
	uint32_t gib;
	int iops, throughput, rate; /* 0: none */
	bool multi_attach;
	struct sim_tags tags;
	int64_t created_ms;  /* wall clock */
	int64_t token_until; /* monotonic: the token is remembered until then; 0: for ever */
	int64_t loaded_at;   /* monotonic: end of the initialization; `rate` counts until then */
	struct sim_run run;  /* the creation; with run.failure, it ends without a volume */
	int64_t visible_at;  /* monotonic */
	bool deleted;
	int64_t gone_at; /* if deleted: "deleting" until this time (monotonic), then gone */
};

void sim_volume_finish(struct sim_volume *v);

/* A type of volumes. The figures are those of CreateVolume's reference. */
struct sim_volume_type {
	const char *name;
	uint32_t min_gib, max_gib;
	int min_iops, max_iops; /* max 0: a request cannot choose IOPS */
	int iops_per_gib;       /* the maximum */
	int iops; /* the default; 0: the request must choose IOPS, or there are none */
	bool iops_required;
	int min_throughput, max_throughput; /* max 0: a request cannot choose a throughput */
	bool boots;
};
/* Returns the type with this name; NULL if the name is unknown. */
const struct sim_volume_type *sim_volume_type(const char *name);
/* Returns the IOPS that EC2 shows for a volume of this type and size if its request chose none; 0:
 * EC2 shows none. */
int sim_volume_type_iops(const struct sim_volume_type *type, uint32_t gib);

#endif
