/* SPDX-License-Identifier: MIT */
/* SQLite's own file system with faults in it: the n-th write or sync of the write-ahead log fails,
 * or the process ends at the n-th of any file. */
#ifndef EBSFS_TEST_FAULT_VFS_H
#define EBSFS_TEST_FAULT_VFS_H

enum fault_kind { FAULT_WRITE, FAULT_SYNC };

/* Makes it SQLite's default. Nothing fails before fault_vfs_plan(). */
void fault_vfs_install(void);
/* Of the calls of this kind from now on, `after` succeed, then `count` fail with SQLite's `code`.
 * Not while a journal writes. */
void fault_vfs_plan(enum fault_kind kind, int after, int count, int code);
/* `after` writes and syncs of any file succeed from now on; in the next one the process ends, a
 * write half done, with this status. */
#define FAULT_VFS_EXIT 42
void fault_vfs_exit(int after);
/* Every write of the log takes this long. */
void fault_vfs_slow(unsigned ms);
/* Calls of this kind since fault_vfs_plan(). */
int fault_vfs_calls(enum fault_kind kind);

#endif
