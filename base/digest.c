/* SPDX-License-Identifier: MIT */
/* Hashes, by OpenSSL. */
#include "digest.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "encode.h"

static int digest(const EVP_MD *md, const void *data, size_t len, unsigned char *out, size_t size)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int n = 0;

	memset(out, 0, size);
	if (!EVP_Digest(data, len, hash, &n, md, NULL) || n != size)
		return -EIO;
	memcpy(out, hash, size);
	return 0;
}

int digest_sha256(const void *data, size_t len, unsigned char out[DIGEST_SHA256_SIZE])
{
	return digest(EVP_sha256(), data, len, out, DIGEST_SHA256_SIZE);
}

int digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
	unsigned char out[DIGEST_SHA256_SIZE])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned int n = 0;
	/* Given a NULL key, OpenSSL would use the key of the last call. */
	const void *k = key ? key : "";

	if (key_len > INT_MAX || !HMAC(EVP_sha256(), k, (int)key_len, data, len, hash, &n) ||
		n != DIGEST_SHA256_SIZE) {
		memset(out, 0, DIGEST_SHA256_SIZE);
		return -EIO;
	}
	memcpy(out, hash, n);
	explicit_bzero(hash, sizeof(hash));
	return 0;
}

int digest_sha256_hex(const void *data, size_t len, char out[DIGEST_SHA256_HEX])
{
	unsigned char hash[DIGEST_SHA256_SIZE];
	int r = digest_sha256(data, len, hash);

	encode_hex(hash, sizeof(hash), out);
	return r;
}

int digest_sha1_hex(const void *data, size_t len, char out[DIGEST_SHA1_HEX])
{
	unsigned char hash[20];
	int r = digest(EVP_sha1(), data, len, hash, sizeof(hash));

	encode_hex(hash, sizeof(hash), out);
	return r;
}
