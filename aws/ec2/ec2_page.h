/* SPDX-License-Identifier: MIT */
/* Builds a page of snapshots: records and strings in one arena that is freed with the page. */
#ifndef EBSFS_EC2_PAGE_H
#define EBSFS_EC2_PAGE_H

#include "ec2.h"

/* A page under construction. If appending fails with ENOMEM, ec2_page_build_end() fails. */
struct ec2_page_build;

struct ec2_page_build *ec2_page_build_start(void);     /* NULL on ENOMEM */
void ec2_page_build_destroy(struct ec2_page_build *b); /* NULL is permitted */

/* Copies text[0..len) into the page. Returns NULL on ENOMEM. */
const char *ec2_page_string(struct ec2_page_build *b, const char *text, size_t len);
/* Copies size bytes into the page, aligned for pointers. Returns NULL on ENOMEM. */
void *ec2_page_memory(struct ec2_page_build *b, const void *data, size_t size);
void ec2_page_add(struct ec2_page_build *b, const struct ec2_snapshot *snapshot);
/* Takes the string; NULL is permitted. */
void ec2_page_set_token(struct ec2_page_build *b, char *token);
/* Returns the number of records so far, refused ones included. */
size_t ec2_page_count(const struct ec2_page_build *b);
/* Notes the id of a record that is left out. */
void ec2_page_refuse(struct ec2_page_build *b, const char *id);

/* Returns the page, or NULL on ENOMEM. b must not be used any more. */
struct ec2_page *ec2_page_build_end(struct ec2_page_build *b);

#endif
