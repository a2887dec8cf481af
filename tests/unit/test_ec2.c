/* SPDX-License-Identifier: MIT */
/* ec2: what each call sends, and what it makes of the answer; over real sockets. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "aws_world.h"
#include "cleanup.h"
#include "encode.h"

#define OK(text) ((struct step[]){{.status = "200 OK", .body = (text)}, {0}})

static const char *body(const struct world *w)
{
	return buf_str(&w->f->last_body);
}

static void page_ended(void *arg, struct ec2_page *page, const struct err *err)
{
	struct world *w = arg;

	w->called++;
	assert_null(err);
	w->n_snapshots = page->n_snapshots;
	snprintf(w->id, sizeof(w->id), "%s", page->next_token ? page->next_token : "");
	ec2_page_destroy(page);
	uv_stop(&w->f->loop);
}

static void test_describe_snapshots(void **state)
{
	struct world *w = *state;
	const char *const values[] = {"a b", "snap-0a*"}, *const literal[] = {"C:\\*?"};
	const struct ec2_filter filters[] = {{"tag:Name", literal, 1, false},
		{"snapshot-id", values + 1, 1, true}, {"status", values, 2, true}};

	world_script(OK("<DescribeSnapshotsResponse><snapshotSet/><nextToken>n=</nextToken>"
			"</DescribeSnapshotsResponse>"));
	assert_non_null(ec2_describe_snapshots(w->aws,
		&(struct ec2_describe_snapshots){.region = "eu-west-1",
			.owners = ec2_owner_self,
			.filters = filters,
			.n_filters = 3,
			.max_results = 1000,
			.next_token = "t+/="},
		page_ended, w));
	world_wait(w);
	assert_string_equal(body(w),
		"Action=DescribeSnapshots&Version=2016-11-15&Owner.1=self"
		"&Filter.1.Name=tag%3AName&Filter.1.Value.1=C%3A%5C%5C%5C%2A%5C%3F&Filter.2.Name="
		"snapshot-id&Filter."
		"2.Value.1=snap-0a%2A"
		"&Filter.3.Name=status&Filter.3.Value.1=a%20b&Filter.3.Value.2=snap-0a%2A"
		"&MaxResults=1000&NextToken=t%2B%2F%3D");
	assert_int_equal(w->n_snapshots, 0);
	assert_string_equal(w->id, "n=");
	assert_non_null(strstr(world_head(0),
		"Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n"));
	assert_non_null(strstr(world_head(0),
		"/eu-west-1/ec2/aws4_request, SignedHeaders=content-type;host;x-amz-date, "));
	/* No owner, no page size: nothing is sent for them. */
	world_script(OK("<DescribeSnapshotsResponse/>"));
	w->called = 0;
	assert_non_null(ec2_describe_snapshots(
		w->aws, &(struct ec2_describe_snapshots){.region = "eu-west-1"}, page_ended, w));
	world_wait(w);
	assert_string_equal(body(w), "Action=DescribeSnapshots&Version=2016-11-15");
	/* Several owners, and accounts that may restore. */
	world_script(OK("<DescribeSnapshotsResponse/>"));
	w->called = 0;
	assert_non_null(ec2_describe_snapshots(w->aws,
		&(struct ec2_describe_snapshots){.region = "eu-west-1",
			.owners = (const char *const[]){"self", "111122223333", NULL},
			.restorable_by = (const char *const[]){"all", "self", NULL}},
		page_ended, w));
	world_wait(w);
	assert_string_equal(body(w),
		"Action=DescribeSnapshots&Version=2016-11-15&Owner.1=self&Owner.2=111122223333"
		"&RestorableBy.1=all&RestorableBy.2=self");
}

#define MANY 3000

