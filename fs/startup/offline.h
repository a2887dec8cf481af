/* SPDX-License-Identifier: MIT */
/* A mount while AWS cannot be reached: it shows the catalogues from disk, refuses changes, and
 * repeats a request to AWS for the account's number. When AWS confirms the account, the mount
 * becomes an ordinary one. */
#ifndef EBSFS_OFFLINE_H
#define EBSFS_OFFLINE_H

#include "buf.h"
#include "fs.h"

struct offline;

/* Returns whether the failure means that AWS cannot be reached: no address, no connection, or a
 * timeout. An untrusted certificate, and an error response of AWS or of a source of credentials, do
 * not mean that. */
bool offline_is_cause(const struct err *err);

/* Goes offline: sets fs->offline; until AWS confirms that the account is fs->account, fs->aws sends
 * only GetCallerIdentity, to the region `home`. Then the regions are listed again and written to
 * cache_path (borrowed). why is copied. Returns 0 or -ENOMEM. */
int offline_begin(struct fs *fs, const char *home, const char *cache_path, const struct err *why);
/* NULL is permitted. */
void offline_destroy(struct offline *o);

/* Returns whether changes are refused; *err is the reason. */
bool offline_refuses(const struct fs *fs, struct err *err);
/* Returns whether the account's data must not be shown either, because the credentials belong to
 * another account. */
bool offline_bars(const struct fs *fs);

/* Appends the line for the file health; no line if the mount is not offline. */
void offline_text(const struct fs *fs, struct buf *out);

#endif
