/* SPDX-License-Identifier: MIT */
/* The contents of a snapshot: blocks of an image file, or blocks that are made from their numbers.
 */
/*
 * The member `disk` of a sim_snapshot selects the contents:
 *
 *   NULL            the file ID.img in the world's folder of disks, if there is one; else the disk
 *                   is empty
 *   "made"          as many blocks as fullSnapshotSizeInBytes needs, spread over the volume. Each
 *                   day, a 64th of a volume's blocks changes, so that its snapshots differ
 *   "demo"          the same, with a small file system at the beginning (sim_demo_disk.h)
 *   "made:N:DAY", "demo:N:DAY:SNAPSHOT:VOLUME:MS"
 *                   the disk of a copy: has the contents of the copied snapshot, computed from that
 *                   snapshot's seed N and DAY and, for "demo", the values in its /etc/motd
 *   any other       a file of that name in the world's folder of disks
 *
 * A block of a file exists where the file has data (SEEK_DATA), zeros or not: EBS lists each block
 * that was written.
 */
#ifndef EBSFS_SIM_DISK_H
#define EBSFS_SIM_DISK_H

#include <stdbool.h>
#include <stdint.h>

#include "sim_demo_disk.h"
#include "sim_world.h"

#define SIM_BLOCK ((size_t)512 << 10)

struct sim_disk {
	uint32_t blocks; /* of the volume */
	int fd;          /* the open image file; -1: none */
	bool made;
	uint64_t seed;
	int64_t day;
	uint64_t n_made; /* blocks that exist */
	bool is_demo;
	struct sim_demo demo;
};

/* Opens the contents of s. Returns 0, or -errno if the file cannot be opened. Call sim_disk_close()
 * in both cases. */
int sim_disk_open(const struct sim_world *w, const struct sim_snapshot *s, struct sim_disk *out);
void sim_disk_close(struct sim_disk *disk);

/* Finds the first existing block from an index on. Returns false if there is none. */
bool sim_disk_next(const struct sim_disk *disk, uint32_t from, uint32_t *index);
/* Reads a block into SIM_BLOCK bytes. Returns 0 or -errno. */
int sim_disk_read(const struct sim_disk *disk, uint32_t index, unsigned char *data);
/* Whether two snapshots of one volume have the same data in a block that exists in both. */
bool sim_disk_same(const struct sim_disk *a, const struct sim_disk *b, uint32_t index);

/* Sets *out, the member `disk` of a copy of s. The text needs neither s, which may be deleted, nor
 * the id and volume of s, which the copy does not have. Returns 0 or -ENOMEM. */
int sim_disk_of_copy(const struct sim_world *w, const struct sim_snapshot *s, const char **out);

#endif
