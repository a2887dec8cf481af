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
	struct fs fs; /* first: start.c casts back from it */
	uv_loop_t loop;
	struct http *http;
	struct profiles *profiles;
	struct credentials_chain *chain;
	struct endpoint_config endpoints;
	struct session *session;
	char *state_dir; /* of the journal, the catalogues, the budget; NULL: kept in memory */
	struct workers *workers;         /* of disks */
	char *block_cache, *block_scope; /* NULL: blocks of disks are not kept */
	char *overlay_dir;               /* of what is written into disks */
	char reader[PATH_MAX];           /* the path of ebsfs-reader */
	uv_signal_t signals[SIGNALS];
	int n_signals; /* initialised */
	bool ending;   /* by a signal */
	bool unmounted;

	/* For discover.c. */
	struct aws_call *regions_call, *identity_call;
	struct loop_timer *identity_timer, *reach_timer;
	int64_t asked_ms, reach_until; /* wall clock; monotonic */
	struct account_cache cached;   /* account "": nothing is known of this configuration */
	char *cache_path;
	struct err err; /* of the attempt under way */
	bool regions_known;
};

/* Where requests go that concern the whole account. */
const char *discover_home_region(const struct mount *m);
/* Asks AWS for the account's number and its regions, and shows the regions; or, if AWS cannot be
 * reached, those that are known from disk. Runs the loop, for options->wait_ms at most beyond one
 * attempt. 0, or -errno with *err. */
int discover(struct mount *m, struct err *err);

#endif
