/* SPDX-License-Identifier: MIT */
/* Verifies AWS Signature Version 4. */
#include "sim_auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "encode.h"
#include "isotime.h"
#include "num.h"
#include "sim_params.h"
#include "sim_text.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

const char *sim_auth_header(const struct sim_auth_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (!strcasecmp(r->headers[i].name, name))
			return r->headers[i].value;
	return NULL;
}

/* Copies [s, s+len) unless it is empty or too long. */
static bool take(char *out, size_t size, const char *s, size_t len)
{
	if (!len || len >= size)
		return false;
	memcpy(out, s, len);
	out[len] = '\0';
	return true;
}

/* "AKID/20260102/eu-west-1/ec2/aws4_request" */
static bool parse_credential(struct sim_auth *a, const char *s, size_t len)
{
	struct {
		char *out;
		size_t size;
	} parts[] = {{a->access_key, sizeof(a->access_key)}, {a->date, sizeof(a->date)},
		{a->region, sizeof(a->region)}, {a->service, sizeof(a->service)}};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const char *slash = memchr(s, '/', len);

		if (!slash || !take(parts[i].out, parts[i].size, s, (size_t)(slash - s)))
			return false;
		len -= (size_t)(slash - s) + 1;
		s = slash + 1;
	}
	return len == 12 && !memcmp(s, "aws4_request", 12) && strlen(a->date) == 8;
}

static bool parse_stamp(struct sim_auth *a, const char *s)
{
	char iso[ISOTIME_SIZE];

	if (!s || strlen(s) != 16 || s[8] != 'T' || s[15] != 'Z' || strncmp(s, a->date, 8))
		return false;
	snprintf(iso, sizeof(iso), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", s, s + 4, s + 6, s + 9, s + 11,
		s + 13);
	strcpy(a->stamp, s);
	return !isotime_parse(iso, strlen(iso), &a->stamp_ms);
}

static bool parse_signature(struct sim_auth *a, const char *s, size_t len)
{
	return len == 64 && sim_text_is_hex(s, len) &&
	       take(a->signature, sizeof(a->signature), s, len);
}

/* Returns the value of "name=value" in the Authorization header's comma-separated list, NULL if
 * absent. */
static const char *field(const char *list, const char *name, size_t *len)
{
	size_t n = strlen(name);

	while (*list) {
		size_t end;

		list += strspn(list, " \t,");
		end = strcspn(list, ",");
		if (!strncmp(list, name, n) && list[n] == '=') {
			*len = end - n - 1;
			while (*len && strchr(" \t", list[n + *len]))
				--*len;
			return list + n + 1;
		}
		list += end;
	}
	return NULL;
}

static int parse_header(
	const struct sim_auth_request *r, const char *value, struct sim_auth *a, const char **why)
{
	size_t credential_len = 0, headers_len = 0, signature_len = 0;
	const char *credential, *headers, *signature,
		*token = sim_auth_header(r, "x-amz-security-token");

	*why = "the Authorization header is not an " ALGORITHM " signature";
	if (strncmp(value, ALGORITHM " ", strlen(ALGORITHM) + 1))
		return -EINVAL;
	value += strlen(ALGORITHM) + 1;
	credential = field(value, "Credential", &credential_len);
	headers = field(value, "SignedHeaders", &headers_len);
	signature = field(value, "Signature", &signature_len);
	*why = "Authorization header requires 'Credential' parameter";
	if (!credential || !parse_credential(a, credential, credential_len))
		return -EINVAL;
	*why = "Authorization header requires 'SignedHeaders' parameter";
	if (!headers || !take(a->signed_headers, sizeof(a->signed_headers), headers, headers_len))
		return -EINVAL;
	*why = "Authorization header requires 'Signature' parameter";
	if (!signature || !parse_signature(a, signature, signature_len))
		return -EINVAL;
	*why = "Authorization header requires existence of an 'X-Amz-Date' header of the scope's "
	       "date";
	if (!parse_stamp(a, sim_auth_header(r, "x-amz-date")))
		return -EINVAL;
	if (token && !(a->token = strdup(token)))
		return -ENOMEM;
	return 0;
}

