/* SPDX-License-Identifier: MIT */
/* Checks a request's signature, key, clock, region and permission. Each failed check gives the
 * error that the requested service has for it. */
#include <errno.h>
#include <string.h>

#include "encode.h"
#include "sim_actions.h"
#include "sim_text.h"

#define SKEW_MS 900000

/* Fails a request whose key or signature is wrong. EC2 has one error for all such requests, STS and
 * EBS have one for each kind. */
static int access_refuse(struct sim_call *c, const char *sts_code, const char *sts_message)
{
	if (c->sts || c->ebs)
		return sim_fail(c, 403, sts_code, "%s", sts_message);
	return sim_fail(c, 401, "AuthFailure",
		"AWS was not able to validate the provided access credentials");
}

static int access_check_key(struct sim_call *c, const struct sim_auth *a)
{
	struct sim_access_key *key = sim_world_key(c->world, a->access_key);
	bool token_fits =
		key && !key->token == !a->token && (!key->token || !strcmp(key->token, a->token));

	if (!key || key->revoked || !token_fits)
		return access_refuse(c, "InvalidClientTokenId",
			"The security token included in the request is invalid.");
	c->key = key;
	if (!key->expires_ms || c->now.wall < key->expires_ms)
		return 0;
	if (c->sts || c->ebs)
		return sim_fail(c, 403, "ExpiredToken",
			"The security token included in the request is expired");
	return sim_fail(c, 400, "RequestExpired", "Request has expired.");
}

static int access_check_clock(struct sim_call *c, const struct sim_auth *a)
{
	int64_t age = c->now.wall - a->stamp_ms;
	bool late = a->in_query ? age >= a->expires_s * 1000 : age > SKEW_MS;

	if (!late && age >= -SKEW_MS)
		return 0;
	if (c->sts || c->ebs)
		return sim_fail(c, 403, "SignatureDoesNotMatch",
			"Signature %s: %s is too far from the present time",
			late ? "expired" : "not yet current", a->stamp);
	return sim_fail(c, 400, "RequestExpired", "Request has expired.");
}

/* "ec2.eu-west-1.amazonaws.com:443": a host with a region must match the region of the credential
 * scope. */
static bool access_host_matches(const char *host, const struct sim_auth *a)
{
	size_t n = strlen(a->service), region = strlen(a->region);

	if (!host || strncmp(host, a->service, n) || host[n] != '.')
		return true;
	host += n + 1;
	return !strncmp(host, "amazonaws.", 10) ||
	       (!strncmp(host, a->region, region) && host[region] == '.');
}

static int access_check_region(struct sim_call *c, const struct sim_auth *a)
{
	c->region = sim_world_region(c->world, a->region);
	if (!c->region || (!a->is_v2 && !access_host_matches(c->host, a)))
		return access_refuse(c, "SignatureDoesNotMatch",
			"Credential should be scoped to a valid region.");
	if (c->region->enabled)
		return 0;
	return access_refuse(c, "RegionDisabledException",
		"STS is not activated in this region for this account.");
}

static int access_unsigned(struct sim_call *c)
{
	/* AssumeRoleWithWebIdentity is authenticated by its token alone. */
	if (!strcmp(c->action, "AssumeRoleWithWebIdentity")) {
		c->sts = true;
		return 0;
	}
	if (c->sts || c->ebs)
		return sim_fail(c, 403, "MissingAuthenticationToken",
			"Request is missing Authentication Token");
	return sim_fail(c, 400, "MissingParameter",
		"The request must contain the parameter AWSAccessKeyId");
}

static int access_verify(
	struct sim_call *c, const struct sim_auth_request *r, const struct sim_auth *a)
{
	if (c->ebs && (a->is_v2 || strcmp(a->service, "ebs")))
		return sim_fail(c, 403, "SignatureDoesNotMatch",
			"Credential should be scoped to correct service: 'ebs'.");
	if (!a->is_v2)
		c->sts = !strcmp(a->service, "sts");
	if (!a->is_v2 && !c->sts && !c->ebs && strcmp(a->service, "ec2"))
		return sim_fail(c, 401, "AuthFailure",
			"Credential should be scoped to correct service: 'ec2'.");
	if (access_check_key(c, a) < 0 || access_check_clock(c, a) < 0)
		return -1;
	if (!sim_auth_matches(a, r, c->key->secret))
		return access_refuse(c, "SignatureDoesNotMatch",
			"The request signature we calculated does not match the signature you "
			"provided. Check your AWS Secret Access Key and signing method. Consult "
			"the service documentation for details.");
	return access_check_region(c, a);
}

int sim_access_authenticate(struct sim_call *c, const struct sim_auth_request *r)
{
	_cleanup_(sim_auth_finish) struct sim_auth a = {0};
	const char *why;
	int result = sim_auth_parse(r, &a, &why);

	c->host = sim_auth_header(r, "host");
	if (result == -ENOENT)
		return access_unsigned(c);
	if (result == -EINVAL)
		return sim_fail(c, 400, "IncompleteSignature", "%s", why);
	return result < 0 ? sim_fail_memory(c) : access_verify(c, r, &a);
}

static bool access_is_listed(char *const *list, size_t n, const char *action)
{
	for (size_t i = 0; i < n; i++)
		if (sim_text_matches(action, list[i]))
			return true;
	return false;
}

bool sim_access_allows(const struct sim_call *c, const char *action)
{
	const struct sim_access_key *k = c->key;

	return !access_is_listed(k->deny, k->n_deny, action) &&
	       (!k->n_allow || access_is_listed(k->allow, k->n_allow, action));
}

int sim_access_authorize(struct sim_call *c, const char *action)
{
	const struct sim_access_key *k = c->key;
	_cleanup_buf_ struct buf blob = BUF_INIT;

	if (!strcmp(action, "GetCallerIdentity")) /* needs no permission, and cannot be denied */
		return 0;
	if (sim_access_allows(c, action))
		return 0;
	if (c->sts || c->ebs)
		return sim_fail(c, 403, "AccessDenied",
			"User: %s is not authorized to perform: %s:%s", k->arn,
			c->ebs ? "ebs" : "sts", action);
	for (int i = 0; i < 12; i++) {
		uint64_t r = sim_world_random(c->world);

		encode_base64(&blob, &r, 6);
	}
	return sim_fail(c, 403, "UnauthorizedOperation",
		"You are not authorized to perform this operation. User: %s is not authorized to "
		"perform: ec2:%s because no identity-based policy allows the ec2:%s action. "
		"Encoded authorization failure message: %s",
		k->arn, action, action, buf_str(&blob));
}
