/* SPDX-License-Identifier: MIT */
/* The protocol between ebsfs and ebsfs-reader, the program that reads file systems on disks.
 *
 * ebsfs starts one process per open file system: argv {"ebsfs-reader"}, an empty environment (ebsfs
 * may have AWS keys in its own), and a connected AF_UNIX stream socket as file descriptor
 * READER_FD. The reader opens nothing: it asks ebsfs for the disk's bytes over this socket. It ends
 * at EOF, and at any message that breaks this protocol.
 *
 * A message is a struct reader_header and `length` bytes of payload. Both sides are programs of one
 * machine: native byte order, structs without holes. Unused bytes are zero.
 *
 * Strict turns: ebsfs sends one request. The reader sends any number of READER_NEED, one at a time;
 * ebsfs answers each with one READER_DATA per range, in any order. At last the reader sends one
 * READER_REPLY, and the next request may follow. All of them have the request's id. The reader
 * limits itself to READER_CPU_SECONDS of processor time per request: past them a signal ends it.
 *
 * ebsfs trusts nothing that it receives. The limits and rules below hold for a reader that works; a
 * message that breaks one is a reason to end the process. */
#ifndef EBSFS_READER_PROTOCOL_H
#define EBSFS_READER_PROTOCOL_H

#include <stdint.h>

#define READER_PROGRAM "ebsfs-reader"
#define READER_FD      0
#define READER_VERSION 1 /* of this protocol: both sides refuse another */

#define READER_CPU_SECONDS    10
#define READER_MEMORY         (256u << 20) /* bytes of address space */
#define READER_RANGE_MAX      (512u << 10) /* bytes of one range of the disk */
#define READER_RANGES_MAX     64u          /* of one READER_NEED */
#define READER_NAME_MAX       255u
#define READER_LINK_MAX       4095u
#define READER_READ_MAX       (128u << 10) /* bytes of one READER_READ */
#define READER_BATCH_MAX      (64u << 10)  /* bytes of the entries of one reply */
#define READER_EXTENTS_MAX    256u         /* of one reply */
#define READER_PARTITIONS_MAX 128u
#define READER_SIZE_MAX       ((uint64_t)1 << 62) /* of a disk, a file; of a position */
#define READER_INODE_MAX      (((uint64_t)1 << 47) - 1)
#define READER_REASON_SIZE    160u /* with the NUL */
#define READER_PAYLOAD_MAX    (1u << 20)

enum reader_type {
	/* Requests. */
	READER_PARTITIONS = 1, /* reader_disk_request -> reader_table, reader_partition[] */
	READER_OPEN,           /* reader_open_request -> reader_opened */
	READER_STAT,           /* reader_inode_request -> reader_attributes */
	READER_LOOKUP,         /* reader_lookup_request, name -> reader_attributes */
	READER_READDIR,        /* reader_range_request -> reader_batch, entries */
	READER_READLINK,       /* reader_inode_request -> 1 to READER_LINK_MAX bytes without NUL */
	READER_MAP,            /* reader_range_request -> reader_extent[] */
	READER_READ,           /* reader_range_request -> bytes */
	/* While a request is open. */
	READER_NEED = 16, /* reader -> ebsfs: reader_range[] */
	READER_DATA,      /* ebsfs -> reader: reader_data, bytes */
	READER_REPLY, /* reader -> ebsfs: reader_reply, and if its error is 0 the payload above */
};

struct reader_header {
	uint32_t length; /* of the payload, at most READER_PAYLOAD_MAX */
	uint16_t type;   /* enum reader_type */
	uint16_t version;
	uint64_t id; /* of the request; ebsfs chooses it */
};

/* Bytes of the disk, from its beginning: multiples of 512, within the disk, 1 to READER_RANGE_MAX.
 * A range does not cross a multiple of READER_RANGE_MAX: it lies within one block of a snapshot. */
struct reader_range {
	uint64_t offset;
	uint32_t length;
	uint32_t reserved;
};

/* Answers one range of the last READER_NEED, named by its offset. error: a positive errno, without
 * bytes; the request then ends with it (EDQUOT stays EDQUOT). 0: all bytes of the range follow. */
struct reader_data {
	uint64_t offset;
	uint32_t length;
	int32_t error;
};

struct reader_reply {
	int32_t error; /* a positive errno; 0: the payload follows */
	uint32_t reserved;
	char reason[READER_REASON_SIZE]; /* of an error, one line: "inode 12 is damaged"; may have
					  * bytes from the disk: escape it before it is shown */
};

/* READER_PARTITIONS: what is on a disk. Permitted at any time. */
struct reader_disk_request {
	uint64_t disk_size; /* bytes, a multiple of 512 */
};

enum reader_table_kind {
	READER_TABLE_NONE, /* one entry, the whole disk, with the number 0 */
	READER_TABLE_MBR,
	READER_TABLE_GPT,
};

