/* SPDX-License-Identifier: MIT */
/* Writes XML as AWS lays it out: one element a line, four spaces a level. */
#ifndef EBSFS_SIM_XML_H
#define EBSFS_SIM_XML_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

struct sim_xml {
	struct buf *out; /* borrowed; its sticky error says whether all was written */
	int depth;
};

void sim_xml_open(struct sim_xml *x, const char *name);
void sim_xml_close(struct sim_xml *x, const char *name);
/* <name>value</name>; <name/> for ""; nothing for NULL. Characters that XML has no way to carry are
 * written as references all the same: a world that holds them wants a broken answer. */
void sim_xml_leaf(struct sim_xml *x, const char *name, const char *value);
void sim_xml_number(struct sim_xml *x, const char *name, int64_t value);
void sim_xml_bool(struct sim_xml *x, const char *name, bool value);
/* ISO 8601 with milliseconds; nothing for 0. */
void sim_xml_time(struct sim_xml *x, const char *name, int64_t ms);

#endif
