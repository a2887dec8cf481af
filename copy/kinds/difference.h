/* SPDX-License-Identifier: MIT */
/* Whether a living copy is what an equal request asks for. */
#ifndef EBSFS_DIFFERENCE_H
#define EBSFS_DIFFERENCE_H

#include "engine.h"

/* job_kind.difference */
int difference_judge(struct copies *c, const struct copy *copy, const struct preflight *request,
	struct err *err);

#endif
