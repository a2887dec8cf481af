/* SPDX-License-Identifier: MIT */
/* aws_error: AWS's refusals, as they come over the wire: errno and retry. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws_error.h"
#include "buf.h"

static const struct {
	const char *code;
	int status;
	int errnum;
	enum retry_kind kind;
	bool maybe_done;
} codes[] = {
	{"InvalidSnapshot.NotFound", 400, ENOENT, RETRY_NEVER, false},
	{"InvalidSnapshotID.Malformed", 400, ENOENT, RETRY_NEVER, false},
	{"IDPCommunicationError", 400, EIO, RETRY_TRANSIENT, false},
	{"InvalidRegion", 400, ENOENT, RETRY_NEVER, false},
	{"UnauthorizedOperation", 403, EACCES, RETRY_NEVER, false},
	{"AuthFailure", 401, EACCES, RETRY_NEVER, false},
	{"OptInRequired", 401, EACCES, RETRY_NEVER, false},
	{"SignatureDoesNotMatch", 403, EACCES, RETRY_NEVER, false},
	{"AccessDenied", 403, EACCES, RETRY_NEVER, false},
	{"ExpiredToken", 400, EACCES, RETRY_CREDENTIALS, false},
	{"ExpiredTokenException", 400, EACCES, RETRY_CREDENTIALS, false},
	{"RequestExpired", 400, EACCES, RETRY_CREDENTIALS, false},
	{"InvalidClientTokenId", 403, EACCES, RETRY_CREDENTIALS, false},
	{"InvalidParameterValue", 400, EINVAL, RETRY_NEVER, false},
	{"InvalidParameterCombination", 400, EINVAL, RETRY_NEVER, false},
	{"MissingParameter", 400, EINVAL, RETRY_NEVER, false},
	{"UnknownParameter", 400, EINVAL, RETRY_NEVER, false},
	{"InvalidTagKey.Malformed", 400, EINVAL, RETRY_NEVER, false},
	{"InvalidNextToken", 400, EINVAL, RETRY_NEVER, false},
	{"ValidationError", 400, EINVAL, RETRY_NEVER, false},
	{"KMS.DisabledException", 400, ENOKEY, RETRY_NEVER, false},
	{"KMSKeyNotFoundFault", 400, ENOKEY, RETRY_NEVER, false},
	{"InvalidKMSKey.NotFound", 400, ENOKEY, RETRY_NEVER, false},
	{"InvalidKmsKey.InvalidState", 400, ENOKEY, RETRY_NEVER, false},
	{"CustomerKeyHasBeenRevoked", 400, ENOKEY, RETRY_NEVER, false},
	{"SnapshotLimitExceeded", 400, EDQUOT, RETRY_NEVER, false},
	{"PendingSnapshotLimitExceeded", 400, EDQUOT, RETRY_NEVER, false},
	{"ConcurrentSnapshotLimitExceeded", 400, EDQUOT, RETRY_NEVER, false},
	{"TagLimitExceeded", 400, EDQUOT, RETRY_NEVER, false},
	{"FilterLimitExceeded", 400, E2BIG, RETRY_NEVER, false},
	{"InvalidSnapshot.InUse", 400, EBUSY, RETRY_NEVER, false},
	{"IncorrectState", 400, EBUSY, RETRY_NEVER, false},
	{"ConcurrentTagAccess", 400, EBUSY, RETRY_TRANSIENT, false},
	{"ResourceLimitExceeded", 400, EAGAIN, RETRY_NEVER, false},
	{"VolumeLimitExceeded", 400, EDQUOT, RETRY_NEVER, false},
	{"MaxIOPSLimitExceeded", 400, EDQUOT, RETRY_NEVER, false},
	{"VolumeIOPSLimit", 400, EDQUOT, RETRY_NEVER, false},
	{"InvalidZone.NotFound", 400, ENOENT, RETRY_NEVER, false},
	{"InvalidAvailabilityZone", 400, ENOENT, RETRY_NEVER, false},
	{"InvalidVolume.NotFound", 400, ENOENT, RETRY_NEVER, false},
	{"InvalidAMIID.NotFound", 400, ENOENT, RETRY_NEVER, false},
	{"InvalidAMIID.Unavailable", 400, ENOENT, RETRY_NEVER, false},
	{"InvalidAMIName.Malformed", 400, EINVAL, RETRY_NEVER, false},
	{"InvalidAMIName.Duplicate", 400, EEXIST, RETRY_NEVER, false},
	{"IdempotentParameterMismatch", 400, EEXIST, RETRY_NEVER, false},
	{"InvalidParameterDependency", 400, EINVAL, RETRY_NEVER, false},
	{"UnknownVolumeType", 400, EINVAL, RETRY_NEVER, false},
	{"VolumeTypeNotAvailableInZone", 400, EOPNOTSUPP, RETRY_NEVER, false},
	{"BootForVolumeTypeUnsupported", 400, EOPNOTSUPP, RETRY_NEVER, false},
	/* A refusal in spite of its status. */
	{"InsufficientVolumeCapacity", 500, EAGAIN, RETRY_NEVER, false},
	{"RequestLimitExceeded", 503, EAGAIN, RETRY_THROTTLED, false},
	{"EC2ThrottledException", 503, EAGAIN, RETRY_THROTTLED, false},
	{"Throttling", 400, EAGAIN, RETRY_THROTTLED, false},
	{"SnapshotCopyUnsupported.InterRegion", 400, EOPNOTSUPP, RETRY_NEVER, false},
	{"UnsupportedOperation", 400, EOPNOTSUPP, RETRY_NEVER, false},
	{"InvalidAction", 400, EOPNOTSUPP, RETRY_NEVER, false},
	{"OperationNotPermitted", 400, EPERM, RETRY_NEVER, false},
	{"InternalError", 500, EIO, RETRY_TRANSIENT, true},
	{"Unavailable", 503, EAGAIN, RETRY_TRANSIENT, true},
	{"RequestTimeout", 400, ETIMEDOUT, RETRY_TRANSIENT, false},
	/* Codes that no table has: the status decides. */
	{"SomethingNew", 400, EIO, RETRY_NEVER, false},
	{"SomethingNew", 403, EACCES, RETRY_NEVER, false},
	{"SomethingNew", 500, EIO, RETRY_TRANSIENT, true},
};

