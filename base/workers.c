/* SPDX-License-Identifier: MIT */
/* Separate threads for one kind of work: a queue of jobs, and a queue of finished jobs that wakes
 * the loop. */
#include "workers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "loop.h"

struct job {
	struct job *next;
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

/* First in, first out. */
struct jobs {
	struct job *first, **end;
};

struct workers {
	uv_loop_t *loop;
	uv_async_t wake; /* keeps the loop alive while there is work */
	unsigned in_flight;
	unsigned n_threads;
	pthread_t *threads;

	pthread_mutex_t lock; /* of the members below */
	pthread_cond_t work;
	struct jobs waiting;
	struct jobs finished;
	bool stopping;
};

static void jobs_add(struct jobs *jobs, struct job *job)
{
	job->next = NULL;
	*jobs->end = job;
	jobs->end = &job->next;
}

static struct job *jobs_take(struct jobs *jobs)
{
	struct job *job = jobs->first;

	if (job)
		jobs->first = job->next;
	if (!jobs->first)
		jobs->end = &jobs->first;
	return job;
}

static void *workers_thread(void *arg)
{
	struct workers *w = arg;
	struct job *job;

	pthread_mutex_lock(&w->lock);
	while (!w->stopping) {
		job = jobs_take(&w->waiting);
		if (!job) {
			pthread_cond_wait(&w->work, &w->lock);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		job->run(job->arg);
		pthread_mutex_lock(&w->lock);
		jobs_add(&w->finished, job);
		uv_async_send(&w->wake);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Calls done for finished jobs, but for no more than are in flight at the start, because done may
 * start further jobs. A job that finishes meanwhile wakes the loop again. */
static void workers_report(uv_async_t *wake)
{
	struct workers *w = wake->data;
	struct job *job;
	unsigned n = w->in_flight;

	for (; n; n--) {
		pthread_mutex_lock(&w->lock);
		job = jobs_take(&w->finished);
		pthread_mutex_unlock(&w->lock);
		if (!job)
			return;
		if (--w->in_flight == 0)
			uv_unref((uv_handle_t *)wake);
		job->done(job->arg);
		free(job);
		if (uv_is_closing((uv_handle_t *)wake))
			return;
		loop_between(w->loop);
	}
}

/* Starts n threads with all signals blocked. Returns the number of threads that were started. */
static unsigned workers_start(struct workers *w, unsigned n)
{
	sigset_t all, before;
	unsigned started = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	while (started < n && pthread_create(&w->threads[started], NULL, workers_thread, w) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

struct workers *workers_create(uv_loop_t *loop, unsigned n)
{
	struct workers *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->loop = loop;
	w->waiting.end = &w->waiting.first;
	w->finished.end = &w->finished.first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	w->threads = calloc(n, sizeof(*w->threads));
	if (!w->threads || uv_async_init(loop, &w->wake, workers_report) < 0) {
		free(w->threads);
		free(w);
		return NULL;
	}
	w->wake.data = w;
	uv_unref((uv_handle_t *)&w->wake);
	w->n_threads = workers_start(w, n);
	if (w->n_threads < n) {
		workers_destroy(w);
		return NULL;
	}
	return w;
}

static void workers_closed(uv_handle_t *wake)
{
	struct workers *w = wake->data;

	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	free(w->threads);
	free(w);
}

void workers_destroy(struct workers *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->work);
	pthread_mutex_unlock(&w->lock);
	for (unsigned i = 0; i < w->n_threads; i++)
		pthread_join(w->threads[i], NULL);
	uv_close((uv_handle_t *)&w->wake, workers_closed);
}

int workers_run(struct workers *w, void (*run)(void *arg), void (*done)(void *arg), void *arg)
{
	struct job *job = malloc(sizeof(*job));

	if (!job)
		return -ENOMEM;
	*job = (struct job){.run = run, .done = done, .arg = arg};
	if (w->in_flight++ == 0)
		uv_ref((uv_handle_t *)&w->wake);
	pthread_mutex_lock(&w->lock);
	jobs_add(&w->waiting, job);
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	return 0;
}
