/* SPDX-License-Identifier: MIT */
/* Random numbers from the kernel. */
#ifndef EBSFS_RANDOM_H
#define EBSFS_RANDOM_H

#include <stddef.h>

/* Fills out with random bytes; aborts the process if getrandom(2) fails. */
void random_bytes(void *out, size_t len);
/* Returns a number that is uniformly distributed in [0, 1): for jitter. */
double random_unit(void);

#endif
