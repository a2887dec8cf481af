/* SPDX-License-Identifier: MIT */
/* Saved arguments, and replies that several FUSE operations give. */
#define FUSE_USE_VERSION 314
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "last_error.h"
#include "ops.h"

void ops_save(const struct ops_args *args, struct ops_saved *out)
{
	assert(!args->st && !args->data && !args->ph && !args->fi_from);
	out->args = *args;
	if (args->fi) {
		out->fi = *args->fi;
		out->args.fi = &out->fi;
	}
	if (args->name) {
		snprintf(out->name, sizeof(out->name), "%s", args->name);
		out->args.name = out->name;
	}
	if (args->new_name) {
		snprintf(out->new_name, sizeof(out->new_name), "%s", args->new_name);
		out->args.new_name = out->new_name;
	}
}

int ops_entry(struct fs *fs, struct node n, struct fuse_entry_param *e)
{
	memset(e, 0, sizeof(*e));
	e->ino = node_number(n);
	e->generation = tree_generation(fs, n);
	e->attr_timeout = tree_attr_seconds(fs, n);
	e->entry_timeout = tree_name_seconds(fs, n);
	return tree_attr(fs, n, &e->attr);
}

void ops_reply_entry(fuse_req_t req, const struct fuse_entry_param *e)
{
	struct fs *fs = ops_fs(req);

	if (fuse_reply_entry(req, e) == 0)
		kernel_refs_add(fs, node_of(e->ino));
}

void ops_reply_attr(fuse_req_t req, struct node n)
{
	struct stat st;
	int r = tree_attr(ops_fs(req), n, &st);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, tree_attr_seconds(ops_fs(req), n));
}

const char *ops_what(struct fs *fs, const char *operation, struct node n, const char *name,
	char out[OPS_WHAT_SIZE])
{
	char path[NODE_PATH_SIZE];

	snprintf(out, OPS_WHAT_SIZE, "%s %s", operation, node_path(fs, n, name, path));
	return out;
}

void ops_refuse(fuse_req_t req, const char *operation, struct node n, const char *name,
	const struct err *err)
{
	struct fs *fs = ops_fs(req);
	char what[OPS_WHAT_SIZE];

	fuse_reply_err(req, last_error_report(fs->last_error, fuse_req_ctx(req)->uid,
				    ops_what(fs, operation, n, name, what), err));
}
