/* SPDX-License-Identifier: MIT */
/* A snapshot's folder, and its read-only files: description, metadata.json, the snapshot file. */
#include <errno.h>
#include <string.h>

#include "delete.h"
#include "encode.h"
#include "folders.h"
#include "isotime.h"
#include "json.h"
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
};

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

/* The files in the folder have the snapshot's times, and those of others cannot be written. */
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

/* --- metadata.json --- */

static void metadata_date(const struct json *j, const char *name, int64_t ms)
{
	char stamp[ISOTIME_SIZE];

	if (ms)
		json_text(j, name, isotime_format_ms(ms, stamp));
}

/* The remaining fields of EC2's response are text; fields that are numbers in EC2's model are
 * written as numbers. */
static void metadata_field(const struct json *j, const struct ec2_field *f)
{
	static const char *const plain[] = {"CompletionDurationMinutes"};

	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		if (!strcmp(f->name, plain[i]) && *f->value &&
			strspn(f->value, "0123456789") == strlen(f->value)) {
			json_name(j, f->name);
			buf_puts(j->out, f->value);
			return;
		}
	}
	json_text(j, f->name, f->value);
}

static int metadata_format(struct buf *out, const struct catalogue *c, catalogue_slot slot)
{
	const struct json j = {out, "\n  "};
	struct catalogue_snapshot s;
	struct ec2_field f;
	struct ec2_tag tag;
	char note[EC2_FLAWS_TEXT_SIZE];

	if (!catalogue_get(c, slot, &s))
		return -ENOENT;
	buf_putc(out, '{');
	json_text(&j, "SnapshotId", s.id);
	json_text(&j, "VolumeId", s.volume_id);
	json_text(&j, "State", s.state_text);
	json_text(&j, "StateMessage", s.state_message);
	if (s.progress != EC2_PROGRESS_UNKNOWN) {
		json_name(&j, "Progress");
		buf_printf(out, "\"%d%%\"", s.progress);
	}
	metadata_date(&j, "StartTime", s.start_ms);
	metadata_date(&j, "CompletionTime", s.completion_ms);
	json_text(&j, "OwnerId", s.owner_id);
	json_name(&j, "Description");
	encode_json_string(out, s.description, strlen(s.description));
	if (s.volume_gib)
		json_number(&j, "VolumeSize", s.volume_gib);
	if (s.full_size >= 0)
		json_number(&j, "FullSnapshotSizeInBytes", s.full_size);
	if (s.encryption != EC2_ENCRYPTION_UNKNOWN) {
		json_name(&j, "Encrypted");
		buf_puts(out, s.encryption == EC2_ENCRYPTION_PRESENT ? "true" : "false");
	}
	json_text(&j, "KmsKeyId", s.kms_key_id);
	for (unsigned i = 0; catalogue_field(c, slot, i, &f); i++)
		metadata_field(&j, &f);
	if (s.flaws)
		json_text(&j, "ebsfs:note", ec2_flaws_text(s.flaws, note));
	json_name(&j, "Tags");
	buf_putc(out, '[');
	for (unsigned i = 0; catalogue_tag(c, slot, i, &tag); i++) {
		buf_puts(out, i ? ",\n    {\"Key\": " : "\n    {\"Key\": ");
		encode_json_string(out, tag.key, strlen(tag.key));
		buf_puts(out, ", \"Value\": ");
		encode_json_string(out, tag.value, strlen(tag.value));
		buf_putc(out, '}');
	}
	return buf_puts(out, s.n_tags ? "\n  ]\n}\n" : "]\n}\n");
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
	return metadata_format(out, fs_catalogue(fs, n), n.slot);
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
