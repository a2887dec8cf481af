/* SPDX-License-Identifier: MIT */
/* AWS's error codes: the table, the responses that bear them, and the advice. */
#include "aws_error.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "jsondoc.h"
#include "utf8.h"
#include "xml.h"

/* EC2's bodies have a few hundred bytes, an encoded authorization message some thousand. The bound
 * leaves room for an endless message before the request's id: XML_TEXT_MAX cuts it. */
#define BODY_MAX ((size_t)4 << 20)

#define NO_REASON "without a reason from AWS"

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
#define OTHER_POLICY                                                                               \
	"the policy of these credentials lacks the action that the message names" DENIED
#define AUTH_FAILURE                                                                               \
	"if every region says so, the access key or its secret is wrong (see: aws sts "            \
	"get-caller-identity); if only one does, that region is not enabled for the "              \
	"account: enable it, or leave it out by -o regions="
#define NOT_THE_OWNER                                                                              \
	"EC2 tells only the owner of a snapshot with whom it is shared; OwnerId in "               \
	"metadata.json is the owner"
#define WRONG_CLOCK "this machine's clock is wrong: set it"

/* Advice may depend on the action, or on the kind of source that the keys came from. The first
 * matching entry counts; an entry with neither ends the list. The words of a message never decide:
 * AWS may change them, and a message may quote any word of the request. */
struct error_advice {
	const char *action, *source, *text;
};
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
	{"DeleteSnapshot", NULL, "an AMI uses the snapshot: deregister it first"},
	{0},
};

/* --- the table --- */

/* The meanings of a code beyond its errno; a code may have several. */
enum {
	KEYS = 1,         /* the caller's keys or its signature were refused, not its permissions */
	OLD_KEYS = 2,     /* keys that were replaced or have expired may be the cause */
	CLOCK = 4,        /* a wrong clock may be the cause */
	LIMIT = 8,        /* EC2 carries out as many copies as it will */
	STATE = 16,       /* the snapshot is in the wrong state */
	ABSENT = 32,      /* there is no such snapshot */
	PERMISSION = 64,  /* the caller lacks a permission */
	REGION = 128,     /* the region may not be enabled, or not exist */
	RESOURCE = 256,   /* the rate of one snapshot, not the account's */
	TOKEN = 512,      /* a token of EBS's lists is no longer valid */
	UNRELATED = 1024, /* two snapshots are not of one lineage */
};

/*
 * The first matching pattern counts, upper and lower case being the same. The codes are those of
 * EC2's list of errors, and of the AWS SDKs' lists of throttling and transient errors. A refusal
 * that names no quota, no permission and no wrong value is EIO.
 */
