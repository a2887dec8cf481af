/* SPDX-License-Identifier: MIT */
/* Node numbers are coordinates in the tree, so that no table of nodes is needed; paths of nodes,
 * for messages. */
#ifndef EBSFS_NODE_H
#define EBSFS_NODE_H

#include <stdint.h>

struct fs;

/* The kinds of node. In one folder the order of this list is the order of the inode numbers, in
 * which cp reads a folder. The description and the tags of a copy must reach the destination before
 * the file that requests the copy, so NODE_SNAPSHOT_FILE and NODE_RECEIPT come after all other
 * kinds in their folders. */
enum node_kind {
	NODE_ROOT,
	NODE_README,
	NODE_COPIES,
	NODE_COPIES_JSON,
	NODE_CONTROL, /* .ebsfs/ */
	NODE_HEALTH,
	NODE_METRICS,
	NODE_VERSION,
	NODE_LAST_ERROR,
	NODE_BUDGET,
	NODE_REGIONS, /* regions/ */
	NODE_REGION,  /* regions/<region>/ */
	NODE_FILTER,  /* …/filter/ */
	NODE_FILTER_README,
	NODE_FILTER_FOLDER, /* …/filter/<term>/…; slot and sub: number and generation */
	NODE_SHARED,        /* …/shared/ */
	/* A link to …/snapshots/<id>; sub: the number of folders up to the region's */
	NODE_SNAPSHOT_LINK,
	NODE_LIST,      /* …/list */
	NODE_LIST_JSON, /* …/list.json */
	NODE_BY,        /* …/by/ */
	NODE_BY_TAG,
	NODE_BY_NAME,
	NODE_BY_VOLUME,
	NODE_BY_DAY,
	NODE_BY_STATE,
	NODE_BY_KEY,     /* …/by/tag/<key>/; sub: as NODE_TAG */
	NODE_BY_GROUP,   /* a folder of links; slot and sub: by_node.c */
	NODE_BY_LATEST,  /* `latest` in a folder of links */
	NODE_SNAPSHOTS,  /* …/snapshots/ */
	NODE_DISKS,      /* …/disks/ */
	NODE_DISK,       /* …/disks/<id>.img */
	NODE_DISK_RW,    /* …/disks/<id>.rw */
	NODE_DISK_COPY,  /* …/disks/NAME.img while it is being made; slot: a number of its own */
	NODE_DISK_LINK,  /* …/disks/NAME.img afterwards, a link; slot: the receipt's number */
	NODE_FILES,      /* …/files/ */
	NODE_FILES_DISK, /* …/files/<id>/ */
	NODE_PARTITIONS, /* …/files/<id>/partitions */
	/* A file or folder on a disk, from a partition's root on; region: the number of its file
	 * system (inode_space.h), slot and sub: its inode (node_inode()) */
	NODE_INODE,
	NODE_FILESYSTEM, /* no file: the kernel's references to a file system's inodes; slot: its
			    number */
	NODE_VOLUMES,    /* …/volumes/ */
	NODE_ZONE,       /* …/volumes/<zone>/; slot: the zone's number (zones.h) */
	NODE_IMAGES,     /* …/images/ */
	NODE_SNAPSHOT,   /* …/snapshots/<id>/ */
	NODE_DESCRIPTION,
	NODE_METADATA,
	NODE_TAGS, /* …/tags/ */
	NODE_TAG,  /* …/tags/<key>; sub: the key's number in the region's catalogue */
	NODE_STATUS,
	NODE_WAIT,
	NODE_SHARED_WITH,
	NODE_USED_BY,
	NODE_SNAPSHOT_FILE,
	/* Receipts; slot: the receipt's number in this mount. */
	NODE_FOLDER, /* a receipt that is a folder */
	/* In memory only (draft.h); slot and sub: number and generation. */
	NODE_DRAFT,
	NODE_DRAFT_FOLDER,
	NODE_DRAFT_LINK,
	NODE_DRAFT_STATUS,
	NODE_RECEIPT_STATUS,
	NODE_RECEIPT_WAIT,
	NODE_RECEIPT_COPY, /* the link to the new snapshot's folder */
	NODE_RECEIPT,
	NODE_KINDS
};

struct node {
	enum node_kind kind;
	uint32_t region; /* index of a shown region */
	uint32_t slot;   /* the snapshot's slot in the region's catalogue, or the receipt's number;
			    at most NODE_SLOT_MAX */
	uint32_t sub;    /* at most NODE_SUB_MAX */
};

#define NODE_SLOT_MAX ((1u << 25) - 1) /* 33 million snapshots of a region */
#define NODE_SUB_MAX  ((1u << 23) - 1) /* 8 million different tag keys of a region */

/* Numbers of inodes on disks: 16 bits of the file system's number, 47 bits of the inode. */
#define NODE_FILESYSTEM_MAX ((1u << 16) - 1)
#define NODE_INODE_MAX      (((uint64_t)1 << 47) - 1)

uint64_t node_number(struct node n);
/* Returns the node of a number that node_number() gave to the kernel. */
struct node node_of(uint64_t number);

struct node node_of_inode(uint32_t filesystem, uint64_t inode);
uint64_t node_inode(struct node n); /* the inode of a NODE_INODE */

/* Writes a node's path from the mount's root, for messages:
 * "regions/us-east-1/snapshots/snap-…/status"; "." for the root. With a name, writes the path of
 * that child, existing or not. Returns out. */
#define NODE_PATH_SIZE 1024
const char *node_path(struct fs *fs, struct node n, const char *name, char out[NODE_PATH_SIZE]);

#endif
