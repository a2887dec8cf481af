/* SPDX-License-Identifier: MIT */
/* A journal in a directory of its own, and rows for it. */
#ifndef EBSFS_TEST_JOURNAL_FIXTURE_H
#define EBSFS_TEST_JOURNAL_FIXTURE_H

#include <stdint.h>
#include <uv.h>

#include "journal.h"

struct journal_fixture {
	uv_loop_t loop;
	char dir[64];
	char db[96];       /* dir/journal.db */
	struct journal *j; /* NULL until journal_fixture_open() */
};

/* For cmocka: makes the loop and an empty directory; ends both. */
int journal_fixture_set_up(void **state);
int journal_fixture_tear_down(void **state);

void journal_fixture_open(struct journal_fixture *f); /* must succeed */
void journal_fixture_close(struct journal_fixture *f);
void journal_fixture_reopen(struct journal_fixture *f);
/* Opening must fail with this errno; the message is left in text. */
void journal_fixture_refused(
	struct journal_fixture *f, const char *account, int errnum, struct err *err);

/* How a change ended. */
struct journal_end {
	int called;
	int errnum;
	int *order; /* NULL, or a counter shared by several: the place in which this one came */
	int place;
};
void journal_fixture_done(void *arg, const struct err *err);
/* Runs the loop until it was called. */
void journal_fixture_wait(struct journal_fixture *f, const struct journal_end *end);

/* A row with something in every column, told apart by its id. Texts are borrowed for as long as the
 * fixture's next call. */
struct journal_copy journal_fixture_copy(int64_t id);
struct journal_receipt journal_fixture_receipt(int64_t id, int64_t copy);
/* Puts and waits; returns the errno, 0 on success. */
int journal_fixture_put(struct journal_fixture *f, int64_t id);

/* The ids of all copies and receipts in the journal, in its order. */
struct journal_ids {
	size_t n_copies, n_receipts;
	int64_t *copies, *receipts;
};
struct journal_ids journal_fixture_ids(struct journal_fixture *f);
void journal_fixture_ids_finish(struct journal_ids *ids);
int journal_fixture_has(const struct journal_ids *ids, int64_t copy);

void journal_fixture_remove(const char *dir); /* with all in it */
/* The file's bytes; the caller frees. */
char *journal_fixture_slurp(const char *path, size_t *len);
void journal_fixture_spit(const char *path, const void *data, size_t len);

#endif
