/* SPDX-License-Identifier: MIT */
/*
 * list and list.json: a line for each of the account's own snapshots of a region, newest first.
 *
 * The text is made as it is read, in blocks of BLOCK_ROWS snapshots, and no reader keeps more of it
 * than one block. The first read fixes which snapshots the reader gets, and their order; readers
 * that begin while nothing changes share both. A snapshot is shown as it is when its block is made,
 * and left out if it is gone by then. So no change makes a reader miss a line, get one twice, or
 * get parts of two.
 *
 * The table of blocks says where each ends. A reader that goes back gets the block made again, and
 * ESTALE if it is not the same any more. A read from the beginning starts anew.
 */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "groups.h"
#include "isotime.h"
#include "loop.h"
#include "metadata.h"
#include "nodes.h"
#include "tree.h"
#include "utf8.h"
#include "view.h"

#define BLOCK_ROWS    64
/* The most blocks that one read generates before other requests are served. */
#define BLOCKS_A_TURN 32
/* At least 1 ms: a timer with 0 would expire again before any other request is served. */
#define TURN_PAUSE_MS 1

/* --- the rows of the table --- */

/* Appends a text without control characters, and blanks up to the width, in characters. */
static void list_column(struct buf *out, const char *text, size_t width)
{
	static const char blanks[] = "                                ";
	size_t len = strlen(text), shown = 0;

	for (size_t at = 0; at < len; shown++) {
		size_t plain = at, n;
		uint32_t c;

		while (text[plain] >= ' ' && text[plain] < 0x7f)
			plain++;
		buf_add(out, text + at, plain - at);
		shown += plain - at;
		at = plain;
		if (at == len)
			break;
		n = utf8_decode(text + at, len - at, &c);
		if (n && !utf8_is_unprintable(c))
			buf_add(out, text + at, n);
		else
			buf_putc(out, '?');
		at += n ? n : 1;
	}
	if (shown < width)
		buf_add(out, blanks, width - shown);
}

static void list_cell(struct buf *out, const char *text, size_t width)
{
	list_column(out, *text ? text : "-", width);
	buf_add(out, "  ", 2);
}

/* The widths of the columns but the last. NAME is wider than most names; a longer one shifts only
 * the description. */
enum { STARTED = 20, ID = 22, SIZE = 5, STATE = 9, PROGRESS = 8, TIER = 8, ENCRYPTED = 9 };
enum { VOLUME = 21, NAME = 24 };

static void list_header(struct buf *out)
{
	list_cell(out, "STARTED", STARTED);
	list_cell(out, "ID", ID);
	list_cell(out, "SIZE", SIZE);
	list_cell(out, "STATE", STATE);
	list_cell(out, "PROGRESS", PROGRESS);
	list_cell(out, "TIER", TIER);
	list_cell(out, "ENCRYPTED", ENCRYPTED);
	list_cell(out, "VOLUME", VOLUME);
	list_cell(out, "NAME", NAME);
	buf_puts(out, "DESCRIPTION\n");
}

static void list_row(struct buf *out, const struct catalogue *c, catalogue_slot slot)
{
	static const char *const words[] = {[EC2_ENCRYPTION_UNKNOWN] = "",
		[EC2_ENCRYPTION_NONE] = "no",
		[EC2_ENCRYPTION_PRESENT] = "yes"};
	char started[ISOTIME_SIZE] = "", size[16] = "", progress[16] = "";
	const char *name = catalogue_tag_value(c, slot, "Name");
	const char *tier = catalogue_field_value(c, slot, "StorageTier");
	struct catalogue_snapshot s;

	if (!catalogue_get(c, slot, &s))
		return;
	if (s.start_ms)
		isotime_format(s.start_ms, started);
	if (s.volume_gib)
		snprintf(size, sizeof(size), "%u", s.volume_gib);
	if (s.progress != EC2_PROGRESS_UNKNOWN)
		snprintf(progress, sizeof(progress), "%d%%", s.progress);
	list_cell(out, started, STARTED);
	list_cell(out, s.id, ID);
	list_cell(out, size, SIZE);
	list_cell(out, s.state_text, STATE);
	list_cell(out, progress, PROGRESS);
	list_cell(out, tier ? tier : "", TIER);
	list_cell(out, words[s.encryption], ENCRYPTED);
	list_cell(out, s.volume_id, VOLUME);
	list_cell(out, name ? name : "", NAME);
	list_column(out, *s.description ? s.description : "-", 0);
	buf_putc(out, '\n');
}

