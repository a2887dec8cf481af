/* SPDX-License-Identifier: MIT */
/* Builds a page of snapshots: its records and strings are in one arena, which is freed with the
 * page (ec2_page_destroy()). */
#ifndef EBSFS_EC2_PAGE_H
#define EBSFS_EC2_PAGE_H

#include "ec2.h"

/* A page under construction. If an addition runs out of memory, ec2_page_end() fails. */
struct ec2_page_build;

struct ec2_page_build *ec2_page_start(void);     /* NULL on ENOMEM */
void ec2_page_abandon(struct ec2_page_build *b); /* NULL is permitted */
/* Completes the page and frees the builder. NULL on ENOMEM. */
struct ec2_page *ec2_page_end(struct ec2_page_build *b);

/* Copies text[0..len) into the page. Returns NULL on ENOMEM. */
const char *ec2_page_string(struct ec2_page_build *b, const char *text, size_t len);
/* Copies size bytes into the page, aligned for pointers. Returns NULL on ENOMEM. */
void *ec2_page_memory(struct ec2_page_build *b, const void *data, size_t size);
/* Adds a record, whose strings are in the page. */
void ec2_page_add(struct ec2_page_build *b, const struct ec2_snapshot *snapshot);
/* Adds the id of a record that is left out to the page's `refused`. */
void ec2_page_refuse(struct ec2_page_build *b, const char *id);
/* Returns the number of records so far, including refused ones. */
size_t ec2_page_count(const struct ec2_page_build *b);
/* Sets the page's next_token, which the page then owns; NULL is permitted. */
void ec2_page_set_token(struct ec2_page_build *b, char *token);

#endif
