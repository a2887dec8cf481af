/* SPDX-License-Identifier: MIT */
/* EC2's calls for images (AMIs). */
#include "ec2_images.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws_query.h"
#include "cleanup.h"
#include "ec2_xml.h"
#include "encode.h"
#include "utf8.h"

/* --- an image's XML --- */

static const struct ec2_record_text image_texts[] = {
	EC2_RECORD_TEXT("imageId", struct ec2_image, id),
	EC2_RECORD_TEXT("imageOwnerId", struct ec2_image, owner_id),
	EC2_RECORD_TEXT("imageState", struct ec2_image, state_text),
	EC2_RECORD_TEXT("stateReason/code", struct ec2_image, state_code),
	EC2_RECORD_TEXT("stateReason/message", struct ec2_image, state_message),
	EC2_RECORD_TEXT("name", struct ec2_image, name),
	EC2_RECORD_TEXT("description", struct ec2_image, description),
	EC2_RECORD_TEXT("architecture", struct ec2_image, architecture),
	EC2_RECORD_TEXT("bootMode", struct ec2_image, boot_mode),
	EC2_RECORD_TEXT("rootDeviceName", struct ec2_image, root_device),
	EC2_RECORD_TEXT("virtualizationType", struct ec2_image, virtualization),
	EC2_RECORD_TEXT("tpmSupport", struct ec2_image, tpm),
	EC2_RECORD_TEXT("imdsSupport", struct ec2_image, imds),
	EC2_RECORD_TEXT("platformDetails", struct ec2_image, platform),
	EC2_RECORD_TEXT("creationDate", struct ec2_image, created),
};

#define DISK "blockDeviceMapping/item"
static const struct ec2_record_text disk_texts[] = {
	EC2_RECORD_TEXT(DISK "/deviceName", struct ec2_image_disk, device),
	EC2_RECORD_TEXT(DISK "/ebs/snapshotId", struct ec2_image_disk, snapshot_id),
	EC2_RECORD_TEXT(DISK "/ebs/volumeType", struct ec2_image_disk, type),
};

/* Reads images. disk: the next disk of the last image. */
struct images_reader {
	struct ec2_images *out;
	struct ec2_image_disk disk;
};

static enum ec2_image_state image_state(const char *text)
{
	static const char *const states[] = {
		[EC2_IMAGE_PENDING] = "pending",
		[EC2_IMAGE_AVAILABLE] = "available",
		[EC2_IMAGE_FAILED] = "failed",
		[EC2_IMAGE_DEREGISTERED] = "deregistered",
		[EC2_IMAGE_DISABLED] = "disabled",
	};

	for (size_t i = EC2_IMAGE_PENDING; i < ARRAY_LEN(states); i++)
		if (!strcmp(text, states[i]))
			return (enum ec2_image_state)i;
	return EC2_IMAGE_UNKNOWN;
}

static void image_finish(struct ec2_image *image)
{
	free(image->disks);
	*image = (struct ec2_image){0};
}

static int images_start(void *arg, struct err *err)
{
	struct images_reader *r = arg;
	struct ec2_image *grown =
		ec2_record_append(r->out->images, &r->out->n, sizeof(*grown), err);

	if (!grown)
		return -ENOMEM;
	r->out->images = grown;
	r->disk = (struct ec2_image_disk){0};
	return 0;
}

static int images_end_disk(struct images_reader *r, struct ec2_image *image, struct err *err)
{
	struct ec2_image_disk *grown =
		ec2_record_append(image->disks, &image->n_disks, sizeof(*grown), err);

	if (!grown)
		return -ENOMEM;
	image->disks = grown;
	grown[image->n_disks - 1] = r->disk;
	r->disk = (struct ec2_image_disk){0};
	return 0;
}

static int images_text(void *arg, const char *path, const char *text, struct err *err)
{
	struct images_reader *r = arg;
	struct ec2_image *image = &r->out->images[r->out->n - 1];

	if (!text)
		return strcmp(path, DISK) ? 0 : images_end_disk(r, image, err);
	ec2_record_set(image_texts, ARRAY_LEN(image_texts), image, path, text);
	ec2_record_set(disk_texts, ARRAY_LEN(disk_texts), &r->disk, path, text);
	if (!strcmp(path, "imageState"))
		image->state = image_state(text);
	else if (!strcmp(path, "enaSupport"))
		image->ena = !strcasecmp(text, "true");
	else if (!strcmp(path, DISK "/ebs/volumeSize"))
		r->disk.size_gib = ec2_record_number(text);
	return 0;
}

static int images_end(void *arg, struct err *err)
{
	struct images_reader *r = arg;
	struct ec2_image *image = &r->out->images[r->out->n - 1];

	(void)err;
	if (!ec2_is_image_id(image->id)) {
		image_finish(image);
		r->out->n--;
	}
	return 0;
}

int ec2_xml_images(const char *body, size_t len, struct ec2_images *out, struct err *err)
{
	static const struct ec2_record_kind kind = {
		"DescribeImagesResponse", "imagesSet", images_start, images_text, images_end};
	struct images_reader reader = {.out = out};
	int r;

	*out = (struct ec2_images){0};
	r = ec2_record_parse(body, len, &kind, &reader, &out->more, err);
	if (r < 0)
		ec2_images_finish(out);
	return r;
}

