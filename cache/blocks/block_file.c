/* SPDX-License-Identifier: MIT */
/*
 * The blocks of disks on this machine's file system.
 *
 *     DIR/SCOPE/REGION/SNAPSHOT.index    header, then for each window: which blocks exist, and a
 *                                        record for each block that is cached
 *     DIR/SCOPE/REGION/SNAPSHOT.N        the blocks of the disk's TiB number N, each at its own
 *                                        place in a sparse file
 *
 * Records have fixed places, so nothing is loaded at an opening, nothing is compacted, and evicting
 * is a hole. Nothing is synced: a record and its block may reach the disk in any order, or one of
 * them not at all. So a record has a checksum, and a block is compared with the SHA-256 in its
 * record whenever it comes from the disk; a block that fails is bought again.
 *
 * An index is locked (flock) by the process that writes it.
 */
#include "block_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "checksum.h"
#include "cleanup.h"
#include "file.h"
#include "statedir.h"

#define FILE_BLOCKS  ((uint64_t)2 << 20) /* 1 TiB: ext4 ends below 16 TiB a file */
#define HEADER_SIZE  4096
#define RECORDS_AT   4096 /* in a window's section, after the list of existing blocks */
#define SECTION_SIZE ((off_t)119 * 4096)

static const char magic[16] = "ebsfs blocks 1\n";

struct index_header {
	char magic[sizeof(magic)];
	char snapshot[BLOCK_SNAPSHOT_SIZE], volume[BLOCK_SNAPSHOT_SIZE];
	int64_t start_ms;
	uint64_t volume_gib;
	uint64_t sum;
};

struct index_window {
	uint64_t number; /* the window's number, plus one; 0: a hole, no window was written */
	uint8_t exists[WINDOW_BYTES];
	uint8_t zero[6];
	uint64_t sum;
};

struct index_record {
	uint64_t number; /* the block's number, plus one */
	unsigned char sha256[DIGEST_SHA256_SIZE];
	uint64_t sum;
};

_Static_assert(RECORDS_AT + WINDOW_BLOCKS * sizeof(struct index_record) <= SECTION_SIZE,
	"a window's section");
_Static_assert(sizeof(struct index_window) <= RECORDS_AT, "what exists, before the records");

struct block_file {
	struct block_store *store;
	char *path; /* path of the index, without its suffix */
	int folder, index;
	bool shared;
	uint64_t n_blocks;
	pthread_mutex_t lock;      /* held while data[] is opened */
	int data[BLOCK_FILES_MAX]; /* -1: not open */
	/* Mappings of the same files, which are never read: they show which pages are in memory.
	 * MAP_FAILED: unknown. */
	unsigned char *maps[BLOCK_FILES_MAX];
};

#define SUM_OF(record) checksum_add(0, record, offsetof(__typeof__(*(record)), sum))

/* --- a snapshot's files --- */

/* Reads bytes of a file; bytes beyond its end are zeros. */
static int file_read_at(int fd, off_t offset, void *data, size_t len)
{
	ssize_t n = file_read(fd, data, len, offset);

	if (n < 0)
		return (int)n;
	memset((char *)data + n, 0, len - (size_t)n);
	return 0;
}

static void header_make(const struct block_owner *owner, struct index_header *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out->magic, magic, sizeof(magic));
	snprintf(out->snapshot, sizeof(out->snapshot), "%s", owner->snapshot);
	snprintf(out->volume, sizeof(out->volume), "%s", owner->volume);
	out->start_ms = owner->start_ms;
	out->volume_gib = owner->volume_gib;
	out->sum = SUM_OF(out);
}

static void file_name(const struct block_file *f, const char *ending, char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s.%s", f->path, ending);
}

static size_t map_size(const struct block_file *f, uint64_t n)
{
	uint64_t blocks = f->n_blocks - n * FILE_BLOCKS;

	return (size_t)((blocks < FILE_BLOCKS ? blocks : FILE_BLOCKS) * EBS_BLOCK_SIZE);
}

/* Opens the data file n. */
static void file_open_data(struct block_file *f, uint64_t n)
{
	char path[PATH_MAX], ending[8];
	struct err err;

	snprintf(ending, sizeof(ending), "%d", (int)n);
	file_name(f, ending, path);
	f->data[n] = statedir_file(f->folder, path, f->shared ? O_RDONLY : O_RDWR | O_CREAT, &err);
	if (f->data[n] < 0)
		return;
	/* Prevents the kernel from reading ahead into blocks that are not compared. */
	posix_fadvise(f->data[n], 0, 0, POSIX_FADV_RANDOM);
	if (!f->shared)
		f->maps[n] = mmap(NULL, map_size(f, n), PROT_NONE, MAP_SHARED, f->data[n], 0);
}

