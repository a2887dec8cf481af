/* SPDX-License-Identifier: MIT */
/* Parses URLs, and classifies their hosts. */
#include "url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "cleanup.h"
#include "num.h"

/* Returns whether host has the form of a name or a dotted address: labels of letters, digits and
 * '-' (not at either end of a label), separated by dots. A final dot is permitted. */
static bool is_host_name(const char *host)
{
	for (;;) {
		size_t len = strcspn(host, ".");

		if (len == 0 || len > 63 || host[0] == '-' || host[len - 1] == '-')
			return false;
		for (size_t i = 0; i < len; i++) {
			if (!isalnum((unsigned char)host[i]) && host[i] != '-')
				return false;
		}
		if (!host[len] || !host[len + 1])
			return true;
		host += len + 1;
	}
}

static bool is_ipv6(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET6, host, &address) == 1;
}

/* Copies the host at *s and moves *s to the character after it. */
static int take_host(const char **s, struct url_parts *out)
{
	bool brackets = **s == '[';
	const char *from = *s + brackets;
	size_t len = strcspn(from, brackets ? "]" : ":/?");

	if (len == 0 || len >= sizeof(out->host) || (brackets && from[len] != ']'))
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		out->host[i] = (char)tolower((unsigned char)from[i]);
	out->host[len] = '\0';
	*s = from + len + brackets;
	return (brackets ? is_ipv6(out->host) : is_host_name(out->host)) ? 0 : -EINVAL;
}

int url_split(const char *url, struct url_parts *out)
{
	const char *s = url;

	for (; *s; s++) {
		if (*s <= ' ' || *s > '~' || *s == '#' || *s == '\\')
			return -EINVAL;
	}
	out->https = strncasecmp(url, "https://", 8) == 0;
	if (!out->https && strncasecmp(url, "http://", 7) != 0)
		return -EINVAL;
	s = url + (out->https ? 8 : 7);
	if (take_host(&s, out) < 0)
		return -EINVAL; /* refuses "user:password@" too, which is neither host nor port */
	if (*s == ':') {
		size_t len = strspn(s + 1, "0123456789");
		uint64_t port;

		if (num_parse_u64(s + 1, len, 1, 65535, &port) < 0)
			return -EINVAL;
		s += 1 + len;
	}
	if (*s && *s != '/' && *s != '?')
		return -EINVAL;
	out->path = s;
	return 0;
}

char *url_authority(const char *url)
{
	const char *from = strstr(url, "://") + 3;
	const char *own_port = strncasecmp(url, "https", 5) == 0 ? ":443" : ":80";
	size_t len = strcspn(from, "/?"), port = strlen(own_port);

	if (len > port && strncmp(from + len - port, own_port, port) == 0)
		len -= port;
	return strndup(from, len);
}

bool url_host_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static const struct {
	const char *address;
	enum url_host kind;
} metadata_hosts[] = {
	{"169.254.169.254", URL_HOST_INSTANCE},
	{"fd00:ec2::254", URL_HOST_INSTANCE},
	{"169.254.170.2", URL_HOST_CONTAINER},
	{"169.254.170.23", URL_HOST_CONTAINER},
	{"fd00:ec2::23", URL_HOST_CONTAINER},
};

/* Compares two addresses in binary form, because an IPv6 address has many spellings. */
static bool same_address(const char *a, const char *b)
{
	struct in6_addr a6, b6;

	if (!strcmp(a, b))
		return true;
	return inet_pton(AF_INET6, a, &a6) == 1 && inet_pton(AF_INET6, b, &b6) == 1 &&
	       !memcmp(&a6, &b6, sizeof(a6));
}

/* Returns whether curl connects the name to loopback without a lookup (RFC 6761, 6.3). */
static bool is_localhost(const char *host)
{
	static const char below[] = ".localhost";
	size_t len = strlen(host), n = sizeof(below) - 1;

	return !strcmp(host, below + 1) || (len > n && !strcmp(host + len - n, below));
}

enum url_host url_host_of(const char *host)
{
	if (url_host_is_loopback(host) || is_localhost(host))
		return URL_HOST_LOCAL;
	for (size_t i = 0; i < ARRAY_LEN(metadata_hosts); i++)
		if (same_address(host, metadata_hosts[i].address))
			return metadata_hosts[i].kind;
	return URL_HOST_REMOTE;
}

enum url_host url_host_in(const char *url)
{
	struct url_parts parts;

	return url_split(url, &parts) == 0 ? url_host_of(parts.host) : URL_HOST_REMOTE;
}
