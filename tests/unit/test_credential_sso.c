/* SPDX-License-Identifier: MIT */
/* credential_sso, credential_static: the AWS CLI's caches for SSO and login, and the requests that
 * are made from them. */
#include "fake_world.h"

/* SSO. sha1("corp") and sha1("https://start") name the files. */
#define SESSION_FILE ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json"
#define LEGACY_FILE  ".aws/sso/cache/6ad0e7e61d1f47e491ea32c2031add41ef92e07d.json"
#define SSO_ROLE     "[default]\nsso_role_name=admin role\nsso_account_id=1\n"
#define SSO_SESSION                                                                                \
	SSO_ROLE "sso_session=corp\n[sso-session "                                                 \
		 "corp]\nsso_region=eu-west-1\nsso_start_url=https://start\n"
#define SSO_LEGACY SSO_ROLE "sso_region=eu-west-1\nsso_start_url=https://start\n"
#define PORTAL                                                                                     \
	"GET "                                                                                     \
	"https://portal.sso.eu-west-1.amazonaws.com/federation/"                                   \
	"credentials?role_name=admin%20role&account_id=1\n"
#define OIDC "POST https://oidc.eu-west-1.amazonaws.com/token\n"
#define SSO_KEYS                                                                                   \
	"{\"roleCredentials\":{\"accessKeyId\":\"SSO\",\"secretAccessKey\":\"" SECRET              \
	"\",\"sessionToken\":\"t\",\"expiration\":1767326645000}}"
#define TOKEN(access, expires, rest)                                                               \
	"{\"accessToken\":\"" access "\",\"expiresAt\":\"" expires "\"" rest "}"
#define CLIENT(registration_end)                                                                   \
	",\"refreshToken\":\"" SECRET "\",\"clientId\":\"id\",\"clientSecret\":\"cs\","            \
	"\"registrationExpiresAt\":\"" registration_end "\",\"other\":{\"kept\":[1,true]}"
#define RENEWABLE    CLIENT("2026-03-01T00:00:00Z")
#define UNREGISTERED CLIENT("2026-01-02T03:04:05Z")

static void make_sso_cache(void)
{
	mkdir(world_path(".aws"), 0700);
	mkdir(world_path(".aws/sso"), 0700);
	mkdir(world_path(".aws/sso/cache"), 0700);
}

static void test_sso_token(void **state)
{
	static const struct exchange script[] = {
		ANSWER(PORTAL, 200, SSO_KEYS, .contains = {"x-amz-sso_bearer_token: tok\n"}), END};
	static const struct exchange skewed[] = {
		ANSWER(PORTAL, 200, SSO_KEYS, .date_ms = START_MS - HOUR), END};
	static const struct exchange unauthorized[] = {
		ANSWER(PORTAL, 401, "{\"message\":\"Session token not found\"}"), END};
	static const struct exchange forbidden[] = {
		ANSWER(PORTAL, 403, "{\"message\":\"No access\"}"), END};
	static const struct exchange nonsense[] = {ANSWER(PORTAL, 200, "{}"),
		ANSWER(PORTAL, 500, NULL), ANSWER(PORTAL, 200, "[]"), END};
	struct got got;

	(void)state;
	check(SSO_SESSION, "", NULL, NULL, NULL, EACCES,
		"there is no SSO token: run: aws sso login --profile default");
	make_sso_cache();
	write_file(SESSION_FILE, TOKEN("tok", "2026-01-02T11:00:00Z", ""));
	got = check(SSO_SESSION, "", NULL, script, "SSO", 0, NULL);
	assert_int_equal(got.credentials->expires_ms, START_MS + HOUR);
	forget(&got);
	got = check(SSO_SESSION, "", NULL, skewed, "SSO", 0, NULL);
	assert_in_range(
		got.credentials->expires_ms, START_MS + 2 * HOUR, START_MS + 2 * HOUR + 100);
	forget(&got);
	check(SSO_SESSION, "", NULL, unauthorized, NULL, EACCES,
		"run: aws sso login --profile default");
	check(SSO_SESSION, "", NULL, forbidden, NULL, EACCES, "SSO of profile default: No access");
	check(SSO_SESSION, "", NULL, nonsense, NULL, EIO, "the response has no keys");
	write_file(SESSION_FILE, "{\"accessToken\":1}");
	check(SSO_SESSION, "", NULL, NULL, NULL, EACCES, "there is no SSO token");
	/* the older form, with its older date */
	write_file(LEGACY_FILE, TOKEN("tok", "2026-01-02T03:05:00UTC", RENEWABLE));
	got = check(SSO_LEGACY, "", NULL, script, "SSO", 0, NULL);
	forget(&got);
	write_file(LEGACY_FILE, TOKEN("tok", "2026-01-02T03:04:05UTC", RENEWABLE));
	check(SSO_LEGACY, "", NULL, NULL, NULL, EACCES,
		"the SSO token has expired: run: aws sso login --profile default");
}

