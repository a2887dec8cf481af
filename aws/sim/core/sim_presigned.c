/* SPDX-License-Identifier: MIT */
/* The PresignedUrl of CopySnapshot: a second request, to the source's region, signed in its query.
 */
#include "sim_copy.h"

#include <string.h>

#include "sim_auth.h"

#define SKEW_MS 900000

struct url {
	char *host;
	char *path;
	const char *query;
};

static void url_finish(struct url *u)
{
	free(u->host);
	free(u->path);
}

static bool split(const char *text, struct url *u)
{
	size_t host, path;

	if (!strncmp(text, "https://", 8))
		text += 8;
	else if (!strncmp(text, "http://", 7))
		text += 7;
	else
		return false;
	host = strcspn(text, "/?");
	path = strcspn(text + host, "?");
	u->host = strndup(text, host);
	u->path = path ? strndup(text + host, path) : strdup("/");
	text += host + path;
	u->query = *text == '?' ? text + 1 : "";
	return host && u->host && u->path;
}

/* "ec2.us-east-1.amazonaws.com" must be the source's host; a host that names no region will do (a
 * custom endpoint). */
static bool host_fits(const struct sim_call *c, const char *host, const char *region)
{
	size_t n = strlen(region);

	if (strncmp(host, "ec2.", 4) && strncmp(host, "ec2-fips.", 9))
		return !c->host || !strcmp(host, c->host);
	host = strchr(host, '.') + 1;
	return !strncmp(host, region, n) && host[n] == '.';
}

static const char *check_signature(
	const struct sim_call *c, const struct url *u, const struct sim_auth *a, const char *region)
{
	const struct sim_header header = {"host", u->host};
	const struct sim_auth_request r = {"GET", u->path, u->query, &header, 1, "", 0};
	const struct sim_access_key *key = sim_world_key(c->world, a->access_key);
	int64_t age = c->now.wall - a->stamp_ms;

	if (!key || key->revoked || strcmp(key->account, c->key->account) ||
		!key->token != !a->token || (key->token && strcmp(key->token, a->token)))
		return "its credentials are not valid";
	if (strcmp(a->region, region) || strcmp(a->service, "ec2"))
		return "it is not signed for the source region";
	if (age > SKEW_MS || age < -SKEW_MS || age >= a->expires_s * 1000)
		return "it has expired";
	if (!sim_auth_matches(a, &r, key->secret))
		return "its signature does not match";
	return NULL;
}

static const char *check_query(
	const struct sim_call *c, const char *query, const char *region, const char *id)
{
	struct sim_params p = SIM_PARAMS_INIT;
	const char *wanted[][2] = {{"Action", "CopySnapshot"}, {"SourceRegion", region},
		{"SourceSnapshotId", id}, {"DestinationRegion", c->region->name}};
	const char *fault = sim_params_parse(&p, query, strlen(query), false) < 0
				    ? "its query is malformed"
				    : NULL;

	for (size_t i = 0; i < ARRAY_LEN(wanted) && !fault; i++) {
		const char *value = sim_params_get(&p, wanted[i][0]);

		if (!value || strcmp(value, wanted[i][1]))
			fault = "it was made for another request";
	}
	if (!fault && !sim_params_get(&p, "Version"))
		fault = "it has no Version";
	sim_params_finish(&p);
	return fault;
}

const char *sim_presigned_fault(
	const struct sim_call *c, const char *url, const char *source_region, const char *source_id)
{
	_cleanup_(url_finish) struct url u = {0};
	_cleanup_(sim_auth_finish) struct sim_auth a = {0};
	struct sim_auth_request r;
	const char *why, *fault;

	if (!split(url, &u))
		return "it is not a URL";
	if (!host_fits(c, u.host, source_region))
		return "it is not addressed to the source region";
	r = (struct sim_auth_request){
		.method = "GET", .path = u.path, .query = u.query, .body = ""};
	if (sim_auth_parse(&r, &a, &why) < 0)
		return "it is not signed";
	fault = check_signature(c, &u, &a, source_region);
	return fault ? fault : check_query(c, u.query, source_region, source_id);
}