static const struct error_code {
	const char *pattern;
	int errnum;
	enum retry_kind retry;
	unsigned classes;
	const struct error_advice *advice;
} error_codes[] = {
	/* The request rate. */
	{"RequestLimitExceeded", EAGAIN, RETRY_THROTTLED, 0,
		ADVICE("AWS throttles this account's requests: try again in a while")},
	{"BandwidthLimitExceeded", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"LimitExceededException", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	/* EBS direct, of one snapshot if no reason says otherwise; its pages spell it so, too. */
	{"RequestThrottle*.ACCOUNT_THROTTLED", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"RequestThrottle*.DEPENDENCY_*", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"RequestThrottle*", EAGAIN, RETRY_THROTTLED, RESOURCE, NO_ADVICE},
	{"*Throttl*", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"TooManyRequestsException", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"ProvisionedThroughputExceededException", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"TransactionInProgressException", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"PriorRequestNotComplete", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	{"SlowDown", EAGAIN, RETRY_THROTTLED, 0, NO_ADVICE},
	/* Copies in progress: the copies' queue waits, not the call. */
	{"ResourceLimitExceeded", EAGAIN, RETRY_NEVER, LIMIT, copy_limit},
	{"SnapshotCreationPerVolumeRateExceeded", EAGAIN, RETRY_NEVER, 0, NO_ADVICE},
	{"Insufficient*Capacity", EAGAIN, RETRY_NEVER, 0, NO_ADVICE},
	/* The account's quotas. */
	{"PendingSnapshotLimitExceeded", EDQUOT, RETRY_NEVER, LIMIT,
		ADVICE("wait until pending snapshots have completed")},
	{"SnapshotLimitExceeded", EDQUOT, RETRY_NEVER, 0,
		ADVICE("the account has as many snapshots in the region as its quota "
		       "permits: delete some, or ask AWS for more")},
	{"TagLimitExceeded", EDQUOT, RETRY_NEVER, 0,
		ADVICE("a snapshot bears at most 50 tags: remove some first")},
	{"FilterLimitExceeded", E2BIG, RETRY_NEVER, 0,
		ADVICE("EC2 takes no more filters or values in one request: use fewer terms, or "
		       "wildcards")},
	{"*LimitExceeded*", EDQUOT, RETRY_NEVER, 0, NO_ADVICE},
	{"*QuotaExceeded*", EDQUOT, RETRY_NEVER, 0, NO_ADVICE},
	{"ResourceCountExceeded", EDQUOT, RETRY_NEVER, 0, NO_ADVICE},
	/* The caller's keys: expired, unknown or wrong. */
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
	/* This machine's clock. */
	{"RequestTimeTooSkewed", EACCES, RETRY_NEVER, CLOCK, ADVICE(WRONG_CLOCK)},
	{"RequestInTheFuture", EACCES, RETRY_NEVER, CLOCK, ADVICE(WRONG_CLOCK)},
	/* Permissions. */
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
	/* The snapshot's KMS key. */
	{"*KMS*", ENOKEY, RETRY_NEVER, 0, ADVICE(KEY_STATE)},
	{"ValidationException.INVALID_CUSTOMER_KEY", ENOKEY, RETRY_NEVER, 0,
		ADVICE("the key of the snapshot is disabled or deleted")},
	{"ResourceNotFoundException.DEPENDENCY_RESOURCE_NOT_FOUND", ENOKEY, RETRY_NEVER, 0,
		ADVICE("the key of the snapshot was deleted, or is in another region")},
	{"CustomerKeyHasBeenRevoked", ENOKEY, RETRY_NEVER, 0, ADVICE(KEYS_POLICY)},
	/* Not found. */
	{"InvalidSnapshot.NotFound", ENOENT, RETRY_NEVER, ABSENT, no_snapshot},
	{"InvalidSnapshotID.Malformed", ENOENT, RETRY_NEVER, ABSENT, NO_ADVICE},
	{"*.NotFound", ENOENT, RETRY_NEVER, 0, NO_ADVICE},
	/* Not ABSENT: EC2 may know the snapshot minutes before the EBS direct APIs do. */
	{"ResourceNotFoundException*", ENOENT, RETRY_NEVER, 0,
		ADVICE("if the snapshot is new, try again in two minutes: the EBS direct APIs "
		       "find it later than EC2; public and archived ones they never find")},
	{"InvalidRegion", ENOENT, RETRY_NEVER, 0, NO_ADVICE},
	/* In use, or in another state. */
	{"InvalidSnapshot.InUse", EBUSY, RETRY_NEVER, 0, used_snapshot},
	{"*.InUse", EBUSY, RETRY_NEVER, 0, NO_ADVICE},
	{"IncorrectState*", EBUSY, RETRY_NEVER, STATE, wrong_state},
	{"InvalidState*", EBUSY, RETRY_NEVER, STATE, NO_ADVICE},
	{"SnapshotLocked*", EBUSY, RETRY_NEVER, 0, NO_ADVICE},
	{"ConcurrentTagAccess", EBUSY, RETRY_TRANSIENT, 0, NO_ADVICE},
	/* Not supported. */
	{"SnapshotCopyUnsupported.InterRegion", EOPNOTSUPP, RETRY_NEVER, 0, no_copies_between},
	{"SnapshotCopyUnsupported*", EOPNOTSUPP, RETRY_NEVER, 0, NO_ADVICE},
	{"Unsupported*", EOPNOTSUPP, RETRY_NEVER, 0, NO_ADVICE},
	{"InvalidAction", EOPNOTSUPP, RETRY_NEVER, 0, NO_ADVICE},
	{"NoSuchVersion", EOPNOTSUPP, RETRY_NEVER, 0, NO_ADVICE},
	/* Wrong values. */
	{"Invalid*", EINVAL, RETRY_NEVER, 0, NO_ADVICE},
	{"Missing*", EINVAL, RETRY_NEVER, 0, NO_ADVICE},
	{"Malformed*", EINVAL, RETRY_NEVER, 0, NO_ADVICE},
	{"UnknownParameter*", EINVAL, RETRY_NEVER, 0, NO_ADVICE},
	{"ValidationException.INVALID_BLOCK_TOKEN", EINVAL, RETRY_NEVER, TOKEN, NO_ADVICE},
	{"ValidationException.INVALID_PAGE_TOKEN", EINVAL, RETRY_NEVER, TOKEN, NO_ADVICE},
	{"ValidationException.UNRELATED_SNAPSHOTS", EINVAL, RETRY_NEVER, UNRELATED, NO_ADVICE},
	{"ValidationE*", EINVAL, RETRY_NEVER, 0, NO_ADVICE},
	/* Failures of the server. */
	{"IDPCommunicationError", EIO, RETRY_TRANSIENT, 0, NO_ADVICE},
	{"RequestTimeout*", ETIMEDOUT, RETRY_TRANSIENT, 0, NO_ADVICE},
	{"Internal*", EIO, RETRY_TRANSIENT, 0, NO_ADVICE},
	{"ServerInternal", EIO, RETRY_TRANSIENT, 0, NO_ADVICE},
	{"Unavailable", EAGAIN, RETRY_TRANSIENT, 0, NO_ADVICE},
	{"ServiceUnavailable*", EAGAIN, RETRY_TRANSIENT, 0, NO_ADVICE},
};

/* Codes that mean something else in one action. */
static const struct {
	const char *action;
	struct error_code code;
} error_codes_of[] = {
	/* A refusal of the snapshot, not of the keys. */
	{"DescribeSnapshotAttribute",
		{"AuthFailure", EACCES, RETRY_NEVER, 0, ADVICE(NOT_THE_OWNER)}},
};

/* action: NULL if it is unknown. */
static const struct error_code *error_find(const char *action, const char *code)
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
	return error_find(NULL, code)->classes & CLOCK;
}

bool aws_error_blames_keys(const char *action, const char *code)
{
	return error_find(action, code)->classes & KEYS;
}

bool aws_error_may_be_old_keys(const char *action, const char *code)
{
	return error_find(action, code)->classes & OLD_KEYS;
}

bool aws_error_is_limit(const char *code)
{
	return error_find(NULL, code)->classes & LIMIT;
}

bool aws_error_is_state(const char *code)
{
	return error_find(NULL, code)->classes & STATE;
}

bool aws_error_is_absent(const char *code)
{
	return error_find(NULL, code)->classes & ABSENT;
}

bool aws_error_is_permission(const char *code)
{
	return error_find(NULL, code)->classes & PERMISSION;
}

bool aws_error_may_be_region(const char *code)
{
	return error_find(NULL, code)->classes & REGION;
}

bool aws_error_is_resource_rate(const char *code)
{
	return error_find(NULL, code)->classes & RESOURCE;
}

bool aws_error_is_token(const char *code)
{
	return error_find(NULL, code)->classes & TOKEN;
}

bool aws_error_is_unrelated(const char *code)
{
	return error_find(NULL, code)->classes & UNRELATED;
}

bool aws_error_is_passing(const struct err *err)
{
	return err->retryable || !err->http_status || err->http_status >= 500 ||
	       aws_error_blames_keys(err->action, err->code);
}

/* --- responses --- */

/* Copies the first text of its kind as one line, without the full stop at its end. */
static void error_take(const char *text, size_t len, char *out, size_t size)
{
	size_t n;

	if (out[0])
		return;
	snprintf(out, size, "%.*s", (int)len, text);
	n = utf8_make_line(out);
	while (n && (out[n - 1] == ' ' || out[n - 1] == '.'))
		n--;
	out[n] = '\0';
}

static int error_element(
	void *arg, int depth, const char *name, const char *text, size_t len, struct err *ignored)
{
	struct err *err = arg;

	(void)depth, (void)ignored;
	if (!text)
		return 0;
	if (!strcmp(name, "Code"))
		error_take(text, len, err->code, sizeof(err->code));
	else if (!strcmp(name, "Message"))
		error_take(text, len, err->message, sizeof(err->message));
	else if (!strcmp(name, "RequestID") || !strcmp(name, "RequestId") ||
		 !strcmp(name, "requestId"))
		error_take(text, len, err->request_id, sizeof(err->request_id));
	return 0;
}

/* Cuts the encoded part off: it fills the line and tells a person nothing. */
static void error_cut_blob(char *message)
{
	char *blob = strstr(message, ". Encoded authorization failure message");

	if (blob)
		*blob = '\0';
}

static enum retry_kind error_judge_status(struct err *err)
{
	int status = err->http_status;

	if (status == 429) {
		err->errnum = EAGAIN;
		return RETRY_THROTTLED;
	}
	err->errnum = status == 401 || status == 403 ? EACCES
		      : status == 408                ? ETIMEDOUT
		      : status == 503                ? EAGAIN
						     : EIO;
	return status >= 500 || status == 408 ? RETRY_TRANSIENT : RETRY_NEVER;
}

/* Appends text to err->code, up to the end of its first word: "ValidationException" of
 * "com.amazon.ebs#ValidationException" and "ValidationException:http://…". */
static void error_take_type(const char *text, struct err *err)
{
	const char *hash = text ? strrchr(text, '#') : NULL;

	text = hash ? hash + 1 : text;
	if (text)
		error_take(text, strcspn(text, ":, "), err->code, sizeof(err->code));
}

static void error_read_json(const struct aws_refusal *in, struct err *err)
{
	_cleanup_(jsondoc_destroyp) struct jsondoc *doc = jsondoc_parse(in->body, in->len);
	static const char *const messages[] = {"Message", "message"};
	const char *reason = NULL, *text;
	size_t n;

	error_take_type(in->type, err);
	if (!doc)
		return;
	error_take_type(jsondoc_string(doc, "__type"), err);
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		text = jsondoc_string(doc, messages[i]);
		if (text)
			error_take(text, strlen(text), err->message, sizeof(err->message));
	}
	reason = jsondoc_string(doc, "Reason");
	n = strlen(err->code);
	if (n && reason && *reason && n + 2 < sizeof(err->code)) {
		err->code[n] = '.';
		error_take(reason, strlen(reason), err->code + n + 1, sizeof(err->code) - n - 1);
	}
}

