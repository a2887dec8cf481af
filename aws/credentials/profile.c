/* SPDX-License-Identifier: MIT */
/* Merges the two configuration files: finds a profile's sections, and the value of a key that
 * counts. Expands paths as the AWS CLI does. */
#include "profile.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>
#include <unistd.h>

#include "buf.h"
#include "cleanup.h"
#include "hash.h"
#include "profile_parse.h"
#include "shell_split.h"

/* --- paths and the environment --- */

const char *profile_env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Appends the value of the variable at s ("$NAME" or "${NAME}"). Returns the end of the variable's
 * name; NULL if s is not a variable, or the variable is not set. */
static const char *path_add_variable(struct buf *out, const char *s)
{
	int braces = s[1] == '{';
	const char *name = s + 1 + braces, *end = name;
	const char *value;
	_cleanup_free_ char *copy = NULL;

	while (isalnum((unsigned char)*end) || *end == '_')
		end++;
	if (end == name || (braces && *end != '}'))
		return NULL;
	copy = strndup(name, (size_t)(end - name));
	value = copy ? getenv(copy) : NULL;
	if (!value)
		return NULL;
	buf_puts(out, value);
	return end + braces;
}

/* Appends the home directory for "~" or "~user" at s. Returns the end of that text; s itself if the
 * home is not known. */
static const char *path_add_home(struct buf *out, const char *s)
{
	const char *end = s + strcspn(s, "/");
	const char *home = NULL;
	const struct passwd *pw = NULL;

	if (end == s + 1) {
		home = getenv("HOME");
		if (!home)
			pw = getpwuid(getuid());
	} else {
		_cleanup_free_ char *user = strndup(s + 1, (size_t)(end - s - 1));

		pw = user ? getpwnam(user) : NULL;
	}
	if (pw)
		home = pw->pw_dir;
	if (!home)
		return s;
	buf_puts(out, home);
	/* Drops a final slash, so that a home of "/" does not make "//.aws". */
	while (out->len > 0 && out->data[out->len - 1] == '/')
		buf_resize(out, out->len - 1);
	return end;
}

char *profile_path_expand(const char *path)
{
	_cleanup_buf_ struct buf variables = BUF_INIT, out = BUF_INIT;
	const char *s = path;

	while (*s) {
		const char *next = *s == '$' ? path_add_variable(&variables, s) : NULL;

		if (next) {
			s = next;
		} else {
			buf_putc(&variables, *s++);
		}
	}
	s = buf_str(&variables);
	if (*s == '~')
		s = path_add_home(&out, s);
	buf_puts(&out, s);
	return variables.error ? NULL : buf_steal(&out);
}

char *profile_path(const char *env, const char *fallback)
{
	const char *value = getenv(env);

	return profile_path_expand(value ? value : fallback);
}

/* --- the files, merged --- */

/* The kinds of sections that ebsfs reads: [profile dr], [sso-session corp] and [services local]. */
#define N_KINDS 3
static const char *const kinds[N_KINDS] = {"profile", "sso-session", "services"};

/* The sections of one kind and name, in both files. */
struct named {
	char *name;
	const struct profile_section
		*sections[2]; /* by enum profiles_file; NULL: not in that file */
	UT_hash_handle hh;
};

struct profiles {
	struct profile_file files[2]; /* by enum profiles_file */
	const struct profile_section
		*defaults[2]; /* [DEFAULT]: its options apply to every section of its file */
	struct named *named[N_KINDS]; /* by kind */
};

static struct named *profiles_find(const struct profiles *p, const char *kind, const char *name)
{
	struct named *named = NULL;

	for (size_t i = 0; i < N_KINDS; i++)
		if (!strcmp(kinds[i], kind))
			HASH_FIND_STR(p->named[i], name, named);
	return named;
}

/* Adds a section. A later section of the same name in a file replaces an earlier one: [profile x]
 * and [profile "x"] have the same name. */
static int profiles_add(struct profiles *p, enum profiles_file file, size_t kind, const char *name,
	const struct profile_section *section)
{
	struct named *named;

	HASH_FIND_STR(p->named[kind], name, named);
	if (!named) {
		named = calloc(1, sizeof(*named));
		if (!named)
			return -ENOMEM;
		named->name = strdup(name);
		if (named->name)
			HASH_ADD_KEYPTR(
				hh, p->named[kind], named->name, strlen(named->name), named);
		if (!named->hh.tbl) {
			free(named->name);
			free(named);
			return -ENOMEM;
		}
	}
	named->sections[file] = section;
	return 0;
}

/* Adds a section of the config file, which is [default] or has a kind and a name. Other sections
 * belong to other programs. */
