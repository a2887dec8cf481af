/* SPDX-License-Identifier: MIT */
/* Paths of nodes, for messages. */
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "receipts.h"
#include "tree.h"

/* The names of kinds whose name is fixed; those directly below the root include the folder. */
static const char *const fixed[NODE_KINDS] = {
	[NODE_ROOT] = "",
	[NODE_README] = "README",
	[NODE_COPIES] = "copies",
	[NODE_COPIES_JSON] = "copies.json",
	[NODE_CONTROL] = ".ebsfs",
	[NODE_HEALTH] = ".ebsfs/health",
	[NODE_METRICS] = ".ebsfs/metrics",
	[NODE_VERSION] = ".ebsfs/version",
	[NODE_LAST_ERROR] = ".ebsfs/last-error",
	[NODE_REGIONS] = "regions",
	[NODE_DESCRIPTION] = "/description",
	[NODE_METADATA] = "/metadata.json",
	[NODE_TAGS] = "/tags",
	[NODE_STATUS] = "/status",
	[NODE_WAIT] = "/.wait",
	[NODE_FOLDER_DESCRIPTION] = "/description",
	[NODE_FOLDER_METADATA] = "/metadata.json",
	[NODE_FOLDER_TAGS] = "/tags",
	[NODE_FOLDER_COPY] = "/copy",
};

static void add_snapshot(struct fs *fs, struct node n, struct buf *out)
{
	struct catalogue *c = fs_catalogue(fs, n);
	const char *id = catalogue_id(c, n.slot), *key;
	char name[NAME_MAX + 1];

	buf_printf(out, "/snapshots/%s", id);
	if (n.kind == NODE_SNAPSHOT_FILE)
		buf_printf(out, "/%s.snapshot", id);
	key = n.kind == NODE_TAG ? catalogue_key_text(c, n.sub) : NULL;
	if (key && names_escape(key, name))
		buf_printf(out, "/tags/%s", name);
}

static void add_receipt(struct fs *fs, struct node n, struct buf *out)
{
	const struct receipt *r = receipts_get(fs->receipts, n);
	char stem[NAME_MAX + 1];

	if (!r) {
		buf_puts(out, "/a receipt that is gone");
		return;
	}
	names_stem(r->name, stem);
	buf_puts(out, r->in_snapshots ? "/snapshots/" : "/");
	if (r->is_folder) {
		buf_puts(out, r->name);
		if (n.kind == NODE_RECEIPT && r->file_name)
			buf_printf(out, "/%s", r->file_name);
		else if (n.kind == NODE_RECEIPT_STATUS || n.kind == NODE_RECEIPT_WAIT)
			buf_puts(out, n.kind == NODE_RECEIPT_STATUS ? "/status" : "/.wait");
	} else if (n.kind == NODE_RECEIPT_STATUS || n.kind == NODE_RECEIPT_WAIT) {
		buf_printf(out, "%s%s", stem, n.kind == NODE_RECEIPT_STATUS ? ".status" : ".wait");
	} else {
		buf_puts(out, r->name);
	}
	if (n.kind == NODE_FOLDER_TAG && r->work && n.sub < r->work->n_tags)
		buf_printf(out, "/tags/%s", r->work->tags[n.sub].key);
}

const char *tree_path(struct fs *fs, struct node n, const char *name, char out[TREE_PATH_SIZE])
{
	_cleanup_buf_ struct buf path = BUF_INIT;

	if (n.kind >= NODE_REGION)
		buf_printf(&path, "regions/%s", region_name(fs_region(fs, n)));
	if (n.kind == NODE_SNAPSHOTS)
		buf_puts(&path, "/snapshots");
	else if (n.kind >= NODE_FOLDER)
		add_receipt(fs, n, &path);
	else if (n.kind >= NODE_SNAPSHOT)
		add_snapshot(fs, n, &path);
	if (fixed[n.kind])
		buf_puts(&path, fixed[n.kind]);
	if (name)
		buf_printf(&path, "%s%s", path.len ? "/" : "", name);
	snprintf(out, TREE_PATH_SIZE, "%s", path.len ? path.data : ".");
	return out;
}
