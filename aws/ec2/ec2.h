/* SPDX-License-Identifier: MIT */
/* EC2's calls that ebsfs needs: typed requests and responses over aws.h. */
#ifndef EBSFS_EC2_H
#define EBSFS_EC2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "aws.h"
#include "buf.h"
#include "err.h"

/* Limits that EC2 documents (API reference, CreateTags). ebsfs checks them before it sends a
 * request. */
#define EC2_DESCRIPTION_MAX   255 /* characters; CopySnapshot */
#define EC2_TAGS_MAX          50
#define EC2_TAG_KEY_MAX       127  /* characters */
#define EC2_TAG_VALUE_MAX     256  /* characters */
#define EC2_PAGE_MAX          1000 /* DescribeSnapshots, MaxResults */
/* DescribeSnapshots' limits of filters ("Filter your resources"): the filters of a request, the
 * values of all its filters together, the characters of one value. */
#define EC2_FILTERS_MAX       50
#define EC2_FILTER_VALUES_MAX 200
#define EC2_FILTER_VALUE_MAX  255
/* A larger size of a snapshot counts as malformed, so that sums of sizes do not overflow. */
#define EC2_FULL_SIZE_MAX     ((int64_t)1 << 50)
/* Sizes of texts, including their terminators: an id, a KMS key's id or ARN, a device's name, a
 * zone's name or id. */
#define EC2_ID_SIZE           80
#define EC2_KEY_SIZE          256
#define EC2_DEVICE_SIZE       64
#define EC2_ZONE_SIZE         64

struct ec2_tag {
	const char *key;
	const char *value; /* "" when empty, never NULL */
};

/* A field of the response that struct ec2_snapshot has no member for, by EC2's API name
 * ("StorageTier"). */
struct ec2_field {
	const char *name;
	const char *value;
};

enum ec2_snapshot_state {
	EC2_SNAPSHOT_UNKNOWN, /* the response has another state, which state_text holds */
	EC2_SNAPSHOT_PENDING,
	EC2_SNAPSHOT_COMPLETED,
	EC2_SNAPSHOT_ERROR,
	EC2_SNAPSHOT_RECOVERABLE,
	EC2_SNAPSHOT_RECOVERING,
};

#define EC2_PROGRESS_UNKNOWN (-1)

/* Unknown: the record has no such field, or its value is neither true nor false. */
enum ec2_encryption { EC2_ENCRYPTION_UNKNOWN, EC2_ENCRYPTION_NONE, EC2_ENCRYPTION_PRESENT };

/* Ways in which a record differs from the response that EC2 sent. */
enum ec2_flaw {
	EC2_FLAW_TEXT = 1,   /* a text was cut, or characters in it replaced by U+FFFD */
	EC2_FLAW_TAGS = 2,   /* tags are left out */
	EC2_FLAW_FIELDS = 4, /* rarer fields are left out */
	EC2_FLAW_VALUES = 8, /* a date, number or truth value is malformed, and counts as absent */
};
#define EC2_FLAWS           15 /* all of the flags above */
/* Describes the flaws for the user. flaws: not 0. Returns out. */
#define EC2_FLAWS_TEXT_SIZE 200
const char *ec2_flaws_text(unsigned flaws, char out[EC2_FLAWS_TEXT_SIZE]);

/* One item of DescribeSnapshots. Strings are borrowed from the page, NULL if absent. Each id has
 * passed ec2_is_snapshot_id(). */
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
	int progress;          /* 0…100; EC2_PROGRESS_UNKNOWN: absent */
	int64_t start_ms;      /* since 1970; 0: absent */
	int64_t completion_ms; /* 0: absent */
	uint32_t volume_gib;   /* 0: absent */
	int64_t full_size;     /* bytes; -1: absent */
	enum ec2_encryption encryption;
	unsigned flaws; /* flags of enum ec2_flaw */
	struct ec2_tag *tags;
	size_t n_tags;
	struct ec2_field *fields; /* all other scalar fields */
	size_t n_fields;
};

/* One page of DescribeSnapshots. Owns everything that its records point to. */
struct ec2_page {
	struct ec2_snapshot *snapshots;
	size_t n_snapshots;
	const char **refused; /* malformed ids, safe to print; their records are left out */
	size_t n_refused;
	char *next_token; /* NULL on the last page */
};
void ec2_page_destroy(struct ec2_page *page); /* NULL is permitted */

