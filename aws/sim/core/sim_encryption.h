/* SPDX-License-Identifier: MIT */
/* Encryption by default: GetEbsEncryptionByDefault, GetEbsDefaultKmsKeyId. */
#ifndef EBSFS_SIM_ENCRYPTION_H
#define EBSFS_SIM_ENCRYPTION_H

#include "sim_call.h"

sim_action_fn sim_get_encryption_by_default;
sim_action_fn sim_get_default_key;

#endif
