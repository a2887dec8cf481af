/* SPDX-License-Identifier: MIT */
/* ec2_volumes, ec2_images: what each call sends, and what it makes of the response; over real
 * sockets. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws_error.h"
#include "aws_world.h"
#include "cleanup.h"
#include "ec2_xml.h"

#define OK(text) ((struct step[]){{.status = "200 OK", .body = (text)}, {0}})

static const char *body(const struct world *w)
{
	return buf_str(&w->f->last_body);
}

/* --- CreateVolume --- */

static struct ec2_volume made;

static void volume_ended(
	void *arg, const struct ec2_volume *volume, const char *request_id, const struct err *err)
{
	struct world *w = arg;

	w->called++;
	w->err = err ? *err : (struct err){0};
	made = volume ? *volume : (struct ec2_volume){0};
	snprintf(w->request_id, sizeof(w->request_id), "%s", request_id ? request_id : "none");
	uv_stop(&w->f->loop);
}

static struct aws_call *create(struct world *w)
{
	return ec2_create_volume(w->aws,
		&(struct ec2_create_volume){.region = "eu-west-1",
			.zone = "eu-west-1a",
			.snapshot_id = "snap-01234567",
			.client_token = "t0k"},
		volume_ended, w);
}

static struct aws_call *dry_run(struct world *w)
{
	return ec2_create_volume(w->aws,
		&(struct ec2_create_volume){.region = "eu-west-1",
			.zone = "eu-west-1a",
			.snapshot_id = "snap-01234567",
			.client_token = "t0k",
			.dry_run = true},
		volume_ended, w);
}

#define VOLUME_1                                                                                   \
	"<CreateVolumeResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"                \
	"<requestId>r-1</requestId><volumeId>vol-0123456789abcdef0</volumeId></"                   \
	"CreateVolumeResponse>"

static void test_create_volume(void **state)
{
	static const char response[] =
		"<CreateVolumeResponse><requestId>r-1</requestId>"
		"<volumeId>vol-0123456789abcdef0</volumeId><size>80</size><snapshotId>"
		"snap-01234567</snapshotId><availabilityZone>eu-west-1a</availabilityZone>"
		"<availabilityZoneId>euw1-az3</availabilityZoneId><status>creating</status>"
		"<createTime>2026-11-29T08:00:00.000Z</createTime><volumeType>gp3</volumeType>"
		"<iops>4000</iops><throughput>250</throughput><encrypted>true</encrypted>"
		"<kmsKeyId>arn:aws:kms:eu-west-1:123456789012:key/1</kmsKeyId>"
		"<tagSet><item><key>status</key><value>error</value></item></tagSet>"
		"<multiAttachEnabled>false</multiAttachEnabled></CreateVolumeResponse>";
	const struct ec2_tag tags[] = {{"Name", "boot disk"}, {"k", ""}};
	struct world *w = *state;

	world_script(OK(response));
	assert_non_null(ec2_create_volume(w->aws,
		&(struct ec2_create_volume){.region = "eu-west-1",
			.zone = "eu-west-1a",
			.snapshot_id = "snap-01234567",
			.client_token = "t0k",
			.type = "gp3",
			.size_gib = 80,
			.iops = 4000,
			.throughput = 250,
			.initialization_rate = 200,
			.encrypted = true,
			.kms_key_id = "alias/dr",
			.tags = tags,
			.n_tags = 2},
		volume_ended, w));
	world_wait(w);
	assert_int_equal(w->err.errnum, 0);
	assert_string_equal(body(w),
		"Action=CreateVolume&Version=2016-11-15&AvailabilityZone=eu-west-1a"
		"&SnapshotId=snap-01234567&Size=80&VolumeType=gp3&Iops=4000&Throughput=250"
		"&Encrypted=true&KmsKeyId=alias%2Fdr&VolumeInitializationRate=200"
		"&ClientToken=t0k&TagSpecification.1.ResourceType=volume"
		"&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=boot%20disk"
		"&TagSpecification.1.Tag.2.Key=k&TagSpecification.1.Tag.2.Value=");
	assert_string_equal(w->request_id, "r-1");
	assert_string_equal(made.id, "vol-0123456789abcdef0");
	assert_string_equal(made.snapshot_id, "snap-01234567");
	assert_string_equal(made.zone, "eu-west-1a");
	assert_string_equal(made.zone_id, "euw1-az3");
	assert_int_equal(made.state, EC2_VOLUME_CREATING);
	assert_string_equal(made.type, "gp3");
	assert_int_equal(made.size_gib, 80);
	assert_int_equal(made.iops, 4000);
	assert_int_equal(made.throughput, 250);
	assert_int_equal(made.encryption, EC2_ENCRYPTION_PRESENT);
	assert_string_equal(made.kms_key_id, "arn:aws:kms:eu-west-1:123456789012:key/1");
	assert_true(made.created_ms == INT64_C(1795939200000));
}

