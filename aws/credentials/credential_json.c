/* SPDX-License-Identifier: MIT */
/* Keys in JSON. */
#include "credential_json.h"

#include <errno.h>
#include <string.h>

#include "jsondoc.h"

int credential_json_parse(const struct credential_source *source, const char *text, size_t len,
	const char *token_name, bool required, int64_t skew_ms, struct credentials **out,
	struct err *err)
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
		return err_set(err, EIO, "an answer that is no JSON object");
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		if (members[i].required && !members[i].value)
			return err_set(err, EIO, "an answer without %s", members[i].name);
	}
	if (expiration && credential_date(expiration, &expires_ms) < 0)
		return err_set(err, EIO, "an Expiration that is not a date");
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
