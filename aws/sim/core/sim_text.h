/* SPDX-License-Identifier: MIT */
/* Predicates over text: hex, wildcards, ids. */
#ifndef EBSFS_SIM_TEXT_H
#define EBSFS_SIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

bool sim_text_is_hex(const char *s, size_t len); /* either case */
/* Whether every character is permitted in XML 1.0. */
bool sim_text_is_printable(const char *s);
/* Matches a pattern of EC2's filters: '*' is any text, '?' one character or none, '\' escapes the
 * next character ("Filter your resources"). */
bool sim_text_matches(const char *s, const char *pattern);
bool sim_text_has_wildcard(const char *pattern);
size_t sim_text_literal(const char *pattern); /* bytes before the first wildcard */
/* Whether s has the form of EC2's ids: "<kind>-" and 8 or 17 lower-case hex digits. */
bool sim_text_is_id(const char *s, const char *kind);

#endif
