/* SPDX-License-Identifier: MIT */
/* credentials, credential_resolver, credential_static: the choice of the source, and the cache of
 * its keys. */
#include "fake_world.h"

#include "credential_source.h"
#include "isotime.h"

static void test_a_triple_is_counted(void **state)
{
	struct credentials *c = credentials_create("AKID", "secret", NULL, 0, "a test");

	(void)state;
	assert_ptr_equal(credentials_ref(c), c);
	credentials_unref(c);
	assert_string_equal(c->access_key, "AKID");
	assert_string_equal(c->source, "a test");
	assert_null(c->session_token);
	credentials_unref(c);
	credentials_unref(NULL);
}

static void test_dates(void **state)
{
	static const struct {
		const char *text;
		const char *utc; /* NULL: refused */
	} table[] = {{"2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"},
		{"2026-01-02T03:04:05", "2026-01-02T03:04:05Z"},
		{"2026-01-02T03:04:05UTC", "2026-01-02T03:04:05Z"},
		{"2026-01-02 03:04:05GMT", "2026-01-02T03:04:05Z"},
		{"2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05Z"},
		{"2026-01-02T03:04:05+02:30", "2026-01-02T00:34:05Z"},
		{"2026-01-02T03:04:05-0230", "2026-01-02T05:34:05Z"},
		{"2026-01-02T03:04:05+02", "2026-01-02T01:04:05Z"},
		{"2026-01-02T03:04:05.123456+00:00", "2026-01-02T03:04:05Z"},
		{"2026-01-02T03:04:05.5Z", "2026-01-02T03:04:05Z"}, {"", NULL},
		{"2026-01-02", NULL}, {"2026-01-02T03:04:05 MEZ", NULL},
		{"2026-01-02T03:04:05+1", NULL}, {"2026-01-02T03:04:05+02:", NULL},
		{"2026-13-02T03:04:05Z", NULL}, {"1767323045", NULL},
		{"2026-01-02T03:04:05.000000000000000000000000000000000Z", NULL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char text[ISOTIME_SIZE];
		int64_t ms;

		print_message("%s\n", table[i].text);
		assert_int_equal(credential_date(table[i].text, &ms), table[i].utc ? 0 : -EINVAL);
		if (table[i].utc)
			assert_string_equal(isotime_format(ms, text), table[i].utc);
	}
}

#define ENV_KEYS "AWS_ACCESS_KEY_ID=ENV\nAWS_SECRET_ACCESS_KEY=s\n"

/* Sources that need neither a request nor a process: which one is it, or what is wrong? */
static void test_the_order_of_sources(void **state)
{
	static const struct {
		const char *config;
		const char *credentials;
		const char *environment;
		const char *profile;
		const char *key;    /* NULL: an error with… */
		const char *reason; /* … this in it; else the session token or NULL */
	} table[] = {
		/* the environment */
		{"", "", ENV_KEYS, NULL, "ENV", NULL},
		{"", "", ENV_KEYS "AWS_SESSION_TOKEN=t\n", NULL, "ENV", "t"},
		{"", "", ENV_KEYS "AWS_SESSION_TOKEN=t\nAWS_SECURITY_TOKEN=old\n", NULL, "ENV",
			"old"},
		{"", "", "AWS_ACCESS_KEY_ID=ENV\n", NULL, NULL, "no AWS_SECRET_ACCESS_KEY"},
		{"", "[default]\naws_access_key_id=A\naws_secret_access_key=s\n",
			"AWS_ACCESS_KEY_ID=ENV\n", NULL, NULL, "no AWS_SECRET_ACCESS_KEY"},
		{"", "[default]\naws_access_key_id=A\naws_secret_access_key=s\n",
			"AWS_SECRET_ACCESS_KEY=s\n", NULL, "A", NULL},
		{"", "[default]\naws_access_key_id=A\naws_secret_access_key=s\n", ENV_KEYS, NULL,
			"ENV", NULL},
		{"", "[p]\naws_access_key_id=A\naws_secret_access_key=s\n",
			ENV_KEYS "AWS_PROFILE=p\n", NULL, "ENV", NULL},
		{"", "[p]\naws_access_key_id=A\naws_secret_access_key=s\n", ENV_KEYS, "p", "A",
			NULL},
		{"", "", ENV_KEYS "AWS_CREDENTIAL_EXPIRATION=2026-01-02T04:04:05Z\n", NULL, "ENV",
			NULL},
		{"", "", ENV_KEYS "AWS_CREDENTIAL_EXPIRATION=2026-01-02T03:04:05Z\n", NULL, NULL,
			"already expired"},
		{"", "", ENV_KEYS "AWS_CREDENTIAL_EXPIRATION=tomorrow\n", NULL, NULL,
			"AWS_CREDENTIAL_EXPIRATION"},
		{"", "", "AWS_ACCESS_KEY_ID=E V\nAWS_SECRET_ACCESS_KEY=s\n", NULL, NULL,
			"characters that no key has"},
		{"", "", "AWS_ACCESS_KEY_ID=E \nAWS_SECRET_ACCESS_KEY=s\n", NULL, NULL,
			"no key has (white space at an end?)"},
		/* the two files */
		{"[default]\naws_access_key_id=C\naws_secret_access_key=s\n", "", "", NULL, "C",
			NULL},
		{"[default]\naws_access_key_id=C\naws_secret_access_key=s\n",
			"[default]\naws_access_key_id=A\naws_secret_access_key=s\naws_session_"
			"token=t\n",
			"", NULL, "A", "t"},
		{"[default]\naws_access_key_id=C\naws_secret_access_key=s\naws_session_token="
		 "t\naws_security_token=old\n",
			"", "", NULL, "C", "old"},
		{"[default]\naws_secret_access_key=s\n", "[default]\naws_access_key_id=A\n", "",
			NULL, NULL, "no aws_secret_access_key"},
		{"[profile p]\naws_access_key_id=C\naws_secret_access_key=s\n", "",
			"AWS_PROFILE=p\n", NULL, "C", NULL},
		{"[profile p]\naws_access_key_id=C\naws_secret_access_key=s\n", "",
			"AWS_DEFAULT_PROFILE=p\nAWS_PROFILE=q\n", NULL, "C", NULL},
		{"", "[p]\naws_access_key_id=A\naws_secret_access_key=s\n", "", "absent", NULL,
			"no AWS profile absent"},
		{"", "", ENV_KEYS "AWS_PROFILE=absent\n", NULL, NULL, "no AWS profile absent"},
		/* older tools' files */
		{"", "", "AWS_CREDENTIAL_FILE=~/ec2\n", NULL, "EC2", NULL},
		{"", "[default]\naws_access_key_id=A\naws_secret_access_key=s\n",
			"AWS_CREDENTIAL_FILE=~/ec2\n", NULL, "A", NULL},
		{"", "", "AWS_CREDENTIAL_FILE=~/absent\n", NULL, NULL, "AWS_CREDENTIAL_FILE"},
		{"", "", "BOTO_CONFIG=~/botocfg\n", NULL, "BOTO", NULL},
		/* none */
		{"", "", "AWS_EC2_METADATA_DISABLED=true\n", NULL, NULL,
			"no AWS credentials in the environment or"},
		{"[profile p]\n", "", ENV_KEYS "AWS_EC2_METADATA_DISABLED=true\n", "p", NULL,
			"no AWS credentials in profile p"},
		/* chains of roles that never get as far as a request */
		{"[default]\nrole_arn=r\n", "", "", NULL, NULL,
			"neither source_profile nor credential_source"},
		{"[default]\nrole_arn=r\nsource_profile=a\ncredential_source=Environment\n", "", "",
			NULL, NULL, "both source_profile and credential_source"},
		{"[default]\nrole_arn=r\nsource_profile=a\n", "", "", NULL, NULL,
			"source_profile a does not exist"},
		{"[default]\nrole_arn=r\nsource_profile=a\n[profile a]\n", "", "", NULL, NULL,
			"has no credentials"},
		{"[default]\nrole_arn=r\nsource_profile=default\n", "", "", NULL, NULL,
			"circle: default -> default"},
		{"[default]\nrole_arn=r\nsource_profile=a\n[profile "
		 "a]\nrole_arn=r\nsource_profile=b\n"
		 "[profile b]\nrole_arn=r\nsource_profile=a\n",
			"", "", NULL, NULL, "circle: default -> a -> b -> a"},
		{"[default]\nrole_arn=r\ncredential_source=Environment\n", "", "", NULL, NULL,
			"credential_source Environment has no credentials"},
		{"[default]\nrole_arn=r\ncredential_source=environment\n", "", "", NULL, NULL,
			"must be Environment"},
		{"[default]\nrole_arn=r\nsource_profile=a\nmfa_serial=m\n[profile a]\n", "", "",
			NULL, NULL, "aws configure export-credentials --profile default"},
		{"[default]\nrole_arn=r\nsource_profile=a\nduration_seconds=60\n",
			"[a]\naws_access_key_id=A\n"
			"aws_secret_access_key=s\n",
			"", NULL, NULL, "between 900 and 43200"},
		{"[default]\nrole_arn=r\nsource_profile=a\nmfa_serial=m\n[profile a]\n", "",
			ENV_KEYS, NULL, "ENV", NULL},
		/* other sources that are set up wrongly */
		{"[default]\nweb_identity_token_file=/x\n", "", "", NULL, NULL,
			"neither AWS_ROLE_ARN nor role_arn"},
		{"[default]\nsso_role_name=r\n", "", "", NULL, NULL, "has no sso_account_id"},
		{"[default]\nsso_role_name=r\nsso_session=s\n", "", "", NULL, NULL,
			"[sso-session s], which does not exist"},
		{"[default]\nsso_role_name=r\nsso_account_id=1\nsso_session=s\nsso_region=a\nsso_"
		 "start_url=u\n"
		 "[sso-session s]\nsso_region=b\nsso_start_url=u\n",
			"", "", NULL, NULL, "disagree about sso_region"},
		{"[default]\ncredential_process='open\n", "", "", NULL, NULL,
			"a quote or backslash is left open"},
		{"[default]\ncredential_process=\n", "", "", NULL, NULL,
			"credential_process is empty"},
		{"", "", "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://evil.example/\n", NULL, NULL,
			"http only goes to"},
		{"", "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=@evil.example/\n", NULL, NULL,
			"not a URL"},
		{"", "", "AWS_METADATA_SERVICE_TIMEOUT=x\n", NULL, NULL,
			"metadata_service_timeout must be"},
		{"[default]\nec2_metadata_service_endpoint_mode=ipv5\n", "", "", NULL, NULL,
			"must be ipv4 or ipv6"},
	};

	(void)state;
	write_file("ec2", "# old\nAWSAccessKeyId = EC2\r\nAWSSecretKey=s\n");
	write_file(
		"botocfg", "[Credentials]\naws_access_key_id = BOTO\naws_secret_access_key = s\n");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct got got;

		print_message("%zu\n", i);
		write_file("credentials", table[i].credentials);
		got = fetch_once(table[i].config, table[i].environment, table[i].profile, NULL);
		if (table[i].key) {
			assert_non_null(got.credentials);
			assert_string_equal(got.credentials->access_key, table[i].key);
			assert_string_equal(got.credentials->secret_key, "s");
			if (table[i].reason)
				assert_string_equal(
					got.credentials->session_token, table[i].reason);
			else
				assert_null(got.credentials->session_token);
		} else {
			assert_null(got.credentials);
			assert_true(got.err.errnum == EINVAL || got.err.errnum == EACCES ||
				    got.err.errnum == ENOENT);
			print_message("%s\n", got.err.message);
			assert_non_null(strstr(got.err.message, table[i].reason));
		}
		forget(&got);
	}
}

