/* SPDX-License-Identifier: MIT */
/* ISO 8601 dates in UTC. */
#include "isotime.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "num.h"

static int field(const char *s, size_t at, size_t len, uint64_t min, uint64_t max, int *out)
{
	uint64_t v;

	if (num_parse_u64(s + at, len, min, max, &v) < 0)
		return -EINVAL;
	*out = (int)v;
	return 0;
}

int isotime_parse(const char *s, size_t len, int64_t *ms)
{
	struct tm tm = {0};
	int fraction = 0;
	size_t i = 19;

	if (len && s[len - 1] == 'Z')
		len--;
	if (len < 19 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':')
		return -EINVAL;
	if (field(s, 0, 4, 1, 9999, &tm.tm_year) < 0 || field(s, 5, 2, 1, 12, &tm.tm_mon) < 0 ||
		field(s, 8, 2, 1, 31, &tm.tm_mday) < 0 || field(s, 11, 2, 0, 23, &tm.tm_hour) < 0 ||
		field(s, 14, 2, 0, 59, &tm.tm_min) < 0 || field(s, 17, 2, 0, 60, &tm.tm_sec) < 0)
		return -EINVAL;
	if (i < len) {
		int scale = 100;

		if (s[i++] != '.' || i == len)
			return -EINVAL;
		for (; i < len; i++, scale /= 10) {
			if (s[i] < '0' || s[i] > '9')
				return -EINVAL;
			fraction += (s[i] - '0') * scale;
		}
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ms = (int64_t)timegm(&tm) * 1000 + fraction;
	return 0;
}

static struct tm split(int64_t ms, int *fraction)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	*fraction = (int)(ms % 1000);
	if (*fraction < 0) {
		*fraction += 1000;
		seconds--;
	}
	if (!gmtime_r(&seconds, &tm))
		memset(&tm, 0, sizeof(tm));
	return tm;
}

const char *isotime_format(int64_t ms, char out[ISOTIME_SIZE])
{
	int fraction;
	struct tm tm = split(ms, &fraction);

	strftime(out, ISOTIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

const char *isotime_format_ms(int64_t ms, char out[ISOTIME_SIZE])
{
	int fraction;
	struct tm tm = split(ms, &fraction);
	size_t n = strftime(out, ISOTIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);

	snprintf(out + n, ISOTIME_SIZE - n, ".%03dZ", fraction);
	return out;
}

const char *isotime_format_basic(int64_t ms, char out[ISOTIME_SIZE])
{
	int fraction;
	struct tm tm = split(ms, &fraction);

	strftime(out, ISOTIME_SIZE, "%Y%m%dT%H%M%SZ", &tm);
	return out;
}

const char *isotime_duration(int64_t seconds, char out[ISOTIME_SIZE])
{
	long long s = seconds > 0 ? (long long)seconds : 0;

	if (s < 60)
		snprintf(out, ISOTIME_SIZE, "%llds", s);
	else if (s < 3600)
		snprintf(out, ISOTIME_SIZE, "%lldm%02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, ISOTIME_SIZE, "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(out, ISOTIME_SIZE, "%lldd%lldh", s / 86400, s / 3600 % 24);
	return out;
}
