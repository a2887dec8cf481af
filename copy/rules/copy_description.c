/* SPDX-License-Identifier: MIT */
/* The description that a copy gets if its request names none. */
#include "copy_description.h"

#include <stdio.h>
#include <string.h>

#include "utf8.h"

char *copy_description_default(const char *account, const struct journal_copy *row,
	const struct catalogue_snapshot *source)
{
	bool own =
		!account || !*account || !*source->owner_id || !strcmp(source->owner_id, account);
	char *text;

	if (asprintf(&text, "[Copied %s%s%s from %s]%s%s", row->source_id, own ? "" : " of ",
		    own ? "" : source->owner_id, row->source_region,
		    *source->description ? " " : "", source->description) < 0)
		return NULL;
	text[utf8_prefix(text, COPY_DESCRIPTION_MAX)] = '\0';
	return text;
}
