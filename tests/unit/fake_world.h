/* SPDX-License-Identifier: MIT */
/* For the tests of credentials: time that passes when the test says so, HTTP that answers what the
 * test has written down. These stand in the place of base/clock.c, base/loop.c's timers and
 * aws/http/http.c at link time. */
#ifndef EBSFS_FAKE_WORLD_H
#define EBSFS_FAKE_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "buf.h"
#include "clock.h"
#include "credentials.h"
#include "http.h"
#include "loop.h"
#include "profile.h"
#include "virtual_time.h"

/* 2026-01-02T03:04:05Z */
#define START_MS INT64_C(1767323045000)
#define MINUTE   INT64_C(60000)
#define HOUR     (60 * MINUTE)

/* Time. */

const int64_t virtual_start_ms = START_MS;

static uv_loop_t world_loop;

/* Lets ms pass, with all that falls due meanwhile. */
static void pass(int64_t ms)
{
	int64_t end = virtual_ms + ms;

	do
		uv_run(&world_loop, UV_RUN_NOWAIT);
	while (virtual_time_step(end));
	virtual_ms = end;
}

/* HTTP. */

struct http_call {
	http_done *done;
	void *arg;
	struct loop_timer *timer;
	int status; /* 0: fails with errnum */
	int errnum;
	char *body;
	int64_t date_ms;
};

/* What the test wants to be answered to requests whose "METHOD URL" begins with `request`, in their
 * order; once each. */
struct exchange {
	const char *request;
	int status;
	const char *body; /* or errnum, if status is 0 */
	int errnum;
	int64_t date_ms;
	const char *contains[4]; /* each must stand somewhere in the request: "name: value\n" of a
				    header, or the body */
	bool never;              /* is not answered */
};

/* ANSWER("GET http://…", 200, "text", .contains = {…}); FAILURE("GET http://…", ETIMEDOUT); END
 * after the last. */
#define ANSWER(request_, status_, body_, ...)                                                      \
	{                                                                                          \
		.request = (request_), .status = (status_), .body = (body_), __VA_ARGS__           \
	}
#define FAILURE(request_, errnum_, ...)                                                            \
	{                                                                                          \
		.request = (request_), .errnum = (errnum_), __VA_ARGS__                            \
	}
#define SILENCE(request_)                                                                          \
	{                                                                                          \
		.request = (request_), .never = true                                               \
	}
#define END                                                                                        \
	{                                                                                          \
		.request = NULL                                                                    \
	}

static const struct exchange *world_script;
static size_t world_asked; /* requests so far */
static size_t world_inflight;
static char world_last[65536]; /* the last request: line, headers, body */

static void answer_now(void *arg)
{
	struct http_call *call = arg;
	struct http_response answer = {
		.status = call->status, .date_ms = call->date_ms, .retry_after_ms = -1};
	struct err err;
	http_done *done = call->done;
	void *done_arg = call->arg;
	int errnum = call->errnum;

	loop_timer_destroy(call->timer);
	if (call->body)
		buf_puts(&answer.body, call->body);
	free(call->body);
	free(call);
	world_inflight--;
	err_set(&err, errnum, "no answer");
	err.maybe_done = true;
	done(done_arg, answer.status ? &answer : NULL, answer.status ? NULL : &err);
	buf_finish(&answer.body);
}

struct http_call *http_send(
	struct http *http, const struct http_request *r, http_done *done, void *arg)
{
	struct http_call *call = calloc(1, sizeof(*call));
	const struct exchange *e = &world_script[world_asked];
	_cleanup_buf_ struct buf text = BUF_INIT;

	(void)http;
	buf_printf(&text, "%s %s\n", r->method, r->url);
	for (size_t i = 0; i < r->n_headers; i++)
		buf_printf(&text, "%s: %s\n", r->headers[i].name, r->headers[i].value);
	buf_add(&text, "\n", 1);
	buf_add(&text, r->body ? r->body : "", r->body_len);
	snprintf(world_last, sizeof(world_last), "%s", text.data);
	if (!world_script || !e->request)
		fail_msg("a request too many: %s", text.data);
	if (strncmp(text.data, e->request, strlen(e->request)) != 0)
		fail_msg("expected %s, got %s", e->request, text.data);
	for (size_t i = 0; i < ARRAY_LEN(e->contains) && e->contains[i]; i++) {
		if (!strstr(text.data, e->contains[i]))
			fail_msg("no \"%s\" in %s", e->contains[i], text.data);
	}
	world_asked++;
	world_inflight++;
	*call = (struct http_call){done, arg, loop_timer_create(&world_loop, answer_now, call),
		e->status, e->errnum, e->body ? strdup(e->body) : NULL, e->date_ms};
	if (!e->never)
		loop_timer_start(call->timer, 10);
	return call;
}

void http_cancel(struct http_call *call)
{
	loop_timer_destroy(call->timer);
	free(call->body);
	free(call);
	world_inflight--;
}

/* Files and the environment. */

static char world_dir[64];

