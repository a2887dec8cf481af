/* SPDX-License-Identifier: MIT */
/* A start that waits, as at boot, for what comes late. */
#ifndef EBSFS_PATIENCE_H
#define EBSFS_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "err.h"

struct patience {
	uv_loop_t *loop;
	int64_t until_ms;  /* on the monotonic clock */
	const bool *ended; /* a signal asked for the end */
	bool told;
};

/* After an attempt that failed with *err: whether to make another one. Then a moment has passed, in
 * which the loop ran; the log (once) and the service manager know what is waited for. Only reasons
 * that may go by themselves are waited for: no network, no name server, no metadata service, no
 * role, no file of credentials yet. What AWS refuses in its own words, and what is written wrongly,
 * stays as it is. */
bool patience_lasts(struct patience *p, struct err *err);

#endif