/* From here on the source is a container's endpoint: one request, one triple. */

#define KEYS(key, expires)                                                                         \
	"{\"AccessKeyId\":\"" key                                                                  \
	"\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"" expires "\"}"
#define CONTAINER "AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/\n"
#define GET       "GET http://127.0.0.1/"

static struct credentials_chain *container_chain(const struct exchange *script)
{
	struct credentials_chain *chain = NULL;
	struct err err = {0};

	set_environment(CONTAINER);
	world_script = script;
	assert_int_equal(open_chain(NULL, &chain, &err), 0);
	return chain;
}

static void assert_key(struct got got, const char *key)
{
	assert_non_null(got.credentials);
	assert_string_equal(got.credentials->access_key, key);
	forget(&got);
}

static void test_all_who_wait_share_one_fetch(void **state)
{
	static const struct exchange script[] = {
		ANSWER(GET, 200, KEYS("ONE", "2026-01-02T04:04:05Z")), END};
	struct credentials_chain *chain = container_chain(script);
	struct got got[100] = {0};
	struct credentials_waiter *cancelled;

	(void)state;
	for (size_t i = 0; i < 50; i++)
		assert_non_null(credentials_get(chain, got_it, &got[i]));
	cancelled = credentials_get(chain, got_it, &got[99]);
	pass(5); /* the request is on its way */
	for (size_t i = 50; i < 99; i++)
		assert_non_null(credentials_get(chain, got_it, &got[i]));
	credentials_cancel(cancelled);
	pass(100);
	for (size_t i = 0; i < 99; i++) {
		assert_int_equal(got[i].calls, 1);
		assert_ptr_equal(got[i].credentials, got[0].credentials);
	}
	assert_int_equal(got[99].calls, 0);
	for (size_t i = 0; i < 99; i++)
		forget(&got[i]);
	pass(44 * MINUTE);
	assert_key(ask_chain(chain), "ONE");
	assert_int_equal(world_asked, 1);
	close_chain(chain);
}

