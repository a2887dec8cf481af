/* SPDX-License-Identifier: MIT */
/* EC2's calls, as far as ebsfs needs them: typed requests and answers over aws.h. */
#ifndef EBSFS_EC2_H
#define EBSFS_EC2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws.h"
#include "err.h"

/* Bounds that EC2 documents, used to refuse what cannot be (CreateTags, API reference). */
#define EC2_TAGS_MAX          50
#define EC2_TAG_KEY_MAX       127  /* characters */
#define EC2_TAG_VALUE_MAX     256  /* characters */
#define EC2_PAGE_MAX          1000 /* DescribeSnapshots, MaxResults */
#define EC2_FILTER_VALUES_MAX 200
/* No snapshot has more bytes: sums of sizes stay numbers. */
#define EC2_FULL_SIZE_MAX     ((int64_t)1 << 50)

struct ec2_tag {
	const char *key;
	const char *value; /* "" when empty, never NULL */
};

/* A field of the answer that has no member below, under EC2's API name ("StorageTier"). */
struct ec2_field {
	const char *name;
	const char *value;
};

enum ec2_snapshot_state {
	EC2_SNAPSHOT_UNKNOWN, /* a state that is not known here; its word is in state_text */
	EC2_SNAPSHOT_PENDING,
	EC2_SNAPSHOT_COMPLETED,
	EC2_SNAPSHOT_ERROR,
	EC2_SNAPSHOT_RECOVERABLE,
	EC2_SNAPSHOT_RECOVERING,
};

#define EC2_PROGRESS_UNKNOWN (-1)

/* A record without the field, or with one that is no truth value, says nothing. */
enum ec2_encryption { EC2_ENCRYPTION_UNKNOWN, EC2_ENCRYPTION_NONE, EC2_ENCRYPTION_PRESENT };

/* What of a snapshot is not shown as EC2 sent it. */
enum ec2_flaw {
	EC2_FLAW_TEXT = 1,   /* a text was cut, or characters in it replaced by U+FFFD */
	EC2_FLAW_TAGS = 2,   /* tags are left out */
	EC2_FLAW_FIELDS = 4, /* rarer fields are left out */
	EC2_FLAW_VALUES = 8, /* a date, number or truth value is none, and counts as absent */
};
#define EC2_FLAWS           15 /* all of them */
/* What they mean, for a person. flaws: not 0. Returns out. */
#define EC2_FLAWS_TEXT_SIZE 200
const char *ec2_flaws_text(unsigned flaws, char out[EC2_FLAWS_TEXT_SIZE]);

/* One item of DescribeSnapshots. Strings are borrowed from the page; absent ones are NULL. Ids were
 * checked: ec2_is_snapshot_id(). */
struct ec2_snapshot {
	const char *id;
	const char *volume_id;
	const char *state_text;
	const char *state_message;
	const char *owner_id;
	const char *description;
	const char *kms_key_id;
	const char *transfer_type; /* only copies have one */
	enum ec2_snapshot_state state;
	int progress;          /* 0…100; EC2_PROGRESS_UNKNOWN where EC2 gave none */
	int64_t start_ms;      /* since 1970; 0: absent */
	int64_t completion_ms; /* 0: absent */
	uint32_t volume_gib;   /* 0: absent */
	int64_t full_size;     /* bytes; -1: absent */
	enum ec2_encryption encryption;
	unsigned flaws; /* enum ec2_flaw */
	struct ec2_tag *tags;
	size_t n_tags;
	struct ec2_field *fields; /* every other scalar field that EC2 gave */
	size_t n_fields;
};

/* One page of DescribeSnapshots, the owner of all that its records point to. */
struct ec2_page {
	struct ec2_snapshot *snapshots;
	size_t n_snapshots;
	const char *
		*refused; /* ids of records that are left out: not of EC2's form; safe to print */
	size_t n_refused;
	char *next_token; /* NULL on the last page */
};
void ec2_page_destroy(struct ec2_page *page); /* NULL is permitted */

/* "snap-" and 8 to 59 hex digits, Amazon's in lower case, other clouds' in either: only such an id
 * may become a file's name. */
bool ec2_is_snapshot_id(const char *text);

/* Any of the values matches. */
struct ec2_filter {
	const char *name;
	const char *const *values;
	size_t n_values;
	bool patterns; /* the values hold EC2's wildcards: * ? and \ to escape them; false: they are
			  literal and are escaped when sent */
};

