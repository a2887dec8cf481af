/* SPDX-License-Identifier: MIT */
/* Caches the keys: one fetch serves all waiters, and the keys are renewed before they expire. */
#include "credentials.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "clock.h"
#include "credential_resolver.h"
#include "credential_source.h"
#include "log.h"
#include "loop.h"
#include "profile.h"
#include "waiters.h"

#define MINUTE_MS 60000

/* The times before expiry at which keys are renewed, for keys that last an hour or more; botocore
 * uses the same. */
#define ADVISORY_MS  (15 * MINUTE_MS)
#define MANDATORY_MS (10 * MINUTE_MS)
/* The pause after a failed fetch: while the cached keys are still valid, and without valid keys. */
#define RETRY_MS     MINUTE_MS
#define RETRY_BAD_MS 1000
/* Keys that were fetched over the network less than this time ago are not fetched again when AWS
 * refuses them. */
#define YOUNG_MS     10000

struct credentials_waiter {
	struct waiter base;
	credentials_done *done;
	void *arg;
};

struct credentials_chain {
	struct credential_context context;
	char *profile; /* the same as context.profile */
	struct profiles
		*reread; /* context.profiles after the files were read again; NULL before that */
	struct credential_source *source; /* the source of the current fetch, or of the next one */
	bool fetching;
	struct loop_timer *kick; /* timer that serves the waiters in the next loop iteration */
	struct waiters waiters;
	struct waiters
		due; /* waiters whose callbacks are being called; new waiters are not among them */

	struct credentials *current; /* the cached keys; NULL: none yet */
	bool current_local;  /* `current` came from a source that sends no request and runs no
			      * process */
	bool again;          /* the cached keys are stale: fetch at the next opportunity */
	int64_t advisory_ms; /* wall-clock time at which keys are renewed in the background; 0:
			      * never */
	int64_t mandatory_ms;
	int64_t fetched_mono_ms;
	int64_t retry_mono_ms; /* no fetch before this time on the monotonic clock */
	struct err failure;    /* error of the last fetch */
};

/* The waiters. */

struct chain_result {
	struct credentials *credentials; /* NULL: the fetch failed with err */
	struct err err;
};

static void chain_call_waiter(struct waiter *waiter, const void *result)
{
	struct credentials_waiter w = *(struct credentials_waiter *)waiter;
	const struct chain_result *r = result;

	free(waiter);
	w.done(w.arg, r->credentials ? credentials_ref(r->credentials) : NULL,
		r->credentials ? NULL : &r->err);
}

/* Calls the waiters that are in the list now, but not those that the callbacks add. Returns false
 * if a callback has destroyed the chain. */
static bool chain_call_waiters(
	struct credentials_chain *chain, struct credentials *credentials, const struct err *err)
{
	_cleanup_(credentials_unrefp) struct credentials *held =
		credentials ? credentials_ref(credentials) : NULL;
	const struct chain_result result = {held, err ? *err : (struct err){0}};

	waiters_move_all(&chain->waiters, &chain->due);
	return waiters_deliver(&chain->due, chain_call_waiter, &result);
}

/* How the cached keys may be used. */
enum worth {
	WORTH_NOTHING,  /* there are none, or they have expired */
	WORTH_FALLBACK, /* fetch new keys first, and use these if the fetch fails */
	WORTH_RENEWAL,  /* use these, and fetch new keys in the background */
	WORTH_ALL,
};

static enum worth worth(const struct credentials_chain *chain, int64_t now)
{
	const struct credentials *c = chain->current;

	if (!c || (c->expires_ms && now >= c->expires_ms))
		return WORTH_NOTHING;
	if (chain->again || (chain->mandatory_ms && now >= chain->mandatory_ms))
		return WORTH_FALLBACK;
	return chain->advisory_ms && now >= chain->advisory_ms ? WORTH_RENEWAL : WORTH_ALL;
}

/* The result of a fetch. */

static void chain_keep(
	struct credentials_chain *chain, struct credentials *credentials, int64_t now)
{
	int64_t life = credentials->expires_ms - now;

	credentials_unref(chain->current);
	chain->current = credentials;
	chain->current_local = chain->source->local;
	chain->again = false;
	chain->fetched_mono_ms = clock_mono_ms();
	chain->retry_mono_ms = 0;
	chain->advisory_ms = 0;
	chain->mandatory_ms = 0;
	if (!credentials->expires_ms)
		return;
	/* Keys with a short life are renewed later in proportion: with ADVISORY_MS, keys that last
	 * 15 minutes would be renewed from the start. */
	chain->advisory_ms =
		credentials->expires_ms - (life / 2 < ADVISORY_MS ? life / 2 : ADVISORY_MS);
	chain->mandatory_ms =
		credentials->expires_ms - (life / 3 < MANDATORY_MS ? life / 3 : MANDATORY_MS);
}

static void chain_fail(struct credentials_chain *chain, const struct err *err, int64_t now)
{
	const struct credentials *c = chain->current;
	bool usable = worth(chain, now) > WORTH_NOTHING;
	int64_t pause = RETRY_BAD_MS;
	char text[640];

	chain->failure = *err;
	if (usable) {
		pause = RETRY_MS;
		if (c->expires_ms && (c->expires_ms - now) / 10 < pause)
			pause = (c->expires_ms - now) / 10;
		chain->again = false;
		log_warning("credentials: keeping those from %s, which still last: %s", c->source,
			err_text(err, text, sizeof(text)));
	}
	chain->retry_mono_ms = clock_mono_ms() + pause;
}

