/* SPDX-License-Identifier: MIT */
/* The simulated world: regions with their snapshots, KMS keys and volumes, access keys, clock,
 * random numbers. */
#ifndef EBSFS_SIM_WORLD_H
#define EBSFS_SIM_WORLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "sim.h"
#include "sim_bulk.h"
#include "sim_image.h"
#include "sim_snapshot.h"
#include "sim_volume.h"
#include "sim_zones.h"

/* The time, read once per request. */
struct sim_time {
	int64_t wall; /* the simulator's clock, ms since 1970 */
	int64_t mono; /* ms; for durations */
};

struct sim_kms_key {
	char *id;
	char *arn;
	char *alias; /* "alias/dr"; NULL if none */
	bool usable; /* false: disabled, or the account may not use it */
};

struct sim_region {
	char *name;
	bool enabled;            /* for the account */
	bool opt_in;             /* must be opted into */
	bool copies_only_inside; /* SnapshotCopyUnsupported.InterRegion */
	bool encrypts_by_default;
	int copy_limit;           /* -1: sim_behaviour.copy_limit */
	int snapshot_limit;       /* 0: none */
	char *default_kms_arn;    /* the key for encryption by default; NULL: aws/ebs */
	struct sim_kms_key *keys; /* the first one is aws/ebs */
	size_t n_keys;
	struct sim_zone *zones;
	size_t n_zones;
	struct sim_volume *volumes; /* in the order of their creation, gone ones too */
	size_t n_volumes;
	size_t volumes_created; /* by CreateVolume */
	int volume_gib_limit;   /* the sum for all volumes of one type; 0: no limit */
	int volume_iops_limit;
	struct sim_image *images; /* in the order of their creation, gone ones too */
	size_t n_images;
	size_t images_registered; /* by RegisterImage */

	/* Slots: n_bulk generated snapshots, then the stored ones in the order of their creation. A
	 * deleted snapshot keeps its slot. */
	size_t n_bulk;
	struct sim_snapshot **stored;
	size_t n_stored, stored_capacity;
	struct sim_snapshot **changed; /* generated snapshots that were changed; NULL: none */
	size_t n_changed;
	struct sim_snapshot *by_id; /* stored and changed snapshots */
	size_t n_alive;

	struct sim_snapshot **pending; /* stored snapshots that are pending */
	size_t n_pending, pending_capacity;
	bool frozen;       /* pending snapshots make no progress */
	int64_t frozen_at; /* monotonic */
	int64_t paused_ms; /* total of all former pauses */
	size_t max_copies; /* the largest number of copies pending at once */
	size_t copies_started;
};

struct sim_access_key {
	char *id;
	char *secret;
	char *token; /* of a temporary key; NULL: a permanent one */
	char *account;
	char *arn;
	int64_t expires_ms; /* 0: never */
	bool revoked;
	char **allow; /* actions, with wildcards; an empty list allows all */
	size_t n_allow;
	char **deny;
	size_t n_deny;
};

struct sim_world {
	pthread_rwlock_t lock; /* guards all members below, except `random` */
	struct sim_behaviour behaviour;
	char *disks; /* folder of image files; NULL: none */
	char *xmlns; /* NULL: that of the API version in the request */
	struct sim_region **regions;
	size_t n_regions;
	struct sim_access_key *keys;
	size_t n_keys;
	atomic_uint_fast64_t random;
	uint64_t token_secret; /* seals page tokens */
};

/* Creates a world with the account's permanent key and no region. Returns 0 or -errno with *err. */
int sim_world_create(const struct sim_options *o, struct sim_world **out, struct err *err);
void sim_world_destroy(struct sim_world *w); /* NULL is permitted */

struct sim_time sim_world_now(const struct sim_world *w);
uint64_t sim_world_random(struct sim_world *w); /* may be called with or without the lock */
int64_t sim_world_draw(struct sim_world *w, struct sim_range range);

/* Finds a region by name, NULL if unknown. */
struct sim_region *sim_world_region(const struct sim_world *w, const char *name);
/* Finds a region by name; creates it (enabled, with its aws/ebs key) if there is none. NULL on
 * ENOMEM. */
struct sim_region *sim_world_add_region(struct sim_world *w, const char *name);
struct sim_access_key *sim_world_key(const struct sim_world *w, const char *id);
/* Adds a permanent key; NULL on ENOMEM. Pointers to other keys are invalid afterwards. */
struct sim_access_key *sim_world_add_key(
	struct sim_world *w, const char *id, const char *secret, const char *account);

#endif