static enum retry_kind judge(int status, const char *body, const char *id, struct err *err)
{
	return aws_error_judge(&(struct aws_refusal){.status = status,
				       .body = body,
				       .len = body ? strlen(body) : 0,
				       .type = "",
				       .request_id = id},
		err);
}

static void test_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		_cleanup_buf_ struct buf body = BUF_INIT;
		struct err err;
		enum retry_kind kind;

		buf_printf(&body,
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>"
			"<Code>%s</Code><Message>Reason &lt;%zu&gt;.</Message></Error></Errors>"
			"<RequestID>id-%zu</RequestID></Response>",
			codes[i].code, i, i);
		kind = judge(codes[i].status, body.data, "", &err);
		if (kind != codes[i].kind || err.errnum != codes[i].errnum ||
			err.maybe_done != codes[i].maybe_done)
			fail_msg("%s: kind %d, %s, maybe %d", codes[i].code, kind,
				strerror(err.errnum), err.maybe_done);
		assert_int_equal(err.retryable, kind != RETRY_NEVER);
		assert_int_equal(err.http_status, codes[i].status);
		assert_string_equal(err.code, codes[i].code);
		buf_clear(&body);
		buf_printf(&body, "Reason <%zu>", i);
		assert_string_equal(err.message, body.data);
		buf_clear(&body);
		buf_printf(&body, "id-%zu", i);
		assert_string_equal(err.request_id, body.data);
	}
}

static void test_the_next_step_after_no_reason(void **state)
{
	struct err err;

	(void)state;
	judge(403, "<html>Forbidden</html>", "", &err);
	assert_non_null(strstr(aws_error_advice_for(&err), "check the endpoint and the proxy"));
	judge(403, "<R><Code>SomethingNew</Code></R>", "", &err);
	assert_non_null(strstr(aws_error_advice_for(&err), "check the credentials"));
}

/* An endless message is cut, and the code before it and the request's id behind it count. */
static void test_an_endless_message(void **state)
{
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct err err;

	(void)state;
	buf_puts(&body, "<Response><Errors><Error><Code>IncorrectState</Code><Message>");
	for (int i = 0; i < 200 << 10; i++)
		buf_puts(&body, "m");
	buf_puts(&body, "</Message></Error></Errors><RequestID>id-1</RequestID></Response>");
	assert_int_equal(judge(400, body.data, "", &err), RETRY_NEVER);
	assert_string_equal(err.code, "IncorrectState");
	assert_string_equal(err.request_id, "id-1");
	assert_int_equal(strspn(err.message, "m"), sizeof(err.message) - 1);
}

