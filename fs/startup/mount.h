/* SPDX-License-Identifier: MIT */
/* A mount while it is built, served and taken down. */
#ifndef EBSFS_MOUNT_H
#define EBSFS_MOUNT_H

#include "account_cache.h"
#include "credentials.h"
#include "endpoint.h"
#include "fs.h"
#include "http.h"
#include "loop.h"
#include "profile.h"
#include "session.h"
#include "start.h"

enum { SIGNAL_TERM, SIGNAL_INT, SIGNAL_HUP, SIGNALS };

struct mount {
	struct fs fs;
	uv_loop_t loop;
	struct http *http;
	struct profiles *profiles;
	struct credentials_chain *chain;
	struct endpoint_config endpoints;
	struct session *session;
	uv_signal_t signals[SIGNALS];
	int n_signals; /* initialised */
	/* While it starts. */
	struct aws_call *regions_call, *identity_call;
	struct loop_timer *identity_timer, *reach_timer;
	int64_t asked_ms, reach_until; /* wall clock; monotonic */
	struct account_cache known;    /* account "": nothing is known of this configuration */
	char *known_path;
	struct err err;
	bool regions_known, ending, unmounted;
};

/* Where account-wide questions are asked. */
const char *start_home_region(const struct mount *m);
/* Asks AWS for the account and its regions, and shows those; or, if AWS cannot be reached, those
 * that are known from disk. 0, or -errno with *err. */
int start_speak(struct mount *m, struct err *err);

#endif
