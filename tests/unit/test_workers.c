/* SPDX-License-Identifier: MIT */
/* Threads for one kind of work: each job runs once in another thread and is done once on the loop.
 */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cleanup.h"
#include "loop.h"
#include "workers.h"

#define JOBS 1000

struct work_log {
	uv_loop_t loop;
	struct workers *workers;
	pthread_t loop_thread;
	struct task {
		struct work_log *log;
		atomic_int runs;
		int dones, again;
	} tasks[JOBS];
	struct task *order[JOBS]; /* as they ran, with one thread */
	atomic_int n_run;
	int n_done, between;
	bool elsewhere; /* every run was in another thread than the loop's */
	sem_t gate;
};

static void task_run(void *arg)
{
	struct task *t = arg;

	t->runs++;
	t->log->order[t->log->n_run++ % JOBS] = t;
	t->log->elsewhere &= !pthread_equal(pthread_self(), t->log->loop_thread);
}

static void task_done(void *arg)
{
	struct task *t = arg;

	assert_true(pthread_equal(pthread_self(), t->log->loop_thread));
	t->dones++;
	t->log->n_done++;
	if (t->again-- > 0)
		assert_int_equal(workers_run(t->log->workers, task_run, task_done, t), 0);
}

static void start(struct work_log *log, unsigned threads)
{
	*log = (struct work_log){.elsewhere = true, .loop_thread = pthread_self()};
	assert_int_equal(loop_init(&log->loop), 0);
	log->workers = workers_create(&log->loop, threads);
	assert_non_null(log->workers);
	for (size_t i = 0; i < JOBS; i++)
		log->tasks[i].log = log;
}

static void finish(struct work_log *log)
{
	workers_destroy(log->workers);
	assert_int_equal(uv_run(&log->loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(uv_loop_close(&log->loop), 0);
}

/* One thread runs jobs in the order of the calls; no done is called before the call returns. */
static void test_order(void **state)
{
	static struct work_log log;

	(void)state;
	start(&log, 1);
	for (size_t i = 0; i < JOBS; i++)
		assert_int_equal(workers_run(log.workers, task_run, task_done, &log.tasks[i]), 0);
	assert_int_equal(log.n_done, 0);
	assert_int_equal(uv_run(&log.loop, UV_RUN_DEFAULT), 0);
	for (size_t i = 0; i < JOBS; i++) {
		assert_ptr_equal(log.order[i], &log.tasks[i]);
		assert_int_equal(log.tasks[i].dones, 1);
	}
	assert_true(log.elsewhere);
	finish(&log);
}

/* With several threads, and with jobs that done starts again: once each, and the loop ends by
 * itself. */
static void test_many(void **state)
{
	static struct work_log log;

	(void)state;
	start(&log, 4);
	for (size_t i = 0; i < JOBS; i++) {
		log.tasks[i].again = (int)(i % 3);
		assert_int_equal(workers_run(log.workers, task_run, task_done, &log.tasks[i]), 0);
	}
	assert_int_equal(uv_run(&log.loop, UV_RUN_DEFAULT), 0);
	for (size_t i = 0; i < JOBS; i++) {
		assert_int_equal(log.tasks[i].runs, 1 + i % 3);
		assert_int_equal(log.tasks[i].dones, 1 + i % 3);
	}
	finish(&log);
}

static void wait_run(void *arg)
{
	struct task *t = arg;

	sem_wait(&t->log->gate);
	t->runs++;
}

static void pool_done(void *arg)
{
	struct task *t = arg;

	t->dones++;
	sem_post(&t->log->gate);
}

/* Work of libuv's own pool is done while every thread here is busy. */
static void test_apart(void **state)
{
	static struct work_log log;

	(void)state;
	start(&log, 1);
	assert_int_equal(sem_init(&log.gate, 0, 0), 0);
	assert_int_equal(workers_run(log.workers, wait_run, task_done, &log.tasks[0]), 0);
	assert_int_equal(loop_work(&log.loop, task_run, pool_done, &log.tasks[1]), 0);
	assert_int_equal(uv_run(&log.loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(log.tasks[0].dones, 1);
	assert_int_equal(log.tasks[1].dones, 1);
	sem_destroy(&log.gate);
	finish(&log);
}

static void count_between(void *arg)
{
	struct work_log *log = arg;

	log->between++;
}

/* The callback between results is called after each: FUSE requests do not wait for a series. */
static void test_between(void **state)
{
	static struct work_log log;
	struct loop_between between = {count_between, &log};

	(void)state;
	start(&log, 2);
	loop_set_between(&log.loop, &between);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(workers_run(log.workers, task_run, task_done, &log.tasks[i]), 0);
	assert_int_equal(uv_run(&log.loop, UV_RUN_DEFAULT), 0);
	assert_int_equal(log.between, 100);
	finish(&log);
}

static void count_turn(uv_prepare_t *prepare)
{
	++*(int *)prepare->data;
}

static void stop_loop(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

/* The loop sleeps once all is done. */
static void test_sleeps(void **state)
{
	static struct work_log log;
	int turns = 0;
	uv_prepare_t prepare = {.data = &turns};
	uv_timer_t timer;

	(void)state;
	start(&log, 2);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(workers_run(log.workers, task_run, task_done, &log.tasks[i]), 0);
	assert_int_equal(uv_run(&log.loop, UV_RUN_DEFAULT), 0);
	uv_prepare_init(&log.loop, &prepare);
	uv_prepare_start(&prepare, count_turn);
	uv_timer_init(&log.loop, &timer);
	uv_timer_start(&timer, stop_loop, 100, 0);
	uv_run(&log.loop, UV_RUN_DEFAULT);
	assert_in_range(turns, 1, 10);
	uv_close((uv_handle_t *)&prepare, NULL);
	uv_close((uv_handle_t *)&timer, NULL);
	finish(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_between),
		cmocka_unit_test(test_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
