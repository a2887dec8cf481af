/* SPDX-License-Identifier: MIT */
/* Small questions about text: UTF-8, hex, wildcards, ids. */
#ifndef EBSFS_SIM_TEXT_H
#define EBSFS_SIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

bool sim_text_is_hex(const char *s, size_t len); /* either case */
bool sim_text_is_utf8(const char *s);
/* How many characters UTF-8 text has. */
size_t sim_text_characters(const char *s);
/* Whether XML 1.0 can carry it. */
bool sim_text_is_printable(const char *s);
/* EC2's filters: '*' any run, '?' one character, '\' takes the next one as it is. */
bool sim_text_matches(const char *s, const char *pattern);
bool sim_text_has_wildcard(const char *pattern);
size_t sim_text_literal(const char *pattern); /* bytes before its first wildcard */
/* "<kind>-" and 8 or 17 lower-case hex digits: the ids that EC2 gives out. */
bool sim_text_is_id(const char *s, const char *kind);
/* A duplicate; "" for NULL. NULL on ENOMEM. */
char *sim_text_dup(const char *s);

#endif
