/* SPDX-License-Identifier: MIT */
/* The one table from AWS's refusals to advice. */
#include "aws_advice.h"

#include <errno.h>
#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "cleanup.h"

/* The first row that fits. NULL fits all. */
static const struct {
	const char *code;  /* a pattern */
	const char *words; /* in the message */
	const char *advice;
} table[] = {
	/* The snapshot's key. The messages of copies that failed are those that AWS documents for
	   CopySnapshot or that users quote. */
	{NULL, "key ID is not accessible",
		"the caller needs kms:DescribeKey, kms:CreateGrant, kms:GenerateDataKey, "
		"kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt* and kms:Decrypt for the "
		"source's key and the copy's; both keys must exist and be enabled, the copy's "
		"(copy.kms-key) in the destination's region; of another account's snapshot the "
		"owner must share the key too"},
	/* Permissions, by the action that the message names. */
	{"Unauthorized*", "explicit deny",
		"a policy denies this explicitly (the user's or role's own, a permissions "
		"boundary, or the organization's): that denial must go, another permission does "
		"not help"},
	{NULL, "CreateTags",
		"the policy forbids tagging the copy (ec2:CreateTags): add it, as in the statement "
		"\"Copy\" of the policy in ebsfs's README; a mount with -o notags copies without "
		"tags, and can then not be as sure after a lost answer"},
	{"Unauthorized*", "DescribeRegions",
		"the policy lacks ec2:DescribeRegions: add the statement \"Look\" of the policy in "
		"ebsfs's README, or name the regions with -o regions="},
	{"Unauthorized*", "DescribeSnapshots",
		"the policy lacks ec2:DescribeSnapshots: add the statement \"Look\" of the policy "
		"in ebsfs's README"},
	{"Unauthorized*", "DeleteSnapshot",
		"the policy lacks ec2:DeleteSnapshot: add the statement "
		"\"DeleteSnapshotsWithOptionDelete\" of the policy in ebsfs's README"},
	{"Unauthorized*", "DeleteTags",
		"the policy lacks ec2:DeleteTags: add the statement \"DeleteTagsWithOptionDelete\" "
		"of the policy in ebsfs's README"},
	{"Unauthorized*", NULL,
		"the caller needs ec2:CopySnapshot in the destination and, for the tags, "
		"ec2:CreateTags: add the statement \"Copy\" of the policy in ebsfs's README"},
	{"AccessDenied*", "AssumeRoleWithWebIdentity",
		"the role's trust policy must name the token's issuer and fit its claims (sub, "
		"aud)"},
	{"AccessDenied*", "AssumeRole",
		"the caller needs sts:AssumeRole for that role, and the role's trust policy must "
		"name the caller"},
	{"AccessDenied*", NULL,
		"the policy of these credentials lacks the action that the message names"},
	/* The snapshot's key, again. */
	{NULL, "KMS",
		"the key is disabled, deleted, in another region, or its policy does not permit "
		"this; a copy needs a key of its own region (copy.kms-key)"},
	{"*KMS*", NULL,
		"the key is disabled, deleted, in another region, or its policy does not permit "
		"this; a copy needs a key of its own region (copy.kms-key)"},
	{NULL, "resigned",
		"EC2 refused the presigned URL: the clock of this machine may be wrong, or the "
		"credentials expired meanwhile; copy again"},
	/* The source of a copy. */
	{NULL, "Source snapshot is not found",
		"the source was deleted, or is not shared with this account (or its key is not)"},
	{NULL, "ource snapshot",
		"the source was deleted meanwhile, or may not be copied by this account"},
	{"InvalidSnapshot.NotFound", NULL,
		"the source was deleted, or is not shared with this account"},
	{"IncorrectState", NULL,
		"the source must be completed, and not in the archive tier: restore it first"},
	{"SnapshotCopyUnsupported.InterRegion", NULL, "EC2 cannot copy between these two regions"},
	/* The caller's keys have ended. What is next depends on where they came from. */
	{"ExpiredToken*", "source: environment",
		"those keys have ended, and a running ebsfs gets no others from its environment: "
		"unmount, set new ones, mount again; or mount with -o profile="},
	{"RequestExpired", "source: environment",
		"those keys have ended, and a running ebsfs gets no others from its environment: "
		"unmount, set new ones, mount again; or mount with -o profile="},
	{"InvalidSecurity.RequestHasExpired", "source: environment",
		"those keys have ended, and a running ebsfs gets no others from its environment: "
		"unmount, set new ones, mount again; or mount with -o profile="},
	{"ExpiredToken*", "source: SSO", "run: aws sso login; ebsfs takes the new keys by itself"},
	{"RequestExpired", "source: SSO", "run: aws sso login; ebsfs takes the new keys by itself"},
	{"InvalidSecurity.RequestHasExpired", "source: SSO",
		"run: aws sso login; ebsfs takes the new keys by itself"},
	{"ExpiredToken*", "source: login", "run: aws login; ebsfs takes the new keys by itself"},
	{"RequestExpired", "source: login", "run: aws login; ebsfs takes the new keys by itself"},
	{"InvalidSecurity.RequestHasExpired", "source: login",
		"run: aws login; ebsfs takes the new keys by itself"},
	{"ExpiredToken*", "source: profile",
		"write new keys into that profile, or let its role, process or session renew them; "
		"ebsfs reads them again by itself"},
	{"RequestExpired", "source: profile",
		"write new keys into that profile, or let its role, process or session renew them; "
		"ebsfs reads them again by itself"},
	{"InvalidSecurity.RequestHasExpired", "source: profile",
		"write new keys into that profile, or let its role, process or session renew them; "
		"ebsfs reads them again by itself"},
	{"ExpiredToken*", NULL,
		"get new credentials; if they have not ended, this machine's clock is wrong"},
	{"RequestExpired", NULL,
		"get new credentials; if they have not ended, this machine's clock is wrong"},
	{"InvalidSecurity.RequestHasExpired", NULL,
		"get new credentials; if they have not ended, this machine's clock is wrong"},
	/* They are unknown or wrong. */
	{"InvalidClientTokenId", NULL,
		"AWS does not know that access key: it was deleted, made inactive, mistyped, or is "
		"another partition's (China, GovCloud); a temporary one needs its session token "
		"beside it"},
	{"UnrecognizedClientException", NULL,
		"AWS does not know that access key: it was deleted, made inactive, mistyped, or is "
		"another partition's (China, GovCloud); a temporary one needs its session token "
		"beside it"},
	{"InvalidAccessKeyId*", NULL,
		"AWS does not know that access key: it was deleted, made inactive or mistyped"},
	{"SignatureDoesNotMatch", NULL,
		"the secret key does not belong to that access key, or this machine's clock is "
		"wrong"},
	{"AuthFailure*", NULL,
		"if every region says so, the access key or its secret is wrong (see: aws sts "
		"get-caller-identity); if only one does, that region is not enabled for the "
		"account: enable it, or leave it out by -o regions="},
	{"OptInRequired", NULL,
		"the region is not enabled for the account: enable it, or leave it out by -o "
		"regions="},
	{"RegionDisabledException", NULL,
		"STS is not enabled for the account in that region: enable it, or set another "
		"region (AWS_REGION)"},
	{"RequestTimeTooSkewed", NULL, "this machine's clock is wrong: set it"},
	{"RequestInTheFuture", NULL, "this machine's clock is wrong: set it"},
	/* Limits. */
	{"ResourceLimitExceeded", NULL,
		"wait for a copy into that region to end; ebsfs queues on its own"},
	{"RequestLimitExceeded", NULL,
		"AWS throttles this account's requests: try again in a while"},
	{"SnapshotLimitExceeded", NULL,
		"the account has as many snapshots in the region as its quota permits: delete "
		"some, or ask AWS for more"},
	{"PendingSnapshotLimitExceeded", NULL, "wait until pending snapshots have completed"},
	{"TagLimitExceeded", NULL, "a resource bears at most 50 tags: remove some first"},
	{"InvalidSnapshot.InUse", NULL, "an AMI uses the snapshot: deregister it first"},
};

const char *aws_advice(const char *code, const char *message)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if ((!table[i].code || (code && !fnmatch(table[i].code, code, FNM_CASEFOLD))) &&
			(!table[i].words || (message && strstr(message, table[i].words))))
			return table[i].advice;
	return NULL;
}

const char *aws_advice_for(const struct err *err)
{
	const char *advice = err->code[0] ? aws_advice(err->code, err->message) : NULL;

	if (advice)
		return advice;
	switch (err->errnum) {
	case EHOSTUNREACH:
		if (!err->retryable)
			return NULL; /* TLS: the message says what helps */
		return "check the network, the proxy and the endpoint's name";
	case ETIMEDOUT:
		return "check the network; the request may be tried again";
	case ENOKEY:
		return "check the KMS key: its region, state and policy";
	case EACCES:
		return err->http_status ? "check the credentials and their IAM policy" : NULL;
	default:
		return NULL;
	}
}
