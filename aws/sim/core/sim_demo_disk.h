/* SPDX-License-Identifier: MIT */
/* The file system on the disks of the built-in account: an ext4 of 64 MiB, part of the program
 * (made by ../demo/make_disk.py). Its file /etc/motd shows the snapshot's id, volume and time. */
#ifndef EBSFS_SIM_DEMO_DISK_H
#define EBSFS_SIM_DEMO_DISK_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_DEMO_BLOCKS 128 /* of 512 KiB */
#define SIM_DEMO_PAGE   4096

/* The pages that are not zeros: their numbers, ascending, and their contents. */
extern const unsigned sim_demo_n_pages;
extern const uint16_t sim_demo_numbers[];
extern const unsigned char sim_demo_pages[];

/* The values that /etc/motd shows. */
struct sim_demo {
	char snapshot[32];
	char volume[32];
	int64_t start_ms;
};

/* Whether a block has data. */
bool sim_demo_exists(uint32_t block);
/* Writes a block's 512 KiB. */
void sim_demo_read(const struct sim_demo *demo, uint32_t block, unsigned char *data);

#endif
