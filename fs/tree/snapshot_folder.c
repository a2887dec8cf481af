/* SPDX-License-Identifier: MIT */
/* A snapshot's folder, and its read-only files: description, metadata.json, the snapshot file. */
#include <errno.h>
#include <string.h>

#include "delete.h"
#include "folders.h"
#include "metadata.h"
#include "nodes.h"
#include "snapshot_file.h"
#include "snapshot_folder.h"
#include "timespec.h"

static const struct fixed_child children[] = {
	{"description", NODE_DESCRIPTION, false},
	{"metadata.json", NODE_METADATA, false},
	{"tags", NODE_TAGS, false},
	{"status", NODE_STATUS, false},
	{".wait", NODE_WAIT, true},
	{"shared-with", NODE_SHARED_WITH, true},
	{"used-by", NODE_USED_BY, true},
};

int snapshot_find_shown(
	struct fs *fs, struct node folder, const char *id, enum node_kind kind, struct node *child)
{
	struct catalogue *c = fs_catalogue(fs, folder);
	catalogue_slot slot = catalogue_find_shown(c, id);

	if (slot == CATALOGUE_NONE || slot > NODE_SLOT_MAX || !catalogue_exists(c, slot))
		return -ENOENT;
	*child = (struct node){.kind = kind, .region = folder.region, .slot = slot};
	return 0;
}

static int snapshot_get(struct fs *fs, struct node n, struct catalogue_snapshot *s)
{
	if (!catalogue_get(fs_catalogue(fs, n), n.slot, s) || !s->exists)
		return -ENOENT;
	return 0;
}

static void set_times(const struct catalogue_snapshot *s, struct stat *st)
{
	int64_t end = s->completion_ms ? s->completion_ms : s->start_ms;

	st->st_mtim = timespec_of_ms(s->start_ms);
	st->st_ctim = timespec_of_ms(end);
	st->st_atim = st->st_mtim;
}

static int snapshot_attr(struct fs *fs, struct node n, struct stat *st)
{
	struct catalogue_snapshot s;
	int r = snapshot_get(fs, n, &s);

	if (r < 0)
		return r;
	set_times(&s, st);
	st->st_size = (off_t)s.volume_gib << 30;
	st->st_blocks = s.full_size > 0 ? s.full_size / 512 + (s.full_size % 512 > 0) : 0;
	return 0;
}

static void snapshot_forgotten(struct fs *fs, struct node n)
{
	catalogue_let_go(fs_catalogue(fs, n), 1);
}

static uint64_t snapshot_generation(struct fs *fs, struct node n)
{
	return catalogue_generation(fs_catalogue(fs, n), n.slot);
}

static int snapshot_file_name(struct fs *fs, struct node n, char out[NAME_MAX + 1])
{
	return snprintf(
		out, NAME_MAX + 1, "%s.snapshot", catalogue_id(fs_catalogue(fs, n), n.slot));
}

static int snapshot_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	char file[NAME_MAX + 1];

	snapshot_file_name(fs, folder, file);
	if (!strcmp(name, file)) {
		*child = folder;
		child->kind = NODE_SNAPSHOT_FILE;
		return 0;
	}
	return folders_find(children, ARRAY_LEN(children), folder, name, child);
}

static bool snapshot_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	if (folders_next(children, ARRAY_LEN(children), folder, pos, out))
		return true;
	if (*pos > ARRAY_LEN(children))
		return false;
	++*pos;
	snapshot_file_name(fs, folder, out->name);
	out->node = folder;
	out->node.kind = NODE_SNAPSHOT_FILE;
	return true;
}

/* Sets the attributes of a file in a snapshot's folder: the snapshot's times, and no write bits if
 * the snapshot belongs to another account. */
int snapshot_child_attr(struct fs *fs, struct node n, struct stat *st)
{
	struct catalogue_snapshot s;
	int r = snapshot_get(fs, n, &s);

	if (r < 0)
		return r;
	set_times(&s, st);
	if (!S_ISLNK(st->st_mode) && !region_owns(fs_region(fs, n), n.slot))
		st->st_mode &= ~(mode_t)0222;
	return 0;
}

/* The content of a snapshot file never changes, so neither may its times (rsync's quick check):
 * mtime and ctime are the snapshot's start. */
static int snapshot_file_attr(struct fs *fs, struct node n, struct stat *st)
{
	int r = snapshot_child_attr(fs, n, st);

	st->st_ctim = st->st_mtim;
	return r;
}

/* --- the texts --- */

static int snapshot_description_text(struct fs *fs, struct node n, struct buf *out)
{
	struct catalogue_snapshot s;
	int r = snapshot_get(fs, n, &s);

	if (r < 0)
		return r;
	return *s.description ? buf_printf(out, "%s\n", s.description) : 0;
}

static int snapshot_metadata_text(struct fs *fs, struct node n, struct buf *out)
{
	return metadata_json(out, fs_catalogue(fs, n), n.slot, METADATA_LINES);
}

static int snapshot_file_text(struct fs *fs, struct node n, struct buf *out)
{
	struct catalogue_snapshot s;
	int r = snapshot_get(fs, n, &s);

	return r < 0 ? r : snapshot_file_format(out, region_name(fs_region(fs, n)), &s);
}

const struct node_ops snapshot_ops = {
	.type = S_IFDIR,
	.mode = 0555,
	.trust = TRUST_LISTING,
	.counted = NODE_SNAPSHOT,
	.forgotten = snapshot_forgotten,
	.generation = snapshot_generation,
	.instead = "ebsfs fills it from EC2; set a tag by writing tags/KEY, ask for a "
		   "copy by a file in another region's folder",
	.attr = snapshot_attr,
	.find = snapshot_find,
	.next = snapshot_next,
	.remove = delete_snapshot,
};

const struct node_ops description_ops = {.type = S_IFREG,
	.mode = 0444,
	.trust = TRUST_LISTING,
	.counted = NODE_SNAPSHOT,
	.instead = "EC2 cannot change a snapshot's description; a copy can have another, by the "
		   "line copy.description: TEXT in the file that asks for it, and tags/Name can be "
		   "written",
	.attr = snapshot_child_attr,
	.text = snapshot_description_text};
const struct node_ops metadata_ops = {.type = S_IFREG,
	.mode = 0444,
	.trust = TRUST_LISTING,
	.counted = NODE_SNAPSHOT,
	.instead = "it shows EC2's record, of which only the tags can be changed: write tags/KEY",
	.attr = snapshot_child_attr,
	.text = snapshot_metadata_text};
const struct node_ops snapshot_file_ops = {.type = S_IFREG,
	.mode = 0444,
	.trust = TRUST_LISTING,
	.counted = NODE_SNAPSHOT,
	.instead = "it identifies the snapshot; to copy with other options, write the changed "
		   "text to a file in the destination's folder, regions/REGION/",
	.attr = snapshot_file_attr,
	.text = snapshot_file_text};