static void test_renewal_behind_the_scenes_and_before_the_answer(void **state)
{
	static const struct exchange script[] = {
		ANSWER(GET, 200, KEYS("ONE", "2026-01-02T04:04:05Z")),
		ANSWER(GET, 200, KEYS("TWO", "2026-01-02T05:04:05Z")),
		ANSWER(GET, 200, KEYS("THREE", "2026-01-02T06:04:05Z")), END};
	struct credentials_chain *chain = container_chain(script);

	(void)state;
	assert_key(ask_chain(chain), "ONE");
	virtual_ms = 45 * MINUTE - 1000;
	assert_key(ask_chain(chain), "ONE");
	assert_int_equal(world_asked, 1);
	/* Fifteen minutes before the end: the old ones at once, and a request. */
	virtual_ms = 45 * MINUTE;
	assert_key(ask_chain(chain), "ONE");
	assert_int_equal(world_asked, 2);
	pass(100);
	assert_key(ask_chain(chain), "TWO");
	/* Ten minutes before the end: the new ones. */
	virtual_ms = 110 * MINUTE;
	assert_key(ask_chain(chain), "THREE");
	assert_int_equal(world_asked, 3);
	close_chain(chain);
}

static void test_a_failure_is_a_warning_while_keys_last(void **state)
{
	static const struct exchange script[] = {
		ANSWER(GET, 200, KEYS("ONE", "2026-01-02T04:04:05Z")), ANSWER(GET, 500, NULL),
		ANSWER(GET, 500, NULL), ANSWER(GET, 500, NULL), FAILURE(GET, EHOSTUNREACH),
		ANSWER(GET, 500, NULL), ANSWER(GET, 500, NULL), ANSWER(GET, 500, NULL),
		ANSWER(GET, 500, NULL), ANSWER(GET, 500, NULL),
		ANSWER(GET, 200, KEYS("TWO", "2026-01-02T05:04:05Z")), END};
	struct credentials_chain *chain = container_chain(script);
	struct got got;

	(void)state;
	assert_key(ask_chain(chain), "ONE");
	virtual_ms = 46 * MINUTE;
	assert_key(ask_chain(chain), "ONE"); /* behind the scenes: three tries */
	pass(1000);
	assert_int_equal(world_asked, 4);
	assert_key(ask_chain(chain), "ONE");
	pass(1000);
	assert_int_equal(world_asked, 4); /* not again within a minute */
	virtual_ms = 51 * MINUTE;
	assert_key(ask_chain(chain), "ONE"); /* waits for three tries, in vain */
	assert_int_equal(world_asked, 7);
	virtual_ms = 60 * MINUTE; /* expired */
	got = ask_chain(chain);
	assert_null(got.credentials);
	assert_int_equal(got.err.errnum, EIO);
	assert_int_equal(world_asked, 10);
	got = ask_chain(chain); /* the same again, without a request, for a second */
	assert_int_equal(got.err.errnum, EIO);
	assert_int_equal(world_asked, 10);
	pass(2000);
	assert_key(ask_chain(chain), "TWO");
	close_chain(chain);
}

