/* SPDX-License-Identifier: MIT */
/* The actions of the API: their table, and the functions that carry them out. */
#ifndef EBSFS_SIM_ACTIONS_H
#define EBSFS_SIM_ACTIONS_H

#include "sim_auth.h"
#include "sim_call.h"
#include "sim_throttle.h"

struct sim_action {
	const char *name;
	enum sim_service { SIM_EC2, SIM_STS, SIM_EBS } service;
	bool writes; /* needs the world's lock exclusively */
	sim_action_fn *run;
	const char *const *params; /* the action's own parameters, NULL-terminated */
	struct sim_rate rate;
};

/* Returns the action with this name; NULL if the name is unknown. */
const struct sim_action *sim_action_find(const char *name);

/* Checks a request's signature, permission and rate, carries it out, and writes the response to
 * *reply. clock_error_ms is added to the simulator's clock for this request. Takes and releases the
 * world's lock. */
void sim_actions_answer(struct sim_world *w, struct sim_throttle *t,
	const struct sim_auth_request *r, const struct sim_params *params, int64_t clock_error_ms,
	struct sim_reply *reply);

/* --- sim_access.c --- */

/* Verifies the signature and sets c->key, c->region and c->sts. Returns 0, or -1 after sim_fail().
 */
int sim_access_authenticate(struct sim_call *c, const struct sim_auth_request *r);
/* Checks that c->key has permission for the action. Returns 0, or -1 after sim_fail(). */
int sim_access_authorize(struct sim_call *c, const char *action);

/* Whether the policy of c->key permits an action of another service, which is named with its
 * service ("kms:Decrypt"). */
bool sim_access_allows(const struct sim_call *c, const char *action);

/* --- the actions, by file, with the names of their parameters if they have any --- */

/* sim_copy.c */
sim_action_fn sim_copy_snapshot;
extern const char *const sim_copy_params[];

/* sim_image_calls.c, sim_image_register.c */
sim_action_fn sim_describe_images, sim_register_image;
extern const char *const sim_images_params[], *const sim_register_params[];

/* sim_volume_calls.c, sim_volume_create.c */
sim_action_fn sim_describe_volumes, sim_create_volume;
extern const char *const sim_volumes_params[], *const sim_create_volume_params[];

/* sim_zone_calls.c */
sim_action_fn sim_describe_zones;
extern const char *const sim_zones_params[];

/* sim_describe.c */
sim_action_fn sim_describe_snapshots;
extern const char *const sim_describe_params[];

/* sim_ebs.c; the parameters come from the URL's path and query. */
sim_action_fn sim_ebs_list_blocks, sim_ebs_list_changed_blocks, sim_ebs_get_block;
extern const char *const sim_ebs_list_params[], *const sim_ebs_changed_params[],
							*const sim_ebs_get_params[];

/* sim_regions.c */
sim_action_fn sim_describe_regions, sim_get_encryption_by_default, sim_get_default_key;
extern const char *const sim_regions_params[];

/* sim_snapshot_calls.c */
sim_action_fn sim_create_snapshot, sim_delete_snapshot;
sim_action_fn sim_modify_snapshot_attribute, sim_describe_snapshot_attribute;
extern const char *const sim_create_snapshot_params[], *const sim_delete_params[],
							       *const sim_sharing_params[];

/* sim_sts.c; AssumeRoleWithWebIdentity is not signed: its c->key is NULL. */
sim_action_fn sim_sts_identity, sim_sts_assume_role, sim_sts_assume_role_with_web_identity;
extern const char *const sim_sts_assume_params[], *const sim_sts_web_params[];

/* sim_tags.c */
sim_action_fn sim_create_tags, sim_delete_tags;
extern const char *const sim_create_tags_params[];

#endif
