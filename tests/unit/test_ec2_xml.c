/* SPDX-License-Identifier: MIT */
/* ec2_xml: answers into records; and whatever else may come instead of an answer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "ec2_xml.h"
#include "xml.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define ROOT "<DescribeSnapshotsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"
#define END  "</DescribeSnapshotsResponse>"
#define ID   "<snapshotId>snap-0123456789abcdef0</snapshotId>"

/* As EC2 writes it. */
static const char full[] = HEAD ROOT
	"\n    <requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE</requestId>\n"
	"    <snapshotSet>\n"
	"        <item>\n"
	"            <snapshotId>snap-0a1b2c3d4e5f60718</snapshotId>\n"
	"            <volumeId>vol-0123456789abcdef0</volumeId>\n"
	"            <status>pending</status>\n"
	"            <statusMessage>one &amp; two</statusMessage>\n"
	"            <startTime>2026-11-20T03:00:12.000Z</startTime>\n"
	"            <completionTime>2026-11-20T03:10:12.345Z</completionTime>\n"
	"            <progress>42%</progress>\n"
	"            <ownerId>123456789012</ownerId>\n"
	"            <volumeSize>8</volumeSize>\n"
	"            <description>nightly <![CDATA[<db>]]> &#233;</description>\n"
	"            <encrypted>true</encrypted>\n"
	"            <kmsKeyId>arn:aws:kms:us-east-1:123456789012:key/1</kmsKeyId>\n"
	"            <storageTier>standard</storageTier>\n"
	"            <sseType>sse-kms</sseType>\n"
	"            <transferType>time-based</transferType>\n"
	"            <completionDurationMinutes>60</completionDurationMinutes>\n"
	"            <fullSnapshotSizeInBytes>5368709120</fullSnapshotSizeInBytes>\n"
	"            <tagSet>\n"
	"                <item><key>Name</key><value>  spaces  </value></item>\n"
	"                <item><value/><key>empty</key></item><item><key> </key><value>\n "
	"</value></item>\n"
	"                <item><key>novalue</key></item>\n"
	"                <item><value>nokey</value></item>\n"
	"            </tagSet>\n"
	"        </item>\n"
	"        "
	"<item><snapshotId>snap-01234567</snapshotId><status>new-state</status><progress/></item>\n"
	"    </snapshotSet>\n"
	"    <nextToken>AAAA+/=</nextToken>\n" END;

DEFINE_CLEANUP(struct ec2_page *, ec2_page_destroy)
#define _cleanup_page_ _cleanup_(ec2_page_destroyp)

static int parse(const char *body, struct ec2_page **page, struct err *err)
{
	*err = (struct err){0};
	return ec2_xml_snapshots(body, strlen(body), page, err);
}

static void test_every_field(void **state)
{
	_cleanup_page_ struct ec2_page *page = NULL;
	struct err err;

	(void)state;
	assert_int_equal(parse(full, &page, &err), 0);
	assert_int_equal(page->n_snapshots, 2);
	assert_int_equal(page->n_refused, 0);
	assert_string_equal(page->next_token, "AAAA+/=");
	const struct ec2_snapshot *s = &page->snapshots[0];

	assert_string_equal(s->id, "snap-0a1b2c3d4e5f60718");
	assert_string_equal(s->volume_id, "vol-0123456789abcdef0");
	assert_string_equal(s->state_text, "pending");
	assert_int_equal(s->state, EC2_SNAPSHOT_PENDING);
	assert_string_equal(s->state_message, "one & two");
	assert_int_equal(s->start_ms, 1795143612000);
	assert_int_equal(s->completion_ms, 1795144212345);
	assert_int_equal(s->progress, 42);
	assert_string_equal(s->owner_id, "123456789012");
	assert_int_equal(s->volume_gib, 8);
	assert_string_equal(s->description, "nightly <db> \303\251");
	assert_int_equal(s->encryption, EC2_ENCRYPTION_PRESENT);
	assert_string_equal(s->kms_key_id, "arn:aws:kms:us-east-1:123456789012:key/1");
	assert_string_equal(s->transfer_type, "time-based");
	assert_int_equal(s->full_size, 5368709120);
	assert_int_equal(s->n_tags, 4);
	assert_string_equal(s->tags[0].key, "Name");
	assert_string_equal(s->tags[0].value, "  spaces  ");
	assert_string_equal(s->tags[1].key, "empty");
	assert_string_equal(s->tags[1].value, "");
	assert_string_equal(s->tags[2].key, " ");
	assert_string_equal(s->tags[2].value, "\n ");
	assert_string_equal(s->tags[3].key, "novalue");
	assert_string_equal(s->tags[3].value, "");
	assert_int_equal(s->n_fields, 3);
	assert_string_equal(s->fields[0].name, "StorageTier");
	assert_string_equal(s->fields[0].value, "standard");
	assert_string_equal(s->fields[1].name, "SSEType");
	assert_string_equal(s->fields[2].name, "CompletionDurationMinutes");

	s = &page->snapshots[1];
	assert_string_equal(s->id, "snap-01234567");
	assert_int_equal(s->state, EC2_SNAPSHOT_UNKNOWN);
	assert_string_equal(s->state_text, "new-state");
	assert_int_equal(s->progress, EC2_PROGRESS_UNKNOWN);
	assert_int_equal(s->full_size, -1);
	assert_int_equal(s->start_ms, 0);
	assert_null(s->description);
	assert_null(s->volume_id);
	assert_int_equal(s->n_tags + s->n_fields, 0);
	assert_int_equal(s->encryption, EC2_ENCRYPTION_UNKNOWN);
}

