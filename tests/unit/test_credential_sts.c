/* SPDX-License-Identifier: MIT */
/* credential_sts: requests to STS, and its responses. */
#include "fake_world.h"

#define STS "POST https://sts.us-east-1.amazonaws.com/\n"
#define STS_KEYS_UNTIL(key, end)                                                                   \
	"<AssumeRoleResponse "                                                                     \
	"xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"                   \
	"<Credentials><AccessKeyId>" key "</AccessKeyId><SecretAccessKey>" SECRET                  \
	"</SecretAccessKey>"                                                                       \
	"<SessionToken>token+/=</SessionToken><Expiration>" end "</Expiration></Credentials>"      \
	"<AssumedRoleUser><Arn>a</Arn></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>"
#define STS_KEYS(key) STS_KEYS_UNTIL(key, "2026-01-02T04:04:05Z")
#define STS_ERROR(code)                                                                            \
	"<ErrorResponse><Error><Code>" code "</Code><Message>no</Message></Error></ErrorResponse>"
#define SOURCE_KEYS "aws_access_key_id=SRC\naws_secret_access_key=" SECRET "\n"
#define ROLE                                                                                       \
	"[default]\nrole_arn=arn:aws:iam::1:role/r\nsource_profile=src\n[profile "                 \
	"src]\n" SOURCE_KEYS

static void test_role(void **state)
{
	static const struct exchange plain[] = {
		ANSWER(STS, 200, STS_KEYS("ROLE"),
			.contains = {"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%"
				     "3A%3A1%3Arole%2Fr"
				     "&RoleSessionName=ebsfs-session-1767323045",
				"authorization: AWS4-HMAC-SHA256 "
				"Credential=SRC/20260102/us-east-1/sts/aws4_request",
				"host: sts.us-east-1.amazonaws.com\n",
				"x-amz-date: 20260102T030405Z\n"}),
		END};
	static const struct exchange full[] = {
		ANSWER("POST https://sts.eu-west-1.amazonaws.com/\n", 200, STS_KEYS("ROLE"),
			.contains = {"&RoleSessionName=me&ExternalId=e%2Fid&DurationSeconds=3600",
				"/eu-west-1/sts/", "x-amz-security-token: st\n"}),
		END};
	static const struct exchange own_endpoint[] = {
		ANSWER("POST http://127.0.0.1:99/sts/\n", 200, STS_KEYS("ROLE"),
			.contains = {"host: 127.0.0.1:99\n"}),
		END};
	struct got got = check(ROLE, "", NULL, plain, "ROLE", 0, NULL);

	(void)state;
	assert_string_equal(got.credentials->session_token, "token+/=");
	assert_string_equal(got.credentials->source, "profile default");
	assert_int_equal(got.credentials->expires_ms, START_MS + HOUR);
	forget(&got);
	got = check("[default]\nregion=eu-west-1\nrole_arn=r\nsource_profile=default\nrole_session_"
		    "name=me\n"
		    "external_id=e/id\nduration_seconds=3600\naws_session_token=st\n" SOURCE_KEYS,
		"", NULL, full, "ROLE", 0, NULL);
	forget(&got);
	got = check(ROLE, "AWS_ENDPOINT_URL_STS=http://127.0.0.1:99/sts\n", NULL, own_endpoint,
		"ROLE", 0, NULL);
	forget(&got);
}

static void test_chain_of_roles(void **state)
{
	static const struct exchange script[] = {
		ANSWER(STS, 200, STS_KEYS("MIDDLE"),
			.contains = {"RoleArn=middle", "Credential=SRC/"}),
		ANSWER(STS, 200, STS_KEYS("TOP"),
			.contains = {"RoleArn=top", "Credential=MIDDLE/",
				"x-amz-security-token: token+/=\n"}),
		END};
	struct got got = check("[profile top]\nrole_arn=top\nsource_profile=middle\n"
			       "[profile middle]\nrole_arn=middle\nsource_profile=src\n[profile "
			       "src]\n" SOURCE_KEYS,
		"AWS_ACCESS_KEY_ID=ENV\nAWS_SECRET_ACCESS_KEY=x\n", "top", script, "TOP", 0, NULL);

	(void)state;
	forget(&got);
	/* Keys of its own beat a source_profile's role. */
	static const struct exchange direct[] = {
		ANSWER(STS, 200, STS_KEYS("TOP"), .contains = {"Credential=SRC/"}), END};

	got = check("[default]\nrole_arn=top\nsource_profile=middle\n"
		    "[profile middle]\nrole_arn=middle\nsource_profile=x\n" SOURCE_KEYS,
		"", NULL, direct, "TOP", 0, NULL);
	forget(&got);
	/* The environment's web identity is not for a source_profile. */
	got = check("[default]\nrole_arn=top\nsource_profile=src\n[profile src]\n" SOURCE_KEYS,
		"AWS_WEB_IDENTITY_TOKEN_FILE=/absent\nAWS_ROLE_ARN=x\n", NULL, direct, "TOP", 0,
		NULL);
	forget(&got);
	static const struct exchange environment[] = {
		ANSWER(STS, 200, STS_KEYS("TOP"), .contains = {"Credential=SRC/"}), END};

	got = check("[profile p]\nrole_arn=top\ncredential_source=Environment\n",
		"AWS_ACCESS_KEY_ID=SRC\nAWS_SECRET_ACCESS_KEY=x\n", "p", environment, "TOP", 0,
		NULL);
	forget(&got);
}