/* The token makes it repeatable: a lost response, a server's failure. */
static void test_create_volume_again(void **state)
{
	struct world *w = *state;

	world_run(w, create,
		(struct step[]){RESET, INTERNAL, {.status = "200 OK", .body = VOLUME_1}, {0}});
	assert_int_equal(w->err.errnum, 0);
	assert_string_equal(made.id, "vol-0123456789abcdef0");
	assert_int_equal(world_came(), 3);
	assert_non_null(strstr(body(w), "&ClientToken=t0k"));
	/* A refusal in a server error's clothes is one, and is not repeated. */
	world_run(w, create,
		(struct step[]){
			REFUSED("500 Internal Server Error", "InsufficientVolumeCapacity"), {0}});
	assert_int_equal(world_came(), 1);
	assert_int_equal(w->err.errnum, EAGAIN);
	assert_false(w->err.maybe_done);
	/* Errors that no retry helps against. */
	world_run(w, create,
		(struct step[]){REFUSED("400 Bad Request", "IdempotentParameterMismatch"), {0}});
	assert_int_equal(w->err.errnum, EEXIST);
	assert_true(aws_error_is_mismatch(w->err.code));
	assert_string_equal(made.id, "");
	assert_string_equal(w->request_id, "none");
}

/* A dry run is not repeated: an endpoint without DryRun would make a volume each time. */
static void test_create_volume_dry_run(void **state)
{
	struct world *w = *state;

	world_run(w, dry_run,
		(struct step[]){REFUSED("412 Precondition Failed", "DryRunOperation"), {0}});
	assert_int_equal(w->err.errnum, 0);
	assert_string_equal(made.id, "");
	assert_non_null(strstr(body(w), "&DryRun=true"));
	world_run(w, dry_run, OK(VOLUME_1));
	assert_string_equal(made.id, "vol-0123456789abcdef0");
	world_run(w, dry_run, (struct step[]){INTERNAL, {0}});
	assert_int_equal(world_came(), 1);
	assert_true(w->err.maybe_done);
}

static void test_create_volume_responses(void **state)
{
	static const char *const wrong[] = {"<html/>", "", "<CreateVolumeResponse/>",
		"<CreateVolumeResponse><volumeId>vol-x</volumeId></CreateVolumeResponse>",
		("<CreateVolumeResponse><a><volumeId>vol-01234567</volumeId></a></"
		 "CreateVolumeResponse>")};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		world_run(w, create, OK(wrong[i]));
		assert_int_equal(w->err.errnum, EIO);
		assert_string_equal(made.id, "");
	}
}

/* --- DescribeVolumes --- */

static struct {
	struct ec2_volume volumes[4];
	struct ec2_image images[4];
	struct ec2_zone zones[4];
	bool more;
} came;

static void volumes_ended(
	void *arg, const struct ec2_volume *volumes, size_t n, bool more, const struct err *err)
{
	struct world *w = arg;

	w->called++;
	w->err = err ? *err : (struct err){0};
	w->n_snapshots = n;
	came.more = more;
	assert_true(n <= ARRAY_LEN(came.volumes));
	for (size_t i = 0; i < n; i++)
		came.volumes[i] = volumes[i];
	uv_stop(&w->f->loop);
}

