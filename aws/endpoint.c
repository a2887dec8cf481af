/* SPDX-License-Identifier: MIT */
/* Endpoints. Partitions and suffixes are from botocore's partitions.json, hosts from its endpoint
 * rules. */
#include "endpoint.h"

#include <errno.h>
#include <string.h>

#include "profile.h"
#include "url.h"

struct partition {
	const char *name;
	const char *prefix; /* begins the names of its regions; a word and a number follow */
	const char *suffix;
	const char *dualstack_suffix;
	bool bare_fips; /* the plain hosts are the FIPS hosts, except for ebs */
};

/* Searched in this order. The last entry matches all other names, as in the SDKs. */
static const struct partition partitions[] = {
	{"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", false},
	{"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws", true},
	{"aws-eusc", "eusc-de-", "amazonaws.eu", "api.amazonwebservices.eu", false},
	{"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov", false},
	{"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud", false},
	{"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", false},
	{"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", false},
	{"aws", "", "amazonaws.com", "api.aws", false},
};

/* The names of each service: in the code, in hosts, in configuration files, in the environment. */
static const struct service {
	const char *name;
	const char *host;
	const char *key;
	const char *env;
} services[] = {
	{"ec2", "ec2", "ec2", "AWS_ENDPOINT_URL_EC2"},
	{"ebs", "ebs", "ebs", "AWS_ENDPOINT_URL_EBS"},
	{"sts", "sts", "sts", "AWS_ENDPOINT_URL_STS"},
	{"sso", "portal.sso", "sso", "AWS_ENDPOINT_URL_SSO"},
	{"sso-oidc", "oidc", "sso_oidc", "AWS_ENDPOINT_URL_SSO_OIDC"},
};

/* Returns whether s is a word and a number, "east-1", the rest of a region's name after its
 * partition's prefix. */
static bool is_word_and_number(const char *s)
{
	size_t word = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789");
	size_t digits = word && s[word] == '-' ? strspn(s + word + 1, "0123456789") : 0;

	return digits > 0 && !s[word + 1 + digits];
}

static const struct partition *endpoint_partition_of(const char *region)
{
	const struct partition *p = partitions;

	while (*p->prefix && (strncmp(region, p->prefix, strlen(p->prefix)) != 0 ||
				     !is_word_and_number(region + strlen(p->prefix))))
		p++;
	return p;
}

const char *endpoint_partition(const char *region)
{
	return endpoint_partition_of(region)->name;
}

static const struct service *endpoint_service_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		if (strcmp(services[i].name, name) == 0)
			return &services[i];
	}
	return NULL;
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Does not depend on the locale; strspn() would build a table for each text. */
static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

bool endpoint_is_region(const char *text)
{
	size_t len = 0;

	while (is_letter_or_digit(text[len]) || (text[len] && strchr("-_.", text[len])))
		len++;
	return len > 0 && len < ENDPOINT_REGION_SIZE && !text[len] && is_letter_or_digit(text[0]);
}

/* Returns whether Amazon's name servers may be asked about this region: the text can be part of a
 * host's name and ends in a number. */
static bool is_amazons_region(const char *text)
{
	size_t len = strspn(text, LOWER DIGITS "-");

	return endpoint_is_region(text) && !text[len] && strchr(DIGITS, text[len - 1]) &&
	       strspn(text, DIGITS) < len;
}

const char *endpoint_home_region(const struct profiles *profiles, const char *profile)
{
	const char *region = profile_env("AWS_REGION");

	if (!region)
		region = profiles_setting(profiles, "AWS_DEFAULT_REGION", profile, "region");
	return region && *region ? region : "us-east-1";
}

/* Finds the URL that the user configured, and writes the setting's name to `where`. Returns 1, 0 if
 * the user configured none, or -errno. */
