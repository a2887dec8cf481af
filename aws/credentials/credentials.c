/* SPDX-License-Identifier: MIT */
/* The chain: one cached triple, one fetch for all who wait, renewal before the end. */
#include "credentials.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/queue.h>

#include "clock.h"
#include "credential_resolver.h"
#include "credential_source.h"
#include "log.h"
#include "loop.h"
#include "profile.h"
#include "profile_path.h"
#include "secret.h"

#define MINUTE_MS 60000

/* botocore's windows, for keys with an hour or more. */
#define ADVISORY_MS  (15 * MINUTE_MS)
#define MANDATORY_MS (10 * MINUTE_MS)
/* Between two attempts when one failed: with keys that still last, and without. */
#define RETRY_MS     MINUTE_MS
#define RETRY_BAD_MS 1000
/* How old keys from the network must be before AWS's refusal sends us back to their source. */
#define YOUNG_MS     10000

struct credentials_waiter {
	struct credentials_chain *chain;
	credentials_done *done;
	void *arg;
	uint64_t number; /* in the order of arrival */
	TAILQ_ENTRY(credentials_waiter) entry;
};

struct credentials_chain {
	struct credential_context context;
	char *profile;           /* context.profile */
	struct profiles *reread; /* context.profiles once the files were read again; NULL before */
	struct credential_source *source; /* made for the next fetch, or in one */
	bool fetching;
	struct loop_timer *kick;
	TAILQ_HEAD(, credentials_waiter) waiters;
	uint64_t arrivals;
	bool *destroyed; /* set while waiters are being called: one of them may destroy the chain */

	struct credentials *current; /* NULL: none yet */
	bool current_local;          /* from a source that costs nothing to ask */
	bool again;                  /* fetch at the next opportunity */
	int64_t advisory_ms;         /* wall clock; 0: never */
	int64_t mandatory_ms;
	int64_t fetched_mono_ms;
	int64_t retry_mono_ms; /* no attempt before */
	struct err failure;    /* of the last attempt */
};

/* The triple. */

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

struct credentials *credentials_create(const char *access_key, const char *secret_key,
	const char *session_token, int64_t expires_ms, const char *source)
{
	struct credentials *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->refs = 1;
	c->access_key = copy(access_key);
	c->secret_key = copy(secret_key);
	c->session_token = copy(session_token);
	c->expires_ms = expires_ms;
	snprintf(c->source, sizeof(c->source), "%s", source);
	if (!c->access_key || !c->secret_key || (session_token && !c->session_token)) {
		credentials_unref(c);
		return NULL;
	}
	return c;
}

struct credentials *credentials_ref(struct credentials *c)
{
	c->refs++;
	return c;
}

void credentials_unref(struct credentials *c)
{
	if (!c || --c->refs > 0)
		return;
	secret_free(c->access_key);
	secret_free(c->secret_key);
	secret_free(c->session_token);
	free(c);
}

/* The waiters. */

/* Calls all who are waiting now, not those who join meanwhile. Returns false if one of them has
 * destroyed the chain. */
static bool answer(
	struct credentials_chain *chain, struct credentials *credentials, const struct err *err)
{
	uint64_t last = chain->arrivals;
	bool destroyed = false;
	struct credentials_waiter *w;
	_cleanup_(credentials_unrefp) struct credentials *held =
		credentials ? credentials_ref(credentials) : NULL;
	struct err why = err ? *err : (struct err){0};

	chain->destroyed = &destroyed;
	while (!destroyed && (w = TAILQ_FIRST(&chain->waiters)) && w->number <= last) {
		credentials_done *done = w->done;
		void *arg = w->arg;

		TAILQ_REMOVE(&chain->waiters, w, entry);
		free(w);
		done(arg, held ? credentials_ref(held) : NULL, held ? NULL : &why);
	}
	if (!destroyed)
		chain->destroyed = NULL;
	return !destroyed;
}

/* What the cached keys are good for. */
enum worth {
	WORTH_NOTHING,  /* none, or expired */
	WORTH_FALLBACK, /* wait for new ones, make do with these if there are none */
	WORTH_RENEWAL,  /* use these, get new ones behind the scenes */
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

/* A fetch's end. */

static void keep(struct credentials_chain *chain, struct credentials *credentials, int64_t now)
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
	/* Keys that live for a quarter of an hour would be due for renewal from the start. */
	chain->advisory_ms =
		credentials->expires_ms - (life / 2 < ADVISORY_MS ? life / 2 : ADVISORY_MS);
	chain->mandatory_ms =
		credentials->expires_ms - (life / 3 < MANDATORY_MS ? life / 3 : MANDATORY_MS);
}

static void fail(struct credentials_chain *chain, const struct err *err, int64_t now)
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

static bool answer_all(struct credentials_chain *chain)
{
	if (worth(chain, clock_wall_ms()) > WORTH_NOTHING)
		return answer(chain, chain->current, NULL);
	return answer(chain, NULL, &chain->failure);
}

static void fetched(void *arg, struct credentials *credentials, const struct err *err)
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
		keep(chain, credentials, now);
		log_debug("credentials: from %s", credentials->source);
	} else {
		fail(chain, err, now);
	}
	credential_source_destroy(steal(&chain->source));
	answer_all(chain);
}

/* A fetch's beginning. Every one but the first goes by the files as they are now: tools that get
 * keys write them there. */
static int look_again(struct credentials_chain *chain, struct err *err)
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

static void fetch(struct credentials_chain *chain)
{
	struct err err;

	if (!chain->source && look_again(chain, &err) < 0) {
		fail(chain, &err, clock_wall_ms());
		answer_all(chain);
		return;
	}
	chain->fetching = true;
	credential_source_fetch(chain->source, fetched, chain);
}

/* Somebody waits. */
static void kicked(void *arg)
{
	struct credentials_chain *chain = arg;
	enum worth w = worth(chain, clock_wall_ms());
	bool wanted = w != WORTH_ALL && !chain->fetching;
	bool allowed = clock_mono_ms() >= chain->retry_mono_ms;

	if (TAILQ_EMPTY(&chain->waiters))
		return; /* they have all been cancelled */
	if ((w >= WORTH_RENEWAL || (wanted && !allowed)) && !answer_all(chain))
		return;
	if (wanted && allowed)
		fetch(chain);
}

/* The interface. */

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
	TAILQ_INIT(&chain->waiters);
	chain->profile = strdup(selected);
	chain->kick = loop_timer_create(loop, kicked, chain);
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
	struct credentials_waiter *w;

	if (!chain)
		return;
	if (chain->destroyed)
		*chain->destroyed = true;
	while ((w = TAILQ_FIRST(&chain->waiters))) {
		TAILQ_REMOVE(&chain->waiters, w, entry);
		free(w);
	}
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
	*w = (struct credentials_waiter){
		.chain = chain, .done = done, .arg = arg, .number = ++chain->arrivals};
	TAILQ_INSERT_TAIL(&chain->waiters, w, entry);
	loop_timer_start(chain->kick, 0);
	return w;
}

void credentials_cancel(struct credentials_waiter *waiter)
{
	TAILQ_REMOVE(&waiter->chain->waiters, waiter, entry);
	free(waiter);
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
