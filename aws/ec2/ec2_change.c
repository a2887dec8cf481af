/* SPDX-License-Identifier: MIT */
/* EC2's calls that change something and say no more than yes: DeleteSnapshot, CreateTags,
 * DeleteTags. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ec2_call.h"
#include "ec2_xml.h"
#include "form.h"

struct change_call {
	char root[40];
	ec2_done *done;
	void *arg;
};

/* Anybody can say 200 (a proxy, a portal); only EC2 says <ActionResponse>. Its <return> is
 * documented as true. */
static int change_parse(void *arg, const char *body, size_t len, struct err *err)
{
	const struct change_call *call = arg;
	char result[8] = "";
	const struct ec2_xml_text texts[] = {{"return", result, sizeof(result)}};
	int r = ec2_xml_texts(body, len, call->root, texts, 1, err);

	if (!r && !strcmp(result, "false"))
		return err_set(err, EIO, "EC2 answered false");
	return r;
}

static void change_done(void *arg, const struct err *err)
{
	struct change_call *call = arg;

	call->done(call->arg, err);
}

/* Takes the form. */
static struct aws_call *change(struct aws *aws, const char *region, const char *action,
	struct buf *form, ec2_done *done, void *arg)
{
	struct change_call *call = calloc(1, sizeof(*call));

	if (!call) {
		buf_finish(form);
		return NULL;
	}
	*call = (struct change_call){.done = done, .arg = arg};
	snprintf(call->root, sizeof(call->root), "%sResponse", action);
	return aws_query(aws, &(struct aws_query){.region = region,
				      .service = "ec2",
				      .action = action,
				      .effect = AWS_REPEATABLE,
				      .form = form,
				      .parse = change_parse,
				      .done = change_done,
				      .release = free,
				      .arg = call});
}

struct aws_call *ec2_delete_snapshot(
	struct aws *aws, const char *region, const char *id, ec2_done *done, void *arg)
{
	struct buf form = BUF_INIT;

	ec2_form_start(&form, aws, "DeleteSnapshot");
	form_add(&form, id, "SnapshotId");
	return change(aws, region, "DeleteSnapshot", &form, done, arg);
}

void ec2_form_tags(struct buf *form, const char *prefix, const struct ec2_tag *tags, size_t n_tags)
{
	for (size_t i = 0; i < n_tags; i++) {
		form_add(form, tags[i].key, "%s.%zu.Key", prefix, i + 1);
		form_add(form, tags[i].value, "%s.%zu.Value", prefix, i + 1);
	}
}

struct aws_call *ec2_create_tags(struct aws *aws, const char *region, const char *id,
	const struct ec2_tag *tags, size_t n_tags, ec2_done *done, void *arg)
{
	struct buf form = BUF_INIT;

	ec2_form_start(&form, aws, "CreateTags");
	form_add(&form, id, "ResourceId.1");
	ec2_form_tags(&form, "Tag", tags, n_tags);
	return change(aws, region, "CreateTags", &form, done, arg);
}

struct aws_call *ec2_delete_tag(struct aws *aws, const char *region, const char *id,
	const char *key, ec2_done *done, void *arg)
{
	struct buf form = BUF_INIT;

	/* A request without a key would delete every tag: refused as what it would be, a failure to
	 * make the request. */
	if (!*key)
		return NULL;
	ec2_form_start(&form, aws, "DeleteTags");
	form_add(&form, id, "ResourceId.1");
	form_add(&form, key, "Tag.1.Key");
	return change(aws, region, "DeleteTags", &form, done, arg);
}