/* Whatever byte the answer is cut at, it is no answer. */
static void test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(full) - 1; len++) {
		_cleanup_page_ struct ec2_page *page = NULL;
		struct err err = {0};

		if (ec2_xml_snapshots(full, len, &page, &err) != -EIO || page || !err.message[0])
			fail_msg("cut at %zu: %s", len, err.message);
	}
}

static void test_fields_one_by_one(void **state)
{
	static const struct {
		const char *xml;
		int progress;
		enum ec2_snapshot_state state;
		int64_t full_size, start_ms;
		uint32_t gib;
		size_t n_tags, n_fields;
	} table[] = {
		{"<progress>100%</progress>", 100, 0, -1, 0, 0, 0, 0},
		{"<progress>87</progress>", 87, 0, -1, 0, 0, 0, 0},
		{"<progress>101%</progress>", -1, 0, -1, 0, 0, 0, 0},
		{"<progress>%</progress>", -1, 0, -1, 0, 0, 0, 0},
		{"<progress>-1%</progress>", -1, 0, -1, 0, 0, 0, 0},
		{"<status>completed</status>", -1, EC2_SNAPSHOT_COMPLETED, -1, 0, 0, 0, 0},
		{"<status>error</status>", -1, EC2_SNAPSHOT_ERROR, -1, 0, 0, 0, 0},
		{"<status>recoverable</status>", -1, EC2_SNAPSHOT_RECOVERABLE, -1, 0, 0, 0, 0},
		{"<status>recovering</status>", -1, EC2_SNAPSHOT_RECOVERING, -1, 0, 0, 0, 0},
		{"<volumeSize>65536</volumeSize>", -1, 0, -1, 0, 65536, 0, 0},
		{"<volumeSize>99999999999</volumeSize>", -1, 0, -1, 0, 0, 0, 0},
		{"<volumeSize>8 GiB</volumeSize>", -1, 0, -1, 0, 0, 0, 0},
		{"<fullSnapshotSizeInBytes>0</fullSnapshotSizeInBytes>", -1, 0, 0, 0, 0, 0, 0},
		{"<fullSnapshotSizeInBytes>-7</fullSnapshotSizeInBytes>", -1, 0, -1, 0, 0, 0, 0},
		{"<startTime>yesterday</startTime>", -1, 0, -1, 0, 0, 0, 0},
		{"<startTime>1970-01-01T00:00:01Z</startTime>", -1, 0, -1, 1000, 0, 0, 0},
		{"<status> error\n</status>", -1, EC2_SNAPSHOT_ERROR, -1, 0, 0, 0, 0},
		{"<tagSet/>", -1, 0, -1, 0, 0, 0, 0},
		{"<tagSet><item><key></key><value>v</value></item></tagSet>", -1, 0, -1, 0, 0, 0,
			0},
		{"<tagSet><item><key>k</key><value>v</value><key2>x</key2></item></tagSet>", -1, 0,
			-1, 0, 0, 1, 0},
		{"<somethingNew>x</somethingNew>", -1, 0, -1, 0, 0, 0, 1},
		{"<somethingNew><item>x</item></somethingNew>", -1, 0, -1, 0, 0, 0, 0},
		{"<a-b>x</a-b><a.b>x</a.b>", -1, 0, -1, 0, 0, 0, 0},
		{"<e:ownerAlias xmlns:e=\"urn:x\">self</e:ownerAlias>", -1, 0, -1, 0, 0, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		_cleanup_page_ struct ec2_page *page = NULL;
		_cleanup_buf_ struct buf body = BUF_INIT;
		struct err err;

		buf_printf(&body, "%s<snapshotSet><item>%s%s</item></snapshotSet>%s", ROOT, ID,
			table[i].xml, END);
		if (parse(body.data, &page, &err) < 0)
			fail_msg("%s: %s", table[i].xml, err.message);
		assert_int_equal(page->n_snapshots, 1);
		const struct ec2_snapshot *s = &page->snapshots[0];

		if (s->progress != table[i].progress || s->state != table[i].state ||
			s->full_size != table[i].full_size || s->start_ms != table[i].start_ms ||
			s->volume_gib != table[i].gib || s->n_tags != table[i].n_tags ||
			s->n_fields != table[i].n_fields)
			fail_msg("%s", table[i].xml);
	}
}

/* Answers without records, and with records that must not become names. */
static void test_which_records_count(void **state)
{
	static const struct {
		const char *xml;
		size_t n, refused;
		const char *token;
	} table[] = {
		{"<snapshotSet/>", 0, 0, NULL},
		{"", 0, 0, NULL},
		{"<snapshotSet/><nextToken/>", 0, 0, NULL},
		{"<snapshotSet/><nextToken>t</nextToken>", 0, 0, "t"},
		{"<nextToken>t</nextToken><snapshotSet><item>" ID
		 "</item></snapshotSet><requestId>request-id</requestId>",
			1, 0, "t"},
		{"<other><item>" ID "</item></other>", 0, 0, NULL},
		{"<snapshotSet><item/></snapshotSet>", 0, 1, NULL},
		{"<snapshotSet><item><snapshotId>../../etc</snapshotId></item></snapshotSet>", 0, 1,
			NULL},
		{"<snapshotSet><item><snapshotId></snapshotId></item></snapshotSet>", 0, 1, NULL},
		{"<snapshotSet><item><snapshotId>snap-0123/567</snapshotId></item></snapshotSet>",
			0, 1, NULL},
		{"<snapshotSet><item><snapshotId>snap-0123456</snapshotId></item></snapshotSet>", 0,
			1, NULL},
		{"<snapshotSet><item><snapshotId>snap-0123456G</snapshotId></item></snapshotSet>",
			0, 1, NULL},
		{"<snapshotSet><item><snapshotId>SNAP-01234567</snapshotId></item></snapshotSet>",
			0, 1, NULL},
		{"<snapshotSet><item><snapshotId>vol-01234567</snapshotId></item></snapshotSet>", 0,
			1, NULL},
		{"<snapshotSet><item><snapshotId> snap-01234567</snapshotId></item></snapshotSet>",
			1, 0, NULL},
		{"<snapshotSet><item><snapshotId>snap-01234567&#10;</snapshotId></item>"
		 "</snapshotSet>",
			1, 0, NULL},
		{"<snapshotSet><item><snapshotId>snap-0123 4567</snapshotId></item></snapshotSet>",
			0, 1, NULL},
		{"<snapshotSet><item><snapshotId>snap-7CE23B9B</snapshotId></item></snapshotSet>",
			1, 0, NULL},
		{"<snapshotSet><item><snapshotId>s.snap-01234567</snapshotId></item></snapshotSet>",
			0, 1, NULL},
		{"<snapshotSet/><nextToken> t\n</nextToken>", 0, 0, "t"},
		{"<snapshotSet><item><snapshotId><b>snap-01234567</b></snapshotId></item>"
		 "</snapshotSet>",
			0, 1, NULL},
		{"<snapshotSet><item>" ID "</item><item><x/></item><item>" ID
		 "</item></snapshotSet>",
			2, 1, NULL},
		/* The id of a tag is not the record's. */
		{"<snapshotSet><item><tagSet><item>" ID "</item></tagSet></item></snapshotSet>", 0,
			1, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		_cleanup_page_ struct ec2_page *page = NULL;
		_cleanup_buf_ struct buf body = BUF_INIT;
		struct err err;

		buf_printf(&body, "%s%s%s", ROOT, table[i].xml, END);
		if (parse(body.data, &page, &err) < 0)
			fail_msg("%s: %s", table[i].xml, err.message);
		if (page->n_snapshots != table[i].n || page->n_refused != table[i].refused)
			fail_msg("%s: %zu, %zu", table[i].xml, page->n_snapshots, page->n_refused);
		assert_int_equal(!page->next_token, !table[i].token);
		if (table[i].token)
			assert_string_equal(page->next_token, table[i].token);
	}
}

static void test_snapshot_ids(void **state)
{
	char id[80] = "snap-";

	(void)state;
	for (size_t digits = 0; digits < 70; digits++) {
		assert_int_equal(ec2_is_snapshot_id(id), digits >= 8 && digits <= 59);
		strcat(id, "a");
	}
	assert_true(ec2_is_snapshot_id("snap-0123456789abcdef0"));
	assert_false(ec2_is_snapshot_id(""));
}

static void test_what_is_no_answer(void **state)
{
	static const struct {
		const char *body, *reason;
	} table[] = {
		{"", "not well-formed XML"},
		{"hello", "not well-formed XML"},
		{"<html><body>Internal Server Error</body></html>",
			"the response is not a DescribeSnapshotsResponse but a html"},
		{"<DescribeSnapshotsResponse/><DescribeSnapshotsResponse/>", "not well-formed XML"},
		{ROOT "<snapshotSet><item></snapshotSet>" END, "not well-formed XML"},
		{ROOT "<a>&undefined;</a>" END, "not well-formed XML"},
		{ROOT "<a\xff></a>" END, "not well-formed XML"},
		{ROOT "<a>&#1</a>" END, "not well-formed XML"},
		{ROOT "<nextToken>t\x01</nextToken>" END,
			"the token of the next page is malformed"},
		{"<!DOCTYPE DescribeSnapshotsResponse>" ROOT END,
			"the XML has a document type definition"},
		{"<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>" ROOT "<a>&b;</a>" END,
			"the XML has a document type definition"},
		{"<!DOCTYPE x SYSTEM \"file:///etc/passwd\">" ROOT END,
			"the XML has a document type definition"},
		{"<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" ROOT "&e;" END,
			"the XML has a document type definition"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		_cleanup_page_ struct ec2_page *page = NULL;
		struct err err;

		assert_int_equal(parse(table[i].body, &page, &err), -EIO);
		if (strncmp(err.message, table[i].reason, strlen(table[i].reason)))
			fail_msg("%s: %s", table[i].body, err.message);
		assert_null(page);
	}
}

/* Parses one item between two others, which are whole whatever it is. */
static struct ec2_page *parse_odd(const char *item)
{
	struct ec2_page *page = NULL;
	struct err err;
	_cleanup_buf_ struct buf body = BUF_INIT;

	buf_printf(&body,
		"%s<snapshotSet><item><snapshotId>snap-11111111</snapshotId></item><item>%s</item>"
		"<item><snapshotId>snap-22222222</snapshotId></item></snapshotSet>%s",
		ROOT, item, END);
	if (parse(body.data, &page, &err) < 0)
		fail_msg("%.200s: %s", item, err.message);
	assert_int_equal(page->n_snapshots + page->n_refused, 3);
	assert_string_equal(page->snapshots[0].id, "snap-11111111");
	assert_string_equal(page->snapshots[page->n_snapshots - 1].id, "snap-22222222");
	assert_int_equal(page->snapshots[0].flaws, 0);
	assert_int_equal(page->snapshots[page->n_snapshots - 1].flaws, 0);
	return page;
}

/* What XML does not permit concerns one text. */
static void test_characters_that_are_none(void **state)
{
	static const struct {
		const char *sent, *shown;
	} table[] = {{"a\x01z", "a\ufffdz"}, {"a\x1b[31mz", "a\ufffd[31mz"}, {"a&#1;z", "a\ufffdz"},
		{"a&#x1B;z", "a\ufffdz"}, {"a&#0;z", "a\ufffdz"}, {"a&#xd800;z", "a\ufffdz"},
		{"a&#x110000;z", "a\ufffdz"}, {"a\xffz", "a\ufffdz"}, {"a\xc3z", "a\ufffdz"},
		{"\xe2\x82", "\ufffd\ufffd"}, {"a\xed\xa0\x80z", "a\ufffd\ufffd\ufffdz"},
		{"a\xef\xbf\xbez", "a\ufffdz"}};
	_cleanup_buf_ struct buf item = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		_cleanup_page_ struct ec2_page *page = NULL;

		buf_clear(&item);
		buf_printf(&item,
			ID "<tagSet><item><key>k</key><value>%s</value></item></tagSet>"
			   "<description>%s</description>",
			table[i].sent, table[i].sent);
		page = parse_odd(item.data);
		assert_string_equal(page->snapshots[1].tags[0].value, table[i].shown);
		assert_string_equal(page->snapshots[1].description, table[i].shown);
		assert_int_equal(page->snapshots[1].flaws, EC2_FLAW_TEXT);
	}
}

/* AWS and its like write UTF-8; a document that says otherwise is not believed. */
static void test_another_encoding(void **state)
{
	_cleanup_page_ struct ec2_page *page = NULL;
	struct err err;

	(void)state;
	assert_int_equal(parse("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>" ROOT
			       "<snapshotSet><item>" ID
			       "<description>\xe9\xc3\xa9</description></item></snapshotSet>" END,
				 &page, &err),
		0);
	assert_string_equal(page->snapshots[0].description, "\ufffd\u00e9");
	assert_int_equal(page->snapshots[0].flaws, EC2_FLAW_TEXT);
}

/* Wherever the pieces that arrive are cut, the same comes out. */
static void test_characters_across_pieces(void **state)
{
	const char *body =
		ROOT "<snapshotSet><item>" ID "<description>&#x1;\xf0\x9f\x98\x80&#233;\x02"
		     "&amp;\xe2\x82\xac\xff&#xe9;</description></item></snapshotSet>" END;

	(void)state;
	for (size_t step = 1; step < 20; step++) {
		struct ec2_snapshots_reader *r = ec2_snapshots_reader_create(false);
		_cleanup_page_ struct ec2_page *page = NULL;
		struct err err;

		for (size_t at = 0; at < strlen(body); at += step)
			assert_int_equal(ec2_snapshots_reader_read(
						 r, body + at, strnlen(body + at, step), &err),
				0);
		assert_int_equal(ec2_snapshots_reader_end(r, &page, &err), 0);
		assert_string_equal(page->snapshots[0].description,
			"\ufffd\U0001f600\u00e9\ufffd&\u20ac\ufffd\u00e9");
		ec2_snapshots_reader_destroy(r);
	}
}

static void test_values_that_are_none(void **state)
{
	static const struct {
		const char *xml;
		enum ec2_encryption encryption;
		int64_t start_ms, full_size;
		unsigned flaws;
	} table[] = {
		{"<encrypted>true</encrypted>", EC2_ENCRYPTION_PRESENT, 0, -1, 0},
		{"<encrypted>True</encrypted>", EC2_ENCRYPTION_PRESENT, 0, -1, 0},
		{"<encrypted>1</encrypted>", EC2_ENCRYPTION_PRESENT, 0, -1, 0},
		{"<encrypted> false\n</encrypted>", EC2_ENCRYPTION_NONE, 0, -1, 0},
		{"<encrypted>FALSE</encrypted>", EC2_ENCRYPTION_NONE, 0, -1, 0},
		{"<encrypted>0</encrypted>", EC2_ENCRYPTION_NONE, 0, -1, 0},
		{"<encrypted/>", EC2_ENCRYPTION_UNKNOWN, 0, -1, 0},
		{"<encrypted>yes</encrypted>", EC2_ENCRYPTION_UNKNOWN, 0, -1, EC2_FLAW_VALUES},
		{"<startTime>2026-11-20T03:00:12+02:00</startTime>", 0, 1795136412000, -1, 0},
		{"<startTime> 2026-11-20 03:00:12 </startTime>", 0, 1795143612000, -1, 0},
		{"<startTime>0001-01-01T00:00:00Z</startTime>", 0, 0, -1, 0},
		{"<startTime>yesterday</startTime>", 0, 0, -1, EC2_FLAW_VALUES},
		{"<fullSnapshotSizeInBytes> 4096 </fullSnapshotSizeInBytes>", 0, 0, 4096, 0},
		{"<fullSnapshotSizeInBytes>9223372036854775807</fullSnapshotSizeInBytes>", 0, 0, -1,
			EC2_FLAW_VALUES},
		{"<fullSnapshotSizeInBytes>-4096</fullSnapshotSizeInBytes>", 0, 0, -1,
			EC2_FLAW_VALUES},
		{"<volumeSize>many</volumeSize>", 0, 0, -1, EC2_FLAW_VALUES},
		{"<progress></progress>", 0, 0, -1, 0},
		{"<progress>lots</progress>", 0, 0, -1, EC2_FLAW_VALUES},
	};
	_cleanup_buf_ struct buf item = BUF_INIT;
	char text[EC2_FLAWS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		_cleanup_page_ struct ec2_page *page = NULL;
		const struct ec2_snapshot *s;

		buf_clear(&item);
		buf_printf(&item, ID "%s", table[i].xml);
		page = parse_odd(item.data);
		s = &page->snapshots[1];
		if (s->encryption != table[i].encryption || s->start_ms != table[i].start_ms ||
			s->full_size != table[i].full_size || s->flaws != table[i].flaws)
			fail_msg("%s", table[i].xml);
	}
	assert_string_equal(ec2_flaws_text(EC2_FLAW_VALUES, text),
		"not shown as EC2 sent it: dates or numbers that are none are left out");
	assert_true(strlen(ec2_flaws_text(EC2_FLAWS, text)) < sizeof(text) - 1);
}

static void test_ids_left_out_are_named(void **state)
{
	_cleanup_page_ struct ec2_page *page = NULL;
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct err err;

	(void)state;
	buf_puts(&body, ROOT "<snapshotSet>");
	for (int i = 0; i < 100; i++)
		buf_printf(&body, "<item><snapshotId>s.snap-%08x&#27;</snapshotId></item>", i);
	buf_puts(&body, "<item/></snapshotSet>" END);
	assert_int_equal(parse(body.data, &page, &err), 0);
	assert_int_equal(page->n_refused, 101);
	assert_string_equal(page->refused[99], "s.snap-00000063\ufffd");
	assert_string_equal(page->refused[100], "");
}

static void repeat(struct buf *body, const char *text, int n)
{
	for (int i = 0; i < n; i++)
		buf_puts(body, text);
}

/* Each bound of one record: what just fits, and far more. */
static void test_bounds_of_a_record(void **state)
{
	static const struct {
		const char *before, *unit, *after;
		int fits, more;
		unsigned flaws;
	} table[] = {
		{"<description>", "x", "</description>", 60000, 1000000, EC2_FLAW_TEXT},
		{"<tagSet>", "<item><key>k</key></item>", "</tagSet>", EC2_XML_TAGS_MAX, 10000,
			EC2_FLAW_TAGS},
		{"", "<new>x</new>", "", EC2_XML_FIELDS_MAX, 1000, EC2_FLAW_FIELDS},
	};
	_cleanup_buf_ struct buf item = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		for (int more = 0; more < 2; more++) {
			_cleanup_page_ struct ec2_page *page = NULL;

			buf_clear(&item);
			buf_puts(&item, ID);
			buf_puts(&item, table[i].before);
			repeat(&item, table[i].unit, more ? table[i].more : table[i].fits);
			buf_puts(&item, table[i].after);
			page = parse_odd(item.data);
			assert_int_equal(page->snapshots[1].flaws, more ? table[i].flaws : 0);
		}
	/* Nested deeper than any answer of EC2's. */
	for (int depth = 1; depth < 240; depth += 7) {
		_cleanup_page_ struct ec2_page *page = NULL;

		buf_clear(&item);
		buf_puts(&item, ID);
		repeat(&item, "<a>", depth);
		repeat(&item, "</a>", depth);
		page = parse_odd(item.data);
		assert_string_equal(page->snapshots[1].id, "snap-0123456789abcdef0");
	}
}

/* Copies are known again by ebsfs's own tags. */
static void test_own_tags_are_kept(void **state)
{
	_cleanup_page_ struct ec2_page *page = NULL;
	_cleanup_buf_ struct buf item = BUF_INIT;
	const struct ec2_snapshot *s;

	(void)state;
	buf_puts(&item, ID "<tagSet>");
	repeat(&item, "<item><key>k</key></item>", 500);
	buf_puts(&item, "<item><key>ebsfs:request</key><value>t</value></item></tagSet>");
	page = parse_odd(item.data);
	s = &page->snapshots[1];
	assert_int_equal(s->n_tags, EC2_XML_TAGS_MAX);
	assert_string_equal(s->tags[s->n_tags - 1].key, "ebsfs:request");
	assert_string_equal(s->tags[s->n_tags - 1].value, "t");
}

/* Beyond these bounds the page is malformed, not one record odd. */
static void test_bounds_of_an_answer(void **state)
{
	static const struct {
		const char *unit, *reason;
		int n;
	} table[] = {
		{"<item/>", "the response has more than 100000 snapshots", EC2_XML_RECORDS_MAX + 1},
		{"<a>", "the XML is nested deeper than 256 elements", 300},
		{"xxxxxxxxxxxxxxxx", "the XML has a text longer than 16777216 bytes", 1100000},
	};
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		_cleanup_page_ struct ec2_page *page = NULL;

		buf_clear(&body);
		buf_puts(&body, ROOT "<snapshotSet>");
		repeat(&body, table[i].unit, table[i].n);
		assert_int_equal(parse(body.data, &page, &err), -EIO);
		assert_string_equal(err.message, table[i].reason);
	}
}

/* Each name costs memory and, in libxml2's table, time. */
static void test_too_many_names(void **state)
{
	_cleanup_page_ struct ec2_page *page = NULL;
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct err err;

	(void)state;
	buf_puts(&body, ROOT);
	for (int i = 0; i < 20000; i++)
		buf_printf(&body, "<name%d/>", i);
	buf_puts(&body, END);
	assert_int_equal(parse(body.data, &page, &err), -EIO);
	assert_string_equal(err.message, "the XML has too many different names");
}

/* Texts and tags that lie across the pieces in which the parser is fed. */
static void test_large_pages(void **state)
{
	_cleanup_page_ struct ec2_page *page = NULL;
	_cleanup_buf_ struct buf body = BUF_INIT;
	struct err err;

	(void)state;
	buf_printf(&body, "%s<snapshotSet>", ROOT);
	for (int i = 0; i < 3000; i++)
		buf_printf(&body,
			"<item><snapshotId>snap-%017x</snapshotId><description>number &lt;%d&gt;"
			"</description><tagSet><item><key>Name</key><value>n%d</value></item>"
			"</tagSet><ownerAlias>%d</ownerAlias></item>",
			i, i, i, i);
	buf_printf(&body, "</snapshotSet>%s", END);
	assert_int_equal(parse(body.data, &page, &err), 0);
	assert_int_equal(page->n_snapshots, 3000);
	for (int i = 0; i < 3000; i++) {
		const struct ec2_snapshot *s = &page->snapshots[i];
		char text[64];

		snprintf(text, sizeof(text), "snap-%017x", i);
		assert_string_equal(s->id, text);
		snprintf(text, sizeof(text), "number <%d>", i);
		assert_string_equal(s->description, text);
		snprintf(text, sizeof(text), "n%d", i);
		assert_string_equal(s->tags[0].value, text);
		assert_string_equal(s->fields[0].value, text + 1);
	}
}

static void test_regions(void **state)
{
	static const char body[] =
		HEAD "<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"
		     "<requestId>x</requestId><regionInfo><item><regionName>eu-west-1</regionName>"
		     "<regionEndpoint>ec2.eu-west-1.amazonaws.com</regionEndpoint><optInStatus>"
		     "opt-in-not-required</optInStatus></item><item/><item><regionName>us-east-1"
		     "</regionName></item><item><optInStatus>not-opted-in</optInStatus><regionName>"
		     "af-south-1</regionName></item><item><regionName>ap-east-1</regionName>"
		     "<optInStatus>opted-in</optInStatus></item><item><regionName>../x</regionName>"
		     "</item><item><regionName/></item><item/><item><regionName>"
		     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-1</"
		     "regionName></item>"
		     "<item><regionName>RegionOne</regionName></item>"
		     "</regionInfo></DescribeRegionsResponse>";
	static const char spaced[] =
		"<DescribeRegionsResponse><regionInfo><item><regionName>\n eu-west-1\n "
		"</regionName>"
		"</item><item><regionName>eu-west-1</regionName></item><item><regionName>us-east-1"
		"</regionName><optInStatus> not-opted-in </optInStatus></item></regionInfo>"
		"</DescribeRegionsResponse>";
	struct ec2_regions regions;
	_cleanup_buf_ struct buf many = BUF_INIT;
	struct err err;

	(void)state;
	assert_int_equal(ec2_xml_regions(body, strlen(body), &regions, &err), 0);
	assert_int_equal(regions.n, 4);
	assert_int_equal(regions.n_disabled, 1);
	assert_int_equal(regions.n_refused, 2);
	assert_string_equal(regions.refused, "../x");
	assert_string_equal(regions.names[3], "RegionOne");
	assert_string_equal(regions.names[0], "eu-west-1");
	assert_string_equal(regions.names[1], "us-east-1");
	assert_string_equal(regions.names[2], "ap-east-1");
	ec2_regions_finish(&regions);
	assert_int_equal(ec2_xml_regions(spaced, strlen(spaced), &regions, &err), 0);
	assert_int_equal(regions.n, 1);
	assert_string_equal(regions.names[0], "eu-west-1");
	ec2_regions_finish(&regions);
	assert_int_equal(ec2_xml_regions(body, strlen(body) - 1, &regions, &err), -EIO);
	assert_int_equal(regions.n, 0);
	assert_int_equal(ec2_xml_regions(full, strlen(full), &regions, &err), -EIO);
	buf_puts(&many, "<DescribeRegionsResponse><regionInfo>");
	for (int i = 0; i <= EC2_XML_REGIONS_MAX; i++)
		buf_printf(&many, "<item><regionName>us-east-%d</regionName></item>", i + 1);
	buf_puts(&many, "</regionInfo></DescribeRegionsResponse>");
	assert_int_equal(ec2_xml_regions(many.data, many.len, &regions, &err), -EIO);
	assert_string_equal(err.message, "more than 256 regions");
}

static void test_texts(void **state)
{
	static const char body[] = "<R xmlns=\"x\"><snapshotId>snap-1</snapshotId><a><b>in "
				   "a</b><c/></a><b>at the root</b>"
				   "<other><a><b>deeper</b></a></other></R>";
	char id[16], in_a[16], c[4] = "?", absent[4] = "?", cut[4];
	const struct xml_text texts[] = {{"snapshotId", id, sizeof(id)},
		{"a/b", in_a, sizeof(in_a)}, {"a/c", c, sizeof(c)}, {"a/x", absent, sizeof(absent)},
		{"b", cut, sizeof(cut)}};
	_cleanup_buf_ struct buf names = BUF_INIT;
	struct err err;

	(void)state;
	assert_int_equal(xml_texts(body, strlen(body), "R", texts, 5, &err), 0);
	assert_string_equal(id, "snap-1");
	assert_string_equal(in_a, "in a");
	assert_string_equal(c, "");
	assert_string_equal(absent, "");
	assert_string_equal(cut, "at ");
	assert_int_equal(xml_texts(body, strlen(body), "S", texts, 5, &err), -EIO);
	assert_string_equal(err.message, "the response is not a S but a R");
	buf_puts(&names, "<R><");
	repeat(&names, "x", 300);
	buf_puts(&names, "/></R>");
	assert_int_equal(xml_texts(names.data, names.len, "R", texts, 5, &err), -EIO);
	assert_string_equal(err.message, "the XML has names that are too long");
}

static int set_up(void **state)
{
	(void)state;
	xml_setup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_fields_one_by_one),
		cmocka_unit_test(test_which_records_count),
		cmocka_unit_test(test_snapshot_ids),
		cmocka_unit_test(test_what_is_no_answer),
		cmocka_unit_test(test_characters_that_are_none),
		cmocka_unit_test(test_another_encoding),
		cmocka_unit_test(test_characters_across_pieces),
		cmocka_unit_test(test_values_that_are_none),
		cmocka_unit_test(test_ids_left_out_are_named),
		cmocka_unit_test(test_bounds_of_a_record),
		cmocka_unit_test(test_own_tags_are_kept),
		cmocka_unit_test(test_bounds_of_an_answer),
		cmocka_unit_test(test_too_many_names),
		cmocka_unit_test(test_large_pages),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
