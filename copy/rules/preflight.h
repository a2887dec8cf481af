/* SPDX-License-Identifier: MIT */
/* What can be known of a copy before EC2 is asked for it: what EC2 would refuse, or would accept
 * and give up minutes later. Pure. */
#ifndef EBSFS_PREFLIGHT_H
#define EBSFS_PREFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "encryption.h"
#include "err.h"
#include "journal.h"

/* Whether a snapshot of region `from` can be copied into `to` at all: CopySnapshot stays within a
 * partition of AWS (no credentials are valid in two). Returns 0 or -EOPNOTSUPP with *err. */
int preflight_regions(const char *from, const char *to, struct err *err);

/* Whether a source in this storage tier can be copied at now_ms (wall clock): an archived one must
 * be restored first; expiry_ms: when a temporarily restored one goes back into the archive, 0:
 * absent. tier: EC2's StorageTier, NULL if absent. */
bool preflight_is_archived(const char *tier, int64_t expiry_ms, int64_t now_ms);

/* Whether an answer to a dry run says that the copy would not be permitted. Anything else that it
 * says (the rate, the limit, the keys' age, the source's state) may have passed when the copy's
 * turn comes. */
bool preflight_is_forbidden(const struct err *err);

/* Whether so many minutes are too few for all of a source's data (fullSnapshotSizeInBytes; -1:
 * unknown), which EC2 moves at 500 MiB/s at most (AWS, "Time-based copies"). Then `note` says so.
 * No reason to refuse: an incremental copy moves less, how much only EC2 knows. */
#define PREFLIGHT_NOTE_SIZE 200
bool preflight_is_short(int minutes, int64_t bytes, char note[PREFLIGHT_NOTE_SIZE]);

struct preflight {
	const struct journal_copy *row; /* the request: its regions, ids, encryption, deadline */
	bool unencrypted;               /* "copy.encrypted: no" was written */
	enum ec2_encryption source;
	const struct encryption_defaults *defaults; /* the destination's; NULL: not known */
};
/* Returns 0, or -errno with *err that names what is wrong and what would be right. */
int preflight_judge(const struct preflight *p, struct err *err);

#endif
