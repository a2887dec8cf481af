/* SPDX-License-Identifier: MIT */
/* Directories of FAT. A file has a slot with a short name; slots before it may spell a long one,
 * last part first, and are bound to the short name by a checksum. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bytes.h"
#include "fat_internal.h"
#include "unicode.h"

#define DIRECTORY_MAX (2u << 20) /* the largest that FAT may have */
#define LONG_UNITS    13u        /* of one slot */
#define LONG_SLOTS    20u
#define LONG_FIRST    0x40 /* marks the slot with the last part */
#define SHORT_LENGTH  11u
#define SHORT_SIZE    40u /* of a short name as UTF-8 */
#define LOWER_BASE    0x08
#define LOWER_SUFFIX  0x10

/* The characters of code page 437 from 0x80 on; the kernel uses this page. */
static const uint16_t page_437[128] = {0xc7, 0xfc, 0xe9, 0xe2, 0xe4, 0xe0, 0xe5, 0xe7, 0xea, 0xeb,
	0xe8, 0xef, 0xee, 0xec, 0xc4, 0xc5, 0xc9, 0xe6, 0xc6, 0xf4, 0xf6, 0xf2, 0xfb, 0xf9, 0xff,
	0xd6, 0xdc, 0xa2, 0xa3, 0xa5, 0x20a7, 0x192, 0xe1, 0xed, 0xf3, 0xfa, 0xf1, 0xd1, 0xaa, 0xba,
	0xbf, 0x2310, 0xac, 0xbd, 0xbc, 0xa1, 0xab, 0xbb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524,
	0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510,
	0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569,
	0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552,
	0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, 0x3b1, 0xdf,
	0x393, 0x3c0, 0x3a3, 0x3c3, 0xb5, 0x3c4, 0x3a6, 0x398, 0x3a9, 0x3b4, 0x221e, 0x3c6, 0x3b5,
	0x2229, 0x2261, 0xb1, 0x2265, 0x2264, 0x2320, 0x2321, 0xf7, 0x2248, 0xb0, 0x2219, 0xb7,
	0x221a, 0x207f, 0xb2, 0x25a0, 0xa0};

/* A long name while its slots are read. */
struct long_name {
	unsigned slots, left; /* left: slots that are still missing; 0: complete */
	uint8_t checksum;
	uint8_t units[LONG_SLOTS * LONG_UNITS * 2];
};

static void long_name_add(struct long_name *name, const uint8_t *slot)
{
	unsigned number = slot[0] & ~LONG_FIRST;
	uint8_t *units;

	if (slot[0] & LONG_FIRST) {
		*name = (struct long_name){.slots = 0};
		if (!number || number > LONG_SLOTS)
			return;
		name->slots = name->left = number;
		name->checksum = slot[13];
	} else if (!name->slots || number != name->left || slot[13] != name->checksum) {
		name->slots = 0;
	}
	if (!name->slots)
		return;
	units = name->units + (size_t)(number - 1) * LONG_UNITS * 2;
	memcpy(units, slot + 1, 10);
	memcpy(units + 10, slot + 14, 12);
	memcpy(units + 22, slot + 28, 4);
	name->left = number - 1;
}

static uint8_t short_checksum(const uint8_t *name)
{
	uint8_t sum = 0;

	for (unsigned i = 0; i < SHORT_LENGTH; i++)
		sum = (uint8_t)((uint8_t)(sum << 7 | sum >> 1) + name[i]);
	return sum;
}

/* Converts one part of a short name to UTF-16. Returns the number of units, without the blanks at
 * its end. */
static unsigned short_part(const uint8_t *from, unsigned len, bool lower, uint8_t *units)
{
	unsigned used = 0;

	for (unsigned i = 0; i < len && from[i]; i++) {
		uint16_t c = from[i];

		if (c >= 0x80)
			c = page_437[c - 0x80];
		else if (lower && c >= 'A' && c <= 'Z')
			c |= 0x20;
		units[2 * i] = (uint8_t)c;
		units[2 * i + 1] = (uint8_t)(c >> 8);
		if (from[i] != ' ')
			used = i + 1;
	}
	return used;
}