/* --- the snapshots, and their blocks --- */

struct list_block {
	uint64_t end; /* where the block ends in the text */
	uint64_t sum; /* checksum of the block's text */
};

struct list_blocks {
	struct list_block *list;
	size_t n, room;
};

/* Snapshots in their order, shared by all readers that began while nothing changed. */
struct list_order {
	struct catalogue *catalogue;
	struct list_order **shared; /* where new readers find the order */
	unsigned readers;
	uint64_t members, changes; /* view_version() and catalogue_changes() at the time when the
				    * order was made */
	struct slot_set gone;      /* snapshots that are gone since then */
	struct list_blocks blocks;
	size_t n;
	catalogue_slot slots[]; /* newest first */
};

struct list_reader {
	struct list_order *order;
	struct list_blocks
		own; /* the reader's own blocks, once they differ from those of other readers */
	bool differs;
	size_t block; /* the block in the handle's text; NO_BLOCK: none */
};

#define NO_BLOCK SIZE_MAX

static struct list_blocks *list_blocks(struct list_reader *l)
{
	return l->differs ? &l->own : &l->order->blocks;
}

static uint64_t list_block_start(const struct list_blocks *blocks, size_t block)
{
	return block ? blocks->list[block - 1].end : 0;
}

static int list_blocks_add(struct list_blocks *blocks, struct list_block block)
{
	if (blocks->n == blocks->room) {
		size_t room = blocks->room ? blocks->room * 2 : 16;
		struct list_block *list = realloc(blocks->list, room * sizeof(*list));

		if (!list)
			return -ENOMEM;
		blocks->list = list;
		blocks->room = room;
	}
	blocks->list[blocks->n++] = block;
	return 0;
}

static bool list_order_is_present(const struct list_order *order, const struct region *region)
{
	return order->members == view_version(region_own(region)) &&
	       order->changes == catalogue_changes(order->catalogue);
}

/* Notes a snapshot that is gone: it is left out, even if its slot gets another snapshot. */
static void list_order_changed(void *arg, enum catalogue_change change, catalogue_slot slot)
{
	struct list_order *order = arg;

	/* `gone` has room for every slot of the order. */
	if (change == CATALOGUE_REMOVED)
		(void)slot_set_add(&order->gone, slot);
}

static void list_order_free(struct list_order *order)
{
	catalogue_unwatch(order->catalogue, list_order_changed, order);
	slot_set_finish(&order->gone);
	free(order->blocks.list);
	free(order);
}

static void list_order_release(struct list_order *order)
{
	if (--order->readers)
		return;
	if (*order->shared == order)
		*order->shared = NULL;
	list_order_free(order);
}

/* Makes the order of now; NULL on ENOMEM. */
static struct list_order *list_order_create(struct region *region, struct list_order **shared)
{
	size_t n;
	const catalogue_slot *oldest_first = groups_all(region_groups(region), &n);
	struct list_order *order =
		oldest_first ? malloc(sizeof(*order) + n * sizeof(*order->slots)) : NULL;

	if (!order)
		return NULL;
	*order = (struct list_order){.catalogue = region_catalogue(region),
		.shared = shared,
		.readers = 1,
		.members = view_version(region_own(region)),
		.changes = catalogue_changes(region_catalogue(region)),
		.n = n};
	for (size_t i = 0; i < n; i++)
		order->slots[i] = oldest_first[n - 1 - i];
	if (slot_set_add(&order->gone, catalogue_slots(order->catalogue)) < 0 ||
		catalogue_watch(order->catalogue, list_order_changed, order) < 0) {
		list_order_free(order);
		return NULL;
	}
	return order;
}

/* Returns the order for a reader that begins now; NULL on ENOMEM. */
static struct list_order *list_order_take(struct fs *fs, struct node n)
{
	struct list_order **shared = &fs->lists[n.region][n.kind == NODE_LIST_JSON];

	if (*shared && list_order_is_present(*shared, fs_region(fs, n))) {
		++(*shared)->readers;
		return *shared;
	}
	*shared = list_order_create(fs_region(fs, n), shared);
	return *shared;
}

