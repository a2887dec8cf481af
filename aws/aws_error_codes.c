/* SPDX-License-Identifier: MIT */
/* AWS's error codes: the table, with the advice for each. */
#include "aws_error_codes.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "aws_error.h"
#include "cleanup.h"

/* --- advice --- */

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
#define DECRYPT_POLICY                                                                             \
	"the caller needs kms:Decrypt for the snapshot's key, and the key's policy must permit it"
#define KEY_STATE                                                                                  \
	"the key is disabled, deleted, in another region, or its policy does not permit this; a "  \
	"copy needs a key of its own region (copy.kms-key), and so does a volume (volume.kms-key)"
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
#define OTHER_POLICY                                                                               \
	"the policy of these credentials lacks the action that the message names" DENIED
#define AUTH_FAILURE                                                                               \
	"if every region says so, the access key or its secret is wrong (see: aws sts "            \
	"get-caller-identity); if only one does, that region is not enabled for the "              \
	"account: enable it, or leave it out by -o regions="
#define NOT_THE_OWNER                                                                              \
	"EC2 tells only the owner of a snapshot with whom it is shared; OwnerId in "               \
	"metadata.json is the owner"
#define VOLUMES_POLICY                                                                             \
	"the policy lacks the action that the message names: add the statement "                   \
	"\"LookAtVolumesAndImages\" of the policy in ebsfs's README" DENIED
#define UNREADY_SNAPSHOT                                                                           \
	"the snapshot must be completed, and not in the archive tier: restore it first"
#define WRONG_CLOCK "this machine's clock is wrong: set it"
#define IOPS_QUOTA                                                                                 \
	"the account has as many IOPS of this volume type in the region as its quota permits: "    \
	"name fewer with volume.iops, delete volumes, or ask AWS for more"
#define NO_ZONE                                                                                    \
	"the region has no such zone, or the account has not opted in to it: ls volumes in the "   \
	"region's folder names the zones"

#define ADVICE(words) ((const struct error_advice[]){{.text = (words)}})
#define NO_ADVICE     NULL

static const struct error_advice unauthorized[] = {
	{"CopySnapshot", NULL, COPY_POLICY},
	{"CreateTags", NULL,
		"the policy lacks ec2:CreateTags for this snapshot: add the statement \"Copy\" of "
		"the policy in ebsfs's README" DENIED},
	{"DescribeRegions", NULL,
		"the policy lacks ec2:DescribeRegions: add the statement \"Look\" of the policy in "
		"ebsfs's README, or name the regions with -o regions=" DENIED},
	{"DescribeSnapshots", NULL,
		"the policy lacks ec2:DescribeSnapshots: add the statement \"Look\" of the policy "
		"in ebsfs's README" DENIED},
	{"DeleteSnapshot", NULL,
		"the policy lacks ec2:DeleteSnapshot: add the statement "
		"\"DeleteSnapshotsWithOptionDelete\" of the policy in ebsfs's README" DENIED},
	{"DescribeSnapshotAttribute", NULL,
		NOT_THE_OWNER "; for a snapshot of this account the policy lacks "
			      "ec2:DescribeSnapshotAttribute: add the statement \"SeeSharing\" of "
			      "the policy in ebsfs's README" DENIED},
	{"CreateVolume", NULL,
		"the policy does not permit the volume or its tags, as the message says: add the "
		"statement \"MakeVolumes\" of the policy in ebsfs\'s README" DENIED},
	{"DescribeVolumes", NULL, VOLUMES_POLICY},
	{"DescribeAvailabilityZones", NULL, VOLUMES_POLICY},
	{"RegisterImage", NULL,
		"the policy does not permit the image or its tags, as the message says: add the "
		"statement \"RegisterImages\" of the policy in ebsfs\'s README" DENIED},
	{"DescribeImages", NULL, VOLUMES_POLICY},
	{"DeleteTags", NULL,
		"the policy lacks ec2:DeleteTags: add the statement \"DeleteTagsWithOptionDelete\" "
		"of the policy in ebsfs's README" DENIED},
	{.text = OTHER_POLICY},
};

static const struct error_advice access_denied[] = {
	{"AssumeRoleWithWebIdentity", NULL,
		"the role's trust policy must name the token's issuer and fit its claims (sub, "
		"aud)"},
	{"AssumeRole", NULL,
		"the caller needs sts:AssumeRole for that role, and the role's trust policy must "
		"name the caller" DENIED},
	{.text = OTHER_POLICY},
};

