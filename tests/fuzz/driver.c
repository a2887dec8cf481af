/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over the files and folders that it is given, where there is no libFuzzer to do
 * it. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "r");
	_cleanup_buf_ struct buf text = BUF_INIT;
	char chunk[16384];
	size_t n;

	if (!f)
		return -errno;
	while ((n = fread(chunk, 1, sizeof(chunk), f)))
		buf_add(&text, chunk, n);
	if (ferror(f) || text.error)
		return -EIO;
	/* A block of its own, of just its size: a sanitizer then sees a read past the end. */
	_cleanup_free_ uint8_t *data = malloc(text.len ? text.len : 1);

	if (!data)
		return -ENOMEM;
	if (text.len)
		memcpy(data, text.data, text.len);
	LLVMFuzzerTestOneInput(data, text.len);
	return 1;
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int run_folder(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_input, alphasort), done = 0;

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		_cleanup_buf_ struct buf file = BUF_INIT;
		int r = 0;

		buf_printf(&file, "%s/%s", path, entries[i]->d_name);
		if (done >= 0)
			r = run_file(buf_str(&file));
		done = r < 0 ? r : done + r;
		free(entries[i]);
	}
	free(entries);
	return done;
}

int main(int argc, char **argv)
{
	int done = 0;

	for (int i = 1; i < argc; i++) {
		int r = run_folder(argv[i]);

		if (r == -ENOTDIR)
			r = run_file(argv[i]);
		if (r < 0) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(-r));
			return 1;
		}
		done += r;
	}
	printf("%d inputs\n", done);
	return done ? 0 : 1; /* nothing run is nothing shown */
}