/* Generates the block's text in h->text. */
static int list_block_text(struct handle *h, size_t block)
{
	const struct list_order *order = h->list->order;
	const struct catalogue *c = order->catalogue;
	bool json = h->node.kind == NODE_LIST_JSON;
	size_t end = (block + 1) * BLOCK_ROWS;

	buf_clear(&h->text);
	if (!block && !json)
		list_header(&h->text);
	for (size_t i = block * BLOCK_ROWS; i < end && i < order->n; i++) {
		if (slot_set_has(&order->gone, order->slots[i]))
			continue;
		if (json)
			metadata_json(&h->text, c, order->slots[i], METADATA_LINE);
		else
			list_row(&h->text, c, order->slots[i]);
	}
	return -h->text.error;
}

/* Copies the blocks up to this one, which then belong to this reader alone. */
static int list_differ(struct list_reader *l, size_t block)
{
	struct list_blocks *from = list_blocks(l);

	if (l->differs) {
		l->own.n = block;
		return 0;
	}
	l->own.n = 0;
	for (size_t i = 0; i < block; i++)
		if (list_blocks_add(&l->own, from->list[i]) < 0)
			return -ENOMEM;
	l->differs = true;
	return 0;
}

/* Loads a block into h->text: generates it, or generates it again and compares. Returns 0, -ENOMEM,
 * -EFBIG, or -ESTALE if its text is not the same as before. */
static int list_block_load(struct handle *h, size_t block)
{
	struct list_reader *l = h->list;
	bool follows = l->block == NO_BLOCK ? !block : block == l->block + 1;
	struct list_blocks *blocks = list_blocks(l);
	struct list_block made;
	int r;

	l->block = NO_BLOCK;
	r = list_block_text(h, block);
	if (r < 0)
		return r;
	made.end = list_block_start(blocks, block) + h->text.len;
	made.sum = checksum_add(0, buf_str(&h->text), h->text.len);
	if (block < blocks->n &&
		(made.end != blocks->list[block].end || made.sum != blocks->list[block].sum)) {
		if (!follows)
			return -ESTALE;
		r = list_differ(l, block);
		blocks = list_blocks(l);
	}
	if (r == 0 && block == blocks->n)
		r = list_blocks_add(blocks, made);
	if (r == 0)
		l->block = block;
	return r;
}

