/* SPDX-License-Identifier: MIT */
/* The EBS direct APIs that read: ListSnapshotBlocks, ListChangedBlocks, GetSnapshotBlock. */
#include "sim_ebs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "digest.h"
#include "encode.h"
#include "num.h"
#include "sim_disk.h"
#include "sim_text.h"

#define PAGE_MIN      100 /* a smaller maxResults acts like this one */
#define PAGE_MAX      10000
#define BLOCK_TOKEN_S (7 * 86400)
#define PAGE_TOKEN_S  3600
#define TOKEN_SIZE    64
#define INVALID       "ValidationException.INVALID_PARAMETER_VALUE"

const char *const sim_ebs_list_params[] = {
	"SnapshotId", "pageToken", "maxResults", "startingBlockIndex", NULL};
const char *const sim_ebs_changed_params[] = {
	"SnapshotId", "firstSnapshotId", "pageToken", "maxResults", "startingBlockIndex", NULL};
const char *const sim_ebs_get_params[] = {"SnapshotId", "BlockIndex", "blockToken", NULL};

/* --- paths --- */

bool sim_ebs_is_path(const char *path)
{
	return !strncmp(path, "/snapshots/", 11);
}

int sim_ebs_route(const struct sim_auth_request *r, struct sim_params *params)
{
	const char *id = r->path + 11, *rest = id + strcspn(id, "/");
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (strcmp(r->method, "GET") != 0)
		return 0;
	if (!strcmp(rest, "/blocks"))
		buf_puts(&text, "Action=ListSnapshotBlocks");
	else if (!strcmp(rest, "/changedblocks"))
		buf_puts(&text, "Action=ListChangedBlocks");
	else if (!strncmp(rest, "/blocks/", 8) && !strchr(rest + 8, '/'))
		buf_printf(&text, "Action=GetSnapshotBlock&BlockIndex=%s", rest + 8);
	else
		return 0;
	buf_printf(&text, "&SnapshotId=%.*s", (int)(rest - id), id);
	return text.error ? -ENOMEM : sim_params_parse(params, text.data, text.len, false);
}

/* --- tokens --- */

static uint64_t ebs_mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t ebs_hash(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = ebs_mix(h + 0x9e3779b97f4a7c15u + (unsigned char)*text);
	return h;
}

/* Returns the seal of tokens: they are valid only for this account, region, snapshot and purpose.
 */
static uint64_t ebs_seal(const struct sim_call *c, const char *purpose, const char *snapshot)
{
	uint64_t h = ebs_hash(c->world->token_secret, purpose);

	h = ebs_hash(h, c->key->account);
	return ebs_hash(ebs_hash(h, c->region->name), snapshot);
}

/* Writes the last digits of a number in upper-case hex. Returns the end of the digits. A list of
 * 10,000 blocks has 40,000 such numbers. */
static char *ebs_put_hex(char *out, uint64_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value >>= 4)
		out[i] = "0123456789ABCDEF"[value & 15];
	return out + digits;
}

/* Writes a token for a block, or for a position in a list. The token has characters that a query
 * must escape. The salt makes it differ from the tokens of earlier lists. */
static void ebs_write_token(
	uint64_t seal, int64_t wall_ms, uint64_t salt, uint32_t index, char out[TOKEN_SIZE])
{
	uint64_t mac = ebs_mix(seal ^ ebs_mix((uint64_t)wall_ms << 20 ^ index ^ ebs_mix(salt)));

	memcpy(out, "AAAB", 4);
	out = ebs_put_hex(out + 4, (uint64_t)wall_ms, 12);
	out = ebs_put_hex(out, index, 8);
	*out++ = '+';
	out = ebs_put_hex(out, salt, 16);
	*out++ = '/';
	strcpy(ebs_put_hex(out, mac, 16), "==");
}

/* Reads a token's index. Returns whether the token is unaltered, has this seal, and has not
 * expired. */
static bool ebs_read_token(const struct sim_call *c, uint64_t seal, int64_t lifetime_s,
	const char *token, uint32_t *index)
{
	char again[TOKEN_SIZE];
	uint64_t wall, salt, mac;

	if (sscanf(token, "AAAB%12" SCNx64 "%8" SCNx32 "+%16" SCNx64 "/%16" SCNx64 "==", &wall,
		    index, &salt, &mac) != 4)
		return false;
	ebs_write_token(seal, (int64_t)wall, salt, *index, again);
	return !strcmp(again, token) && c->now.wall - (int64_t)wall < lifetime_s * 1000;
}

