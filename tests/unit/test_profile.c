/* SPDX-License-Identifier: MIT */
/* aws/profile*: the dialect of the AWS CLI's files, which value counts, what is refused and where.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "buf.h"
#include "profile.h"
#include "profile_parse.h"
#include "shell_split.h"
#include "url.h"

static char dir[64];
static char config_path[96], credentials_path[96];

static void write_file(const char *path, const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/ebsfs-profile.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(config_path, sizeof(config_path), "%s/config", dir);
	snprintf(credentials_path, sizeof(credentials_path), "%s/credentials", dir);
	assert_int_equal(setenv("AWS_CONFIG_FILE", config_path, 1), 0);
	assert_int_equal(setenv("AWS_SHARED_CREDENTIALS_FILE", credentials_path, 1), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(config_path);
	unlink(credentials_path);
	return rmdir(dir);
}

static struct profiles *load(const char *config, const char *credentials)
{
	struct profiles *p = NULL;
	struct err err = {0};

	write_file(config_path, config, strlen(config));
	write_file(credentials_path, credentials, strlen(credentials));
	if (profiles_load(&p, &err) < 0)
		fail_msg("%s", err.message);
	return p;
}

static void assert_value(const char *value, const char *expected)
{
	if (expected)
		assert_non_null(value);
	if (expected)
		assert_string_equal(value, expected);
	else
		assert_null(value);
}

static void test_the_dialect(void **state)
{
	static const struct {
		const char *config;
		const char *profile;
		const char *key;
		const char *value;
	} table[] = {
		{"[default]\nregion = eu-west-1\n", "default", "region", "eu-west-1"},
		{"[default]\nregion=eu-west-1", "default", "region", "eu-west-1"},
		{"[default]\r\nregion = eu-west-1\r\n", "default", "region", "eu-west-1"},
		{"\xef\xbb\xbf[default]\nregion = a\n", "default", "region", "a"},
		{"[default]\nREGION: a\n", "default", "region", "a"},
		{"[default]\n  region = a\n  output = b\n", "default", "output", "b"},
		{"# c\n; c\n[default] # c\n  # c\nregion = a # not a comment\n", "default",
			"region", "a # not a comment"},
		{"[default]\nkey = a=b:c\n", "default", "key", "a=b:c"},
		{"[default]\nkey =\n", "default", "key", ""},
		{"[default]\nkey =\n\n  \nother = b\n", "default", "key", ""},
		/* line ends and white space, as Python has them */
		{"[default]\rregion = a\r\routput = b\r", "default", "output", "b"},
		{"[default]\r\rregion = a\r\n\r", "default", "region", "a"},
		{"[default]\nregion\xc2\xa0=\xe3\x80\x80"
		 "a\xc2\xa0\n",
			"default", "region", "a"},
		{"[default]\nregion = a\n\xe2\x80\xa8\n\xc2\x85\x1c\noutput = b", "default",
			"output", "b"},
		{"[default]\n\xc2\xa0\xc2\xa0region = a\n  output = b\n", "default", "output", "b"},
		{"[default]\n\xe3\x80\x80region = a\n  b\n", "default", "region", "a\nb"},
		{"[default]\nregion = a\xe2\x80\x8b\n", "default", "region", "a\xe2\x80\x8b"},
		{"[default]\nregion = \xa0"
		 "a\xc2\n",
			"default", "region",
			"\xa0"
			"a\xc2"},
		{"\xc2\xa0[default]\xc2\xa0\n\xc2\xa0# c\nregion = a\n", "default", "region", "a"},
		/* sections */
		{"[profile dr]\nregion = a\n", "dr", "region", "a"},
		{"[profile \"d r\"]\nregion = a\n", "d r", "region", "a"},
		{"[profile 'd r']\nregion = a\n", "d r", "region", "a"},
		{"[profile d\\ r]\nregion = a\n", "d r", "region", "a"},
		{"[profile a b]\nregion = a\n", "a", "region", NULL},
		{"[profile 'open]\nregion = a\n", "open", "region", NULL},
		{"[dr]\nregion = a\n", "dr", "region", NULL},
		{"[profile x]\nregion = a\n[profile \"x\"]\noutput = b\n", "x", "region", NULL},
		{"[default]\nregion = a\n[profile default]\nregion = b\n", "default", "region",
			"b"},
		{"[DEFAULT]\nregion = a\n[profile dr]\noutput = b\n", "dr", "region", "a"},
		{"[DEFAULT]\nregion = a\n[profile dr]\nregion = b\n", "dr", "region", "b"},
		{"[DEFAULT]\nregion = a\n", "default", "region", NULL},
		/* folded values and nested blocks */
		{"[default]\ncommand = a\n  b\n\n  # c\n  c\nregion = d\n", "default", "command",
			"a\nb\n\nc"},
		{"[default]\ncommand = a\n  b\n\n\n[profile x]\n", "default", "command", "a\nb"},
		{"[default]\ns3 =\n  Style = path\n  other = x = y\nregion = a\n", "default",
			"s3.Style", "path"},
		{"[default]\ns3 =\n  Style = path\n  other = x = y\nregion = a\n", "default",
			"s3.other", "x = y"},
		{"[default]\ns3 =\n  a = b\nregion = a\n", "default", "region", "a"},
		{"[default]\ns3 =\n  a = b\nregion = a\n", "default", "s3", NULL},
		{"[default]\ns3 =\n  a = b\nregion = a\n", "default", "s3.style", NULL},
		{"[default]\ns3 =\n  a = b\n  a = c\n", "default", "s3.a", "c"},
		{"[default]\n a = b\n   c = d\n", "default", "a", "b\nc = d"},
		{"[default]\na = b\n c\n", "default", "a", "b\nc"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct profiles *p = load(table[i].config, "");

		print_message("%zu\n", i);
		assert_value(profiles_get(p, table[i].profile, table[i].key), table[i].value);
		profiles_destroy(p);
	}
}