static int endpoint_named_by_user(const struct endpoint_config *config,
	const struct service *service, const char **url, const char **where, struct err *err)
{
	const struct profiles *profiles = config->profiles;
	_cleanup_buf_ struct buf key = BUF_INIT;
	const char *section;

	*where = "endpoint_url";
	*url = config->endpoint_url;
	if (*url)
		return 1;
	if (profiles_switch(profiles, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", config->profile,
		    "ignore_configured_endpoint_urls"))
		return 0;
	*where = service->env;
	*url = profile_env(*where);
	if (*url)
		return 1;
	*where = "AWS_ENDPOINT_URL";
	*url = profile_env(*where);
	if (*url)
		return 1;
	section = profiles_get(profiles, config->profile, "services");
	if (section && !profiles_has_section(profiles, "services", section))
		return err_set(err, EINVAL,
			"profile %s names the section [services %s], which does not exist",
			config->profile, section);
	if (buf_printf(&key, "%s.endpoint_url", service->key) < 0)
		return err_set(err, ENOMEM, "out of memory");
	*where = "services section's endpoint_url";
	*url = section ? profiles_section(profiles, "services", section, key.data) : NULL;
	if (*url && **url)
		return 1;
	*where = "profile's endpoint_url";
	*url = profiles_get(profiles, config->profile, "endpoint_url");
	return *url && **url;
}

#define REGION_MARK "{region}"

static int endpoint_add_expanded(const char *url, const char *region, struct buf *out)
{
	for (const char *mark; (mark = strstr(url, REGION_MARK));
		url = mark + strlen(REGION_MARK)) {
		buf_add(out, url, (size_t)(mark - url));
		buf_puts(out, region);
	}
	return buf_puts(out, url);
}

/* Appends the URL that the user configured. */
static int endpoint_add_named(const struct endpoint_config *config, const char *url,
	const char *where, const char *region, struct buf *out, struct err *err)
{
	bool each = strstr(url, REGION_MARK) != NULL;
	size_t start = out->len;
	struct url_parts parts;
	int r = 0;

	if (each && !endpoint_is_region(region))
		return err_set(err, EINVAL, "\"%.40s\" is not the name of a region", region);
	if (endpoint_add_expanded(url, region, out) < 0)
		return err_set(err, ENOMEM, "out of memory");
	/* The message does not quote the URL: the URL may be refused because it contains a
	 * password. */
	if (url_split(out->data + start, &parts) < 0 || strchr(parts.path, '?'))
		r = err_set(err, EINVAL,
			"the %s is not a URL of the form http(s)://host[:port][/path]", where);
	else if (!each && config->only_region && strcmp(region, config->only_region))
		r = err_set(err, EINVAL,
			"the %s serves only the region %s; write {region} into it where the name "
			"of the region belongs",
			where, config->only_region);
	if (r < 0) {
		buf_resize(out, start);
		return r;
	}
	while (out->data[out->len - 1] == '/')
		buf_resize(out, out->len - 1);
	return 0;
}

bool endpoint_is_named(const struct endpoint_config *config, const char *service_name)
{
	const struct service *service = endpoint_service_of(service_name);
	const char *url, *where;
	struct err err;

	return !service || endpoint_named_by_user(config, service, &url, &where, &err) != 0;
}

int endpoint_url(const struct endpoint_config *config, const char *service_name, const char *region,
	struct buf *out, struct err *err)
{
	const struct service *service = endpoint_service_of(service_name);
	bool fips = profiles_switch(
		config->profiles, "AWS_USE_FIPS_ENDPOINT", config->profile, "use_fips_endpoint");
	bool dual = profiles_switch(config->profiles, "AWS_USE_DUALSTACK_ENDPOINT", config->profile,
		"use_dualstack_endpoint");
	const struct partition *partition;
	const char *url, *where;
	int r;

