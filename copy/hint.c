/* SPDX-License-Identifier: MIT */
/* What usually causes an error of EC2's. */
#include "hint.h"

#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"

/* The first row that fits. NULL fits all. The messages of copies that failed are those that AWS
 * documents for CopySnapshot ("Encryption and snapshot copying") or that users quote. */
static const struct {
	const char *code;  /* a pattern */
	const char *words; /* in the message */
	const char *hint;
} hints[] = {
	{NULL, "key ID is not accessible",
		"the caller needs kms:DescribeKey, kms:CreateGrant, kms:GenerateDataKey, "
		"kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt* and kms:Decrypt for the "
		"source's key and the copy's; both keys must exist and be enabled, the copy's "
		"(copy.kms-key) in the destination's region; of another account's snapshot the "
		"owner must share the key too"},
	{NULL, "CreateTags",
		"the policy forbids tagging the copy (ec2:CreateTags); a mount with -o notags "
		"copies without "
		"tags, and can then not be as sure after a lost answer"},
	{NULL, "KMS",
		"the key is disabled, deleted, in another region, or its policy does not permit "
		"this; a copy "
		"needs a key of its own region (copy.kms-key)"},
	{NULL, "resigned",
		"EC2 refused the presigned URL: the clock of this machine may be wrong, or the "
		"credentials "
		"expired meanwhile; copy again"},
	{NULL, "Source snapshot is not found",
		"the source was deleted, or is not shared with this account (or its key is not)"},
	{NULL, "ource snapshot",
		"the source was deleted meanwhile, or may not be copied by this account"},
	{"*KMS*", NULL,
		"the key is disabled, deleted, in another region, or its policy does not permit "
		"this; a copy needs a key of its own region (copy.kms-key)"},
	{"IncorrectState", NULL,
		"the source must be completed, and not in the archive tier: restore it first"},
	{"UnauthorizedOperation", NULL,
		"the caller needs ec2:CopySnapshot in the destination and, for the tags, "
		"ec2:CreateTags"},
	{"AuthFailure", NULL,
		"the credentials are wrong, or the region is not enabled for this account"},
	{"OptInRequired", NULL, "the region is not enabled for this account"},
	{"RequestExpired", NULL, "the clock of this machine is wrong"},
	{"ExpiredToken", NULL, "the session has expired: renew the credentials"},
	{"SnapshotLimitExceeded", NULL,
		"the account has as many snapshots in the region as its quota permits: delete "
		"some, or ask AWS "
		"for more"},
	{"SnapshotCopyUnsupported.InterRegion", NULL, "EC2 cannot copy between these two regions"},
	{"InvalidSnapshot.NotFound", NULL,
		"the source was deleted, or is not shared with this account"},
};

const char *hint_for(const char *code, const char *message)
{
	for (size_t i = 0; i < ARRAY_LEN(hints); i++)
		if ((!hints[i].code || (code && !fnmatch(hints[i].code, code, 0))) &&
			(!hints[i].words || (message && strstr(message, hints[i].words))))
			return hints[i].hint;
	return NULL;
}

void hint_add(struct err *err)
{
	const char *hint = hint_for(err->code, err->message);
	size_t len = strlen(err->message);

	if (hint)
		snprintf(err->message + len, sizeof(err->message) - len, "; %s", hint);
}
