/* SPDX-License-Identifier: MIT */
/* Reads all pages of one DescribeSnapshots query, one after the other, with a limit against endless
 * ones. */
#ifndef EBSFS_PAGES_H
#define EBSFS_PAGES_H

#include <stdbool.h>

#include "ec2.h"

/* More pages than any account can have, empty ones included. */
#define PAGES_MAX 10000

struct pages;

/* Receives records as they arrive; *part is valid during the call. `ends`: they end a page, and
 * part->next_token is set if another page follows. A page that failed half-way is requested again,
 * and its records arrive again. Returns 0, or -errno with *err to end the query. Must not call
 * pages_cancel(). */
typedef int pages_part(void *arg, const struct ec2_page *part, bool ends, struct err *err);
/* Called once, after the last page or on the first failure (then with err), never before
 * pages_start() has returned. The handle is no longer valid then. */
typedef void pages_done(void *arg, const struct err *err);

/* Borrows everything that query points to until done or pages_cancel(). A repeated token, or more
 * than PAGES_MAX pages, is EIO. NULL on ENOMEM (then done is not called). */
struct pages *pages_start(struct aws *aws, const struct ec2_describe_snapshots *query,
	pages_part *on_part, pages_done *done, void *arg);
void pages_cancel(struct pages *p); /* done is not called. NULL is permitted */
/* held: the next page is not requested until pages_hold(p, false). Permitted in on_part. Returns 0,
 * or -ENOMEM if that page could not be requested (then the query stays held). */
int pages_hold(struct pages *p, bool held);

#endif
