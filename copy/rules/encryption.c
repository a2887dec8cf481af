/* SPDX-License-Identifier: MIT */
/* What a copy will be encrypted with. */
#include "encryption.h"

static int encryption_with_default_key(const struct encryption_defaults *d, struct buf *out)
{
	return buf_printf(out, "yes, with the region's default key%s%s (expected)",
		d && *d->key ? " " : "", d ? d->key : "");
}

int encryption_expected(const struct journal_copy *row, enum ec2_encryption source,
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