/* Returns the block that contains this offset, among the blocks generated so far. */
static size_t list_block_at(const struct list_blocks *blocks, uint64_t offset)
{
	size_t low = 0, high = blocks->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (blocks->list[middle].end <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t list_block_count(const struct list_order *order)
{
	return order->n ? (order->n + BLOCK_ROWS - 1) / BLOCK_ROWS : 1;
}

/* Loads the block with this offset into h->text. Returns 1; 0 at the end of the text; -EAGAIN if
 * other requests must be served first; -errno. */
static int list_seek(struct handle *h, uint64_t offset, unsigned *turns)
{
	struct list_reader *l = h->list;
	size_t block;
	int r;

	for (;;) {
		block = list_block_at(list_blocks(l), offset);
		if (block == l->block)
			return 1;
		if (block == list_block_count(l->order))
			return 0;
		if (!(*turns)--)
			return -EAGAIN;
		r = list_block_load(h, block);
		if (r < 0)
			return r;
	}
}

/* --- reading --- */

struct list_read {
	struct handle *handle;
	uint64_t offset;
	size_t size;
	struct buf out;
	struct pending_reply *reply;
	struct loop_timer
		*turn; /* continues the read after other requests; NULL: not needed so far */
};

static void list_read_free(struct list_read *read)
{
	loop_timer_destroy(read->turn);
	buf_finish(&read->out);
	free(read);
}

static void list_read_interrupted(void *arg)
{
	list_read_free(arg);
}

static void list_read_end(struct list_read *read, int r)
{
	struct err err;

	if (r == -ESTALE) {
		err_set(&err, ESTALE,
			"the snapshots have changed since this part was read first; open the file "
			"again, or read it from its beginning");
		pending_reply_err(read->reply, &err);
	} else if (r < 0) {
		pending_reply_errno(read->reply, -r);
	} else {
		handle_reply_text(&read->out, 0, read->size, read->reply);
	}
	list_read_free(read);
}

/* Copies the requested bytes from block after block. */
static int list_read_turn(struct list_read *read)
{
	struct handle *h = read->handle;
	unsigned turns = BLOCKS_A_TURN;
	int r;

	while (read->out.len < read->size) {
		uint64_t at = read->offset + read->out.len;
		size_t from, n;

		r = list_seek(h, at, &turns);
		if (r <= 0)
			return r;
		from = (size_t)(at - list_block_start(list_blocks(h->list), h->list->block));
		n = h->text.len - from;
		if (n > read->size - read->out.len)
			n = read->size - read->out.len;
		r = buf_add(&read->out, h->text.data + from, n);
		if (r < 0)
			return r;
	}
	return 0;
}

static void list_read_go_on(void *arg)
{
	struct list_read *read = arg;
	int r = list_read_turn(read);

	if (r == -EAGAIN)
		loop_timer_start(read->turn, TURN_PAUSE_MS);
	else
		list_read_end(read, r);
}

/* Starts a read. Most reads end in their first turn. */
static void list_read_begin(struct list_read *read)
{
	int r = list_read_turn(read);

	if (r == -EAGAIN) {
		read->turn = loop_timer_create(read->handle->fs->loop, list_read_go_on, read);
		if (read->turn) {
			loop_timer_start(read->turn, TURN_PAUSE_MS);
			pending_reply_on_interrupt(read->reply, list_read_interrupted, read);
			return;
		}
		r = -ENOMEM;
	}
	list_read_end(read, r);
}

static void list_close(struct handle *h)
{
	if (!h->list)
		return;
	list_order_release(h->list->order);
	free(h->list->own.list);
	free(h->list);
	h->list = NULL;
}

/* Starts at the beginning of the text, with the present snapshots. A stale listing is refreshed in
 * the background, as by open(). */
static int list_begin(struct handle *h)
{
	struct list_reader *l = calloc(1, sizeof(*l));

	list_close(h);
	if (!l)
		return -ENOMEM;
	l->block = NO_BLOCK;
	l->order = list_order_take(h->fs, h->node);
	if (!l->order) {
		free(l);
		return -ENOMEM;
	}
	h->list = l;
	return 0;
}

static bool list_is_past(const struct handle *h)
{
	return h->list->differs ||
	       !list_order_is_present(h->list->order, fs_region(h->fs, h->node));
}

static void list_read(struct handle *h, off_t offset, size_t size, struct pending_reply *reply)
{
	struct list_read *read = malloc(sizeof(*read));
	int r = 0;

	if (!h->list || (!offset && list_is_past(h)))
		r = list_begin(h);
	if (!read || r < 0) {
		free(read);
		pending_reply_errno(reply, ENOMEM);
		return;
	}
	*read = (struct list_read){
		.handle = h, .offset = (uint64_t)offset, .size = size, .reply = reply};
	buf_init(&read->out, size);
	if (buf_resize(&read->out, size) == 0)
		buf_clear(&read->out);
	list_read_begin(read);
}

/* --- nodes --- */

static struct region_waiter *list_ensure(
	struct fs *fs, struct node n, const char *name, region_done *done, void *arg, bool *ready)
{
	(void)name;
	regions_look(fs->regions, n.region);
	return view_ensure(region_own(fs_region(fs, n)), false, done, arg, ready);
}

/* The size is 0: it is unknown before the whole text was generated. Programs read a file of size 0
 * to its end, as in /proc. */
static int list_attr(struct fs *fs, struct node n, struct stat *st)
{
	(void)fs;
	(void)n;
	st->st_size = 0;
	return 0;
}

#define LIST_OPS(name)                                                                             \
	const struct node_ops name = {.type = S_IFREG,                                             \
		.mode = 0444,                                                                      \
		.trust = TRUST_NEVER,                                                              \
		.instead = "ebsfs makes it from EC2's listing; a receipt needs another name, "     \
			   "and a tag is set by writing snapshots/ID/tags/KEY",                    \
		.attr = list_attr,                                                                 \
		.read = list_read,                                                                 \
		.release = list_close,                                                             \
		.ensure = list_ensure}

LIST_OPS(list_ops);
LIST_OPS(list_json_ops);