void ec2_images_finish(struct ec2_images *images)
{
	for (size_t i = 0; i < images->n; i++)
		image_finish(&images->images[i]);
	free(images->images);
	*images = (struct ec2_images){0};
}

/* --- RegisterImage --- */

struct register_call {
	char id[EC2_ID_SIZE], request_id[80];
	ec2_image_done *done;
	void *arg;
};

/* Refuses Version 2: servers with an old API ignore parameters that they do not know, and the image
 * would not boot. */
static int register_complete(
	void *arg, const struct aws_signer *signer, struct buf *form, struct err *err)
{
	(void)arg, (void)form;
	if (signer->signature != AWS_SIGNATURE_V2)
		return 0;
	return err_set(err, EOPNOTSUPP,
		"signature=v2 uses the API of 2012, whose RegisterImage has no "
		"VirtualizationType and no EnaSupport; nothing was sent");
}

static int register_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct register_call *call = arg;
	const struct xml_text texts[] = {{"imageId", call->id, sizeof(call->id)},
		{"requestId", call->request_id, sizeof(call->request_id)}};
	int r = xml_texts(body, len, "RegisterImageResponse", texts, ARRAY_LEN(texts), err);

	if (!r && !ec2_is_image_id(call->id))
		return err_set(err, EIO, "EC2's response has no image id");
	return r;
}

static void register_done(void *arg, const struct err *err)
{
	struct register_call *call = arg;

	utf8_make_line(call->request_id);
	call->done(
		call->arg, err || !*call->id ? NULL : call->id, err ? NULL : call->request_id, err);
}

static void register_form(struct buf *form, const struct ec2_register_image *in)
{
	form_add(form, in->name, "Name");
	form_add(form, in->description, "Description");
	form_add(form, in->architecture, "Architecture");
	form_add(form, in->root_device, "RootDeviceName");
	form_add(form, "hvm", "VirtualizationType");
	form_add_true(form, true, "EnaSupport");
	form_add(form, in->boot_mode, "BootMode");
	form_add(form, in->tpm, "TpmSupport");
	form_add(form, in->imds, "ImdsSupport");
	for (size_t i = 0; i < in->n_disks; i++) {
		const struct ec2_new_disk *disk = &in->disks[i];
		const size_t number = i + 1;

		form_add(form, disk->device, "BlockDeviceMapping.%zu.DeviceName", number);
		/* Ebs.Encrypted is not sent: EC2 refuses any value of it together with a snapshot.
		 */
		form_add(form, disk->snapshot_id, "BlockDeviceMapping.%zu.Ebs.SnapshotId", number);
		form_add(form, disk->type, "BlockDeviceMapping.%zu.Ebs.VolumeType", number);
		form_add(form, "true", "BlockDeviceMapping.%zu.Ebs.DeleteOnTermination", number);
	}
	if (in->n_tags) {
		form_add(form, "image", "TagSpecification.1.ResourceType");
		ec2_form_tags(form, "TagSpecification.1.Tag", in->tags, in->n_tags);
	}
	form_add_true(form, in->dry_run, "DryRun");
}

struct aws_call *ec2_register_image(
	struct aws *aws, const struct ec2_register_image *in, ec2_image_done *done, void *arg)
{
	struct register_call *call = calloc(1, sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = (struct register_call){.done = done, .arg = arg};
	ec2_form_start(&form, aws, "RegisterImage");
	register_form(&form, in);
	return aws_query(aws, &(struct aws_query){.region = in->region,
				      .service = "ec2",
				      .action = "RegisterImage",
				      .effect = AWS_ONCE,
				      .dry_run = in->dry_run,
				      .form = &form,
				      .complete = register_complete,
				      .parse = register_parse,
				      .done = register_done,
				      .release = free,
				      .arg = call});
}

/* --- DescribeImages --- */

struct images_call {
	struct ec2_images images;
	ec2_images_done *done;
	void *arg;
};

static int images_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct images_call *call = arg;

	ec2_images_finish(&call->images);
	return ec2_xml_images(body, len, &call->images, err);
}

static void images_done(void *arg, const struct err *err)
{
	struct images_call *call = arg;
	const struct ec2_images *images = &call->images;

	call->done(call->arg, err ? NULL : images->images, err ? 0 : images->n,
		!err && images->more, err);
}

static void images_release(void *arg)
{
	struct images_call *call = arg;

	ec2_images_finish(&call->images);
	free(call);
}

struct aws_call *ec2_describe_images(
	struct aws *aws, const struct ec2_describe_images *in, ec2_images_done *done, void *arg)
{
	struct images_call *call = calloc(1, sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = (struct images_call){.done = done, .arg = arg};
	ec2_form_start(&form, aws, "DescribeImages");
	ec2_form_list(&form, "ImageId", in->ids);
	ec2_form_list(&form, "Owner", in->owners);
	ec2_form_filters(&form, in->filters, in->n_filters);
	/* The API of 2012 has neither parameter, and describes all images. */
	if (aws_signature(aws) == AWS_SIGNATURE_V4) {
		form_add_true(&form, in->disabled, "IncludeDisabled");
		form_add_true(&form, in->deprecated, "IncludeDeprecated");
	}
	return aws_query(aws, &(struct aws_query){.region = in->region,
				      .service = "ec2",
				      .action = "DescribeImages",
				      .effect = AWS_READS,
				      .form = &form,
				      .parse = images_parse,
				      .done = images_done,
				      .release = images_release,
				      .arg = call});
}
