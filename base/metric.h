/* SPDX-License-Identifier: MIT */
/* Prometheus's text format: the lines above a metric's samples. */
#ifndef EBSFS_METRIC_H
#define EBSFS_METRIC_H

#include "buf.h"

/* Appends the HELP and TYPE lines. The metric's samples must follow directly and all together, as
 * the format demands. type: "counter" or "gauge"; help: no line breaks, no backslash. */
static inline void metric_head(
	struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

#endif
