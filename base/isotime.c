/* SPDX-License-Identifier: MIT */
/* Parses and formats dates. */
#include "isotime.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cleanup.h"
#include "num.h"

/*
 * The forms that isotime_parse() accepts, ignoring blanks around them. Where a form is unambiguous,
 * boto3 reads it in the same way.
 *
 *   2026-11-20T03:00:12.345+02:00   T or a blank; seconds and fraction may be missing; "." or ",";
 *   20261120T030012Z                Z, UTC, GMT, +02, +0200, +02:00, or nothing: UTC
 *   2026-11-20                      midnight
 *   Fri, 20 Nov 2026 03:00:12 GMT   RFC 822
 *   1795143612.345                  seconds since 1970, of nine digits at least
 */
struct cursor {
	const char *at, *end;
};

static bool is_digit(const struct cursor *c)
{
	return c->at < c->end && *c->at >= '0' && *c->at <= '9';
}

static bool skip(struct cursor *c, char wanted)
{
	if (c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct cursor *c)
{
	while (c->at < c->end && is_blank(*c->at))
		c->at++;
}

/* Skips a word in upper or lower case. */
static bool skip_word(struct cursor *c, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(c->end - c->at) < len || strncasecmp(c->at, word, len) != 0)
		return false;
	c->at += len;
	return true;
}

/* Parses a number of exactly `digits` digits. */
static bool take(struct cursor *c, size_t digits, int min, int max, int *out)
{
	uint64_t v;

	if ((size_t)(c->end - c->at) < digits ||
		num_parse_u64(c->at, digits, (uint64_t)min, (uint64_t)max, &v) < 0)
		return false;
	c->at += digits;
	*out = (int)v;
	return true;
}

/* Parses the digits after a decimal point, as milliseconds. */
static bool take_fraction(struct cursor *c, int *ms)
{
	int scale = 100;

	if (!is_digit(c))
		return false;
	for (; is_digit(c); c->at++, scale /= 10)
		*ms += (*c->at - '0') * scale;
	return true;
}

/* Parses hours and minutes, and seconds and a fraction if present. */
static bool take_time(struct cursor *c, struct tm *tm, int *ms)
{
	bool colons;

	if (!take(c, 2, 0, 23, &tm->tm_hour))
		return false;
	colons = skip(c, ':');
	if (!take(c, 2, 0, 59, &tm->tm_min))
		return false;
	if (colons ? !skip(c, ':') : !is_digit(c))
		return true;
	return take(c, 2, 0, 60, &tm->tm_sec) &&
	       (!(skip(c, '.') || skip(c, ',')) || take_fraction(c, ms));
}

/* Parses a time zone; *offset: minutes east of UTC. */
static bool take_zone(struct cursor *c, int *offset)
{
	int hours, minutes = 0;
	bool west = c->at < c->end && *c->at == '-';

	if (c->at == c->end || skip_word(c, "Z") || skip_word(c, "UTC") || skip_word(c, "GMT"))
		return true;
	if (!(skip(c, '+') || skip(c, '-')) || !take(c, 2, 0, 23, &hours))
		return false;
	if (skip(c, ':') ? !take(c, 2, 0, 59, &minutes)
			 : is_digit(c) && !take(c, 2, 0, 59, &minutes))
		return false;
	*offset = (hours * 60 + minutes) * (west ? -1 : 1);
	return true;
}

/* Parses "2026-11-20" or "20261120"; *has_time: whether a time follows. */
static bool take_iso_date(struct cursor *c, struct tm *tm, bool *has_time)
{
	bool dashes;

	if (!take(c, 4, 1, 9999, &tm->tm_year))
		return false;
	dashes = skip(c, '-');
	if (!take(c, 2, 1, 12, &tm->tm_mon) || (dashes && !skip(c, '-')) ||
		!take(c, 2, 1, 31, &tm->tm_mday))
		return false;
	*has_time = skip(c, 'T') || skip(c, 't');
	if (!*has_time && c->at < c->end && *c->at == ' ') {
		skip_blanks(c);
		*has_time = true;
	}
	/* Eight digits without a time are not necessarily a date. */
	return *has_time || dashes;
}