static char *world_path(const char *name)
{
	static char path[4][160];
	static unsigned next;

	next = (next + 1) % ARRAY_LEN(path);
	snprintf(path[next], sizeof(path[next]), "%s/%s", world_dir, name);
	return path[next];
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(world_path(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Nothing but what "A=b\nC=d" says is set of all that counts. */
static void set_environment(const char *text)
{
	extern char **environ;
	char copy[2048], *next = NULL;

	for (bool again = true; again;) {
		again = false;
		for (char **e = environ; *e && !again; e++) {
			char name[128];

			if (strncmp(*e, "AWS_", 4) != 0 && strncmp(*e, "BOTO_", 5) != 0)
				continue;
			snprintf(name, sizeof(name), "%.*s", (int)strcspn(*e, "="), *e);
			unsetenv(name);
			again = true;
		}
	}
	setenv("HOME", world_dir, 1);
	setenv("AWS_CONFIG_FILE", world_path("config"), 1);
	setenv("AWS_SHARED_CREDENTIALS_FILE", world_path("credentials"), 1);
	setenv("BOTO_CONFIG", world_path("boto"), 1);
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *line = strtok_r(copy, "\n", &next); line; line = strtok_r(NULL, "\n", &next)) {
		char *value = strchr(line, '=');

		*value = '\0';
		setenv(line, value + 1, 1);
	}
}

static int world_setup(void **state)
{
	(void)state;
	snprintf(world_dir, sizeof(world_dir), "/tmp/ebsfs-world.XXXXXX");
	assert_non_null(mkdtemp(world_dir));
	assert_int_equal(uv_loop_init(&world_loop), 0);
	virtual_ms = 0;
	virtual_timers = NULL;
	world_inflight = 0;
	world_asked = 0;
	world_script = NULL;
	set_environment("");
	write_file("config", "");
	write_file("credentials", "");
	return 0;
}

static int world_teardown(void **state)
{
	char command[128];

	(void)state;
	uv_run(&world_loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&world_loop), 0);
	assert_int_equal(world_inflight, 0);
	assert_null(virtual_timers);
	snprintf(command, sizeof(command), "rm -r %s", world_dir);
	assert_int_equal(system(command), 0);
	return 0;
}

/* The chain. */

static struct profiles *world_profiles;

static int open_chain(const char *profile, struct credentials_chain **chain, struct err *err)
{
	int r;

	assert_int_equal(profiles_load(&world_profiles, err), 0);
	r = credentials_chain_create(&world_loop, NULL, world_profiles, profile, chain, err);
	if (r < 0) {
		profiles_destroy(world_profiles);
		world_profiles = NULL;
	}
	return r;
}

static void close_chain(struct credentials_chain *chain)
{
	credentials_chain_destroy(chain);
	profiles_destroy(world_profiles);
	world_profiles = NULL;
}

/* What a waiter got. */
struct got {
	int calls;
	struct credentials *credentials;
	struct err err;
};

static void got_it(void *arg, struct credentials *credentials, const struct err *err)
{
	struct got *got = arg;

	got->calls++;
	assert_true(!credentials == !!err);
	credentials_unref(got->credentials);
	got->credentials = credentials;
	got->err = err ? *err : (struct err){0};
}

/* Asks and waits at most two minutes. While there is a child process the test's time is real time.
 */
static inline struct got ask_chain(struct credentials_chain *chain)
{
	struct got got = {0};

	assert_non_null(credentials_get(chain, got_it, &got));
	assert_int_equal(got.calls, 0);
	pass(0);
	for (int i = 0; i < 120000 && !got.calls; i++) {
		if (uv_loop_alive(&world_loop))
			usleep(1000);
		pass(1);
	}
	assert_int_equal(got.calls, 1);
	return got;
}

static inline void forget(struct got *got)
{
	credentials_unref(got->credentials);
	*got = (struct got){0};
}

/* The config file, the environment and an explicit profile (or NULL) make a chain whose first fetch
 * follows the script; then all of it must have been asked. */
static inline struct got fetch_once(const char *config, const char *environment,
	const char *profile, const struct exchange *script)
{
	struct credentials_chain *chain;
	struct got got = {0};
	struct err err = {0};
	static const struct exchange none[1];

	write_file("config", config);
	set_environment(environment);
	virtual_ms = 0;
	world_script = script ? script : none;
	world_asked = 0;
	if (open_chain(profile, &chain, &err) < 0) {
		got.err = err;
		return got;
	}
	got = ask_chain(chain);
	close_chain(chain);
	assert_null(world_script[world_asked].request);
	return got;
}

/* The secret of every key in the tests; no message may hold it. */
#define SECRET "s3cr3t-s3cr3t"

/* One fetch: its key, or what stands in its error. No secret ever does. */
static inline struct got check(const char *config, const char *environment, const char *profile,
	const struct exchange *script, const char *key, int errnum, const char *reason)
{
	struct got got = fetch_once(config, environment, profile, script);

	if (got.err.errnum)
		print_message("%s\n", got.err.message);
	if (key) {
		assert_non_null(got.credentials);
		assert_string_equal(got.credentials->access_key, key);
		assert_string_equal(got.credentials->secret_key, SECRET);
		return got;
	}
	assert_null(got.credentials);
	assert_int_equal(got.err.errnum, errnum);
	assert_non_null(strstr(got.err.message, reason));
	assert_null(strstr(got.err.message, SECRET));
	assert_null(strstr(got.err.message, "token+"));
	return got;
}

#endif
