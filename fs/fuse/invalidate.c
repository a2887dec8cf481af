/* SPDX-License-Identifier: MIT */
/* Tells the kernel what its caches must forget. */
#define FUSE_USE_VERSION 314
#include "invalidate.h"

#include <fuse_lowlevel.h>
#include <string.h>

#include "cleanup.h"
#include "loop.h"

struct item {
	struct item *next;
	uint64_t number;
	char name[]; /* "": the node itself */
};

struct invalidate {
	uv_loop_t *loop;
	struct fuse_session *session;
	struct item *first, **last; /* told next */
	struct item *at_work;       /* the thread's, until `running` ends */
	uint64_t told;
	bool running, stopped;
};

struct invalidate *invalidate_create(uv_loop_t *loop, struct fuse_session *session)
{
	struct invalidate *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->loop = loop;
	i->session = session;
	i->last = &i->first;
	return i;
}

static void free_items(struct item *item)
{
	while (item) {
		struct item *next = item->next;

		free(item);
		item = next;
	}
}

void invalidate_destroy(struct invalidate *i)
{
	if (!i)
		return;
	free_items(i->first);
	free_items(i->at_work);
	free(i);
}

void invalidate_stop(struct invalidate *i)
{
	if (!i)
		return;
	i->stopped = true;
	free_items(i->first);
	i->first = NULL;
	i->last = &i->first;
}

bool invalidate_running(const struct invalidate *i)
{
	return i && i->running;
}

static void run(void *arg)
{
	struct invalidate *i = arg;

	/* The answers are ignored: ENOENT says that the kernel had nothing cached. */
	for (const struct item *item = i->at_work; item; item = item->next) {
		if (item->name[0])
			fuse_lowlevel_notify_inval_entry(
				i->session, item->number, item->name, strlen(item->name));
		else
			fuse_lowlevel_notify_inval_inode(i->session, item->number, 0, 0);
	}
}

static void start(struct invalidate *i);

static void done(void *arg)
{
	struct invalidate *i = arg;

	free_items(i->at_work);
	i->at_work = NULL;
	i->running = false;
	start(i);
}

static void start(struct invalidate *i)
{
	if (i->running || !i->first)
		return;
	i->at_work = i->first;
	i->first = NULL;
	i->last = &i->first;
	i->running = true;
	if (loop_work(i->loop, run, done, i) < 0)
		i->running = false; /* without memory the caches live on to their time-outs */
}

static void add(struct invalidate *i, uint64_t number, const char *name)
{
	struct item *item;

	if (!i || i->stopped)
		return;
	item = calloc(1, sizeof(*item) + strlen(name) + 1);
	if (!item)
		return;
	item->number = number;
	strcpy(item->name, name);
	*i->last = item;
	i->last = &item->next;
	i->told++;
	start(i);
}

void invalidate_node(struct invalidate *i, uint64_t number)
{
	add(i, number, "");
}

void invalidate_name(struct invalidate *i, uint64_t folder, const char *name)
{
	add(i, folder, name);
}

uint64_t invalidate_told(const struct invalidate *i)
{
	return i ? i->told : 0;
}