/* Returns the descriptor of the data file with this block, which is opened at its first use; or
 * -errno. */
static int file_data(struct block_file *f, uint64_t block)
{
	uint64_t n = block / FILE_BLOCKS;
	int fd;

	if (block >= f->n_blocks)
		return -EINVAL;
	pthread_mutex_lock(&f->lock);
	if (f->data[n] < 0)
		file_open_data(f, n);
	fd = f->data[n];
	pthread_mutex_unlock(&f->lock);
	return fd;
}

static off_t data_offset(uint64_t block)
{
	return (off_t)(block % FILE_BLOCKS * EBS_BLOCK_SIZE);
}

static off_t record_offset(uint64_t block)
{
	return HEADER_SIZE + (off_t)(block / WINDOW_BLOCKS) * SECTION_SIZE + RECORDS_AT +
	       (off_t)(block % WINDOW_BLOCKS * sizeof(struct index_record));
}

static struct block_file *file_create(
	struct block_store *store, const char *region, const char *snapshot, uint64_t volume_gib)
{
	struct block_file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->store = store;
	f->folder = f->index = -1;
	f->n_blocks = volume_gib * 2048;
	for (int i = 0; i < BLOCK_FILES_MAX; i++)
		f->maps[i] = MAP_FAILED;
	memset(f->data, -1, sizeof(f->data));
	pthread_mutex_init(&f->lock, NULL);
	if (asprintf(&f->path, "%s/%s/%s", block_store_dir(store), region, snapshot) < 0) {
		f->path = NULL;
		block_file_close(f);
		return NULL;
	}
	return f;
}

void block_file_close(struct block_file *f)
{
	if (!f)
		return;
	for (int i = 0; i < BLOCK_FILES_MAX; i++) {
		if (f->maps[i] != MAP_FAILED)
			munmap(f->maps[i], map_size(f, (uint64_t)i));
		if (f->data[i] >= 0)
			close(f->data[i]);
	}
	if (f->index >= 0)
		close(f->index);
	if (f->folder >= 0)
		close(f->folder);
	pthread_mutex_destroy(&f->lock);
	free(f->path);
	free(f);
}

/* Empties the files of a snapshot. */
static int file_reset(struct block_file *f, const struct index_header *header)
{
	char path[PATH_MAX], ending[8];

	block_store_add_used(f->store, -block_store_bytes(f->path));
	for (int i = 0; i < BLOCK_FILES_MAX; i++) {
		snprintf(ending, sizeof(ending), "%d", i);
		file_name(f, ending, path);
		unlink(path);
	}
	if (ftruncate(f->index, 0) < 0)
		return -errno;
	return file_write(f->index, header, sizeof(*header), 0);
}

/* Checks that the index describes this snapshot, and marks the snapshot as used now. */
static int file_check(struct block_file *f, const struct block_owner *owner, struct err *err)
{
	struct index_header expected, found;
	int r = file_read_at(f->index, 0, &found, sizeof(found));

	header_make(owner, &expected);
	if (r == 0 && memcmp(&expected, &found, sizeof(found)) != 0)
		r = f->shared ? -EBUSY : file_reset(f, &expected);
	if (r < 0)
		return err_set(err, -r, "cannot use the cache %s.index: %s", f->path, strerror(-r));
	futimens(f->index, NULL);
	return 0;
}

/* Locks the index, so that no other process writes it. Returns false if the index was evicted
 * between open and lock: then the file has no name any more. */
static bool file_lock(struct block_file *f)
{
	struct stat st;

	f->shared = flock(f->index, LOCK_EX | LOCK_NB) < 0;
	return fstat(f->index, &st) == 0 && st.st_nlink > 0;
}

int block_file_open(struct block_store *store, const struct block_owner *owner,
	struct block_file **out, struct err *err)
{
	struct block_file *f =
		file_create(store, owner->region, owner->snapshot, owner->volume_gib);
	char path[PATH_MAX];
	int r;

	if (!f)
		return err_set(err, ENOMEM, "out of memory");
	file_name(f, "index", path);
	f->folder = r = statedir_open_parent(path, true, err);
	while (r >= 0) {
		f->index = r = statedir_file(f->folder, path, O_RDWR | O_CREAT, err);
		if (r < 0 || file_lock(f))
			break;
		close(f->index);
	}
	if (r >= 0)
		r = file_check(f, owner, err);
	if (r < 0) {
		block_file_close(f);
		return r;
	}
	*out = f;
	return 0;
}