static int64_t ebs_block_token_s(const struct sim_call *c)
{
	int s = c->world->behaviour.block_token_s;

	return s ? s : BLOCK_TOKEN_S;
}

static int64_t ebs_page_token_s(const struct sim_call *c)
{
	int s = c->world->behaviour.page_token_s;

	return s ? s : PAGE_TOKEN_S;
}

/* --- snapshots --- */

/* Refuses a snapshot whose blocks cannot be read. The errors' reasons are not documented by AWS. */
static int ebs_check_state(struct sim_call *c, const struct sim_snapshot *s)
{
	struct sim_view v;

	sim_region_view(c->region, s, &c->world->behaviour, c->now, &v);
	if (strcmp(v.state, "completed") != 0)
		return sim_fail(c, 400, "ValidationException.INVALID_SNAPSHOT_ID",
			"The snapshot '%s' is not in the completed state", s->id);
	if (s->storage_tier && !strcmp(s->storage_tier, "archive"))
		return sim_fail(c, 400, "ValidationException.INVALID_SNAPSHOT_ID",
			"The snapshot '%s' is archived", s->id);
	if (s->outpost_arn)
		return sim_fail(c, 400, "ValidationException.INVALID_SNAPSHOT_ID",
			"The snapshot '%s' is stored on an Outpost", s->id);
	return 0;
}

/* Access to a snapshot of another account needs sharing with this one: being public is not enough.
 */
static int ebs_check_access(struct sim_call *c, const struct sim_snapshot *s)
{
	const struct sim_kms_key *key =
		s->encrypted && s->kms_key_id ? sim_region_kms(c->region, s->kms_key_id) : NULL;

	if (strcmp(s->owner_id, c->key->account) != 0 &&
		!sim_snapshot_is_shared_with(s, c->key->account))
		return sim_fail(c, 403, "AccessDeniedException.UNAUTHORIZED_ACCOUNT",
			"The account is not authorized to access the snapshot '%s'", s->id);
	if (s->encrypted && ((key && !key->usable) || !sim_access_allows(c, "kms:Decrypt")))
		return sim_fail(c, 403, "AccessDeniedException.DEPENDENCY_ACCESS_DENIED",
			"The ciphertext refers to a customer master key that does not exist, does "
			"not exist in this region, or you are not allowed to access.");
	return 0;
}

static bool ebs_is_id(const char *id)
{
	size_t digits = !strncmp(id, "snap-", 5) ? strspn(id + 5, "0123456789abcdef") : 0;

	return digits && digits <= 59 && !id[5 + digits];
}

/* Finds a snapshot that the caller may read, and opens its disk. Returns 0, or -1 after sim_fail().
 */
static int ebs_open(struct sim_call *c, const char *id, struct sim_bulk_scratch *scratch,
	const struct sim_snapshot **out, struct sim_disk *disk)
{
	const struct sim_snapshot *s;
	int r;

	if (!ebs_is_id(id))
		return sim_fail(c, 400, "ValidationException.INVALID_SNAPSHOT_ID",
			"The snapshot id '%s' is invalid", id);
	s = sim_region_find(c->region, id, scratch);
	if (!s || s->deleted || s->visible_at > c->now.mono || !sim_call_may_see(c, s))
		return sim_fail(c, 404, "ResourceNotFoundException.SNAPSHOT_NOT_FOUND",
			"The snapshot '%s' does not exist.", id);
	if (ebs_check_state(c, s) < 0 || ebs_check_access(c, s) < 0)
		return -1;
	*out = s;
	r = sim_disk_open(c->world, s, disk);
	return r < 0 ? sim_fail(c, 500, "InternalServerException", "the disk '%s': %s",
			       s->disk ? s->disk : s->id, strerror(-r))
		     : 0;
}

/* --- lists --- */

struct ebs_page {
	uint32_t start;
	int64_t max;
	uint64_t salt;
	const struct sim_snapshot *first; /* NULL: a list of all blocks, not of changed blocks */
	const struct sim_snapshot *second;
	struct sim_disk first_disk, second_disk;
	uint64_t first_seal, second_seal, page_seal;
};

static int page_read_number(
	struct sim_call *c, const char *name, int64_t min, int64_t max, int64_t *out)
{
	const char *text = sim_params_get(c->params, name);

	if (text && num_parse_i64(text, strlen(text), min, max, out) < 0)
		return sim_fail(c, 400, INVALID, "The value '%s' for %s is invalid", text, name);
	return 0;
}

