/* SPDX-License-Identifier: MIT */
/* aws/endpoint: partitions, FIPS and dual-stack, who may name another endpoint, in which order. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "endpoint.h"
#include "profile.h"

static char dir[64];
static char config_path[96];

static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
	"AWS_ENDPOINT_URL_EC2", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_SSO_OIDC",
	"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT",
	"AWS_USE_DUALSTACK_ENDPOINT"};

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/ebsfs-endpoint.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(config_path, sizeof(config_path), "%s/config", dir);
	setenv("AWS_CONFIG_FILE", config_path, 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "", 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(config_path);
	return rmdir(dir);
}

/* Sets "A=b C=d" as the environment, of all variables that matter here. */
static void set_environment(const char *text)
{
	char copy[512], *next = NULL;

	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		unsetenv(variables[i]);
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " ", &next); word; word = strtok_r(NULL, " ", &next)) {
		char *value = strchr(word, '=');

		*value = '\0';
		setenv(word, value + 1, 1);
	}
}

static struct profiles *load(const char *config)
{
	FILE *f = fopen(config_path, "w");
	struct profiles *p = NULL;
	struct err err = {0};

	assert_non_null(f);
	assert_true(fputs(config, f) >= 0);
	assert_int_equal(fclose(f), 0);
	if (profiles_load(&p, &err) < 0)
		fail_msg("%s", err.message);
	return p;
}

static void test_hosts(void **state)
{
	static const struct {
		const char *service;
		const char *region;
		const char *environment;
		const char *url;
	} table[] = {
		{"ec2", "us-east-1", "", "https://ec2.us-east-1.amazonaws.com"},
		{"sts", "eu-central-2", "", "https://sts.eu-central-2.amazonaws.com"},
		{"ebs", "mx-central-1", "", "https://ebs.mx-central-1.amazonaws.com"},
		{"sso", "eu-west-1", "", "https://portal.sso.eu-west-1.amazonaws.com"},
		{"sso-oidc", "eu-west-1", "", "https://oidc.eu-west-1.amazonaws.com"},
		{"ec2", "cn-north-1", "", "https://ec2.cn-north-1.amazonaws.com.cn"},
		{"ec2", "us-gov-west-1", "", "https://ec2.us-gov-west-1.amazonaws.com"},
		{"ec2", "eusc-de-east-1", "", "https://ec2.eusc-de-east-1.amazonaws.eu"},
		{"ec2", "us-iso-east-1", "", "https://ec2.us-iso-east-1.c2s.ic.gov"},
		{"ec2", "us-isob-east-1", "", "https://ec2.us-isob-east-1.sc2s.sgov.gov"},
		{"ec2", "eu-isoe-west-1", "", "https://ec2.eu-isoe-west-1.cloud.adc-e.uk"},
		{"ec2", "us-isof-south-1", "", "https://ec2.us-isof-south-1.csp.hci.ic.gov"},
		{"ec2", "moon-north-1", "", "https://ec2.moon-north-1.amazonaws.com"},
		/* the number makes it a region of that partition */
		{"ec2", "cn-north-x1", "", "https://ec2.cn-north-x1.amazonaws.com"},
		{"ec2", "us-east-1", "AWS_USE_FIPS_ENDPOINT=true",
			"https://ec2-fips.us-east-1.amazonaws.com"},
		{"sso", "us-east-1", "AWS_USE_FIPS_ENDPOINT=true",
			"https://portal.sso-fips.us-east-1.amazonaws.com"},
		{"ec2", "us-gov-east-1", "AWS_USE_FIPS_ENDPOINT=true",
			"https://ec2.us-gov-east-1.amazonaws.com"},
		{"sts", "us-gov-east-1", "AWS_USE_FIPS_ENDPOINT=true",
			"https://sts.us-gov-east-1.amazonaws.com"},
		{"ebs", "us-gov-east-1", "AWS_USE_FIPS_ENDPOINT=true",
			"https://ebs-fips.us-gov-east-1.amazonaws.com"},
		{"ec2", "us-east-1", "AWS_USE_DUALSTACK_ENDPOINT=TRUE",
			"https://ec2.us-east-1.api.aws"},
		{"ec2", "cn-north-1", "AWS_USE_DUALSTACK_ENDPOINT=true",
			"https://ec2.cn-north-1.api.amazonwebservices.com.cn"},
		{"ec2", "us-gov-west-1",
			"AWS_USE_DUALSTACK_ENDPOINT=true AWS_USE_FIPS_ENDPOINT=true",
			"https://ec2-fips.us-gov-west-1.api.aws"},
		{"ec2", "us-east-1", "AWS_USE_FIPS_ENDPOINT=yes",
			"https://ec2.us-east-1.amazonaws.com"},
	};
	struct profiles *p = load("[default]\n");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct endpoint_config config = {.profiles = p, .profile = "default"};
		_cleanup_buf_ struct buf out = BUF_INIT;
		struct err err = {0};

		set_environment(table[i].environment);
		assert_int_equal(
			endpoint_url(&config, table[i].service, table[i].region, &out, &err), 0);
		assert_string_equal(buf_str(&out), table[i].url);
	}
	profiles_destroy(p);
}

