/* SPDX-License-Identifier: MIT */
/* What the tests of the AWS client share. */
#include "aws_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cleanup.h"
#include "profile.h"

/* The server's part; it has no argument of its own. */
static struct {
	struct step steps[4];
	size_t n;
	struct buf heads[8]; /* of the requests as they came */
	int came;
} script;

static enum http_server_then play(const struct http_server_request *request, struct buf *reply)
{
	const struct step *step =
		&script.steps[(size_t)script.came < script.n ? (size_t)script.came : script.n - 1];

	if (script.came < 8)
		buf_puts(&script.heads[script.came], request->head);
	script.came++;
	if (step->status)
		http_server_answer(
			reply, step->status, step->headers ? step->headers : "", step->body);
	return step->then;
}

void world_script(const struct step *steps)
{
	for (size_t i = 0; i < ARRAY_LEN(script.heads); i++)
		buf_clear(&script.heads[i]);
	script.came = 0;
	for (script.n = 0; script.n < 4 && (steps[script.n].status || steps[script.n].then);
		script.n++)
		script.steps[script.n] = steps[script.n];
	if (!script.n) /* a server that hangs */
		script.steps[script.n++] = (struct step){0};
}

int world_came(void)
{
	return script.came;
}

const char *world_head(int n)
{
	return buf_str(&script.heads[n]);
}

int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct err err;
	void *fixture = NULL;

	setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
	unsetenv("AWS_ENDPOINT_URL");
	unsetenv("AWS_ENDPOINT_URL_EC2");
	http_setup(&fixture);
	w->f = fixture;
	w->f->behaviour = play;
	assert_int_equal(profiles_load(&w->profiles, &err), 0);
	w->chain = fake_chain_create(&w->f->loop, 3);
	snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%d", http_server_port(w->f->server));
	w->endpoints = (struct endpoint_config){
		.endpoint_url = w->url, .profiles = w->profiles, .profile = "default"};
	assert_int_equal(aws_create(&(struct aws_options){.loop = &w->f->loop,
					    .http = w->f->http,
					    .credentials = w->chain,
					    .endpoints = &w->endpoints,
					    .attempts = 3},
				 &w->aws, &err),
		0);
	*state = w;
	return 0;
}

int world_teardown(void **state)
{
	struct world *w = *state;
	void *fixture = w->f;

	aws_destroy(w->aws);
	assert_int_equal(fake_chain_waiting(w->chain), 0);
	credentials_chain_destroy(w->chain);
	profiles_destroy(w->profiles);
	for (size_t i = 0; i < ARRAY_LEN(script.heads); i++)
		buf_finish(&script.heads[i]);
	free(w);
	return http_teardown(&fixture);
}

static void ended(struct world *w, const struct err *err)
{
	w->called++;
	w->err = err ? *err : (struct err){0};
	uv_stop(&w->f->loop);
}

static void page_ended(void *arg, struct ec2_page *page, const struct err *err)
{
	struct world *w = arg;

	assert_true(!page != !err);
	w->n_snapshots = page ? page->n_snapshots : 0;
	ec2_page_destroy(page);
	ended(w, err);
}

void world_copy_ended(void *arg, const char *id, const char *request_id, const struct err *err)
{
	struct world *w = arg;

	assert_true(!request_id == !!err);
	snprintf(w->id, sizeof(w->id), "%s", id ? id : "");
	snprintf(w->request_id, sizeof(w->request_id), "%s", request_id ? request_id : "");
	ended(w, err);
}

static void change_ended(void *arg, const struct err *err)
{
	ended(arg, err);
}

struct aws_call *world_describe(struct world *w)
{
	return ec2_describe_snapshots(w->aws,
		&(struct ec2_describe_snapshots){.region = "eu-west-1", .owners = ec2_owner_self},
		page_ended, w);
}

struct aws_call *world_delete(struct world *w)
{
	return ec2_delete_snapshot(w->aws, "eu-west-1", "snap-01234567", change_ended, w);
}

struct aws_call *world_copy(struct world *w)
{
	return ec2_copy_snapshot(w->aws,
		&(struct ec2_copy_snapshot){.region = "eu-west-1",
			.source_region = "us-east-1",
			.source_id = "snap-01234567"},
		world_copy_ended, w);
}

void world_wait(struct world *w)
{
	while (!w->called)
		uv_run(&w->f->loop, UV_RUN_DEFAULT);
}

void world_run(
	struct world *w, struct aws_call *(*start)(struct world *w), const struct step *steps)
{
	world_script(steps);
	w->called = 0;
	assert_non_null(start(w));
	assert_int_equal(w->called, 0);
	world_wait(w);
}
