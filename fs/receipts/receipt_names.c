/* SPDX-License-Identifier: MIT */
/* Receipts by name in a region's folder: look-ups, listings, permitted names, new ones. */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "names.h"
#include "receipts.h"

int receipts_find(
	const struct receipts *rs, struct node folder, const char *name, struct node *child)
{
	static const struct {
		const char *suffix;
		enum node_kind kind;
	} beside[] = {{".status", NODE_RECEIPT_STATUS}, {".wait", NODE_RECEIPT_WAIT}};
	char stem[NAME_MAX + 1];
	struct receipt *r;

	names_stem(name, stem);
	r = receipts_by_stem(rs, folder, stem);
	if (r && !strcmp(r->name, name)) {
		*child = receipts_node(r);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(beside); i++) {
		if (!names_strip(name, beside[i].suffix, stem))
			continue;
		r = receipts_by_stem(rs, folder, stem);
		if (r && !r->is_folder) {
			*child = receipts_node_of(r, beside[i].kind);
			return 0;
		}
	}
	return -ENOENT;
}

/* Positions: two a receipt, itself and its status. */
bool receipts_next(
	const struct receipts *rs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	for (; *pos / 2 < receipts_count(rs); ++*pos) {
		const struct receipt *r =
			receipts_get(rs, (struct node){.slot = (uint32_t)(*pos / 2)});
		char stem[NAME_MAX + 1];

		if (!r || r->region != folder.region ||
			r->in_snapshots != (folder.kind == NODE_SNAPSHOTS))
			continue;
		if (*pos % 2 == 0) {
			strcpy(out->name, r->name);
			out->node = receipts_node(r);
		} else {
			names_stem(r->name, stem);
			if (r->is_folder || strlen(stem) + strlen(".status") > NAME_MAX)
				continue;
			snprintf(out->name, sizeof(out->name), "%s.status", stem);
			out->node = receipts_node_of(r, NODE_RECEIPT_STATUS);
		}
		++*pos;
		return true;
	}
	return false;
}

int receipts_check_name(const struct fs *fs, struct node folder, const char *name,
	const struct receipt *self, struct err *err)
{
	static const char *const reserved[] = {"snapshots", "images", "filter", ".wait", "status"};
	const struct receipts *rs = fs->receipts;
	char stem[NAME_MAX + 1];
	const struct receipt *r;

	for (size_t i = 0; i < ARRAY_LEN(reserved); i++)
		if (!strcmp(name, reserved[i]))
			return err_set(err, EINVAL,
				"the name '%s' is ebsfs's own; give the receipt another", name);
	if (names_strip(name, ".status", stem) || names_strip(name, ".wait", stem))
		return err_set(err, EINVAL,
			"the name '%s' is that of a copy's status; give the receipt another", name);
	names_stem(name, stem);
	if (strlen(stem) + strlen(".status") > NAME_MAX)
		return err_set(err, ENAMETOOLONG,
			"a receipt's name has at most %d bytes, so that NAME.status is a name too; "
			"give it a shorter one",
			(int)(NAME_MAX - strlen(".status")));
	if (folder.kind == NODE_SNAPSHOTS && ec2_is_snapshot_id(name)) {
		catalogue_slot slot = catalogue_find_shown(fs_catalogue(fs, folder), name);

		if (slot != CATALOGUE_NONE &&
			catalogue_presence(fs_catalogue(fs, folder), slot) != CATALOGUE_GONE)
			return err_set(err, EEXIST,
				"%s is a snapshot in this region; give the receipt another name",
				name);
	}
	r = receipts_by_stem(rs, folder, stem);
	if (r && r != self)
		return err_set(err, EEXIST,
			"the receipt '%s' is there and has the same status file; give this one "
			"another name, or rm that one",
			r->name);
	if (names_rsync_target(name, stem)) {
		char target[NAME_MAX + 1];

		/* rsync without -t writes again what is there; its temporary name must not start a
		 * second copy. Not EEXIST: rsync would try a hundred other names. */
		names_stem(stem, target);
		r = receipts_by_stem(rs, folder, target);
		if (r && r != self && receipts_is_fixed(fs, r))
			return err_set(err, EPERM,
				"the receipt '%s' is there already: its copy is not started a "
				"second time; rsync -t (or -a) leaves it alone, and another name "
				"asks for another copy",
				r->name);
	}
	return 0;
}

int receipts_create_file(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct handle *h, struct node *child, struct err *err)
{
	struct receipt *r;

	if (receipts_check_name(fs, folder, name, NULL, err) < 0)
		return -err->errnum;
	if (h && guard_overwrite_goes_on(&fs->overwrite, OVERWRITE_REMOVED, h->pid,
			 node_number(folder), name, clock_mono_ms()))
		return err_set(err, EEXIST,
			"the receipt '%s' was just removed by this same command, as install and cp "
			"--remove-destination do: no second copy is started; to copy again use cp",
			name);
	r = receipts_add(fs, folder, name, mode, false, err);
	if (!r)
		return -err->errnum;
	r->has_file = true;
	if (h)
		r->work->writers++;
	*child = receipts_node(r);
	return 0;
}

int receipts_create_folder(struct fs *fs, struct node folder, const char *name, mode_t mode,
	struct node *child, struct err *err)
{
	struct receipt *r;

	if (receipts_check_name(fs, folder, name, NULL, err) < 0)
		return -err->errnum;
	r = receipts_add(fs, folder, name, mode, true, err);
	if (!r)
		return -err->errnum;
	*child = receipts_node(r);
	return 0;
}
