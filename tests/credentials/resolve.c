/* SPDX-License-Identifier: MIT */
/* Sends with the environment and the files as ebsfs reads them: one DescribeRegions of EC2, or
 * ListSnapshotBlocks of EBS, is signed and, instead of being sent, printed as JSON. Requests of the
 * sources of credentials are really sent.
 *
 *     resolve SERVICE REGION PROFILE ENDPOINT
 *
 * "-" instead of REGION means the home region, instead of PROFILE no explicit profile, instead of
 * ENDPOINT no option.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "aws.h"
#include "credentials.h"
#include "ebs.h"
#include "ec2.h"
#include "encode.h"
#include "endpoint.h"
#include "http.h"
#include "log.h"
#include "loop.h"
#include "profile.h"
#include "xml.h"

/* Linked with --wrap=http_send. */
struct http_call *__real_http_send(
	struct http *http, const struct http_request *r, http_done *done, void *arg);
struct http_call *__wrap_http_send(
	struct http *http, const struct http_request *r, http_done *done, void *arg);

/* The request that was not sent, and who waits for its answer. */
static struct {
	uv_loop_t *loop;
	char url[512];
	char authorization[1024];
	char token[4096];
	http_done *done;
	void *arg;
	char source[64];
} caught;

static void answer(void *unused)
{
	static const char regions[] =
		"<DescribeRegionsResponse><regionInfo><item><regionName>us-east-"
		"1</regionName></item>"
		"</regionInfo></DescribeRegionsResponse>";
	struct http_response a = {.status = 200, .retry_after_ms = -1};

	(void)unused;
	buf_puts(&a.body, strstr(caught.url, "/snapshots/") ? "{\"Blocks\":[]}" : regions);
	caught.done(caught.arg, &a, NULL);
	buf_finish(&a.body);
}

static const char *header(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++) {
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	}
	return "";
}

struct http_call *__wrap_http_send(
	struct http *http, const struct http_request *r, http_done *done, void *arg)
{
	if (!strstr(header(r, "authorization"), "/ec2/aws4_request") &&
		!strstr(header(r, "authorization"), "/ebs/aws4_request"))
		return __real_http_send(http, r, done, arg);
	snprintf(caught.url, sizeof(caught.url), "%s", r->url);
	snprintf(caught.authorization, sizeof(caught.authorization), "%s",
		header(r, "authorization"));
	snprintf(caught.token, sizeof(caught.token), "%s", header(r, "x-amz-security-token"));
	caught.done = done;
	caught.arg = arg;
	return loop_defer(caught.loop, answer, NULL) < 0 ? NULL : (struct http_call *)&caught;
}

static void regions_done(void *arg, const char *const *names, size_t n, const struct err *err)
{
	(void)names, (void)n;
	if (err)
		*(struct err *)arg = *err;
}

static void page_done(void *arg, struct ebs_page *page, const struct err *err)
{
	ebs_page_destroy(page);
	if (err)
		*(struct err *)arg = *err;
}

static struct aws_call *ask(
	struct aws *aws, struct ebs *ebs, const char *service, const char *region, struct err *err)
{
	if (strcmp(service, "ebs") != 0)
		return ec2_describe_regions(aws, region, regions_done, err);
	return ebs_list_blocks(ebs,
		&(struct ebs_list){.region = region, .snapshot = "snap-0123456789abcdef0"},
		page_done, err);
}

static void source_done(void *arg, struct credentials *credentials, const struct err *err)
{
	(void)arg, (void)err;
	if (credentials)
		snprintf(caught.source, sizeof(caught.source), "%s", credentials->source);
	credentials_unref(credentials);
}

static void member(struct buf *out, const char *name, const char *value, size_t len)
{
	buf_printf(out, "%s\"%s\": ", out->len ? ", " : "{", name);
	encode_json_string(out, value, len);
}

/* "AWS4-HMAC-SHA256 Credential=KEY/20260102/us-east-1/ec2/aws4_request, …" */
static void print(const char *home, const struct err *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	const char *key = strstr(caught.authorization, "Credential=");
	const char *region = key ? strchr(strchr(key, '/') + 1, '/') + 1 : NULL;

	if (home)
		member(&out, "home", home, strlen(home));
	if (region && !err->errnum) {
		key += strlen("Credential=");
		member(&out, "access_key", key, strcspn(key, "/"));
		member(&out, "region", region, strcspn(region, "/"));
		member(&out, "url", caught.url, strlen(caught.url));
		member(&out, "token", caught.token, strlen(caught.token));
		member(&out, "source", caught.source, strlen(caught.source));
	} else {
		member(&out, "error", err->message, strlen(err->message));
	}
	printf("%s}\n", buf_str(&out));
}

static int run(uv_loop_t *loop, const char *service, const char *region, const char *profile,
	const char *endpoint)
{
	struct profiles *profiles = NULL;
	struct http *http = NULL;
	struct credentials_chain *chain = NULL;
	struct endpoint_config config;
	struct aws *aws = NULL;
	struct ebs *ebs = NULL;
	const char *home = NULL;
	struct err err = {0};

	if (profiles_load(&profiles, &err) == 0) {
		config = (struct endpoint_config){.endpoint_url = endpoint,
			.profiles = profiles,
			.profile = profiles_selected(profiles, profile)};
		home = endpoint_home_region(profiles, config.profile);
	}
	if (profiles &&
		http_create(loop, &(struct http_options){.user_agent = "ebsfs-test"}, &http,
			&err) == 0 &&
		credentials_chain_create(loop, http, profiles, profile, &chain, &err) == 0) {
		const struct aws_options options = {.loop = loop,
			.http = http,
			.credentials = chain,
			.endpoints = &config,
			.attempts = 1};

		if (aws_create(&options, &aws, &err) == 0 &&
			(ebs = ebs_create(&(struct ebs_options){.aws = aws})) &&
			ask(aws, ebs, service, region ? region : home, &err))
			uv_run(loop, UV_RUN_DEFAULT);
		if (!err.errnum && credentials_get(chain, source_done, NULL))
			uv_run(loop, UV_RUN_DEFAULT);
	}
	print(home, &err);
	ebs_destroy(ebs);
	aws_destroy(aws);
	credentials_chain_destroy(chain);
	http_destroy(http);
	uv_run(loop, UV_RUN_DEFAULT);
	profiles_destroy(profiles);
	return 0;
}

static const char *given(const char *arg)
{
	return strcmp(arg, "-") == 0 ? NULL : arg;
}

int main(int argc, char **argv)
{
	uv_loop_t loop;

	if (argc != 5) {
		fprintf(stderr, "usage: resolve SERVICE REGION PROFILE ENDPOINT\n");
		return 2;
	}
	log_setup(LOG_WARNING, false);
	xml_setup();
	loop_init(&loop);
	caught.loop = &loop;
	run(&loop, argv[1], given(argv[2]), given(argv[3]), given(argv[4]));
	return uv_loop_close(&loop) ? 1 : 0;
}
