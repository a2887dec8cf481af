/* SPDX-License-Identifier: MIT */
/* Reads the wall clock and the monotonic clock, in milliseconds. */
#ifndef EBSFS_CLOCK_H
#define EBSFS_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void); /* since 1970, UTC */
int64_t clock_mono_ms(void); /* never goes back: for timeouts and ages */

#endif