	if (!service)
		return err_set(
			err, EINVAL, "no endpoint is known for the service %s", service_name);
	r = endpoint_named_by_user(config, service, &url, &where, err);
	if (r < 0)
		return r;
	if (r > 0) {
		if (fips || dual)
			return err_set(err, EINVAL,
				"%s and use_%s_endpoint exclude each other; remove one of them",
				where, fips ? "fips" : "dualstack");
		return endpoint_add_named(config, url, where, region, out, err);
	}
	if (!is_amazons_region(region))
		return err_set(err, EINVAL, "\"%.40s\" is not the name of a region of AWS", region);
	if (strncmp(region, "fips-", 5) == 0)
		return err_set(err, EINVAL,
			"%s is not a region: name %s and set use_fips_endpoint = true", region,
			region + 5);
	partition = endpoint_partition_of(region);
	if (dual)
		return buf_printf(out, "https://%s%s.%s.%s", service->host, fips ? "-fips" : "",
			region, partition->dualstack_suffix);
	if (fips && partition->bare_fips && strcmp(service->name, "ebs") != 0)
		fips = false;
	return buf_printf(out, "https://%s%s.%s.%s", service->host, fips ? "-fips" : "", region,
		partition->suffix);
}

int endpoint_find(const struct endpoint_config *config, const char *service, const char *region,
	struct endpoint *out, struct err *err)
{
	const char *start;
	size_t offset, len;
	int r;

	*out = (struct endpoint){0};
	r = endpoint_url(config, service, region, &out->url, err);
	if (r < 0)
		return r;
	start = strstr(buf_str(&out->url), "://");
	if (!start)
		return err_set(err, EINVAL, "no URL for %s in %s", service, region);
	offset = (size_t)(start + 3 - out->url.data);
	len = strcspn(out->url.data + offset, "/");
	if (!out->url.data[offset + len] && buf_putc(&out->url, '/') < 0)
		return err_set(err, ENOMEM, "out of memory");
	if (len >= sizeof(out->host))
		return err_set(err, EINVAL,
			"the host name of the endpoint for %s is too long; correct the region or "
			"the endpoint_url",
			service);
	memcpy(out->host, out->url.data + offset, len);
	out->path = out->url.data + offset + len;
	return 0;
}

int endpoint_add_path(struct endpoint *endpoint, const char *path, struct err *err)
{
	size_t offset = (size_t)(endpoint->path - endpoint->url.data);

	if (endpoint->url.data[endpoint->url.len - 1] == '/')
		path++;
	if (buf_puts(&endpoint->url, path) < 0)
		return err_set(err, ENOMEM, "out of memory");
	endpoint->path = endpoint->url.data + offset;
	return 0;
}

void endpoint_finish(struct endpoint *endpoint)
{
	buf_finish(&endpoint->url);
}

bool endpoint_is_shared(const struct endpoint_config *config, const char *service_name)
{
	const struct service *service = endpoint_service_of(service_name);
	const char *url, *where;
	struct err err;

	return service && endpoint_named_by_user(config, service, &url, &where, &err) > 0 &&
	       !strstr(url, REGION_MARK);
}

static bool ends_in(const char *host, const char *suffix)
{
	size_t len = strlen(host), n = strlen(suffix);

	return len > n && host[len - n - 1] == '.' && strcmp(host + len - n, suffix) == 0;
}

bool endpoint_is_amazons(const struct endpoint_config *config, const char *service_name)
{
	const struct service *service = endpoint_service_of(service_name);
	_cleanup_buf_ struct buf expanded = BUF_INIT;
	struct url_parts parts;
	const char *url, *where;
	struct err ignored;

	if (!service || endpoint_named_by_user(config, service, &url, &where, &ignored) <= 0)
		return service != NULL;
	/* Any region will do: the domain does not depend on it. */
	if (endpoint_add_expanded(url, "us-east-1", &expanded) < 0 ||
		url_split(expanded.data, &parts) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(partitions); i++)
		if (ends_in(parts.host, partitions[i].suffix) ||
			ends_in(parts.host, partitions[i].dualstack_suffix))
			return true;
	return false;
}
