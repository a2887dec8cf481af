/* SPDX-License-Identifier: MIT */
/* Functions that all kinds of disk share, also used by files/. */
#ifndef EBSFS_DISKS_H
#define EBSFS_DISKS_H

#include "disk.h"
#include "tree.h"

#define DISK_SUFFIX    ".img"
#define DISK_RW_SUFFIX ".rw"

/* attr() and release() of a disk. */
int disks_attr(struct fs *fs, struct node n, struct stat *st);
void disks_release(struct handle *h);
/* Opens h->disk: the disk of the handle's snapshot. Returns 0, or -errno with *err if the EBS
 * direct APIs cannot read it. */
int disks_open_reader(struct handle *h, struct err *err);

/* A read, seek or write of a disk that is in progress: an interrupt of its caller calls
 * cancel(work). */
struct disks_request {
	struct pending_reply *reply;
	struct handle *handle;
	void (*cancel)(void *work);
	void *work;
};

/* Creates the request. NULL: ENOMEM was replied. */
struct disks_request *disks_request_create(
	struct handle *h, struct pending_reply *a, void (*cancel)(void *work));
/* Called when the work has been started. ready: the work has ended already, and r is freed. work
 * NULL otherwise: ENOMEM, which this replies. */
void disks_request_wait(struct disks_request *r, void *work, bool ready);
/* Callbacks for disk_read(), disk_seek(): reply, and free the request that is their arg. */
void disks_request_read(void *arg, const struct disk_data *data, const struct err *err);
void disks_request_found(void *arg, int64_t found, const struct err *err);
/* Replies with an error, explained by disks_explain(), and frees r. */
void disks_request_fail(struct disks_request *r, const struct err *err);
/* Describes the disk of a node's snapshot; strings are the catalogue's. Refuses snapshots that EBS
 * direct APIs cannot read: EBUSY, EIO, EOPNOTSUPP, ENOENT with *err. */
int disks_find_facts(struct fs *fs, struct node n, struct disk_facts *out, struct err *err);
/* Adds to a disk's error what ebsfs knows beyond the EBS direct APIs' message. */
void disks_explain(struct fs *fs, struct node n, struct err *err);

#endif