/* Returns whether the text is the prefix ("snap-") and 8 to 59 hex digits (Amazon's ids are in
 * lower case, other clouds' in either case). Only such an id may become a file's name. */
static inline bool ec2_is_id(const char *text, const char *prefix)
{
	const char *digits = strncmp(text, prefix, strlen(prefix)) ? "" : text + strlen(prefix);
	size_t n = strspn(digits, "0123456789abcdefABCDEF");

	return n >= 8 && n <= 59 && !digits[n];
}

static inline bool ec2_is_snapshot_id(const char *text)
{
	return ec2_is_id(text, "snap-");
}

/* Returns whether the id is the pseudo-volume that EC2 gives to copies: "vol-" and only the digit
 * f. (AWS, "Copy an Amazon EBS snapshot") */
static inline bool ec2_is_copy_volume(const char *id)
{
	return !strncmp(id, "vol-f", 5) && !id[4 + strspn(id + 4, "f")];
}

/* A filter, which matches if any of its values matches. */
struct ec2_filter {
	const char *name;
	const char *const *values;
	size_t n_values;
	bool patterns; /* true: the values contain EC2's wildcards: * ? and \ to escape them; false:
			* the values are literal and are escaped when sent */
};

/* A list of owners: only the account itself. */
static const char *const ec2_owner_self[] __attribute__((unused)) = {"self", NULL};

/* A request for one page. The strings are copied before the call returns. */
struct ec2_describe_snapshots {
	const char *region;
	/* owners: "self", "amazon" or accounts; restorable_by: "self", "all" or accounts. A
	 * snapshot must match any entry of each list. NULL-terminated; NULL: no condition. Without
	 * either, EC2 describes all snapshots that the account may see, including public ones. */
	const char *const *owners, *const *restorable_by;
	const struct ec2_filter *filters;
	size_t n_filters;
	int max_results;        /* 5…1000; 0: not sent */
	const char *next_token; /* NULL: the first page */
	/* NULL: done gets the whole page. Otherwise on_part gets parts of the page while it
	 * arrives, and must destroy them; done gets the rest. on_part may cancel the call. If the
	 * transfer fails, the page is requested again and its parts are delivered again. */
	void (*on_part)(void *arg, struct ec2_page *part);
};
/* page: done must destroy it; NULL on failure, with *err. The response is parsed in the thread
 * pool. A response that is not DescribeSnapshots' XML, is cut, or exceeds the bounds is EIO. */
typedef void ec2_page_done(void *arg, struct ec2_page *page, const struct err *err);
struct aws_call *ec2_describe_snapshots(
	struct aws *aws, const struct ec2_describe_snapshots *in, ec2_page_done *done, void *arg);

/* Lists the account's enabled regions, in EC2's order. Regions with malformed names are left out,
 * with a warning in the log. An empty list is ENODATA, with the reason. done must copy the names:
 * they are freed when it returns. */
typedef void ec2_regions_done(
	void *arg, const char *const *names, size_t n_names, const struct err *err);
struct aws_call *ec2_describe_regions(
	struct aws *aws, const char *region, ec2_regions_done *done, void *arg);

/* CopySnapshot, sent to the destination's endpoint, with a PresignedUrl for the source's endpoint.
 * With Signature Version 2 there is no PresignedUrl, and parameters that the API of 2012 lacks
 * (tags, encryption, dry run, completion time) are EOPNOTSUPP. The call is not idempotent, and EC2
 * has no client token for it. So put a token into the tags, and search for that tag before sending
 * the request again. */
struct ec2_copy_snapshot {
	const char *region; /* the destination */
	const char *source_region;
	const char *source_id;
	const char *description; /* NULL: not sent */
	const char *kms_key_id;  /* NULL: not sent; needs encrypted */
	bool encrypted;          /* true: sent; false: not sent */
	int completion_minutes;  /* 0: not sent */
	/* EC2's DryRunOperation is success, with id NULL. If id is not NULL, the endpoint has
	 * ignored DryRun and has started a copy. */
	bool dry_run;
	const struct ec2_tag *tags;
	size_t n_tags;
};
/* request_id: EC2's, "" if the response has none; NULL on failure (err->request_id has it then). */
typedef void ec2_copy_done(
	void *arg, const char *snapshot_id, const char *request_id, const struct err *err);
