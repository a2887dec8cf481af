/* SPDX-License-Identifier: MIT */
/* Verifies AWS Signature Version 2. */
#include "sim_auth.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "buf.h"
#include "encode.h"
#include "isotime.h"
#include "sim_params.h"

static int v2_read_params(const struct sim_auth_request *r, struct sim_params *p)
{
	int result = sim_params_parse(p, r->query, strlen(r->query), false);

	return result < 0 ? result : sim_params_parse(p, r->body, r->body_len, true);
}

bool sim_auth_v2_claimed(const struct sim_auth_request *r)
{
	struct sim_params p = SIM_PARAMS_INIT;
	bool claimed = v2_read_params(r, &p) == 0 && sim_params_get(&p, "SignatureVersion");

	sim_params_finish(&p);
	return claimed;
}

/* Writes the label of the host that has the form of a region's name, as in
 * "ec2.eu-west-1.amazonaws.com"; else us-east-1. */
static void v2_region_of_host(const char *host, char *out, size_t size)
{
	snprintf(out, size, "us-east-1");
	while (host && *host && *host != ':') {
		size_t len = strcspn(host, ".:");

		if (len < size && len > 2 && memchr(host, '-', len) &&
			isalpha((unsigned char)*host) && isdigit((unsigned char)host[len - 1])) {
			snprintf(out, size, "%.*s", (int)len, host);
			return;
		}
		host += len + (host[len] == '.');
	}
}

static int v2_parse(const struct sim_params *p, struct sim_auth *a, const char **why)
{
	const char *version = sim_params_get(p, "SignatureVersion");
	const char *method = sim_params_get(p, "SignatureMethod");
	const char *key = sim_params_get(p, "AWSAccessKeyId");
	const char *time = sim_params_get(p, "Timestamp");
	const char *signature = sim_params_get(p, "Signature");
	const char *token = sim_params_get(p, "SecurityToken");

	*why = "SignatureVersion must be 2";
	if (strcmp(version, "2"))
		return -EINVAL;
	*why = "SignatureMethod must be HmacSHA256";
	if (!method || strcmp(method, "HmacSHA256"))
		return -EINVAL;
	*why = "the request must contain the parameters AWSAccessKeyId and Signature";
	if (!key || !signature || strlen(key) >= sizeof(a->access_key) ||
		strlen(signature) >= sizeof(a->signature))
		return -EINVAL;
	*why = "the request must contain the parameter Timestamp, a date in ISO 8601";
	if (!time || isotime_parse(time, strlen(time), &a->stamp_ms) < 0 ||
		strlen(time) >= sizeof(a->stamp))
		return -EINVAL;
	strcpy(a->access_key, key);
	strcpy(a->signature, signature);
	strcpy(a->stamp, time);
	if (token && !(a->token = strdup(token)))
		return -ENOMEM;
	return 0;
}

int sim_auth_v2_parse(
	const struct sim_auth_request *r, const char *host, struct sim_auth *a, const char **why)
{
	struct sim_params p = SIM_PARAMS_INIT;
	int result = v2_read_params(r, &p);

	a->is_v2 = true;
	v2_region_of_host(host, a->region, sizeof(a->region));
	*why = "the request's parameters are malformed";
	if (result == 0)
		result = v2_parse(&p, a, why);
	sim_params_finish(&p);
	return result;
}

static int v2_by_name(const void *a, const void *b)
{
	return strcmp(((const struct sim_param *)a)->name, ((const struct sim_param *)b)->name);
}

static void add_canonical_params(struct buf *out, struct sim_params *p)
{
	bool first = true;

	if (p->n)
		qsort(p->items, p->n, sizeof(*p->items), v2_by_name);
	for (size_t i = 0; i < p->n; i++) {
		const struct sim_param *item = &p->items[i];

		if (!strcmp(item->name, "Signature"))
			continue;
		if (!first)
			buf_putc(out, '&');
		first = false;
		encode_percent(out, item->name, strlen(item->name), false);
		buf_putc(out, '=');
		encode_percent(out, item->value, strlen(item->value), false);
	}
}

bool sim_auth_v2_matches(const struct sim_auth *a, const struct sim_auth_request *r,
	const char *host, const char *secret)
{
	_cleanup_buf_ struct buf text = BUF_INIT, expected = BUF_INIT;
	struct sim_params p = SIM_PARAMS_INIT;
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	int result = v2_read_params(r, &p);

	buf_printf(&text, "%s\n", r->method);
	for (; host && *host; host++)
		buf_putc(&text, (char)tolower((unsigned char)*host));
	buf_printf(&text, "\n%s\n", *r->path ? r->path : "/");
	add_canonical_params(&text, &p);
	sim_params_finish(&p);
	HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)buf_str(&text),
		text.len, digest, &len);
	encode_base64(&expected, digest, len);
	return result == 0 && !text.error && !expected.error &&
	       expected.len == strlen(a->signature) &&
	       !CRYPTO_memcmp(expected.data, a->signature, expected.len);
}
