/* SPDX-License-Identifier: MIT */
/* The functions that all sources of keys share. */
#include "credential_source.h"

#include <stdarg.h>
#include <stdio.h>

void credential_source_init(struct credential_source *source,
	const struct credential_source_ops *ops, const char *fmt, ...)
{
	va_list ap;

	*source = (struct credential_source){.ops = ops};
	va_start(ap, fmt);
	vsnprintf(source->name, sizeof(source->name), fmt, ap);
	va_end(ap);
}

void credential_source_fetch(
	struct credential_source *source, credential_source_done *done, void *arg)
{
	source->done = done;
	source->arg = arg;
	source->ops->fetch(source);
}

void credential_source_destroy(struct credential_source *source)
{
	if (source)
		source->ops->destroy(source);
}

void credential_source_end(
	struct credential_source *source, struct credentials *credentials, const struct err *err)
{
	source->done(source->arg, credentials, err);
}

void credential_source_end_with(struct credential_source *source, const char *access_key,
	const char *secret_key, const char *session_token, int64_t expires_ms)
{
	struct credentials *c = NULL;
	struct err err;

	if (credential_make(
		    source->name, access_key, secret_key, session_token, expires_ms, &c, &err) < 0)
		credential_source_end(source, NULL, &err);
	else
		credential_source_end(source, c, NULL);
}

void credential_source_fail(struct credential_source *source, const struct err *err)
{
	struct err failure = *err;

	err_context(&failure, "%s", source->name);
	credential_source_end(source, NULL, &failure);
}
