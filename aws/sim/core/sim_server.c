/* SPDX-License-Identifier: MIT */
/* A running simulator: its parts put together, from the options to the signal that ends it. */
#include "sim_server.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "sim_http.h"
#include "sim_seed.h"

void sim_server_sleep(struct sim_server *s, int64_t ms)
{
	struct timespec until;

	if (ms <= 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&s->stop_lock);
	while (!s->stopping && pthread_cond_timedwait(&s->stop, &s->stop_lock, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&s->stop_lock);
}

static void server_finish(struct sim_server *s)
{
	sim_counts_destroy(s->counts);
	sim_faults_destroy(s->faults);
	sim_throttle_destroy(s->throttle);
	sim_world_destroy(s->world);
	pthread_cond_destroy(&s->stop);
	pthread_mutex_destroy(&s->stop_lock);
}

static int server_init(struct sim_server *s, const struct sim_options *o, struct err *err)
{
	pthread_condattr_t monotonic;
	int r;

	memset(s, 0, sizeof(*s));
	s->trace = o->trace;
	s->control = o->control;
	pthread_mutex_init(&s->stop_lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->stop, &monotonic);
	pthread_condattr_destroy(&monotonic);
	r = sim_world_create(o, &s->world, err);
	if (r < 0)
		return r;
	s->throttle = sim_throttle_create();
	s->counts = sim_counts_create();
	s->faults = sim_faults_create();
	if (!s->throttle || !s->counts || !s->faults)
		return err_set(err, ENOMEM, "out of memory");
	r = o->faults_file ? sim_faults_load_file(s->faults, o->faults_file, err) : 0;
	return r < 0 ? r : sim_seed_world(s->world, o, err);
}

static void stop(struct sim_server *s)
{
	pthread_mutex_lock(&s->stop_lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->stop);
	pthread_mutex_unlock(&s->stop_lock);
}

static int announce(int fd, uint16_t port, struct err *err)
{
	char line[16];
	int n = snprintf(line, sizeof(line), "%u\n", port);

	if (fd >= 0 && write(fd, line, (size_t)n) != n)
		return err_set(err, errno, "cannot say which port it is: %s", strerror(errno));
	return 0;
}

static int serve(struct sim_server *s, const struct sim_options *o, int ready_fd,
	const sigset_t *ends, struct err *err)
{
	struct sim_http *http = NULL;
	uint16_t port = o->port;
	int r = sim_http_start(s, &port, &http, err), signal_number;

	if (r == 0)
		r = announce(ready_fd, port, err);
	if (r == 0)
		sigwait(ends, &signal_number);
	stop(s);
	sim_http_stop(http);
	return r;
}

int sim_run(const struct sim_options *o, int ready_fd, struct err *err)
{
	_cleanup_(server_finish) struct sim_server s;
	sigset_t ends;
	int r = server_init(&s, o, err);

	if (r < 0)
		return r;
	/* Blocked before the first thread begins, so that only sigwait() gets them. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (o->parent) {
		/* Also a stopped simulator ends at once; it saves nothing. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != o->parent)
			return 0; /* it ended before we could ask to be told */
	}
	return serve(&s, o, ready_fd, &ends, err);
}
