/* SPDX-License-Identifier: MIT */
/* Runs a profile's credential_process and reads the keys that it prints. */

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "buf.h"
#include "credential_source.h"
#include "jsondoc.h"
#include "loop.h"
#include "profile.h"
#include "shell_split.h"
#include "workdir.h"

#define WORDS_MAX  256
#define OUTPUT_MAX ((size_t)64 << 10)
#define ERRORS_MAX ((size_t)4 << 10)
#define TIME_MS    60000
/* After the command exits, its children may keep its output open for this time; then the output is
 * complete. */
#define LINGER_MS  1000

/* One run of the command. libuv closes the three handles (the process, two pipes) after run_end()
 * has returned; the close callback of the last handle frees the run. No other callback is called
 * after run_end(). */
struct run {
	struct process *owner;
	uv_process_t process;
	uv_pipe_t pipes[2]; /* standard output, standard error */
	struct buf texts[2];
	char scratch[512]; /* receives the rest of standard error after its buffer in texts[] is
			      full */
	struct loop_timer *timer;
	int open;    /* handles initialised and not yet closed */
	int running; /* parts that have not ended: the process has not exited, or a pipe is not at
		      * its end */
	bool has_exited;
	bool too_much;
	bool timed_out;
	int64_t status;
	int signal;
};

struct process {
	struct credential_source base;
	const struct credential_context *context;
	char **words;
	struct run *run;
};

static void run_free(struct run *run)
{
	buf_wipe(&run->texts[0]);
	buf_wipe(&run->texts[1]);
	free(run);
}

static void run_closed(uv_handle_t *handle)
{
	struct run *run = handle->data;

	if (--run->open == 0)
		run_free(run);
}

static void run_close(uv_handle_t *handle)
{
	if (uv_handle_get_type(handle) != UV_UNKNOWN_HANDLE && !uv_is_closing(handle))
		uv_close(handle, run_closed);
}

/* Ends the run. If the command still runs, kills its process group, which contains its children. */
static void run_end(struct run *run)
{
	loop_timer_destroy(steal(&run->timer));
	if (!run->has_exited)
		kill(-run->process.pid, SIGKILL);
	if (!run->open) {
		run_free(run);
		return;
	}
	run_close((uv_handle_t *)&run->process);
	for (size_t i = 0; i < ARRAY_LEN(run->pipes); i++)
		run_close((uv_handle_t *)&run->pipes[i]);
}

/* Returns the first line of standard error, without control characters. */
static const char *run_stderr_line(struct run *run, char *out, size_t size)
{
	const char *s = buf_str(&run->texts[1]);
	size_t n = 0;

	s += strspn(s, " \t\r\n");
	while (n + 1 < size && s[n] && s[n] != '\n' && s[n] != '\r') {
		out[n] = (unsigned char)s[n] < ' ' ? ' ' : s[n];
		n++;
	}
	out[n] = '\0';
	return out;
}

static int process_parse(
	struct process *p, struct run *run, struct credentials **out, struct err *err)
{
	const char *text = buf_str(&run->texts[0]);
	size_t len = run->texts[0].len;
	_cleanup_(jsondoc_destroyp) struct jsondoc *doc = jsondoc_parse(text, len);
	int64_t version;

	if (doc && (jsondoc_integer(doc, "Version", &version) < 0 || version != 1))
		return err_set(err, EIO, "the response's Version is not 1");
	return credential_json_parse(p->base.name, text, len, "SessionToken", false, 0, out, err);
}

static int process_result(
	struct process *p, struct run *run, struct credentials **out, struct err *err)
{
	char line[200];

	if (run->timed_out)
		return err_set(err, ETIMEDOUT, "%s did not end within a minute", p->words[0]);
	if (run->too_much)
		return err_set(
			err, EACCES, "%s printed more than %zu bytes", p->words[0], OUTPUT_MAX);
	if (run->signal)
		return err_set(err, EACCES, "%s ended by signal %d", p->words[0], run->signal);
	if (run->status)
		return err_set(err, EACCES, "%s exited with status %d: %s", p->words[0],
			(int)run->status, run_stderr_line(run, line, sizeof(line)));
	if (process_parse(p, run, out, err) < 0)
		return err_context(err, "%s", p->words[0]);
	return 0;
}

static void run_finish(struct run *run)
{
	struct process *p = run->owner;
	struct credentials *c = NULL;
	struct err err;
	int r;

	p->run = NULL;
	r = process_result(p, run, &c, &err);
	run_end(run);
	if (r == -EIO)
		err.errnum = EACCES; /* the command ran, but printed no keys */
	if (r < 0)
		err_context(&err, "credential_process of %s", p->base.name);
	credential_source_end(&p->base, c, r < 0 ? &err : NULL);
}

static void run_part_ended(struct run *run)
{
	if (--run->running == 0)
		run_finish(run);
}

static void run_exited(uv_process_t *process, int64_t status, int signal)
{
	struct run *run = process->data;

	run->status = status;
	run->signal = signal;
	run->has_exited = true;
	loop_timer_start(run->timer, LINGER_MS);
	run_part_ended(run);
}

