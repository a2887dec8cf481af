/* SPDX-License-Identifier: MIT */
/* The cache of the keys: one fetch for all waiters, renewal before the keys expire. */
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

/* botocore's windows, for keys with an hour or more. */
#define ADVISORY_MS  (15 * MINUTE_MS)
#define MANDATORY_MS (10 * MINUTE_MS)
/* Between two attempts when one failed: with keys that still last, and without. */
#define RETRY_MS     MINUTE_MS
#define RETRY_BAD_MS 1000
/* Keys from the network that are younger than this are not fetched again because AWS refuses them.
 */
#define YOUNG_MS     10000

struct credentials_waiter {
	struct waiter base;
	credentials_done *done;
	void *arg;
};

struct credentials_chain {
	struct credential_context context;
	char *profile;           /* context.profile */
	struct profiles *reread; /* context.profiles after the files were read again; NULL before */
	struct credential_source *source; /* for the next fetch, or the current one */
	bool fetching;
	struct loop_timer *kick; /* serves the waiters in the next loop iteration */
	struct waiters waiters;
	struct waiters due; /* being called: not those that come meanwhile */

	struct credentials *current; /* NULL: none yet */
	bool current_local;          /* of a source that sends no request and runs no process */
	bool again;                  /* fetch at the next opportunity */
	int64_t advisory_ms;         /* wall clock; 0: never */
	int64_t mandatory_ms;
	int64_t fetched_mono_ms;
	int64_t retry_mono_ms; /* no fetch before this time */
	struct err failure;    /* of the last fetch */
};

/* The waiters. */

struct chain_result {
	struct credentials *credentials; /* NULL: err */
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

/* Calls the present waiters, not those that their callbacks add. Returns false if a callback has
 * destroyed the chain. */
static bool chain_call_waiters(
	struct credentials_chain *chain, struct credentials *credentials, const struct err *err)
{
	_cleanup_(credentials_unrefp) struct credentials *held =
		credentials ? credentials_ref(credentials) : NULL;
	const struct chain_result result = {held, err ? *err : (struct err){0}};

	waiters_move_all(&chain->waiters, &chain->due);
	return waiters_deliver(&chain->due, chain_call_waiter, &result);
}

/* The use of the cached keys. */
enum worth {
	WORTH_NOTHING,  /* none, or expired */
	WORTH_FALLBACK, /* fetch new ones first; use these if that fails */
	WORTH_RENEWAL,  /* use these, and fetch new ones in the background */
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
	/* Scaled for short lives: keys of a quarter of an hour would be due from the start. */
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

/* Every fetch but the first reads the configuration files again: tools write new keys there. */
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

/* Serves the waiters from the cache, and fetches where the cached keys need it. */
static void chain_kicked(void *arg)
{
	struct credentials_chain *chain = arg;
	enum worth w = worth(chain, clock_wall_ms());
	bool wanted = w != WORTH_ALL && !chain->fetching;
	bool allowed = clock_mono_ms() >= chain->retry_mono_ms;

	if (waiters_empty(&chain->waiters))
		return; /* all were cancelled */
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
