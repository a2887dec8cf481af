/* SPDX-License-Identifier: MIT */
/* One set of AWS keys. */
#include "credential.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "isotime.h"
#include "jsondoc.h"
#include "num.h"
#include "secret.h"

static char *dup_or_null(const char *s)
{
	return s ? strdup(s) : NULL;
}

struct credentials *credentials_create(const char *access_key, const char *secret_key,
	const char *session_token, int64_t expires_ms, const char *source)
{
	struct credentials *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->refs = 1;
	c->access_key = dup_or_null(access_key);
	c->secret_key = dup_or_null(secret_key);
	c->session_token = dup_or_null(session_token);
	c->expires_ms = expires_ms;
	snprintf(c->source, sizeof(c->source), "%s", source);
	if (!c->access_key || !c->secret_key || (session_token && !c->session_token)) {
		credentials_unref(c);
		return NULL;
	}
	return c;
}

struct credentials *credentials_ref(struct credentials *c)
{
	c->refs++;
	return c;
}

void credentials_unref(struct credentials *c)
{
	if (!c || --c->refs > 0)
		return;
	secret_free(c->access_key);
	secret_free(c->secret_key);
	secret_free(c->session_token);
	free(c);
}

/* Returns whether a request header can contain s: printable ASCII without spaces. */
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

static bool has_outer_space(const char *s)
{
	return s && *s && (isspace((unsigned char)*s) || isspace((unsigned char)s[strlen(s) - 1]));
}

int credential_make(const char *source, const char *access_key, const char *secret_key,
	const char *session_token, int64_t expires_ms, struct credentials **out, struct err *err)
{
	if (session_token && !*session_token)
		session_token = NULL;
	if (!is_header_word(access_key) || !*secret_key ||
		(session_token && !is_header_word(session_token)))
		return err_set(err, EACCES,
			"%s: the key is empty or holds characters that no key has%s", source,
			has_outer_space(access_key) || has_outer_space(session_token)
				? " (white space at an end?)"
				: "");
	*out = credentials_create(access_key, secret_key, session_token, expires_ms, source);
	return *out ? 0 : err_set(err, ENOMEM, "out of memory");
}

int credential_json_parse(const char *source, const char *text, size_t len, const char *token_name,
	bool required, int64_t skew_ms, struct credentials **out, struct err *err)
{
	_cleanup_(jsondoc_destroyp) struct jsondoc *doc = jsondoc_parse(text, len);
	const struct {
		const char *name;
		bool required;
		const char *value;
	} members[] = {
		{"AccessKeyId", true, doc ? jsondoc_string(doc, "AccessKeyId") : NULL},
		{"SecretAccessKey", true, doc ? jsondoc_string(doc, "SecretAccessKey") : NULL},
		{token_name, required, doc ? jsondoc_string(doc, token_name) : NULL},
		{"Expiration", required, doc ? jsondoc_string(doc, "Expiration") : NULL},
	};
	const char *expiration = members[3].value;
	int64_t expires_ms = 0;

	if (!doc)
		return err_set(err, EIO, "the response is not a JSON object");
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (members[i].required && !members[i].value)
			return err_set(err, EIO, "the response has no %s", members[i].name);
	}
	if (expiration && credential_date(expiration, &expires_ms) < 0)
		return err_set(err, EIO, "the response's Expiration is not a date");
	if (expiration)
		expires_ms -= skew_ms;
	return credential_make(
		source, members[0].value, members[1].value, members[2].value, expires_ms, out, err);
}

int credential_json_refusal(const char *text, size_t len, struct err *err)
{
	_cleanup_(jsondoc_destroyp) struct jsondoc *doc = jsondoc_parse(text, len);
	const char *code = doc ? jsondoc_string(doc, "Code") : NULL;
	const char *message = doc ? jsondoc_string(doc, "Message") : NULL;

	if (!code || !message)
		return 0;
	return err_set(err, EACCES, "%.60s: %.200s", code, message);
}

/* Parses "+02:00", "+0200" or "+02" into minutes east of UTC. */
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
	/* Python writes a second's fraction with six digits, Go with nine. */
	if (isotime_parse(date, end, ms) < 0)
		return -EINVAL;
	*ms -= minutes * 60 * 1000;
	return 0;
}
