/* SPDX-License-Identifier: MIT */
/* Windows of a disk: which of its blocks exist, which are in the cache, which another snapshot of
 * the volume has (the sibling), and the tokens to buy them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "aws_error.h"
#include "clock.h"
#include "disk_inner.h"
#include "log.h"

struct window_tokens {
	char *texts; /* the tokens, one after the other */
	size_t len, room;
	uint32_t at[WINDOW_BLOCKS]; /* the block's place in texts, plus one; 0: none */
};

/* A list of one window that is in flight: of its blocks, or of the changes since the sibling. */
struct window_list {
	bool changes;
	char *page_token;
	uint8_t found[WINDOW_BYTES];
	struct window_tokens *tokens; /* NULL for a list of changes */
	struct disk_wait wait;        /* waits for the budget, or for other lists */
};

/* --- windows in memory --- */

static void window_tokens_free(struct window_tokens *tokens)
{
	if (tokens)
		free(tokens->texts);
	free(tokens);
}

void disk_window_forget_tokens(struct disk_window *w)
{
	struct disks *d = w->disk->d;

	if (!w->tokens)
		return;
	window_tokens_free(steal(&w->tokens));
	DL_DELETE2(d->listed, w, prev_listed, next_listed);
	d->n_listed--;
}

static void window_list_free(struct window_list *list)
{
	if (!list)
		return;
	disk_wait_remove(&list->wait);
	free(list->page_token);
	window_tokens_free(list->tokens);
	free(list);
}

void disk_window_free(struct disk_window *w)
{
	struct disks *d = w->disk->d;

	disk_window_forget_tokens(w);
	if (w->call)
		aws_cancel(w->call);
	window_list_free(w->list);
	DL_DELETE(d->windows, w);
	d->n_windows--;
	HASH_DEL(w->disk->windows, w);
	free(w);
}

/* Frees the windows that were used longest ago and are not in use. */
static void windows_trim(struct disks *d)
{
	struct disk_window *w = d->windows;

	while (w && d->n_windows >= WINDOWS_MAX) {
		struct disk_window *next = w->next;

		if (!w->busy && !w->reads && waiters_empty(&w->waiting))
			disk_window_free(w);
		w = next;
	}
}

struct disk_window *disk_window_get(struct disk *disk, uint32_t number)
{
	struct disks *d = disk->d;
	struct disk_window *w;

	HASH_FIND(hh, disk->windows, &number, sizeof(number), w);
	if (w) {
		if (w->next) {
			DL_DELETE(d->windows, w);
			DL_APPEND(d->windows, w);
		}
		return w;
	}
	windows_trim(d);
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->disk = disk;
	w->number = number;
	w->next_exists = UINT32_MAX;
	HASH_ADD(hh, disk->windows, number, sizeof(w->number), w);
	if (!w->hh.tbl) {
		free(w);
		return NULL;
	}
	DL_APPEND(d->windows, w);
	d->n_windows++;
	return w;
}

const char *disk_window_token(const struct disk_window *w, unsigned n)
{
	const struct window_tokens *tokens = w->tokens;

	return tokens->at[n] ? tokens->texts + tokens->at[n] - 1 : NULL;
}

/* --- from the files --- */

void disk_window_step_done(struct disk_window *w, const struct err *err)
{
	w->busy = false;
	disk_wait_wake(&w->waiting, err);
}

static void window_load_run(struct disk_job *job)
{
	struct disk_window *w = JOB_OWNER(job, struct disk_window);

	w->result = block_file_read_window(w->disk->file, w->number, &w->is);
}

static void window_load_done(struct disk_job *job)
{
	struct disk_window *w = JOB_OWNER(job, struct disk_window);

	/* If the files cannot be read, the blocks are bought. */
	if (w->result < 0)
		memset(&w->is, 0, sizeof(w->is));
	w->loaded = true;
	disk_window_step_done(w, NULL);
}

static int window_start(struct disk_window *w, void (*run)(struct disk_job *job),
	void (*done)(struct disk_job *job))
{
	w->job = (struct disk_job){w->disk->d, run, done, NULL};
	if (disk_job_start(&w->job) < 0)
		return -ENOMEM;
	w->busy = true;
	return 0;
}

static void window_keep_run(struct disk_job *job)
{
	struct disk_window *w = JOB_OWNER(job, struct disk_window);

	block_file_write_window(w->disk->file, w->number, &w->is);
}

static void window_keep_done(struct disk_job *job)
{
	struct disk_window *w = JOB_OWNER(job, struct disk_window);

	disk_window_step_done(w, NULL);
}

/* --- from EBS --- */

static void window_list_next(struct disk_window *w);

