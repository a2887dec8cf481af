/* SPDX-License-Identifier: MIT */
/* Merges the two files: finds the profiles' sections, and the value of a key that counts. */
#include "profile.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "cleanup.h"
#include "hash.h"
#include "profile_parse.h"
#include "profile_path.h"
#include "shell_split.h"

/* The kinds of sections that are read. The files have [profile dr], [sso-session corp] and
 * [services local]. */
#define N_KINDS 3
static const char *const kinds[N_KINDS] = {"profile", "sso-session", "services"};

/* The sections of one kind and name in the two files. */
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

/* A later section of the same name in a file replaces an earlier one: [profile x] and [profile "x"]
 * have the same name. */
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

/* In the config file a section is [default] or has a kind and a name. Other sections belong to
 * other programs. */
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
