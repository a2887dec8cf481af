/* SPDX-License-Identifier: MIT */
/* One mount, from its start to its end: shared by start.c and discover.c. */
#ifndef EBSFS_MOUNT_H
#define EBSFS_MOUNT_H

#include <limits.h>

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
	struct fs fs; /* must be the first member: start.c casts from it to struct mount */
	uv_loop_t loop;
	struct http *http;
	struct profiles *profiles;
	struct credentials_chain *chain;
	struct endpoint_config endpoints;
	struct session *session;
	char *state_dir; /* the folder of the journal, the catalogues and the budget; NULL: all are
			  * kept in memory */
	struct workers *workers;         /* threads for disks */
	char *block_cache, *block_scope; /* the folder for blocks of disks, and the account's name
					  * in it; NULL: blocks are not kept */
	char *overlay_dir;               /* the folder for data that are written into disks */
	char reader[PATH_MAX];           /* the path of ebsfs-reader */
	uv_signal_t signals[SIGNALS];
	int n_signals; /* signal handlers that are initialised */
	bool ending;   /* a signal has ended the mount */
	bool unmounted;

	/* The state of the first requests, for discover.c. */
	struct aws_call *regions_call, *identity_call;
	struct loop_timer *identity_timer, *reach_timer;
	int64_t asked_ms, reach_until; /* wall clock; monotonic */
	struct account_cache
		cached; /* account "": this configuration has reached no account before */
	char *cache_path;
	struct err err; /* error of the current attempt */
	bool regions_known;
};

/* Returns the region that gets requests about the whole account. */
const char *discover_home_region(const struct mount *m);
/* Requests the account's number and its regions from AWS and shows the regions; or, if AWS cannot
 * be reached, shows the regions that are known from disk. Runs the loop, for one attempt plus at
 * most options->wait_ms. Returns 0, or -errno with *err. */
int discover(struct mount *m, struct err *err);

#endif