static int profiles_add_config_section(struct profiles *p, const struct profile_section *section)
{
	_cleanup_free_ char **words = NULL;
	int n;

	if (strcmp(section->name, "default") == 0)
		return profiles_add(p, PROFILES_CONFIG, 0, "default", section);
	n = shell_split(section->name, 2, &words);
	if (n == -ENOMEM)
		return n;
	for (size_t i = 0; n == 2 && i < N_KINDS; i++) {
		if (strcmp(words[0], kinds[i]) == 0)
			return profiles_add(p, PROFILES_CONFIG, i, words[1], section);
	}
	return 0;
}

static int profiles_build(struct profiles *p)
{
	int r = 0;

	for (int f = PROFILES_CONFIG; f <= PROFILES_CREDENTIALS; f++) {
		const struct profile_file *file = &p->files[f];

		for (size_t i = 0; i < file->n_sections && r == 0; i++) {
			const struct profile_section *section = &file->sections[i];

			if (strcmp(section->name, "DEFAULT") == 0)
				p->defaults[f] = section;
			else if (f == PROFILES_CONFIG)
				r = profiles_add_config_section(p, section);
			else
				r = profiles_add(
					p, PROFILES_CREDENTIALS, 0, section->name, section);
		}
	}
	return r;
}

DEFINE_CLEANUP(struct profiles *, profiles_destroy)

int profiles_load(struct profiles **out, struct err *err)
{
	static const struct {
		const char *env;
		const char *path;
	} files[] = {
		[PROFILES_CONFIG] = {"AWS_CONFIG_FILE", "~/.aws/config"},
		[PROFILES_CREDENTIALS] = {"AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"},
	};
	_cleanup_(profiles_destroyp) struct profiles *p = calloc(1, sizeof(*p));

	if (!p)
		return err_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		_cleanup_free_ char *path = profile_path(files[i].env, files[i].path);
		int r = path ? profile_file_load(&p->files[i], path, err)
			     : err_set(err, ENOMEM, "out of memory");

		if (r < 0)
			return r;
	}
	if (profiles_build(p) < 0)
		return err_set(err, ENOMEM, "out of memory");
	*out = steal(&p);
	return 0;
}

void profiles_destroy(struct profiles *p)
{
	struct named *named, *next;

	if (!p)
		return;
	for (size_t i = 0; i < N_KINDS; i++) {
		HASH_ITER (hh, p->named[i], named, next) {
			HASH_DEL(p->named[i], named);
			free(named->name);
			free(named);
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(p->files); i++)
		profile_file_finish(&p->files[i]);
	free(p);
}

const char *profiles_selected(const struct profiles *p, const char *explicit_name)
{
	const char *name = explicit_name;

	(void)p;
	if (!name)
		name = profile_env("AWS_DEFAULT_PROFILE");
	if (!name)
		name = profile_env("AWS_PROFILE");
	return name ? name : "default";
}

bool profiles_has(const struct profiles *p, const char *name)
{
	return profiles_has_section(p, "profile", name);
}

static const char *profiles_get_option(const struct profiles *p, const struct named *named,
	enum profiles_file file, const char *key)
{
	const struct profile_section *section = named ? named->sections[file] : NULL;
	const char *value;

	if (!section)
		return NULL;
	value = profile_file_get(&p->files[file], section, key);
	if (!value && p->defaults[file])
		value = profile_file_get(&p->files[file], p->defaults[file], key);
	return value;
}

const char *profiles_get_from(
	const struct profiles *p, enum profiles_file file, const char *profile, const char *key)
{
	return profiles_get_option(p, profiles_find(p, "profile", profile), file, key);
}

const char *profiles_get(const struct profiles *p, const char *profile, const char *key)
{
	const struct named *named = profiles_find(p, "profile", profile);
	const char *value = profiles_get_option(p, named, PROFILES_CREDENTIALS, key);

	return value ? value : profiles_get_option(p, named, PROFILES_CONFIG, key);
}

const char *profiles_section(
	const struct profiles *p, const char *kind, const char *name, const char *key)
{
	return profiles_get_option(p, profiles_find(p, kind, name), PROFILES_CONFIG, key);
}

bool profiles_has_section(const struct profiles *p, const char *kind, const char *name)
{
	return profiles_find(p, kind, name) != NULL;
}

const char *profiles_setting(
	const struct profiles *p, const char *env, const char *profile, const char *key)
{
	const char *value = profile_env(env);

	return value ? value : profiles_get(p, profile, key);
}

bool profiles_switch(
	const struct profiles *p, const char *env, const char *profile, const char *key)
{
	const char *value = profiles_setting(p, env, profile, key);

	return value && strcasecmp(value, "true") == 0;
}
