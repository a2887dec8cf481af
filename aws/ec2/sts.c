/* SPDX-License-Identifier: MIT */
/* STS's GetCallerIdentity. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aws_query.h"
#include "ec2.h"
#include "xml.h"

struct identity_call {
	char account[16];
	char arn[2049];
	sts_identity_done *done;
	void *arg;
};

static int identity_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct identity_call *call = arg;
	const struct xml_text texts[] = {
		{"GetCallerIdentityResult/Account", call->account, sizeof(call->account)},
		{"GetCallerIdentityResult/Arn", call->arn, sizeof(call->arn)},
	};
	int r = xml_texts(body, len, "GetCallerIdentityResponse", texts, ARRAY_LEN(texts), err);

	if (!r && (strlen(call->account) != 12 || strspn(call->account, "0123456789") != 12))
		return err_set(err, EIO,
			"STS's response to GetCallerIdentity has no account number; is the "
			"endpoint_url one of STS?");
	return r;
}

static void identity_done(void *arg, const struct err *err)
{
	struct identity_call *call = arg;

	call->done(call->arg, err ? NULL : call->account, err ? NULL : call->arn, err);
}

struct aws_call *sts_get_caller_identity(
	struct aws *aws, const char *region, sts_identity_done *done, void *arg)
{
	struct identity_call *call = calloc(1, sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = (struct identity_call){.done = done, .arg = arg};
	buf_puts(&form, "Action=GetCallerIdentity&Version=2011-06-15");
	return aws_query(aws, &(struct aws_query){.region = region,
				      .service = "sts",
				      .action = "GetCallerIdentity",
				      .effect = AWS_READS,
				      .form = &form,
				      .parse = identity_parse,
				      .done = identity_done,
				      .release = free,
				      .arg = call});
}