static const struct error_advice read_denied[] = {
	{.text = "the policy lacks ebs:ListSnapshotBlocks, ebs:ListChangedBlocks or "
		 "ebs:GetSnapshotBlock for this snapshot, or the snapshot is another account's and "
		 "not shared with this one"},
};

static const struct error_advice expired_keys[] = {
	{NULL, "environment", FROM_ENVIRONMENT},
	{NULL, "SSO", FROM_SSO},
	{NULL, "login", FROM_LOGIN},
	{NULL, "profile", FROM_PROFILE},
	{.text = NEW_KEYS},
};

static const struct error_advice no_snapshot[] = {
	{"CopySnapshot", NULL,
		"the source was deleted, or is not shared with this account (or its key is not)"},
	{.text = "the snapshot was deleted, or is not shared with this account"},
};

static const struct error_advice wrong_state[] = {
	{"CopySnapshot", NULL,
		"the source must be completed, and not in the archive tier: restore it first"},
	{"CreateVolume", NULL, UNREADY_SNAPSHOT},
	{"RegisterImage", NULL, UNREADY_SNAPSHOT},
	{0},
};

static const struct error_advice no_copies_between[] = {
	{"CopySnapshot", NULL, "EC2 cannot copy between these two regions"},
	{0},
};

static const struct error_advice copy_limit[] = {
	{"CopySnapshot", NULL, "wait for a copy into that region to end; ebsfs queues on its own"},
	{0},
};

static const struct error_advice used_snapshot[] = {
	{"DeleteSnapshot", NULL,
		"an AMI uses the snapshot: the file used-by in its folder names it; deregister it "
		"first"},
	{0},
};

/* --- the table --- */

/* Classes of a code, beyond its errno; a code may be in several. */
enum {
	KEYS = 1,         /* AWS refused the caller's keys or signature, not its permissions */
	OLD_KEYS = 2,     /* keys that were replaced or have expired may be the cause */
	CLOCK = 4,        /* a wrong clock may be the cause */
	LIMIT = 8,        /* EC2 already carries out as many copies as it permits */
	STATE = 16,       /* the snapshot is in the wrong state */
	ABSENT = 32,      /* there is no such snapshot */
	PERMISSION = 64,  /* the caller lacks a permission */
	REGION = 128,     /* the region may not be enabled, or may not exist */
	RESOURCE = 256,   /* the request rate of one snapshot, not the account's */
	TOKEN = 512,      /* a token of EBS's lists is no longer valid */
	UNRELATED = 1024, /* the two snapshots are not of one lineage */
	REFUSAL = 2048,   /* a refusal, though the HTTP status is that of a server's failure */
	MISMATCH = 4096,  /* a client token was used for another request before */
	DUPLICATE = 8192, /* another resource has the name */
};

/* The first matching pattern counts; patterns ignore case. The codes are those of EC2's list of
 * errors, and of the AWS SDKs' lists of throttling and transient errors. A refusal that names no
 * quota, no permission and no wrong value is EIO. */
