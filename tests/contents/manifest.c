/* SPDX-License-Identifier: MIT */
/* Prints every entry of a file system in an image, one a line, for comparison with the kernel's
 * view of it:
 *
 *     contents-manifest [-l] [-c] [-n] IMAGE [OFFSET [SIZE]]
 *
 * -l: without the log; -c: without checksums; -n: without reading the files. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "detect.h"
#include "encode.h"

#define DEPTH_MAX   64
#define EXTENTS     64
#define MAP_LENGTH  (64 << 20)
#define ENTRIES_MAX 4000000

struct listing {
	struct filesystem *fs;
	struct {
		char *name;
		unsigned len;
		uint64_t inode;
	} * entries;
	size_t n;
};

static bool without_contents;
static struct sectors *disk;
static unsigned long faults, entries_seen;

static int fetch(void *ctx, const uint64_t *index, void *const *out, unsigned n)
{
	int fd = *(int *)ctx;

	for (unsigned i = 0; i < n; i++) {
		ssize_t got = pread(fd, out[i], SECTORS_BLOCK, (off_t)(index[i] * SECTORS_BLOCK));

		if (got < 0)
			return -errno;
		memset((char *)out[i] + got, 0, SECTORS_BLOCK - (size_t)got);
	}
	return 0;
}

static bool collect(void *arg, const struct filesystem_entry *entry)
{
	struct listing *l = arg;

	if (!(l->n & (l->n - 1)))
		l->entries = realloc(l->entries, (l->n ? 2 * l->n : 1) * sizeof(*l->entries));
	if (!l->entries || l->n == ENTRIES_MAX)
		abort();
	l->entries[l->n].name = strndup(entry->name, entry->name_len);
	l->entries[l->n].len = entry->name_len;
	l->entries[l->n++].inode = entry->inode;
	return true;
}

/* Digests one extent. Holes are digested as zeros, by at most a block at a time. */
static int digest_extent(struct filesystem *fs, uint64_t inode,
	const struct filesystem_extent *extent, EVP_MD_CTX *sum)
{
	static uint8_t data[SECTORS_BLOCK];

	for (uint64_t at = 0; at < extent->length;) {
		uint64_t left = extent->length - at;
		size_t n = left < sizeof(data) ? (size_t)left : sizeof(data);
		int r = 0;

		if (extent->kind == FILESYSTEM_HOLE)
			memset(data, 0, n);
		else if (extent->kind == FILESYSTEM_DISK)
			r = sectors_read(disk, extent->disk + at, data, n);
		else
			r = fs->ops->read(fs, inode, extent->offset + at, data, n);
		if (r)
			return r;
		EVP_DigestUpdate(sum, data, n);
		at += n;
	}
	return 0;
}

static int digest_file(struct filesystem *fs, uint64_t inode, uint64_t size, char *hex)
{
	EVP_MD_CTX *sum = EVP_MD_CTX_new();
	unsigned char out[EVP_MAX_MD_SIZE];
	uint64_t offset = 0;
	int r = 0;

	EVP_DigestInit(sum, EVP_sha256());
	while (!r && offset < size) {
		struct filesystem_extent extents[EXTENTS];
		unsigned n = EXTENTS;

		r = fs->ops->map(fs, inode, offset, MAP_LENGTH, extents, &n);
		if (!r && !n)
			r = -ENODATA;
		for (unsigned i = 0; !r && i < n; i++) {
			if (extents[i].offset != offset || extents[i].length > size - offset)
				r = -EPROTO;
			else
				r = digest_extent(fs, inode, &extents[i], sum);
			offset += extents[i].length;
		}
	}
	EVP_DigestFinal(sum, out, NULL);
	EVP_MD_CTX_free(sum);
	encode_hex(out, 32, hex);
	return r;
}

static void print_name(const char *prefix, const char *name)
{
	for (const char *p = prefix; *p; p++)
		putchar(*p);
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '%')
			printf("%%%02x", *p);
		else
			putchar(*p);
}

static int print_entry(
	struct filesystem *fs, const char *prefix, const char *name, uint64_t inode, mode_t *mode)
{
	struct filesystem_attributes a;
	int r = fs->ops->stat(fs, inode, &a);
	char hex[65] = "-";

