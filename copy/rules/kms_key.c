/* SPDX-License-Identifier: MIT */
/* The forms in which a KMS key may be named. */
#include "kms_key.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "endpoint.h"

#define ALIAS     "alias/"
#define ALIAS_MAX 256 /* CreateAlias, AliasName, in KMS' API reference; its characters too */
#define HEX       "0123456789abcdefABCDEF"
#define LETTERS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* "1234abcd-12ab-34cd-56ef-1234567890ab", or "mrk-" and 32 hex digits: a multi-region key. */
static bool kms_key_is_id(const char *s)
{
	static const size_t groups[] = {8, 4, 4, 4, 12};

	if (!strncmp(s, "mrk-", 4))
		return strlen(s) == 36 && strspn(s + 4, HEX) == 32;
	for (size_t i = 0; i < 5; i++) {
		if (strspn(s, HEX) != groups[i])
			return false;
		s += groups[i];
		if (i < 4 && *s++ != '-')
			return false;
	}
	return !*s;
}

static bool kms_key_is_alias(const char *s)
{
	size_t n = strlen(s);

	return !strncmp(s, ALIAS, strlen(ALIAS)) && n > strlen(ALIAS) && n <= ALIAS_MAX &&
	       strspn(s, LETTERS "0123456789/_-") == n;
}

static int kms_key_malformed(const char *text, struct err *err)
{
	return err_set(err, EINVAL,
		"copy.kms-key must be a key's id (1234abcd-12ab-34cd-56ef-1234567890ab), "
		"alias/NAME, or the ARN of a key or an alias; '%.80s' is none of these",
		text);
}

/* arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, from PARTITION on. */
static int kms_key_parse_arn(const char *text, char out[KMS_KEY_REGION_SIZE], struct err *err)
{
	const char *part[5], *s = text + strlen("arn:");
	size_t len[5] = {0};

	for (size_t i = 0; i < 5; i++) {
		part[i] = s;
		len[i] = i < 4 ? strcspn(s, ":") : strlen(s);
		if (!len[i] || (i < 4 && s[len[i]] != ':'))
			return kms_key_malformed(text, err);
		s += len[i] + 1;
	}
	if (len[1] != 3 || strncmp(part[1], "kms", 3))
		return err_set(err, EINVAL,
			"copy.kms-key names something of the service %.*s; it must name a KMS key "
			"(arn:aws:kms:REGION:ACCOUNT:key/ID)",
			(int)(len[1] < 40 ? len[1] : 40), part[1]);
	if (len[2] >= KMS_KEY_REGION_SIZE || len[3] != 12 || strspn(part[3], "0123456789") != 12 ||
		!(kms_key_is_alias(part[4]) ||
			(!strncmp(part[4], "key/", 4) && kms_key_is_id(part[4] + 4))))
		return kms_key_malformed(text, err);
	snprintf(out, KMS_KEY_REGION_SIZE, "%.*s", (int)len[2], part[2]);
	return endpoint_is_region(out) ? 0 : kms_key_malformed(text, err);
}

int kms_key_parse(const char *text, char out[KMS_KEY_REGION_SIZE], struct err *err)
{
	out[0] = '\0';
	if (!strncmp(text, "arn:", 4))
		return kms_key_parse_arn(text, out, err);
	return kms_key_is_id(text) || kms_key_is_alias(text) ? 0 : kms_key_malformed(text, err);
}

int kms_key_fits(const char *text, const char *region, struct err *err)
{
	char of[KMS_KEY_REGION_SIZE];
	int r = kms_key_parse(text, of, err);

	if (r < 0 || !*of || !strcmp(of, region))
		return r;
	return err_set(err, ENOKEY,
		"copy.kms-key names a key of %s, but the copy is made in %s, and a KMS key works "
		"in its own region only: name a key of %s",
		of, region, region);
}
