/* SPDX-License-Identifier: MIT */
/* What a mount demands of the way to its endpoint, and what it warns of. */
#ifndef EBSFS_WIRE_H
#define EBSFS_WIRE_H

#include "endpoint.h"
#include "err.h"
#include "options.h"
#include "regions.h"

/* Before anything is asked: whether the signature is one for this endpoint. Returns 0 or -errno
 * with *err. */
int wire_check(const struct options *options, const struct endpoint_config *endpoints,
	const char *region, struct err *err);

/* Once it is known which regions are shown: Signature Version 2 says nothing of the region, and an
 * endpoint that several shared would be asked for one and answer, or copy, in another. So such an
 * endpoint becomes the one region's alone (endpoints->only_region, which borrows from the regions).
 * Returns 0, or -EINVAL with *err if there are several. */
int wire_bind_region(const struct options *options, const struct regions *regions,
	struct endpoint_config *endpoints, struct err *err);

/* A line in the log if what is asked goes over a network without TLS. */
void wire_warn(const struct endpoint_config *endpoints, const char *region);

#endif
