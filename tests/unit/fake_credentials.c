/* SPDX-License-Identifier: MIT */
/* Credentials without sources. */
#include "fake_credentials.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"

struct credentials_chain {
	uv_loop_t *loop;
	int n_keys;
	int current; /* from 1 */
	enum fake_mood mood;
	int expired;
	int waiting;
};

struct credentials_waiter {
	struct credentials_chain *chain;
	struct loop_timer *timer;
	credentials_done *done;
	void *arg;
};

struct credentials_chain *fake_chain_create(uv_loop_t *loop, int n_keys)
{
	struct credentials_chain *chain = calloc(1, sizeof(*chain));

	chain->loop = loop;
	chain->n_keys = n_keys;
	chain->current = 1;
	return chain;
}

void credentials_chain_destroy(struct credentials_chain *chain)
{
	free(chain);
}

void fake_chain_set_mood(struct credentials_chain *chain, enum fake_mood mood)
{
	chain->mood = mood;
}

int fake_chain_expired(const struct credentials_chain *chain)
{
	return chain->expired;
}

int fake_chain_waiting(const struct credentials_chain *chain)
{
	return chain->waiting;
}

static void waiter_end(struct credentials_waiter *w)
{
	w->chain->waiting--;
	loop_timer_destroy(w->timer);
	free(w);
}

static void answer(void *arg)
{
	struct credentials_waiter *w = arg;
	struct credentials_chain *chain = w->chain;
	credentials_done *done = w->done;
	void *done_arg = w->arg;
	char key[16], secret[16], token[16];
	struct err err;

	waiter_end(w);
	if (chain->mood == FAKE_FAILS) {
		err_set(&err, EACCES, "no credentials found");
		done(done_arg, NULL, &err);
		return;
	}
	snprintf(key, sizeof(key), "AKID%d", chain->current);
	snprintf(secret, sizeof(secret), "secret%d", chain->current);
	snprintf(token, sizeof(token), "token%d", chain->current);
	done(done_arg,
		credentials_create(key, secret, chain->current > 1 ? token : NULL, 0, "fake"),
		NULL);
}

struct credentials_waiter *credentials_get(
	struct credentials_chain *chain, credentials_done *done, void *arg)
{
	struct credentials_waiter *w = calloc(1, sizeof(*w));

	*w = (struct credentials_waiter){.chain = chain, .done = done, .arg = arg};
	w->timer = loop_timer_create(chain->loop, answer, w);
	chain->waiting++;
	if (chain->mood != FAKE_SILENT)
		loop_timer_start(w->timer, 0);
	return w;
}

void credentials_cancel(struct credentials_waiter *waiter)
{
	waiter_end(waiter);
}

void credentials_expire(struct credentials_chain *chain, const char *access_key)
{
	char key[16];

	snprintf(key, sizeof(key), "AKID%d", chain->current);
	chain->expired++;
	if (!strcmp(access_key, key) && chain->current < chain->n_keys)
		chain->current++;
}
