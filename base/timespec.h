/* SPDX-License-Identifier: MIT */
/* Converts between struct timespec and nanoseconds or milliseconds since 1970: rounds down, also
 * before 1970, and saturates. */
#ifndef EBSFS_TIMESPEC_H
#define EBSFS_TIMESPEC_H

#include <stdint.h>
#include <time.h>

struct timespec timespec_of_ns(int64_t ns);
struct timespec timespec_of_ms(int64_t ms);
/* Times beyond the range of an int64_t, which holds the years 1677 to 2262, give its nearest value.
 */
int64_t timespec_ns(struct timespec t);

#endif
