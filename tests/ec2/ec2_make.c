/* SPDX-License-Identifier: MIT */
/* Makes a volume and an image of a snapshot, by aws/ec2 alone:
 *
 *     ec2_make ENDPOINT REGION SNAPSHOT zones|volume|volumes|image|images ARGUMENT…
 *
 *     zones                   the names of the zones
 *     volume ZONE TOKEN TYPE  CreateVolume with two tags; "dry" as TYPE: a dry run
 *     volumes                 the volumes of the snapshot
 *     image NAME              RegisterImage
 *     images NAME             own images of the name
 *
 * Keys come from the environment. Prints a line each, or the error.
 */
#include <stdio.h>
#include <string.h>

#include "aws_client.h"
#include "cleanup.h"
#include "ec2_images.h"
#include "ec2_volumes.h"

static struct err failure;

static bool failed(const struct err *err)
{
	if (err)
		failure = *err;
	return err != NULL;
}

static void zones_came(void *arg, const struct ec2_zone *zones, size_t n, const struct err *err)
{
	(void)arg;
	for (size_t i = 0; !failed(err) && i < n; i++)
		printf("%s %s %d\n", zones[i].name, zones[i].state, (int)zones[i].type);
}

static void volume_print(const struct ec2_volume *v)
{
	printf("%s %s %s %u %s %s\n", v->id, v->snapshot_id, v->zone, v->size_gib, v->type,
		v->state_text);
}

static void volume_came(
	void *arg, const struct ec2_volume *volume, const char *request_id, const struct err *err)
{
	(void)arg, (void)request_id;
	if (failed(err))
		return;
	if (volume)
		volume_print(volume);
	else
		printf("would make one\n");
}

static void volumes_came(
	void *arg, const struct ec2_volume *volumes, size_t n, bool more, const struct err *err)
{
	(void)arg, (void)more;
	for (size_t i = 0; !failed(err) && i < n; i++)
		volume_print(&volumes[i]);
}

static void image_came(void *arg, const char *id, const char *request_id, const struct err *err)
{
	(void)arg, (void)request_id;
	if (!failed(err))
		printf("%s\n", id ? id : "would register one");
}

static void images_came(
	void *arg, const struct ec2_image *images, size_t n, bool more, const struct err *err)
{
	(void)arg, (void)more;
	for (size_t i = 0; !failed(err) && i < n; i++)
		printf("%s %s %s %s\n", images[i].id, images[i].state_text, images[i].name,
			images[i].n_disks ? images[i].disks[0].snapshot_id : "-");
}

static struct aws_call *start_volume(struct aws *aws, char **argv)
{
	static const struct ec2_tag tags[] = {{"Name", "boot disk"}, {"k", ""}};
	bool dry = !strcmp(argv[7], "dry");

	return ec2_create_volume(aws,
		&(struct ec2_create_volume){.region = argv[2],
			.snapshot_id = argv[3],
			.zone = argv[5],
			.client_token = argv[6],
			.type = dry ? "gp3" : argv[7],
			.dry_run = dry,
			.tags = tags,
			.n_tags = 2},
		volume_came, NULL);
}

static struct aws_call *start(struct aws *aws, int argc, char **argv)
{
	const char *value = argc > 5 ? argv[5] : argv[3];
	const struct ec2_filter filter = {argc > 5 ? "name" : "snapshot-id", &value, 1, false};
	const struct ec2_new_disk disk = {"/dev/xvda", argv[3], "gp3"};

	if (!strcmp(argv[4], "zones"))
		return ec2_describe_zones(aws, argv[2], zones_came, NULL);
	if (!strcmp(argv[4], "volume") && argc > 7)
		return start_volume(aws, argv);
	if (!strcmp(argv[4], "volumes"))
		return ec2_describe_volumes(aws,
			&(struct ec2_describe_volumes){
				.region = argv[2], .filters = &filter, .n_filters = 1},
			volumes_came, NULL);
	if (!strcmp(argv[4], "image") && argc > 5)
		return ec2_register_image(aws,
			&(struct ec2_register_image){.region = argv[2],
				.name = argv[5],
				.architecture = "arm64",
				.root_device = "/dev/xvda",
				.disks = &disk,
				.n_disks = 1},
			image_came, NULL);
	return ec2_describe_images(aws,
		&(struct ec2_describe_images){.region = argv[2],
			.owners = ec2_owner_self,
			.filters = &filter,
			.n_filters = 1},
		images_came, NULL);
}

int main(int argc, char **argv)
{
	struct aws_client client;

	if (argc < 5 || aws_client_start(&client, argv[1], &failure) < 0 ||
		!start(client.aws, argc, argv))
		return 2;
	uv_run(&client.loop, UV_RUN_DEFAULT);
	if (failure.errnum)
		printf("%s (%s)\n", failure.message, failure.code);
	if (aws_client_end(&client) < 0)
		return 3;
	return failure.errnum ? 1 : 0;
}
