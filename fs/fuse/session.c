/* SPDX-License-Identifier: MIT */
/* The FUSE session on the loop. */
#define FUSE_USE_VERSION 314
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fs.h"
#include "log.h"
#include "loop.h"
#include "mount_table.h"
#include "ops.h"

/* How long the loop polls the descriptor before it sleeps. A client that walks a tree sends its
 * next request some 10 µs after a reply, and to sleep and wake costs more: a lone `find` runs three
 * times as fast with this polling (scripts/bench). Only if another core can run the client
 * meanwhile. */
#define LINGER_NS     50000
/* Limits of the work in one loop iteration, so that timers and sockets do not starve. */
#define TURN_REQUESTS 256
#define TURN_NS       1000000

struct session {
	struct fs *fs;
	struct fuse_session *fuse;
	uv_poll_t *poll; /* freed by its close callback */
	struct fuse_buf buf;
	int64_t linger_ns;
	struct loop_between between;
	bool mounted;
	int announced; /* the socket of mount_table_announce(); -1: none */
	void (*ended)(struct fs *fs);
};

static int64_t session_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void session_end(struct session *s)
{
	uv_poll_stop(s->poll);
	if (s->ended)
		s->ended(s->fs);
}

/* Handles the waiting requests, and those that arrive within linger_ns of the last reply. */
static void session_serve(struct session *s, int64_t linger_ns)
{
	int64_t began = session_now_ns(), idle_since = began, now = began;

	for (int n = 0; n < TURN_REQUESTS && now - began < TURN_NS;) {
		int r = fuse_session_receive_buf(s->fuse, &s->buf);

		now = session_now_ns();
		if (r == -EINTR)
			continue;
		if (r == -EAGAIN) {
			if (now - idle_since >= linger_ns)
				return;
			continue;
		}
		if (r <= 0) {
			session_end(s);
			return;
		}
		request_stats_count(&s->fs->stats, s->buf.mem, (size_t)r);
		fuse_session_process_buf(s->fuse, &s->buf);
		if (fuse_session_exited(s->fuse)) {
			session_end(s);
			return;
		}
		n++;
		idle_since = now = session_now_ns();
	}
}

static void session_readable(uv_poll_t *poll, int status, int events)
{
	struct session *s = poll->data;

	(void)status;
	(void)events;
	session_serve(s, s->linger_ns);
}

/* Handles requests between the parsed pages of a listing, which arrive by the dozen: a program that
 * reads a folder need not wait for all of them. */
static void session_serve_between(void *arg)
{
	struct session *s = arg;

	if (s->poll && uv_is_active((const uv_handle_t *)s->poll))
		session_serve(s, 0);
}

/* --- reading and writing the descriptor --- */

/* The kernel sends lookups and reads of one folder one at a time, unless the file system permits
 * several at once in its reply to FUSE_INIT. libfuse 3.14 knows FUSE_CAP_PARALLEL_DIROPS but does
 * not send it, so this code adds the flag to the first reply. With a later libfuse, which sends the
 * flag itself, this changes nothing.
 *
 * fs->several_at_once: the kernel offers the flag. fs->greeted: the first reply has been sent. */

static ssize_t session_read(int fd, void *data, size_t size, void *userdata)
{
	(void)userdata;
	return read(fd, data, size);
}

static ssize_t session_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct fs *fs = userdata;

	/* The first reply is that to FUSE_INIT: the kernel sends nothing else before. */
	if (!fs->greeted && fs->several_at_once && count == 2 &&
		iov[1].iov_len == sizeof(struct fuse_init_out)) {
		struct fuse_init_out *out = iov[1].iov_base;

		out->flags |= FUSE_PARALLEL_DIROPS;
	}
	fs->greeted = true;
	return writev(fd, iov, count);
}

static const struct fuse_custom_io session_io = {.read = session_read, .writev = session_writev};

/* --- mounting --- */

static char complaint[200]; /* libfuse's latest error message: the reason why it does not mount */

/* Logs libfuse's own messages as one line each. */
static void session_log(enum fuse_log_level level, const char *fmt, va_list ap)
{
	char line[600];

	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	if ((int)level <= LOG_ERR)
		snprintf(complaint, sizeof(complaint), "%.199s", line);
	log_line((int)level <= LOG_ERR ? LOG_WARNING : LOG_DEBUG, "libfuse: %s", line);
}