static void test_short_lives_have_short_windows(void **state)
{
	/* ten minutes */
	static const struct exchange script[] = {
		ANSWER(GET, 200, KEYS("ONE", "2026-01-02T03:14:05Z")),
		ANSWER(GET, 200, KEYS("TWO", "2026-01-02T04:04:05Z")), END};
	struct credentials_chain *chain = container_chain(script);

	(void)state;
	assert_key(ask_chain(chain), "ONE");
	virtual_ms = 5 * MINUTE - 1000;
	assert_key(ask_chain(chain), "ONE");
	assert_int_equal(world_asked, 1);
	virtual_ms = 6 * MINUTE;
	assert_key(ask_chain(chain), "ONE");
	assert_int_equal(world_asked, 2);
	pass(100);
	assert_key(ask_chain(chain), "TWO");
	close_chain(chain);
}

static void test_expire_sends_to_the_source_again(void **state)
{
	static const struct exchange script[] = {
		ANSWER(GET, 200, KEYS("ONE", "2026-01-02T04:04:05Z")),
		ANSWER(GET, 200, KEYS("TWO", "2026-01-02T05:04:05Z")),
		ANSWER(GET, 200, KEYS("THREE", "2026-01-02T06:04:05Z")), ANSWER(GET, 404, NULL),
		ANSWER(GET, 404, NULL), ANSWER(GET, 404, NULL), END};
	struct credentials_chain *chain = container_chain(script);

	(void)state;
	assert_key(ask_chain(chain), "ONE");
	credentials_expire(chain, "ONE"); /* too young to be believed */
	assert_key(ask_chain(chain), "ONE");
	pass(10000);
	credentials_expire(chain, "OTHER");
	assert_key(ask_chain(chain), "ONE");
	credentials_expire(chain, "ONE");
	assert_key(ask_chain(chain), "TWO");
	credentials_expire(chain, NULL);
	assert_key(ask_chain(chain), "THREE");
	credentials_expire(chain, NULL); /* in vain: what there is is kept */
	assert_key(ask_chain(chain), "THREE");
	assert_int_equal(world_asked, 6);
	assert_key(ask_chain(chain), "THREE");
	assert_int_equal(world_asked, 6);
	close_chain(chain);
}