bool block_file_is_shared(const struct block_file *f)
{
	return f->shared;
}

/* --- siblings --- */

struct nearest {
	struct block_store *store;
	const struct block_owner *owner;
	struct block_file *file;
	struct index_header header;
};

static int64_t distance(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

static void nearest_consider(void *arg, const char *path)
{
	struct nearest *nearest = arg;
	const struct block_owner *owner = nearest->owner;
	const char *snapshot = strrchr(path, '/') + 1;
	struct block_file *f;
	struct index_header header;
	char name[PATH_MAX];
	struct err err;

	if (!strcmp(snapshot, owner->snapshot))
		return;
	f = file_create(nearest->store, owner->region, snapshot, EBS_BLOCKS_MAX / 2048);
	if (!f)
		return;
	f->shared = true;
	file_name(f, "index", name);
	f->folder = statedir_open_parent(name, false, &err);
	if (f->folder >= 0)
		f->index = statedir_file(f->folder, name, O_RDONLY, &err);
	if (f->index < 0 || file_read_at(f->index, 0, &header, sizeof(header)) < 0 ||
		header.sum != SUM_OF(&header) || memcmp(header.magic, magic, sizeof(magic)) != 0 ||
		strcmp(header.volume, owner->volume) != 0 ||
		strcmp(header.snapshot, snapshot) != 0 ||
		(nearest->file && distance(header.start_ms, owner->start_ms) >=
					  distance(nearest->header.start_ms, owner->start_ms))) {
		block_file_close(f);
		return;
	}
	block_file_close(nearest->file);
	nearest->file = f;
	nearest->header = header;
}

int block_file_open_sibling(struct block_store *store, const struct block_owner *owner,
	struct block_file **out, char snapshot[BLOCK_SNAPSHOT_SIZE], int64_t *start_ms)
{
	struct nearest nearest = {.store = store, .owner = owner};
	char folder[PATH_MAX];

	if ((size_t)snprintf(folder, sizeof(folder), "%s/%s", block_store_dir(store),
		    owner->region) >= sizeof(folder))
		return -ENAMETOOLONG;
	block_store_each_in(folder, nearest_consider, &nearest);
	if (!nearest.file)
		return -ENOENT;
	*out = nearest.file;
	*start_ms = nearest.header.start_ms;
	snprintf(snapshot, BLOCK_SNAPSHOT_SIZE, "%s", nearest.header.snapshot);
	return 0;
}

/* --- windows and blocks --- */

static bool record_is_valid(const struct index_record *r, uint64_t block)
{
	return r->number == block + 1 && r->sum == SUM_OF(r);
}

int block_file_read_window(struct block_file *f, uint32_t window, struct block_window *out)
{
	off_t at = HEADER_SIZE + (off_t)window * SECTION_SIZE;
	_cleanup_free_ struct index_record *records =
		malloc(WINDOW_BLOCKS * sizeof(struct index_record));
	struct index_window listed;
	int r;

	memset(out, 0, sizeof(*out));
	if (!records)
		return -ENOMEM;
	r = file_read_at(f->index, at, &listed, sizeof(listed));
	if (r == 0)
		r = file_read_at(f->index, at + RECORDS_AT, records,
			WINDOW_BLOCKS * sizeof(struct index_record));
	if (r < 0)
		return r;
	if (listed.number == (uint64_t)window + 1 && listed.sum == SUM_OF(&listed)) {
		out->listed = true;
		memcpy(out->exists, listed.exists, sizeof(out->exists));
	}
	for (unsigned i = 0; i < WINDOW_BLOCKS; i++)
		if (record_is_valid(&records[i], (uint64_t)window * WINDOW_BLOCKS + i))
			window_set(out->cached, i, true);
	return 0;
}

uint32_t block_file_next_window(const struct block_file *f, uint32_t window)
{
	off_t data = lseek(f->index, HEADER_SIZE + (off_t)window * SECTION_SIZE, SEEK_DATA);

	return data < HEADER_SIZE ? UINT32_MAX : (uint32_t)((data - HEADER_SIZE) / SECTION_SIZE);
}

int block_file_write_window(struct block_file *f, uint32_t window, const struct block_window *w)
{
	struct index_window listed = {.number = (uint64_t)window + 1};

	if (f->shared)
		return -EROFS;
	memcpy(listed.exists, w->exists, sizeof(listed.exists));
	listed.sum = SUM_OF(&listed);
	return file_write(
		f->index, &listed, sizeof(listed), HEADER_SIZE + (off_t)window * SECTION_SIZE);
}

/* Reads the record of a cached block. Returns 0; -ENOENT: the block has no record; or another
 * -errno. */
static int file_record(const struct block_file *f, uint64_t block, struct index_record *out)
{
	int r = file_read_at(f->index, record_offset(block), out, sizeof(*out));

	return r < 0 ? r : record_is_valid(out, block) ? 0 : -ENOENT;
}

int block_file_read(
	struct block_file *f, uint64_t block, void *data, unsigned char sha256[DIGEST_SHA256_SIZE])
{
	struct index_record record;
	int fd = file_data(f, block), r;

	if (fd < 0)
		return fd;
	r = file_record(f, block, &record);
	if (r < 0)
		return r;
	r = file_read_at(fd, data_offset(block), data, EBS_BLOCK_SIZE);
	if (r == 0)
		r = digest_sha256(data, EBS_BLOCK_SIZE, sha256);
	if (r < 0)
		return r;
	if (memcmp(sha256, record.sha256, DIGEST_SHA256_SIZE) == 0)
		return 0;
	/* Drops the pages of a damaged block, so that no other reader takes them for checked ones.
	 */
	posix_fadvise(fd, data_offset(block), (off_t)EBS_BLOCK_SIZE, POSIX_FADV_DONTNEED);
	return -ENOENT;
}

/* Returns whether the kernel has these bytes in its page cache. */
static bool file_is_in_memory(const struct block_file *f, uint64_t block, size_t offset, size_t len)
{
	const unsigned char *map = f->maps[block / FILE_BLOCKS];
	unsigned char pages[EBS_BLOCK_SIZE / 4096];
	size_t page = (size_t)sysconf(_SC_PAGESIZE), skip = offset % page;

	if (map == MAP_FAILED ||
		mincore((void *)(map + data_offset(block) + (off_t)(offset - skip)), skip + len,
			pages) < 0)
		return false;
	for (size_t i = 0; i * page < skip + len; i++)
		if (!(pages[i] & 1))
			return false;
	return true;
}

int block_file_read_part(
	struct block_file *f, uint64_t block, size_t offset, void *data, size_t len)
{
	struct iovec part = {data, len};
	off_t at = data_offset(block) + (off_t)offset;
	int fd = file_data(f, block);
	ssize_t n;

	if (fd < 0)
		return fd;
	if (!file_is_in_memory(f, block, offset, len))
		return -EAGAIN;
	n = preadv2(fd, &part, 1, at, RWF_NOWAIT);
	if (n < 0 && errno == EOPNOTSUPP) /* tmpfs */
		n = pread(fd, data, len, at);
	return n == (ssize_t)len ? 0 : -EAGAIN;
}

static int file_punch(int fd, uint64_t block)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, data_offset(block),
		       (off_t)EBS_BLOCK_SIZE) < 0
		       ? -errno
		       : 0;
}

