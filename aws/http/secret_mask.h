/* SPDX-License-Identifier: MIT */
/* Secrets that come back in an answer's words, made unreadable. Pure. */
#ifndef EBSFS_SECRET_MASK_H
#define EBSFS_SECRET_MASK_H

#include <stddef.h>

/* A secret that is shorter is none of AWS's, and would be found in any text. */
#define SECRET_MASK_MIN 12

/* Overwrites with '*', in place, where text says a secret, or the first SECRET_MASK_MIN characters
 * of it or more; as it is, or written with escapes: percent signs (twice, too), JSON's, XML's.
 * NULLs among the secrets are passed over. */
void secret_mask(char *text, size_t len, const char *const *secrets, size_t n_secrets);

/* The same for signatures: 64 hex digits or more in a row, as AWS's Version 4 has them, and what
 * follows "Signature=" of Version 2. Whoever reads a signed request may repeat it for a while. */
void secret_mask_signatures(char *text, size_t len);

#endif
