/* SPDX-License-Identifier: MIT */
/* struct timespec and counts of time since 1970: floored before 1970, saturated where they do not
 * fit. */
#ifndef EBSFS_TIMESPEC_H
#define EBSFS_TIMESPEC_H

#include <stdint.h>
#include <time.h>

struct timespec timespec_of_ns(int64_t ns);
struct timespec timespec_of_ms(int64_t ms);
/* Years 1677 to 2262 fit; a time outside gives the nearest that does. */
int64_t timespec_ns(struct timespec t);

#endif
