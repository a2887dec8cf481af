/* SPDX-License-Identifier: MIT */
/* Parses dates in ISO 8601 and related forms, and formats times as ISO 8601 in UTC. */
#ifndef EBSFS_ISOTIME_H
#define EBSFS_ISOTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ISOTIME_SIZE 32

/* The years 1 to 9999 in milliseconds: the range of isotime_parse(), and of valid times in files.
 * Differences of two such times do not overflow. */
#define ISOTIME_MIN_MS (-62135596800000)
#define ISOTIME_MAX_MS 253402300800999

/* Parses the forms that AWS and EC2-compatible clouds use (listed in isotime.c): ISO 8601 with or
 * without an offset, RFC 822, seconds since 1970. *ms: milliseconds since 1970. Returns 0, or
 * -EINVAL, also for dates that do not exist. */
int isotime_parse(const char *s, size_t len, int64_t *ms);
/* "2026-01-02T03:04:05Z" (_ms: "2026-01-02T03:04:05.678Z"; _basic: "20260102T030405Z", the form
 * that signatures use). Return out. */
const char *isotime_format(int64_t ms, char out[ISOTIME_SIZE]);
const char *isotime_format_ms(int64_t ms, char out[ISOTIME_SIZE]);
const char *isotime_format_basic(int64_t ms, char out[ISOTIME_SIZE]);
/* Formats seconds as "12m31s", "2h05m", "3d4h", "45s"; negative numbers as "0s". Returns out. */
const char *isotime_duration(int64_t seconds, char out[ISOTIME_SIZE]);

/* Whether a time is within ISOTIME_MIN_MS and ISOTIME_MAX_MS. */
static inline bool isotime_is_date(int64_t ms)
{
	return ms >= ISOTIME_MIN_MS && ms <= ISOTIME_MAX_MS;
}

#endif
