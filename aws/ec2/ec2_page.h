/* SPDX-License-Identifier: MIT */
/* How a page of snapshots is built: records and strings in one arena that goes with the page. */
#ifndef EBSFS_EC2_PAGE_H
#define EBSFS_EC2_PAGE_H

#include "ec2.h"

/* A page under construction. Appending may fail with ENOMEM, which sticks; ec2_page_build_end()
 * tells. */
struct ec2_page_build;

struct ec2_page_build *ec2_page_build_start(void);     /* NULL on ENOMEM */
void ec2_page_build_destroy(struct ec2_page_build *b); /* NULL is permitted */

/* A copy of text[0..len) that lives as long as the page; NULL on ENOMEM. */
const char *ec2_page_string(struct ec2_page_build *b, const char *text, size_t len);
/* A copy of size bytes, aligned for pointers; NULL on ENOMEM. */
void *ec2_page_memory(struct ec2_page_build *b, const void *data, size_t size);
void ec2_page_add(struct ec2_page_build *b, const struct ec2_snapshot *snapshot);
/* Takes the string (NULL permitted). */
void ec2_page_set_token(struct ec2_page_build *b, char *token);
size_t ec2_page_count(const struct ec2_page_build *b);
void ec2_page_refuse(struct ec2_page_build *b, const char *id);

/* Ends the building: the page, or NULL on ENOMEM. The builder is gone in any case. */
struct ec2_page *ec2_page_build_end(struct ec2_page_build *b);

#endif