static int session_arguments(const struct options *o, struct fuse_args *args)
{
	_cleanup_buf_ struct buf list = BUF_INIT;

	buf_printf(&list, "subtype=ebsfs,nosuid,nodev,%s%s", o->read_only ? "ro," : "",
		o->allow_other ? "allow_other,default_permissions," : "");
	buf_puts(&list, "fsname=");
	for (const char *p = o->source ? o->source : "ebsfs"; *p; p++) {
		if (*p == ',' || *p == '\\')
			buf_putc(&list, '\\');
		buf_putc(&list, *p);
	}
	if (o->fuse.len)
		buf_printf(&list, ",%s", o->fuse.data);
	if (list.error || fuse_opt_add_arg(args, "ebsfs") || fuse_opt_add_arg(args, "-o") ||
		fuse_opt_add_arg(args, list.data))
		return -ENOMEM;
	return 0;
}

static int session_start_polling(struct session *s)
{
	int fd = fuse_session_fd(s->fuse), r;

	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return -errno;
	s->poll = calloc(1, sizeof(*s->poll));
	if (!s->poll)
		return -ENOMEM;
	r = uv_poll_init(s->fs->loop, s->poll, fd);
	if (r < 0) {
		free(steal(&s->poll)); /* uv_poll_init() failed, so there is no handle to close */
		return r;
	}
	s->poll->data = s;
	s->between = (struct loop_between){session_serve_between, s};
	loop_set_between(s->fs->loop, &s->between);
	return uv_poll_start(s->poll, UV_READABLE, session_readable);
}

/* Announces the process (mount_table.h). A failure does not matter much: only if ebsfs is killed
 * and its process cannot end, the dead mount is not recognised. */
static void session_announce(struct session *s)
{
	_cleanup_free_ char *path = mount_table_resolve(s->fs->options->mountpoint);

	s->announced = path ? mount_table_announce(path) : -ENOMEM;
	if (s->announced < 0)
		log_info("the mount's process cannot be announced: %s", strerror(-s->announced));
}

int session_create(struct fs *fs, struct session **out, struct err *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct session *s;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s)
		return err_set(err, ENOMEM, "out of memory");
	s->fs = fs;
	s->announced = -1;
	s->linger_ns = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? LINGER_NS : 0;
	fuse_set_log_func(session_log);
	if (session_arguments(fs->options, &args) == 0)
		s->fuse = fuse_session_new(&args, &ops_table, sizeof(ops_table), fs);
	fuse_opt_free_args(&args);
	if (!s->fuse) {
		session_destroy(s);
		return err_set(err, EINVAL, "libfuse refused the mount options '%s'",
			buf_str(&fs->options->fuse));
	}
	if (fuse_session_mount(s->fuse, fs->options->mountpoint) != 0) {
		session_destroy(s);
		return err_set(err, EACCES, "cannot mount on %s%s%s", fs->options->mountpoint,
			*complaint ? ": " : ": fusermount3 refused", complaint);
	}
	s->mounted = true;
	fs->session = s->fuse;
	session_announce(s);
	r = fuse_session_custom_io(s->fuse, &session_io, fuse_session_fd(s->fuse));
	if (r == 0)
		r = session_start_polling(s);
	if (r < 0) {
		session_unmount(s);
		session_destroy(s);
		return err_set(err, -r, "cannot serve the mount: %s", strerror(-r));
	}
	*out = s;
	return 0;
}

void session_on_end(struct session *s, void (*ended)(struct fs *fs))
{
	s->ended = ended;
}

static void session_poll_closed(uv_handle_t *handle)
{
	free(handle);
}

void session_unmount(struct session *s)
{
	if (!s)
		return;
	loop_set_between(s->fs->loop, NULL);
	if (s->poll)
		uv_close((uv_handle_t *)s->poll, session_poll_closed);
	s->poll = NULL;
	if (s->mounted)
		fuse_session_unmount(s->fuse);
	if (s->announced >= 0)
		close(s->announced);
	s->announced = -1;
	s->mounted = false;
	s->fs->session = NULL;
}

void session_destroy(struct session *s)
{
	if (!s)
		return;
	if (s->fuse)
		fuse_session_destroy(s->fuse);
	free(s->buf.mem);
	free(s);
}

void session_invalidate(struct fs *fs, struct node n)
{
	if (!fs->session)
		return;
	fs->stats.invalidations++;
	/* Ignores the result: ENOENT means that the kernel had nothing cached. Offset -1 keeps the
	 * cached pages: the next open drops them, and a reader may hold their locks. */
	fuse_lowlevel_notify_inval_inode(fs->session, node_number(n), -1, 0);
}
