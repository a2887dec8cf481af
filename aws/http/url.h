/* SPDX-License-Identifier: MIT */
/* The parts of an http URL, and the kind of host that it names: loopback and metadata addresses may
 * be asked without TLS. Pure. */
#ifndef EBSFS_URL_H
#define EBSFS_URL_H

#include <stdbool.h>
#include <stddef.h>

struct url_parts {
	bool https;
	char host[256];   /* in lower case; an IPv6 address without its brackets */
	const char *path; /* after the host and port, within the URL itself: "", "/…", "?…" */
};

/* Returns 0, or -EINVAL unless url is a plain http or https URL. Refused: another scheme,
 * user:password@, white space, control or non-ASCII characters, a host that is neither a name nor
 * an address, a port that is not a number, a fragment. */
int url_split(const char *url, struct url_parts *out);

/* The value of the header Host for a URL that url_split() accepts: host and port, without the
 * scheme's default port. Freed by the caller; NULL on ENOMEM. */
char *url_authority(const char *url);

/* Whether the host is 127.0.0.0/8 or ::1. A name ("localhost") is not. */
bool url_host_is_loopback(const char *host);

enum url_host {
	URL_HOST_REMOTE,
	URL_HOST_LOCAL,     /* loopback: 127.0.0.0/8, ::1, "localhost" and names below it */
	URL_HOST_INSTANCE,  /* EC2's instance metadata: 169.254.169.254, fd00:ec2::254 */
	URL_HOST_CONTAINER, /* the agents of ECS and EKS: 169.254.170.2 and .23, fd00:ec2::23 */
};

/* The kind of a host as url_split() returns it. Names are not looked up: a name that resolves to
 * one of these addresses is remote. */
enum url_host url_host_of(const char *host);
/* The kind of a URL's host. Anything that url_split() refuses is remote. */
enum url_host url_host_in(const char *url);

#endif
