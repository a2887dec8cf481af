/* SPDX-License-Identifier: MIT */
/* Judges a copy before EC2 is asked for it: requests that EC2 would refuse, or accept and give up
 * minutes later; the forms of a KMS key; how the copy will be encrypted. Pure. */
#ifndef EBSFS_PREFLIGHT_H
#define EBSFS_PREFLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "catalogue.h"
#include "ec2.h"
#include "endpoint.h"
#include "err.h"
#include "journal.h"

/* Whether a snapshot of region `from` can be copied into `to` at all: CopySnapshot stays within a
 * partition of AWS (no credentials are valid in two). Returns 0 or -EOPNOTSUPP with *err. */
int preflight_regions(const char *from, const char *to, struct err *err);

/* Whether a source lies in the archive at now_ms (wall clock), and must be restored before it can
 * be copied. tier: EC2's StorageTier, NULL if absent. expiry_ms: when a temporarily restored source
 * goes back into the archive, 0 if absent. */
bool preflight_is_archived(const char *tier, int64_t expiry_ms, int64_t now_ms);
/* The same for a snapshot in the catalogue. */
bool preflight_snapshot_is_archived(const struct catalogue *c, catalogue_slot slot, int64_t now_ms);

/* Whether an answer to a dry run says that the copy would not be permitted. Anything else that it
 * says (the rate, the limit, the keys' age, the source's state) may have passed when the copy's
 * turn comes. */
bool preflight_is_forbidden(const struct err *err);

/* Whether so many minutes are too few for all of a source's data (fullSnapshotSizeInBytes; -1:
 * unknown), which EC2 moves at 500 MiB/s at most (AWS, "Time-based copies"). Then `note` says so.
 * No reason to refuse: an incremental copy moves less, how much only EC2 knows. */
#define PREFLIGHT_NOTE_SIZE 200
bool preflight_is_short(int minutes, int64_t bytes, char note[PREFLIGHT_NOTE_SIZE]);

/* A region's setting of encryption by default, as far as EC2 has reported it. */
struct encryption_defaults {
	bool known; /* `on` is */
	bool on;
	char key[EC2_KEY_SIZE]; /* "": not known */
};

struct preflight {
	const struct journal_copy *row; /* the request: its regions, ids, encryption, deadline */
	bool unencrypted;               /* "copy.encrypted: no" was written */
	enum ec2_encryption source;
	const struct encryption_defaults *defaults; /* the destination's; NULL: not known */
};
/* Returns 0, or -errno with *err that names what is wrong and what would be right. */
int preflight_judge(const struct preflight *p, struct err *err);

/* How the copy will be encrypted, by the user guide's table of encryption outcomes. Appends "no",
 * or "yes" with the key as far as it is known, marked as expected where it depends on the region's
 * settings; nothing if not even that can be said. defaults: the destination's; NULL: not known.
 * Results as buf_add. */
int preflight_encryption(const struct journal_copy *row, enum ec2_encryption source,
	const struct encryption_defaults *defaults, struct buf *out);

/* CopySnapshot, KmsKeyId: a key's id, alias/NAME, or the ARN of either; EC2 looks at it only after
 * it has accepted the copy, and gives the copy up if it is none of these. `out`: the region that an
 * ARN names, "" for the other forms. option: the request's, for messages. Returns 0 or -EINVAL with
 * *err that says what would be right.
 */
int preflight_key_parse(
	const char *option, const char *text, char out[ENDPOINT_REGION_SIZE], struct err *err);

/* Whether the key can be one of this region. Returns 0 or -errno with *err. */
int preflight_key_fits(const char *option, const char *text, const char *region, struct err *err);

#endif
