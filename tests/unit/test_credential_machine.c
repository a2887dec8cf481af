/* SPDX-License-Identifier: MIT */
/* credential_container, credential_imds: keys from the machine itself. */
#include "fake_world.h"

#define CONTAINER_KEYS(expires)                                                                    \
	"{\"AccessKeyId\":\"CONT\",\"SecretAccessKey\":\"" SECRET                                  \
	"\",\"Token\":\"t\",\"Expiration\":\"" expires "\"}"

static void test_container(void **state)
{
	static const struct exchange relative[] = {
		ANSWER("GET http://169.254.170.2/v2/x?y\naccept: application/json\n\n", 200,
			CONTAINER_KEYS("2026-01-02T09:00:00Z")),
		END};
	static const struct exchange with_token[] = {
		ANSWER("GET http://[fd00:ec2::23]/\n", 200, CONTAINER_KEYS("2026-01-02T09:00:00Z"),
			.contains = {"authorization: from file\n"}),
		END};
	static const struct exchange with_value[] = {
		ANSWER("GET https://agent.example/\n", 200, CONTAINER_KEYS("2026-01-02T09:00:00Z"),
			.contains = {"authorization: from env\n"}),
		END};
	static const struct exchange bad[] = {
		ANSWER("GET http://localhost/", 200, "{\"AccessKeyId\":\"" SECRET "\"}"),
		ANSWER("GET http://localhost/", 200, SECRET),
		ANSWER("GET http://localhost/", 200, CONTAINER_KEYS("soon")), END};
	char text[512];
	struct got got = check("",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/"
		"x?y\nAWS_CONTAINER_CREDENTIALS_FULL_URI=http://x/\n",
		NULL, relative, "CONT", 0, NULL);

	(void)state;
	forget(&got);
	write_file("auth", "from file");
	write_file("lines", "a\nb");
	snprintf(text, sizeof(text),
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://[fd00:ec2::23]/"
		"\nAWS_CONTAINER_AUTHORIZATION_TOKEN=x\n"
		"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=%s\n",
		world_path("auth"));
	got = check("", text, NULL, with_token, "CONT", 0, NULL);
	forget(&got);
	got = check("",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=https://agent.example/"
		"\nAWS_CONTAINER_AUTHORIZATION_TOKEN=from env\n",
		NULL, with_value, "CONT", 0, NULL);
	forget(&got);
	snprintf(text, sizeof(text),
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.9.9.9/"
		"\nAWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=%s\n",
		world_path("lines"));
	check("", text, NULL, NULL, NULL, EACCES, "a line break");
	check("", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://localhost/\n", NULL, bad, NULL, EIO,
		"the response's Expiration is not a date");
	check("",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://localhost/"
		"\nAWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/absent\n",
		NULL, NULL, NULL, EACCES, "/absent");
}

#define IMDS       "http://169.254.169.254/latest/"
#define PUT_TOKEN  "PUT " IMDS "api/token\nx-aws-ec2-metadata-token-ttl-seconds: 21600\n"
#define GET_ROLE   "GET " IMDS "meta-data/iam/security-credentials/\n"
#define GET_KEYS   "GET " IMDS "meta-data/iam/security-credentials/my.role\n"
#define WITH_TOKEN .contains = {"x-aws-ec2-metadata-token: imdstoken\n"}

