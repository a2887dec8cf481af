/* SPDX-License-Identifier: MIT */
/* One table of magic numbers. The first entry that matches decides. */
#include "recognise.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "cleanup.h"
#include "fat.h"

#define USE_DISK "use disks/<id>.rw: losetup -fP --show FILE, "

#define EXT_FEATURES      1116u /* compatible, incompatible, read-only compatible: 4 bytes each */
#define EXT_HAS_JOURNAL   0x4u
#define EXT_JOURNAL_DEV   0x8u
#define EXT4_INCOMPATIBLE (0x40u | 0x80u | 0x200u | 0x8000u) /* extents, 64bit, flex_bg, inline */
#define EXT4_READ_ONLY    (0x8u | 0x10u | 0x20u | 0x40u | 0x400u) /* huge files … metadata_csum */

struct magic {
	uint32_t offset;
	uint8_t length;
	const char *bytes;
	const char *content;
	uint32_t label, label_length;
	const char *note; /* why ebsfs-reader cannot read it; NULL: it can */
	enum recognised kind;
};

static const struct magic magics[] = {
	{0, 6, "LUKS\xba\xbe", "LUKS", 24, 48, "encrypted; " USE_DISK "then cryptsetup open",
		RECOGNISED_OTHER},
	{536, 8, "LVM2 001", "LVM2", 0, 0,
		"a physical volume of LVM; " USE_DISK "then vgchange -ay", RECOGNISED_OTHER},
	{24, 8, "LVM2 001", "LVM2", 0, 0, "a physical volume of LVM; " USE_DISK "then vgchange -ay",
		RECOGNISED_OTHER},
	{4096, 4, "\xfc\x4e\x2b\xa9", "mdraid", 4128, 32,
		"a member of a RAID; " USE_DISK "then mdadm --assemble --readonly",
		RECOGNISED_OTHER},
	{0, 4, "\xfc\x4e\x2b\xa9", "mdraid", 32, 32,
		"a member of a RAID; " USE_DISK "then mdadm --assemble --readonly",
		RECOGNISED_OTHER},
	{4086, 10, "SWAPSPACE2", "swap", 1052, 16, "swap space has no files", RECOGNISED_OTHER},
	{65526, 10, "SWAPSPACE2", "swap", 1052, 16, "swap space has no files", RECOGNISED_OTHER},
	{65600, 8, "_BHRfS_M", "btrfs", 65835, 127, "not read here; " USE_DISK "then mount -o ro",
		RECOGNISED_OTHER},
	{3, 8, "NTFS    ", "ntfs", 0, 0, "not read here; " USE_DISK "then mount -t ntfs3 -o ro",
		RECOGNISED_OTHER},
	{3, 8, "-FVE-FS-", "BitLocker", 0, 0,
		"encrypted; " USE_DISK "then cryptsetup open --type bitlk", RECOGNISED_OTHER},
	{3, 8, "EXFAT   ", "exfat", 0, 0, "not read here; " USE_DISK "then mount -o ro",
		RECOGNISED_OTHER},
	{0, 4, "hsqs", "squashfs", 0, 0, "not read here; " USE_DISK "then mount -o ro",
		RECOGNISED_OTHER},
	{1024, 4, "\x10\x20\xf5\xf2", "f2fs", 0, 0, "not read here; " USE_DISK "then mount -o ro",
		RECOGNISED_OTHER},
	{0, 8, "verity\0\0", "verity", 0, 0, "hashes of another partition, without files",
		RECOGNISED_OTHER},
	{0, 4, "XFSB", "xfs", 108, 12, NULL, RECOGNISED_XFS},
	{1080, 2, "\x53\xef", "ext2", 1144, 16, NULL, RECOGNISED_EXT},
	{32769, 5, "CD001", "iso9660", 32808, 32, "not read here; " USE_DISK "then mount -o ro",
		RECOGNISED_OTHER},
};

static void text_copy(char *out, size_t size, const void *bytes, size_t len)
{
	const char *p = bytes;

	len = strnlen(p, len);
	while (len && p[len - 1] == ' ')
		len--;
	if (len >= size)
		len = size - 1;
	memcpy(out, p, len);
	out[len] = '\0';
}

const char *recognise_ext(uint32_t compatible, uint32_t incompatible, uint32_t read_only)
{
	if (incompatible & EXT4_INCOMPATIBLE || read_only & EXT4_READ_ONLY)
		return "ext4";
	return compatible & EXT_HAS_JOURNAL ? "ext3" : "ext2";
}

static void ext_describe(const uint8_t *head, struct reader_partition *out)
{
	const uint8_t *features = head + EXT_FEATURES;
	uint32_t compatible = bytes_le32(features), incompatible = bytes_le32(features + 4);

	strcpy(out->content, recognise_ext(compatible, incompatible, bytes_le32(features + 8)));
	if (incompatible & EXT_JOURNAL_DEV) {
		strcpy(out->content, "jbd2");
		strcpy(out->note, "the journal of a file system on another disk, without files");
		out->readable = 0;
	}
}

static int recognise_bytes(const uint8_t *head, size_t len, struct reader_partition *out)
{
	for (size_t i = 0; i < ARRAY_LEN(magics); i++) {
		const struct magic *m = &magics[i];

		if (m->offset + m->length > len || memcmp(head + m->offset, m->bytes, m->length))
			continue;
		strcpy(out->content, m->content);
		out->readable = !m->note;
		if (m->note)
			snprintf(out->note, sizeof(out->note), "%s", m->note);
		if (m->label_length && m->label + m->label_length <= len)
			text_copy(out->label, sizeof(out->label), head + m->label, m->label_length);
		if (m->kind == RECOGNISED_EXT)
			ext_describe(head, out);
		return out->readable || m->note ? (int)m->kind : RECOGNISED_OTHER;
	}
	if (len < SECTOR_SIZE || !fat_is_boot_sector(head))
		return RECOGNISED_NOTHING;
	strcpy(out->content, "vfat");
	out->readable = 1;
	fat_boot_label(head, out->label);
	return RECOGNISED_FAT;
}

int recognise(struct sectors *disk, uint64_t start, uint64_t size, struct reader_partition *out)
{
	_cleanup_free_ uint8_t *head = malloc(RECOGNISE_LENGTH);
	size_t len = size < RECOGNISE_LENGTH ? (size_t)size : RECOGNISE_LENGTH;
	struct reader_partition unwanted = {0};
	int r;

	out = out ? out : &unwanted;
	if (!head)
		return -ENOMEM;
	r = sectors_read(disk, start, head, len);
	if (r)
		return r;
	r = recognise_bytes(head, len, out);
	if (r == RECOGNISED_NOTHING)
		strcpy(out->note,
			"holds nothing that is known here; its bytes are in disks/<id>.img");
	return r;
}
