/* SPDX-License-Identifier: MIT */
/* What the tests over the tests' HTTP server share. */
#include "http_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "loop.h"

void http_ended(void *arg, struct http_response *answer, const struct err *err)
{
	struct http_result *r = arg;

	r->called++;
	uv_stop(r->loop);
	assert_true(!answer != !err);
	if (err)
		r->err = *err;
	if (!answer)
		return;
	r->status = answer->status;
	r->answer = *answer;
	r->body = answer->body;
	answer->body = BUF_INIT;
}

static enum http_server_then serve(
	void *arg, const struct http_server_request *request, struct buf *reply)
{
	struct http_fixture *f = arg;

	buf_clear(&f->last_head);
	buf_puts(&f->last_head, request->head);
	buf_clear(&f->last_body);
	buf_puts(&f->last_body, request->body);
	return f->behaviour(request, reply);
}

int http_setup(void **state)
{
	struct http_fixture *f = calloc(1, sizeof(*f));
	struct err err;

	unsetenv("http_proxy");
	unsetenv("https_proxy");
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(loop_init(&f->loop), 0);
	assert_int_equal(http_create(&f->loop,
				 &(struct http_options){.user_agent = "ebsfs-test",
					 .connect_ms = 300,
					 .stalled_ms = 1000,
					 .timeouts = &f->timeouts},
				 &f->http, &err),
		0);
	f->server = http_server_create(&f->loop, serve, f);
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d/", http_server_port(f->server));
	*state = f;
	return 0;
}

int http_teardown(void **state)
{
	struct http_fixture *f = *state;

	http_destroy(f->http);
	http_server_destroy(f->server);
	uv_run(&f->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	buf_finish(&f->last_head);
	buf_finish(&f->last_body);
	free(f);
	return 0;
}

void http_ask(struct http_fixture *f, const struct http_request *request, struct http_result *r)
{
	buf_finish(&r->body);
	*r = (struct http_result){.loop = &f->loop};
	assert_non_null(http_send(f->http, request, http_ended, r));
	assert_int_equal(r->called, 0);
	while (!r->called)
		uv_run(&f->loop, UV_RUN_DEFAULT);
}
