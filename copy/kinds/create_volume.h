/* SPDX-License-Identifier: MIT */
/* CreateVolume, as a kind of job. */
#ifndef EBSFS_CREATE_VOLUME_H
#define EBSFS_CREATE_VOLUME_H

#include "job_kind.h"

extern const struct job_kind create_volume_kind;

#endif