/* Parses "[Fri, ]20 Nov 2026 ". */
static bool take_rfc_date(struct cursor *c, struct tm *tm)
{
	static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
	static const char *const months[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

	for (size_t i = 0; i < ARRAY_LEN(days); i++)
		if (skip_word(c, days[i]) && !skip(c, ','))
			return false;
	skip_blanks(c);
	if (!take(c, 2, 1, 31, &tm->tm_mday) && !take(c, 1, 1, 9, &tm->tm_mday))
		return false;
	skip_blanks(c);
	for (size_t i = 0; i < ARRAY_LEN(months) && !tm->tm_mon; i++)
		if (skip_word(c, months[i]))
			tm->tm_mon = (int)i + 1;
	skip_blanks(c);
	if (!tm->tm_mon || !take(c, 4, 1, 9999, &tm->tm_year) || !skip(c, ' '))
		return false;
	skip_blanks(c);
	return true;
}

static bool parse_epoch(struct cursor c, int64_t *ms)
{
	struct cursor digits = c;
	int fraction = 0;
	uint64_t v;

	while (is_digit(&digits))
		digits.at++;
	if (digits.at - c.at < 9 || digits.at - c.at > 11 ||
		num_parse_u64(c.at, (size_t)(digits.at - c.at), 0, INT64_MAX, &v) < 0)
		return false;
	if (skip(&digits, '.') && !take_fraction(&digits, &fraction))
		return false;
	*ms = (int64_t)v * 1000 + fraction;
	return digits.at == digits.end;
}

static bool is_date(const struct tm *tm)
{
	static const char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y = tm->tm_year;
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return tm->tm_mday <= days[tm->tm_mon - 1] + (tm->tm_mon == 2 && leap);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. Counts years from March, so that the
 * leap day comes last. timegm() gives the same result, but takes longer than all other steps of
 * isotime_parse(). */
static int64_t days_since_1970(const struct tm *tm)
{
	int64_t month = (tm->tm_mon + 9) % 12, year = tm->tm_year - (month > 9);
	int64_t leap_days = year / 4 - year / 100 + year / 400;

	return 365 * year + leap_days + (153 * month + 2) / 5 + tm->tm_mday - 1 - 719468;
}

int isotime_parse(const char *s, size_t len, int64_t *ms)
{
	struct cursor c = {s, s + len}, rfc;
	struct tm tm = {0};
	int fraction = 0, offset = 0;
	bool has_time = true;
	int64_t minutes;

	skip_blanks(&c);
	while (c.end > c.at && is_blank(c.end[-1]))
		c.end--;
	if (parse_epoch(c, ms))
		return 0;
	rfc = c;
	if (!take_iso_date(&c, &tm, &has_time)) {
		c = rfc;
		tm = (struct tm){0};
		has_time = true;
		if (!take_rfc_date(&c, &tm))
			return -EINVAL;
	}
	if (has_time && !take_time(&c, &tm, &fraction))
		return -EINVAL;
	skip_blanks(&c);
	if ((has_time && !take_zone(&c, &offset)) || c.at != c.end || !is_date(&tm))
		return -EINVAL;
	minutes = (days_since_1970(&tm) * 24 + tm.tm_hour) * 60 + tm.tm_min - offset;
	*ms = (minutes * 60 + tm.tm_sec) * 1000 + fraction;
	return isotime_is_date(*ms) ? 0 : -EINVAL;
}

static struct tm broken_down_time(int64_t ms, int *fraction)
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
	struct tm tm = broken_down_time(ms, &fraction);

	strftime(out, ISOTIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return out;
}

const char *isotime_format_ms(int64_t ms, char out[ISOTIME_SIZE])
{
	int fraction;
	struct tm tm = broken_down_time(ms, &fraction);
	size_t n = strftime(out, ISOTIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);

	snprintf(out + n, ISOTIME_SIZE - n, ".%03dZ", fraction);
	return out;
}

const char *isotime_format_basic(int64_t ms, char out[ISOTIME_SIZE])
{
	int fraction;
	struct tm tm = broken_down_time(ms, &fraction);

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
