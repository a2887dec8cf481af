/* SPDX-License-Identifier: MIT */
/* What AWS says when it refuses. */
#include "aws_error.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "cleanup.h"
#include "utf8.h"
#include "xml.h"

/* More of an error's body is not looked at: EC2's take a few hundred bytes, an encoded
 * authorization message some thousand. */
#define BODY_MAX ((size_t)64 << 10)

/*
 * The first pattern that fits, whatever the case. Codes from EC2's list of errors and from the AWS
 * SDKs' lists of what is throttling and what is transient. A refusal that names no quota, no
 * permission and no bad value is EIO.
 */
static const struct {
	const char *pattern;
	int errnum;
	enum retry_kind kind;
} table[] = {
	/* The rate. */
	{"RequestLimitExceeded", EAGAIN, RETRY_THROTTLED},
	{"BandwidthLimitExceeded", EAGAIN, RETRY_THROTTLED},
	{"LimitExceededException", EAGAIN, RETRY_THROTTLED},
	{"*Throttl*", EAGAIN, RETRY_THROTTLED},
	{"TooManyRequestsException", EAGAIN, RETRY_THROTTLED},
	{"ProvisionedThroughputExceededException", EAGAIN, RETRY_THROTTLED},
	{"TransactionInProgressException", EAGAIN, RETRY_THROTTLED},
	{"PriorRequestNotComplete", EAGAIN, RETRY_THROTTLED},
	{"SlowDown", EAGAIN, RETRY_THROTTLED},
	/* Copies in progress: the copy queue waits, not the call. */
	{"ResourceLimitExceeded", EAGAIN, RETRY_NEVER},
	{"SnapshotCreationPerVolumeRateExceeded", EAGAIN, RETRY_NEVER},
	{"Insufficient*Capacity", EAGAIN, RETRY_NEVER},
	/* The account's quotas. */
	{"*LimitExceeded*", EDQUOT, RETRY_NEVER},
	{"*QuotaExceeded*", EDQUOT, RETRY_NEVER},
	{"ResourceCountExceeded", EDQUOT, RETRY_NEVER},
	/* Keys of the caller: expired, then unknown or wrong, then without permission. */
	{"ExpiredToken*", EACCES, RETRY_CREDENTIALS},
	{"RequestExpired", EACCES, RETRY_CREDENTIALS},
	{"InvalidSecurity.RequestHasExpired", EACCES, RETRY_CREDENTIALS},
	{"InvalidClientTokenId", EACCES, RETRY_CREDENTIALS},
	{"UnrecognizedClientException", EACCES, RETRY_CREDENTIALS},
	{"InvalidAccessKeyId*", EACCES, RETRY_CREDENTIALS},
	{"RequestTimeTooSkewed", EACCES, RETRY_NEVER},
	{"RequestInTheFuture", EACCES, RETRY_NEVER},
	{"AuthFailure*", EACCES, RETRY_NEVER},
	{"SignatureDoesNotMatch", EACCES, RETRY_NEVER},
	{"IncompleteSignature", EACCES, RETRY_NEVER},
	{"InvalidSignature*", EACCES, RETRY_NEVER},
	{"MissingAuthenticationToken*", EACCES, RETRY_NEVER},
	{"Unauthorized*", EACCES, RETRY_NEVER},
	{"AccessDenied*", EACCES, RETRY_NEVER},
	{"OptInRequired", EACCES, RETRY_NEVER},
	{"RegionDisabledException", EACCES, RETRY_NEVER},
	{"Blocked", EACCES, RETRY_NEVER},
	{"PendingVerification", EACCES, RETRY_NEVER},
	{"TagPolicyViolation", EACCES, RETRY_NEVER},
	{"OperationNotPermitted*", EPERM, RETRY_NEVER},
	/* Keys of the snapshot. */
	{"*KMS*", ENOKEY, RETRY_NEVER},
	{"CustomerKeyHasBeenRevoked", ENOKEY, RETRY_NEVER},
	/* What is not there. */
	{"InvalidSnapshotID.Malformed", ENOENT, RETRY_NEVER},
	{"*.NotFound", ENOENT, RETRY_NEVER},
	{"InvalidRegion", ENOENT, RETRY_NEVER},
	/* What is busy. */
	{"*.InUse", EBUSY, RETRY_NEVER},
	{"IncorrectState*", EBUSY, RETRY_NEVER},
	{"InvalidState*", EBUSY, RETRY_NEVER},
	{"SnapshotLocked*", EBUSY, RETRY_NEVER},
	{"ConcurrentTagAccess", EBUSY, RETRY_TRANSIENT},
	/* What cannot be done. */
	{"SnapshotCopyUnsupported*", EOPNOTSUPP, RETRY_NEVER},
	{"Unsupported*", EOPNOTSUPP, RETRY_NEVER},
	{"InvalidAction", EOPNOTSUPP, RETRY_NEVER},
	{"NoSuchVersion", EOPNOTSUPP, RETRY_NEVER},
	/* What is written wrongly. */
	{"Invalid*", EINVAL, RETRY_NEVER},
	{"Missing*", EINVAL, RETRY_NEVER},
	{"Malformed*", EINVAL, RETRY_NEVER},
	{"UnknownParameter*", EINVAL, RETRY_NEVER},
	{"ValidationE*", EINVAL, RETRY_NEVER},
	/* The server's own trouble. */
	{"RequestTimeout*", ETIMEDOUT, RETRY_TRANSIENT},
	{"Internal*", EIO, RETRY_TRANSIENT},
	{"ServerInternal", EIO, RETRY_TRANSIENT},
	{"Unavailable", EAGAIN, RETRY_TRANSIENT},
	{"ServiceUnavailable*", EAGAIN, RETRY_TRANSIENT},
};

