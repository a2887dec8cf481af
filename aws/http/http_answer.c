/* SPDX-License-Identifier: MIT */
/* What the head of an answer says. */
#include "http_answer.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "utf8.h"

static void copy_header(CURL *easy, const char *name, char *out, size_t size)
{
	struct curl_header *header;

	if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
		snprintf(out, size, "%s", header->value);
}

/* A header that counts in `unit` ms; -1 if absent, no number or more than a day. */
static int64_t read_delay(CURL *easy, const char *name, int64_t unit)
{
	char text[32] = "", *end;
	long long v;

	copy_header(easy, name, text, sizeof(text));
	v = strtoll(text, &end, 10);
	return end == text || *end || v < 0 || v > 86400000 / unit ? -1 : v * unit;
}

void http_answer_read(struct http_answer *answer, void *easy)
{
	char date[64] = "";
	time_t seconds;
	long status = 0;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	answer->status = (int)status;
	copy_header(easy, "x-amzn-requestid", answer->request_id, sizeof(answer->request_id));
	utf8_make_line(answer->request_id);
	copy_header(easy, "content-type", answer->content_type, sizeof(answer->content_type));
	copy_header(easy, "date", date, sizeof(date));
	seconds = date[0] ? curl_getdate(date, NULL) : -1;
	answer->date_ms = seconds > 0 ? (int64_t)seconds * 1000 : 0;
	answer->retry_after_ms = read_delay(easy, "x-amz-retry-after", 1);
	if (answer->retry_after_ms < 0)
		answer->retry_after_ms = read_delay(easy, "retry-after", 1000);
}
