/* SPDX-License-Identifier: MIT */
/* Lists of watchers: callbacks that are called at each change. The owner of a list defines the type
 * of its callbacks, offers functions with that type to add and remove them, and calls them itself.
 */
#ifndef EBSFS_WATCHERS_H
#define EBSFS_WATCHERS_H

#include <stddef.h>

typedef void watchers_fn(void); /* to be cast to the owner's type */

/* All bytes zero: an empty list. No watcher may be added or removed while watchers are called. */
struct watchers {
	struct watcher {
		watchers_fn *fn;
		void *arg;
	} * list; /* in the order in which they were added */
	size_t n;
};

int watchers_add(struct watchers *w, watchers_fn *fn, void *arg); /* 0 or -ENOMEM */
void watchers_remove(struct watchers *w, watchers_fn *fn, void *arg);
void watchers_finish(struct watchers *w);

#endif
