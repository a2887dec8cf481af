/* SPDX-License-Identifier: MIT */
/* aws/credential_*: what each source asks, how it takes an answer, and what it says when there is
 * none. */
#include "fake_world.h"

#include "credential_source.h"

#define STS    "POST https://sts.us-east-1.amazonaws.com/\n"
#define SECRET "s3cr3t-s3cr3t"
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

/* One fetch: its key, or what stands in its error. No secret ever does. */
static struct got check(const char *config, const char *environment, const char *profile,
	const struct exchange *script, const char *key, int errnum, const char *reason)
{
	struct got got = fetch_once(config, environment, profile, script);

	if (got.err.errnum)
		print_message("%s\n", got.err.message);
	if (key) {
		assert_non_null(got.credentials);
		assert_string_equal(got.credentials->access_key, key);
		assert_string_equal(got.credentials->secret_key, SECRET);
		return got;
	}
	assert_null(got.credentials);
	assert_int_equal(got.err.errnum, errnum);
	assert_non_null(strstr(got.err.message, reason));
	assert_null(strstr(got.err.message, SECRET));
	assert_null(strstr(got.err.message, "token+"));
	return got;
}

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
#define RENEWABLE                                                                                  \
	",\"refreshToken\":\"" SECRET                                                              \
	"\",\"clientId\":\"id\",\"clientSecret\":\"cs\",\"region\":\"eu-west-1\","                 \
	"\"registrationExpiresAt\":\"2026-03-01T00:00:00Z\",\"other\":{\"kept\":[1,true]}"

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
	check(SSO_SESSION, "", NULL, unauthorized, NULL, EACCES,
		"run: aws sso login --profile default");
	check(SSO_SESSION, "", NULL, forbidden, NULL, EACCES, "SSO of profile default: No access");
	check(SSO_SESSION, "", NULL, nonsense, NULL, EIO, "an answer without keys");
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
	got = check(SSO_SESSION, "", NULL, down, NULL, EIO, "an answer without a token");
	assert_true(got.err.retryable);
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
		"an Expiration that is not a date");
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
		"no AWS credentials in the environment or in profile default, and none in the "
		"instance's metadata (http://169.254.169.254/)");
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
		TEST(test_role),
		TEST(test_chain_of_roles),
		TEST(test_what_sts_may_say),
		TEST(test_web_identity),
		TEST(test_sso_token),
		TEST(test_sso_renews_its_token),
		TEST(test_login),
		TEST(test_container),
		TEST(test_imds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
