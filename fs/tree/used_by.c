/* SPDX-License-Identifier: MIT */
/* used-by: lists the images and volumes made from a snapshot. Only the first read of a handle sends
 * requests to EC2, two at the same time. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <stdlib.h>

#include "ec2_images.h"
#include "ec2_volumes.h"
#include "nodes.h"
#include "snapshot_folder.h"
#include "tree.h"

/* A read that waits for EC2. */
struct used_by {
	struct handle *handle;
	size_t size;
	off_t offset;
	struct pending_reply *reply;
	struct aws_call *images_call, *volumes_call; /* requests in flight; NULL: ended */
	struct buf images, volumes;                  /* the lines of each request's result */
};

/* Frees the struct, and cancels the requests in flight. */
static void used_by_free(struct used_by *u)
{
	if (u->images_call)
		aws_cancel(u->images_call);
	if (u->volumes_call)
		aws_cancel(u->volumes_call);
	buf_finish(&u->images);
	buf_finish(&u->volumes);
	free(u);
}

static void used_by_interrupted(void *arg)
{
	used_by_free(arg);
}

static void used_by_failed(struct used_by *u, const struct err *err)
{
	pending_reply_err(u->reply, err);
	used_by_free(u);
}

/* Called when one of the two requests has ended. */
static void used_by_came(struct used_by *u)
{
	struct handle *h = u->handle;

	if (u->images_call || u->volumes_call)
		return;
	buf_clear(&h->text);
	buf_add(&h->text, u->images.data, u->images.len);
	buf_add(&h->text, u->volumes.data, u->volumes.len);
	h->told = !h->text.error && !u->images.error && !u->volumes.error;
	if (h->told)
		handle_read(h, u->offset, u->size, u->reply);
	else
		pending_reply_errno(u->reply, ENOMEM);
	used_by_free(u);
}

static void used_by_images(
	void *arg, const struct ec2_image *images, size_t n, bool more, const struct err *err)
{
	struct used_by *u = arg;

	u->images_call = NULL;
	if (err) {
		used_by_failed(u, err);
		return;
	}
	for (size_t i = 0; i < n; i++)
		buf_printf(&u->images, "%s %s %s\n", images[i].id, images[i].state_text,
			images[i].name);
	if (more)
		buf_puts(&u->images, "# EC2 has not listed all images\n");
	used_by_came(u);
}

static void used_by_volumes(
	void *arg, const struct ec2_volume *volumes, size_t n, bool more, const struct err *err)
{
	struct used_by *u = arg;

	u->volumes_call = NULL;
	if (err) {
		used_by_failed(u, err);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct ec2_volume *v = &volumes[i];

		buf_printf(&u->volumes, "%s %s %s", v->id, v->state_text, v->zone);
		if (*v->instance_id)
			buf_printf(&u->volumes, " %s %s", v->instance_id, v->device);
		buf_putc(&u->volumes, '\n');
	}
	if (more)
		buf_puts(&u->volumes, "# EC2 has not listed all volumes\n");
	used_by_came(u);
}

/* Sends both requests. Returns false on ENOMEM. */
static bool used_by_ask(struct used_by *u)
{
	const struct fs *fs = u->handle->fs;
	struct node n = u->handle->node;
	const char *region = region_name(fs_region(u->handle->fs, n)),
		   *id = catalogue_id(fs_catalogue(u->handle->fs, n), n.slot);
	const struct ec2_filter images = {"block-device-mapping.snapshot-id", &id, 1, false},
				volumes = {"snapshot-id", &id, 1, false};

	u->images_call = ec2_describe_images(fs->aws,
		&(struct ec2_describe_images){.region = region,
			.owners = ec2_owner_self,
			.filters = &images,
			.n_filters = 1,
			.disabled = true},
		used_by_images, u);
	if (u->images_call)
		u->volumes_call = ec2_describe_volumes(fs->aws,
			&(struct ec2_describe_volumes){
				.region = region, .filters = &volumes, .n_filters = 1},
			used_by_volumes, u);
	return u->volumes_call != NULL;
}

static void used_by_read(struct handle *h, off_t offset, size_t size, struct pending_reply *reply)
{
	struct used_by *u;

	if (h->told) {
		handle_read(h, offset, size, reply);
		return;
	}
	u = calloc(1, sizeof(*u));
	if (!u) {
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	*u = (struct used_by){.handle = h, .size = size, .offset = offset, .reply = reply};
	if (!used_by_ask(u)) {
		used_by_free(u);
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	pending_reply_on_interrupt(reply, used_by_interrupted, u);
}

/* The size is 0, because it is unknown before the requests to EC2. */
static int used_by_attr(struct fs *fs, struct node n, struct stat *st)
{
	st->st_size = 0;
	return snapshot_child_attr(fs, n, st);
}

const struct node_ops used_by_ops = {.type = S_IFREG,
	.mode = 0444,
	.trust = TRUST_NEVER,
	.counted = NODE_SNAPSHOT,
	.instead = "it shows the images and volumes that EC2 has of the snapshot",
	.attr = used_by_attr,
	.read = used_by_read};
