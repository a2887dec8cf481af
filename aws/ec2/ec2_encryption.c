/* SPDX-License-Identifier: MIT */
/* EC2's calls about encryption by default: GetEbsEncryptionByDefault, GetEbsDefaultKmsKeyId. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ec2_call.h"
#include "ec2_xml.h"
#include "form.h"

struct default_call {
	const char *action; /* a literal */
	const char *element;
	char text[EC2_KEY_SIZE];
	ec2_by_default_done *on_done; /* one of these two */
	ec2_key_done *key_done;
	void *arg;
};

static int default_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct default_call *call = arg;
	const struct ec2_xml_text texts[] = {{call->element, call->text, sizeof(call->text)}};
	char root[64];
	int r;

	snprintf(root, sizeof(root), "%sResponse", call->action);
	r = ec2_xml_texts(body, len, root, texts, 1, err);
	if (!r && (!*call->text || (call->on_done && strcmp(call->text, "true") &&
					   strcmp(call->text, "false"))))
		return err_set(err, EIO, "the answer does not say %s", call->element);
	return r;
}

static void default_done(void *arg, const struct err *err)
{
	struct default_call *call = arg;

	if (call->on_done)
		call->on_done(call->arg, !err && !strcmp(call->text, "true"), err);
	else
		call->key_done(call->arg, err ? NULL : call->text, err);
}

static struct aws_call *ask(struct aws *aws, const char *region, struct default_call what)
{
	struct default_call *call = malloc(sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = what;
	ec2_form_start(&form, aws, call->action);
	return aws_query(aws, &(struct aws_query){.region = region,
				      .service = "ec2",
				      .action = call->action,
				      .effect = AWS_READS,
				      .form = &form,
				      .parse = default_parse,
				      .done = default_done,
				      .release = free,
				      .arg = call});
}

struct aws_call *ec2_get_encryption_by_default(
	struct aws *aws, const char *region, ec2_by_default_done *done, void *arg)
{
	return ask(aws, region,
		(struct default_call){.action = "GetEbsEncryptionByDefault",
			.element = "ebsEncryptionByDefault",
			.on_done = done,
			.arg = arg});
}

struct aws_call *ec2_get_default_key(
	struct aws *aws, const char *region, ec2_key_done *done, void *arg)
{
	return ask(aws, region,
		(struct default_call){.action = "GetEbsDefaultKmsKeyId",
			.element = "kmsKeyId",
			.key_done = done,
			.arg = arg});
}
