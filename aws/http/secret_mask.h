/* SPDX-License-Identifier: MIT */
/* Masks secrets and signatures in the text of a response. Pure. */
#ifndef EBSFS_SECRET_MASK_H
#define EBSFS_SECRET_MASK_H

#include <stddef.h>

/* AWS's secrets are longer; a shorter one would match by chance. */
#define SECRET_MASK_MIN 12

/* Overwrites each secret in text with '*': whole, or cut off after at least SECRET_MASK_MIN
 * characters; plain, or escaped for URLs (once or twice), JSON or XML. secrets may contain NULLs.
 */
void secret_mask(char *text, size_t len, const char *const *secrets, size_t n_secrets);

/* The same for signatures, because a signed request can be sent again for a while: 64 or more hex
 * digits in a row (Version 4), and the value after "Signature=" (Version 2). */
void secret_mask_signatures(char *text, size_t len);

#endif
