/* SPDX-License-Identifier: MIT */
/* fs/known, offline: what is remembered of an account, for whom, and when it is used. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "account_cache.h"
#include "cleanup.h"
#include "offline.h"
#include "profile.h"

static char folder[64], path[128];

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/ebsfs-known-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/state/known-0", folder);
	return 0;
}

static int tear_down(void **state)
{
	char name[160];

	(void)state;
	unlink(path);
	snprintf(name, sizeof(name), "%s/config", folder);
	unlink(name);
	snprintf(name, sizeof(name), "%s/state", folder);
	rmdir(name);
	return rmdir(folder);
}

static char eu[] = "eu-west-1", us[] = "us-east-1";
static char *const two[] = {eu, us, NULL};

static void test_comes_back(void **state)
{
	struct account_cache k;
	struct err err;

	(void)state;
	assert_int_equal(account_cache_read(path, &k, &err), -ENOENT);
	assert_int_equal(account_cache_write(path, "123456789012", two, &err), 0);
	assert_int_equal(account_cache_read(path, &k, &err), 0);
	assert_string_equal(k.account, "123456789012");
	assert_string_equal(k.regions[0], "eu-west-1");
	assert_string_equal(k.regions[1], "us-east-1");
	assert_null(k.regions[2]);
	account_cache_finish(&k);
	assert_int_equal(account_cache_write(path, "210987654321", NULL, &err), 0);
	assert_int_equal(account_cache_read(path, &k, &err), 0);
	assert_string_equal(k.account, "210987654321");
	assert_null(k.regions);
	account_cache_finish(&k);
}

static void spill(const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static void test_damaged_is_none(void **state)
{
	static const char whole[] =
		"ebsfs-known 1\naccount: 123456789012\nregions: eu-west-1 us-east-1\nend\n";
	static const char *const bad[] = {"", "ebsfs-known 2\naccount: 123456789012\nend\n",
		"ebsfs-known 1\nend\n", "ebsfs-known 1\naccount: 12345678901x\nend\n",
		"ebsfs-known 1\naccount: 1234567890123\nend\n",
		"ebsfs-known 1\naccount: 123456789012\nregions: ../../etc\nend\n",
		"ebsfs-known 1\naccount: 123456789012\nregions: \nend\n",
		"ebsfs-known 1\naccount: 123456789012\nwhat: else\nend\n"};
	struct account_cache k;
	struct err err;

	(void)state;
	assert_int_equal(account_cache_write(path, "123456789012", two, &err), 0);
	/* Without its last newline it is whole. */
	for (size_t i = 0; i + 2 < sizeof(whole); i++) {
		spill(whole, i);
		assert_int_equal(account_cache_read(path, &k, &err), -EBADMSG);
		account_cache_finish(&k);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		spill(bad[i], strlen(bad[i]));
		assert_int_equal(account_cache_read(path, &k, &err), -EBADMSG);
		account_cache_finish(&k);
	}
}

/* The file's name for a configuration. */
static char *name_of(const char *config, const char *profile, const char *explicit, const char *url)
{
	struct options o = {.state_dir = folder, .profile = (char *)explicit};
	struct endpoint_config endpoints = {.endpoint_url = url, .profile = profile};
	struct profiles *profiles;
	char file[160], *name;
	struct err err;
	FILE *out;

	snprintf(file, sizeof(file), "%s/config", folder);
	out = fopen(file, "w");
	fputs(config, out);
	fclose(out);
	setenv("AWS_CONFIG_FILE", file, 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
	assert_int_equal(profiles_load(&profiles, &err), 0);
	endpoints.profiles = profiles;
	name = account_cache_path(&o, &endpoints, &err);
	profiles_destroy(profiles);
	assert_non_null(name);
	return name;
}

#define CONFIG                                                                                     \
	"[default]\naws_access_key_id = AKIA1\naws_secret_access_key = s\n"                        \
	"[profile b]\nrole_arn = arn:r\nsource_profile = default\n"
#define OTHER_KEY                                                                                  \
	"[default]\naws_access_key_id = AKIA2\naws_secret_access_key = s\n"                        \
	"[profile b]\nrole_arn = arn:r\nsource_profile = default\n"
#define OTHER_SECRET                                                                               \
	"[default]\naws_access_key_id = AKIA1\naws_secret_access_key = t\n"                        \
	"[profile b]\nrole_arn = arn:r\nsource_profile = default\n"

static void test_one_file_for_each_who(void **state)
{
	_cleanup_free_ char *a = NULL, *same = NULL, *key = NULL, *secret = NULL, *url = NULL,
			    *role = NULL, *role_key = NULL, *env = NULL, *named = NULL;

	(void)state;
	unsetenv("AWS_ACCESS_KEY_ID");
	a = name_of(CONFIG, "default", NULL, "http://a");
	same = name_of(CONFIG, "default", NULL, "http://a");
	key = name_of(OTHER_KEY, "default", NULL, "http://a");
	secret = name_of(OTHER_SECRET, "default", NULL, "http://a");
	url = name_of(CONFIG, "default", NULL, "http://b");
	role = name_of(CONFIG, "b", "b", "http://a");
	role_key = name_of(OTHER_KEY, "b", "b", "http://a");
	setenv("AWS_ACCESS_KEY_ID", "AKIA3", 1);
	env = name_of(CONFIG, "default", NULL, "http://a");
	named = name_of(CONFIG, "default", "default", "http://a");
	unsetenv("AWS_ACCESS_KEY_ID");
	assert_string_equal(a, same);
	assert_string_equal(a, secret);
	assert_string_not_equal(a, key);
	assert_string_not_equal(a, url);
	assert_string_not_equal(a, role);
	assert_string_not_equal(role, role_key); /* whose role it is to take */
	assert_string_not_equal(a, env);
	assert_string_equal(a, named); /* the environment's keys are not used then */
}

static void test_what_counts_as_unreachable(void **state)
{
	static const struct {
		struct err err;
		bool cause;
	} rows[] = {
		{{.errnum = EHOSTUNREACH, .retryable = true}, true}, /* no address, refused */
		{{.errnum = ETIMEDOUT, .retryable = true}, true},
		{{.errnum = ETIMEDOUT}, true},
		{{.errnum = EHOSTUNREACH}, false}, /* a certificate that is not trusted */
		{{.errnum = EIO, .retryable = true}, false},
		{{.errnum = EACCES}, false}, /* no credentials */
		{{.errnum = EACCES, .code = "AuthFailure", .http_status = 401}, false},
		{{.errnum = ETIMEDOUT, .http_status = 504, .retryable = true}, false},
		{{.errnum = EAGAIN, .code = "RequestLimitExceeded", .http_status = 503}, false},
		{{.errnum = EINVAL}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(offline_is_cause(&rows[i].err), rows[i].cause);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_file_for_each_who, set_up, tear_down),
		cmocka_unit_test(test_what_counts_as_unreachable),
	};

	return cmocka_run_group_tests_name("known", tests, NULL, NULL);
}
