/* SPDX-License-Identifier: MIT */
/* Masks secrets and signatures in the text of a response. Pure. */
#ifndef EBSFS_SECRET_MASK_H
#define EBSFS_SECRET_MASK_H

#include <stddef.h>

/* Secrets shorter than this are not masked: they would match by chance. AWS's secrets are longer.
 */
#define SECRET_MASK_MIN 12

/* Overwrites each secret in text with '*': a whole secret, or at least SECRET_MASK_MIN characters
 * of its beginning; plain, or escaped for URLs (once or twice), JSON or XML. secrets may contain
 * NULLs. */
void secret_mask(char *text, size_t len, const char *const *secrets, size_t n_secrets);

/* Overwrites signatures with '*', because a signed request can be sent again for a while: 64 or
 * more hex digits in a row (Version 4), and the value after "Signature=" (Version 2). */
void secret_mask_signatures(char *text, size_t len);

#endif