static void window_list_woken(void *arg, const struct err *err)
{
	(void)err;
	window_list_next(arg);
}

static void window_list_end(struct disk_window *w, const struct err *err)
{
	window_list_free(steal(&w->list));
	disk_window_step_done(w, err);
}

/* Takes over the tokens of the list. */
static void window_take_tokens(struct disk_window *w)
{
	struct disks *d = w->disk->d;

	disk_window_forget_tokens(w);
	w->tokens = steal(&w->list->tokens);
	w->lists++;
	DL_APPEND2(d->listed, w, prev_listed, next_listed);
	if (++d->n_listed > TOKENS_MAX)
		disk_window_forget_tokens(d->listed);
}

static void window_listed(struct disk_window *w)
{
	bool known = w->is.listed;

	window_take_tokens(w);
	memcpy(w->is.exists, w->list->found, sizeof(w->is.exists));
	w->is.listed = true;
	window_list_free(steal(&w->list));
	if (known || !w->disk->file || block_file_is_shared(w->disk->file) ||
		window_start(w, window_keep_run, window_keep_done) < 0)
		disk_window_step_done(w, NULL);
}

/* Marks the blocks that have not changed since the sibling: only these can be copied from it. */
static void window_changed(struct disk_window *w)
{
	for (unsigned i = 0; i < WINDOW_BYTES; i++)
		w->shared[i] &= (uint8_t)~w->list->found[i];
	w->shared_known = true;
	window_list_end(w, NULL);
}

/* Keeps a token of the page. Returns 0 or -ENOMEM. */
static int tokens_add(struct window_tokens *tokens, unsigned n, const char *token)
{
	size_t len = strlen(token) + 1;

	if (tokens->len + len > tokens->room) {
		size_t room = tokens->room * 2 + len + 4096;
		char *grown = realloc(tokens->texts, room);

		if (!grown)
			return -ENOMEM;
		tokens->texts = grown;
		tokens->room = room;
	}
	memcpy(tokens->texts + tokens->len, token, len);
	tokens->at[n] = (uint32_t)tokens->len + 1;
	tokens->len += len;
	return 0;
}