static struct aws_call *describe_volumes(struct world *w)
{
	static const char *const values[] = {"snap-01234567"};
	const struct ec2_filter filter = {"snapshot-id", values, 1, false};

	return ec2_describe_volumes(w->aws,
		&(struct ec2_describe_volumes){
			.region = "eu-west-1", .filters = &filter, .n_filters = 1},
		volumes_ended, w);
}

#define VOLUMES(items)                                                                             \
	"<DescribeVolumesResponse><requestId>r</requestId><volumeSet>" items                       \
	"</volumeSet></DescribeVolumesResponse>"
#define STATE(id, words)                                                                           \
	"<item><volumeId>vol-0000000" id "</volumeId><status>" words "</status></item>"

static void test_describe_volumes(void **state)
{
	struct world *w = *state;

	world_run(w, describe_volumes,
		OK("<DescribeVolumesResponse><volumeSet><item><volumeId>vol-01234567</volumeId>"
		   "<size>8</size><status>in-use</status><encrypted>false</encrypted>"
		   "<attachmentSet><item><volumeId>vol-99999999</volumeId><instanceId>i-01234567"
		   "</instanceId><device>/dev/sdf</device><status>attached</status></item>"
		   "<item><instanceId>i-02</instanceId></item></attachmentSet><tagSet><item><key>"
		   "a\nb</key><value/></item></tagSet></item></volumeSet><nextToken>x</nextToken>"
		   "</DescribeVolumesResponse>"));
	assert_string_equal(body(w),
		"Action=DescribeVolumes&Version=2016-11-15&Filter.1.Name=snapshot-id"
		"&Filter.1.Value.1=snap-01234567");
	assert_int_equal(w->n_snapshots, 1);
	assert_true(came.more);
	assert_string_equal(came.volumes[0].id, "vol-01234567");
	assert_int_equal(came.volumes[0].state, EC2_VOLUME_IN_USE);
	assert_string_equal(came.volumes[0].state_text, "in-use");
	assert_string_equal(came.volumes[0].instance_id, "i-01234567");
	assert_string_equal(came.volumes[0].device, "/dev/sdf");
	assert_int_equal(came.volumes[0].encryption, EC2_ENCRYPTION_NONE);
	/* States, odd values, and a record without an id that can be one. */
	world_run(w, describe_volumes,
		OK(VOLUMES(STATE("1", "deleting") STATE("2", "error") STATE("3",
			"sp\x1b[31mou") "<item><volumeId>../x</volumeId></item>"
					"<item><volumeId>vol-00000004</volumeId><size>-1</"
					"size><iops>x"
					"</iops><throughput>99999999999</"
					"throughput><encrypted>perhaps"
					"</encrypted><createTime>yesterday</createTime></item>")));
	assert_int_equal(w->err.errnum, 0);
	assert_int_equal(w->n_snapshots, 4);
	assert_false(came.more);
	assert_int_equal(came.volumes[0].state, EC2_VOLUME_DELETING);
	assert_int_equal(came.volumes[1].state, EC2_VOLUME_ERROR);
	assert_int_equal(came.volumes[2].state, EC2_VOLUME_UNKNOWN);
	assert_string_equal(came.volumes[2].state_text, "sp\ufffd[31mou");
	assert_string_equal(came.volumes[3].id, "vol-00000004");
	assert_int_equal(came.volumes[3].size_gib, 0);
	assert_int_equal(came.volumes[3].iops, 0);
	assert_int_equal(came.volumes[3].throughput, 0);
	assert_int_equal(came.volumes[3].encryption, EC2_ENCRYPTION_UNKNOWN);
	assert_true(came.volumes[3].created_ms == 0);
	world_run(w, describe_volumes,
		OK("<DescribeVolumesResponse><volumeSet/></"
		   "DescribeVolumesResponse>"));
	assert_int_equal(w->err.errnum, 0);
	assert_int_equal(w->n_snapshots, 0);
	world_run(w, describe_volumes, OK("<DescribeSnapshotsResponse/>"));
	assert_int_equal(w->err.errnum, EIO);
	/* By ids. */
	world_script(OK(VOLUMES("")));
	w->called = 0;
	assert_non_null(ec2_describe_volumes(w->aws,
		&(struct ec2_describe_volumes){.region = "eu-west-1",
			.ids = (const char *const[]){"vol-01234567", "vol-89abcdef", NULL}},
		volumes_ended, w));
	world_wait(w);
	assert_string_equal(body(w),
		"Action=DescribeVolumes&Version=2016-11-15&VolumeId.1=vol-01234567"
		"&VolumeId.2=vol-89abcdef");
}

