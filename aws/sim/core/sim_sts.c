/* SPDX-License-Identifier: MIT */
/* STS: GetCallerIdentity, and temporary keys by AssumeRole and AssumeRoleWithWebIdentity, which the
 * simulator accepts until they expire. */
#include <errno.h>
#include <string.h>

#include "encode.h"
#include "isotime.h"
#include "num.h"
#include "sim_actions.h"
#include "sim_text.h"

/* The bounds of STS's API reference. */
#define SESSION_MIN_S 900
#define SESSION_MAX_S 43200
#define SESSION_S     3600
#define TOKEN_BYTES   600

const char *const sim_sts_assume_params[] = {
	"RoleArn", "RoleSessionName", "DurationSeconds", "ExternalId", NULL};
const char *const sim_sts_web_params[] = {
	"RoleArn", "RoleSessionName", "DurationSeconds", "WebIdentityToken", NULL};

struct assumption {
	const char *role; /* the role's name, from the end of its ARN */
	const char *session;
	int64_t seconds;
};

static int assume_invalid(struct sim_call *c, const char *name, const char *value)
{
	return sim_fail(c, 400, "ValidationError",
		"1 validation error detected: Value '%s' at '%s' failed to satisfy constraint",
		value, name);
}

static bool has_form(const char *text, size_t min, size_t max, const char *more)
{
	size_t len = strlen(text);

	if (len < min || len > max)
		return false;
	for (; *text; text++)
		if (!((*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') ||
			    (*text >= 'A' && *text <= 'Z') || strchr(more, *text)))
			return false;
	return true;
}

static int assume_read_role(struct sim_call *c, struct assumption *a)
{
	static const char prefix[] = "arn:aws:iam::" SIM_ACCOUNT ":role/";
	const char *arn = sim_call_required(c, "RoleArn");

	if (!arn)
		return -1;
	if (strncmp(arn, "arn:aws:iam::", 13) != 0 || !strstr(arn, ":role/"))
		return assume_invalid(c, "roleArn", arn);
	if (strncmp(arn, prefix, strlen(prefix)) != 0)
		return sim_fail(c, 403, "AccessDenied",
			"User is not authorized to perform: sts:%s on resource: %s", c->action,
			arn);
	a->role = strrchr(arn, '/') + 1;
	return 0;
}

static int assume_read_duration(struct sim_call *c, struct assumption *a)
{
	const char *text = sim_params_get(c->params, "DurationSeconds");
	/* Keys of a role that assume another role live an hour at most. */
	bool chained = c->key && c->key->token;

	a->seconds = SESSION_S;
	if (text &&
		(num_parse_i64(text, strlen(text), SESSION_MIN_S, SESSION_MAX_S, &a->seconds) < 0 ||
			(chained && a->seconds > SESSION_S)))
		return assume_invalid(c, "durationSeconds", text);
	if (c->world->behaviour.session_s)
		a->seconds = c->world->behaviour.session_s;
	return 0;
}

static int assume_read(struct sim_call *c, struct assumption *a)
{
	const char *external = sim_params_get(c->params, "ExternalId");

	if (assume_read_role(c, a) < 0)
		return -1;
	a->session = sim_call_required(c, "RoleSessionName");
	if (!a->session)
		return -1;
	if (!has_form(a->session, 2, 64, "_+=,.@-"))
		return assume_invalid(c, "roleSessionName", a->session);
	if (external && !has_form(external, 2, 1224, "_+=,.@:/-"))
		return assume_invalid(c, "externalId", external);
	return assume_read_duration(c, a);
}

static char *random_text(struct sim_call *c, const char *start, size_t bytes)
{
	struct buf out = BUF_INIT;

	buf_puts(&out, start);
	for (size_t i = 0; i < bytes; i += 6) {
		uint64_t r = sim_world_random(c->world);

		encode_base64(&out, &r, 6);
	}
	return out.error ? NULL : buf_steal(&out);
}

/* Adds a key, which moves the keys in memory: c->key is invalid afterwards. NULL on ENOMEM. */
static struct sim_access_key *assume_make_key(struct sim_call *c, const struct assumption *a)
{
	_cleanup_free_ char *secret = random_text(c, "", 30), *arn = NULL;
	struct sim_access_key *k;
	char id[24];

	snprintf(id, sizeof(id), "ASIA%016llX", (unsigned long long)sim_world_random(c->world));
	k = secret ? sim_world_add_key(c->world, id, secret, SIM_ACCOUNT) : NULL;
	if (!k || asprintf(&arn, "arn:aws:sts::" SIM_ACCOUNT ":assumed-role/%s/%s", a->role,
			  a->session) < 0)
		return NULL;
	free(k->arn);
	k->arn = steal(&arn);
	k->token = random_text(c, "IQoJ", TOKEN_BYTES);
	/* STS returns expiry times in whole seconds. */
	k->expires_ms = (c->now.wall / 1000 + a->seconds) * 1000;
	return k->token ? k : NULL;
}

static int assume_respond(struct sim_call *c, const struct sim_access_key *k)
{
	struct sim_xml x = {&c->reply->body, 1};
	char result[64], end[ISOTIME_SIZE];

	snprintf(result, sizeof(result), "%sResult", c->action);
	buf_printf(x.out, "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n",
		c->action);
	sim_xml_open(&x, result);
	sim_xml_open(&x, "AssumedRoleUser");
	sim_xml_leaf(&x, "AssumedRoleId", "AROASIMULATED00000001:session");
	sim_xml_leaf(&x, "Arn", k->arn);
	sim_xml_close(&x, "AssumedRoleUser");
	sim_xml_open(&x, "Credentials");
	sim_xml_leaf(&x, "AccessKeyId", k->id);
	sim_xml_leaf(&x, "SecretAccessKey", k->secret);
	sim_xml_leaf(&x, "SessionToken", k->token);
	sim_xml_leaf(&x, "Expiration", isotime_format(k->expires_ms, end));
	sim_xml_close(&x, "Credentials");
	sim_xml_close(&x, result);
	sim_xml_open(&x, "ResponseMetadata");
	sim_xml_leaf(&x, "RequestId", c->reply->request_id);
	sim_xml_close(&x, "ResponseMetadata");
	buf_printf(x.out, "</%sResponse>", c->action);
	return x.out->error ? sim_fail_memory(c) : 0;
}

static int assume(struct sim_call *c)
{
	struct assumption a;
	const struct sim_access_key *k;

	if (assume_read(c, &a) < 0)
		return -1;
	k = assume_make_key(c, &a);
	return k ? assume_respond(c, k) : sim_fail_memory(c);
}

int sim_sts_assume_role(struct sim_call *c)
{
	return assume(c);
}

int sim_sts_assume_role_with_web_identity(struct sim_call *c)
{
	const char *token = sim_call_required(c, "WebIdentityToken"),
		   *dot = token ? strchr(token, '.') : NULL;

	if (!token)
		return -1;
	/* A JWT has three parts. Its issuer is not checked. */
	if (!has_form(token, 4, 20000, "._-") || !dot || !strchr(dot + 1, '.') ||
		strchr(strchr(dot + 1, '.') + 1, '.'))
		return sim_fail(
			c, 400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT");
	return assume(c);
}

int sim_sts_identity(struct sim_call *c)
{
	struct sim_xml x = {&c->reply->body, 1};

	buf_puts(x.out, "<GetCallerIdentityResponse "
			"xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n");
	sim_xml_open(&x, "GetCallerIdentityResult");
	sim_xml_leaf(&x, "Arn", c->key->arn);
	sim_xml_leaf(&x, "UserId",
		c->key->token ? "AROASIMULATED00000001:session" : "AIDASIMULATED00000001");
	sim_xml_leaf(&x, "Account", c->key->account);
	sim_xml_close(&x, "GetCallerIdentityResult");
	sim_xml_open(&x, "ResponseMetadata");
	sim_xml_leaf(&x, "RequestId", c->reply->request_id);
	sim_xml_close(&x, "ResponseMetadata");
	sim_xml_close(&x, "GetCallerIdentityResponse");
	return x.out->error ? sim_fail_memory(c) : 0;
}
