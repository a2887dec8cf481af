/* SPDX-License-Identifier: MIT */
/* Expands paths as the AWS CLI does. */
#include "profile_path.h"

#include <ctype.h>
#include <pwd.h>
#include <string.h>
#include <sys/types.h>

#include "buf.h"

const char *profile_env(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

/* Appends the value of the variable at s ("$NAME" or "${NAME}") and returns the end of its name;
 * NULL if s is not a variable, or not set. */
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

/* Appends the home directory for "~" or "~user" at s and returns the end of that; s itself if the
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
	/* A home of "/" must not make "//.aws". */
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
