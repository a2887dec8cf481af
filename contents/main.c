/* SPDX-License-Identifier: MIT */
/* ebsfs-reader: reads a file system on a disk for ebsfs, which starts it. */
#include <stdio.h>
#include <sys/stat.h>

#include "reader.h"
#include "reader_protocol.h"
#include "sandbox.h"

int main(void)
{
	struct stat st;

	if (fstat(READER_FD, &st) || !S_ISSOCK(st.st_mode)) {
		fprintf(stderr,
			READER_PROGRAM ": ebsfs starts this program; it is of no use alone\n");
		return 2;
	}
	if (sandbox_enter(READER_FD, READER_MEMORY))
		return 1;
	return reader_serve(READER_FD) ? 1 : 0;
}
