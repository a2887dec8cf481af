/* SPDX-License-Identifier: MIT */
/* The contents of snapshots. */
#include "sim_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

#define DAY_MS 86400000
#define PERIOD 64 /* days between two changes of a block of a made disk */

static uint64_t disk_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

static uint64_t disk_hash(const char *text)
{
	uint64_t h = 0;

	for (; *text; text++)
		h = disk_mix(h ^ (unsigned char)*text);
	return h;
}

/* --- made blocks --- */

/* Returns the version of a made block, which grows by one every PERIOD days. */
static int64_t made_version(const struct sim_disk *disk, uint32_t index)
{
	int64_t phase = (int64_t)(disk_mix(disk->seed ^ index) % PERIOD);

	return (disk->day + phase) / PERIOD;
}

/* Whether a made block exists: those of the small file system, and n_made blocks that are spread
 * evenly over the volume. */
static bool made_exists(const struct sim_disk *disk, uint64_t index)
{
	if (disk->is_demo && index < SIM_DEMO_BLOCKS)
		return sim_demo_exists((uint32_t)index);
	return index * disk->n_made / disk->blocks != (index + 1) * disk->n_made / disk->blocks;
}

static bool made_next(const struct sim_disk *disk, uint32_t from, uint32_t *index)
{
	uint64_t i = from;

	if (!disk->n_made && !disk->is_demo)
		return false;
	while (i < disk->blocks && !made_exists(disk, i))
		i++;
	*index = (uint32_t)i;
	return i < disk->blocks;
}

static void made_read(const struct sim_disk *disk, uint32_t index, unsigned char *data)
{
	uint64_t version = (uint64_t)made_version(disk, index),
		 start = disk_mix(disk->seed ^ disk_mix(index) ^ disk_mix(version << 32));

	if (disk->is_demo && index < SIM_DEMO_BLOCKS) {
		sim_demo_read(&disk->demo, index, data);
		return;
	}
	/* Hardly any 8-byte word occurs twice on a disk. */
	for (size_t i = 0; i < SIM_BLOCK / sizeof(start); i++) {
		uint64_t word = start + i * 0x9e3779b97f4a7c15u;

		memcpy(data + i * sizeof(word), &word, sizeof(word));
	}
}

/* --- disks --- */

static int disk_open_file(const struct sim_world *w, const char *name, struct sim_disk *out)
{
	_cleanup_free_ char *path = NULL;

	if (!w->disks || asprintf(&path, "%s/%s", w->disks, name) < 0) {
		path = NULL;
		return w->disks ? -ENOMEM : -ENOENT;
	}
	out->fd = open(path, O_RDONLY | O_CLOEXEC);
	return out->fd < 0 ? -errno : 0;
}

/* Fills seed, day and demo from the text that sim_disk_of_copy() wrote. Returns false if text is
 * not such a text. */
static bool disk_make_copy(const char *text, struct sim_disk *out)
{
	if (!out->is_demo)
		return sscanf(text, "made:%" SCNx64 ":%" SCNd64, &out->seed, &out->day) == 2;
	return sscanf(text, "demo:%" SCNx64 ":%" SCNd64 ":%31[^:]:%31[^:]:%" SCNd64, &out->seed,
		       &out->day, out->demo.snapshot, out->demo.volume, &out->demo.start_ms) == 5;
}

static void disk_make(const struct sim_snapshot *s, struct sim_disk *out)
{
	int64_t full = s->full_size >= 0 ? s->full_size : (int64_t)s->volume_gib << 29;

	out->made = true;
	out->is_demo = !strncmp(s->disk, "demo", 4);
	out->n_made = ((uint64_t)full + SIM_BLOCK - 1) / SIM_BLOCK;
	if (out->n_made > out->blocks)
		out->n_made = out->blocks;
	if (disk_make_copy(s->disk, out))
		return;
	out->seed = disk_hash(s->volume_id ? s->volume_id : s->id);
	out->day = s->start_ms / DAY_MS;
	snprintf(out->demo.snapshot, sizeof(out->demo.snapshot), "%s", s->id);
	snprintf(out->demo.volume, sizeof(out->demo.volume), "%s",
		s->volume_id ? s->volume_id : "none");
	out->demo.start_ms = s->start_ms;
}

