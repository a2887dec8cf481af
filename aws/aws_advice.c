/* SPDX-License-Identifier: MIT */
/* The one table from AWS's refusals to advice. */
#include "aws_advice.h"

#include <errno.h>
#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#include "cleanup.h"

#define DENIED                                                                                     \
	"; a denial that the message calls explicit must go from its policy, another permission "  \
	"does not help"
#define COPY_POLICY                                                                                \
	"the policy does not permit the copy or its tags, as the message says: add the statement " \
	"\"Copy\" of the policy in ebsfs's README (ec2:CopySnapshot and ec2:CreateTags); a mount " \
	"with -o notags copies without tags, and can then not be as sure after a lost "            \
	"answer" DENIED
#define KEYS_POLICY                                                                                \
	"the caller needs kms:DescribeKey, kms:CreateGrant, kms:GenerateDataKey, "                 \
	"kms:GenerateDataKeyWithoutPlaintext, kms:ReEncrypt* and kms:Decrypt for the source's "    \
	"key and the copy's; both keys must exist and be enabled, the copy's (copy.kms-key) in "   \
	"the destination's region; of another account's snapshot the owner must share the key too"
#define KEY_STATE                                                                                  \
	"the key is disabled, deleted, in another region, or its policy does not permit this; a "  \
	"copy needs a key of its own region (copy.kms-key)"
#define FROM_ENVIRONMENT                                                                           \
	"those keys have ended, and a running ebsfs gets no others from its environment: "         \
	"unmount, set new ones, mount again; or mount with -o profile="
#define FROM_SSO   "run: aws sso login; ebsfs takes the new keys by itself"
#define FROM_LOGIN "run: aws login; ebsfs takes the new keys by itself"
#define FROM_PROFILE                                                                               \
	"write new keys into that profile, or let its role, process or session renew them; ebsfs " \
	"reads them again by itself"
#define NEW_KEYS "get new credentials; if they have not ended, this machine's clock is wrong"
#define UNKNOWN_KEY                                                                                \
	"AWS does not know that access key: it was deleted, made inactive, mistyped, or is "       \
	"another partition's (China, GovCloud); a temporary one needs its session token beside it"

/* The first row that fits. NULL fits all. A message never chooses: its words are AWS's to change,
 * and a request that a message quotes may hold any word. */