static size_t short_name(const uint8_t *slot, char out[SHORT_SIZE])
{
	uint8_t name[SHORT_LENGTH], units[2 * (SHORT_LENGTH + 1)] = {0};
	unsigned base, suffix;

	memcpy(name, slot, SHORT_LENGTH);
	if (name[0] == 0x05)
		name[0] = 0xe5;
	base = short_part(name, 8, slot[12] & LOWER_BASE, units);
	suffix = short_part(name + 8, 3, slot[12] & LOWER_SUFFIX, units + (size_t)2 * (base + 1));
	units[2 * base] = suffix ? '.' : 0;
	units[2 * base + 1] = 0;
	return unicode_from_utf16(units, base + (suffix ? suffix + 1 : 0), out, SHORT_SIZE);
}

int fat_directory_read(struct fat *fat, uint64_t inode, struct fat_directory *out)
{
	uint32_t cluster = fat->root_cluster, n = 0, most = DIRECTORY_MAX / fat->cluster_size;
	uint8_t slot[FAT_SLOT];
	int r = 0;

	*out = (struct fat_directory){0};
	if (inode != FAT_ROOT) {
		r = fat_slot(fat, inode, slot);
		if (!r && !(slot[11] & FAT_DIRECTORY))
			r = filesystem_fail(&fat->base, ENOTDIR, "inode %llu is no directory",
				(unsigned long long)inode);
		if (r)
			return r;
		cluster = fat_slot_cluster(fat, slot);
		if (cluster < FAT_FIRST_CLUSTER || cluster >= fat->end_cluster)
			return fat_fail(fat, inode);
	} else if (fat->root_size) {
		out->size = fat->root_size;
		out->slots = malloc(out->size);
		r = out->slots ? sectors_read(fat->base.disk, fat->root, out->slots, out->size)
			       : -ENOMEM;
		if (r)
			filesystem_fail(&fat->base, -r, "cannot read the root directory");
		goto out;
	}
	out->clusters = calloc(most + 1, sizeof(*out->clusters));
	r = out->clusters ? 0 : filesystem_fail(&fat->base, ENOMEM, "out of memory");
	while (!r && cluster) {
		if (n >= most) {
			r = fat_fail(fat, inode);
			break;
		}
		out->clusters[n++] = cluster;
		sectors_want(fat->base.disk, fat_cluster_offset(fat, cluster), fat->cluster_size);
		r = fat_next(fat, cluster, &cluster);
	}
	out->size = (size_t)n * fat->cluster_size;
	if (!r && !(out->slots = malloc(out->size)))
		r = filesystem_fail(&fat->base, ENOMEM, "out of memory");
	if (!r && (r = sectors_fetch(fat->base.disk)))
		filesystem_fail(&fat->base, -r, "cannot read the directory of inode %llu",
			(unsigned long long)inode);
	for (uint32_t i = 0; !r && i < n; i++)
		if ((r = sectors_read(fat->base.disk, fat_cluster_offset(fat, out->clusters[i]),
			     out->slots + (size_t)i * fat->cluster_size, fat->cluster_size)))
			filesystem_fail(&fat->base, -r, "cannot read the directory of inode %llu",
				(unsigned long long)inode);
out:
	if (r)
		fat_directory_finish(out);
	return r;
}

void fat_directory_finish(struct fat_directory *directory)
{
	free(directory->slots);
	free(directory->clusters);
	*directory = (struct fat_directory){0};
}

int fat_directory_label(struct fat *fat, char *out)
{
	struct fat_directory root;
	int r = fat_directory_read(fat, FAT_ROOT, &root);

	if (r)
		return r;
	for (size_t at = 0; at < root.size; at += FAT_SLOT) {
		const uint8_t *slot = root.slots + at;
		size_t len = SHORT_LENGTH;

		if (!slot[0] || slot[0] == FAT_DELETED || slot[11] == FAT_LONG_NAME ||
			!(slot[11] & FAT_VOLUME))
			continue;
		while (len && slot[len - 1] == ' ')
			len--;
		memcpy(out, slot, len);
		out[len] = '\0';
		break;
	}
	fat_directory_finish(&root);
	return 0;
}