/* Elements before a fault in the XML count. */
static void error_read_xml(const struct aws_refusal *in, struct err *err)
{
	const struct xml_handler handler = {.close = error_element, .arg = err};

	xml_parse(in->body, in->len < BODY_MAX ? in->len : BODY_MAX, &handler, NULL);
}

enum retry_kind aws_error_judge(const struct aws_refusal *in, struct err *err)
{
	const struct error_code *known;
	enum retry_kind kind;

	*err = (struct err){.http_status = in->status};
	if (in->type[0] || (in->len && in->body[0] == '{'))
		error_read_json(in, err);
	else if (in->body)
		error_read_xml(in, err);
	error_cut_blob(err->message);
	if (!err->request_id[0])
		snprintf(err->request_id, sizeof(err->request_id), "%s", in->request_id);
	if (!err->code[0])
		snprintf(err->message, sizeof(err->message), "HTTP status %d " NO_REASON,
			in->status);
	else if (!err->message[0])
		snprintf(err->message, sizeof(err->message), "AWS gave no reason but its code");
	known = error_find(NULL, err->code);
	err->errnum = known->errnum;
	kind = known->pattern ? known->retry : error_judge_status(err);
	err->retryable = kind != RETRY_NEVER;
	err->maybe_done = in->status >= 500 && kind != RETRY_THROTTLED;
	return kind;
}

