/* SPDX-License-Identifier: MIT */
/* A checksum that detects damage of files. */
#include "checksum.h"

#include <string.h>

/* Each step is reversible, so that words that differ always give different sums. */
uint64_t checksum_add(uint64_t sum, const void *data, size_t len)
{
	const char *p = data;
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
		sum ^= sum >> 32;
	}
	word = (uint64_t)len << 56; /* the remaining bytes, fewer than eight, and their number */
	memcpy(&word, p, len);
	sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
	return sum ^ sum >> 32;
}
