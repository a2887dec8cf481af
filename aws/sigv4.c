/* SPDX-License-Identifier: MIT */
/* AWS Signature Version 4: canonical request, string to sign, signature. */
#include "sigv4.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "encode.h"

#define ALGORITHM "AWS4-HMAC-SHA256"

/* A header or a parameter, as it is sorted and signed. */
struct pair {
	char *name;
	char *value;
	size_t order; /* place in the request: pairs with equal names keep their order */
};

struct pairs {
	struct pair *items;
	size_t n;
	size_t cap;
	int error;
};

static void pairs_finish(struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->items[i].name);
		free(p->items[i].value);
	}
	free(p->items);
}
#define _cleanup_pairs_ _cleanup_(pairs_finish)

/* Adds a pair. Takes over the texts of both buffers. */
static void pairs_add(struct pairs *p, struct buf *name, struct buf *value)
{
	struct pair pair = {.name = buf_steal(name), .value = buf_steal(value), .order = p->n};

	if (p->n == p->cap && pair.name && pair.value) {
		size_t cap = p->cap ? 2 * p->cap : 16;
		struct pair *items = realloc(p->items, cap * sizeof(*items));

		if (items) {
			p->items = items;
			p->cap = cap;
		}
	}
	if (!pair.name || !pair.value || p->n == p->cap) {
		p->error = ENOMEM;
		free(pair.name);
		free(pair.value);
		buf_finish(name);
		buf_finish(value);
		return;
	}
	p->items[p->n++] = pair;
}

static int sigv4_compare_query(const void *va, const void *vb)
{
	const struct pair *a = va, *b = vb;
	int c = strcmp(a->name, b->name);

	return c ? c : strcmp(a->value, b->value);
}

/* Headers of the same name stay in the order of sending, in which their values are joined. */
static int sigv4_compare_headers(const void *va, const void *vb)
{
	const struct pair *a = va, *b = vb;
	int c = strcmp(a->name, b->name);

	return c ? c : (a->order > b->order) - (a->order < b->order);
}

/* The signature covers one canonical spelling, so the text is decoded and escaped again. */
static void sigv4_add_escaped(struct buf *out, const char *s, size_t len)
{
	_cleanup_buf_ struct buf plain = BUF_INIT;

	decode_percent(&plain, s, len, 0);
	encode_percent(out, buf_str(&plain), plain.len, 0);
	if (plain.error)
		out->error = plain.error;
}

static void sigv4_add_query(struct pairs *pairs, const char *query)
{
	while (query && *query) {
		size_t len = strcspn(query, "&");
		const char *equals = memchr(query, '=', len);
		size_t name_len = equals ? (size_t)(equals - query) : len;
		struct buf name = BUF_INIT, value = BUF_INIT;

		if (len) {
			sigv4_add_escaped(&name, query, name_len);
			if (equals)
				sigv4_add_escaped(&value, equals + 1, len - name_len - 1);
			pairs_add(pairs, &name, &value);
		}
		query += len + (query[len] == '&');
	}
}

static void sigv4_add_param(struct pairs *pairs, const char *name, const char *text)
{
	struct buf n = BUF_INIT, v = BUF_INIT;

	buf_puts(&n, name);
	encode_percent(&v, text, strlen(text), 0);
	pairs_add(pairs, &n, &v);
}

/* Adds a header: the name in lower case, the value without white space at its ends and with one
 * space for each run inside. */
static void sigv4_add_header(struct pairs *pairs, const char *name, const char *text)
{
	struct buf n = BUF_INIT, v = BUF_INIT;

	for (const char *p = name; *p; p++)
		buf_putc(&n, (char)tolower((unsigned char)*p));
	for (const char *p = text; *p; p++) {
		if (!isspace((unsigned char)*p))
			buf_putc(&v, *p);
		else if (v.len && v.data[v.len - 1] != ' ')
			buf_putc(&v, ' ');
	}
	if (v.len && v.data[v.len - 1] == ' ')
		buf_resize(&v, v.len - 1);
	pairs_add(pairs, &n, &v);
}

static void sigv4_write_query(const struct pairs *pairs, struct buf *out)
{
	for (size_t i = 0; i < pairs->n; i++)
		buf_printf(
			out, "%s%s=%s", i ? "&" : "", pairs->items[i].name, pairs->items[i].value);
}

