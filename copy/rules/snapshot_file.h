/* SPDX-License-Identifier: MIT */
/* The snapshot file: the text that names a snapshot and, written into another region's folder, asks
 * for its copy. */
#ifndef EBSFS_SNAPSHOT_FILE_H
#define EBSFS_SNAPSHOT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "catalogue.h"
#include "err.h"

/* A text of more than this is no request (EFBIG at write): 50 tags with their longest values fit
 * several times. */
#define REQUEST_TEXT_MAX ((size_t)64 << 10)

/* A copy carries at most EC2's 50 tags, two of which are ebsfs's own. */
#define REQUEST_TAGS_MAX 48

struct request_tag {
	char *key;
	char *value;
};

/* The folder that a text is written to decides what it asks for. */
enum request_kind {
	REQUEST_COPY,
	REQUEST_VOLUME,
	REQUEST_IMAGE,
};

/* A request, as a text states it. All strings owned; NULL where the text says nothing. */
struct copy_request {
	enum request_kind kind;
	char *source_region;
	char *source_id;
	char *description;
	char *kms_key_id;
	bool encrypted;
	bool unencrypted; /* the text says so; neither: it says nothing */
	bool no_tags;
	bool dry_run;
	int completion_minutes; /* 0: none */
	char *again;            /* copy.again: the label; NULL: none */
	char *options;          /* its kind's own, as "key: value" lines; NULL: none */
	/* Not of the text: a volume's zone; an image's name. Borrowed. */
	const char *place, *name;
	/* Not of the text: the request comes from a folder whose description may still arrive
	 * (copies_describe()). */
	bool awaits_description;
	struct request_tag *tags;
	size_t n_tags;
	bool complete; /* the text has its "..." */
};

/* Appends the snapshot file of s: only what can never change, so the bytes are the same for the
 * life of the snapshot. Results as buf_add. */
int snapshot_file_format(struct buf *out, const char *region, const struct catalogue_snapshot *s);

/* Reads a text. Returns 0, or -EINVAL (-ENOMEM) with *err that names the line and what would be
 * right: an unknown key, a malformed line, a value out of range, a key given twice, any line but
 * options and comments after the "...". Options of requests of another kind ("volume.*", "image.*")
 * are ignored. A text that has its "...", or is read at_end, names a region and a snapshot, or is
 * refused. While the text has no "..." yet, a last line without a newline is not judged, unless
 * at_end; after the "..." it is. *out is to be finished by snapshot_file_finish() in every case. */
int snapshot_file_parse(
	const char *text, size_t len, bool at_end, struct copy_request *out, struct err *err);
/* The same of a text that asks for something of this kind: its options are those of the kind, and
 * the other kinds' are ignored. */
int snapshot_file_parse_for(enum request_kind kind, const char *text, size_t len, bool at_end,
	struct copy_request *out, struct err *err);
void snapshot_file_finish(struct copy_request *request);

#endif