static void test_imds(void **state)
{
	static const struct exchange v2[] = {ANSWER(PUT_TOKEN, 200, "imdstoken"),
		ANSWER(GET_ROLE, 200, "my.role\n", WITH_TOKEN),
		ANSWER(GET_KEYS, 200, CONTAINER_KEYS("2026-01-02T09:00:00Z"), WITH_TOKEN), END};
	static const struct exchange v1[] = {ANSWER(PUT_TOKEN, 404, NULL),
		ANSWER(GET_ROLE, 200, "my.role"),
		ANSWER(GET_KEYS, 200, CONTAINER_KEYS("2026-01-02T09:00:00Z")), END};
	static const struct exchange one_hop_too_many[] = {FAILURE(PUT_TOKEN, ETIMEDOUT),
		ANSWER(GET_ROLE, 200, "my.role"),
		ANSWER(GET_KEYS, 200, CONTAINER_KEYS("2026-01-02T09:00:00Z")), END};
	static const struct exchange no_token[] = {ANSWER(PUT_TOKEN, 403, NULL), END};
	static const struct exchange no_answer[] = {FAILURE(PUT_TOKEN, ETIMEDOUT), END};
	static const struct exchange bad_request[] = {ANSWER(PUT_TOKEN, 400, NULL), END};
	static const struct exchange absent[] = {FAILURE(PUT_TOKEN, EHOSTUNREACH), END};
	static const struct exchange thrice[] = {FAILURE(PUT_TOKEN, EHOSTUNREACH),
		FAILURE(PUT_TOKEN, EHOSTUNREACH), FAILURE(PUT_TOKEN, EHOSTUNREACH), END};
	static const struct exchange no_role[] = {
		ANSWER(PUT_TOKEN, 200, "imdstoken"), ANSWER(GET_ROLE, 404, "x"), END};
	static const struct exchange odd_role[] = {
		ANSWER(PUT_TOKEN, 200, "imdstoken"), ANSWER(GET_ROLE, 200, "../x"), END};
	static const struct exchange failed[] = {ANSWER(PUT_TOKEN, 200, "imdstoken"),
		ANSWER(GET_ROLE, 200, "my.role"),
		ANSWER(GET_KEYS, 200,
			"{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"EC2 cannot "
			"assume\"}"),
		END};
	static const struct exchange v6[] = {
		FAILURE("PUT http://[fd00:ec2::254]/latest/api/token\n", EHOSTUNREACH), END};
	static const struct exchange elsewhere[] = {
		FAILURE("PUT http://127.0.0.1:99/imds/latest/api/token\n", EHOSTUNREACH), END};
	static const struct exchange near_the_end[] = {ANSWER(PUT_TOKEN, 200, "imdstoken"),
		ANSWER(GET_ROLE, 200, "my.role"),
		ANSWER(GET_KEYS, 200, CONTAINER_KEYS("2026-01-02T02:00:00Z")), END};
	struct got got = check("", "", NULL, v2, "CONT", 0, NULL);

	(void)state;
	assert_string_equal(got.credentials->source, "the instance's role");
	forget(&got);
	got = check("", "", NULL, v1, "CONT", 0, NULL);
	assert_null(strstr(world_last, "metadata-token"));
	forget(&got);
	got = check("", "", NULL, one_hop_too_many, "CONT", 0, NULL);
	forget(&got);
	check("", "AWS_EC2_METADATA_V1_DISABLED=true\n", NULL, no_token, NULL, EACCES,
		"it gives no token, and version 1 is disabled");
	got = check("[default]\nec2_metadata_v1_disabled=true\n", "", NULL, no_answer, NULL, EACCES,
		"version 1 is disabled");
	assert_true(got.err.retryable);
	got = check("", "", NULL, bad_request, NULL, EACCES, "the request for a token was refused");
	assert_false(got.err.retryable);
	got = check("", "", NULL, absent, NULL, EACCES,
		"no AWS credentials in the environment or in profile default (run: aws configure, "
		"or name a profile by AWS_PROFILE or -o profile=, or try it without an account: "
		"-o simulate), and none in the instance's metadata (http://169.254.169.254/)");
	assert_int_equal(got.err.http_status, 0); /* nobody's advice about AWS's answers */
	assert_true(got.err.retryable);
	check("[default]\nmetadata_service_num_attempts=3\n", "", NULL, thrice, NULL, EACCES,
		"no answer");
	check("", "", NULL, no_role, NULL, EACCES, "the instance has no role");
	check("", "", NULL, odd_role, NULL, EACCES, "not a name");
	check("", "", NULL, failed, NULL, EACCES,
		"AssumeRoleUnauthorizedAccess: EC2 cannot assume");
	check("", "AWS_IMDS_USE_IPV6=true\n", NULL, v6, NULL, EACCES, "fd00:ec2::254");
	check("", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6\n", NULL, v6, NULL, EACCES,
		"fd00:ec2::254");
	check("", "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:99/imds\n", NULL, elsewhere,
		NULL, EACCES, "127.0.0.1:99");
	/* Keys past their end are extended: EC2 has trouble, and takes them longer. */
	got = check("", "", NULL, near_the_end, "CONT", 0, NULL);
	assert_in_range(got.credentials->expires_ms - START_MS, 17 * MINUTE, 25 * MINUTE + 1000);
	forget(&got);
	check("[default]\nrole_arn=r\ncredential_source=Ec2InstanceMetadata\n", "", NULL, absent,
		NULL, EACCES,
		"profile default: credential_source Ec2InstanceMetadata of profile default");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(test_container),
		TEST(test_imds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
