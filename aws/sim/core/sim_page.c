/* SPDX-License-Identifier: MIT */
/* Page tokens: a place and a seal over the place and the query. */
#include "sim_describe.h"

#include <inttypes.h>
#include <string.h>

static uint64_t hash(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	h ^= h >> 32;
	return h * 0x9e3779b97f4a7c15u;
}

/* All that makes it the same query, in any order. */
static uint64_t query_hash(const struct sim_call *c)
{
	static const char *const apart[] = {"NextToken", "MaxResults", "DryRun", "Version"};
	uint64_t sum = hash(hash(c->world->token_secret, c->region->name), c->key->account);

	for (size_t i = 0; i < c->params->n; i++) {
		const struct sim_param *p = &c->params->items[i];
		bool counts = strncmp(p->name, "X-Amz-", 6) != 0;

		for (size_t j = 0; j < ARRAY_LEN(apart); j++)
			counts = counts && strcmp(p->name, apart[j]);
		if (counts)
			sum += hash(hash(c->world->token_secret, p->name), p->value);
	}
	return sum;
}

static uint64_t seal(const struct sim_call *c, uint64_t slot, uint64_t salt)
{
	char text[40];

	snprintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64, slot, salt);
	return hash(query_hash(c), text);
}

/* With the characters that Base64 has and forms must escape; with a salt, so that no two tokens are
 * alike. */
const char *sim_page_token(struct sim_call *c, size_t slot, char out[SIM_TOKEN_SIZE])
{
	uint64_t salt = sim_world_random(c->world);

	snprintf(out, SIM_TOKEN_SIZE, "AAMA/%016" PRIx64 "+%016" PRIx64 "/%016" PRIx64 "==", salt,
		slot ^ salt, seal(c, slot, salt));
	return out;
}

int sim_page_position(struct sim_call *c, const char *token, size_t *slot)
{
	uint64_t salt = 0, masked = 0, sealed = 0;
	int end = 0;

	if (strlen(token) != 57 ||
		sscanf(token, "AAMA/%16" SCNx64 "+%16" SCNx64 "/%16" SCNx64 "==%n", &salt, &masked,
			&sealed, &end) != 3 ||
		(size_t)end != strlen(token) || seal(c, masked ^ salt, salt) != sealed)
		return sim_fail(c, 400, "InvalidPaginationToken",
			"The pagination token is invalid: '%s'", token);
	*slot = (size_t)(masked ^ salt);
	return 0;
}