/* Takes this window's entries of a page. *end: whether the page reaches the window's end. */
static int window_take_page(struct disk_window *w, const struct ebs_page *page, bool *end)
{
	struct window_list *list = w->list;
	uint32_t first = w->number * WINDOW_BLOCKS;

	*end = !page->next_token;
	if (*end && !list->changes)
		w->next_exists = w->disk->n_blocks;
	for (size_t i = 0; i < page->n_blocks; i++) {
		const struct ebs_listed *listed = &page->blocks[i];

		if (listed->index < first)
			continue;
		if (listed->index - first >= WINDOW_BLOCKS) {
			*end = true;
			if (!list->changes)
				w->next_exists = listed->index;
			return 0;
		}
		window_set(list->found, listed->index - first, true);
		if (!list->changes &&
			tokens_add(list->tokens, listed->index - first, listed->token) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* A list has ended: the next waiting one may be sent. */
static void window_list_ended(struct disks *d)
{
	struct disk_wait *next;

	d->n_lists--;
	while (d->n_lists < LISTS_MAX && (next = waiters_take(&d->unlisted))) {
		next->list = NULL;
		next->wake(next->arg, NULL);
	}
}

static void window_list_page(void *arg, struct ebs_page *page, const struct err *err)
{
	struct disk_window *w = arg;
	struct window_list *list = w->list;
	struct err failure;
	bool end = false, taken = false;

	w->call = NULL;
	window_list_ended(w->disk->d);
	/* If the list of changes fails, blocks are not copied from the sibling, but bought. */
	if (err && list->changes) {
		if (aws_error_is_unrelated(err->code))
			log_debug("cannot compare the blocks of %s and %s, so none are shared: %s",
				w->disk->owner.snapshot, w->disk->sibling_id, err->message);
		memset(list->found, 0xff, sizeof(list->found));
		window_changed(w);
		return;
	}
	free(steal(&list->page_token));
	if (!err)
		taken = window_take_page(w, page, &end) == 0;
	if (taken && !end)
		list->page_token = strdup(page->next_token);
	if (!err && (!taken || (!end && !list->page_token))) {
		err_set(&failure, ENOMEM, "out of memory");
		err = &failure;
	}
	ebs_page_destroy(page);
	if (list->page_token)
		window_list_next(w);
	else if (err)
		window_list_end(w, err);
	else if (list->changes)
		window_changed(w);
	else
		window_listed(w);
}

/* Requests the next page. */
static void window_list_next(struct disk_window *w)
{
	struct window_list *list = w->list;
	struct disk *disk = w->disk;
	struct disks *d = disk->d;
	bool older = disk->sibling_start_ms <= disk->owner.start_ms;
	struct ebs_list in = {.region = disk->owner.region,
		.snapshot = list->changes && !older ? disk->sibling_id : disk->owner.snapshot,
		.first = !list->changes ? NULL
			 : older        ? disk->sibling_id
					: disk->owner.snapshot,
		.start = w->number * WINDOW_BLOCKS,
		.page_token = list->page_token};
	struct err err;

	list->wait = (struct disk_wait){.wake = window_list_woken, .arg = w};
	if (d->n_lists >= LISTS_MAX) {
		disk_wait_add(&d->unlisted, &list->wait);
		return;
	}
	switch (budget_take(d->options.budget, BUDGET_LIST, clock_wall_ms(), &err)) {
	case BUDGET_WAIT:
		disk_wait_add(&d->unpaid, &list->wait);
		return;
	case BUDGET_REFUSED:
		window_list_end(w, &err);
		return;
	case BUDGET_TAKEN:
		break;
	}
	w->call = ebs_list_blocks(d->options.ebs, &in, window_list_page, w);
	d->stats.lists++;
	if (!w->call) {
		err_set(&err, ENOMEM, "out of memory");
		window_list_end(w, &err);
		return;
	}
	d->n_lists++;
}

static int window_list_start(struct disk_window *w, bool changes)
{
	w->list = calloc(1, sizeof(*w->list));
	if (!w->list)
		return -ENOMEM;
	w->list->changes = changes;
	if (!changes && !(w->list->tokens = calloc(1, sizeof(*w->list->tokens)))) {
		window_list_free(steal(&w->list));
		return -ENOMEM;
	}
	w->busy = true;
	window_list_next(w);
	return 0;
}

/* --- from the sibling --- */

struct sibling_load {
	struct disk_job job;
	struct disk_window *window;
	struct block_window is;
	int result;
};

static void sibling_load_run(struct disk_job *job)
{
	struct sibling_load *load = JOB_OWNER(job, struct sibling_load);

	load->result = block_file_read_window(
		load->window->disk->sibling, load->window->number, &load->is);
}

/* Finds the blocks that exist in this snapshot, are not cached for it, and are cached for the
 * sibling. If there are any, a list of changes is requested. */
static void sibling_load_done(struct disk_job *job)
{
	struct sibling_load *load = JOB_OWNER(job, struct sibling_load);
	struct disk_window *w = load->window;
	bool any = false;

	for (unsigned i = 0; i < WINDOW_BYTES && load->result == 0; i++) {
		w->shared[i] = w->is.exists[i] & load->is.cached[i] & (uint8_t)~w->is.cached[i];
		any = any || w->shared[i];
	}
	free(load);
	w->busy = false;
	if (any && window_list_start(w, true) == 0)
		return;
	if (any)
		memset(w->shared, 0, sizeof(w->shared));
	w->shared_known = true;
	disk_window_step_done(w, NULL);
}

static void sibling_load_drop(struct disk_job *job)
{
	free(JOB_OWNER(job, struct sibling_load));
}

static int window_share(struct disk_window *w)
{
	struct sibling_load *load = calloc(1, sizeof(*load));

	if (!load)
		return -ENOMEM;
	load->window = w;
	load->job = (struct disk_job){
		w->disk->d, sibling_load_run, sibling_load_done, sibling_load_drop};
	if (disk_job_start(&load->job) < 0) {
		free(load);
		return -ENOMEM;
	}
	w->busy = true;
	return 0;
}

/* --- callers' needs --- */

static int window_advance(struct disk_window *w, enum window_need need, bool *known)
{
	struct disk *disk = w->disk;

	if (!w->loaded && disk->file)
		return window_start(w, window_load_run, window_load_done);
	w->loaded = true;
	if (need >= WINDOW_LISTED && !w->is.listed)
		return window_list_start(w, false);
	if (need >= WINDOW_SHARED && disk->sibling && !w->shared_known)
		return window_share(w);
	if (need >= WINDOW_TOKENS && !w->tokens)
		return window_list_start(w, false);
	*known = true;
	return 0;
}

int disk_window_need(struct disk_window *w, enum window_need need, struct disk_wait *wait)
{
	bool known = false;

	/* The caller is added to the waiters first, because the step may end at once. */
	disk_wait_add(&w->waiting, wait);
	if (!w->busy && window_advance(w, need, &known) < 0) {
		disk_wait_remove(wait);
		return -ENOMEM;
	}
	if (known)
		disk_wait_remove(wait);
	return known;
}