/* --- DescribeAvailabilityZones --- */

static void zones_ended(void *arg, const struct ec2_zone *zones, size_t n, const struct err *err)
{
	struct world *w = arg;

	w->called++;
	w->err = err ? *err : (struct err){0};
	w->n_snapshots = n;
	assert_true(n <= ARRAY_LEN(came.zones));
	for (size_t i = 0; i < n; i++)
		came.zones[i] = zones[i];
	uv_stop(&w->f->loop);
}

static struct aws_call *describe_zones(struct world *w)
{
	return ec2_describe_zones(w->aws, "us-west-2", zones_ended, w);
}

#define ZONE(name, id, type, opt_in, more)                                                         \
	"<item><optInStatus>" opt_in "</optInStatus><messageSet/><zoneName>" name                  \
	"</zoneName><zoneId>" id "</zoneId><zoneType>" type "</zoneType><zoneState>available"      \
	"</zoneState>" more "</item>"

static void test_describe_zones(void **state)
{
	struct world *w = *state;

	world_run(w, describe_zones,
		OK("<DescribeAvailabilityZonesResponse><availabilityZoneInfo>" ZONE("us-west-2b",
			"usw2-az1", "availability-zone", "opt-in-not-required",
			"") ZONE("us-west-2-lax-1a", "usw2-lax1-az1", "local-zone", "opted-in",
			"<parentZoneName>us-west-2b</parentZoneName>") ZONE("us-west-2-den-1a",
			"usw2-den1-az1", "local-zone", "not-opted-in",
			"") ZONE("us-west-2-wl1-las-wlz-1", "z", "wavelength-zone", "opted-in",
			"") ZONE("../etc", "z", "availability-zone", "opt-in-not-required",
			"") ZONE("", "z", "availability-zone", "opt-in-not-required",
			"") ZONE("nova", "", "", "",
			"") "</availabilityZoneInfo></DescribeAvailabilityZonesResponse>"));
	assert_string_equal(body(w), "Action=DescribeAvailabilityZones&Version=2016-11-15");
	assert_int_equal(w->n_snapshots, 4);
	assert_string_equal(came.zones[0].name, "nova");
	assert_int_equal(came.zones[0].type, EC2_ZONE_OTHER);
	assert_string_equal(came.zones[1].name, "us-west-2-lax-1a");
	assert_int_equal(came.zones[1].type, EC2_ZONE_LOCAL);
	assert_string_equal(came.zones[1].parent, "us-west-2b");
	assert_int_equal(came.zones[2].type, EC2_ZONE_WAVELENGTH);
	assert_string_equal(came.zones[3].name, "us-west-2b");
	assert_string_equal(came.zones[3].id, "usw2-az1");
	assert_string_equal(came.zones[3].state, "available");
	assert_int_equal(came.zones[3].type, EC2_ZONE_AVAILABILITY);
	world_run(w, describe_zones, (struct step[]){UNAUTHORIZED, {0}});
	assert_int_equal(w->err.errnum, EACCES);
}

/* --- RegisterImage --- */

static void image_ended(void *arg, const char *id, const char *request_id, const struct err *err)
{
	struct world *w = arg;

	w->called++;
	w->err = err ? *err : (struct err){0};
	snprintf(w->id, sizeof(w->id), "%s", id ? id : "none");
	snprintf(w->request_id, sizeof(w->request_id), "%s", request_id ? request_id : "none");
	uv_stop(&w->f->loop);
}

