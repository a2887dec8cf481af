/* SPDX-License-Identifier: MIT */
/* credentials.h without sources: linked instead of it, with keys that the test lays out. */
#ifndef EBSFS_TEST_FAKE_CREDENTIALS_H
#define EBSFS_TEST_FAKE_CREDENTIALS_H

#include "credentials.h"

enum fake_mood {
	FAKE_ANSWERS,
	FAKE_FAILS,  /* EACCES */
	FAKE_SILENT, /* never answers */
};

/* Key number n is "AKIDn" with secret "secretn" and, from the second on, session token "tokenn". */
struct credentials_chain *fake_chain_create(uv_loop_t *loop, int n_keys);
void fake_chain_set_mood(struct credentials_chain *chain, enum fake_mood mood);
int fake_chain_expired(const struct credentials_chain *chain); /* calls of credentials_expire() */
int fake_chain_waiting(const struct credentials_chain *chain);

#endif
