/* SPDX-License-Identifier: MIT */
/* The operations of every kind of node, by the file that defines them. */
#ifndef EBSFS_NODES_H
#define EBSFS_NODES_H

struct node_ops;

/* folders.c: folders with a fixed list of children, and regions/ */
extern const struct node_ops root_ops, control_ops, regions_ops;
/* info.c: texts about the mount */
extern const struct node_ops readme_ops, copies_ops, copies_json_ops, health_ops, metrics_ops,
	version_ops, last_error_ops;
/* region_folder.c */
extern const struct node_ops region_ops, snapshots_ops;
/* made_folder.c */
extern const struct node_ops volumes_ops, zone_ops, images_ops;
/* filter.c */
extern const struct node_ops filter_ops, filter_readme_ops, filter_folder_ops, shared_ops;
/* list.c */
extern const struct node_ops list_ops, list_json_ops;
/* by.c */
extern const struct node_ops by_ops, by_field_ops, by_key_ops, by_group_ops, by_latest_ops;
/* snapshot_folder.c */
extern const struct node_ops snapshot_ops, description_ops, metadata_ops, snapshot_file_ops;
/* snapshot_link.c */
extern const struct node_ops snapshot_link_ops;
/* shared_with.c */
extern const struct node_ops shared_with_ops;

/* used_by.c */
extern const struct node_ops used_by_ops;
/* disks.c */
extern const struct node_ops disks_ops, disk_ops, budget_ops;
/* rw_disk.c */
extern const struct node_ops rw_disk_ops;
/* disk_copy.c */
extern const struct node_ops disk_copy_ops, disk_link_ops;
/* files_folder.c, partitions.c */
extern const struct node_ops files_ops, files_disk_ops, partitions_ops;
/* inode_node.c */
extern const struct node_ops inode_ops, filesystem_ops;
/* tags.c */
extern const struct node_ops tags_ops, tag_ops;
/* status.c */
extern const struct node_ops status_ops, wait_ops, receipt_status_ops, receipt_wait_ops;
/* receipt_names.c */
extern const struct node_ops receipt_copy_ops;
/* receipt_file.c */
extern const struct node_ops receipt_ops;
/* receipt_folder.c */
extern const struct node_ops folder_ops;
/* draft_file.c */
extern const struct node_ops draft_ops, draft_folder_ops, draft_link_ops, draft_status_ops;

#endif