static const struct ec2_new_disk disks[] = {
	{"/dev/xvda", "snap-01234567", "gp3"}, {"/dev/sdf", "snap-89abcdef", NULL}};

static struct aws_call *register_image(struct world *w)
{
	return ec2_register_image(w->aws,
		&(struct ec2_register_image){.region = "eu-west-1",
			.name = "web (1)",
			.architecture = "arm64",
			.root_device = "/dev/xvda",
			.disks = disks,
			.n_disks = 1},
		image_ended, w);
}

static void test_register_image(void **state)
{
	const struct ec2_tag tag = {"Name", "web"};
	struct world *w = *state;

	world_script(OK("<RegisterImageResponse><requestId>r-2</requestId><imageId>"
			"ami-0123456789abcdef0</imageId></RegisterImageResponse>"));
	assert_non_null(ec2_register_image(w->aws,
		&(struct ec2_register_image){.region = "eu-west-1",
			.name = "web (1)",
			.description = "d",
			.architecture = "x86_64",
			.boot_mode = "uefi",
			.root_device = "/dev/xvda",
			.disks = disks,
			.n_disks = 2,
			.tpm = "v2.0",
			.imds = "v2.0",
			.tags = &tag,
			.n_tags = 1},
		image_ended, w));
	world_wait(w);
	assert_int_equal(w->err.errnum, 0);
	assert_string_equal(body(w),
		"Action=RegisterImage&Version=2016-11-15&Name=web%20%281%29&Description=d"
		"&Architecture=x86_64&RootDeviceName=%2Fdev%2Fxvda&VirtualizationType=hvm"
		"&EnaSupport=true&BootMode=uefi&TpmSupport=v2.0&ImdsSupport=v2.0"
		"&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fxvda"
		"&BlockDeviceMapping.1.Ebs.SnapshotId=snap-01234567"
		"&BlockDeviceMapping.1.Ebs.VolumeType=gp3"
		"&BlockDeviceMapping.1.Ebs.DeleteOnTermination=true"
		"&BlockDeviceMapping.2.DeviceName=%2Fdev%2Fsdf"
		"&BlockDeviceMapping.2.Ebs.SnapshotId=snap-89abcdef"
		"&BlockDeviceMapping.2.Ebs.DeleteOnTermination=true"
		"&TagSpecification.1.ResourceType=image&TagSpecification.1.Tag.1.Key=Name"
		"&TagSpecification.1.Tag.1.Value=web");
	assert_string_equal(w->id, "ami-0123456789abcdef0");
	assert_string_equal(w->request_id, "r-2");
	/* Without a token it is sent once. */
	world_run(w, register_image, (struct step[]){INTERNAL, {0}});
	assert_int_equal(world_came(), 1);
	assert_true(w->err.maybe_done);
	world_run(w, register_image,
		(struct step[]){REFUSED("400 Bad Request", "InvalidAMIName.Duplicate"), {0}});
	assert_int_equal(w->err.errnum, EEXIST);
	assert_true(aws_error_is_duplicate(w->err.code));
	world_run(w, register_image, OK("<RegisterImageResponse/>"));
	assert_int_equal(w->err.errnum, EIO);
	assert_string_equal(w->id, "none");
}

/* --- DescribeImages --- */

static void images_ended(
	void *arg, const struct ec2_image *images, size_t n, bool more, const struct err *err)
{
	struct world *w = arg;

	w->called++;
	w->err = err ? *err : (struct err){0};
	w->n_snapshots = n;
	came.more = more;
	assert_true(n <= ARRAY_LEN(came.images));
	for (size_t i = 0; i < n; i++) {
		came.images[i] = images[i];
		came.images[i].disks = NULL;
	}
	if (n && images[0].n_disks == 2) {
		assert_string_equal(images[0].disks[0].device, "/dev/xvda");
		assert_string_equal(images[0].disks[0].snapshot_id, "snap-01234567");
		assert_string_equal(images[0].disks[0].type, "gp3");
		assert_int_equal(images[0].disks[0].size_gib, 8);
		assert_string_equal(images[0].disks[1].device, "/dev/sdb");
		assert_string_equal(images[0].disks[1].snapshot_id, "");
	}
	uv_stop(&w->f->loop);
}

