/* SPDX-License-Identifier: MIT */
/* Converts between struct timespec and nanoseconds or milliseconds since 1970: rounds down, also
 * before 1970, and saturates. */
#ifndef EBSFS_TIMESPEC_H
#define EBSFS_TIMESPEC_H

#include <stdint.h>
#include <time.h>

struct timespec timespec_of_ns(int64_t ns);
struct timespec timespec_of_ms(int64_t ms);
/* The years 1677 to 2262 fit; other times give the nearest value that does. */
int64_t timespec_ns(struct timespec t);

#endif