static uint64_t slot_inode(const struct fat *fat, const struct fat_directory *directory, size_t at)
{
	uint64_t offset = fat->root + at;

	if (directory->clusters)
		offset = fat_cluster_offset(fat, directory->clusters[at / fat->cluster_size]) +
			 at % fat->cluster_size;
	return offset / FAT_SLOT;
}

/* An entry with both of its names. */
struct fat_entry {
	struct filesystem_entry shown;
	const char *short_name;
};

typedef bool fat_entry_fn(void *arg, const struct fat_entry *entry);

static int entry_call(struct fat *fat, uint64_t inode, const struct long_name *name,
	const uint8_t *slot, struct fat_entry *entry, fat_entry_fn *fn, void *arg, bool *go_on)
{
	char long_text[FILESYSTEM_NAME_MAX + 2], short_text[SHORT_SIZE];
	size_t len = short_name(slot, short_text);

	entry->short_name = entry->shown.name = short_text;
	if (name->slots && !name->left && name->checksum == short_checksum(slot)) {
		size_t long_len = unicode_from_utf16(name->units, (size_t)name->slots * LONG_UNITS,
			long_text, sizeof(long_text));

		if (filesystem_name_is_valid(long_text, long_len)) {
			entry->shown.name = long_text;
			len = long_len;
		}
	}
	if (!filesystem_name_is_valid(entry->shown.name, len))
		return fat_fail(fat, inode);
	entry->shown.name_len = (unsigned)len;
	*go_on = fn(arg, entry);
	return 0;
}

static int directory_walk(
	struct fat *fat, uint64_t inode, uint64_t position, fat_entry_fn *fn, void *arg)
{
	struct long_name name = {.slots = 0};
	struct fat_directory directory;
	int r = fat_directory_read(fat, inode, &directory);
	bool go_on = true;

	for (size_t at = 0; !r && go_on && at < directory.size; at += FAT_SLOT) {
		const uint8_t *slot = directory.slots + at;
		struct fat_entry entry = {
			.shown = {.inode = slot_inode(fat, &directory, at), .next = at + FAT_SLOT}};

		if (slot[11] == FAT_LONG_NAME && slot[0] != FAT_DELETED) {
			long_name_add(&name, slot);
			continue;
		}
		if (slot[0] && slot[0] != FAT_DELETED && !(slot[11] & FAT_VOLUME) &&
			at >= position && memcmp(slot, ".          ", SHORT_LENGTH) &&
			memcmp(slot, "..         ", SHORT_LENGTH))
			r = entry_call(fat, inode, &name, slot, &entry, fn, arg, &go_on);
		name.slots = 0;
	}
	fat_directory_finish(&directory);
	return r;
}

struct fat_reader {
	filesystem_entry_fn *fn;
	void *arg;
};

static bool entry_show(void *arg, const struct fat_entry *entry)
{
	struct fat_reader *reader = arg;

	return reader->fn(reader->arg, &entry->shown);
}

int fat_readdir(struct filesystem *base, uint64_t directory, uint64_t position,
	filesystem_entry_fn *fn, void *arg)
{
	struct fat_reader reader = {fn, arg};

	return directory_walk(fat_of(base), directory, position, entry_show, &reader);
}

struct fat_search {
	const char *name;
	unsigned len;
	uint64_t inode;
	bool found;
};

static bool entry_compare(void *arg, const struct fat_entry *entry)
{
	struct fat_search *search = arg;

	search->found = (entry->shown.name_len == search->len &&
				!strncasecmp(entry->shown.name, search->name, search->len)) ||
			(strlen(entry->short_name) == search->len &&
				!strncasecmp(entry->short_name, search->name, search->len));
	search->inode = entry->shown.inode;
	return !search->found;
}

int fat_lookup(struct filesystem *base, uint64_t directory, const char *name, unsigned len,
	uint64_t *inode)
{
	struct fat_search search = {.name = name, .len = len};
	int r = directory_walk(fat_of(base), directory, 0, entry_compare, &search);

	if (r)
		return r;
	*inode = search.inode;
	return search.found ? 0 : -ENOENT;
}