static const struct error_code error_codes[] = {
	/* The request rate was exceeded. */
	{"RequestLimitExceeded", EAGAIN, RETRY_THROTTLED, 0,
		ADVICE("AWS throttles this account's requests: try again in a while")},
	{"BandwidthLimitExceeded", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"LimitExceededException", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	/* The EBS direct APIs' throttling: of one snapshot, unless the reason names something else.
	 * Their documentation also spells the code this way. */
	{"RequestThrottle*.ACCOUNT_THROTTLED", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"RequestThrottle*.DEPENDENCY_*", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"RequestThrottle*", EAGAIN, RETRY_THROTTLED, RESOURCE, NO_ADVICE},
	{"*Throttl*", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"TooManyRequestsException", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"ProvisionedThroughputExceededException", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"TransactionInProgressException", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"PriorRequestNotComplete", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"SlowDown", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	/* Too many copies in progress: the call ends, and the copy waits in the queue of copies. */
	{"ResourceLimitExceeded", EAGAIN, RETRY_NEVER, LIMIT, copy_limit},
	{"SnapshotCreationPerVolumeRateExceeded", EAGAIN, RETRY_NEVER, 0, NO_ADVICE},
	{"InsufficientVolumeCapacity", EAGAIN, RETRY_NEVER, REFUSAL,
		ADVICE("the zone has no room for a volume of this type now: try another zone, "
		       "another volume.type, or later")},
	{"Insufficient*Capacity", EAGAIN, RETRY_NEVER, REFUSAL, NO_ADVICE},
	/* A quota of the account was reached. */
	{"PendingSnapshotLimitExceeded", EDQUOT, RETRY_NEVER, LIMIT,
		ADVICE("wait until pending snapshots have completed")},
	{"SnapshotLimitExceeded", EDQUOT, RETRY_NEVER, 0,
		ADVICE("the account has as many snapshots in the region as its quota "
		       "permits: delete some, or ask AWS for more")},
	{"TagLimitExceeded", EDQUOT, RETRY_NEVER, 0,
		ADVICE("a snapshot bears at most 50 tags: remove some first")},
	{"VolumeLimitExceeded", EDQUOT, RETRY_NEVER, 0,
		ADVICE("the account has as many TiB of volumes of this type in the region as its "
		       "quota permits: delete some, name another volume.type, or ask AWS for "
		       "more")},
	{"MaxIOPSLimitExceeded", EDQUOT, RETRY_NEVER, 0, ADVICE(IOPS_QUOTA)},
	{"VolumeIOPSLimit", EDQUOT, RETRY_NEVER, 0, ADVICE(IOPS_QUOTA)},
	{"FilterLimitExceeded", E2BIG, RETRY_NEVER, 0,
		ADVICE("EC2 takes no more filters or values in one request: use fewer terms, or "
		       "wildcards")},
	{"*LimitExceeded*", EDQUOT, RETRY_NEVER, 0, NO_ADVICE},
	{"*QuotaExceeded*", EDQUOT, RETRY_NEVER, 0, NO_ADVICE},
	{"ResourceCountExceeded", EDQUOT, RETRY_NEVER, 0, NO_ADVICE},
	/* The caller's keys are expired, unknown or wrong. */
	{"ExpiredToken*", EACCES, RETRY_CREDENTIALS, KEYS, expired_keys},
	{"RequestExpired", EACCES, RETRY_CREDENTIALS, KEYS | CLOCK, expired_keys},
	{"InvalidSecurity.RequestHasExpired", EACCES, RETRY_CREDENTIALS, KEYS | CLOCK,
		expired_keys},
	{"InvalidClientTokenId", EACCES, RETRY_CREDENTIALS, KEYS, ADVICE(UNKNOWN_KEY)},
	{"UnrecognizedClientException", EACCES, RETRY_CREDENTIALS, KEYS, ADVICE(UNKNOWN_KEY)},
	{"InvalidAccessKeyId*", EACCES, RETRY_CREDENTIALS, KEYS,
		ADVICE("AWS does not know that access key: it was deleted, made inactive or "
		       "mistyped")},
	{"AuthFailure", EACCES, RETRY_NEVER, KEYS | OLD_KEYS | CLOCK | REGION,
		ADVICE(AUTH_FAILURE)},
	{"AuthFailure*", EACCES, RETRY_NEVER, KEYS, ADVICE(AUTH_FAILURE)},
	{"SignatureDoesNotMatch", EACCES, RETRY_NEVER, KEYS | CLOCK,
		ADVICE("the secret key does not belong to that access key, or this "
		       "machine's clock is wrong")},
	{"InvalidSignature*", EACCES, RETRY_NEVER, KEYS | CLOCK, NO_ADVICE},
	{"IncompleteSignature", EACCES, RETRY_NEVER, 0, NO_ADVICE},
	{"MissingAuthenticationToken*", EACCES, RETRY_NEVER, KEYS, NO_ADVICE},
	/* This machine's clock is wrong. */
	{"RequestTimeTooSkewed", EACCES, RETRY_NEVER, CLOCK, ADVICE(WRONG_CLOCK)},
	{"RequestInTheFuture", EACCES, RETRY_NEVER, CLOCK, ADVICE(WRONG_CLOCK)},
	/* A permission is missing. */
	{"AccessDeniedException.DEPENDENCY_ACCESS_DENIED", EACCES, RETRY_NEVER, PERMISSION,
		ADVICE(DECRYPT_POLICY)},
	{"AccessDeniedException.UNAUTHORIZED_ACCOUNT", EACCES, RETRY_NEVER, PERMISSION,
		read_denied},
	{"Unauthorized*", EACCES, RETRY_NEVER, PERMISSION, unauthorized},
	{"AccessDeniedException", EACCES, RETRY_NEVER, CLOCK | PERMISSION, access_denied},
	{"AccessDenied*", EACCES, RETRY_NEVER, PERMISSION, access_denied},
	{"OptInRequired", EACCES, RETRY_NEVER, 0,
		ADVICE("the region is not enabled for the account: enable it, or leave it "
		       "out by -o regions=")},
	{"RegionDisabledException", EACCES, RETRY_NEVER, 0,
		ADVICE("STS is not enabled for the account in that region: enable it, or "
		       "set another region (AWS_REGION)")},
	{"Blocked", EACCES, RETRY_NEVER, 0, NO_ADVICE},
	{"PendingVerification", EACCES, RETRY_NEVER, 0, NO_ADVICE},
	{"TagPolicyViolation", EACCES, RETRY_NEVER, 0,
		ADVICE("a tag policy of the organization forbids that key or value: use one "
		       "that it permits")},
	{"OperationNotPermitted*", EPERM, RETRY_NEVER, 0, NO_ADVICE},
	/* The snapshot's KMS key cannot be used. */
	{"*KMS*", ENOKEY, RETRY_NEVER, 0, ADVICE(KEY_STATE)},
	{"ValidationException.INVALID_CUSTOMER_KEY", ENOKEY, RETRY_NEVER, 0,
		ADVICE("the key of the snapshot is disabled or deleted")},
	{"ResourceNotFoundException.DEPENDENCY_RESOURCE_NOT_FOUND", ENOKEY, RETRY_NEVER, 0,
		ADVICE("the key of the snapshot was deleted, or is in another region")},
	{"CustomerKeyHasBeenRevoked", ENOKEY, RETRY_NEVER, 0, ADVICE(KEYS_POLICY)},
	/* The object was not found. */
	{"InvalidSnapshot.NotFound", ENOENT, RETRY_NEVER, ABSENT, no_snapshot},
	{"InvalidSnapshotID.Malformed", ENOENT, RETRY_NEVER, ABSENT, NO_ADVICE},
	{"InvalidZone.NotFound", ENOENT, RETRY_NEVER, 0, ADVICE(NO_ZONE)},
	{"InvalidAvailabilityZone", ENOENT, RETRY_NEVER, 0, ADVICE(NO_ZONE)},
	{"InvalidAMIID.Unavailable", ENOENT, RETRY_NEVER, 0, NO_ADVICE},
	{"*.NotFound", ENOENT, RETRY_NEVER, 0, NO_ADVICE},
	/* Not ABSENT: EC2 may know the snapshot minutes before the EBS direct APIs do. */
	{"ResourceNotFoundException*", ENOENT, RETRY_NEVER, 0,
		ADVICE("if the snapshot is new, try again in two minutes: the EBS direct APIs "
		       "find it later than EC2; public and archived ones they never find")},
	{"InvalidRegion", ENOENT, RETRY_NEVER, 0, NO_ADVICE},
	/* The object exists already. */
	{"IdempotentParameterMismatch", EEXIST, RETRY_NEVER, MISMATCH,
		ADVICE("an equal request was sent before with other parameters, or what it made "
		       "was deleted since; volume.again with a new label asks for another one")},
	{"InvalidAMIName.Duplicate", EEXIST, RETRY_NEVER, DUPLICATE,
		ADVICE("another AMI of the account has this name in the region (a deregistered "
		       "one keeps it for a while): write the text to another name")},
	/* The object is in use, or in another state. */
	{"InvalidSnapshot.InUse", EBUSY, RETRY_NEVER, 0, used_snapshot},
	{"*.InUse", EBUSY, RETRY_NEVER, 0, NO_ADVICE},
	{"IncorrectState*", EBUSY, RETRY_NEVER, STATE, wrong_state},
	{"InvalidState*", EBUSY, RETRY_NEVER, STATE, NO_ADVICE},
	{"SnapshotLocked*", EBUSY, RETRY_NEVER, 0, NO_ADVICE},
	{"ConcurrentTagAccess", EBUSY, RETRY_TRANSIENT, 0, NO_ADVICE},
	/* The operation is not supported. */
	{"SnapshotCopyUnsupported.InterRegion", EOPNOTSUPP, RETRY_NEVER, 0, no_copies_between},
	{"SnapshotCopyUnsupported*", EOPNOTSUPP, RETRY_NEVER, 0, NO_ADVICE},
	{"VolumeTypeNotAvailableInZone", EOPNOTSUPP, RETRY_NEVER, 0,
		ADVICE("name another volume.type, or another zone")},
	{"BootForVolumeTypeUnsupported", EOPNOTSUPP, RETRY_NEVER, 0, NO_ADVICE},
	{"Unsupported*", EOPNOTSUPP, RETRY_NEVER, 0, NO_ADVICE},
	{"InvalidAction", EOPNOTSUPP, RETRY_NEVER, 0, NO_ADVICE},
	{"NoSuchVersion", EOPNOTSUPP, RETRY_NEVER, 0, NO_ADVICE},
	/* A value in the request is wrong. */
	{"Invalid*", EINVAL, RETRY_NEVER, 0, NO_ADVICE},
	{"Missing*", EINVAL, RETRY_NEVER, 0, NO_ADVICE},
	{"Malformed*", EINVAL, RETRY_NEVER, 0, NO_ADVICE},
	{"UnknownParameter*", EINVAL, RETRY_NEVER, 0, NO_ADVICE},
	{"UnknownVolumeType", EINVAL, RETRY_NEVER, 0, NO_ADVICE},
	{"ValidationException.INVALID_BLOCK_TOKEN", EINVAL, RETRY_NEVER, TOKEN, NO_ADVICE},
	{"ValidationException.INVALID_PAGE_TOKEN", EINVAL, RETRY_NEVER, TOKEN, NO_ADVICE},
	{"ValidationException.UNRELATED_SNAPSHOTS", EINVAL, RETRY_NEVER, UNRELATED, NO_ADVICE},
	{"ValidationE*", EINVAL, RETRY_NEVER, 0, NO_ADVICE},
	/* The server failed. */
	{"IDPCommunicationError", EIO, RETRY_TRANSIENT, 0, NO_ADVICE},
	{"RequestTimeout*", ETIMEDOUT, RETRY_TRANSIENT, 0, NO_ADVICE},
	{"Internal*", EIO, RETRY_TRANSIENT, 0, NO_ADVICE},
	{"ServerInternal", EIO, RETRY_TRANSIENT, 0, NO_ADVICE},
	{"Unavailable", EAGAIN, RETRY_TRANSIENT, 0, NO_ADVICE},
	{"ServiceUnavailable*", EAGAIN, RETRY_TRANSIENT, 0, NO_ADVICE},
};

/* Codes that have another meaning for one action. */
static const struct {
	const char *action;
	struct error_code code;
} error_codes_of[] = {
	/* The snapshot was refused, not the keys. */
	{"DescribeSnapshotAttribute",
		{"AuthFailure", EACCES, RETRY_NEVER, 0, ADVICE(NOT_THE_OWNER)}},
};

const struct error_code *aws_error_find(const char *action, const char *code)
{
	static const struct error_code unknown = {0};

	for (size_t i = 0; action && code && i < ARRAY_LEN(error_codes_of); i++)
		if (!strcmp(error_codes_of[i].action, action) &&
			!strcmp(error_codes_of[i].code.pattern, code))
			return &error_codes_of[i].code;
	for (size_t i = 0; code && *code && i < ARRAY_LEN(error_codes); i++)
		if (!fnmatch(error_codes[i].pattern, code, FNM_CASEFOLD | FNM_NOESCAPE))
			return &error_codes[i];
	return &unknown;
}

bool aws_error_may_be_clock(const char *code)
{
	return aws_error_find(NULL, code)->classes & CLOCK;
}

bool aws_error_blames_keys(const char *action, const char *code)
{
	return aws_error_find(action, code)->classes & KEYS;
}

bool aws_error_may_be_old_keys(const char *action, const char *code)
{
	return aws_error_find(action, code)->classes & OLD_KEYS;
}

bool aws_error_is_limit(const char *code)
{
	return aws_error_find(NULL, code)->classes & LIMIT;
}

bool aws_error_is_state(const char *code)
{
	return aws_error_find(NULL, code)->classes & STATE;
}

bool aws_error_is_absent(const char *code)
{
	return aws_error_find(NULL, code)->classes & ABSENT;
}

bool aws_error_is_permission(const char *code)
{
	return aws_error_find(NULL, code)->classes & PERMISSION;
}

bool aws_error_may_be_region(const char *code)
{
	return aws_error_find(NULL, code)->classes & REGION;
}

bool aws_error_is_resource_rate(const char *code)
{
	return aws_error_find(NULL, code)->classes & RESOURCE;
}

bool aws_error_is_token(const char *code)
{
	return aws_error_find(NULL, code)->classes & TOKEN;
}

bool aws_error_is_unrelated(const char *code)
{
	return aws_error_find(NULL, code)->classes & UNRELATED;
}

bool aws_error_is_refusal(const char *code)
{
	return aws_error_find(NULL, code)->classes & REFUSAL;
}

bool aws_error_is_mismatch(const char *code)
{
	return aws_error_find(NULL, code)->classes & MISMATCH;
}

bool aws_error_is_duplicate(const char *code)
{
	return aws_error_find(NULL, code)->classes & DUPLICATE;
}

const char *aws_error_advice_for_status(const char *message)
{
	/* Beginnings of StatusMessages. The first is documented (Amazon EBS user guide, "Copy an
	 * Amazon EBS snapshot"); users quote the others. */
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