struct reader_table {
	uint32_t kind; /* enum reader_table_kind */
	uint32_t count;
	char note[READER_REASON_SIZE]; /* such as "the backup of the damaged table was used" */
};

/* Texts end with a NUL within their array, and may have bytes from the disk. Partitions may
 * overlap; each lies within the disk. Their numbers ascend. */
struct reader_partition {
	uint64_t start, size; /* bytes */
	uint32_t number;      /* as the kernel counts; 0: the whole disk */
	uint32_t readable;    /* 1: READER_OPEN is for this one; 0: `note` says why not */
	char type[64];        /* of the table: "Linux filesystem", "EFI System", "0x83"; or "" */
	char name[112];       /* of a GPT's entry, in UTF-8; else "" */
	char content[16];     /* "ext4", "xfs", "vfat", "LVM2", "LUKS", "swap", "mdraid", "btrfs",
			       * "ntfs", …; "" if it is not known */
	char label[128];      /* of the file system */
	char note[READER_REASON_SIZE];
};

/* READER_OPEN: once per process, and before all requests below. */
struct reader_open_request {
	uint64_t disk_size;
	uint64_t start, size; /* of the partition; the whole disk: 0, disk_size */
};

struct reader_opened {
	uint64_t root; /* the root folder's inode */
	char kind[16]; /* "ext4", "xfs", "vfat" */
	char label[128];
	char note[READER_REASON_SIZE]; /* how it was opened: "log replayed: 765 transactions" */
};

/* Inodes are 1 to READER_INODE_MAX. */
struct reader_inode_request {
	uint64_t inode;
};

struct reader_lookup_request {
	uint64_t directory;
	uint32_t name_length; /* 1 to READER_NAME_MAX; the name follows; ENOENT: there is none */
	uint32_t reserved;
};

struct reader_time {
	int64_t seconds;
	uint32_t nanoseconds; /* below 1e9 */
	uint32_t reserved;
};

struct reader_attributes {
	uint64_t inode;
	uint64_t size;   /* bytes, at most READER_SIZE_MAX */
	uint64_t blocks; /* of 512 bytes */
	uint32_t mode;   /* as st_mode, with one of the seven types */
	uint32_t nlink, uid, gid;
	uint32_t major, minor;                         /* of a device */
	struct reader_time atime, mtime, ctime, birth; /* birth: zero if it is not known */
};

/* READER_READDIR: directory, position, bytes (at most READER_BATCH_MAX, at least 1024).
 * READER_MAP: file, offset, bytes.
 * READER_READ: file, offset, bytes (at most READER_READ_MAX, within one READER_BYTES extent). */
struct reader_range_request {
	uint64_t inode;
	uint64_t offset; /* of a directory: 0, or `next` of an entry or of a batch */
	uint64_t length;
};

/* Entries without "." and "..". A batch that is not the last one has at least one entry. */
struct reader_batch {
	uint64_t next; /* the position after the last entry; not below it */
	uint32_t count;
	uint32_t last; /* 1: no more entries */
};

/* The name follows, then zeros up to a multiple of 8 bytes. */
struct reader_entry {
	uint64_t next;        /* the position after this entry; they ascend */
	int32_t error;        /* a positive errno: of the attributes only the inode is valid */
	uint32_t name_length; /* 1 to READER_NAME_MAX, without '/' and NUL */
	struct reader_attributes attributes;
};

enum reader_extent_kind {
	READER_HOLE,  /* reads as zeros */
	READER_DISK,  /* lies on the disk as it is */
	READER_BYTES, /* only READER_READ gives it: inline, or changed by the log */
};

/* In order, without gaps, the first one from the offset that was asked for, none empty. They end
 * where the request or the file ends, or earlier; there are none only past the end of the file. */
struct reader_extent {
	uint64_t offset, length; /* in the file */
	uint64_t disk;           /* READER_DISK: bytes from the beginning of the disk, all of them
				  * within the partition; else 0 */
	uint32_t kind;           /* enum reader_extent_kind */
	uint32_t reserved;
};

_Static_assert(sizeof(struct reader_header) == 16, "no holes");
_Static_assert(sizeof(struct reader_range) == 16, "no holes");
_Static_assert(sizeof(struct reader_data) == 16, "no holes");
_Static_assert(sizeof(struct reader_reply) == 168, "no holes");
_Static_assert(sizeof(struct reader_table) == 168, "no holes");
_Static_assert(sizeof(struct reader_partition) == 504, "no holes");
_Static_assert(sizeof(struct reader_opened) == 312, "no holes");
_Static_assert(sizeof(struct reader_attributes) == 112, "no holes");
_Static_assert(sizeof(struct reader_entry) == 128, "no holes");
_Static_assert(sizeof(struct reader_extent) == 32, "no holes");
_Static_assert(sizeof(struct reader_data) + READER_RANGE_MAX <= READER_PAYLOAD_MAX, "fits");
_Static_assert(
	READER_PARTITIONS_MAX * sizeof(struct reader_partition) < READER_PAYLOAD_MAX, "fits");

#endif
