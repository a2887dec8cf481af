/* SPDX-License-Identifier: MIT */
/* Prometheus's text format: what stands above a metric's samples. */
#ifndef EBSFS_METRIC_H
#define EBSFS_METRIC_H

#include "buf.h"

/* Appends the HELP and TYPE lines. All samples of the metric follow at once, and of no other: the
 * format wants each metric in one piece. type: "counter" or "gauge"; help: no line breaks, no
 * backslash. */
void metric_head(struct buf *out, const char *name, const char *type, const char *help);

#endif
