/* SPDX-License-Identifier: MIT */
/* One mount: what all files of fs/ share. */
#ifndef EBSFS_FS_H
#define EBSFS_FS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include <uv.h>

#include "copies.h"
#include "err.h"
#include "guard.h"
#include "held_slots.h"
#include "http.h"
#include "kernel_refs.h"
#include "node.h"
#include "options.h"
#include "regions.h"
#include "request_stats.h"

struct pending_reply;
struct status_confirm;
struct budget;
struct deletion;
struct disks;
struct drafts;
struct ebs;
struct files;
struct filters;
struct fuse_session;
struct handle;
struct inode_spaces;
struct journal;
struct last_error;
struct list_order;
struct offline;
struct receipts;
struct statuses;
struct tagging;
struct uncached_name;
struct zones;

struct fs {
	uv_loop_t *loop;
	const struct options *options;
	struct aws *aws;
	struct regions *regions;
	struct journal *journal;
	struct copies *copies;
	struct ebs *ebs;
	struct budget *budget; /* the daily limit of costs for reading disks */
	struct disks *disks;
	struct files *files;               /* the files on them */
	struct inode_spaces *inode_spaces; /* inode_space.h */
	struct receipts *receipts;         /* receipts.h */
	struct drafts *drafts;             /* draft.h */
	struct zones *zones;               /* zones.h */
	struct filters *filters;           /* filter_folders.h */
	struct statuses *statuses;         /* status.h: the reads and polls that wait */
	struct last_error *last_error;     /* last_error.h */
	struct fuse_session *session;
	bool several_at_once, greeted;  /* session.c */
	struct request_stats stats;     /* request_stats.h */
	struct offline *offline;        /* offline.h; NULL: AWS was there from the start */
	struct guard guard;             /* guard.h */
	struct kernel_refs kernel_refs; /* kernel_refs.h */
	struct held_slots held_slots[REGIONS_MAX]; /* held_slots.h */
	struct uncached_name *uncached_names;      /* tree.h: snapshots about to be renamed */
	uint64_t listed_version[REGIONS_MAX];      /* of snapshots/ as the kernel last listed it */
	struct list_order *lists[REGIONS_MAX][2];  /* list.c: of list and list.json, while read */
	struct timespec region_times[REGIONS_MAX]; /* set by a tool; 0: none was */
	struct handle *handles;                    /* handle.h: open files */
	struct status_confirm *confirms;           /* status.c: reads that wait for EC2 */
	int64_t unconfirmed_ms[REGIONS_MAX];       /* monotonic: the region's last question
						      without an answer; 0 */
	struct deletion *deletions;                /* delete.h: under way */
	struct pending_reply *pending_replies;     /* pending_reply.h */
	struct tagging *taggings;                  /* tags.c: CreateTags and DeleteTags under way */
	char **enabled;   /* the regions that the account has enabled; NULL-terminated, NULL if AWS
			     did not say */
	char account[40]; /* "" if AWS did not say */
	char profile[80]; /* the selected profile's name, for README */
	uid_t caller;     /* of the request that is being handled */
	uid_t uid;        /* the mounting user; tree_attr() shows uid= and gid= instead */
	gid_t gid;
	int64_t started_ms;            /* wall clock */
	struct http_timeouts timeouts; /* of all requests */
};

/* The shown region of a node; never NULL for a number that the kernel had from here. */
struct region *fs_region(const struct fs *fs, struct node n);
struct catalogue *fs_catalogue(const struct fs *fs, struct node n);

/* Whether the snapshot of a node belongs to the account. Returns 0, or -EPERM with *err that names
 * the owner. */
int fs_check_own(const struct fs *fs, struct node n, struct err *err);

/* Whether gid= and umask= let the members of a group change what its bits allow. */
bool fs_group_writes(const struct fs *fs);
/* The owner of a file that the present request makes: the calling member of the group, else the
 * mounting user. */
uid_t fs_maker(const struct fs *fs);

/* Replaces the list of regions that AWS has enabled for the account. */
void fs_keep_enabled(struct fs *fs, const char *const *names, size_t n);
/* Whether the account has the region enabled, as far as AWS said at the start; true if it did not
 * say. */
bool fs_region_enabled(const struct fs *fs, const char *name);

#endif