static void test_shapes_of_bodies(void **state)
{
	static const struct {
		int status;
		const char *body, *code, *message, *request_id;
		int errnum;
		enum retry_kind kind;
	} table[] = {
		/* STS */
		{403,
			"<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
			"<Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>"
			"The security token is invalid.</Message></Error><RequestId>sts-1"
			"</RequestId></ErrorResponse>",
			"InvalidClientTokenId", "The security token is invalid", "sts-1", EACCES,
			RETRY_CREDENTIALS},
		/* Without a message; the id only in the header. */
		{400,
			"<Response "
			"xmlns=\"x\"><Errors><Error><Code>InvalidSnapshot.NotFound</Code><Message/"
			"></Error>"
			"</Errors></Response>",
			"InvalidSnapshot.NotFound", "AWS gave no reason but its code", "header-id",
			ENOENT, RETRY_NEVER},
		/* The first of several counts. */
		{400,
			"<R><E><Code>InvalidParameter</Code><Message>one</Message></E><E><Code>"
			"SlowDown</Code><Message>two</Message></E></R>",
			"InvalidParameter", "one", "header-id", EINVAL, RETRY_NEVER},
		/* Line breaks and control characters become one line. */
		{400, "<R><Code>InvalidParameter</Code><Message>a\nb\tc. \n</Message></R>",
			"InvalidParameter", "a b c", "header-id", EINVAL, RETRY_NEVER},
		/* Cut off behind the code: it still counts. */
		{503, "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Mess",
			"RequestLimitExceeded", "AWS gave no reason but its code", "header-id",
			EAGAIN, RETRY_THROTTLED},
		/* No error of AWS's. */
		{500, "<!doctype html><html><body>Internal Server Error</body></html>", "",
			"HTTP status 500 without a reason from AWS", "header-id", EIO,
			RETRY_TRANSIENT},
		{502, "", "", "HTTP status 502 without a reason from AWS", "header-id", EIO,
			RETRY_TRANSIENT},
		{503, NULL, "", "HTTP status 503 without a reason from AWS", "header-id", EAGAIN,
			RETRY_TRANSIENT},
		{429, NULL, "", "HTTP status 429 without a reason from AWS", "header-id", EAGAIN,
			RETRY_THROTTLED},
		{404, "not found", "", "HTTP status 404 without a reason from AWS", "header-id",
			EIO, RETRY_NEVER},
		{302, NULL, "", "HTTP status 302 without a reason from AWS", "header-id", EIO,
			RETRY_NEVER},
		{408, NULL, "", "HTTP status 408 without a reason from AWS", "header-id", ETIMEDOUT,
			RETRY_TRANSIENT},
		/* The words of a message do not decide: EC2 uses these in a StatusMessage, with no
		 * code. */
		{400,
			"<R><Code>InvalidRequest</Code><Message>Given key ID is not "
			"accessible</Message></R>",
			"InvalidRequest", "Given key ID is not accessible", "header-id", EINVAL,
			RETRY_NEVER},
		{200, "<!DOCTYPE x [<!ENTITY a 'SlowDown'>]><R><Code>&a;</Code></R>", "",
			"HTTP status 200 without a reason from AWS", "header-id", EIO, RETRY_NEVER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct err err;
		enum retry_kind kind = judge(table[i].status, table[i].body, "header-id", &err);

		if (kind != table[i].kind || err.errnum != table[i].errnum ||
			strcmp(err.code, table[i].code) || strcmp(err.message, table[i].message) ||
			strcmp(err.request_id, table[i].request_id))
			fail_msg("%zu: kind %d, %s, '%s', '%s', '%s'", i, kind,
				strerror(err.errnum), err.code, err.message, err.request_id);
		assert_int_equal(err.maybe_done, table[i].status >= 500 && kind != RETRY_THROTTLED);
	}
}

/* Longer than any field: cut, not overrun. */
static void test_long_texts(void **state)
{
	_cleanup_buf_ struct buf body = BUF_INIT, x = BUF_INIT;
	struct err err;

	(void)state;
	for (int i = 0; i < 5000; i++)
		buf_putc(&x, 'x');
	buf_printf(&body, "<R><Code>%s</Code><Message>%s</Message><RequestID>%s</RequestID></R>",
		x.data, x.data, x.data);
	assert_int_equal(judge(400, body.data, x.data, &err), RETRY_NEVER);
	assert_int_equal(strlen(err.code), sizeof(err.code) - 1);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	assert_int_equal(strlen(err.request_id), sizeof(err.request_id) - 1);
}

static void test_suspicions(void **state)
{
	(void)state;
	assert_true(aws_error_may_be_clock("RequestExpired"));
	assert_true(aws_error_may_be_clock("AuthFailure"));
	assert_false(aws_error_may_be_clock("UnauthorizedOperation"));
	assert_true(aws_error_may_be_old_keys("DescribeSnapshots", "AuthFailure"));
	assert_true(aws_error_may_be_region("AuthFailure"));
	assert_false(aws_error_may_be_region("UnauthorizedOperation"));
	assert_true(aws_error_is_permission("UnauthorizedOperation"));
	assert_true(aws_error_is_permission("AccessDenied"));
	assert_false(aws_error_is_permission("AuthFailure"));
	assert_true(aws_error_is_absent("InvalidSnapshot.NotFound"));
	assert_true(aws_error_is_absent("InvalidSnapshotID.Malformed"));
	assert_false(aws_error_may_be_old_keys("DescribeSnapshots", "UnauthorizedOperation"));
	assert_false(aws_error_may_be_old_keys("DescribeSnapshots", ""));
	assert_true(aws_error_blames_keys("DescribeSnapshots", "AuthFailure"));
	assert_false(aws_error_blames_keys("DescribeSnapshotAttribute", "AuthFailure"));
	assert_false(aws_error_may_be_old_keys("DescribeSnapshotAttribute", "AuthFailure"));
	assert_true(aws_error_blames_keys("DescribeSnapshotAttribute", "ExpiredToken"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_shapes_of_bodies),
		cmocka_unit_test(test_an_endless_message),
		cmocka_unit_test(test_the_next_step_after_no_reason),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_suspicions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
