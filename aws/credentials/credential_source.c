/* SPDX-License-Identifier: MIT */
/* The part that all sources of credentials share. */
#include "credential_source.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "isotime.h"
#include "num.h"

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

/* Goes into a header as it is: printable ASCII without spaces. */
static bool is_header_word(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s <= ' ' || *s > '~')
			return false;
	}
	return true;
}

int credential_make(const struct credential_source *source, const char *access_key,
	const char *secret_key, const char *session_token, int64_t expires_ms,
	struct credentials **out, struct err *err)
{
	if (session_token && !*session_token)
		session_token = NULL;
	if (!is_header_word(access_key) || !*secret_key ||
		(session_token && !is_header_word(session_token)))
		return err_set(err, EACCES,
			"%s: the key is empty or holds characters that no key has", source->name);
	*out = credentials_create(access_key, secret_key, session_token, expires_ms, source->name);
	return *out ? 0 : err_set(err, ENOMEM, "out of memory");
}

void credential_source_end_with(struct credential_source *source, const char *access_key,
	const char *secret_key, const char *session_token, int64_t expires_ms)
{
	struct credentials *c = NULL;
	struct err err;

	if (credential_make(source, access_key, secret_key, session_token, expires_ms, &c, &err) <
		0)
		credential_source_end(source, NULL, &err);
	else
		credential_source_end(source, c, NULL);
}

/* Minutes east of UTC from "+02:00", "+0200" or "+02" at s. */
static int parse_offset(const char *s, int64_t *minutes)
{
	size_t len = strlen(s);
	bool colon = len == 6 && s[3] == ':';
	uint64_t h, m = 0;

	if (len != 3 && len != 5 && !colon)
		return -EINVAL;
	if (num_parse_u64(s + 1, 2, 0, 23, &h) < 0 ||
		(len > 3 && num_parse_u64(s + len - 2, 2, 0, 59, &m) < 0))
		return -EINVAL;
	*minutes = (int64_t)(h * 60 + m) * (*s == '-' ? -1 : 1);
	return 0;
}

int credential_date(const char *text, int64_t *ms)
{
	char date[40];
	size_t len = strlen(text), end;
	int64_t minutes = 0;

	if (len < 19 || len >= sizeof(date))
		return -EINVAL;
	memcpy(date, text, len + 1);
	if (date[10] == ' ')
		date[10] = 'T';
	end = 19 + strcspn(date + 19, "+-ZUG ");
	if (date[end] && strcmp(date + end, "Z") != 0 && strcmp(date + end, "UTC") != 0 &&
		strcmp(date + end, "GMT") != 0 && parse_offset(date + end, &minutes) < 0)
		return -EINVAL;
	/* Python writes six digits of a second, Go nine; three are enough. */
	if (isotime_parse(date, end, ms) < 0)
		return -EINVAL;
	*ms -= minutes * 60 * 1000;
	return 0;
}
