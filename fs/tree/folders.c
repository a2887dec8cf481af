/* SPDX-License-Identifier: MIT */
/* Folders with a fixed list of children, and regions/. */
#include "folders.h"

#include <errno.h>
#include <string.h>

#include "nodes.h"

int folders_find(const struct fixed_child *children, size_t n, struct node folder, const char *name,
	struct node *child)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(name, children[i].name)) {
			*child = folder;
			child->kind = children[i].kind;
			child->sub = 0;
			return 0;
		}
	}
	return -ENOENT;
}

bool folders_next(const struct fixed_child *children, size_t n, struct node folder, uint64_t *pos,
	struct tree_entry *out)
{
	while (*pos < n) {
		const struct fixed_child *child = &children[(*pos)++];

		if (child->unlisted)
			continue;
		strcpy(out->name, child->name);
		out->node = folder;
		out->node.kind = child->kind;
		out->node.sub = 0;
		return true;
	}
	return false;
}

static const struct fixed_child root_children[] = {
	{"README", NODE_README, false},
	{"copies", NODE_COPIES, false},
	{"copies.json", NODE_COPIES_JSON, false},
	{".ebsfs", NODE_CONTROL, false},
	{"regions", NODE_REGIONS, false},
};

static const struct fixed_child control_children[] = {
	{"health", NODE_HEALTH, false},
	{"metrics", NODE_METRICS, false},
	{"version", NODE_VERSION, false},
	{"last-error", NODE_LAST_ERROR, false},
	{"budget", NODE_BUDGET, false},
};

static int root_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	(void)fs;
	return folders_find(root_children, ARRAY_LEN(root_children), folder, name, child);
}

static bool root_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	(void)fs;
	return folders_next(root_children, ARRAY_LEN(root_children), folder, pos, out);
}

static int control_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	(void)fs;
	return folders_find(control_children, ARRAY_LEN(control_children), folder, name, child);
}

static bool control_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	(void)fs;
	return folders_next(control_children, ARRAY_LEN(control_children), folder, pos, out);
}

static int regions_find(struct fs *fs, struct node folder, const char *name, struct node *child)
{
	int index = regions_index(fs->regions, name);

	(void)folder;
	if (index < 0)
		return -ENOENT;
	*child = (struct node){.kind = NODE_REGION, .region = (uint32_t)index};
	return 0;
}

static bool regions_next(struct fs *fs, struct node folder, uint64_t *pos, struct tree_entry *out)
{
	struct region *region = regions_at(fs->regions, *pos);

	(void)folder;
	if (!region)
		return false;
	snprintf(out->name, sizeof(out->name), "%s", region_name(region));
	out->node = (struct node){.kind = NODE_REGION, .region = (uint32_t)*pos};
	++*pos;
	return true;
}

#define ASK_FOR_A_COPY "a file that asks for a copy goes into regions/REGION/"

const struct node_ops root_ops = {.type = S_IFDIR,
	.mode = 0555,
	.trust = TRUST_EVER,
	.instead = ASK_FOR_A_COPY,
	.find = root_find,
	.next = root_next};
const struct node_ops control_ops = {.type = S_IFDIR,
	.mode = 0555,
	.trust = TRUST_EVER,
	.instead = ASK_FOR_A_COPY,
	.find = control_find,
	.next = control_next};
const struct node_ops regions_ops = {.type = S_IFDIR,
	.mode = 0555,
	.trust = TRUST_EVER,
	.instead = "each region that the account has enabled has a folder here, or each that -o "
		   "regions= names: enable the region, or name it there; " ASK_FOR_A_COPY,
	.find = regions_find,
	.next = regions_next};
