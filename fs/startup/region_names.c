/* SPDX-License-Identifier: MIT */
/* Mistyped names of regions. */
#include "region_names.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "spelling.h"

bool region_names_have(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

int region_names_instead(const char *const *names, size_t n, const char *name, struct buf *out)
{
	size_t start = out->len;

	buf_puts(out, "did you mean ");
	if (spelling_nearest(names, n, name, out))
		return buf_puts(out, "?");
	buf_resize(out, start);
	buf_puts(out, "enabled are ");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i ? ", " : "", names[i]);
	return out->error;
}

int region_names_check(char *const *wanted, const char *const *names, size_t n, struct err *err)
{
	_cleanup_buf_ struct buf words = BUF_INIT;
	size_t good = 0;

	for (; *wanted; wanted++) {
		if (region_names_have(names, n, *wanted)) {
			good++;
			continue;
		}
		buf_printf(&words,
			"%sregion %s is not enabled for the account, or does not exist: ",
			words.len ? "; " : "", *wanted);
		region_names_instead(names, n, *wanted, &words);
	}
	if (!good)
		return err_set(err, EINVAL, "option regions: %s", buf_str(&words));
	if (words.len)
		log_warning("option regions: %s", buf_str(&words));
	return 0;
}
