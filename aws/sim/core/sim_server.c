/* SPDX-License-Identifier: MIT */
/* Runs a simulator, from its options to the signal that ends it. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cleanup.h"
#include "sim.h"
#include "sim_http.h"
#include "sim_seed.h"
#include "sim_service.h"

void sim_options_init(struct sim_options *o)
{
	memset(o, 0, sizeof(*o));
	o->behaviour.copy_ms = (struct sim_range){2000, 2000};
	o->behaviour.progress_step = 5;
	o->behaviour.copy_limit = 20;
}

void sim_options_demo(struct sim_options *o)
{
	sim_options_init(o);
	o->demo = true;
	o->behaviour.copy_ms = (struct sim_range){20000, 40000};
	o->behaviour.volume_ms = (struct sim_range){2000, 4000};
	o->behaviour.latency_ms = (struct sim_range){15, 45};
	o->behaviour.consistency_ms = (struct sim_range){0, 1500};
}

static void server_finish(struct sim_server *s)
{
	if (s->hooks)
		s->hooks->stop(s);
	sim_throttle_destroy(s->throttle);
	sim_world_destroy(s->world);
	pthread_cond_destroy(&s->stop);
	pthread_mutex_destroy(&s->stop_lock);
}

static int server_init(struct sim_server *s, const struct sim_options *o,
	const struct sim_hooks *hooks, struct err *err)
{
	pthread_condattr_t monotonic;
	int r;

	memset(s, 0, sizeof(*s));
	s->trace = o->trace;
	s->hooks = hooks;
	pthread_mutex_init(&s->stop_lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s->stop, &monotonic);
	pthread_condattr_destroy(&monotonic);
	r = sim_world_create(o, &s->world, err);
	if (r < 0)
		return r;
	s->throttle = sim_throttle_create();
	if (!s->throttle)
		return err_set(err, ENOMEM, "out of memory");
	r = hooks ? hooks->start(s, o, err) : 0;
	return r < 0 ? r : sim_seed_world(s->world, o, err);
}

static void server_stop(struct sim_server *s)
{
	pthread_mutex_lock(&s->stop_lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->stop);
	pthread_mutex_unlock(&s->stop_lock);
}

static int server_announce(int fd, uint16_t port, struct err *err)
{
	char line[16];
	int n = snprintf(line, sizeof(line), "%u\n", port);

	if (fd >= 0 && write(fd, line, (size_t)n) != n)
		return err_set(err, errno, "cannot write the port: %s", strerror(errno));
	return 0;
}

static int server_run(struct sim_server *s, const struct sim_options *o, int ready_fd,
	const sigset_t *ends, struct err *err)
{
	struct sim_http *http = NULL;
	uint16_t port = o->port;
	int r = sim_http_start(s, &port, &http, err), signal_number;

	if (r == 0)
		r = server_announce(ready_fd, port, err);
	if (r == 0)
		sigwait(ends, &signal_number);
	server_stop(s);
	sim_http_stop(http);
	return r;
}

int sim_run(
	const struct sim_options *o, const struct sim_hooks *hooks, int ready_fd, struct err *err)
{
	_cleanup_(server_finish) struct sim_server s;
	sigset_t ends;
	int r = server_init(&s, o, hooks, err);

	if (r < 0)
		return r;
	/* These signals are blocked before the first thread starts, so that only sigwait() gets
	 * them. */
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (o->parent) {
		/* SIGKILL also ends a stopped process. The simulator has nothing to save. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != o->parent)
			return 0; /* the parent ended before prctl() could announce it */
	}
	return server_run(&s, o, ready_fd, &ends, err);
}
