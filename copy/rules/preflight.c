/* SPDX-License-Identifier: MIT */
/* Judges a copy before EC2 is asked for it. */
#include "preflight.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws_error.h"
#include "isotime.h"

/* A time-based copy moves at most 500 MiB/s; its duration is a multiple of 15 minutes. */
#define MINUTE_BYTES ((int64_t)500 * 60 << 20)
#define MINUTES_STEP 15

#define ALIAS     "alias/"
#define ALIAS_MAX 256 /* CreateAlias, AliasName, in KMS' API reference; its characters too */
#define HEX       "0123456789abcdefABCDEF"
#define LETTERS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* --- the key --- */

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

static int kms_key_malformed(const char *option, const char *text, struct err *err)
{
	return err_set(err, EINVAL,
		"%s must be a key's id (1234abcd-12ab-34cd-56ef-1234567890ab), "
		"alias/NAME, or the ARN of a key or an alias; '%.80s' is none of these",
		option, text);
}

/* arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE, from PARTITION on. */
static int kms_key_parse_arn(
	const char *option, const char *text, char out[ENDPOINT_REGION_SIZE], struct err *err)
{
	const char *part[5], *s = text + strlen("arn:");
	size_t len[5] = {0};

	for (size_t i = 0; i < 5; i++) {
		part[i] = s;
		len[i] = i < 4 ? strcspn(s, ":") : strlen(s);
		if (!len[i] || (i < 4 && s[len[i]] != ':'))
			return kms_key_malformed(option, text, err);
		s += len[i] + 1;
	}
	if (len[1] != 3 || strncmp(part[1], "kms", 3))
		return err_set(err, EINVAL,
			"%s names something of the service %.*s; it must name a KMS key "
			"(arn:aws:kms:REGION:ACCOUNT:key/ID)",
			option, (int)(len[1] < 40 ? len[1] : 40), part[1]);
	if (len[2] >= ENDPOINT_REGION_SIZE || len[3] != 12 || strspn(part[3], "0123456789") != 12 ||
		!(kms_key_is_alias(part[4]) ||
			(!strncmp(part[4], "key/", 4) && kms_key_is_id(part[4] + 4))))
		return kms_key_malformed(option, text, err);
	snprintf(out, ENDPOINT_REGION_SIZE, "%.*s", (int)len[2], part[2]);
	return endpoint_is_region(out) ? 0 : kms_key_malformed(option, text, err);
}

int preflight_key_parse(
	const char *option, const char *text, char out[ENDPOINT_REGION_SIZE], struct err *err)
{
	out[0] = '\0';
	if (!strncmp(text, "arn:", 4))
		return kms_key_parse_arn(option, text, out, err);
	return kms_key_is_id(text) || kms_key_is_alias(text) ? 0
							     : kms_key_malformed(option, text, err);
}

int preflight_key_fits(const char *option, const char *text, const char *region, struct err *err)
{
	char of[ENDPOINT_REGION_SIZE];
	int r = preflight_key_parse(option, text, of, err);

	if (r < 0 || !*of || !strcmp(of, region))
		return r;
	return err_set(err, ENOKEY,
		"%s names a key of %s, but the %.*s is made in %s, and a KMS key works "
		"in its own region only: name a key of %s",
		option, of, (int)strcspn(option, "."), option, region, region);
}

/* --- encryption --- */

static int encryption_with_default_key(const struct encryption_defaults *d, struct buf *out)
{
	return buf_printf(out, "yes, with the region's default key%s%s (expected)",
		d && *d->key ? " " : "", d ? d->key : "");
}

int preflight_encryption(const struct journal_copy *row, enum ec2_encryption source,
	const struct encryption_defaults *d, struct buf *out)
{
	bool on = d && d->known && d->on, off = d && d->known && !d->on;

	if (row->kms_key_id)
		return buf_printf(out, "yes, with %s", row->kms_key_id);
	if (on || (row->encrypted && source == EC2_ENCRYPTION_NONE))
		return encryption_with_default_key(d, out);
	/* The guide does not say what asking for encryption makes of an encrypted source's key. */
	if (row->encrypted)
		return buf_puts(out, "yes");
	if (source == EC2_ENCRYPTION_PRESENT)
		return buf_puts(out,
			off ? "yes, with AWS's own key for EBS, alias/aws/ebs (expected)" : "yes");
	return off && source == EC2_ENCRYPTION_NONE ? buf_puts(out, "no (expected)") : 0;
}

/* --- regions, tiers, permission, time --- */

int preflight_regions(const char *from, const char *to, struct err *err)
{
	const char *a = endpoint_partition(from), *b = endpoint_partition(to);

	if (!strcmp(a, b))
		return 0;
	return err_set(err, EOPNOTSUPP,
		"%s belongs to the partition %s of AWS and %s to %s: EC2 copies within a partition "
		"only",
		from, a, to, b);
}

bool preflight_is_archived(const char *tier, int64_t expiry_ms, int64_t now_ms)
{
	return tier && !strcmp(tier, "archive") && expiry_ms <= now_ms;
}

bool preflight_snapshot_is_archived(const struct catalogue *c, catalogue_slot slot, int64_t now_ms)
{
	const char *restored = catalogue_field_value(c, slot, "RestoreExpiryTime");
	int64_t expiry = 0;

	if (restored && isotime_parse(restored, strlen(restored), &expiry) < 0)
		expiry = 0;
	return preflight_is_archived(catalogue_field_value(c, slot, "StorageTier"), expiry, now_ms);
}

bool preflight_is_forbidden(const struct err *err)
{
	return err->errnum == EACCES && !aws_error_is_passing(err);
}

bool preflight_is_short(int minutes, int64_t bytes, char note[PREFLIGHT_NOTE_SIZE])
{
	int64_t needed = bytes > 0 ? bytes / MINUTE_BYTES + (bytes % MINUTE_BYTES > 0) : 0;

	if (!minutes || needed <= minutes)
		return false;
	needed = (needed + MINUTES_STEP - 1) / MINUTES_STEP * MINUTES_STEP;
	snprintf(note, PREFLIGHT_NOTE_SIZE,
		"%d minutes are enough only if the copy is incremental: EC2 moves at most 500 "
		"MiB/s, and all %" PRId64 " GiB of data take %" PRId64 " minutes",
		minutes, bytes >> 30, needed);
	return true;
}

/* --- all that decides --- */

int preflight_judge(const struct preflight *p, struct err *err)
{
	const struct journal_copy *row = p->row;
	int r = row->kms_key_id
			? preflight_key_fits("copy.kms-key", row->kms_key_id, row->region, err)
			: 0;

	if (r < 0)
		return r;
	if (p->unencrypted && p->source == EC2_ENCRYPTION_UNKNOWN)
		return err_set(err, EINVAL,
			"copy.encrypted is no, but whether %s is encrypted is not known, and EC2 "
			"never decrypts in a copy: leave the line out",
			row->source_id);
	if (p->unencrypted && p->source == EC2_ENCRYPTION_PRESENT)
		return err_set(err, EINVAL,
			"copy.encrypted is no, but %s is encrypted, and EC2 never decrypts in a "
			"copy: leave the line out",
			row->source_id);
	if (p->unencrypted && p->defaults && p->defaults->known && p->defaults->on)
		return err_set(err, EINVAL,
			"copy.encrypted is no, but the account encrypts every copy in %s "
			"(encryption by default is on there): leave the line out",
			row->region);
	return 0;
}