static void test_what_sts_may_say(void **state)
{
	static const struct exchange denied[] = {ANSWER(STS, 403, STS_ERROR("AccessDenied")), END};
	static const struct exchange late[] = {ANSWER(STS, 503, NULL),
		ANSWER(STS, 400, STS_ERROR("Throttling")), ANSWER(STS, 200, STS_KEYS("ROLE")), END};
	static const struct exchange gone[] = {
		FAILURE(STS, EHOSTUNREACH), FAILURE(STS, ETIMEDOUT), FAILURE(STS, ETIMEDOUT), END};
	static const struct exchange nonsense[] = {ANSWER(STS, 200, "<html>" SECRET),
		ANSWER(STS, 200, "<a/>"), ANSWER(STS, 200, STS_KEYS("")), END};
	/* This machine's clock is an hour late. */
	static const struct exchange skewed[] = {
		ANSWER(STS, 403, STS_ERROR("SignatureDoesNotMatch"), .date_ms = START_MS + HOUR),
		ANSWER(STS, 200, STS_KEYS_UNTIL("ROLE", "2026-01-02T05:04:05Z"),
			.date_ms = START_MS + HOUR, .contains = {"x-amz-date: 20260102T040405Z\n"}),
		END};
	/* It is an hour early: the keys seem to have expired. */
	static const struct exchange early[] = {
		ANSWER(STS, 200, STS_KEYS("ROLE"), .date_ms = START_MS - HOUR), END};
	struct got got = check(ROLE, "", NULL, denied, NULL, EACCES,
		"profile default, assuming arn:aws:iam::1:role/r: no");

	(void)state;
	assert_string_equal(got.err.code, "AccessDenied");
	got = check(ROLE, "", NULL, late, "ROLE", 0, NULL);
	forget(&got);
	got = check(ROLE, "", NULL, gone, NULL, ETIMEDOUT, "assuming");
	assert_true(got.err.retryable);
	assert_false(got.err.maybe_done);
	check(ROLE, "", NULL, nonsense, NULL, EACCES, "the key is empty");
	got = check(ROLE, "", NULL, skewed, "ROLE", 0, NULL);
	assert_in_range(got.credentials->expires_ms, START_MS + HOUR, START_MS + HOUR + 100);
	forget(&got);
	got = check(ROLE, "", NULL, early, "ROLE", 0, NULL);
	assert_in_range(
		got.credentials->expires_ms, START_MS + 2 * HOUR, START_MS + 2 * HOUR + 100);
	forget(&got);
	check(ROLE, "AWS_REGION=no/region\n", NULL, NULL, NULL, EINVAL, "not the name of a region");
}

static void test_web_identity(void **state)
{
	static const struct exchange script[] = {
		ANSWER(STS, 200, STS_KEYS("WEB"),
			.contains = {"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&"
				     "WebIdentityToken=a.b.c&RoleArn=r"
				     "&RoleSessionName=ebsfs-session-"}),
		END};
	static const struct exchange named[] = {
		ANSWER(STS, 200, STS_KEYS("WEB"), .contains = {"RoleSessionName=me"}), END};
	static const struct exchange down[] = {ANSWER(STS, 400, STS_ERROR("IDPCommunicationError")),
		ANSWER(STS, 400, STS_ERROR("ExpiredTokenException")), END};
	char text[512];
	struct got got;

	(void)state;
	write_file("token", "a.b.c\n");
	write_file("empty", "\n");
	snprintf(text, sizeof(text), "AWS_WEB_IDENTITY_TOKEN_FILE=%s\nAWS_ROLE_ARN=r\n",
		world_path("token"));
	got = check("", text, NULL, script, "WEB", 0, NULL);
	assert_null(strstr(world_last, "authorization"));
	forget(&got);
	check("", text, NULL, down, NULL, EACCES,
		"web identity of profile default, assuming r: no");
	/* an explicit profile makes the environment's setting void */
	got = check("[profile p]\n" SOURCE_KEYS, text, "p", NULL, "SRC", 0, NULL);
	forget(&got);
	snprintf(text, sizeof(text),
		"[default]\nrole_arn=r\nrole_session_name=me\nsource_profile=x\nweb_identity_token_"
		"file=%s\n",
		world_path("token"));
	got = check(text, "", NULL, named, "WEB", 0, NULL);
	forget(&got);
	snprintf(text, sizeof(text), "[default]\nrole_arn=r\nweb_identity_token_file=%s\n",
		world_path("empty"));
	check(text, "", NULL, NULL, NULL, EACCES, "there is no token in");
	check("[default]\nrole_arn=r\nweb_identity_token_file=/absent\n", "", NULL, NULL, NULL,
		EACCES, "/absent: No such file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(test_role),
		TEST(test_chain_of_roles),
		TEST(test_what_sts_may_say),
		TEST(test_web_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
