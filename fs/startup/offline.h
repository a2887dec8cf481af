/* SPDX-License-Identifier: MIT */
/* A mount without AWS: it shows what is on disk, sends nothing, and asks again and again who it is;
 * once AWS says that it is the account that is shown, it is a mount like any other. */
#ifndef EBSFS_OFFLINE_H
#define EBSFS_OFFLINE_H

#include "buf.h"
#include "fs.h"

struct offline;

/* Whether the failure says that AWS cannot be reached: no address, no connection, no time. Not a
 * certificate that is not trusted, and no word of AWS's own or of a source of credentials. */
bool offline_is_cause(const struct err *err);

/* From now on fs->aws sends nothing but the question who one is, which goes to `home`. fs->account
 * is whom it must be. why: copied. known_path: borrowed; what AWS says of the regions then is
 * remembered there. Sets fs->offline. 0 or -ENOMEM. */
int offline_begin(struct fs *fs, const char *home, const char *known_path, const struct err *why);
/* NULL is permitted. */
void offline_destroy(struct offline *o);

/* Whether changes are refused, and why. Nothing of the account may even be shown: offline_bars().
 */
bool offline_refuses(const struct fs *fs, struct err *err);
bool offline_bars(const struct fs *fs);

/* A line for health and one for README; nothing if the mount is not offline. */
void offline_text(const struct fs *fs, struct buf *out);

#endif
