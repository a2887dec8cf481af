/* SPDX-License-Identifier: MIT */
/* Checks of a copy before EC2 is asked for it. */
#include "preflight.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws_error.h"
#include "endpoint.h"
#include "kms_key.h"

/* A time-based copy moves at most 500 MiB/s; its duration is a multiple of 15 minutes. */
#define MINUTE_BYTES ((int64_t)500 * 60 << 20)
#define MINUTES_STEP 15

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

int preflight_judge(const struct preflight *p, struct err *err)
{
	const struct journal_copy *row = p->row;
	int r = row->kms_key_id ? kms_key_fits(row->kms_key_id, row->region, err) : 0;

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
