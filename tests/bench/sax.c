/* SPDX-License-Identifier: MIT */
/* The measure of a listing's processor time: the same pages, sixteen at once, through curl and
 * libxml2's SAX parser and nothing else. The ids are counted, everything else is parsed and
 * dropped. `sax ENDPOINT REGION` prints pages, ids and processor seconds; the keys are
 * AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
 */
#include <curl/curl.h>
#include <libxml/parser.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define RANGES 16

static const char *endpoint;
static unsigned pages, ids;

struct range {
	CURL *easy;
	xmlParserCtxtPtr parser;
	char digit;
	char text[256]; /* of the current element */
	size_t len;
	char token[256]; /* of the next page; "": there is none */
	char form[512];
};

static void fail(const char *message)
{
	fprintf(stderr, "sax: %s\n", message);
	exit(1);
}

static void opened(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
	const xmlChar **attributes)
{
	struct range *r = arg;

	(void)name, (void)prefix, (void)uri, (void)n_namespaces, (void)namespaces;
	(void)n_attributes, (void)n_defaulted, (void)attributes;
	r->len = 0;
}

static void characters(void *arg, const xmlChar *data, int len)
{
	struct range *r = arg;

	if (r->len + (size_t)len >= sizeof(r->text))
		return;
	memcpy(r->text + r->len, data, (size_t)len);
	r->len += (size_t)len;
}

static void closed(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct range *r = arg;

	(void)prefix, (void)uri;
	r->text[r->len] = '\0';
	if (!strcmp((const char *)name, "snapshotId"))
		ids += !strncmp(r->text, "snap-", 5);
	else if (!strcmp((const char *)name, "nextToken"))
		memcpy(r->token, r->text, r->len + 1);
	r->len = 0;
}

static size_t arrived(char *data, size_t size, size_t n, void *arg)
{
	struct range *r = arg;

	return xmlParseChunk(r->parser, data, (int)(size * n), 0) ? 0 : size * n;
}

/* Requests the page after r->token, or the first. */
static void request(struct range *r, CURLM *multi)
{
	xmlSAXHandler sax = {.initialized = XML_SAX2_MAGIC,
		.startElementNs = opened,
		.endElementNs = closed,
		.characters = characters};
	char *token = curl_easy_escape(r->easy, r->token, 0);

	snprintf(r->form, sizeof(r->form),
		"Action=DescribeSnapshots&Version=2016-11-15&Owner.1=self&Filter.1.Name=snapshot-id"
		"&Filter.1.Value.1=snap-0%c%%2A&MaxResults=1000%s%s",
		r->digit, *r->token ? "&NextToken=" : "", token);
	curl_free(token);
	r->token[0] = '\0';
	r->parser = xmlCreatePushParserCtxt(&sax, r, NULL, 0, NULL);
	curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->form);
	if (!r->parser || curl_multi_add_handle(multi, r->easy) != CURLM_OK)
		fail("out of memory");
}

/* Returns whether there is a further page. */
static bool page_came(struct range *r, CURLM *multi, CURLcode result)
{
	long status = 0;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (result != CURLE_OK || status != 200)
		fail(result != CURLE_OK ? curl_easy_strerror(result) : "the request was refused");
	if (xmlParseChunk(r->parser, NULL, 0, 1) || !r->parser->wellFormed)
		fail("not well-formed XML");
	xmlFreeParserCtxt(r->parser);
	curl_multi_remove_handle(multi, r->easy);
	pages++;
	return *r->token != '\0';
}

static void run(CURLM *multi)
{
	unsigned unfinished = RANGES;
	CURLMsg *message;
	int n;

	while (unfinished) {
		curl_multi_perform(multi, &n);
		while ((message = curl_multi_info_read(multi, &n))) {
			struct range *r;

			curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&r);
			if (page_came(r, multi, message->data.result))
				request(r, multi);
			else
				unfinished--;
		}
		curl_multi_poll(multi, NULL, 0, 1000, NULL);
	}
}

static void prepare(struct range *r, const char *region)
{
	static char keys[256], sigv4[64];
	const char *id = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");

	snprintf(keys, sizeof(keys), "%s:%s", id ? id : "", secret ? secret : "");
	snprintf(sigv4, sizeof(sigv4), "aws:amz:%s:ec2", region);
	r->easy = curl_easy_init();
	if (!r->easy)
		fail("out of memory");
	curl_easy_setopt(r->easy, CURLOPT_URL, endpoint);
	curl_easy_setopt(r->easy, CURLOPT_AWS_SIGV4, sigv4);
	curl_easy_setopt(r->easy, CURLOPT_USERPWD, keys);
	curl_easy_setopt(r->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
	curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, arrived);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct range ranges[RANGES] = {0};
	struct rusage usage;
	CURLM *multi;

	if (argc != 3) {
		fprintf(stderr, "usage: sax ENDPOINT REGION\n");
		return 2;
	}
	endpoint = argv[1];
	curl_global_init(CURL_GLOBAL_DEFAULT);
	multi = curl_multi_init();
	if (!multi)
		fail("out of memory");
	for (unsigned i = 0; i < RANGES; i++) {
		ranges[i].digit = "0123456789abcdef"[i];
		prepare(&ranges[i], argv[2]);
		request(&ranges[i], multi);
	}
	run(multi);
	getrusage(RUSAGE_SELF, &usage);
	printf("%u %u %.3f\n", pages, ids, seconds(usage.ru_utime) + seconds(usage.ru_stime));
	return 0;
}