static int parse_query(const struct sim_params *p, struct sim_auth *a, const char **why)
{
	const char *credential = sim_params_get(p, "X-Amz-Credential");
	const char *headers = sim_params_get(p, "X-Amz-SignedHeaders");
	const char *signature = sim_params_get(p, "X-Amz-Signature");
	const char *expires = sim_params_get(p, "X-Amz-Expires");
	const char *token = sim_params_get(p, "X-Amz-Security-Token");

	a->in_query = true;
	*why = "the X-Amz- parameters of the query are not a complete " ALGORITHM " signature";
	if (strcmp(sim_params_get(p, "X-Amz-Algorithm"), ALGORITHM) || !credential || !headers ||
		!signature || !expires)
		return -EINVAL;
	if (!parse_credential(a, credential, strlen(credential)) ||
		!take(a->signed_headers, sizeof(a->signed_headers), headers, strlen(headers)) ||
		!parse_signature(a, signature, strlen(signature)) ||
		!parse_stamp(a, sim_params_get(p, "X-Amz-Date")))
		return -EINVAL;
	*why = "X-Amz-Expires must be from 1 to 604800 seconds";
	if (num_parse_i64(expires, strlen(expires), 1, 604800, &a->expires_s) < 0)
		return -EINVAL;
	if (token && !(a->token = strdup(token)))
		return -ENOMEM;
	return 0;
}

int sim_auth_parse(const struct sim_auth_request *r, struct sim_auth *a, const char **why)
{
	const char *authorization = sim_auth_header(r, "authorization");
	struct sim_params query = SIM_PARAMS_INIT;
	int result = sim_params_parse(&query, r->query, strlen(r->query), false);

	*why = "the query string is malformed";
	memset(a, 0, sizeof(*a));
	if (result == 0) {
		bool presigned = sim_params_get(&query, "X-Amz-Algorithm") != NULL;

		if (presigned && authorization) {
			*why = "a request is signed in its header or in its query, not in both";
			result = -EINVAL;
		} else if (presigned) {
			result = parse_query(&query, a, why);
		} else if (authorization) {
			result = parse_header(r, authorization, a, why);
		} else {
			result = sim_auth_v2_claimed(r)
					 ? sim_auth_v2_parse(r, sim_auth_header(r, "host"), a, why)
					 : -ENOENT;
		}
	}
	sim_params_finish(&query);
	return result;
}

void sim_auth_finish(struct sim_auth *a)
{
	free(a->token);
	a->token = NULL;
}

static void sha256_hex(const void *data, size_t len, char out[65])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256(data, len, digest);
	encode_hex(digest, sizeof(digest), out);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Decodes one "key=value" of the raw query and encodes it again, with '\x01' for '=': that byte
 * sorts below all others, so sorting the texts sorts by key and then by value. NULL on ENOMEM.
 */
static char *canonical_pair(const char *pair, size_t len)
{
	_cleanup_buf_ struct buf raw = BUF_INIT, out = BUF_INIT;
	const char *equals = memchr(pair, '=', len);
	size_t name_len = equals ? (size_t)(equals - pair) : len;

	decode_percent(&raw, pair, name_len, false);
	encode_percent(&out, buf_str(&raw), raw.len, false);
	buf_putc(&out, '\x01');
	buf_clear(&raw);
	if (equals)
		decode_percent(&raw, equals + 1, len - name_len - 1, false);
	encode_percent(&out, buf_str(&raw), raw.len, false);
	return raw.error ? NULL : buf_steal(&out);
}

/* Appends the query in canonical form, without the signature itself. */
static bool add_canonical_query(struct buf *out, const char *query)
{
	char **pairs = calloc(strlen(query) + 1, sizeof(*pairs));
	size_t n = 0;
	bool ok = pairs != NULL;

	while (ok && *query) {
		size_t len = strcspn(query, "&");

		if (len && strncmp(query, "X-Amz-Signature=", 16)) {
			pairs[n] = canonical_pair(query, len);
			ok = pairs[n++] != NULL;
		}
		query += len + (query[len] == '&');
	}
	if (ok)
		qsort(pairs, n, sizeof(*pairs), by_text);
	for (size_t i = 0; i < n; i++) {
		if (ok) {
			*strchr(pairs[i], '\x01') = '=';
			if (i)
				buf_putc(out, '&');
			buf_puts(out, pairs[i]);
		}
		free(pairs[i]);
	}
	free(pairs);
	return ok;
}