static void test_the_order_of_who_names_an_endpoint(void **state)
{
	static const char text[] = "[default]\nservices = s\nendpoint_url = http://profile\n"
				   "[profile plain]\nendpoint_url = http://profile/\n"
				   "[profile ignoring]\nendpoint_url = http://profile\n"
				   "ignore_configured_endpoint_urls = true\n"
				   "[services s]\nec2 =\n  endpoint_url = http://services\n"
				   "sso_oidc =\n  endpoint_url = http://services-oidc\n";
	static const struct {
		const char *option;
		const char *profile;
		const char *environment;
		const char *service;
		const char *url;
	} table[] = {
		{"http://option//", "default",
			"AWS_ENDPOINT_URL_EC2=http://a AWS_ENDPOINT_URL=http://b", "ec2",
			"http://option"},
		{NULL, "default", "AWS_ENDPOINT_URL_EC2=http://a AWS_ENDPOINT_URL=http://b", "ec2",
			"http://a"},
		{NULL, "default", "AWS_ENDPOINT_URL_EC2=http://a AWS_ENDPOINT_URL=http://b", "sts",
			"http://b"},
		{NULL, "default", "AWS_ENDPOINT_URL_EC2=", "ec2", "http://services"},
		{NULL, "default", "AWS_ENDPOINT_URL_SSO_OIDC=http://o", "sso-oidc", "http://o"},
		{NULL, "default", "", "sso-oidc", "http://services-oidc"},
		{NULL, "default", "", "sts", "http://profile"},
		{NULL, "plain", "", "ec2", "http://profile"},
		{NULL, "none", "", "ec2", "https://ec2.us-east-1.amazonaws.com"},
		{NULL, "ignoring", "", "ec2", "https://ec2.us-east-1.amazonaws.com"},
		{NULL, "default",
			"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true AWS_ENDPOINT_URL=http://b", "ec2",
			"https://ec2.us-east-1.amazonaws.com"},
		{"http://option", "default", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "ec2",
			"http://option"},
		{NULL, "ignoring", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false", "ec2",
			"http://profile"},
		{"https://[::1]:8443/services/compute", "default", "", "ec2",
			"https://[::1]:8443/services/compute"},
		{"http://{region}.cloud.example:8773/{region}/", "default", "", "ec2",
			"http://us-east-1.cloud.example:8773/us-east-1"},
		{NULL, "default", "AWS_ENDPOINT_URL=http://{region}.b", "sts",
			"http://us-east-1.b"},
	};
	struct profiles *p = load(text);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct endpoint_config config = {.endpoint_url = table[i].option,
			.profiles = p,
			.profile = table[i].profile};
		_cleanup_buf_ struct buf out = BUF_INIT;
		struct err err = {0};

		print_message("%zu\n", i);
		set_environment(table[i].environment);
		assert_int_equal(
			endpoint_url(&config, table[i].service, "us-east-1", &out, &err), 0);
		assert_string_equal(buf_str(&out), table[i].url);
	}
	profiles_destroy(p);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *option;
		const char *environment;
		const char *service;
		const char *region;
		const char *config;
		const char *message;
	} table[] = {
		{"http://h", "AWS_USE_FIPS_ENDPOINT=true", "ec2", "us-east-1", "",
			"use_fips_endpoint"},
		{"http://h", "AWS_USE_DUALSTACK_ENDPOINT=true", "ec2", "us-east-1", "",
			"use_dualstack_endpoint"},
		{NULL, "AWS_ENDPOINT_URL=http://user:secret@h", "ec2", "us-east-1", "",
			"AWS_ENDPOINT_URL is not a URL"},
		{"ec2.amazonaws.com", "", "ec2", "us-east-1", "", "endpoint_url is not a URL"},
		{"http://h/?x=y", "", "ec2", "us-east-1", "", "is not a URL"},
		{NULL, "", "ec2", "us-east-1", "services = absent\n", "[services absent]"},
		{NULL, "", "ec2", "evil.com/x1", "", "not the name of a region"},
		{NULL, "", "ec2", "", "", "not the name of a region"},
		{NULL, "", "ec2", "fips-us-east-1", "", "use_fips_endpoint"},
		{NULL, "", "s3", "us-east-1", "", "s3"},
		{"http://h", "", "ec2", "us-east-1", "", "serves only the region eu-west-1"},
		{"http://{region}.h", "", "ec2", "evil.com/x1", "", "not the name of a region"},
		{"http://{zone}.h", "", "ec2", "us-east-1", "", "endpoint_url is not a URL"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char text[128];
		struct err err = {0};
		_cleanup_buf_ struct buf out = BUF_INIT;

		print_message("%zu\n", i);
		snprintf(text, sizeof(text), "[default]\n%s", table[i].config);
		struct profiles *p = load(text);
		const struct endpoint_config config = {.endpoint_url = table[i].option,
			.profiles = p,
			.profile = "default",
			.only_region = "eu-west-1"};

		set_environment(table[i].environment);
		assert_int_equal(
			endpoint_url(&config, table[i].service, table[i].region, &out, &err),
			-EINVAL);
		assert_non_null(strstr(err.message, table[i].message));
		assert_null(strstr(err.message, "secret"));
		assert_int_equal(out.len, 0);
		profiles_destroy(p);
	}
}

