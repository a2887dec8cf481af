/* SPDX-License-Identifier: MIT */
/* The account's keys: found in the same places as by every AWS tool, cached, shared by all
 * requests, renewed before they expire. */
#ifndef EBSFS_CREDENTIALS_H
#define EBSFS_CREDENTIALS_H

#include <uv.h>

#include "credential.h"

struct http;
struct profiles;

/* The cache of one profile's keys. credential_resolver.h chooses the source of the keys. */
struct credentials_chain;

/* Creates the cache. profile: NULL unless the user named one with `-o profile=`. profiles, http and
 * loop are borrowed and must outlive the chain. Requests to STS and SSO go to the endpoints that
 * the environment and the profile name, never to that of `-o endpoint_url=`, which is EC2's.
 * Fetches no keys yet. Returns 0 or -errno with *err (no such profile, half a key pair, a loop of
 * roles, …). */
int credentials_chain_create(uv_loop_t *loop, struct http *http, const struct profiles *profiles,
	const char *profile, struct credentials_chain **out, struct err *err);
/* Frees the cache and its waiters, whose callbacks are not called. Permitted within a waiter's
 * callback. NULL is permitted. */
void credentials_chain_destroy(struct credentials_chain *chain);
DEFINE_CLEANUP(struct credentials_chain *, credentials_chain_destroy)

/* Gets the keys. Calls done exactly once, never before this returns: with a reference, which done
 * drops by credentials_unref(), or with NULL and *err (EACCES: no keys found, or refused; EINVAL:
 * wrong configuration; ETIMEDOUT, EHOSTUNREACH, EAGAIN, EIO: the source cannot be reached).
 * err->retryable is set if a later try may succeed, as with an instance's metadata at boot.
 *
 * All waiters share one fetch. From 15 minutes before the keys expire they are renewed in the
 * background; from 10 minutes before, done waits for the renewal (for keys with a life under an
 * hour these times are shorter in proportion). While the keys are valid, a failing source only logs
 * a warning. Every fetch reads the configuration files again.
 *
 * Returns a handle for credentials_cancel(), valid until done is called; NULL on ENOMEM (done is
 * not called). */
struct credentials_waiter;
typedef void credentials_done(void *arg, struct credentials *credentials, const struct err *err);
struct credentials_waiter *credentials_get(
	struct credentials_chain *chain, credentials_done *done, void *arg);
void credentials_cancel(struct credentials_waiter *waiter);

/* Marks the cached keys stale, so that the next credentials_get() fetches new keys. access_key: the
 * key that AWS called expired or unknown. The call is ignored if access_key is not the cached key,
 * or if the cached keys were fetched over the network less than 10 s ago (a region that is not
 * enabled calls every key unknown). NULL marks them stale in every case (SIGHUP). */
void credentials_expire(struct credentials_chain *chain, const char *access_key);

#endif
