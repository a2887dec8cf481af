/* SPDX-License-Identifier: MIT */
/* RegisterImage, as a kind of job. */
#ifndef EBSFS_REGISTER_IMAGE_H
#define EBSFS_REGISTER_IMAGE_H

#include "job_kind.h"

extern const struct job_kind register_image_kind;

#endif
