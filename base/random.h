/* SPDX-License-Identifier: MIT */
/* Random numbers from the kernel. */
#ifndef EBSFS_RANDOM_H
#define EBSFS_RANDOM_H

#include <stddef.h>

void random_bytes(void *out, size_t len);
/* Uniform in [0, 1): for jitter. */
double random_unit(void);

#endif