/* One request (one page). The strings are copied before the call returns. */
struct ec2_describe_snapshots {
	const char *region;
	const char *owner; /* "self"; NULL: all that the account may see (then filter by id) */
	const struct ec2_filter *filters;
	size_t n_filters;
	int max_results;        /* 5…1000; 0: not sent */
	const char *next_token; /* NULL: the first page */
	/* NULL: the page comes whole. Else it comes in parts while it arrives, to be destroyed by
	 * the callee, and done gets its end, with what is in none of them. The call may be
	 * cancelled. A page whose arrival fails is asked for again, and then what came in parts
	 * comes again. */
	void (*on_part)(void *arg, struct ec2_page *part);
};
/* The page is the callee's, to be destroyed by it; NULL on failure, with *err. Parsing runs in the
 * thread pool. What is not DescribeSnapshots' XML, is cut, or passes the bounds is EIO. */
typedef void ec2_page_done(void *arg, struct ec2_page *page, const struct err *err);
struct aws_call *ec2_describe_snapshots(
	struct aws *aws, const struct ec2_describe_snapshots *in, ec2_page_done *done, void *arg);

/* The account's enabled regions, in EC2's order; those whose names have not a region's form are
 * left out, with a warning in the log. None at all is ENODATA, with the reason. Borrowed for the
 * call. */
typedef void ec2_regions_done(
	void *arg, const char *const *names, size_t n_names, const struct err *err);
struct aws_call *ec2_describe_regions(
	struct aws *aws, const char *region, ec2_regions_done *done, void *arg);

/* CopySnapshot, sent to the destination's endpoint, with a PresignedUrl for the source's; with
 * Signature Version 2 without it, and EOPNOTSUPP for what the API of 2012 has no parameter for
 * (tags, encryption, dry runs, a time). Not idempotent: EC2 has no client token for it; put a token
 * into the tags and look for it before asking again. */
struct ec2_copy_snapshot {
	const char *region; /* destination */
	const char *source_region;
	const char *source_id;
	const char *description; /* NULL: not sent */
	const char *kms_key_id;  /* NULL: not sent; needs encrypted */
	bool encrypted;          /* true: sent; false: not sent */
	int completion_minutes;  /* 0: not sent */
	/* Success is reported as success (EC2's DryRunOperation), with id NULL. With an id: the
	 * endpoint knows no DryRun, and has copied. */
	bool dry_run;
	const struct ec2_tag *tags;
	size_t n_tags;
};
/* request_id: EC2's, "" if it named none; NULL on failure, where err has it. */
typedef void ec2_copy_done(
	void *arg, const char *snapshot_id, const char *request_id, const struct err *err);
struct aws_call *ec2_copy_snapshot(
	struct aws *aws, const struct ec2_copy_snapshot *in, ec2_copy_done *done, void *arg);

/* Encryption by default in a region: whether the account has it on (GetEbsEncryptionByDefault), and
 * with which key (GetEbsDefaultKmsKeyId: an ARN, or "alias/aws/ebs"; cut to EC2_KEY_SIZE - 1).
 * Permissions of their own, which copying does not need. On failure *err, and false or NULL. */
#define EC2_KEY_SIZE 256
typedef void ec2_by_default_done(void *arg, bool on, const struct err *err);
struct aws_call *ec2_get_encryption_by_default(
	struct aws *aws, const char *region, ec2_by_default_done *done, void *arg);
typedef void ec2_key_done(void *arg, const char *key, const struct err *err);
struct aws_call *ec2_get_default_key(
	struct aws *aws, const char *region, ec2_key_done *done, void *arg);

/* Calls whose success says nothing more. err is NULL on success. */
typedef void ec2_done(void *arg, const struct err *err);
struct aws_call *ec2_delete_snapshot(
	struct aws *aws, const char *region, const char *id, ec2_done *done, void *arg);
struct aws_call *ec2_create_tags(struct aws *aws, const char *region, const char *id,
	const struct ec2_tag *tags, size_t n_tags, ec2_done *done, void *arg);
/* Deletes the tag whatever its value. key must not be empty: DeleteTags without a key deletes every
 * tag. */
struct aws_call *ec2_delete_tag(struct aws *aws, const char *region, const char *id,
	const char *key, ec2_done *done, void *arg);

/* STS GetCallerIdentity: the account's 12 digits. Needs no permission; an EC2-compatible cloud may
 * not have it. */
typedef void sts_identity_done(
	void *arg, const char *account, const char *arn, const struct err *err);
struct aws_call *sts_get_caller_identity(
	struct aws *aws, const char *region, sts_identity_done *done, void *arg);

#endif