/* A page of many snapshots; the first answer breaks off in the middle. */
static enum http_server_then breaks_off(
	const struct http_server_request *request, struct buf *reply)
{
	_cleanup_buf_ struct buf page = BUF_INIT;

	buf_puts(&page, "<DescribeSnapshotsResponse><nextToken>n</nextToken><snapshotSet>");
	for (int i = 0; i < MANY; i++)
		buf_printf(&page,
			"<item><snapshotId>snap-%08x</snapshotId><description>the description of "
			"number %d</description></item>",
			i, i);
	buf_puts(&page, "</snapshotSet></DescribeSnapshotsResponse>");
	buf_printf(reply, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", page.len);
	buf_add(reply, page.data, request->request == 1 ? page.len / 2 : page.len);
	return request->request == 1 ? THEN_CLOSE : THEN_KEEP;
}

static struct {
	unsigned parts, twice, cancel_at;
	unsigned seen[MANY];
	struct aws_call *call;
} came;

static void note(const struct ec2_page *page)
{
	for (size_t i = 0; i < page->n_snapshots; i++) {
		unsigned n = (unsigned)strtoul(page->snapshots[i].id + 5, NULL, 16);
		char description[60];

		assert_true(n < MANY);
		snprintf(description, sizeof(description), "the description of number %u", n);
		assert_string_equal(page->snapshots[i].description, description);
		came.twice += came.seen[n]++ > 0;
	}
}

static void part_came(void *arg, struct ec2_page *part)
{
	struct world *w = arg;

	assert_true(part->n_snapshots > 0);
	assert_null(part->next_token);
	note(part);
	ec2_page_destroy(part);
	if (++came.parts == came.cancel_at) {
		aws_cancel(came.call);
		w->called++;
		uv_stop(&w->f->loop);
	}
}

static void last_came(void *arg, struct ec2_page *page, const struct err *err)
{
	assert_null(err);
	note(page);
	assert_string_equal(page->next_token, "n");
	page_ended(arg, page, err);
}

static void describe_in_parts(struct world *w)
{
	w->called = 0;
	came.call = ec2_describe_snapshots(w->aws,
		&(struct ec2_describe_snapshots){.region = "eu-west-1", .on_part = part_came},
		last_came, w);
	assert_non_null(came.call);
	world_wait(w);
}

static void test_a_page_in_parts(void **state)
{
	struct world *w = *state;

	memset(&came, 0, sizeof(came));
	w->f->behaviour = breaks_off;
	describe_in_parts(w);
	assert_int_equal(http_server_requests(w->f->server), 2);
	assert_true(came.parts >= 2);
	for (size_t i = 0; i < MANY; i++)
		assert_in_range(came.seen[i], 1, 2);
	assert_in_range(came.twice, 0, MANY / 2);
	/* A part is a good place to say that this is enough. */
	memset(&came, 0, sizeof(came));
	came.cancel_at = 1;
	describe_in_parts(w);
	uv_run(&w->f->loop, UV_RUN_NOWAIT);
	assert_int_equal(came.parts, 1);
}

static void regions_ended(void *arg, const char *const *names, size_t n, const struct err *err)
{
	struct world *w = arg;

	w->called++;
	w->err = err ? *err : (struct err){0};
	w->n_snapshots = n;
	snprintf(w->id, sizeof(w->id), "%s", n ? names[n - 1] : "");
	uv_stop(&w->f->loop);
}

static struct aws_call *regions(struct world *w)
{
	return ec2_describe_regions(w->aws, "us-east-1", regions_ended, w);
}

static void test_describe_regions(void **state)
{
	struct world *w = *state;

	world_run(w, regions,
		OK("<DescribeRegionsResponse><regionInfo><item><regionName>eu-west-1"
		   "</regionName></item><item><regionName>us-east-1</regionName></item>"
		   "</regionInfo></DescribeRegionsResponse>"));
	assert_string_equal(body(w), "Action=DescribeRegions&Version=2016-11-15");
	assert_int_equal(w->n_snapshots, 2);
	assert_string_equal(w->id, "us-east-1");
}

/* None to show is an error that says why. */
static void test_describe_regions_without_one(void **state)
{
#define REGION(name, status)                                                                       \
	"<item><regionName>" name "</regionName><optInStatus>" status "</optInStatus></item>"
#define REGIONS(items)                                                                             \
	OK("<DescribeRegionsResponse><regionInfo>" items "</regionInfo></"                         \
	   "DescribeRegionsResponse>")
	struct world *w = *state;

	world_run(w, regions, REGIONS(""));
	assert_int_equal(w->err.errnum, ENODATA);
	assert_string_equal(w->err.message,
		"DescribeRegions: the endpoint has named no region; name them with regions=");
	world_run(w, regions, REGIONS(REGION("a-1", "not-opted-in") REGION("b/", "not-opted-in")));
	assert_string_equal(
		w->err.message, "DescribeRegions: of 2 regions none is enabled for the account");
	world_run(w, regions,
		REGIONS(REGION("a-1", "not-opted-in") REGION("../\x1b", "x") REGION("c d", "x")));
	assert_string_equal(w->err.message,
		"DescribeRegions: no region has a name that can be a folder's: "
		"\"../\ufffd\", …");
	world_run(w, regions, REGIONS(REGION("../\xc2\x9b", "x") REGION("c d", "x")));
	assert_string_equal(w->err.message,
		"DescribeRegions: no region has a name that can be a folder's: "
		"\"../?\", …");
	world_run(w, regions, REGIONS(REGION("c d", "x") REGION("RegionOne", "x")));
	assert_int_equal(w->err.errnum, 0);
	assert_string_equal(w->id, "RegionOne");
}

/* The value of a parameter in a form, decoded. */
static char *param(const char *form, const char *name)
{
	_cleanup_buf_ struct buf key = BUF_INIT, value = BUF_INIT;
	const char *at;

	buf_printf(&key, "&%s=", name);
	at = strstr(form, key.data);
	assert_non_null(at);
	at += key.len;
	decode_percent(&value, at, strcspn(at, "&"), 0);
	return buf_steal(&value);
}

static void test_copy_snapshot(void **state)
{
	static const char asked[] = "Action=CopySnapshot&Version=2016-11-15&SourceRegion=us-east-1&"
				    "SourceSnapshotId=snap-01234567"
				    "&Description=%5BCopied%5D%20a&Encrypted=true&KmsKeyId=alias%"
				    "2Fdr&CompletionDurationMinutes=60"
				    "&TagSpecification.1.ResourceType=snapshot&TagSpecification.1."
				    "Tag.1.Key=ebsfs%3Arequest"
				    "&TagSpecification.1.Tag.1.Value=x&TagSpecification.1.Tag.2."
				    "Key=k&TagSpecification.1.Tag.2.Value="
				    "&DestinationRegion=eu-west-1&PresignedUrl=";
	struct world *w = *state;
	const struct ec2_tag tags[] = {{"ebsfs:request", "x"}, {"k", ""}};
	_cleanup_free_ char *url = NULL, *credential = NULL, *description = NULL;

	world_script(OK("<CopySnapshotResponse><requestId>60bc441d</requestId>"
			"<snapshotId>snap-0123456789abcdef0</snapshotId></CopySnapshotResponse>"));
	assert_non_null(ec2_copy_snapshot(w->aws,
		&(struct ec2_copy_snapshot){.region = "eu-west-1",
			.source_region = "us-east-1",
			.source_id = "snap-01234567",
			.description = "[Copied] a",
			.kms_key_id = "alias/dr",
			.encrypted = true,
			.completion_minutes = 60,
			.tags = tags,
			.n_tags = 2},
		world_copy_ended, w));
	world_wait(w);
	assert_string_equal(w->id, "snap-0123456789abcdef0");
	assert_string_equal(w->request_id, "60bc441d");
	assert_memory_equal(body(w), asked, strlen(asked));
	/* The whole request once more, for the source's region. */
	url = param(body(w), "PresignedUrl");
	assert_memory_equal(url, w->url, strlen(w->url));
	assert_memory_equal(
		url + strlen(w->url), "/?Action=CopySnapshot&CompletionDurationMinutes=60&", 50);
	credential = param(url, "X-Amz-Credential");
	assert_non_null(strstr(credential, "AKID1/"));
	assert_non_null(strstr(credential, "/us-east-1/ec2/aws4_request"));
	description = param(url, "Description");
	assert_string_equal(description, "[Copied] a");
	assert_non_null(strstr(url, "&DestinationRegion=eu-west-1&"));
	assert_non_null(strstr(url, "&X-Amz-Expires=3600&"));
	assert_non_null(strstr(url, "&X-Amz-Signature="));
	/* The request itself is for the destination's. */
	assert_non_null(strstr(world_head(0), "/eu-west-1/ec2/aws4_request"));
}

/* The presigned URL is made anew with the keys of each try. */
static void test_copy_with_new_keys(void **state)
{
	struct world *w = *state;
	_cleanup_free_ char *url = NULL, *token = NULL;

	world_run(w, world_copy, (struct step[]){EXPIRED, COPIED, {0}});
	url = param(body(w), "PresignedUrl");
	token = param(url, "X-Amz-Security-Token");
	assert_string_equal(token, "token2");
	assert_null(strstr(body(w), "Encrypted"));
	assert_ptr_equal(strstr(body(w), "&PresignedUrl="), strrchr(body(w), '&'));
}

static void change_ended(void *arg, const struct err *err)
{
	struct world *w = arg;

	w->called++;
	w->err = err ? *err : (struct err){0};
	uv_stop(&w->f->loop);
}

static struct aws_call *create_tags(struct world *w)
{
	const struct ec2_tag tags[] = {{"a/b", "v é"}, {"k", ""}};

	return ec2_create_tags(w->aws, "eu-west-1", "snap-01234567", tags, 2, change_ended, w);
}

static struct aws_call *delete_tag(struct world *w)
{
	return ec2_delete_tag(w->aws, "eu-west-1", "snap-01234567", "a/b", change_ended, w);
}

static void test_changes(void **state)
{
	static const struct {
		struct aws_call *(*start)(struct world *w);
		const char *answer, *sent;
	} table[] = {
		{create_tags,
			"<CreateTagsResponse><requestId>r</requestId><return>true</return>"
			"</CreateTagsResponse>",
			"Action=CreateTags&Version=2016-11-15&ResourceId.1=snap-01234567"
			"&Tag.1.Key=a%2Fb&Tag.1.Value=v%20%C3%A9&Tag.2.Key=k&Tag.2.Value="},
		{delete_tag, "<DeleteTagsResponse><requestId>r</requestId></DeleteTagsResponse>",
			"Action=DeleteTags&Version=2016-11-15&ResourceId.1=snap-01234567&Tag.1.Key="
			"a%2Fb"},
		{world_delete, "<DeleteSnapshotResponse xmlns=\"x\"/>",
			"Action=DeleteSnapshot&Version=2016-11-15&SnapshotId=snap-01234567"},
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		world_run(w, table[i].start, OK(table[i].answer));
		assert_int_equal(w->err.errnum, 0);
		assert_string_equal(body(w), table[i].sent);
	}
	/* Yes is what EC2 says, not what a portal says. */
	world_run(w, world_delete,
		OK("<DeleteSnapshotResponse><return>false</return></DeleteSnapshotResponse>"));
	assert_int_equal(w->err.errnum, EIO);
	world_run(w, world_delete, OK("<html>Please log in</html>"));
	assert_int_equal(w->err.errnum, EIO);
	world_run(w, world_delete, OK(""));
	assert_int_equal(w->err.errnum, EIO);
}

/* DeleteTags without a key would delete every tag. */
static void test_delete_tag_without_a_key(void **state)
{
	struct world *w = *state;

	world_script(OK("<DeleteTagsResponse/>"));
	assert_null(ec2_delete_tag(w->aws, "eu-west-1", "snap-01234567", "", change_ended, w));
}

static void key_ended(void *arg, const char *key, const struct err *err)
{
	struct world *w = arg;

	snprintf(w->id, sizeof(w->id), "%s", key ? key : "none");
	change_ended(w, err);
}

static void on_ended(void *arg, bool on, const struct err *err)
{
	key_ended(arg, on ? "on" : "off", err);
}

static struct aws_call *get_key(struct world *w)
{
	return ec2_get_default_key(w->aws, "eu-west-1", key_ended, w);
}

static struct aws_call *get_on(struct world *w)
{
	return ec2_get_encryption_by_default(w->aws, "eu-west-1", on_ended, w);
}

#define KEY_IS(text)                                                                               \
	OK("<GetEbsDefaultKmsKeyIdResponse><requestId>r</requestId><kmsKeyId>" text                \
	   "</kmsKeyId></GetEbsDefaultKmsKeyIdResponse>")
#define ON_IS(text)                                                                                \
	OK("<GetEbsEncryptionByDefaultResponse><ebsEncryptionByDefault>" text                      \
	   "</ebsEncryptionByDefault><sseType>none</sseType></GetEbsEncryptionByDefaultResponse>")

static void test_encryption_by_default(void **state)
{
	struct world *w = *state;

	world_run(w, get_key, KEY_IS("alias/aws/ebs"));
	assert_string_equal(w->id, "alias/aws/ebs");
	assert_string_equal(body(w), "Action=GetEbsDefaultKmsKeyId&Version=2016-11-15");
	world_run(w, get_on, ON_IS("true"));
	assert_string_equal(w->id, "on");
	assert_string_equal(body(w), "Action=GetEbsEncryptionByDefault&Version=2016-11-15");
	world_run(w, get_on, ON_IS("false"));
	assert_string_equal(w->id, "off");
	assert_int_equal(w->err.errnum, 0);
	/* What does not say it says nothing: off is not what is assumed. */
	world_run(w, get_on, ON_IS("perhaps"));
	assert_int_equal(w->err.errnum, EIO);
	world_run(w, get_on, OK("<GetEbsEncryptionByDefaultResponse/>"));
	assert_int_equal(w->err.errnum, EIO);
	world_run(w, get_key, KEY_IS(""));
	assert_int_equal(w->err.errnum, EIO);
	assert_string_equal(w->id, "none");
	world_run(w, get_on, (struct step[]){UNAUTHORIZED, {0}});
	assert_int_equal(w->err.errnum, EACCES);
}

static struct aws_call *dry_run(struct world *w)
{
	return ec2_copy_snapshot(w->aws,
		&(struct ec2_copy_snapshot){.region = "eu-west-1",
			.source_region = "us-east-1",
			.source_id = "snap-01234567",
			.dry_run = true},
		world_copy_ended, w);
}

/* An endpoint that knows no DryRun has copied, and that is not hidden. */
static void test_dry_run(void **state)
{
	struct world *w = *state;

	world_run(w, dry_run,
		(struct step[]){REFUSED("412 Precondition Failed", "DryRunOperation"), {0}});
	assert_int_equal(w->err.errnum, 0);
	assert_string_equal(w->id, "");
	assert_non_null(strstr(body(w), "&DryRun=true&"));
	world_run(w, dry_run, (struct step[]){COPIED, {0}});
	assert_int_equal(w->err.errnum, 0);
	assert_string_equal(w->id, "snap-0123456789abcdef0");
}

static struct aws_call *sharing(struct world *w)
{
	return ec2_describe_sharing(w->aws, "eu-west-1", "snap-01234567", key_ended, w);
}

#define SHARING_IS(items)                                                                          \
	OK("<DescribeSnapshotAttributeResponse><requestId>r</requestId><snapshotId>snap-01234567"  \
	   "</snapshotId><createVolumePermission>" items                                           \
	   "</createVolumePermission></DescribeSnapshotAttributeResponse>")

static void test_sharing(void **state)
{
	struct world *w = *state;

	world_run(w, sharing,
		SHARING_IS("<item><userId>210987654321</userId></item><item><group> all </group>"
			   "</item><item><userId>1\n2</userId><more><userId>3</userId></more>"
			   "</item>"));
	assert_string_equal(w->id, "210987654321\nall\n1 2\n");
	assert_string_equal(body(w),
		"Action=DescribeSnapshotAttribute&Version=2016-11-15&SnapshotId=snap-01234567"
		"&Attribute=createVolumePermission");
	world_run(w, sharing, SHARING_IS(""));
	assert_int_equal(w->err.errnum, 0);
	assert_string_equal(w->id, "");
	world_run(w, sharing, OK("<DescribeSnapshotsResponse/>"));
	assert_int_equal(w->err.errnum, EIO);
	assert_string_equal(w->id, "none");
	/* Of the snapshot, not of the keys. */
	world_run(w, sharing,
		(struct step[]){REFUSED("401 Unauthorized", "AuthFailure"), GARBAGE, {0}});
	assert_int_equal(w->err.errnum, EACCES);
	assert_null(strstr(w->err.message, "access key"));
	assert_int_equal(world_came(), 1);
}

static void identity_ended(void *arg, const char *account, const char *arn, const struct err *err)
{
	struct world *w = arg;

	w->called++;
	w->err = err ? *err : (struct err){0};
	snprintf(w->id, sizeof(w->id), "%s %s", account ? account : "", arn ? arn : "");
	uv_stop(&w->f->loop);
}

static struct aws_call *identity(struct world *w)
{
	return sts_get_caller_identity(w->aws, "us-east-1", identity_ended, w);
}

#define IDENTITY(account)                                                                          \
	OK("<GetCallerIdentityResponse xmlns=\"x\"><GetCallerIdentityResult>"                      \
	   "<Arn>arn:aws:iam::1:user/a</Arn><UserId>U</UserId><Account>" account "</Account>"      \
	   "</GetCallerIdentityResult></GetCallerIdentityResponse>")

static void test_identity(void **state)
{
	struct world *w = *state;

	world_run(w, identity, IDENTITY("123456789012"));
	assert_string_equal(w->id, "123456789012 arn:aws:iam::1:user/a");
	assert_string_equal(body(w), "Action=GetCallerIdentity&Version=2011-06-15");
	assert_non_null(strstr(world_head(0), "/us-east-1/sts/aws4_request"));
	world_run(w, identity, IDENTITY("../../../x12"));
	assert_int_equal(w->err.errnum, EIO);
	assert_string_equal(w->id, " ");
	world_run(w, identity, IDENTITY("12345678901"));
	assert_int_equal(w->err.errnum, EIO);
	world_run(w, identity, IDENTITY("123456789012x"));
	assert_int_equal(w->err.errnum, EIO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_describe_snapshots),
		TEST(test_a_page_in_parts),
		TEST(test_describe_regions),
		TEST(test_describe_regions_without_one),
		TEST(test_copy_snapshot),
		TEST(test_copy_with_new_keys),
		TEST(test_changes),
		TEST(test_delete_tag_without_a_key),
		TEST(test_encryption_by_default),
		TEST(test_dry_run),
		TEST(test_sharing),
		TEST(test_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
