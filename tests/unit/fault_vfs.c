/* SPDX-License-Identifier: MIT */
/* SQLite's own file system with faults in it. */
#include "fault_vfs.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

/* In front of the real file, which lies behind it in the same memory. */
struct fault_file {
	sqlite3_file base;
	bool is_log;
	sqlite3_file real[];
};

static struct {
	atomic_int calls;
	int after, count, code;
} plans[2];

static unsigned write_ms;

static atomic_int until_exit = -1; /* negative: never */

static sqlite3_vfs *real_vfs;

static int fault(struct fault_file *f, enum fault_kind kind)
{
	int n;

	if (!f->is_log)
		return SQLITE_OK;
	n = atomic_fetch_add(&plans[kind].calls, 1) - plans[kind].after;
	return n >= 0 && n < plans[kind].count ? plans[kind].code : SQLITE_OK;
}

#define FILE_OF(file)           ((struct fault_file *)(file))
#define REAL(file)              (FILE_OF(file)->real)
#define CALL(file, method, ...) (REAL(file)->pMethods->method(REAL(file), ##__VA_ARGS__))

static int file_close(sqlite3_file *file)
{
	return CALL(file, xClose);
}

static int file_read(sqlite3_file *file, void *data, int len, sqlite3_int64 at)
{
	return CALL(file, xRead, data, len, at);
}

static bool is_last_call(void)
{
	return atomic_load(&until_exit) >= 0 && atomic_fetch_sub(&until_exit, 1) == 0;
}

static int file_write(sqlite3_file *file, const void *data, int len, sqlite3_int64 at)
{
	int code;

	if (is_last_call()) {
		CALL(file, xWrite, data, len / 2, at);
		_exit(FAULT_VFS_EXIT);
	}
	code = fault(FILE_OF(file), FAULT_WRITE);

	if (FILE_OF(file)->is_log && write_ms)
		usleep(write_ms * 1000);
	return code != SQLITE_OK ? code : CALL(file, xWrite, data, len, at);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return CALL(file, xTruncate, size);
}

static int file_sync(sqlite3_file *file, int flags)
{
	int code;

	if (is_last_call())
		_exit(FAULT_VFS_EXIT);
	code = fault(FILE_OF(file), FAULT_SYNC);
	return code != SQLITE_OK ? code : CALL(file, xSync, flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return CALL(file, xFileSize, size);
}

static int file_lock(sqlite3_file *file, int level)
{
	return CALL(file, xLock, level);
}

static int file_unlock(sqlite3_file *file, int level)
{
	return CALL(file, xUnlock, level);
}

static int file_check_lock(sqlite3_file *file, int *out)
{
	return CALL(file, xCheckReservedLock, out);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
	return CALL(file, xFileControl, op, arg);
}

static int file_sector(sqlite3_file *file)
{
	return CALL(file, xSectorSize);
}

static int file_traits(sqlite3_file *file)
{
	return CALL(file, xDeviceCharacteristics);
}

/* Version 1: without shared memory, which an exclusive journal does not need. */
static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_traits,
};

static int vfs_open(
	sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	struct fault_file *f = FILE_OF(file);
	int code;

	f->base.pMethods = NULL;
	f->is_log = (flags & SQLITE_OPEN_WAL) != 0;
	code = real_vfs->xOpen(real_vfs, name, f->real, flags, out_flags);
	if (f->real->pMethods)
		f->base.pMethods = &methods;
	return code;
}

void fault_vfs_install(void)
{
	static sqlite3_vfs vfs;

	real_vfs = sqlite3_vfs_find("unix");
	vfs = *real_vfs;
	vfs.zName = "fault";
	vfs.szOsFile = (int)sizeof(struct fault_file) + real_vfs->szOsFile;
	vfs.xOpen = vfs_open;
	vfs.pNext = NULL;
	sqlite3_vfs_register(&vfs, 1);
}

void fault_vfs_plan(enum fault_kind kind, int after, int count, int code)
{
	atomic_store(&plans[kind].calls, 0);
	plans[kind].after = after;
	plans[kind].count = count;
	plans[kind].code = code;
}

void fault_vfs_exit(int after)
{
	atomic_store(&until_exit, after);
}

void fault_vfs_slow(unsigned ms)
{
	write_ms = ms;
}

int fault_vfs_calls(enum fault_kind kind)
{
	return atomic_load(&plans[kind].calls);
}
