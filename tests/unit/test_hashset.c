/* SPDX-License-Identifier: MIT */
/* base/hashset: added values are found and removed ones are not, in any order of both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hashset.h"

#define KEYS 400

struct world {
	char keys[KEYS][12];
	bool in[KEYS];
	uint32_t n_in;
	struct hashset set;
};

static const void *key_of(const void *ctx, uint32_t value, size_t *len)
{
	const struct world *w = ctx;

	*len = strlen(w->keys[value]);
	return w->keys[value];
}

static void check(const struct world *w)
{
	assert_int_equal(w->set.used, w->n_in);
	for (uint32_t i = 0; i < KEYS; i++)
		assert_int_equal(hashset_find(&w->set, w->keys[i], strlen(w->keys[i])),
			w->in[i] ? i : HASHSET_NONE);
}

static void turn(struct world *w, uint32_t i)
{
	if (w->in[i])
		hashset_remove(&w->set, i);
	else
		assert_int_equal(hashset_add(&w->set, i), 0);
	w->in[i] = !w->in[i];
	w->n_in += w->in[i] ? 1 : -1;
}

/* With every seed the keys meet in other places. */
static void test_adds_and_removes_in_any_order(void **state)
{
	struct world w;

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		memset(&w, 0, sizeof(w));
		for (uint32_t i = 0; i < KEYS; i++)
			snprintf(w.keys[i], sizeof(w.keys[i]), "key %u", i);
		hashset_init(&w.set, key_of, &w);
		srandom(round);
		for (unsigned n = 0; n < 1500; n++) {
			turn(&w, (uint32_t)random() % KEYS);
			if (n % 50 == 0)
				check(&w);
		}
		check(&w);
		hashset_finish(&w.set);
	}
}

static void test_the_last_one_leaves_an_empty_set(void **state)
{
	struct world w = {.keys = {"a", "b"}};

	(void)state;
	hashset_init(&w.set, key_of, &w);
	turn(&w, 0);
	turn(&w, 1);
	turn(&w, 0);
	turn(&w, 1);
	assert_int_equal(w.set.used, 0);
	for (uint32_t at = 0; at < w.set.places; at++)
		assert_int_equal(w.set.table[at].hash, 0);
	hashset_finish(&w.set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_adds_and_removes_in_any_order),
		cmocka_unit_test(test_the_last_one_leaves_an_empty_set),
	};

	return cmocka_run_group_tests_name("hashset", tests, NULL, NULL);
}
