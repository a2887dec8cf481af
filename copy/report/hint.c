/* SPDX-License-Identifier: MIT */
/* What helps with a copy that did not come about. */
#include "hint.h"

#include "aws_error.h"
#include "job_kind.h"

const char *hint_for_copy(const struct copy *copy)
{
	const struct journal_copy *row = &copy->row;

	switch (copy->state) {
	case COPY_FAILED:
		return aws_error_advice(copy->kind->action, row->code, row->message);
	case COPY_ERROR:
		return aws_error_advice_for_status(row->message);
	default:
		return NULL;
	}
}