int block_file_write(struct block_file *f, uint64_t block, const void *data,
	const unsigned char sha256[DIGEST_SHA256_SIZE])
{
	struct index_record record, before;
	int fd = f->shared ? -EROFS : file_data(f, block), r;
	bool again;

	if (fd < 0)
		return fd;
	again = file_record(f, block, &before) == 0; /* a block that is written again needs no
						      * further space */
	memset(&record, 0, sizeof(record));
	record.number = block + 1;
	memcpy(record.sha256, sha256, sizeof(record.sha256));
	record.sum = SUM_OF(&record);
	r = file_write(fd, data, EBS_BLOCK_SIZE, data_offset(block));
	if (r == 0)
		r = file_write(f->index, &record, sizeof(record), record_offset(block));
	if (r == 0 && !again)
		block_store_add_used(f->store, (int64_t)EBS_BLOCK_SIZE);
	else if (r < 0) /* frees the space of a block that was written only in part: the disk may be
			 * full */
		file_punch(fd, block);
	return r;
}

int block_file_drop(struct block_file *f, uint64_t block)
{
	struct index_record none = {0};
	int fd = f->shared ? -EROFS : file_data(f, block), r;

	if (fd < 0)
		return fd;
	r = file_write(f->index, &none, sizeof(none), record_offset(block));
	if (r < 0)
		return r;
	r = file_punch(fd, block);
	if (r < 0)
		return r;
	block_store_add_used(f->store, -(int64_t)EBS_BLOCK_SIZE);
	return 0;
}
