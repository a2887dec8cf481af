/* SPDX-License-Identifier: MIT */
/* The account's keys: found as every AWS tool finds them, cached, shared by all requests, renewed
 * before they expire. */
#ifndef EBSFS_CREDENTIALS_H
#define EBSFS_CREDENTIALS_H

#include <uv.h>

#include "credential.h"

struct http;
struct profiles;

/* The cache for one profile. The configuration decides which source the keys come from
 * (credential_resolver.h). */
struct credentials_chain;

/* profile: NULL unless the user named one with `-o profile=`. profiles, http and loop are borrowed
 * and must outlive the chain. Requests to STS and SSO go to the endpoints that the environment and
 * the profile name, never to that of `-o endpoint_url=`, which is EC2's. Fetches nothing yet.
 * Returns 0 or -errno with *err (no such profile, half a key pair, a loop of roles, …). */
int credentials_chain_create(uv_loop_t *loop, struct http *http, const struct profiles *profiles,
	const char *profile, struct credentials_chain **out, struct err *err);
/* Drops waiters without a call. Permitted from within a waiter's callback. NULL is permitted. */
void credentials_chain_destroy(struct credentials_chain *chain);
DEFINE_CLEANUP(struct credentials_chain *, credentials_chain_destroy)

/* Calls done exactly once, never before this returns: with a reference that done drops by
 * credentials_unref(), or with NULL and *err (EACCES: none found, or refused; EINVAL: wrong
 * configuration; ETIMEDOUT, EHOSTUNREACH, EAGAIN, EIO: the source cannot be reached; err->retryable
 * where a later try may succeed, as with an instance's metadata at boot).
 *
 * All waiters share one fetch. Keys are renewed in the background from 15 minutes before they
 * expire, and before done is called from 10 minutes (sooner in proportion for keys with a life
 * under an hour). As long as keys last, a source that fails is only a warning in the log. Every
 * fetch reads the configuration files again.
 *
 * Returns a handle for credentials_cancel(), valid until done is called; NULL on ENOMEM (done is
 * not called). */
struct credentials_waiter;
typedef void credentials_done(void *arg, struct credentials *credentials, const struct err *err);
struct credentials_waiter *credentials_get(
	struct credentials_chain *chain, credentials_done *done, void *arg);
void credentials_cancel(struct credentials_waiter *waiter);

/* Marks the cached keys stale, so that the next credentials_get() fetches. access_key: the key that
 * AWS called expired or unknown; ignored unless it is the cached one, and for keys that were
 * fetched over the network less than 10 s ago (a region that is not enabled calls every key
 * unknown). NULL: unconditionally (SIGHUP). */
void credentials_expire(struct credentials_chain *chain, const char *access_key);

#endif
