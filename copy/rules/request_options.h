/* SPDX-License-Identifier: MIT */
/* The options of a request's text ("copy.encrypted: yes", "volume.type: gp3"): read, bounded, and
 * kept as lines for the row. */
#ifndef EBSFS_REQUEST_OPTIONS_H
#define EBSFS_REQUEST_OPTIONS_H

#include "snapshot_file.h"

/* A text that is being read. */
struct request_reader {
	struct copy_request *out;
	struct err *err;
	unsigned line;
	unsigned seen; /* one bit for each key */
	int encrypted; /* -1: not given */
};

#define REQUEST_ROOT_DEVICE "/dev/xvda" /* of an image, unless its text names another */
#define REQUEST_FACTS       8           /* bits of `seen` that are those of the facts */

/* "copy", "volume", "image": the prefix of the kind's options. */
const char *request_options_kind(enum request_kind kind);
/* The kind's options by name, for messages. Returns out. */
#define REQUEST_OPTIONS_NAMES_SIZE 400
const char *request_options_names(enum request_kind kind, char out[REQUEST_OPTIONS_NAMES_SIZE]);

/* Takes an option; those of other kinds are ignored. 0, 1: the key is no option, or -EINVAL
 * (-ENOMEM) with *err. */
int request_options_read(struct request_reader *r, const char *key, const char *value);
/* Notes that the key with this bit was given. 0, or -EINVAL with *err if it was given before. */
int request_options_once(struct request_reader *r, const char *key, unsigned bit);
/* Cross-field checks. whole: the text is complete. */
int request_options_check(struct request_reader *r, bool whole);

/* --- the lines of copy_request.options and of journal_copy.options --- */

#define REQUEST_OPTION_SIZE 128
/* The value of an option, without its kind's prefix; "" if it is not there. Returns out. */
const char *request_option(const char *lines, const char *name, char out[REQUEST_OPTION_SIZE]);
unsigned request_option_number(const char *lines, const char *name); /* 0: it is not there */
/* The n-th line: its name and value, each of REQUEST_OPTION_SIZE bytes. False after the last. */
bool request_option_at(const char *lines, unsigned n, char *name, char *value);
/* Appends an option, unless it is there. 0 or -ENOMEM. */
int request_option_default(char **lines, const char *name, const char *value);

/* --- EC2's bounds --- */

/* Whether a volume of these options can be made of a snapshot of so many GiB (0: unknown): the
 * ranges of each type. 0, or -EINVAL with *err that names the range. */
int request_volume_check(const char *options, unsigned snapshot_gib, struct err *err);
/* Whether EC2 takes an image of this name. 0, or -EINVAL with *err. */
int request_image_check_name(const char *name, struct err *err);

#endif