static void sigv4_write_headers(const struct pairs *pairs, struct buf *out)
{
	for (size_t i = 0; i < pairs->n; i++) {
		const struct pair *h = &pairs->items[i];

		if (i && !strcmp(h->name, pairs->items[i - 1].name))
			buf_printf(out, ",%s", h->value);
		else
			buf_printf(out, "%s%s:%s", i ? "\n" : "", h->name, h->value);
	}
	buf_putc(out, '\n');
}

static void sigv4_write_names(const struct pairs *pairs, struct buf *out)
{
	for (size_t i = 0; i < pairs->n; i++)
		if (!i || strcmp(pairs->items[i].name, pairs->items[i - 1].name))
			buf_printf(out, "%s%s", i ? ";" : "", pairs->items[i].name);
}

/* Resolves ".", ".." and empty segments; keeps a slash at the end. */
static void sigv4_normalize_path(const char *path, struct buf *out)
{
	bool slash = true;

	for (const char *p = path; *p;) {
		size_t len;

		p += strspn(p, "/");
		len = strcspn(p, "/");
		slash = p[len] == '/' || !len;
		if (len == 2 && !memcmp(p, "..", 2)) {
			while (out->len && out->data[out->len - 1] != '/')
				buf_resize(out, out->len - 1);
			if (out->len)
				buf_resize(out, out->len - 1);
			slash = true;
		} else if (len == 1 && *p == '.') {
			slash = true;
		} else if (len) {
			buf_putc(out, '/');
			buf_add(out, p, len);
		}
		p += len;
	}
	if (slash || !out->len)
		buf_putc(out, '/');
}

static void sigv4_write_path(const struct sigv4_request *in, struct buf *out)
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	if (in->keep_path)
		buf_puts(&path, *in->path ? in->path : "/");
	else
		sigv4_normalize_path(in->path, &path);
	encode_percent(out, buf_str(&path), path.len, 1);
	if (path.error)
		out->error = path.error;
}

/* "20150830/us-east-1/ec2/aws4_request" */
static void sigv4_write_scope(const struct sigv4_request *in, const char *date, struct buf *out)
{
	buf_printf(out, "%.8s/%s/%s/aws4_request", date, in->region, in->service);
}

/* Signs the string. Derives the key each time: four hashes cost less than a cache that must be
 * wiped. */
static int sigv4_sign_string(const struct sigv4_request *in, struct sigv4_signature *out)
{
	unsigned char key[DIGEST_SHA256_SIZE];
	_cleanup_buf_ struct buf first = BUF_INIT;
	int r;

	buf_resize(&first, strlen(in->secret_key) + 4);
	buf_clear(&first);
	buf_printf(&first, "AWS4%s", in->secret_key);
	if (first.error)
		return -first.error;
	r = digest_hmac_sha256(first.data, first.len, out->date, 8, key);
	explicit_bzero(first.data, first.len);
	if (!r)
		r = digest_hmac_sha256(key, sizeof(key), in->region, strlen(in->region), key);
	if (!r)
		r = digest_hmac_sha256(key, sizeof(key), in->service, strlen(in->service), key);
	if (!r)
		r = digest_hmac_sha256(key, sizeof(key), "aws4_request", 12, key);
	if (!r)
		r = digest_hmac_sha256(
			key, sizeof(key), out->string_to_sign.data, out->string_to_sign.len, key);
	encode_hex(key, sizeof(key), out->hex);
	explicit_bzero(key, sizeof(key));
	return r;
}

/* Signs the request's query and headers, both of which are sorted. */
static int sigv4_sign_parts(const struct sigv4_request *in, const struct pairs *query,
	const struct pairs *headers, const char *names, struct sigv4_signature *out)
{
	struct buf *c = &out->canonical_request, *s = &out->string_to_sign;
	char hash[DIGEST_SHA256_HEX];
	int r;

	buf_printf(c, "%s\n", in->method);
	sigv4_write_path(in, c);
	buf_putc(c, '\n');
	sigv4_write_query(query, c);
	buf_putc(c, '\n');
	sigv4_write_headers(headers, c);
	buf_printf(c, "\n%s\n%s", names, in->payload_hash);
	if (c->error || query->error || headers->error)
		return -(c->error ? c->error : ENOMEM);
	r = digest_sha256_hex(c->data, c->len, hash);
	if (r < 0)
		return r;
	buf_printf(s, "%s\n%s\n", ALGORITHM, out->date);
	sigv4_write_scope(in, out->date, s);
	buf_printf(s, "\n%s", hash);
	return s->error ? -s->error : sigv4_sign_string(in, out);
}