/* --- advice --- */

/* Returns "environment" of "… (access key AKIA…, source: environment)", the note that aws_query.c
 * puts at a message's end, with the rest of the message; NULL if there is none. */
static const char *error_source(const char *message)
{
	static const char mark[] = ", source: ";
	const char *note = message ? strstr(message, " (access key ") : NULL;
	const char *next;

	while (note && (next = strstr(note + 1, " (access key ")))
		note = next;
	note = note ? strstr(note, mark) : NULL;
	return note ? note + strlen(mark) : NULL;
}

const char *aws_error_advice(const char *action, const char *code, const char *message)
{
	const struct error_advice *a = error_find(action, code)->advice;
	const char *source = error_source(message);

	for (; a && (a->action || a->source); a++) {
		if (a->action && action && !strcmp(a->action, action))
			return a->text;
		if (a->source && source && !strncmp(a->source, source, strlen(a->source)))
			return a->text;
	}
	return a ? a->text : NULL;
}

const char *aws_error_advice_for_status(const char *message)
{
	/* The first is documented (Amazon EBS user guide, "Copy an Amazon EBS snapshot"); users
	 * quote the others. */
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

const char *aws_error_advice_for(const struct err *err)
{
	const char *advice = aws_error_advice(err->action, err->code, err->message);

	if (advice)
		return advice;
	if (err->http_status < 500 && !err->retryable && strstr(err->message, NO_REASON))
		return "a proxy or another server may have answered in place of AWS: check the "
		       "endpoint and the proxy";
	switch (err->errnum) {
	case EHOSTUNREACH:
		if (!err->retryable)
			return NULL; /* TLS: the message has the advice */
		return "check the network, the proxy and the endpoint's name";
	case ETIMEDOUT:
		/* A second CopySnapshot, sent on a guess, would be a second copy. */
		if (err->maybe_done)
			return "do not repeat this yet: it may have been carried out; look first";
		return "check the network; the request may be tried again";
	case EACCES:
		return err->http_status ? "check the credentials and their IAM policy" : NULL;
	default:
		return NULL;
	}
}