struct aws_call *ec2_copy_snapshot(
	struct aws *aws, const struct ec2_copy_snapshot *in, ec2_copy_done *done, void *arg);

/* Encryption by default in a region: whether it is on (GetEbsEncryptionByDefault), and its key
 * (GetEbsDefaultKmsKeyId: an ARN, or "alias/aws/ebs"; cut to EC2_KEY_SIZE - 1). Each call needs a
 * permission that copying does not need. On failure done gets *err, and false or NULL. */
typedef void ec2_by_default_done(void *arg, bool on, const struct err *err);
struct aws_call *ec2_get_encryption_by_default(
	struct aws *aws, const char *region, ec2_by_default_done *done, void *arg);
typedef void ec2_key_done(void *arg, const char *key, const struct err *err);
struct aws_call *ec2_get_default_key(
	struct aws *aws, const char *region, ec2_key_done *done, void *arg);

/* Result of a call that returns no value. err is NULL on success. */
typedef void ec2_done(void *arg, const struct err *err);
struct aws_call *ec2_delete_snapshot(
	struct aws *aws, const char *region, const char *id, ec2_done *done, void *arg);
struct aws_call *ec2_create_tags(struct aws *aws, const char *region, const char *id,
	const struct ec2_tag *tags, size_t n_tags, ec2_done *done, void *arg);
/* Deletes the tag, whatever its value. Returns NULL also if key is empty: DeleteTags without a key
 * would delete all tags. */
struct aws_call *ec2_delete_tag(struct aws *aws, const char *region, const char *id,
	const char *key, ec2_done *done, void *arg);

/* Lists the accounts that a snapshot is shared with, one a line, in EC2's order
 * (DescribeSnapshotAttribute, createVolumePermission). A public snapshot has the line "all"; for a
 * private one the text is "". Only the owner may call this: for other accounts EC2 returns
 * AuthFailure, which is about the snapshot here, not about the keys. done must copy the text, which
 * is freed when it returns; NULL on failure. */
typedef void ec2_sharing_done(void *arg, const char *accounts, const struct err *err);
struct aws_call *ec2_describe_sharing(
	struct aws *aws, const char *region, const char *id, ec2_sharing_done *done, void *arg);

/* STS GetCallerIdentity: returns the account's 12 digits. Needs no permission. EC2-compatible
 * clouds may lack it. */
typedef void sts_identity_done(
	void *arg, const char *account, const char *arn, const struct err *err);
struct aws_call *sts_get_caller_identity(
	struct aws *aws, const char *region, sts_identity_done *done, void *arg);

/* Parts of the calls; also used by tests and benchmarks. */

/* Begins a form with the parameters Action and Version. */
void ec2_form_start(struct buf *form, const struct aws *aws, const char *action);
/* Appends tags: &<prefix>.1.Key=…&<prefix>.1.Value=…&<prefix>.2.Key=… */
void ec2_form_tags(struct buf *form, const char *prefix, const struct ec2_tag *tags, size_t n_tags);
/* Appends texts: &<name>.1=…&<name>.2=… values: NULL-terminated; NULL appends none. */
void ec2_form_list(struct buf *form, const char *name, const char *const *values);
void ec2_form_filters(struct buf *form, const struct ec2_filter *filters, size_t n);
/* Appends a literal value of a filter to the form's last parameter, and escapes EC2's wildcards and
 * escape character (* ? \). For values with wildcards use form_add(). */
void ec2_form_literal(struct buf *form, const char *value);
/* Completes the form of a CopySnapshot with DestinationRegion and PresignedUrl. The URL is a signed
 * GET of the same request (with DestinationRegion) at the source region's endpoint: EC2 in the
 * destination uses it to request an encrypted snapshot from the source. Returns 0 or -errno with
 * *err. Pure. */
struct aws_signer;
int ec2_copy_presign(const struct aws_signer *signer, const char *source_region, const char *region,
	struct buf *form, struct err *err);

#endif