static void sigv4_add_headers(const struct sigv4_request *in, struct pairs *headers)
{
	for (size_t i = 0; i < in->n_headers; i++)
		sigv4_add_header(headers, in->headers[i].name, in->headers[i].value);
}

static void pairs_sort(struct pairs *pairs, int (*compare)(const void *a, const void *b))
{
	if (pairs->n)
		qsort(pairs->items, pairs->n, sizeof(*pairs->items), compare);
}

int sigv4_sign(const struct sigv4_request *in, struct sigv4_signature *out)
{
	_cleanup_pairs_ struct pairs query = {0}, headers = {0};
	_cleanup_buf_ struct buf names = BUF_INIT;
	int r;

	*out = (struct sigv4_signature){0};
	isotime_format_basic(in->time_ms, out->date);
	sigv4_add_headers(in, &headers);
	sigv4_add_header(&headers, "x-amz-date", out->date);
	if (in->session_token && !in->token_unsigned)
		sigv4_add_header(&headers, "x-amz-security-token", in->session_token);
	pairs_sort(&headers, sigv4_compare_headers);
	sigv4_write_names(&headers, &names);
	sigv4_add_query(&query, in->query);
	pairs_sort(&query, sigv4_compare_query);
	r = sigv4_sign_parts(in, &query, &headers, buf_str(&names), out);
	if (r < 0)
		return r;
	buf_printf(&out->authorization, "%s Credential=%s/", ALGORITHM, in->access_key);
	sigv4_write_scope(in, out->date, &out->authorization);
	buf_printf(
		&out->authorization, ", SignedHeaders=%s, Signature=%s", buf_str(&names), out->hex);
	return -(names.error ? names.error : out->authorization.error);
}

static void sigv4_add_presign_params(const struct sigv4_request *in, int expires_s,
	const char *date, const char *names, struct pairs *query)
{
	_cleanup_buf_ struct buf credential = BUF_INIT, expires = BUF_INIT;

	buf_printf(&credential, "%s/", in->access_key);
	sigv4_write_scope(in, date, &credential);
	buf_printf(&expires, "%d", expires_s);
	if (credential.error || expires.error)
		query->error = ENOMEM;
	sigv4_add_param(query, "X-Amz-Algorithm", ALGORITHM);
	sigv4_add_param(query, "X-Amz-Credential", buf_str(&credential));
	sigv4_add_param(query, "X-Amz-Date", date);
	sigv4_add_param(query, "X-Amz-Expires", buf_str(&expires));
	sigv4_add_param(query, "X-Amz-SignedHeaders", names);
	if (in->session_token && !in->token_unsigned)
		sigv4_add_param(query, "X-Amz-Security-Token", in->session_token);
}

int sigv4_presign(const struct sigv4_request *in, int expires_s, struct sigv4_signature *out)
{
	_cleanup_pairs_ struct pairs query = {0}, headers = {0};
	_cleanup_buf_ struct buf names = BUF_INIT;
	int r;

	*out = (struct sigv4_signature){0};
	isotime_format_basic(in->time_ms, out->date);
	sigv4_add_headers(in, &headers);
	pairs_sort(&headers, sigv4_compare_headers);
	sigv4_write_names(&headers, &names);
	sigv4_add_query(&query, in->query);
	sigv4_add_presign_params(in, expires_s, out->date, buf_str(&names), &query);
	pairs_sort(&query, sigv4_compare_query);
	r = sigv4_sign_parts(in, &query, &headers, buf_str(&names), out);
	if (r < 0)
		return r;
	sigv4_write_query(&query, &out->query);
	if (in->session_token && in->token_unsigned) {
		buf_puts(&out->query, "&X-Amz-Security-Token=");
		encode_percent(&out->query, in->session_token, strlen(in->session_token), 0);
	}
	buf_printf(&out->query, "&X-Amz-Signature=%s", out->hex);
	return -(names.error ? names.error : out->query.error);
}

static void sigv4_wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_finish(b);
}

void sigv4_finish(struct sigv4_signature *out)
{
	sigv4_wipe(&out->canonical_request);
	sigv4_wipe(&out->string_to_sign);
	sigv4_wipe(&out->authorization);
	sigv4_wipe(&out->query);
}