static const struct {
	const char *action;
	const char *code;   /* a pattern */
	const char *source; /* the kind of source that the keys came from */
	const char *advice;
} table[] = {
	/* Permissions. */
	{"CopySnapshot", "Unauthorized*", NULL, COPY_POLICY},
	{"CreateTags", "Unauthorized*", NULL,
		"the policy lacks ec2:CreateTags for this snapshot: add the statement \"Copy\" of "
		"the policy in ebsfs's README" DENIED},
	{"DescribeRegions", "Unauthorized*", NULL,
		"the policy lacks ec2:DescribeRegions: add the statement \"Look\" of the policy in "
		"ebsfs's README, or name the regions with -o regions=" DENIED},
	{"DescribeSnapshots", "Unauthorized*", NULL,
		"the policy lacks ec2:DescribeSnapshots: add the statement \"Look\" of the policy "
		"in ebsfs's README" DENIED},
	{"DeleteSnapshot", "Unauthorized*", NULL,
		"the policy lacks ec2:DeleteSnapshot: add the statement "
		"\"DeleteSnapshotsWithOptionDelete\" of the policy in ebsfs's README" DENIED},
	{"DeleteTags", "Unauthorized*", NULL,
		"the policy lacks ec2:DeleteTags: add the statement \"DeleteTagsWithOptionDelete\" "
		"of the policy in ebsfs's README" DENIED},
	{"AssumeRoleWithWebIdentity", "AccessDenied*", NULL,
		"the role's trust policy must name the token's issuer and fit its claims (sub, "
		"aud)"},
	{"AssumeRole", "AccessDenied*", NULL,
		"the caller needs sts:AssumeRole for that role, and the role's trust policy must "
		"name the caller" DENIED},
	{NULL, "Unauthorized*", NULL,
		"the policy of these credentials lacks the action that the message names" DENIED},
	{NULL, "AccessDenied*", NULL,
		"the policy of these credentials lacks the action that the message names" DENIED},
	/* The snapshot's key. */
	{NULL, "*KMS*", NULL, KEY_STATE},
	/* The source of a copy. */
	{"CopySnapshot", "InvalidSnapshot.NotFound", NULL,
		"the source was deleted, or is not shared with this account (or its key is not)"},
	{NULL, "InvalidSnapshot.NotFound", NULL,
		"the snapshot was deleted, or is not shared with this account"},
	{"CopySnapshot", "IncorrectState*", NULL,
		"the source must be completed, and not in the archive tier: restore it first"},
	{"CopySnapshot", "SnapshotCopyUnsupported.InterRegion", NULL,
		"EC2 cannot copy between these two regions"},
	/* The caller's keys have ended. What is next depends on where they came from. */
	{NULL, "ExpiredToken*", "environment", FROM_ENVIRONMENT},
	{NULL, "RequestExpired", "environment", FROM_ENVIRONMENT},
	{NULL, "InvalidSecurity.RequestHasExpired", "environment", FROM_ENVIRONMENT},
	{NULL, "ExpiredToken*", "SSO", FROM_SSO},
	{NULL, "RequestExpired", "SSO", FROM_SSO},
	{NULL, "InvalidSecurity.RequestHasExpired", "SSO", FROM_SSO},
	{NULL, "ExpiredToken*", "login", FROM_LOGIN},
	{NULL, "RequestExpired", "login", FROM_LOGIN},
	{NULL, "InvalidSecurity.RequestHasExpired", "login", FROM_LOGIN},
	{NULL, "ExpiredToken*", "profile", FROM_PROFILE},
	{NULL, "RequestExpired", "profile", FROM_PROFILE},
	{NULL, "InvalidSecurity.RequestHasExpired", "profile", FROM_PROFILE},
	{NULL, "ExpiredToken*", NULL, NEW_KEYS},
	{NULL, "RequestExpired", NULL, NEW_KEYS},
	{NULL, "InvalidSecurity.RequestHasExpired", NULL, NEW_KEYS},
	/* They are unknown or wrong. */
	{NULL, "InvalidClientTokenId", NULL, UNKNOWN_KEY},
	{NULL, "UnrecognizedClientException", NULL, UNKNOWN_KEY},
	{NULL, "InvalidAccessKeyId*", NULL,
		"AWS does not know that access key: it was deleted, made inactive or mistyped"},
	{NULL, "SignatureDoesNotMatch", NULL,
		"the secret key does not belong to that access key, or this machine's clock is "
		"wrong"},
	{NULL, "AuthFailure*", NULL,
		"if every region says so, the access key or its secret is wrong (see: aws sts "
		"get-caller-identity); if only one does, that region is not enabled for the "
		"account: enable it, or leave it out by -o regions="},
	{NULL, "OptInRequired", NULL,
		"the region is not enabled for the account: enable it, or leave it out by -o "
		"regions="},
	{NULL, "RegionDisabledException", NULL,
		"STS is not enabled for the account in that region: enable it, or set another "
		"region (AWS_REGION)"},
	{NULL, "RequestTimeTooSkewed", NULL, "this machine's clock is wrong: set it"},
	{NULL, "RequestInTheFuture", NULL, "this machine's clock is wrong: set it"},
	/* Limits. */
	{"CopySnapshot", "ResourceLimitExceeded", NULL,
		"wait for a copy into that region to end; ebsfs queues on its own"},
	{NULL, "RequestLimitExceeded", NULL,
		"AWS throttles this account's requests: try again in a while"},
	{NULL, "SnapshotLimitExceeded", NULL,
		"the account has as many snapshots in the region as its quota permits: delete "
		"some, or ask AWS for more"},
	{NULL, "PendingSnapshotLimitExceeded", NULL, "wait until pending snapshots have completed"},
	{NULL, "TagLimitExceeded", NULL, "a snapshot bears at most 50 tags: remove some first"},
	{NULL, "TagPolicyViolation", NULL,
		"a tag policy of the organization forbids that key or value: use one that it "
		"permits"},
	{"DeleteSnapshot", "InvalidSnapshot.InUse", NULL,
		"an AMI uses the snapshot: deregister it first"},
};

/* "environment" of "… (access key AKIA…, source: environment)", the note that aws_query.c puts at a
 * message's end; NULL: there is none. */
static const char *find_source(const char *message)
{
	static const char mark[] = ", source: ";
	const char *note = message ? strstr(message, " (access key ") : NULL;
	const char *next;

	while (note && (next = strstr(note + 1, " (access key ")))
		note = next;
	note = note ? strstr(note, mark) : NULL;
	return note ? note + strlen(mark) : NULL;
}

const char *aws_advice(const char *action, const char *code, const char *message)
{
	const char *source = find_source(message);

	for (size_t i = 0; code && *code && i < ARRAY_LEN(table); i++) {
		if (table[i].action && (!action || strcmp(table[i].action, action) != 0))
			continue;
		if (fnmatch(table[i].code, code, FNM_CASEFOLD) != 0)
			continue;
		if (!table[i].source ||
			(source && !strncmp(table[i].source, source, strlen(table[i].source))))
			return table[i].advice;
	}
	return NULL;
}

const char *aws_advice_status(const char *message)
{
	/* Those that AWS documents for CopySnapshot or that users quote. */
	static const struct {
		const char *words, *advice;
	} messages[] = {
		{"key ID is not accessible", KEYS_POLICY},
		{"KMS", KEY_STATE},
		{"resignedUrl",
			"EC2 refused the presigned URL: the clock of this machine may be wrong, or "
			"the credentials expired meanwhile; copy again"},
		{"Source snapshot is not found",
			"the source was deleted, or is not shared with this account (or its key is "
			"not)"},
		{"ource snapshot",
			"the source was deleted meanwhile, or may not be copied by this account"},
	};

	for (size_t i = 0; message && i < ARRAY_LEN(messages); i++)
		if (strstr(message, messages[i].words))
			return messages[i].advice;
	return NULL;
}

const char *aws_advice_for(const struct err *err)
{
	const char *advice = aws_advice(err->action, err->code, err->message);

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
		return KEYS_POLICY;
	case EACCES:
		return err->http_status ? "check the credentials and their IAM policy" : NULL;
	default:
		return NULL;
	}
}
