/* SPDX-License-Identifier: MIT */
/* What an error says about trying again. */
#include "verdict.h"

#include <stddef.h>
#include <string.h>

static bool verdict_is_one_of(const struct err *err, const char *const *codes)
{
	for (; *codes; codes++)
		if (!strcmp(err->code, *codes))
			return true;
	return false;
}

bool verdict_is_limit(const struct err *err)
{
	static const char *const codes[] = {
		"ResourceLimitExceeded", "PendingSnapshotLimitExceeded", NULL};

	return verdict_is_one_of(err, codes);
}

bool verdict_is_state(const struct err *err)
{
	static const char *const codes[] = {"IncorrectState", "InvalidState", NULL};

	return verdict_is_one_of(err, codes);
}

bool verdict_is_passing(const struct err *err)
{
	static const char *const codes[] = {"AuthFailure", "ExpiredToken", "ExpiredTokenException",
		"RequestExpired", "InvalidClientTokenId", "SignatureDoesNotMatch",
		"MissingAuthenticationToken", "UnrecognizedClientException", NULL};

	return err->retryable || !err->http_status || err->http_status >= 500 ||
	       verdict_is_one_of(err, codes);
}

bool verdict_is_absent(const struct err *err)
{
	static const char *const codes[] = {"InvalidSnapshot.NotFound", NULL};

	return verdict_is_one_of(err, codes);
}
