/* SPDX-License-Identifier: MIT */
/* Lists the accounts that a snapshot is shared with. */
#include "ec2.h"

#include <errno.h>
#include <stdlib.h>

#include "aws_query.h"
#include "encode.h"
#include "utf8.h"
#include "xml.h"

struct sharing_call {
	struct buf accounts;
	ec2_sharing_done *done;
	void *arg;
};

static int sharing_open(void *arg, int depth, const char *name, struct err *err)
{
	(void)arg;
	return xml_check_root(depth, name, "DescribeSnapshotAttributeResponse", err);
}

/* Takes the texts of createVolumePermission/item/userId and /group. */
static int sharing_close(
	void *arg, int depth, const char *name, const char *text, size_t len, struct err *err)
{
	struct sharing_call *call = arg;
	size_t from;

	if (depth != 4 || !text || (strcmp(name, "userId") != 0 && strcmp(name, "group") != 0))
		return 0;
	from = call->accounts.len;
	text = xml_trim(text, &len);
	if (buf_add(&call->accounts, text, len) == 0 && len)
		call->accounts.len = from + utf8_make_line(call->accounts.data + from);
	buf_putc(&call->accounts, '\n');
	return call->accounts.error ? err_set(err, call->accounts.error, "out of memory") : 0;
}

static int sharing_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct sharing_call *call = arg;
	const struct xml_handler handler = {
		.open = sharing_open, .close = sharing_close, .arg = call};

	buf_clear(&call->accounts);
	return xml_parse(body, len, &handler, err);
}

static void sharing_done(void *arg, const struct err *err)
{
	struct sharing_call *call = arg;

	call->done(call->arg, err ? NULL : buf_str(&call->accounts), err);
}

static void sharing_release(void *arg)
{
	struct sharing_call *call = arg;

	buf_finish(&call->accounts);
	free(call);
}

struct aws_call *ec2_describe_sharing(
	struct aws *aws, const char *region, const char *id, ec2_sharing_done *done, void *arg)
{
	struct sharing_call *call = calloc(1, sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = (struct sharing_call){.done = done, .arg = arg};
	ec2_form_start(&form, aws, "DescribeSnapshotAttribute");
	form_add(&form, id, "SnapshotId");
	form_add(&form, "createVolumePermission", "Attribute");
	return aws_query(aws, &(struct aws_query){.region = region,
				      .service = "ec2",
				      .action = "DescribeSnapshotAttribute",
				      .effect = AWS_READS,
				      .form = &form,
				      .parse = sharing_parse,
				      .done = sharing_done,
				      .release = sharing_release,
				      .arg = call});
}
