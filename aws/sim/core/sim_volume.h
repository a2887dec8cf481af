/* SPDX-License-Identifier: MIT */
/* One volume, its types with their ranges, and its states. */
#ifndef EBSFS_SIM_VOLUME_H
#define EBSFS_SIM_VOLUME_H

#include "sim_snapshot.h"

/* Strings are on the heap; NULL: absent. A volume stays in memory after its end: its client token
 * does too. */
struct sim_volume {
	char *id;
	char *owner_id;
	char *zone;
	char *snapshot_id;
	char *kms_key_id; /* NULL: not encrypted */
	char *type;
	char *token;       /* the client token of its request */
	char *state;       /* set by a world or a test; NULL: by its age and attachment */
	char *instance_id; /* attached to it */
	char *device;
	uint64_t request; /* the hash of its request's parameters */
	uint32_t gib;
	int iops, throughput, rate; /* 0: none */
	bool multi_attach;
	struct sim_tags tags;
	int64_t created_ms;  /* wall clock */
	int64_t token_until; /* monotonic: the token is remembered; 0: for ever */
	int64_t loaded_at;  /* monotonic: its initialization ends, and frees the provisioned rate */
	struct sim_run run; /* from creating to available; failure: it vanishes then */
	int64_t visible_at; /* monotonic */
	bool deleted;
	int64_t gone_at; /* of a deleted one */
};

void sim_volume_finish(struct sim_volume *v);

/* A type of volumes. The figures are those of CreateVolume's reference. */
struct sim_volume_type {
	const char *name;
	uint32_t min_gib, max_gib;
	int min_iops, max_iops; /* max 0: cannot be chosen */
	int iops_per_gib;       /* at most */
	int iops;               /* by default; 0: must be given, or has none */
	bool iops_required;
	int min_throughput, max_throughput; /* max 0: cannot be chosen */
	bool boots;
};
/* NULL for an unknown name. */
const struct sim_volume_type *sim_volume_type(const char *name);
/* The IOPS that EC2 shows for a volume of the type without chosen ones; 0: none. */
int sim_volume_type_iops(const struct sim_volume_type *type, uint32_t gib);

#endif
