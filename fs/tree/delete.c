/* SPDX-License-Identifier: MIT */
/* Deletes snapshots and tags in the account. */
#define FUSE_USE_VERSION 314
#include "delete.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>
#include <utlist.h>

#include "aws_error.h"
#include "clock.h"
#include "ec2.h"
#include "log.h"
#include "names.h"

/* One deletion in flight. */
struct deletion {
	struct deletion *prev, *next; /* fs->deletions */
	struct fs *fs;
	struct pending_reply *reply; /* NULL once interrupted; the deletion itself continues */
	struct node node;
	char key[EC2_TAG_KEY_MAX * 4 + 1];
};

static pid_t process_of(struct pending_reply *a)
{
	return handle_process(fuse_req_ctx(pending_reply_request(a))->pid);
}

void delete_refuse(struct pending_reply *a, struct node n)
{
	struct fs *fs = pending_reply_fs(a);
	char path[NODE_PATH_SIZE];
	struct err err;

	guard_bar(&fs->guard, process_of(a), clock_mono_ms());
	if (n.kind > NODE_SNAPSHOT && n.kind < NODE_FOLDER) {
		n.kind = NODE_SNAPSHOT;
		err_set(&err, EPERM,
			"cannot remove a single file of a snapshot; %srmdir %s deletes the "
			"snapshot "
			"with its files",
			fs->options->delete_ ? "" : "on a mount with -o delete, ",
			node_path(fs, n, NULL, path));
	} else {
		err_set(&err, EPERM, "this belongs to the mount itself and cannot be removed");
	}
	pending_reply_err(a, &err);
}

/* Returns whether the mount and the calling process may delete. If not, an error has been replied.
 */
static bool delete_permitted(struct fs *fs, struct pending_reply *a, const char *option_help)
{
	enum guard_verdict verdict = guard_check(&fs->guard, process_of(a), clock_mono_ms());
	struct err err;

	if (!fs->options->delete_)
		err_set(&err, EPERM, "%s", option_help);
	else if (verdict == GUARD_BARRED)
		err_set(&err, EPERM,
			"this process was just refused the removal of a snapshot's file, so it is "
			"a recursive command: nothing is deleted for it. Delete a snapshot by "
			"rmdir of its folder, in a command of its own");
	else if (verdict == GUARD_FULL)
		err_set(&err, EBUSY,
			"more than %d processes were refused a removal within %d s, and ebsfs "
			"cannot tell them from this one; try again when they have ended",
			GUARD_MAX, GUARD_MS / 1000);
	else
		return true;
	pending_reply_err(a, &err);
	return false;
}

static struct deletion *deletion_begin(struct fs *fs, struct node n, struct pending_reply *a)
{
	struct deletion *d = calloc(1, sizeof(*d));

	if (!d) {
		pending_reply_errno(a, ENOMEM);
		return NULL;
	}
	*d = (struct deletion){.fs = fs, .reply = a, .node = n};
	DL_PREPEND(fs->deletions, d);
	return d;
}

static void deletion_end(struct deletion *d, const struct err *err)
{
	DL_DELETE(d->fs->deletions, d);
	if (d->reply)
		pending_reply_err(d->reply, err);
	free(d);
}

bool delete_under_way(const struct fs *fs, const char *region, const char *id)
{
	const struct deletion *d;

	DL_FOREACH(fs->deletions, d)
	if (!*d->key && !strcmp(region, region_name(fs_region(fs, d->node))) &&
		!strcmp(id, catalogue_id(fs_catalogue(fs, d->node), d->node.slot)))
		return true;
	return false;
}

void delete_each(const struct fs *fs, void (*fn)(void *arg, struct node n), void *arg)
{
	for (const struct deletion *d = fs->deletions; d; d = d->next)
		fn(arg, d->node);
}

void delete_forget_all(struct fs *fs)
{
	struct deletion *d, *next;

	DL_FOREACH_SAFE(fs->deletions, d, next)
	free(d);
	fs->deletions = NULL;
}

/* Called after the request to EC2 was sent; call is NULL if it could not be sent. */
static void deletion_started(struct deletion *d, struct aws_call *call)
{
	struct err err;

	if (!call) {
		err_set(&err, ENOMEM, "out of memory");
		deletion_end(d, &err);
		return;
	}
	pending_reply_detach_on_interrupt(&d->reply);
}

static void snapshot_deleted(void *arg, const struct err *err)
{
	struct deletion *d = arg;
	struct catalogue *c = fs_catalogue(d->fs, d->node);

	/* "Not found" is success: another tool deleted the snapshot, or an earlier request did,
	 * whose response was lost. */
	if (!err || aws_error_is_absent(err->code)) {
		copies_snapshot_deleted(d->fs->copies, region_name(fs_region(d->fs, d->node)),
			catalogue_id(c, d->node.slot));
		log_info("deleted the snapshot %s/%s", region_name(fs_region(d->fs, d->node)),
			catalogue_id(c, d->node.slot));
		catalogue_override_deleted(c, d->node.slot, clock_mono_ms());
		err = NULL;
	}
	deletion_end(d, err);
}

void delete_snapshot(struct fs *fs, struct node n, struct pending_reply *a)
{
	const char *region = region_name(fs_region(fs, n)),
		   *id = catalogue_id(fs_catalogue(fs, n), n.slot);
	struct deletion *d;
	struct err err;

	if (!delete_permitted(fs, a,
		    "this mount deletes nothing; mount with -o delete to permit rmdir, which "
		    "deletes the snapshot"))
		return;
	if (copies_needs(fs->copies, region, id)) {
		err_set(&err, EBUSY,
			"a queued or running copy, volume or image still needs it as its source; "
			"see the file 'copies', and delete it when that has ended");
		pending_reply_err(a, &err);
		return;
	}
	d = deletion_begin(fs, n, a);
	if (d)
		deletion_started(d, ec2_delete_snapshot(fs->aws, region, id, snapshot_deleted, d));
}

static void tag_deleted(void *arg, const struct err *err)
{
	struct deletion *d = arg;

	if (!err)
		catalogue_override_tag(
			fs_catalogue(d->fs, d->node), d->node.slot, d->key, NULL, clock_mono_ms());
	deletion_end(d, err);
}

void delete_tag(struct fs *fs, struct node n, struct pending_reply *a)
{
	struct catalogue *c = fs_catalogue(fs, n);
	const char *key = catalogue_key_text(c, n.sub);
	struct deletion *d;
	struct err err;

	if (!delete_permitted(fs, a,
		    "this mount deletes nothing; mount with -o delete to permit rm of a tag"))
		return;
	if (fs_check_own(fs, n, &err) < 0) {
		pending_reply_err(a, &err);
		return;
	}
	if (names_is_reserved(key)) {
		err_set(&err, EPERM,
			"tags that begin with aws: or ebsfs: are AWS's and ebsfs's own, and "
			"read-only");
		pending_reply_err(a, &err);
		return;
	}
	d = deletion_begin(fs, n, a);
	if (!d)
		return;
	snprintf(d->key, sizeof(d->key), "%s", key);
	deletion_started(d, ec2_delete_tag(fs->aws, region_name(fs_region(fs, n)),
				    catalogue_id(c, n.slot), d->key, tag_deleted, d));
}