static int page_read(struct sim_call *c, struct ebs_page *p)
{
	const char *token = sim_params_get(c->params, "pageToken");
	int64_t start = 0;

	p->max = PAGE_MIN;
	if (page_read_number(c, "maxResults", 1, PAGE_MAX, &p->max) < 0 ||
		page_read_number(c, "startingBlockIndex", 0, INT32_MAX, &start) < 0)
		return -1;
	if (p->max < PAGE_MIN)
		p->max = PAGE_MIN;
	p->start = (uint32_t)start;
	if (token && *token &&
		!ebs_read_token(c, p->page_seal, ebs_page_token_s(c), token, &p->start))
		return sim_fail(c, 400, "ValidationException.INVALID_PAGE_TOKEN",
			"The page token is invalid or has expired");
	if (c->world->behaviour.pages == SIM_PAGES_RAGGED)
		p->max = sim_world_draw(c->world, (struct sim_range){0, p->max});
	return 0;
}

/* Finds the next block, from an index on, that the page lists: in a list of all blocks one that
 * exists, in a list of changes one that differs. *in_first and *in_second: whether it exists in
 * that snapshot. */
static bool page_next(
	const struct ebs_page *p, uint32_t from, uint32_t *index, bool *in_first, bool *in_second)
{
	uint32_t a, b;

	*in_first = false;
	*in_second = true;
	if (!p->first)
		return sim_disk_next(&p->second_disk, from, index);
	for (;; from = *index + 1) {
		*in_first = sim_disk_next(&p->first_disk, from, &a);
		*in_second = sim_disk_next(&p->second_disk, from, &b);
		if (!*in_first && !*in_second)
			return false;
		*index = !*in_first || (*in_second && b < a) ? b : a;
		*in_first = *in_first && a == *index;
		*in_second = *in_second && b == *index;
		if (!*in_first || !*in_second ||
			!sim_disk_same(&p->first_disk, &p->second_disk, *index))
			return true;
	}
}

static void page_write_token(const struct sim_call *c, struct buf *b, const struct ebs_page *p,
	const char *name, uint64_t seal, uint32_t index)
{
	char token[TOKEN_SIZE];

	ebs_write_token(seal, c->now.wall, p->salt, index, token);
	buf_puts(b, ",\"");
	buf_puts(b, name);
	buf_puts(b, "\":\"");
	buf_puts(b, token);
	buf_putc(b, '"');
}

static int page_write(struct sim_call *c, const struct ebs_page *p)
{
	struct buf *b = &c->reply->body;
	uint32_t index = 0, from = p->start;
	bool more, in_first, in_second;
	int64_t n = 0;

	buf_printf(
		b, "{\"BlockSize\":%zu,\"%s\":[", SIM_BLOCK, p->first ? "ChangedBlocks" : "Blocks");
	while ((more = page_next(p, from, &index, &in_first, &in_second)) && n < p->max) {
		buf_printf(b, "%s{\"BlockIndex\":%" PRIu32, n++ ? "," : "", index);
		if (in_first)
			page_write_token(c, b, p, "FirstBlockToken", p->first_seal, index);
		if (in_second)
			page_write_token(c, b, p, p->first ? "SecondBlockToken" : "BlockToken",
				p->second_seal, index);
		buf_putc(b, '}');
		from = index + 1;
	}
	/* Seconds in exponent notation, as AWS writes them. */
	buf_printf(b, "],\"ExpiryTime\":%.11E",
		(double)c->now.wall / 1000 + (double)ebs_block_token_s(c));
	if (more)
		page_write_token(c, b, p, "NextToken", p->page_seal, index);
	buf_printf(b, ",\"VolumeSize\":%" PRIu32 "}", p->second->volume_gib);
	return b->error ? sim_fail_memory(c) : 0;
}

/* Checks that the two snapshots are of one volume. A copy has no real volume, and is refused. */
static int page_check_lineage(struct sim_call *c, const struct ebs_page *p)
{
	const char *a = p->first->volume_id, *b = p->second->volume_id;

	if (a && b && !strcmp(a, b) && a[4 + strspn(a + 4, "f")])
		return 0;
	return sim_fail(c, 400, "ValidationException.UNRELATED_SNAPSHOTS",
		"The snapshots '%s' and '%s' are not of the same volume and lineage", p->first->id,
		p->second->id);
}

