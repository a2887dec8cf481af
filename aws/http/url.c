/* SPDX-License-Identifier: MIT */
/* Division of URLs. */
#include "url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "num.h"

/* Labels of letters, digits and '-' (not at an end), as in names and dotted addresses; one dot may
 * end it. */
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

/* Copies the host at *s and moves behind it. */
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
		return -EINVAL; /* "user:password@" is no host and no port either */
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
