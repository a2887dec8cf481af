/* SPDX-License-Identifier: MIT */
/* Random numbers from the kernel. */
#include "random.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *out, size_t len)
{
	char *p = out;

	while (len) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			abort(); /* no getrandom(2): tokens would not be unique */
		}
		p += n;
		len -= (size_t)n;
	}
}

double random_unit(void)
{
	uint64_t v;

	random_bytes(&v, sizeof(v));
	return (double)(v >> 11) / 9007199254740992.0;
}
