/* SPDX-License-Identifier: MIT */
/* Gives numbers to the file systems on disks. */
#include "inode_space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_refs.h"

/* The number of attributes that are kept; a power of two. */
#define KEPT 8192

struct inode_spaces {
	/* Attributes that are kept; the index is the lower bits of the inode's number. */
	struct inode_kept {
		uint64_t generation; /* generation of the space; 0: the place is empty */
		struct reader_attributes attributes;
	} kept[KEPT];
	struct inode_space *table[NODE_FILESYSTEM_MAX + 1];
	uint32_t last; /* the last number given; after the highest number the search begins again at
			  1 */
	uint64_t generation;
};

struct inode_spaces *inode_spaces_create(void)
{
	return calloc(1, sizeof(struct inode_spaces));
}

static void space_free(struct inode_space *s)
{
	s->fs->inode_spaces->table[s->number] = NULL;
	files_disk_close(s->disk);
	free(s);
}

void inode_spaces_destroy(struct inode_spaces *spaces)
{
	if (!spaces)
		return;
	for (uint32_t i = 0; i <= NODE_FILESYSTEM_MAX; i++)
		if (spaces->table[i])
			space_free(spaces->table[i]);
	free(spaces);
}

static struct node space_node(const struct inode_space *s)
{
	return node_of_inode(s->number, 0);
}

static struct inode_space *space_create(
	struct fs *fs, struct node folder, struct files_disk *disk, uint32_t i)
{
	struct inode_spaces *spaces = fs->inode_spaces;
	struct inode_space *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->system = files_system_at(disk, i);
	if (!s->system || files_disk_open(fs->files, files_disk_facts(disk), &s->disk) < 0) {
		free(s);
		return NULL;
	}
	s->fs = fs;
	s->number = spaces->last;
	s->generation = ++spaces->generation;
	s->folder = folder;
	s->partition = files_partition(disk, i)->number;
	spaces->table[s->number] = s;
	return s;
}

struct inode_space *inode_space_get(
	struct fs *fs, struct node folder, struct files_disk *disk, uint32_t i, struct err *err)
{
	struct inode_spaces *spaces = fs->inode_spaces;
	struct inode_space *s = NULL;

	for (uint32_t n = 1; n <= NODE_FILESYSTEM_MAX && !s; n++)
		if (spaces->table[n] && spaces->table[n]->disk == disk &&
			spaces->table[n]->partition == files_partition(disk, i)->number)
			s = spaces->table[n];
	for (uint32_t n = 0; n < NODE_FILESYSTEM_MAX && !s; n++) {
		spaces->last = spaces->last % NODE_FILESYSTEM_MAX + 1;
		if (spaces->table[spaces->last])
			continue;
		s = space_create(fs, folder, disk, i);
		if (!s) {
			err_set(err, ENOMEM, "out of memory");
			return NULL;
		}
	}
	if (s)
		inode_space_hold(s);
	else
		err_set(err, ENFILE,
			"the kernel knows files of %u file systems, and there are no more numbers; "
			"let it forget some: echo 2 > /proc/sys/vm/drop_caches",
			NODE_FILESYSTEM_MAX);
	return s;
}

struct inode_space *inode_space_of(struct fs *fs, struct node n)
{
	return fs->inode_spaces->table[n.region & NODE_FILESYSTEM_MAX];
}

void inode_space_hold(struct inode_space *s)
{
	s->holds++;
}

void inode_space_release(struct inode_space *s)
{
	if (--s->holds == 0 && !kernel_refs_has(s->fs, space_node(s)))
		space_free(s);
}

void inode_space_forgotten(struct fs *fs, struct node n)
{
	struct inode_space *s = fs->inode_spaces->table[n.slot & NODE_FILESYSTEM_MAX];

	if (s && s->holds == 0)
		space_free(s);
}

uint64_t inode_space_generation(struct fs *fs, struct node n)
{
	const struct inode_space *s = inode_space_of(fs, n);

	return s ? s->generation : 0;
}

void inode_space_keep(struct inode_space *s, const struct reader_attributes *a)
{
	s->fs->inode_spaces->kept[a->inode % KEPT] = (struct inode_kept){s->generation, *a};
}

const struct reader_attributes *inode_space_kept(const struct inode_space *s, uint64_t inode)
{
	const struct inode_kept *kept = &s->fs->inode_spaces->kept[inode % KEPT];

	return kept->generation == s->generation && kept->attributes.inode == inode
		       ? &kept->attributes
		       : NULL;
}

const char *inode_space_name(uint32_t partition, char out[INODE_SPACE_NAME])
{
	if (partition)
		snprintf(out, INODE_SPACE_NAME, "%u", partition);
	else
		strcpy(out, "disk");
	return out;
}

void inode_space_path(struct fs *fs, struct node n, struct buf *out)
{
	const struct inode_space *s = inode_space_of(fs, n);
	const struct disk_facts *facts = s ? files_disk_facts(s->disk) : NULL;
	char name[INODE_SPACE_NAME];

	if (!s) {
		buf_puts(out, "a file system that is gone");
		return;
	}
	buf_printf(out, "regions/%s/files/%s/%s (inode %llu)", facts->region, facts->snapshot,
		inode_space_name(s->partition, name), (unsigned long long)node_inode(n));
}
