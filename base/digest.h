/* SPDX-License-Identifier: MIT */
/* SHA-256, HMAC and SHA-1, by OpenSSL. */
#ifndef EBSFS_DIGEST_H
#define EBSFS_DIGEST_H

#include <stddef.h>

#define DIGEST_SHA256_SIZE 32
#define DIGEST_SHA256_HEX  65 /* of a string of hex digits, with its NUL */
#define DIGEST_SHA1_HEX    41

/* Write the digest to out. Return 0, or -EIO with out zeroed if OpenSSL refuses the algorithm. In
 * digest_hmac_sha256(), out and key may be the same memory. */
int digest_sha256(const void *data, size_t len, unsigned char out[DIGEST_SHA256_SIZE]);
int digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char out[DIGEST_SHA256_SIZE]);

/* Write the digest as lower-case hex. Return 0, or -EIO with all digits of out '0'. */
int digest_sha256_hex(const void *data, size_t len, char out[DIGEST_SHA256_HEX]);
int digest_sha1_hex(const void *data, size_t len, char out[DIGEST_SHA1_HEX]);

#endif
