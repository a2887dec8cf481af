/* SPDX-License-Identifier: MIT */
/* AWS signatures on the service's side: parses a request's signature and verifies it against a
 * secret. */
#ifndef EBSFS_SIM_AUTH_H
#define EBSFS_SIM_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

struct sim_header {
	const char *name; /* in any case */
	const char *value;
};

/* A request as received; every pointer is borrowed. */
struct sim_auth_request {
	const char *method;
	const char *path;  /* not decoded */
	const char *query; /* not decoded, without its '?'; "" if none */
	const struct sim_header *headers;
	size_t n_headers;
	const char *body;
	size_t body_len;
};

/* Returns the value of the first header with this name, NULL if absent. */
const char *sim_auth_header(const struct sim_auth_request *r, const char *name);

/* The claims of a request's signature, unverified before sim_auth_matches(). */
struct sim_auth {
	bool in_query; /* a presigned URL */
	bool is_v2;    /* Signature Version 2: then no date, service or signed_headers */
	char access_key[129];
	char date[9]; /* of the credential scope */
	char region[65];
	char service[33];
	char stamp[33]; /* "20260102T030405Z"; of Version 2 "2026-01-02T03:04:05Z" */
	int64_t stamp_ms;
	int64_t expires_s; /* of a presigned URL */
	char signed_headers[2048];
	char signature[65];
	char *token; /* of temporary keys; NULL if none */
};

/* Fills *a; the caller frees it by sim_auth_finish() whatever the result. Returns 0, -ENOENT (no
 * signature), -EINVAL (a malformed signature; *why is set to a message) or -ENOMEM. */
int sim_auth_parse(const struct sim_auth_request *r, struct sim_auth *a, const char **why);
void sim_auth_finish(struct sim_auth *a);

/* Whether the request was signed with this secret, and the signature covers the host and every
 * x-amz- header. */
bool sim_auth_matches(
	const struct sim_auth *a, const struct sim_auth_request *r, const char *secret);

/* --- sim_auth_v2.c: Signature Version 2, by HmacSHA256, in the request's parameters --- */

/* Whether the request claims a signature of Version 2. */
bool sim_auth_v2_claimed(const struct sim_auth_request *r);
/* Like sim_auth_parse() and sim_auth_matches(), for a request with a signature of Version 2; host:
 * its Host header, NULL if absent. a->region is the region that the host names, else us-east-1;
 * a->service stays empty. */
int sim_auth_v2_parse(
	const struct sim_auth_request *r, const char *host, struct sim_auth *a, const char **why);
bool sim_auth_v2_matches(const struct sim_auth *a, const struct sim_auth_request *r,
	const char *host, const char *secret);

#endif