static void test_errors_name_file_and_line(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *where;
		const char *reason;
	} table[] = {
		{"region = a\n", 0, ":1: ", "before the first"},
		{"\n\n[default\n", 0, ":3: ", "before the first"},
		{"[default]\nregion\n", 0, ":2: ", "neither a [section]"},
		{"[default]\n\n# x\n = secret\n", 0, ":4: ", "without a name"},
		{"[default]\na = 1\nA = 2\n", 0, ":3: ", "option was there before"},
		{"[default]\n[x]\n[default]\n", 0, ":3: ", "the section default was there before"},
		{"[default]\ns3 =\n  a = b\n  secret\n", 0, ":4: ", "nested line"},
		{"[]\n", 0, ":1: ", "before the first"},
		{"[default]\na = secret\0x\n", 23, ":2: ", "NUL"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const char *paths[] = {config_path, credentials_path};

		for (size_t f = 0; f < ARRAY_LEN(paths); f++) {
			struct profiles *p = NULL;
			struct err err = {0};

			print_message("%zu\n", i);
			write_file(config_path, "", 0);
			write_file(credentials_path, "", 0);
			write_file(paths[f], table[i].text,
				table[i].len ? table[i].len : strlen(table[i].text));
			assert_int_equal(profiles_load(&p, &err), -EINVAL);
			assert_int_equal(strncmp(err.message, paths[f], strlen(paths[f])), 0);
			assert_int_equal(strncmp(err.message + strlen(paths[f]), table[i].where,
						 strlen(table[i].where)),
				0);
			assert_non_null(strstr(err.message, table[i].reason));
			assert_null(strstr(err.message, "secret"));
			assert_null(p);
		}
	}
}

static void test_bounds(void **state)
{
	struct err err = {0};
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct profiles *p = NULL;

	(void)state;
	write_file(credentials_path, "", 0);
	buf_puts(&text, "[default]\n");
	for (int i = 0; i < PROFILE_OPTIONS_MAX; i++)
		buf_printf(&text, "k%d = v\n", i);
	write_file(config_path, text.data, text.len);
	assert_int_equal(profiles_load(&p, &err), 0);
	assert_value(profiles_get(p, "default", "k999"), "v");
	profiles_destroy(p);
	buf_puts(&text, "more = v\n");
	write_file(config_path, text.data, text.len);
	assert_int_equal(profiles_load(&p, &err), -EINVAL);
	assert_non_null(strstr(err.message, "config:1002: too many options"));

	buf_clear(&text);
	for (int i = 0; i <= PROFILE_SECTIONS_MAX; i++)
		buf_printf(&text, "[profile p%d]\n", i);
	write_file(config_path, text.data, text.len);
	assert_int_equal(profiles_load(&p, &err), -EINVAL);
	assert_non_null(strstr(err.message, "config:50001: too many sections"));

	buf_clear(&text);
	buf_resize(&text, PROFILE_FILE_MAX + 1);
	write_file(config_path, text.data, text.len);
	assert_int_equal(profiles_load(&p, &err), -EFBIG);
}