static bool chain_serve(struct credentials_chain *chain)
{
	if (worth(chain, clock_wall_ms()) > WORTH_NOTHING)
		return chain_call_waiters(chain, chain->current, NULL);
	return chain_call_waiters(chain, NULL, &chain->failure);
}

static void chain_fetched(void *arg, struct credentials *credentials, const struct err *err)
{
	struct credentials_chain *chain = arg;
	int64_t now = clock_wall_ms();
	struct err late;

	chain->fetching = false;
	if (credentials && credentials->expires_ms && credentials->expires_ms <= now) {
		err_set(&late, EACCES,
			"the keys from %s have already expired: get new ones, or correct this "
			"machine's clock",
			credentials->source);
		err = &late;
		credentials_unref(credentials);
		credentials = NULL;
	}
	if (credentials) {
		chain_keep(chain, credentials, now);
		log_debug("credentials: from %s", credentials->source);
	} else {
		chain_fail(chain, err, now);
	}
	credential_source_destroy(steal(&chain->source));
	chain_serve(chain);
}

/* Chooses the source anew before every fetch but the first, with the configuration files read
 * again, because tools write new keys there. */
static int chain_resolve_again(struct credentials_chain *chain, struct err *err)
{
	struct profiles *profiles;
	int r = profiles_load(&profiles, err);

	if (r < 0)
		return r;
	profiles_destroy(chain->reread);
	chain->reread = profiles;
	chain->context.profiles = profiles;
	return credential_resolve(&chain->context, &chain->source, err);
}

static void chain_fetch(struct credentials_chain *chain)
{
	struct err err;

	if (!chain->source && chain_resolve_again(chain, &err) < 0) {
		chain_fail(chain, &err, clock_wall_ms());
		chain_serve(chain);
		return;
	}
	chain->fetching = true;
	credential_source_fetch(chain->source, chain_fetched, chain);
}

/* Serves the waiters from the cache, and starts a fetch if the cached keys need one. */
static void chain_kicked(void *arg)
{
	struct credentials_chain *chain = arg;
	enum worth w = worth(chain, clock_wall_ms());
	bool wanted = w != WORTH_ALL && !chain->fetching;
	bool allowed = clock_mono_ms() >= chain->retry_mono_ms;

	if (waiters_empty(&chain->waiters))
		return; /* all waiters were cancelled */
	if ((w >= WORTH_RENEWAL || (wanted && !allowed)) && !chain_serve(chain))
		return;
	if (wanted && allowed)
		chain_fetch(chain);
}

/* The public functions. */

int credentials_chain_create(uv_loop_t *loop, struct http *http, const struct profiles *profiles,
	const char *profile, struct credentials_chain **out, struct err *err)
{
	const char *selected = profiles_selected(profiles, profile);
	bool named = profile || profile_env("AWS_DEFAULT_PROFILE") || profile_env("AWS_PROFILE");
	_cleanup_(credentials_chain_destroyp) struct credentials_chain *chain =
		calloc(1, sizeof(*chain));
	int r;

	if (!chain)
		return err_set(err, ENOMEM, "out of memory");
	chain->profile = strdup(selected);
	chain->kick = loop_timer_create(loop, chain_kicked, chain);
	if (!chain->profile || !chain->kick)
		return err_set(err, ENOMEM, "out of memory");
	if (named && !profiles_has(profiles, selected))
		return err_set(err, EINVAL,
			"there is no AWS profile %s; run: aws configure list-profiles, or make it: "
			"aws configure --profile %s",
			selected, selected);
	chain->context = (struct credential_context){.loop = loop,
		.http = http,
		.profiles = profiles,
		.profile = chain->profile,
		.explicit_profile = profile != NULL};
	r = credential_resolve(&chain->context, &chain->source, err);
	if (r < 0)
		return r;
	*out = steal(&chain);
	return 0;
}

void credentials_chain_destroy(struct credentials_chain *chain)
{
	if (!chain)
		return;
	waiters_drop(&chain->waiters);
	waiters_drop(&chain->due);
	credential_source_destroy(chain->source);
	loop_timer_destroy(chain->kick);
	credentials_unref(chain->current);
	profiles_destroy(chain->reread);
	free(chain->profile);
	free(chain);
}

struct credentials_waiter *credentials_get(
	struct credentials_chain *chain, credentials_done *done, void *arg)
{
	struct credentials_waiter *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	*w = (struct credentials_waiter){.done = done, .arg = arg};
	waiters_append(&chain->waiters, &w->base);
	loop_timer_start(chain->kick, 0);
	return w;
}

void credentials_cancel(struct credentials_waiter *waiter)
{
	waiters_remove(&waiter->base);
}

void credentials_expire(struct credentials_chain *chain, const char *access_key)
{
	if (!access_key) {
		chain->again = true;
		chain->retry_mono_ms = 0;
	} else if (chain->current && strcmp(chain->current->access_key, access_key) == 0 &&
		   (chain->current_local || clock_mono_ms() - chain->fetched_mono_ms >= YOUNG_MS)) {
		chain->again = true;
	}
}
