/* SPDX-License-Identifier: MIT */
/* EC2's rules for tags. */
#ifndef EBSFS_SIM_TAGS_H
#define EBSFS_SIM_TAGS_H

#include "sim_call.h"

#define SIM_TAGS_MAX      50  /* per resource; keys that begin with aws: do not count */
#define SIM_TAG_KEY_MAX   127 /* characters */
#define SIM_TAG_VALUE_MAX 256

/* Reads TagSpecification for this type ("snapshot") into *out; the caller frees it by
 * sim_tags_finish(). Returns 0, or -1 after sim_fail(). */
int sim_tags_from_specification(struct sim_call *c, const char *type, struct sim_tags *out);

#endif