static void test_sso_renews_its_token(void **state)
{
	static const struct exchange script[] = {
		ANSWER(OIDC, 200,
			"{\"accessToken\":\"new\",\"expiresIn\":3600,\"refreshToken\":\"next\","
			"\"tokenType\":\"B\"}",
			.contains = {"content-type: application/json\n",
				"\"grantType\":\"refresh_token\"",
				"\"refreshToken\":\"" SECRET "\"", "\"clientSecret\":\"cs\""}),
		ANSWER(PORTAL, 200, SSO_KEYS, .contains = {"x-amz-sso_bearer_token: new\n"}), END};
	static const struct exchange in_vain[] = {
		ANSWER(OIDC, 400, "{\"error\":\"invalid_grant\"}"),
		ANSWER(PORTAL, 200, SSO_KEYS, .contains = {"x-amz-sso_bearer_token: tok\n"}), END};
	static const struct exchange refused[] = {
		ANSWER(OIDC, 400, "{\"error\":\"invalid_grant\"}"), END};
	static const struct exchange down[] = {FAILURE(OIDC, EHOSTUNREACH), ANSWER(OIDC, 500, NULL),
		ANSWER(OIDC, 200, "{\"accessToken\":\"\"}"), END};
	static const struct exchange still_good[] = {
		ANSWER(PORTAL, 200, SSO_KEYS, .contains = {"x-amz-sso_bearer_token: tok\n"}), END};
	_cleanup_free_ char *text = calloc(1, 4096);
	struct stat st;
	struct got got;
	FILE *f;

	(void)state;
	make_sso_cache();
	write_file(SESSION_FILE, TOKEN("tok", "2026-01-02T03:19:06Z", RENEWABLE));
	got = check(SSO_SESSION, "", NULL, still_good, "SSO", 0, NULL);
	forget(&got);
	write_file(SESSION_FILE, TOKEN("tok", "2026-01-02T03:19:04Z", RENEWABLE));
	got = check(SSO_SESSION, "", NULL, script, "SSO", 0, NULL);
	forget(&got);
	f = fopen(world_path(SESSION_FILE), "r");
	assert_non_null(f);
	assert_true(fread(text, 1, 4095, f) > 0);
	fclose(f);
	assert_non_null(strstr(text, "\"accessToken\":\"new\""));
	assert_non_null(strstr(text, "\"refreshToken\":\"next\""));
	assert_non_null(strstr(text, "\"expiresAt\":\"2026-01-02T04:04:"));
	assert_non_null(strstr(text, "\"other\":{\"kept\":[1,true]}"));
	assert_int_equal(stat(world_path(SESSION_FILE), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* What cannot be renewed is used to its end; then it is over. */
	write_file(SESSION_FILE, TOKEN("tok", "2026-01-02T03:19:04Z", RENEWABLE));
	got = check(SSO_SESSION, "", NULL, in_vain, "SSO", 0, NULL);
	forget(&got);
	write_file(SESSION_FILE, TOKEN("tok", "2026-01-02T03:00:00Z", RENEWABLE));
	check(SSO_SESSION, "", NULL, refused, NULL, EACCES,
		"could not be renewed: run: aws sso login --profile default");
	got = check(SSO_SESSION, "", NULL, down, NULL, EIO, "the response has no token");
	assert_true(got.err.retryable);
	write_file(SESSION_FILE, TOKEN("tok", "2026-01-02T03:00:00Z", UNREGISTERED));
	check(SSO_SESSION, "", NULL, NULL, NULL, EACCES, "the SSO token has expired: run");
	write_file(SESSION_FILE, TOKEN("tok", "2026-01-02T03:00:00Z", ",\"refreshToken\":\"x\""));
	check(SSO_SESSION, "", NULL, NULL, NULL, EACCES, "the SSO token has expired: run");
}

/* sha256("me") */
#define LOGIN_FILE "2744ccd10c7533bd736ad890f9dd5cab2adb27b07d500b9493f29cdc420cb2e0.json"

static void test_login(void **state)
{
	char environment[256];
	struct got got;

	(void)state;
	snprintf(environment, sizeof(environment), "AWS_LOGIN_CACHE_DIRECTORY=%s\n", world_dir);
	check("[default]\nlogin_session=me\n", environment, NULL, NULL, NULL, EACCES,
		"there are no keys: run: aws login --profile default");
	write_file(LOGIN_FILE,
		"{\"accessToken\":{\"accessKeyId\":\"LOGIN\",\"secretAccessKey\":\"" SECRET
		"\",\"sessionToken\":\"t\",\"expiresAt\":\"2026-01-02T03:10:00Z\"}}");
	got = check("[default]\nlogin_session=me\n", environment, NULL, NULL, "LOGIN", 0, NULL);
	assert_string_equal(got.credentials->source, "login of profile default");
	forget(&got);
	write_file(LOGIN_FILE,
		"{\"accessToken\":{\"accessKeyId\":\"LOGIN\",\"secretAccessKey\":\"" SECRET
		"\",\"sessionToken\":\"t\",\"expiresAt\":\"2026-01-02T03:00:00Z\"}}");
	check("[default]\nlogin_session=me\n", environment, NULL, NULL, NULL, EACCES,
		"the keys have expired: run: aws login");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(test_sso_token),
		TEST(test_sso_renews_its_token),
		TEST(test_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
