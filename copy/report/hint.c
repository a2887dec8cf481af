/* SPDX-License-Identifier: MIT */
/* What helps with a copy that did not come about. */
#include "hint.h"

#include "aws_advice.h"

const char *hint_for_copy(const struct copy *copy)
{
	const struct journal_copy *row = &copy->row;

	return copy->state == COPY_FAILED && !row->code ? NULL
							: aws_advice(row->code, row->message);
}