static void test_every_fetch_reads_the_files_anew(void **state)
{
	struct credentials_chain *chain;
	struct err err = {0};
	struct got got;

	(void)state;
	write_file("credentials", "[default]\naws_access_key_id=OLD\naws_secret_access_key=s\n");
	assert_int_equal(open_chain(NULL, &chain, &err), 0);
	assert_key(ask_chain(chain), "OLD");
	write_file("credentials", "[default]\naws_access_key_id=NEW\naws_secret_access_key=s\n");
	assert_key(ask_chain(chain), "OLD");
	credentials_expire(chain, "OLD");
	assert_key(ask_chain(chain), "NEW");
	/* A file that somebody is in the middle of editing does no harm. */
	write_file("credentials", "[default\n");
	credentials_expire(chain, "NEW");
	assert_key(ask_chain(chain), "NEW");
	close_chain(chain);

	write_file("credentials", "");
	setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
	assert_int_equal(open_chain(NULL, &chain, &err), 0);
	got = ask_chain(chain);
	assert_int_equal(got.err.errnum, EACCES);
	write_file("credentials", "[default]\naws_access_key_id=NEW\naws_secret_access_key=s\n");
	pass(1000);
	assert_key(ask_chain(chain), "NEW");
	close_chain(chain);
}

/* Joins again from within its own call. */
struct again {
	struct credentials_chain *chain;
	int calls;
};

