/* SPDX-License-Identifier: MIT */
/* What the head of an answer says, as curl has it. */
#ifndef EBSFS_HTTP_ANSWER_H
#define EBSFS_HTTP_ANSWER_H

#include "http.h"

/* Fills in all but the body. easy: curl's handle (CURL *) of a transfer that has ended. */
void http_answer_read(struct http_answer *answer, void *easy);

#endif