static void take(const char *text, size_t len, char *out, size_t size)
{
	size_t n;

	if (out[0])
		return;
	/* One line without a full stop at its end. */
	snprintf(out, size, "%.*s", (int)len, text);
	n = utf8_make_line(out);
	while (n && (out[n - 1] == ' ' || out[n - 1] == '.'))
		n--;
	out[n] = '\0';
}

static int element_closed(
	void *arg, int depth, const char *name, const char *text, size_t len, struct err *ignored)
{
	struct err *err = arg;

	(void)depth, (void)ignored;
	if (!text)
		return 0;
	if (!strcmp(name, "Code"))
		take(text, len, err->code, sizeof(err->code));
	else if (!strcmp(name, "Message"))
		take(text, len, err->message, sizeof(err->message));
	else if (!strcmp(name, "RequestID") || !strcmp(name, "RequestId") ||
		 !strcmp(name, "requestId"))
		take(text, len, err->request_id, sizeof(err->request_id));
	return 0;
}

/* Encoded, it fills the line and tells a person nothing. */
static void cut_blob(char *message)
{
	char *blob = strstr(message, ". Encoded authorization failure message");

	if (blob)
		*blob = '\0';
}

static enum retry_kind judge_status(struct err *err)
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

static enum retry_kind judge_code(struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (!fnmatch(table[i].pattern, err->code, FNM_CASEFOLD | FNM_NOESCAPE)) {
			err->errnum = table[i].errnum;
			return table[i].kind;
		}
	}
	return judge_status(err);
}

enum retry_kind aws_error_judge(
	int status, const char *body, size_t len, const char *request_id, struct err *err)
{
	const struct xml_handler handler = {.close = element_closed, .arg = err};
	enum retry_kind kind;

	*err = (struct err){.http_status = status};
	/* What was read before a fault in the XML still counts. */
	if (body)
		xml_parse(body, len < BODY_MAX ? len : BODY_MAX, &handler, NULL);
	cut_blob(err->message);
	if (!err->request_id[0])
		snprintf(err->request_id, sizeof(err->request_id), "%s", request_id);
	if (!err->code[0]) {
		kind = judge_status(err);
		snprintf(err->message, sizeof(err->message),
			"HTTP status %d without a reason from AWS", status);
	} else {
		kind = judge_code(err);
	}
	if (!err->message[0])
		snprintf(err->message, sizeof(err->message), "AWS gave no reason but its code");
	/* The asynchronous form of this one comes as a snapshot's StatusMessage; here it has a code
	 * of no fixed name. */
	if (strstr(err->message, "Given key ID is not accessible"))
		err->errnum = ENOKEY;
	err->retryable = kind != RETRY_NEVER;
	err->maybe_done = status >= 500 && kind != RETRY_THROTTLED;
	return kind;
}

bool aws_error_may_be_clock(const char *code)
{
	static const char *const codes[] = {"RequestExpired", "RequestInTheFuture",
		"RequestTimeTooSkewed", "InvalidSecurity.RequestHasExpired",
		"SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure",
		"AccessDeniedException"};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (!strcmp(code, codes[i]))
			return true;
	return false;
}

bool aws_error_blames_keys(const char *code)
{
	static const char *const patterns[] = {"AuthFailure*", "ExpiredToken*", "RequestExpired",
		"InvalidSecurity.RequestHasExpired", "InvalidClientTokenId",
		"UnrecognizedClientException", "InvalidAccessKeyId*", "SignatureDoesNotMatch",
		"InvalidSignature*"};

	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		if (!fnmatch(patterns[i], code, FNM_CASEFOLD | FNM_NOESCAPE))
			return true;
	return false;
}

bool aws_error_may_be_old_keys(const char *code)
{
	return !strcmp(code, "AuthFailure");
}