static void ask_again(void *arg, struct credentials *credentials, const struct err *err)
{
	struct again *again = arg;

	(void)err;
	credentials_unref(credentials);
	again->calls++;
	assert_non_null(credentials_get(again->chain, ask_again, again));
}

static void test_who_asks_again_is_not_answered_at_once(void **state)
{
	struct again again = {0};
	struct err err;

	(void)state;
	set_environment(ENV_KEYS);
	assert_int_equal(open_chain(NULL, &again.chain, &err), 0);
	credentials_get(again.chain, ask_again, &again);
	for (int i = 1; i <= 10; i++) {
		struct loop_timer *kick = virtual_timers;

		while (kick && kick->due < 0)
			kick = kick->next;
		assert_non_null(kick);
		kick->due = -1;
		kick->fn(kick->arg); /* one turn of the loop */
		assert_int_equal(again.calls, i);
	}
	close_chain(again.chain);
}

static void destroy_it(void *arg, struct credentials *credentials, const struct err *err)
{
	(void)err;
	credentials_unref(credentials);
	credentials_chain_destroy(arg);
}

static void test_a_chain_may_go_at_any_time(void **state)
{
	static const struct exchange script[] = {
		ANSWER(GET, 200, KEYS("ONE", "2026-01-02T04:04:05Z")), SILENCE(GET), END};
	struct credentials_chain *chain = container_chain(script);
	struct got before = {0}, after = {0};

	(void)state;
	credentials_get(chain, got_it, &before);
	credentials_get(chain, destroy_it, chain);
	credentials_get(chain, got_it, &after);
	pass(1000);
	assert_int_equal(before.calls, 1);
	assert_int_equal(after.calls, 0);
	assert_key(before, "ONE"); /* a reference outlives its chain */
	profiles_destroy(world_profiles);

	chain = container_chain(script);
	credentials_get(chain, got_it, &after);
	pass(1000);
	assert_int_equal(world_asked, 2);
	close_chain(chain); /* with a request in flight */
	assert_int_equal(after.calls, 0);

	/* Whoever has gone wants no request. */
	world_script = script;
	assert_int_equal(open_chain(NULL, &chain, &(struct err){0}), 0);
	credentials_cancel(credentials_get(chain, got_it, &after));
	pass(1000);
	assert_int_equal(world_asked, 2);
	close_chain(chain);
	close_chain(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_triple_is_counted),
		cmocka_unit_test(test_dates),
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(test_the_order_of_sources),
		TEST(test_all_who_wait_share_one_fetch),
		TEST(test_renewal_behind_the_scenes_and_before_the_answer),
		TEST(test_a_failure_is_a_warning_while_keys_last),
		TEST(test_short_lives_have_short_windows),
		TEST(test_expire_sends_to_the_source_again),
		TEST(test_every_fetch_reads_the_files_anew),
		TEST(test_who_asks_again_is_not_answered_at_once),
		TEST(test_a_chain_may_go_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
