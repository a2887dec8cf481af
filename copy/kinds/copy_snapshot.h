/* SPDX-License-Identifier: MIT */
/* CopySnapshot, as a kind of job, and the per-region state of its source files. */
#ifndef EBSFS_COPY_SNAPSHOT_H
#define EBSFS_COPY_SNAPSHOT_H

#include "engine.h"
#include "pages.h"

extern const struct job_kind copy_snapshot_kind;

/* Encryption by default in the region, asked for once for all copies, and remembered for minutes.
 * Best effort: it may be forbidden, unknown to the cloud, or slow. */
struct copy_defaults {
	struct encryption_defaults known;
	struct aws_call *on_call, *key_call;
	int64_t on_again_at, key_again_at; /* monotonic: time of the next request; 0: never asked */
	struct loop_timer *patience;
	bool awaited; /* requests are in flight, and their timeout has not passed */
};

/* lost_requests.c */
struct lost_search {
	struct loop_timer *timer;
	struct pages *pages;
	struct ec2_filter filter;
	int64_t began_at;
	enum lost_kind { LOST_BY_TAG, LOST_BY_DESCRIPTION, LOST_ALL } kind;
	bool unfiltered; /* the endpoint refused a filter: all own snapshots are read from now on */
	bool left_out;   /* a page had snapshots whose ids are not of EC2's form */
	unsigned failures;
	char **values; /* tokens, or descriptions with -o notags */
	size_t n_values;
	struct lost_found *found; /* candidates so far */
	size_t n_found;
};

/* adopt.c */
struct copy_adoption {
	struct loop_timer *timer;
	struct pages *pages; /* the request in flight; NULL */
	struct ec2_filter filter;
	enum adopt_kind { ADOPT_ALL, ADOPT_SOURCES, ADOPT_UNFILTERED } kind;
	char *values[EC2_FILTER_VALUES_MAX]; /* of its filter */
	size_t n_values;
	int64_t began_at; /* monotonic */
	int64_t last_row; /* the request in flight began after the queued jobs up to this row came
			   */
	bool unfiltered; /* the endpoint refused a filter: all own snapshots are read from now on */
	bool asked_all;  /* a request for every source has succeeded */
	struct made_question *waiting;
};

/* reconcile.c */
struct copy_watch {
	struct pages *poll;
	struct ec2_filter filter;
	bool taking; /* a poll is entering records in the catalogue, and reconciles them itself */
	struct loop_timer *timer;
	catalogue_slot *slots; /* changed in this loop iteration */
	size_t n_slots, cap;
	bool all; /* no memory for `slots`: look at all slots */
};

/* region_queue.kind_region */
struct copy_region {
	struct copy_defaults defaults;
	struct lost_search search;
	struct copy_adoption adoption;
	struct adoptable_source *adoptable; /* by the tag's value */
	struct copy_watch watch;
};

static inline struct copy_region *copy_region(const struct region_queue *queue)
{
	return queue->kind_region;
}

#endif
