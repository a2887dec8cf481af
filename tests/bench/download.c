/* SPDX-License-Identifier: MIT */
/* What a listing is measured against: the same pages downloaded, sixteen at once, and thrown away
 * unread but for the token of the next. `download ENDPOINT REGION` prints pages, bytes and seconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws.h"
#include "aws_query.h"
#include "cleanup.h"
#include "clock.h"
#include "credentials.h"
#include "ec2.h"
#include "encode.h"
#include "endpoint.h"
#include "http.h"
#include "loop.h"
#include "profile.h"

#define RANGES 16
#define TAIL   4096 /* bytes at the end of a page, where the token is */

struct download {
	uv_loop_t loop;
	struct aws *aws;
	const char *region;
	unsigned running, pages;
	size_t bytes;
	struct err err;
};

struct range {
	struct download *d;
	char filter[16];
	char token[256]; /* "": the first page, or the last */
};

/* The end of an answer, and how long it was. */
struct reader {
	char tail[2 * TAIL];
	size_t len, bytes;
};

static void *reader_create(void)
{
	return calloc(1, sizeof(struct reader));
}

static int reader_read(void *reader, const char *data, size_t len, bool last, struct err *err)
{
	struct reader *r = reader;
	size_t skip = len > TAIL ? len - TAIL : 0, old = r->len > TAIL ? r->len - TAIL : 0;

	r->bytes += len;
	memmove(r->tail, r->tail + old, r->len - old);
	memcpy(r->tail + r->len - old, data + skip, len - skip);
	r->len = r->len - old + len - skip;
	return 0;
}

static void reader_took(void *arg, void *reader)
{
	struct range *range = arg;
	const struct reader *r = reader;
	const char *at = memmem(r->tail, r->len, "<nextToken>", 11), *end;

	range->d->bytes += r->bytes;
	range->token[0] = '\0';
	if (!at)
		return;
	at += 11;
	end = memchr(at, '<', (size_t)(r->tail + r->len - at));
	if (end)
		snprintf(range->token, sizeof(range->token), "%.*s", (int)(end - at), at);
}

static const struct aws_reader tail_reader = {reader_create, reader_read, reader_took, free};

static void ask(struct range *range);

static void page_came(void *arg, const struct err *err)
{
	struct range *range = arg;
	struct download *d = range->d;

	d->pages++;
	if (err)
		d->err = *err;
	if (!err && range->token[0])
		ask(range);
	else if (--d->running == 0)
		uv_stop(&d->loop);
}

static void keep(void *arg)
{
	(void)arg;
}

static void ask(struct range *range)
{
	struct buf form = BUF_INIT;

	ec2_form_start(&form, range->d->aws, "DescribeSnapshots");
	form_add(&form, "self", "Owner.1");
	form_add(&form, "snapshot-id", "Filter.1.Name");
	form_add(&form, range->filter, "Filter.1.Value.1");
	form_add_number(&form, EC2_PAGE_MAX, "MaxResults");
	form_add(&form, range->token[0] ? range->token : NULL, "NextToken");
	if (!aws_query(range->d->aws, &(struct aws_query){.region = range->d->region,
					      .service = "ec2",
					      .action = "DescribeSnapshots",
					      .effect = AWS_READS,
					      .form = &form,
					      .reader = &tail_reader,
					      .done = page_came,
					      .release = keep,
					      .arg = range}))
		abort();
}

static int run(struct download *d, struct endpoint_config *endpoints)
{
	struct range ranges[RANGES];
	struct profiles *profiles;
	struct credentials_chain *chain;
	struct http *http;
	int64_t began;

	if (profiles_load(&profiles, &d->err) < 0 ||
		http_create(&d->loop, &(struct http_options){.user_agent = "download"}, &http,
			&d->err) < 0 ||
		credentials_chain_create(&d->loop, http, profiles, NULL, &chain, &d->err) < 0)
		return -1;
	endpoints->profiles = profiles;
	if (aws_create(&(struct aws_options){.loop = &d->loop,
			       .http = http,
			       .credentials = chain,
			       .endpoints = endpoints},
		    &d->aws, &d->err) < 0)
		return -1;
	began = clock_mono_ms();
	for (d->running = 0; d->running < RANGES; d->running++) {
		ranges[d->running] = (struct range){.d = d};
		snprintf(ranges[d->running].filter, sizeof(ranges[0].filter), "snap-0%x*",
			d->running);
		ask(&ranges[d->running]);
	}
	uv_run(&d->loop, UV_RUN_DEFAULT);
	if (d->err.errnum)
		return -1;
	printf("%u %zu %.3f\n", d->pages, d->bytes, (double)(clock_mono_ms() - began) / 1000);
	return 0;
}

int main(int argc, char **argv)
{
	struct endpoint_config endpoints = {.profile = "default"};
	struct download d = {0};

	if (argc != 3) {
		fprintf(stderr, "usage: download ENDPOINT REGION\n");
		return 2;
	}
	endpoints.endpoint_url = argv[1];
	d.region = argv[2];
	loop_init(&d.loop);
	if (run(&d, &endpoints) == 0)
		return 0;
	fprintf(stderr, "download: %s\n", d.err.message);
	return 1;
}
