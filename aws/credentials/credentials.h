/* SPDX-License-Identifier: MIT */
/* Credentials: found as every AWS tool finds them, shared by all who sign, refreshed before they
 * expire. */
#ifndef EBSFS_CREDENTIALS_H
#define EBSFS_CREDENTIALS_H

#include <stdint.h>
#include <string.h>
#include <uv.h>

#include "cleanup.h"
#include "err.h"

struct http;
struct profiles;

/* One frozen triple, reference-counted: a request signs with one of these from beginning to end.
 * The secrets are wiped from memory when the last reference goes. */
struct credentials {
	int refs;
	char *access_key;
	char *secret_key;
	char *session_token; /* NULL if none */
	int64_t expires_ms;  /* this machine's wall clock; 0: never */
	char source[64];     /* where they came from, in words: "environment", "profile dr" */
};

/* Copies the strings. NULL on ENOMEM. */
struct credentials *credentials_create(const char *access_key, const char *secret_key,
	const char *session_token, int64_t expires_ms, const char *source);
struct credentials *credentials_ref(struct credentials *c);
void credentials_unref(struct credentials *c); /* NULL is permitted */
DEFINE_CLEANUP(struct credentials *, credentials_unref)
/* Whether two are the same keys, fetched once or twice. */
static inline bool credentials_same(const struct credentials *a, const struct credentials *b)
{
	const char *ta = a->session_token ? a->session_token : "",
		   *tb = b->session_token ? b->session_token : "";

	return !strcmp(a->access_key, b->access_key) && !strcmp(ta, tb);
}

/* The chain of sources for one profile: which of them is used is decided by the configuration, in
 * botocore's order (credential_resolver.h). */
struct credentials_chain;

/* profile: NULL unless the user named one with `-o profile=`. profiles, http and loop are borrowed
 * and must outlive the chain. STS and SSO are asked at the endpoints that the environment and the
 * profile name, never at that of `-o endpoint_url=`, which is EC2's. Returns 0 or -errno with *err
 * (a profile that does not exist, half a key pair, a loop of roles, …); nothing is fetched yet. */
int credentials_chain_create(uv_loop_t *loop, struct http *http, const struct profiles *profiles,
	const char *profile, struct credentials_chain **out, struct err *err);
/* Waiters are dropped without a call; from within a waiter's call too. NULL is permitted. */
void credentials_chain_destroy(struct credentials_chain *chain);
DEFINE_CLEANUP(struct credentials_chain *, credentials_chain_destroy)

/* done is called exactly once, never before this has returned, with a reference that the callee
 * drops by credentials_unref(), or with NULL and *err (EACCES: none found or refused; EINVAL: the
 * configuration is wrong; ETIMEDOUT, EHOSTUNREACH, EAGAIN, EIO: the source could not be asked;
 * err->retryable where it may be otherwise a little later, as with an instance's metadata at boot).
 * All who wait share one fetch. Keys are renewed behind the callers' backs from 15 minutes before
 * their end and before the answer from 10 minutes (sooner in proportion if they never had an hour);
 * as long as they last, a source that fails is only a warning in the log. Every fetch reads the
 * configuration files anew. Returns a handle for credentials_cancel(), valid until done is called;
 * NULL on ENOMEM (then done is not called). */
struct credentials_waiter;
typedef void credentials_done(void *arg, struct credentials *credentials, const struct err *err);
struct credentials_waiter *credentials_get(
	struct credentials_chain *chain, credentials_done *done, void *arg);
void credentials_cancel(struct credentials_waiter *waiter);

/* AWS called the key `access_key` expired or unknown, or (NULL) the user asked for a fresh look
 * (SIGHUP): the next credentials_get() goes to the source again if that is still the cached key.
 * Keys that were fetched over the network less than 10 s ago are not fetched again for AWS's word
 * alone: a region that is not enabled calls every key unknown. */
void credentials_expire(struct credentials_chain *chain, const char *access_key);

#endif