static bool disk_is_made(const struct sim_snapshot *s)
{
	return s->disk && (!strcmp(s->disk, "made") || !strncmp(s->disk, "made:", 5) ||
				  !strcmp(s->disk, "demo") || !strncmp(s->disk, "demo:", 5));
}

int sim_disk_open(const struct sim_world *w, const struct sim_snapshot *s, struct sim_disk *out)
{
	char name[80];
	int r;

	*out = (struct sim_disk){
		.blocks = s->volume_gib * (uint32_t)((1 << 30) / SIM_BLOCK), .fd = -1};
	if (disk_is_made(s)) {
		disk_make(s, out);
		return 0;
	}
	if (s->disk)
		return disk_open_file(w, s->disk, out);
	snprintf(name, sizeof(name), "%s.img", s->id);
	r = disk_open_file(w, name, out);
	return r == -ENOENT ? 0 : r;
}

void sim_disk_close(struct sim_disk *disk)
{
	if (disk->fd >= 0)
		close(disk->fd);
	disk->fd = -1;
}

bool sim_disk_next(const struct sim_disk *disk, uint32_t from, uint32_t *index)
{
	off_t data;

	if (disk->made)
		return made_next(disk, from, index);
	if (disk->fd < 0 || from >= disk->blocks)
		return false;
	data = lseek(disk->fd, (off_t)from * (off_t)SIM_BLOCK, SEEK_DATA);
	if (data < 0)
		return false;
	*index = (uint32_t)(data / (off_t)SIM_BLOCK);
	return *index < disk->blocks;
}

int sim_disk_read(const struct sim_disk *disk, uint32_t index, unsigned char *data)
{
	size_t len = 0;
	ssize_t n = 1;

	if (disk->made) {
		made_read(disk, index, data);
		return 0;
	}
	while (len < SIM_BLOCK && n) {
		n = pread(disk->fd, data + len, SIM_BLOCK - len,
			(off_t)index * (off_t)SIM_BLOCK + (off_t)len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	}
	memset(data + len, 0, SIM_BLOCK - len);
	return 0;
}

bool sim_disk_same(const struct sim_disk *a, const struct sim_disk *b, uint32_t index)
{
	_cleanup_free_ unsigned char *data = NULL;

	if (a->made && b->made && a->seed == b->seed && !(a->is_demo && index < SIM_DEMO_BLOCKS))
		return made_version(a, index) == made_version(b, index);
	data = malloc(2 * SIM_BLOCK);
	return data && sim_disk_read(a, index, data) == 0 &&
	       sim_disk_read(b, index, data + SIM_BLOCK) == 0 &&
	       !memcmp(data, data + SIM_BLOCK, SIM_BLOCK);
}

int sim_disk_of_copy(const struct sim_world *w, const struct sim_snapshot *s, const char **out)
{
	struct sim_disk disk;
	char text[160];

	if (sim_disk_open(w, s, &disk) < 0 || (!disk.made && disk.fd < 0))
		text[0] = '\0';
	else if (disk.is_demo)
		snprintf(text, sizeof(text), "demo:%" PRIx64 ":%" PRId64 ":%s:%s:%" PRId64,
			disk.seed, disk.day, disk.demo.snapshot, disk.demo.volume,
			disk.demo.start_ms);
	else if (disk.made)
		snprintf(text, sizeof(text), "made:%" PRIx64 ":%" PRId64, disk.seed, disk.day);
	else
		snprintf(text, sizeof(text), s->disk ? "%s" : "%s.img", s->disk ? s->disk : s->id);
	sim_disk_close(&disk);
	return sim_snapshot_set(out, text[0] ? text : s->disk);
}
