/* SPDX-License-Identifier: MIT */
/* used-by: lists the images and volumes made from a snapshot. Only the first read of a handle sends
 * requests to EC2, two at the same time. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <stdlib.h>

#include "asked_text.h"
#include "ec2_images.h"
#include "ec2_volumes.h"

struct used_by {
	struct asked_text text;
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

/* Called when one of the two requests has ended. The first error ends both. */
static void used_by_came(struct used_by *u, const struct err *err)
{
	struct buf *text = &u->text.handle->text;

	if (!err && (u->images_call || u->volumes_call))
		return;
	buf_clear(text);
	buf_add(text, u->images.data, u->images.len);
	buf_add(text, u->volumes.data, u->volumes.len);
	if (u->images.error || u->volumes.error)
		text->error = ENOMEM;
	asked_text_end(&u->text, err);
	used_by_free(u);
}

static void used_by_images(
	void *arg, const struct ec2_image *images, size_t n, bool more, const struct err *err)
{
	struct used_by *u = arg;

	u->images_call = NULL;
	for (size_t i = 0; i < n; i++)
		buf_printf(&u->images, "%s %s %s\n", images[i].id, images[i].state_text,
			images[i].name);
	if (more)
		buf_puts(&u->images, "# EC2 has not listed all images\n");
	used_by_came(u, err);
}

static void used_by_volumes(
	void *arg, const struct ec2_volume *volumes, size_t n, bool more, const struct err *err)
{
	struct used_by *u = arg;

	u->volumes_call = NULL;
	for (size_t i = 0; i < n; i++) {
		const struct ec2_volume *v = &volumes[i];

		buf_printf(&u->volumes, "%s %s %s", v->id, v->state_text, v->zone);
		if (*v->instance_id)
			buf_printf(&u->volumes, " %s %s", v->instance_id, v->device);
		buf_putc(&u->volumes, '\n');
	}
	if (more)
		buf_puts(&u->volumes, "# EC2 has not listed all volumes\n");
	used_by_came(u, err);
}

/* Sends both requests. Returns false on ENOMEM. */
static bool used_by_ask(struct used_by *u)
{
	struct fs *fs = u->text.handle->fs;
	struct node n = u->text.handle->node;
	const char *region = region_name(fs_region(fs, n)),
		   *id = catalogue_id(fs_catalogue(fs, n), n.slot);
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
	struct used_by *u = asked_text_start(h, offset, size, reply, sizeof(*u));

	if (!u)
		return;
	if (!used_by_ask(u)) {
		used_by_free(u);
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	pending_reply_on_interrupt(reply, used_by_interrupted, u);
}

const struct node_ops used_by_ops = {.type = S_IFREG,
	.mode = 0444,
	.trust = TRUST_NEVER,
	.counted = NODE_SNAPSHOT,
	.instead = "it shows the images and volumes that EC2 has of the snapshot",
	.attr = asked_text_attr,
	.read = used_by_read};
