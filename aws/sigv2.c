/* SPDX-License-Identifier: MIT */
/* AWS Signature Version 2. The signed string follows "Query requests: Signature Version 2 signing
 * process" in the Elastic MapReduce developer guide of API version 2009-03-31. */
#include "sigv2.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "encode.h"
#include "isotime.h"

/* One parameter, "name=value", in a form. */
struct param {
	const char *text;
	size_t name_len;
	size_t len;
};

/* Compares names byte by byte: "Filter.1.Name", "Filter.10.Name", "Filter.2.Name". */
static int sigv2_compare(const void *va, const void *vb)
{
	const struct param *a = va, *b = vb;
	size_t len = a->name_len < b->name_len ? a->name_len : b->name_len;
	int c = memcmp(a->text, b->text, len);

	return c ? c : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

static int sigv2_write_sorted(const struct buf *form, struct buf *out)
{
	_cleanup_free_ struct param *params = NULL;
	size_t max = 1, n = 0;

	for (const char *p = buf_str(form); *p; p++)
		max += *p == '&';
	params = calloc(max, sizeof(*params));
	if (!params)
		return -ENOMEM;
	for (const char *p = buf_str(form); *p; n++) {
		params[n] = (struct param){p, strcspn(p, "=&"), strcspn(p, "&")};
		p += params[n].len + (p[params[n].len] == '&');
	}
	qsort(params, n, sizeof(*params), sigv2_compare);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_putc(out, '&');
		buf_add(out, params[i].text, params[i].len);
	}
	return -out->error;
}

int sigv2_signature(const struct sigv2_request *in, const struct buf *form, struct buf *out)
{
	unsigned char hash[DIGEST_SHA256_SIZE];
	_cleanup_buf_wipe_ struct buf text = BUF_INIT; /* holds the session token */
	int r;

	/* Allocated at full size, because a buffer that grows leaves copies behind. */
	buf_resize(&text, form->len + strlen(in->host) + strlen(in->path) + 16);
	buf_clear(&text);
	buf_printf(&text, "%s\n", in->method);
	for (const char *p = in->host; *p; p++)
		buf_putc(&text, (char)tolower((unsigned char)*p));
	buf_printf(&text, "\n%s\n", *in->path ? in->path : "/");
	r = sigv2_write_sorted(form, &text);
	if (!r)
		r = digest_hmac_sha256(
			in->secret_key, strlen(in->secret_key), text.data, text.len, hash);
	if (!r)
		r = encode_base64(out, hash, sizeof(hash));
	return r;
}

int sigv2_sign(const struct sigv2_request *in, struct buf *form)
{
	_cleanup_buf_ struct buf signature = BUF_INIT;
	char time[ISOTIME_SIZE];
	int r;

	form_add(form, in->access_key, "AWSAccessKeyId");
	form_add(form, "HmacSHA256", "SignatureMethod");
	form_add(form, "2", "SignatureVersion");
	form_add(form, isotime_format(in->time_ms, time), "Timestamp");
	form_add(form, in->session_token, "SecurityToken");
	if (form->error)
		return -form->error;
	r = sigv2_signature(in, form, &signature);
	if (r < 0)
		return r;
	form_add(form, signature.data, "Signature");
	return -form->error;
}