static void test_two_files_are_one(void **state)
{
	struct profiles *p = load("[default]\nregion = config\noutput = config\n"
				  "[profile only-config]\nregion = a\n"
				  "[sso-session corp]\nsso_region = us-east-1\n"
				  "[services local]\nec2 =\n  endpoint_url = http://127.0.0.1:1\n",
		"[default]\nregion = credentials\naws_access_key_id = AKID\n"
		"[only-credentials]\naws_access_key_id = B\n"
		"[profile odd]\naws_access_key_id = C\n");

	(void)state;
	assert_value(profiles_get(p, "default", "region"), "credentials");
	assert_value(profiles_get(p, "default", "output"), "config");
	assert_value(profiles_get_from(p, PROFILES_CONFIG, "default", "region"), "config");
	assert_value(profiles_get_from(p, PROFILES_CREDENTIALS, "default", "output"), NULL);
	assert_value(profiles_get_from(p, PROFILES_CONFIG, "default", "aws_access_key_id"), NULL);
	assert_true(profiles_has(p, "only-config"));
	assert_true(profiles_has(p, "only-credentials"));
	assert_true(profiles_has(p, "profile odd"));
	assert_false(profiles_has(p, "odd"));
	assert_false(profiles_has(p, "corp"));
	assert_value(profiles_section(p, "sso-session", "corp", "sso_region"), "us-east-1");
	assert_value(profiles_section(p, "sso-session", "corp", "region"), NULL);
	assert_value(profiles_section(p, "sso-session", "other", "sso_region"), NULL);
	assert_value(
		profiles_section(p, "services", "local", "ec2.endpoint_url"), "http://127.0.0.1:1");
	assert_true(profiles_has_section(p, "services", "local"));
	assert_false(profiles_has_section(p, "services", "remote"));
	profiles_destroy(p);
}

static void test_files_that_are_not_there(void **state)
{
	struct profiles *p = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(profiles_load(&p, &err), 0);
	assert_false(profiles_has(p, "default"));
	profiles_destroy(p);
	setenv("AWS_CONFIG_FILE", dir, 1); /* a directory is no file */
	setenv("AWS_SHARED_CREDENTIALS_FILE", "", 1);
	assert_int_equal(profiles_load(&p, &err), 0);
	profiles_destroy(p);
	/* It says that it is empty, and is not: as a file that grows while it is read. */
	setenv("AWS_CONFIG_FILE", "/proc/self/status", 1);
	assert_int_equal(profiles_load(&p, &err), -EAGAIN);
	if (geteuid() == 0)
		return;
	write_file(config_path, "", 0);
	chmod(config_path, 0);
	setenv("AWS_CONFIG_FILE", config_path, 1);
	assert_int_equal(profiles_load(&p, &err), -EACCES);
	assert_non_null(strstr(err.message, config_path));
}

static void test_the_profile_in_force(void **state)
{
	struct profiles *p = load("", "");

	(void)state;
	unsetenv("AWS_PROFILE");
	unsetenv("AWS_DEFAULT_PROFILE");
	assert_string_equal(profiles_selected(p, NULL), "default");
	setenv("AWS_PROFILE", "a", 1);
	assert_string_equal(profiles_selected(p, NULL), "a");
	setenv("AWS_DEFAULT_PROFILE", "b", 1);
	assert_string_equal(profiles_selected(p, NULL), "b");
	assert_string_equal(profiles_selected(p, "c"), "c");
	setenv("AWS_DEFAULT_PROFILE", "", 1);
	setenv("AWS_PROFILE", "", 1);
	assert_string_equal(profiles_selected(p, NULL), "default");
	unsetenv("AWS_PROFILE");
	unsetenv("AWS_DEFAULT_PROFILE");
	profiles_destroy(p);
}

static void test_settings_of_environment_and_profile(void **state)
{
	struct profiles *p = load("[default]\nx = config\ny = TRUE\nz = yes\n", "");

	(void)state;
	unsetenv("EBSFS_TEST");
	assert_value(profiles_setting(p, "EBSFS_TEST", "default", "x"), "config");
	assert_true(profiles_switch(p, "EBSFS_TEST", "default", "y"));
	assert_false(profiles_switch(p, "EBSFS_TEST", "default", "z"));
	assert_false(profiles_switch(p, "EBSFS_TEST", "default", "none"));
	setenv("EBSFS_TEST", "false", 1);
	assert_value(profiles_setting(p, "EBSFS_TEST", "default", "x"), "false");
	assert_false(profiles_switch(p, "EBSFS_TEST", "default", "y"));
	setenv("EBSFS_TEST", "", 1);
	assert_value(profiles_setting(p, "EBSFS_TEST", "default", "x"), "config");
	unsetenv("EBSFS_TEST");
	profiles_destroy(p);
}

