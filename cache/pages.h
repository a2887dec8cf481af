/* SPDX-License-Identifier: MIT */
/* All pages of one DescribeSnapshots query, one after the other, and never without end. */
#ifndef EBSFS_PAGES_H
#define EBSFS_PAGES_H

#include <stdbool.h>

#include "ec2.h"

/* More pages than any account can have; EC2 may well send some of them empty. */
#define PAGES_MAX 10000

struct pages;

/* Records as they arrive, the callee's for the call. `ends`: a page ends with these, whose
 * next_token says whether there is another; only then is it set. A page whose arrival failed is
 * asked for again, and records of it come again. 0, or -errno with *err to end it all. Must not
 * cancel. */
typedef int pages_part(void *arg, const struct ec2_page *part, bool ends, struct err *err);
/* Called once, after the last page or on the first failure (then with err), never before
 * pages_start() returned. The handle is invalid by then. */
typedef void pages_done(void *arg, const struct err *err);

/* What query points to is borrowed until done or pages_cancel(). A token that comes again, or more
 * than PAGES_MAX pages, is EIO. NULL on ENOMEM (then done is not called). */
struct pages *pages_start(struct aws *aws, const struct ec2_describe_snapshots *query,
	pages_part *on_part, pages_done *done, void *arg);
void pages_cancel(struct pages *p); /* done is not called any more. NULL is permitted */

#endif
