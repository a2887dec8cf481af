/* SPDX-License-Identifier: MIT */
/* The pages of a listing. */
#include "sim_page.h"

#include <inttypes.h>
#include <string.h>

#include "num.h"

#define TOKEN_SIZE 80

static uint64_t token_hash(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	h ^= h >> 32;
	return h * 0x9e3779b97f4a7c15u;
}

uint64_t sim_page_hash(const struct sim_call *c)
{
	static const char *const apart[] = {"NextToken", "MaxResults", "DryRun", "Version",
		"ClientToken", "AWSAccessKeyId", "Signature", "Timestamp", "SecurityToken"};
	uint64_t sum =
		token_hash(token_hash(c->world->token_secret, c->region->name), c->key->account);

	for (size_t i = 0; i < c->params->n; i++) {
		const struct sim_param *p = &c->params->items[i];
		bool counts = strncmp(p->name, "X-Amz-", 6) != 0;

		for (size_t j = 0; j < ARRAY_LEN(apart); j++)
			counts = counts && strcmp(p->name, apart[j]);
		if (counts)
			sum += token_hash(token_hash(c->world->token_secret, p->name), p->value);
	}
	return sum;
}

static uint64_t token_seal(const struct sim_call *c, uint64_t slot, uint64_t salt)
{
	char text[40];

	snprintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64, slot, salt);
	return token_hash(sim_page_hash(c), text);
}

/* Writes a token: a salt, the slot, and a seal over slot and query. The salt makes every token
 * different. The token has characters of Base64 that forms must escape. */
static const char *page_token(struct sim_call *c, size_t slot, char out[TOKEN_SIZE])
{
	uint64_t salt = sim_world_random(c->world);

	snprintf(out, TOKEN_SIZE, "AAMA/%016" PRIx64 "+%016" PRIx64 "/%016" PRIx64 "==", salt,
		slot ^ salt, token_seal(c, slot, salt));
	return out;
}

static int page_position(struct sim_call *c, const char *token, size_t *slot)
{
	uint64_t salt = 0, masked = 0, sealed = 0;
	int end = 0;

	if (strlen(token) != 57 ||
		sscanf(token, "AAMA/%16" SCNx64 "+%16" SCNx64 "/%16" SCNx64 "==%n", &salt, &masked,
			&sealed, &end) != 3 ||
		(size_t)end != strlen(token) || token_seal(c, masked ^ salt, salt) != sealed)
		return sim_fail(c, 400, "InvalidPaginationToken",
			"The pagination token is invalid: '%s'", token);
	*slot = (size_t)(masked ^ salt);
	return 0;
}

int sim_page_parse(struct sim_call *c, const char *ids, struct sim_page *page)
{
	const char *max = sim_params_get(c->params, "MaxResults"),
		   *token = sim_params_get(c->params, "NextToken");
	int64_t v;

	if (max && ids)
		return sim_fail(c, 400, "InvalidParameterCombination",
			"The parameter %s cannot be used with the parameter maxResults", ids);
	if (max) {
		int r = num_parse_i64(max, strlen(max), INT32_MIN, INT32_MAX, &v);

		if (r < 0)
			return sim_fail(c, 400, "InvalidParameterValue",
				"Value (%s) for parameter maxResults is invalid. Expected an "
				"integer",
				max);
		if (v < 5)
			return sim_fail(c, 400, "InvalidParameterValue",
				"Value ( %" PRId64 " ) for parameter maxResults is invalid. "
				"Expecting a value greater than 5.",
				v);
		page->max = v > 1000 ? 1000 : (size_t)v;
	}
	return token && *token ? page_position(c, token, &page->start) : 0;
}

size_t sim_page_size(struct sim_call *c, const struct sim_page *page, bool *count_all)
{
	enum sim_pages pages = c->world->behaviour.pages;

	*count_all = pages == SIM_PAGES_AFTER;
	if (!page->max)
		return SIZE_MAX;
	if (pages == SIM_PAGES_RAGGED)
		return (size_t)sim_world_draw(c->world, (struct sim_range){0, (int64_t)page->max});
	return page->max;
}

void sim_page_end(struct sim_call *c, size_t next)
{
	char token[TOKEN_SIZE];

	if (next != SIZE_MAX)
		sim_xml_leaf(&c->xml, "nextToken", page_token(c, next, token));
	else if (c->world->behaviour.pages == SIM_PAGES_RAGGED)
		sim_xml_leaf(&c->xml, "nextToken", "");
}