static int page_answer(struct sim_call *c, struct ebs_page *p)
{
	if (p->first)
		p->first_seal = ebs_seal(c, "block", p->first->id);
	p->second_seal = ebs_seal(c, "block", p->second->id);
	p->page_seal = ebs_hash(ebs_seal(c, "page", p->second->id), p->first ? p->first->id : "");
	p->salt = sim_world_random(c->world);
	if (p->first && page_check_lineage(c, p) < 0)
		return -1;
	return page_read(c, p) < 0 ? -1 : page_write(c, p);
}

int sim_ebs_list_blocks(struct sim_call *c)
{
	struct ebs_page p = {.first_disk.fd = -1, .second_disk.fd = -1};
	struct sim_bulk_scratch scratch;
	int r = ebs_open(
		c, sim_params_get(c->params, "SnapshotId"), &scratch, &p.second, &p.second_disk);

	if (r == 0)
		r = page_answer(c, &p);
	sim_disk_close(&p.second_disk);
	return r;
}

int sim_ebs_list_changed_blocks(struct sim_call *c)
{
	struct ebs_page p = {.first_disk.fd = -1, .second_disk.fd = -1};
	const char *first = sim_params_get(c->params, "firstSnapshotId");
	struct sim_bulk_scratch scratch[2];
	int r = ebs_open(
		c, sim_params_get(c->params, "SnapshotId"), &scratch[0], &p.second, &p.second_disk);

	if (r == 0 && !first) /* AWS would list all blocks; ebsfs never sends such a request */
		r = sim_fail(c, 400, INVALID, "firstSnapshotId is missing");
	if (r == 0)
		r = ebs_open(c, first, &scratch[1], &p.first, &p.first_disk);
	if (r == 0)
		r = page_answer(c, &p);
	sim_disk_close(&p.first_disk);
	sim_disk_close(&p.second_disk);
	return r;
}

/* --- GetSnapshotBlock --- */

static int block_answer(struct sim_call *c, const struct sim_disk *disk, uint32_t index)
{
	struct sim_reply *reply = c->reply;
	unsigned char sha[DIGEST_SHA256_SIZE];
	_cleanup_buf_ struct buf base64 = BUF_INIT;
	uint32_t found;
	int r;

	if (!sim_disk_next(disk, index, &found) || found != index)
		return sim_fail(c, 400, "ValidationException.INVALID_BLOCK",
			"The snapshot has no block %" PRIu32, index);
	if (buf_resize(&reply->body, SIM_BLOCK) < 0)
		return sim_fail_memory(c);
	r = sim_disk_read(disk, index, (unsigned char *)reply->body.data);
	if (r < 0)
		return sim_fail(c, 500, "InternalServerException", "the disk: %s", strerror(-r));
	if (digest_sha256(reply->body.data, SIM_BLOCK, sha) < 0 ||
		encode_base64(&base64, sha, sizeof(sha)) < 0)
		return sim_fail_memory(c);
	sim_reply_type(reply, "application/octet-stream");
	sim_reply_header(reply, "x-amz-Data-Length", "524288");
	sim_reply_header(reply, "x-amz-Checksum", base64.data);
	sim_reply_header(reply, "x-amz-Checksum-Algorithm", "SHA256");
	return 0;
}

int sim_ebs_get_block(struct sim_call *c)
{
	const char *id = sim_params_get(c->params, "SnapshotId"),
		   *token = sim_params_get(c->params, "blockToken"),
		   *text = sim_params_get(c->params, "BlockIndex");
	struct sim_disk disk = {.fd = -1};
	const struct sim_snapshot *s;
	struct sim_bulk_scratch scratch;
	uint32_t of_token;
	int64_t index;
	int r = ebs_open(c, id, &scratch, &s, &disk);

	if (r == 0 && num_parse_i64(text, strlen(text), 0, INT32_MAX, &index) < 0)
		r = sim_fail(c, 400, INVALID, "The block index '%s' is invalid", text);
	if (r == 0 && !token)
		r = sim_fail(c, 400, INVALID, "blockToken is missing");
	if (r == 0 && (!ebs_read_token(c, ebs_seal(c, "block", id), ebs_block_token_s(c), token,
			       &of_token) ||
			      of_token != index))
		r = sim_fail(c, 400, "ValidationException.INVALID_BLOCK_TOKEN",
			"The block token is invalid or has expired");
	if (r == 0)
		r = block_answer(c, &disk, (uint32_t)index);
	sim_disk_close(&disk);
	return r;
}
