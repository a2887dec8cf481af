/* SPDX-License-Identifier: MIT */
/* SHA-256, HMAC and SHA-1, by OpenSSL. */
#ifndef EBSFS_DIGEST_H
#define EBSFS_DIGEST_H

#include <stddef.h>

#define DIGEST_SHA256_SIZE 32
#define DIGEST_SHA256_HEX  65 /* with its NUL */
#define DIGEST_SHA1_HEX    41

/* Each returns 0, or -EIO with out zeroed if OpenSSL refuses the algorithm. The HMAC's out may be
 * the memory of key. */
int digest_sha256(const void *data, size_t len, unsigned char out[DIGEST_SHA256_SIZE]);
int digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char out[DIGEST_SHA256_SIZE]);

/* The same as lower-case hex. */
int digest_sha256_hex(const void *data, size_t len, char out[DIGEST_SHA256_HEX]);
int digest_sha1_hex(const void *data, size_t len, char out[DIGEST_SHA1_HEX]);

#endif