static void test_one_region(void **state)
{
	static const struct {
		const char *option;
		const char *environment;
		bool shared;
	} table[] = {
		{"http://h", "", true},
		{"http://{region}.h", "", false},
		{NULL, "AWS_ENDPOINT_URL=http://h", true},
		{NULL, "AWS_ENDPOINT_URL=http://h/{region}", false},
		{NULL, "", false},
	};
	struct profiles *p = load("[default]\n");
	struct endpoint_config config = {.endpoint_url = "http://h",
		.profiles = p,
		.profile = "default",
		.only_region = "eu-west-1"};
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct err err = {0};

	(void)state;
	set_environment("");
	assert_int_equal(endpoint_url(&config, "ec2", "eu-west-1", &out, &err), 0);
	assert_string_equal(buf_str(&out), "http://h");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		set_environment(table[i].environment);
		config.endpoint_url = table[i].option;
		assert_int_equal(endpoint_is_shared(&config, "ec2"), table[i].shared);
	}
	profiles_destroy(p);
}

static void test_the_form_of_a_region(void **state)
{
	static const char *const good[] = {"us-east-1", "ap-southeast-7", "us-isob-west-1",
		"eusc-de-east-1", "x1", "RegionOne", "eucalyptus", "snow", "ru-msk", "us_east_1",
		"az-1.region-a.geo-1", "12",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-1"};
	static const char *const bad[] = {"", ".", "..", ".x", "us-east-1/", "a/b", "us east-1",
		"-x-1", "_x", "a:b", "a,b", "a\nb", "caf\xc3\xa9", "a%b", "{region}", "a@b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(endpoint_is_region(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(endpoint_is_region(bad[i]));
}

static void test_the_home_region(void **state)
{
	struct profiles *p = load("[default]\nregion = eu-west-1\n[profile none]\n");

	(void)state;
	set_environment("");
	assert_string_equal(endpoint_home_region(p, "default"), "eu-west-1");
	assert_string_equal(endpoint_home_region(p, "none"), "us-east-1");
	set_environment("AWS_DEFAULT_REGION=eu-west-2");
	assert_string_equal(endpoint_home_region(p, "default"), "eu-west-2");
	set_environment("AWS_DEFAULT_REGION=eu-west-2 AWS_REGION=eu-west-3");
	assert_string_equal(endpoint_home_region(p, "default"), "eu-west-3");
	set_environment("AWS_DEFAULT_REGION= AWS_REGION=");
	assert_string_equal(endpoint_home_region(p, "default"), "eu-west-1");
	profiles_destroy(p);
}

/* Whose endpoint it is decides whether EC2's request rates are known to hold there. */
static void test_whose_endpoint_it_is(void **state)
{
	static const struct {
		const char *url; /* NULL: none is named */
		bool amazons;
	} table[] = {
		{NULL, true},
		{"https://ec2.eu-west-1.amazonaws.com", true},
		{"https://vpce-0a-1b.ec2.us-east-1.vpce.amazonaws.com/", true},
		{"https://EC2.eu-west-1.api.AWS:443", true},
		{"https://ec2.{region}.amazonaws.com", true},
		{"https://{region}.example.org", false},
		{"https://ec2.cn-north-1.amazonaws.com.cn", true},
		{"http://127.0.0.1:4566", false},
		{"https://ec2.example.org", false},
		{"https://amazonaws.com.example.org", false},
		{"https://myamazonaws.com", false},
		{"nonsense", false},
	};
	struct profiles *p = load("[default]\n");

	(void)state;
	set_environment("");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct endpoint_config config = {
			.endpoint_url = table[i].url, .profiles = p, .profile = "default"};

		if (endpoint_is_amazons(&config, "ec2") != table[i].amazons)
			fail_msg("%s", table[i].url);
		assert_int_equal(endpoint_is_named(&config, "ec2"), table[i].url != NULL);
	}
	set_environment("AWS_ENDPOINT_URL_EC2=http://127.0.0.1:1");
	assert_true(endpoint_is_named(
		&(struct endpoint_config){.profiles = p, .profile = "default"}, "ec2"));
	assert_false(endpoint_is_named(
		&(struct endpoint_config){.profiles = p, .profile = "default"}, "sts"));
	assert_false(endpoint_is_amazons(
		&(struct endpoint_config){.profiles = p, .profile = "default"}, "ec2"));
	assert_true(endpoint_is_amazons(
		&(struct endpoint_config){.profiles = p, .profile = "default"}, "sts"));
	profiles_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_the_order_of_who_names_an_endpoint, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_region, setup, teardown),
		cmocka_unit_test(test_the_form_of_a_region),
		cmocka_unit_test_setup_teardown(test_the_home_region, setup, teardown),
		cmocka_unit_test_setup_teardown(test_whose_endpoint_it_is, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
