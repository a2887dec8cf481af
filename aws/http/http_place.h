/* SPDX-License-Identifier: MIT */
/* Where a host is, as far as it matters for what may be sent there: to places that no wire or
 * proxy leads to, TLS is not needed. Pure. */
#ifndef EBSFS_HTTP_PLACE_H
#define EBSFS_HTTP_PLACE_H

enum http_place {
	HTTP_ELSEWHERE,
	HTTP_THIS_MACHINE, /* loopback: 127.0.0.0/8, ::1, "localhost" and names below it */
	HTTP_INSTANCE,     /* EC2's instance metadata: 169.254.169.254, fd00:ec2::254 */
	HTTP_CONTAINER, /* the agents of ECS and EKS: 169.254.170.2, 169.254.170.23, fd00:ec2::23 */
};

/* host in lower case, an IPv6 address without brackets, as url_split() gives it. A name that would
 * be found to be one of these addresses is elsewhere. */
enum http_place http_place_of(const char *host);
/* The same for a URL's host. What is no http URL is elsewhere. */
enum http_place http_place_of_url(const char *url);

#endif