	print_name(prefix, name);
	if (r) {
		printf(" stat: %s: %s\n", strerror(-r), fs->reason);
		return r;
	}
	*mode = a.mode;
	printf(" %o %u %u %u %llu %llu %lld.%09ld %lld.%09ld %lld.%09ld %u:%u %llu ", a.mode,
		a.nlink, a.uid, a.gid, (unsigned long long)a.size, (unsigned long long)a.blocks,
		(long long)a.atime.tv_sec, a.atime.tv_nsec, (long long)a.mtime.tv_sec,
		a.mtime.tv_nsec, (long long)a.ctime.tv_sec, a.ctime.tv_nsec, a.major, a.minor,
		(unsigned long long)inode);
	if (S_ISREG(a.mode) && !without_contents)
		r = digest_file(fs, inode, a.size, hex);
	if (S_ISLNK(a.mode)) {
		_cleanup_buf_ struct buf target = BUF_INIT;

		r = fs->ops->readlink(fs, inode, &target);
		print_name("->", buf_str(&target));
	}
	if (r)
		printf("error: %s: %s\n", strerror(-r), fs->reason);
	else
		printf("%s\n", hex);
	return r;
}

static void walk(struct filesystem *fs, const char *prefix, uint64_t directory, unsigned depth)
{
	struct listing l = {.fs = fs};
	int r = fs->ops->readdir(fs, directory, 0, collect, &l);

	if (r) {
		printf("%s readdir: %s: %s\n", prefix, strerror(-r), fs->reason);
		faults++;
	}
	for (size_t i = 0; i < l.n; i++) {
		char *path = NULL;
		mode_t mode = 0;
		uint64_t found;

		if (!(i & (i - 1)) && (filesystem_lookup(fs, directory, l.entries[i].name,
					       l.entries[i].len, &found) ||
					      found != l.entries[i].inode))
			printf("%s%s lookup: not found\n", prefix, l.entries[i].name);
		entries_seen++;
		if (print_entry(fs, prefix, l.entries[i].name, l.entries[i].inode, &mode))
			faults++;
		else if (S_ISDIR(mode) && depth < DEPTH_MAX && entries_seen < ENTRIES_MAX &&
			 asprintf(&path, "%s%s/", prefix, l.entries[i].name) > 0)
			walk(fs, path, l.entries[i].inode, depth + 1);
		free(path);
		free(l.entries[i].name);
	}
	free(l.entries);
}

int main(int argc, char **argv)
{
	struct filesystem_options options = {0};
	struct filesystem *fs;
	struct stat st;
	struct err e;
	int option, fd;

	while ((option = getopt(argc, argv, "lcn")) != -1) {
		options.skip_log |= option == 'l';
		options.skip_checksums |= option == 'c';
		without_contents |= option == 'n';
	}
	argv += optind;
	fd = argv[0] ? open(argv[0], O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0 || fstat(fd, &st)) {
		fprintf(stderr, "usage: contents-manifest [-l] [-c] [-n] IMAGE [OFFSET [SIZE]]\n");
		return 2;
	}
	uint64_t start = argv[1] ? strtoull(argv[1], NULL, 0) : 0;
	uint64_t size =
		argv[1] && argv[2] ? strtoull(argv[2], NULL, 0) : (uint64_t)st.st_size - start;

	disk = sectors_create(&(struct sectors_source){fetch, &fd}, start, size);
	fs = disk ? detect_filesystem(disk, &options, &e) : NULL;
	if (!fs) {
		fprintf(stderr, "contents-manifest: %s: %s\n", argv[0],
			disk ? e.message : "out of memory");
		sectors_destroy(disk);
		return 1;
	}
	walk(fs, "/", fs->root, 0);
	fprintf(stderr, "%s: %lu entries, %lu faults, %llu blocks; %s\n", fs->kind, entries_seen,
		faults, (unsigned long long)sectors_fetched(disk), fs->note);
	filesystem_destroy(fs);
	sectors_destroy(disk);
	close(fd);
	return 0;
}
