/* SPDX-License-Identifier: MIT */
/* Prometheus's text format. */
#include "metric.h"

void metric_head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}
