/* SPDX-License-Identifier: MIT */
/* The parts of an http URL, so that its host can be judged before anything is sent there. */
#ifndef EBSFS_URL_H
#define EBSFS_URL_H

#include <stdbool.h>
#include <stddef.h>

struct url_parts {
	bool https;
	char host[256];   /* in lower case; an IPv6 address without its brackets */
	const char *path; /* behind the host and port, in the URL itself: "", "/…", "?…" */
};

/* Returns 0, or -EINVAL for what is no plain http or https URL: another scheme, user:password@,
 * white space, control or non-ASCII characters, a host that is neither a name nor an address, a
 * port that is no number, a fragment. */
int url_split(const char *url, struct url_parts *out);

/* What stands for a URL, which url_split() has taken, in the header Host: host and port, without
 * the scheme's own port. Freed by the caller; NULL on ENOMEM. */
char *url_authority(const char *url);

/* Whether the host is 127.0.0.0/8 or ::1. A name ("localhost") is not. */
bool url_host_is_loopback(const char *host);

#endif