static void run_timed_out(void *arg)
{
	struct run *run = arg;

	run->timed_out = !run->has_exited;
	run_finish(run);
}

/* Returns memory for the next bytes of output. The buffers have their full size from the start: a
 * buffer that moves would leave copies of secrets behind. */
static void run_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct run *run = handle->data;
	bool errors = handle == (uv_handle_t *)&run->pipes[1];
	struct buf *text = &run->texts[errors];
	size_t max = errors ? ERRORS_MAX : OUTPUT_MAX;

	(void)suggested;
	if (errors && text->len == max)
		*buf = uv_buf_init(run->scratch, sizeof(run->scratch));
	else
		*buf = uv_buf_init(text->data + text->len, (unsigned)(max - text->len));
}

static void run_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct run *run = stream->data;
	bool errors = stream == (uv_stream_t *)&run->pipes[1];
	struct buf *text = &run->texts[errors];

	if (n > 0 && buf->base != run->scratch) {
		text->len += (size_t)n;
		text->data[text->len] = '\0';
	} else if (n == UV_ENOBUFS) {
		run->too_much = true;
		run_finish(run);
	} else if (n < 0) {
		uv_read_stop(stream);
		run_part_ended(run);
	}
}

static int run_alloc_texts(struct run *run)
{
	static const size_t sizes[] = {OUTPUT_MAX, ERRORS_MAX};

	for (size_t i = 0; i < ARRAY_LEN(run->texts); i++) {
		if (buf_resize(&run->texts[i], sizes[i]) < 0)
			return -ENOMEM;
		buf_clear(&run->texts[i]);
	}
	return 0;
}

static int run_spawn(struct run *run, uv_loop_t *loop, char **words)
{
	uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE}};
	const uv_process_options_t options = {.exit_cb = run_exited,
		.file = words[0],
		.args = words,
		.cwd = workdir_of_child(),
		.flags = UV_PROCESS_DETACHED,
		.stdio_count = 3,
		.stdio = stdio};
	int r;

	run->has_exited = true; /* until uv_spawn() has started the process */
	for (size_t i = 0; i < ARRAY_LEN(run->pipes); i++) {
		r = uv_pipe_init(loop, &run->pipes[i], 0);
		if (r < 0)
			return r;
		run->open++;
		run->pipes[i].data = run;
		stdio[i + 1].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
		stdio[i + 1].data.stream = (uv_stream_t *)&run->pipes[i];
	}
	run->process.data = run;
	run->open++; /* uv_spawn() initialises the handle even if it fails */
	r = uv_spawn(loop, &run->process, &options);
	if (r < 0)
		return r;
	run->has_exited = false;
	run->running = 3;
	for (size_t i = 0; i < ARRAY_LEN(run->pipes) && r == 0; i++)
		r = uv_read_start((uv_stream_t *)&run->pipes[i], run_alloc, run_read);
	return r;
}

static void process_fetch(struct credential_source *base)
{
	struct process *p = (struct process *)base;
	struct run *run = calloc(1, sizeof(*run));
	struct err err;
	int r;

	if (run)
		run->timer = loop_timer_create(p->context->loop, run_timed_out, run);
	if (!run || !run->timer || run_alloc_texts(run) < 0) {
		if (run) {
			loop_timer_destroy(run->timer);
			buf_finish(&run->texts[0]);
			free(run);
		}
		err_set(&err, ENOMEM, "out of memory");
		credential_source_end(base, NULL, &err);
		return;
	}
	r = run_spawn(run, p->context->loop, p->words);
	if (r < 0) {
		run_end(run);
		err_set(&err, EACCES, "credential_process of %s: cannot run %s: %s", base->name,
			p->words[0], uv_strerror(r));
		credential_source_end(base, NULL, &err);
		return;
	}
	run->owner = p;
	p->run = run;
	loop_timer_start(run->timer, TIME_MS);
}

static void process_destroy(struct credential_source *base)
{
	struct process *p = (struct process *)base;

	if (p->run)
		run_end(p->run);
	free(p->words);
	free(p);
}

static const struct credential_source_ops process_ops = {process_fetch, process_destroy};

int credential_process_create(const struct credential_context *context, const char *profile,
	struct credential_source **out, struct err *err)
{
	const char *command = profiles_get(context->profiles, profile, "credential_process");
	struct process *p;
	char **words = NULL;
	int n;

	*out = NULL;
	if (!command)
		return 0;
	n = shell_split(command, WORDS_MAX, &words);
	if (n == -ENOMEM)
		return err_set(err, ENOMEM, "out of memory");
	if (n <= 0) {
		free(words);
		return err_set(err, EINVAL, "profile %s: credential_process is %s", profile,
			n == 0        ? "empty"
			: n == -E2BIG ? "too long"
				      : "no command: a quote or backslash is left open");
	}
	p = calloc(1, sizeof(*p));
	if (!p) {
		free(words);
		return err_set(err, ENOMEM, "out of memory");
	}
	credential_source_init(&p->base, &process_ops, "profile %s", profile);
	p->context = context;
	p->words = words;
	*out = &p->base;
	return 0;
}