static struct aws_call *describe_images(struct world *w)
{
	static const char *const values[] = {"a*"};
	const struct ec2_filter filter = {"name", values, 1, false};

	return ec2_describe_images(w->aws,
		&(struct ec2_describe_images){.region = "eu-west-1",
			.owners = ec2_owner_self,
			.filters = &filter,
			.n_filters = 1,
			.disabled = true},
		images_ended, w);
}

static void test_describe_images(void **state)
{
	struct world *w = *state;

	world_run(w, describe_images,
		OK("<DescribeImagesResponse><imagesSet><item><imageId>ami-01234567</imageId>"
		   "<imageState>disabled</imageState><imageOwnerId>123456789012</imageOwnerId>"
		   "<name>a*</name><description>x\ny</description><architecture>arm64"
		   "</architecture><bootMode>uefi</bootMode><rootDeviceName>/dev/xvda"
		   "</rootDeviceName><enaSupport>true</enaSupport><virtualizationType>hvm"
		   "</virtualizationType><stateReason><code>c</code><message>m</message>"
		   "</stateReason><blockDeviceMapping><item><deviceName>/dev/xvda</deviceName>"
		   "<ebs><snapshotId>snap-01234567</snapshotId><volumeSize>8</volumeSize>"
		   "<volumeType>gp3</volumeType></ebs></item><item><virtualName>ephemeral0"
		   "</virtualName><deviceName>/dev/sdb</deviceName></item></blockDeviceMapping>"
		   "<tagSet><item><key>name</key><value>b</value></item></tagSet></item>"
		   "<item><imageId>x</imageId><blockDeviceMapping><item/></blockDeviceMapping>"
		   "</item></imagesSet></DescribeImagesResponse>"));
	assert_string_equal(body(w),
		"Action=DescribeImages&Version=2016-11-15&Owner.1=self&Filter.1.Name=name"
		"&Filter.1.Value.1=a%5C%2A&IncludeDisabled=true");
	assert_int_equal(w->n_snapshots, 1);
	assert_false(came.more);
	assert_string_equal(came.images[0].id, "ami-01234567");
	assert_int_equal(came.images[0].state, EC2_IMAGE_DISABLED);
	assert_string_equal(came.images[0].owner_id, "123456789012");
	assert_string_equal(came.images[0].name, "a*");
	assert_string_equal(came.images[0].description, "x y");
	assert_string_equal(came.images[0].architecture, "arm64");
	assert_string_equal(came.images[0].boot_mode, "uefi");
	assert_string_equal(came.images[0].root_device, "/dev/xvda");
	assert_string_equal(came.images[0].virtualization, "hvm");
	assert_string_equal(came.images[0].state_code, "c");
	assert_string_equal(came.images[0].state_message, "m");
	assert_true(came.images[0].ena);
	assert_int_equal(came.images[0].n_disks, 2);
	world_run(w, describe_images, OK("<html/>"));
	assert_int_equal(w->err.errnum, EIO);
}

/* Records that were read in part are freed. */
static void test_cut_responses(void **state)
{
	static const char text[] =
		"<DescribeImagesResponse><imagesSet><item><imageId>ami-01234567</imageId>"
		"<blockDeviceMapping><item><deviceName>/dev/xvda</deviceName></item></"
		"blockDeviceMapping></item><item><imageId>ami-01234568</imageId></item></imagesSet>"
		"</DescribeImagesResponse>";

	(void)state;
	for (size_t len = 0; len < strlen(text); len++) {
		struct ec2_images images;
		struct err err;

		assert_int_equal(ec2_xml_images(text, len, &images, &err), -EIO);
		assert_int_equal(images.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_create_volume, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_create_volume_again, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_create_volume_dry_run, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(
			test_create_volume_responses, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_describe_volumes, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_describe_zones, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_register_image, world_setup, world_teardown),
		cmocka_unit_test_setup_teardown(test_describe_images, world_setup, world_teardown),
		cmocka_unit_test(test_cut_responses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
