/* SPDX-License-Identifier: MIT */
/* Who else may make volumes of a snapshot: ModifySnapshotAttribute and DescribeSnapshotAttribute.
 */
#ifndef EBSFS_SIM_SHARING_H
#define EBSFS_SIM_SHARING_H

#include "sim_call.h"

sim_action_fn sim_modify_snapshot_attribute, sim_describe_snapshot_attribute;
extern const char *const sim_sharing_params[];

#endif
