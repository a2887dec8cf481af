/* SPDX-License-Identifier: MIT */
/* Hashes: the only file behind this header that knows OpenSSL. */
#ifndef EBSFS_DIGEST_H
#define EBSFS_DIGEST_H

#include <stddef.h>

#define DIGEST_SHA256_SIZE 32
#define DIGEST_SHA256_HEX  65 /* with its NUL */
#define DIGEST_SHA1_HEX    41

/* Return 0, or -EIO if the crypto library refuses the algorithm (then out is zeroed).
 * out of the HMAC may be the memory of key. */
int digest_sha256(const void *data, size_t len, unsigned char out[DIGEST_SHA256_SIZE]);
int digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char out[DIGEST_SHA256_SIZE]);

/* The same as lower-case hex. */
int digest_sha256_hex(const void *data, size_t len, char out[DIGEST_SHA256_HEX]);
int digest_sha1_hex(const void *data, size_t len, char out[DIGEST_SHA1_HEX]);

#endif
