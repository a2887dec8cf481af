/* SPDX-License-Identifier: MIT */
/* Hosts that are at hand. */
#include "http_place.h"

#include <arpa/inet.h>
#include <string.h>

#include "cleanup.h"
#include "url.h"

static const struct {
	const char *address;
	enum http_place place;
} known[] = {
	{"169.254.169.254", HTTP_INSTANCE},
	{"fd00:ec2::254", HTTP_INSTANCE},
	{"169.254.170.2", HTTP_CONTAINER},
	{"169.254.170.23", HTTP_CONTAINER},
	{"fd00:ec2::23", HTTP_CONTAINER},
};

/* An IPv6 address has many spellings. */
static int same_address(const char *a, const char *b)
{
	struct in6_addr a6, b6;

	if (!strcmp(a, b))
		return 1;
	return inet_pton(AF_INET6, a, &a6) == 1 && inet_pton(AF_INET6, b, &b6) == 1 &&
	       !memcmp(&a6, &b6, sizeof(a6));
}

/* curl connects these to loopback without looking them up (RFC 6761, 6.3). */
static int is_localhost(const char *host)
{
	static const char below[] = ".localhost";
	size_t len = strlen(host), n = sizeof(below) - 1;

	return !strcmp(host, below + 1) || (len > n && !strcmp(host + len - n, below));
}

enum http_place http_place_of(const char *host)
{
	if (url_host_is_loopback(host) || is_localhost(host))
		return HTTP_THIS_MACHINE;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (same_address(host, known[i].address))
			return known[i].place;
	return HTTP_ELSEWHERE;
}

enum http_place http_place_of_url(const char *url)
{
	struct url_parts parts;

	return url_split(url, &parts) == 0 ? http_place_of(parts.host) : HTTP_ELSEWHERE;
}
