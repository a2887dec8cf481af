/* SPDX-License-Identifier: MIT */
/* The parts of an http URL, and the kind of host that it names: requests to loopback and metadata
 * addresses need no TLS. Pure. */
#ifndef EBSFS_URL_H
#define EBSFS_URL_H

#include <stdbool.h>
#include <stddef.h>

struct url_parts {
	bool https;
	char host[256];   /* in lower case; an IPv6 address without its brackets */
	const char *path; /* after the host and port, within the URL itself: "", "/…", "?…" */
};

/* Divides a URL into its parts. Returns 0, or -EINVAL unless url is a plain http or https URL.
 * Refuses another scheme, user:password@, white space, control or non-ASCII characters, a host that
 * is neither a name nor an address, a port that is not a number, a fragment. */
int url_split(const char *url, struct url_parts *out);

/* Returns the value of the Host header for a URL that url_split() accepts: host and port, without
 * the scheme's default port. The caller frees it; NULL on ENOMEM. */
char *url_authority(const char *url);

/* Returns whether the host is an address in 127.0.0.0/8 or ::1; for a name ("localhost") false. */
bool url_host_is_loopback(const char *host);

enum url_host {
	URL_HOST_REMOTE,
	URL_HOST_LOCAL,     /* loopback: 127.0.0.0/8, ::1, "localhost" and names below it */
	URL_HOST_INSTANCE,  /* EC2's instance metadata: 169.254.169.254, fd00:ec2::254 */
	URL_HOST_CONTAINER, /* the agents of ECS and EKS: 169.254.170.2 and .23, fd00:ec2::23 */
};

/* Returns the kind of a host from url_split(). Names are not looked up: a name that resolves to one
 * of these addresses counts as remote. */
enum url_host url_host_of(const char *host);
/* Returns the kind of a URL's host; remote if url_split() refuses the URL. */
enum url_host url_host_in(const char *url);

#endif
