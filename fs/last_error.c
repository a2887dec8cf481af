/* SPDX-License-Identifier: MIT */
/* The reasons behind the latest errnos. */
#include "last_error.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "isotime.h"
#include "log.h"

#define KEPT 10

struct last_error {
	struct entry {
		int64_t ms;
		char what[200];
		struct err err;
	} entries[KEPT];
	unsigned n; /* in all; the entry is n % KEPT */
};

struct last_error *last_error_create(void)
{
	return calloc(1, sizeof(struct last_error));
}

void last_error_destroy(struct last_error *l)
{
	free(l);
}

static const struct {
	const char *code;
	const char *step;
} by_code[] = {
	{"UnauthorizedOperation",
		"the IAM policy of these credentials lacks the action that the message names"},
	{"AuthFailure", "check the access key, and that the region is enabled for the account"},
	{"SignatureDoesNotMatch", "the secret key does not belong to the access key, or this "
				  "machine's clock is wrong"},
	{"InvalidClientTokenId", "the access key is not known to AWS: check the credentials"},
	{"ExpiredToken", "the session token has expired: get new credentials"},
	{"RequestExpired",
		"check this machine's clock, and that the session token has not expired"},
	{"OptInRequired", "enable the region for the account"},
	{"ResourceLimitExceeded",
		"wait for a copy into that region to end; ebsfs queues on its own"},
	{"RequestLimitExceeded", "AWS throttles this account's requests: try again in a while"},
	{"SnapshotLimitExceeded",
		"delete snapshots, or have AWS raise the quota of snapshots in that region"},
	{"PendingSnapshotLimitExceeded", "wait until pending snapshots have completed"},
	{"TagLimitExceeded", "a resource bears at most 50 tags: remove some first"},
	{"InvalidSnapshot.InUse", "an AMI uses the snapshot: deregister it first"},
};

static const struct {
	int errnum;
	const char *step;
} by_errno[] = {
	{EHOSTUNREACH, "check the network, the proxy and the endpoint's name"},
	{ETIMEDOUT, "check the network; the request may be tried again"},
	{ENOKEY, "check the KMS key: its region, state and policy"},
	{EACCES, "check the credentials and their IAM policy"},
};

const char *last_error_next_step(const struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(by_code); i++)
		if (!strcmp(err->code, by_code[i].code))
			return by_code[i].step;
	for (size_t i = 0; i < ARRAY_LEN(by_errno); i++)
		if (err->errnum == by_errno[i].errnum)
			return by_errno[i].step;
	return "";
}

int last_error_report(struct last_error *l, const char *what, const struct err *err)
{
	struct entry *e = &l->entries[l->n++ % KEPT];
	char text[800];

	e->ms = clock_wall_ms();
	e->err = *err;
	if (!e->err.errnum)
		e->err.errnum = EIO;
	snprintf(e->what, sizeof(e->what), "%s", what);
	log_warning("%s: %s", what, err_text(&e->err, text, sizeof(text)));
	return e->err.errnum;
}

int last_error_text(const struct last_error *l, struct buf *out)
{
	char stamp[ISOTIME_SIZE];

	if (!l->n)
		return buf_puts(out, "no error since the mount\n");
	for (unsigned i = 0; i < KEPT && i < l->n; i++) {
		const struct entry *e = &l->entries[(l->n - 1 - i) % KEPT];
		const char *step = last_error_next_step(&e->err);

		buf_printf(out, "%stime: %s\noperation: %s\nerrno: %s (%s)\n", i ? "\n" : "",
			isotime_format(e->ms, stamp), e->what, strerrorname_np(e->err.errnum),
			strerror(e->err.errnum));
		if (e->err.code[0])
			buf_printf(out, "code: %s\n", e->err.code);
		buf_printf(out, "message: %s\n", e->err.message);
		if (e->err.request_id[0])
			buf_printf(out, "request-id: %s\n", e->err.request_id);
		if (*step)
			buf_printf(out, "next: %s\n", step);
	}
	return -out->error;
}
