/* SPDX-License-Identifier: MIT */
/* Remembers the account that each configuration reached last. */
#include "account_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "digest.h"
#include "file.h"
#include "profile.h"
#include "regions.h"
#include "statedir.h"

#define FIRST_LINE "ebsfs-known 1\n"
#define FILE_MAX   ((size_t)16 << 10)
#define CHAIN_MAX  16 /* longest chain of source_profile */

/* --- the identity of a configuration --- */

static void account_cache_add(struct buf *out, const char *name, const char *value)
{
	if (value && *value)
		buf_printf(out, "%s=%s\n", name, value);
}

/* The settings of a profile that select the identity. */
static const char *const identity_settings[] = {"aws_access_key_id", "role_arn",
	"credential_source", "web_identity_token_file", "sso_session", "sso_start_url",
	"sso_account_id", "sso_role_name", "login_session", "credential_process"};
/* The same settings in the environment. The first one, the access key, counts only without -o
 * profile. */
static const char *const identity_variables[] = {"AWS_ACCESS_KEY_ID", "AWS_ROLE_ARN",
	"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
	"AWS_CONTAINER_CREDENTIALS_FULL_URI"};

static int account_cache_describe(const struct options *o, const struct endpoint_config *config,
	struct buf *out, struct err *err)
{
	const char *profile = config->profile;
	int r = endpoint_url(config, "ec2", "us-east-1", out, err);

	if (r < 0)
		return r;
	buf_putc(out, '\n');
	for (size_t i = o->profile ? 1 : 0; i < ARRAY_LEN(identity_variables); i++)
		account_cache_add(out, identity_variables[i], getenv(identity_variables[i]));
	for (int n = 0; profile && n < CHAIN_MAX; n++) {
		account_cache_add(out, "profile", profile);
		for (size_t i = 0; i < ARRAY_LEN(identity_settings); i++)
			account_cache_add(out, identity_settings[i],
				profiles_get(config->profiles, profile, identity_settings[i]));
		profile = profiles_get(config->profiles, profile, "source_profile");
	}
	return out->error ? err_set(err, ENOMEM, "out of memory") : 0;
}

char *account_cache_path(
	const struct options *o, const struct endpoint_config *config, struct err *err)
{
	_cleanup_free_ char *folder = options_state_dir(o, "known-accounts", err);
	_cleanup_buf_ struct buf text = BUF_INIT;
	char hash[DIGEST_SHA256_HEX], *path;

	if (!folder || account_cache_describe(o, config, &text, err) < 0)
		return NULL;
	if (digest_sha256_hex(text.data, text.len, hash) < 0 ||
		asprintf(&path, "%s/known-%.32s", folder, hash) < 0) {
		err_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	return path;
}

/* --- the file --- */

static int account_cache_slurp(const char *path, struct buf *out, struct err *err)
{
	_cleanup_close_ int folder = statedir_open_parent(path, false, err);
	_cleanup_close_ int fd = folder < 0 ? folder : statedir_file(folder, path, O_RDONLY, err);
	char piece[4096];
	ssize_t n;

	if (fd < 0)
		return fd;
	while ((n = read(fd, piece, sizeof(piece))) > 0)
		if (buf_add(out, piece, (size_t)n) < 0)
			return err_set(err, EBADMSG, "%s is too large", path);
	return n < 0 ? err_set(err, errno, "%s: %s", path, strerror(errno)) : 0;
}

static int account_cache_take_regions(struct account_cache *k, char *line)
{
	size_t n = 0;

	k->regions = calloc(REGIONS_MAX + 1, sizeof(*k->regions));
	if (!k->regions)
		return -ENOMEM;
	for (char *name; (name = strsep(&line, " "));) {
		if (n == REGIONS_MAX || !endpoint_is_region(name))
			return -EBADMSG;
		k->regions[n] = strdup(name);
		if (!k->regions[n++])
			return -ENOMEM;
	}
	return 0;
}

/* Reads the lines after the first. The last line must be "end": a truncated file is refused. */
static int account_cache_take_lines(struct account_cache *k, char *text)
{
	char *line;
	int r = 0;

	while (r == 0 && (line = strsep(&text, "\n"))) {
		if (!strcmp(line, "end"))
			return strlen(k->account) == 12 ? 0 : -EBADMSG;
		if (!strncmp(line, "account: ", 9) && strlen(line + 9) == 12 &&
			strspn(line + 9, "0123456789") == 12)
			strcpy(k->account, line + 9);
		else if (!strncmp(line, "regions: ", 9) && !k->regions)
			r = account_cache_take_regions(k, line + 9);
		else
			r = -EBADMSG;
	}
	return r < 0 ? r : -EBADMSG;
}

int account_cache_read(const char *path, struct account_cache *out, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r;

	*out = (struct account_cache){0};
	buf_init(&text, FILE_MAX);
	r = account_cache_slurp(path, &text, err);
	if (r < 0)
		return r;
	if (strncmp(buf_str(&text), FIRST_LINE, strlen(FIRST_LINE)) == 0)
		r = account_cache_take_lines(out, text.data + strlen(FIRST_LINE));
	else
		r = -EBADMSG;
	return r < 0 ? err_set(err, -r, "%s: %s", path, strerror(-r)) : 0;
}

void account_cache_finish(struct account_cache *k)
{
	for (char **name = k->regions; name && *name; name++)
		free(*name);
	free(k->regions);
	*k = (struct account_cache){0};
}

static int account_cache_replace(const char *path, const struct buf *text, struct err *err)
{
	_cleanup_close_ int folder = statedir_open_parent(path, true, err);
	_cleanup_close_ int fd = folder < 0 ? folder : statedir_begin(folder, path, err);
	int r;

	if (fd < 0)
		return fd;
	r = file_write(fd, text->data, text->len, 0);
	if (r < 0)
		err_set(err, -r, "%s: %s", path, strerror(-r));
	else
		r = statedir_commit(folder, fd, path, err);
	if (r < 0)
		statedir_abandon(folder, path);
	return r;
}

int account_cache_write(
	const char *path, const char *account, char *const *regions, struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT, old = BUF_INIT;

	buf_printf(&text, FIRST_LINE "account: %s\n", account);
	if (regions && *regions)
		buf_puts(&text, "regions:");
	for (char *const *name = regions; name && *name; name++)
		buf_printf(&text, " %s", *name);
	buf_puts(&text, regions && *regions ? "\nend\n" : "end\n");
	if (text.error)
		return err_set(err, ENOMEM, "out of memory");
	if (account_cache_slurp(path, &old, err) == 0 && !strcmp(buf_str(&old), text.data))
		return 0;
	return account_cache_replace(path, &text, err);
}
