/* SPDX-License-Identifier: MIT */
/* Writes XML as AWS lays it out: one element per line, four spaces per level. */
#ifndef EBSFS_SIM_XML_H
#define EBSFS_SIM_XML_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

struct sim_xml {
	struct buf *out; /* borrowed; out->error is 0 if everything was written */
	int depth;
};

void sim_xml_open(struct sim_xml *x, const char *name);
void sim_xml_close(struct sim_xml *x, const char *name);
/* Writes <name>value</name>; <name/> for ""; nothing for NULL. Characters that XML does not permit
 * are written as references: a world with such characters tests a broken response. */
void sim_xml_leaf(struct sim_xml *x, const char *name, const char *value);
void sim_xml_number(struct sim_xml *x, const char *name, int64_t value);
void sim_xml_bool(struct sim_xml *x, const char *name, bool value);
/* Writes ISO 8601 with milliseconds; nothing for 0. */
void sim_xml_time(struct sim_xml *x, const char *name, int64_t ms);

#endif