/* Appends a header's value, trimmed, with one space for each run of blanks. */
static void add_trimmed(struct buf *out, const char *value)
{
	bool blank = false, any = false;

	for (; *value; value++) {
		if (*value == ' ' || *value == '\t') {
			blank = true;
			continue;
		}
		if (blank && any)
			buf_putc(out, ' ');
		buf_putc(out, *value);
		blank = false;
		any = true;
	}
}

static bool add_canonical_headers(
	struct buf *out, const struct sim_auth_request *r, const char *list)
{
	char previous[128] = "";

	while (*list) {
		char name[128];
		size_t len = strcspn(list, ";");
		bool found = false;

		if (!take(name, sizeof(name), list, len) || strcmp(name, previous) <= 0)
			return false; /* empty, out of order or twice */
		for (const char *p = name; *p; p++)
			if (*p >= 'A' && *p <= 'Z')
				return false;
		buf_printf(out, "%s:", name);
		for (size_t i = 0; i < r->n_headers; i++) {
			if (strcasecmp(r->headers[i].name, name))
				continue;
			if (found)
				buf_putc(out, ',');
			add_trimmed(out, r->headers[i].value);
			found = true;
		}
		if (!found)
			return false;
		buf_putc(out, '\n');
		strcpy(previous, name);
		list += len;
		if (*list == ';' && !*++list)
			return false;
	}
	return true;
}

static bool is_signed(const char *list, const char *name)
{
	size_t n = strlen(name);

	while (*list) {
		size_t len = strcspn(list, ";");

		if (len == n && !strncasecmp(list, name, n))
			return true;
		list += len + (list[len] == ';');
	}
	return false;
}

/* The signature must cover the host and every x-amz- header, so that none can be added on the way.
 */
static bool covers_enough(const struct sim_auth *a, const struct sim_auth_request *r)
{
	if (!is_signed(a->signed_headers, "host"))
		return false;
	for (size_t i = 0; i < r->n_headers; i++)
		if (!strncasecmp(r->headers[i].name, "x-amz-", 6) &&
			!is_signed(a->signed_headers, r->headers[i].name))
			return false;
	return true;
}

static void hmac(const void *key, size_t key_len, const char *text, unsigned char out[32])
{
	unsigned int len = 32;

	HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), out, &len);
}

static void sign(const struct sim_auth *a, const char *secret, const char *text, char out[65])
{
	_cleanup_buf_ struct buf first = BUF_INIT;
	unsigned char key[32];

	buf_printf(&first, "AWS4%s", secret);
	hmac(buf_str(&first), first.len, a->date, key);
	hmac(key, 32, a->region, key);
	hmac(key, 32, a->service, key);
	hmac(key, 32, "aws4_request", key);
	hmac(key, 32, text, key);
	encode_hex(key, 32, out);
}

bool sim_auth_matches(
	const struct sim_auth *a, const struct sim_auth_request *r, const char *secret)
{
	_cleanup_buf_ struct buf canonical = BUF_INIT, text = BUF_INIT;
	const char *said = sim_auth_header(r, "x-amz-content-sha256");
	char digest[65], expected[65];

	if (a->is_v2)
		return sim_auth_v2_matches(a, r, sim_auth_header(r, "host"), secret);
	if (!covers_enough(a, r))
		return false;
	buf_printf(&canonical, "%s\n", r->method);
	/* All services but S3 encode the path once more. */
	encode_percent(&canonical, r->path, strlen(r->path), true);
	buf_putc(&canonical, '\n');
	if (!add_canonical_query(&canonical, r->query))
		return false;
	buf_putc(&canonical, '\n');
	if (!add_canonical_headers(&canonical, r, a->signed_headers))
		return false;
	sha256_hex(r->body, r->body_len, digest);
	if (said && strcmp(said, digest))
		return false;
	buf_printf(&canonical, "\n%s\n%s", a->signed_headers, digest);
	sha256_hex(buf_str(&canonical), canonical.len, digest);
	buf_printf(&text, ALGORITHM "\n%s\n%s/%s/%s/aws4_request\n%s", a->stamp, a->date, a->region,
		a->service, digest);
	if (canonical.error || text.error)
		return false;
	sign(a, secret, buf_str(&text), expected);
	return !CRYPTO_memcmp(expected, a->signature, 64);
}
