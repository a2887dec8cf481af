/* SPDX-License-Identifier: MIT */
/* A mount while AWS cannot be reached: it shows the catalogues from disk, refuses changes, and asks
 * AWS for its identity again and again. When AWS confirms the account, it becomes an ordinary
 * mount.
 */
#ifndef EBSFS_OFFLINE_H
#define EBSFS_OFFLINE_H

#include "buf.h"
#include "fs.h"

struct offline;

/* Whether the failure means that AWS cannot be reached: no address, no connection, or a timeout.
 * Not an untrusted certificate, nor an error response of AWS or of a source of credentials. */
bool offline_is_cause(const struct err *err);

/* Goes offline: sets fs->offline, and fs->aws sends only GetCallerIdentity, to the region `home`,
 * until AWS confirms that the account is fs->account. Then the regions are listed again and written
 * to cache_path (borrowed). why is copied. 0 or -ENOMEM. */
int offline_begin(struct fs *fs, const char *home, const char *cache_path, const struct err *why);
/* NULL is permitted. */
void offline_destroy(struct offline *o);

/* Whether changes are refused; *err is the reason. */
bool offline_refuses(const struct fs *fs, struct err *err);
/* Whether nothing may be shown either: the credentials are those of another account. */
bool offline_bars(const struct fs *fs);

/* Appends the line for health; nothing if the mount is not offline. */
void offline_text(const struct fs *fs, struct buf *out);

#endif
