/* SPDX-License-Identifier: MIT */
/* The types that are found on EC2's volumes. */
#include "partition_types.h"

#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "cleanup.h"

static const struct {
	uint8_t type;
	const char *name;
} mbr_types[] = {
	{0x01, "FAT12"},
	{0x04, "FAT16"},
	{0x05, "Extended"},
	{0x06, "FAT16"},
	{0x07, "NTFS/exFAT"},
	{0x0b, "FAT32"},
	{0x0c, "FAT32"},
	{0x0e, "FAT16"},
	{0x0f, "Extended"},
	{0x27, "Windows recovery"},
	{0x42, "Windows dynamic disk"},
	{0x82, "Linux swap"},
	{0x83, "Linux"},
	{0x85, "Linux extended"},
	{0x8e, "Linux LVM"},
	{0xa5, "FreeBSD"},
	{0xa6, "OpenBSD"},
	{0xa9, "NetBSD"},
	{0xee, "GPT"},
	{0xef, "EFI System"},
	{0xfd, "Linux RAID"},
};

static const struct {
	const char *guid;
	const char *name;
} gpt_types[] = {
	{"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI System"},
	{"21686148-6449-6e6f-744e-656564454649", "BIOS boot"},
	{"0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux filesystem"},
	{"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap"},
	{"e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM"},
	{"a19d880f-05fc-4d3b-a006-743f0f84911e", "Linux RAID"},
	{"933ac7e1-2eb4-4f13-b844-0e14e2aef915", "Linux home"},
	{"3b8f8425-20e0-4f3b-907f-1a25a76f98e8", "Linux server data"},
	{"4d21b016-b534-45c2-a9fb-5c16e091fd2d", "Linux variable data"},
	{"bc13c2ff-59e6-4262-a352-b275fd6f7172", "Linux extended boot"},
	{"44479540-f297-41b2-9af7-d131d5f0458a", "Linux root (x86)"},
	{"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "Linux root (x86-64)"},
	{"b921b045-1df0-41c3-af44-4c6f280d3fae", "Linux root (ARM-64)"},
	{"8484680c-9521-48c6-9c11-b0720656f69e", "Linux usr (x86-64)"},
	{"b0e01050-ee5f-4390-949a-9101b17104e9", "Linux usr (ARM-64)"},
	{"2c7357ed-ebd2-46d9-aec1-23d437ec2bf5", "Linux root verity (x86-64)"},
	{"df3300ce-d69f-4c92-978c-9bfb0f38d820", "Linux root verity (ARM-64)"},
	{"ca7d7ccb-63ed-4c53-861c-1742536059cc", "LUKS"},
	{"9e1a2d38-c612-4316-aa26-8b49521e5a8b", "PowerPC PReP boot"},
	{"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "Microsoft basic data"},
	{"e3c9e316-0b5c-4db8-817d-f92df00215ae", "Microsoft reserved"},
	{"de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Windows recovery"},
	{"5808c8aa-7e8f-42e0-85d2-e1e90434cfb3", "Windows LDM metadata"},
	{"af9b60a0-1431-4f62-bc68-3311714a69ad", "Windows LDM data"},
	{"516e7cb4-6ecf-11d6-8ff8-00022d09712b", "FreeBSD"},
	{"516e7cb5-6ecf-11d6-8ff8-00022d09712b", "FreeBSD swap"},
	{"516e7cb6-6ecf-11d6-8ff8-00022d09712b", "FreeBSD UFS"},
	{"516e7cba-6ecf-11d6-8ff8-00022d09712b", "FreeBSD ZFS"},
	{"83bd6b9d-7f41-11dc-be0b-001560b84f0f", "FreeBSD boot"},
};

void partition_type_mbr(uint8_t type, char *out, size_t size)
{
	const char *name = "";

	for (size_t i = 0; i < ARRAY_LEN(mbr_types); i++)
		if (mbr_types[i].type == type)
			name = mbr_types[i].name;
	snprintf(out, size, "0x%02x%s%s", type, *name ? " " : "", name);
}

void partition_type_gpt(const uint8_t *guid, char *out, size_t size)
{
	char text[37];

	snprintf(text, sizeof(text), "%08x-%04x-%04x-%04x-%04x%08x", bytes_le32(guid),
		bytes_le16(guid + 4), bytes_le16(guid + 6), bytes_be16(guid + 8),
		bytes_be16(guid + 10), bytes_be32(guid + 12));
	for (size_t i = 0; i < ARRAY_LEN(gpt_types); i++)
		if (!strcmp(gpt_types[i].guid, text)) {
			snprintf(out, size, "%s", gpt_types[i].name);
			return;
		}
	snprintf(out, size, "%s", text);
}
