/* SPDX-License-Identifier: MIT */
/* The hooks that count requests and inject faults. */
#include "sim_test.h"

#include <errno.h>
#include <stdlib.h>

#include "sim_control.h"
#include "sim_world_json.h"

static int test_start(struct sim_server *s, const struct sim_options *o, struct err *err)
{
	struct sim_test *t = calloc(1, sizeof(*t));
	int r = 0;

	s->hooks_data = t;
	if (!t)
		return err_set(err, ENOMEM, "out of memory");
	t->counts = sim_counts_create();
	t->faults = sim_faults_create();
	if (!t->counts || !t->faults)
		return err_set(err, ENOMEM, "out of memory");
	if (o->faults_file)
		r = sim_faults_load_file(t->faults, o->faults_file, err);
	if (r == 0 && o->world_file)
		r = sim_world_json_load(s->world, o->world_file, err);
	return r;
}

static void test_stop(struct sim_server *s)
{
	struct sim_test *t = s->hooks_data;

	if (!t)
		return;
	sim_counts_destroy(t->counts);
	sim_faults_destroy(t->faults);
	free(t);
}

static void revoke_key(struct sim_server *s, const char *id)
{
	struct sim_access_key *key;

	pthread_rwlock_wrlock(&s->world->lock);
	key = sim_world_key(s->world, id);
	if (key)
		key->revoked = true;
	pthread_rwlock_unlock(&s->world->lock);
}

/* Whether the fault makes the response without the request being carried out. */
static bool fault_replaces_work(const struct sim_fault *f)
{
	return !f->after && f->effect != SIM_FAULT_NONE && f->effect != SIM_FAULT_SLOW &&
	       f->effect != SIM_FAULT_CLOCK && f->effect != SIM_FAULT_REVOKE &&
	       f->effect != SIM_FAULT_TRICKLE && f->effect != SIM_FAULT_CUT &&
	       f->effect != SIM_FAULT_MALFORMED && f->effect != SIM_FAULT_CORRUPT &&
	       f->effect != SIM_FAULT_SHORT && f->effect != SIM_FAULT_HEADER;
}

static void run_with_fault(struct sim_server *s, const struct sim_request *q,
	const struct sim_fault *f, struct sim_reply *reply)
{
	bool waits = f->effect == SIM_FAULT_SLOW || f->effect == SIM_FAULT_HANG;

	if (f->effect == SIM_FAULT_CLOCK)
		reply->clock_error_ms = f->seconds_ms;
	if (f->effect == SIM_FAULT_REVOKE)
		revoke_key(s, q->auth.access_key);
	if (waits && !f->after)
		sim_service_sleep(s, f->seconds_ms);
	sim_reply_type(reply, "text/xml;charset=UTF-8");
	if (!fault_replaces_work(f))
		sim_service_run(s, q, reply);
	if (waits && f->after)
		sim_service_sleep(s, f->seconds_ms);
	sim_fault_apply(f, reply);
	reply->wall_ms += reply->clock_error_ms;
}

static const char *test_serve(struct sim_server *s, struct sim_request *q, struct sim_reply *reply)
{
	struct sim_test *t = s->hooks_data;
	struct sim_fault fault;
	const char *name;

	sim_counts_begin(t->counts, q->region, q->action);
	sim_faults_pick(t->faults, q->region, q->action, &q->params, &fault);
	name = sim_fault_name(&fault);
	sim_service_delay(s, reply);
	run_with_fault(s, q, &fault, reply);
	sim_counts_end(t->counts, q->region, q->action, reply->code, name);
	sim_fault_finish(&fault);
	return name;
}

const struct sim_hooks sim_test_hooks = {
	.start = test_start, .stop = test_stop, .control = sim_control_answer, .serve = test_serve};