static void test_paths(void **state)
{
	static const struct {
		const char *path;
		const char *expanded;
	} table[] = {{"/a/b", "/a/b"}, {"~/x", "/home/h/x"}, {"~", "/home/h"}, {"a~", "a~"},
		{"$EBSFS_V/x", "value/x"}, {"${EBSFS_V}x", "valuex"},
		{"$EBSFS_NONE/x", "$EBSFS_NONE/x"}, {"$", "$"}, {"${EBSFS_V", "${EBSFS_V"},
		{"", ""}, {"$EBSFS_HOME/x", "/home/h/x"},
		{"~no-such-user-here/x", "~no-such-user-here/x"}};
	char *old = strdup(getenv("HOME") ? getenv("HOME") : "/");

	(void)state;
	setenv("HOME", "/home/h", 1);
	setenv("EBSFS_V", "value", 1);
	setenv("EBSFS_HOME", "~", 1);
	unsetenv("EBSFS_NONE");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		_cleanup_free_ char *path = profile_path_expand(table[i].path);

		assert_string_equal(path, table[i].expanded);
	}
	setenv("HOME", "/", 1);
	_cleanup_free_ char *root = profile_path("EBSFS_NONE", "~/.aws/config");

	assert_string_equal(root, "/.aws/config");
	setenv("HOME", old, 1);
	free(old);
}

static void test_words(void **state)
{
	static const struct {
		const char *text;
		int n;
		const char *words[4];
	} table[] = {{"", 0, {0}}, {"  ", 0, {0}}, {"a b\tc", 3, {"a", "b", "c"}},
		{"a\nb", 2, {"a", "b"}}, {"'a b' c", 2, {"a b", "c"}}, {"\"a b\"c", 1, {"a bc"}},
		{"a'b'\"c\"", 1, {"abc"}}, {"a\\ b", 1, {"a b"}}, {"'a\\b'", 1, {"a\\b"}},
		{"\"a\\\"b\\\\c\\d\"", 1, {"a\"b\\c\\d"}}, {"'' \"\"", 2, {"", ""}},
		{"a#b #c", 2, {"a#b", "#c"}}, {"$HOME `x` *", 3, {"$HOME", "`x`", "*"}},
		{"'a", -EINVAL, {0}}, {"\"a", -EINVAL, {0}}, {"a\\", -EINVAL, {0}},
		{"a b c d", -E2BIG, {0}}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		_cleanup_free_ char **words = NULL;
		int n = shell_split(table[i].text, 3, &words);

		print_message("%s\n", table[i].text);
		assert_int_equal(n, table[i].n);
		for (int w = 0; w < n; w++)
			assert_string_equal(words[w], table[i].words[w]);
		if (n >= 0)
			assert_null(words[n]);
	}
}

static void test_urls(void **state)
{
	static const struct {
		const char *url;
		const char *host; /* NULL: refused */
		bool https;
		const char *path;
		bool loopback;
	} table[] = {{"http://127.0.0.1:8080/x?y", "127.0.0.1", false, "/x?y", true},
		{"https://ec2.us-east-1.amazonaws.com", "ec2.us-east-1.amazonaws.com", true, "",
			false},
		{"HTTP://LocalHost/", "localhost", false, "/", false},
		{"http://[::1]:80", "::1", false, "", true},
		{"http://[fd00:ec2::23]/", "fd00:ec2::23", false, "/", false},
		{"http://127.1.2.3?x", "127.1.2.3", false, "?x", true},
		{"http://h./", "h.", false, "/", false}, {"ftp://host/", NULL, 0, 0, 0},
		{"host", NULL, 0, 0, 0}, {"http://", NULL, 0, 0, 0}, {"http:///x", NULL, 0, 0, 0},
		{"http://127.0.0.1@evil/", NULL, 0, 0, 0}, {"http://u:p@host/", NULL, 0, 0, 0},
		{"http://ho st/", NULL, 0, 0, 0}, {"http://host\r\nX: y/", NULL, 0, 0, 0},
		{"http://host:x/", NULL, 0, 0, 0}, {"http://host:/", NULL, 0, 0, 0},
		{"http://host:65536/", NULL, 0, 0, 0}, {"http://[::1/", NULL, 0, 0, 0},
		{"http://[host]/", NULL, 0, 0, 0}, {"http://[::1]x/", NULL, 0, 0, 0},
		{"http://-a/", NULL, 0, 0, 0}, {"http://a..b/", NULL, 0, 0, 0},
		{"http://a_b/", NULL, 0, 0, 0}, {"http://host/#f", NULL, 0, 0, 0},
		{"http://host\\@evil/", NULL, 0, 0, 0}, {"http://h\xc3\xb6st/", NULL, 0, 0, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		struct url_parts parts;
		int r = url_split(table[i].url, &parts);

		print_message("%s\n", table[i].url);
		assert_int_equal(r, table[i].host ? 0 : -EINVAL);
		if (r < 0)
			continue;
		assert_string_equal(parts.host, table[i].host);
		assert_string_equal(parts.path, table[i].path);
		assert_int_equal(parts.https, table[i].https);
		assert_int_equal(url_host_is_loopback(parts.host), table[i].loopback);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_dialect, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors_name_file_and_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_files_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_that_are_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_profile_in_force, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_settings_of_environment_and_profile, setup, teardown),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
