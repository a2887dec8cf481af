/* SPDX-License-Identifier: MIT */
/* One process of ebsfs-reader: start, messages, end. */
#include "files_process.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "buf.h"
#include "loop.h"

/* Bytes that are received at once. */
#define RECEIVE_SIZE ((size_t)16 << 10)
struct files_process {
	const struct files_process_events *events;
	void *arg;
	pid_t pid;
	int fd;
	struct loop_watch *watch;
	struct buf in;  /* a message that has not been received completely */
	struct buf out; /* bytes that the socket has not taken yet */
	size_t out_sent;
};

/* --- start --- */

/* Starts the program. It inherits only the socket, as descriptor READER_FD, and no environment,
 * which may contain keys. posix_spawn() instead of fork(): the child never has this process's
 * memory. */
static int process_spawn(const char *program, int fd, pid_t *pid)
{
	char *const argv[] = {(char *)"ebsfs-reader", NULL}, *const environment[] = {NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int r;

	r = posix_spawn_file_actions_init(&actions);
	if (r)
		return r;
	r = posix_spawnattr_init(&attributes);
	if (r) {
		posix_spawn_file_actions_destroy(&actions);
		return r;
	}
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	r = posix_spawn_file_actions_adddup2(&actions, fd, READER_FD);
	if (!r)
		r = posix_spawn_file_actions_addclosefrom_np(&actions, READER_FD + 1);
	if (!r)
		r = posix_spawn(pid, program, &actions, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static void process_ready(void *arg, int fd, int events);

int files_process_start(uv_loop_t *loop, const char *program,
	const struct files_process_events *events, void *arg, struct files_process **out,
	struct err *err)
{
	struct files_process *p = calloc(1, sizeof(*p));
	int fds[2], r;

	if (!p)
		return err_set(err, ENOMEM, "out of memory");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0) {
		r = errno;
		free(p);
		return err_set(err, r, "cannot start %s: %s", program, strerror(r));
	}
	p->events = events;
	p->arg = arg;
	p->fd = fds[0];
	r = process_spawn(program, fds[1], &p->pid);
	close(fds[1]);
	if (r) {
		p->pid = 0;
		files_process_end(p);
		return err_set(err, EIO,
			"cannot start %s: %s; install ebsfs again, with that program", program,
			strerror(r));
	}
	p->watch = loop_watch_create(loop, p->fd, process_ready, p);
	if (!p->watch) {
		files_process_end(p);
		return err_set(err, ENOMEM, "out of memory");
	}
	loop_watch_start(p->watch, UV_READABLE);
	*out = p;
	return 0;
}

/* --- end --- */

/* Waits for the process, which has ended or was killed: this takes no longer than to free its
 * memory. Returns its status. */
static int process_reap(struct files_process *p)
{
	int status = 0;

	if (p->pid <= 0)
		return 0;
	kill(p->pid, SIGKILL);
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
	return status;
}

void files_process_end(struct files_process *p)
{
	if (!p)
		return;
	loop_watch_destroy(p->watch);
	close(p->fd);
	process_reap(p);
	buf_finish(&p->in);
	buf_finish(&p->out);
	free(p);
}

/* Reports the error to the owner, once. The owner must then end the process. */
static void process_fail(struct files_process *p, const struct err *err)
{
	loop_watch_destroy(steal(&p->watch));
	p->events->failed(p->arg, err);
}

/* Reports that the process closed its socket: it has ended, or is about to end. */
static void process_fail_ended(struct files_process *p)
{
	int status = process_reap(p);
	struct err err;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		err_set(&err, EIO,
			"ebsfs-reader was ended by its sandbox, because it made a forbidden system "
			"call");
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		err_set(&err, EIO, "ebsfs-reader has used up its time");
	else if (WIFSIGNALED(status))
		err_set(&err, EIO, "ebsfs-reader ended by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else
		err_set(&err, EIO, "ebsfs-reader ended with status %d", WEXITSTATUS(status));
	process_fail(p, &err);
}

/* --- messages --- */

/* Returns the length of the message at the beginning of `in`, with its header; 0: not known yet. */
static size_t process_expects(const struct files_process *p)
{
	struct reader_header header;

	if (p->in.len < sizeof(header))
		return 0;
	memcpy(&header, p->in.data, sizeof(header));
	return sizeof(header) + header.length;
}

/* Passes a complete message to the owner. No more bytes may follow: the reader must wait for the
 * bytes that it requested, or for the next request. */
static void process_deliver(struct files_process *p)
{
	_cleanup_buf_ struct buf in = p->in;
	struct reader_header header;

	p->in = BUF_INIT;
	memcpy(&header, in.data, sizeof(header));
	p->events->message(p->arg, &header, in.data + sizeof(header));
}

static void process_broke(struct files_process *p, const char *how)
{
	struct err err;

	err_set(&err, EIO, "ebsfs-reader broke the protocol: %s", how);
	process_fail(p, &err);
}

/* Handles the received bytes. Returns true if more may be received now. */
static bool process_take(struct files_process *p)
{
	struct reader_header header;

	if (p->in.len < sizeof(header))
		return true;
	memcpy(&header, p->in.data, sizeof(header));
	if (header.version != READER_VERSION)
		process_broke(p, "a message has another version");
	else if (header.length > READER_PAYLOAD_MAX)
		process_broke(p, "a message is too long");
	else if (p->in.len > sizeof(header) + header.length)
		process_broke(p, "a message came before it was asked for");
	else if (p->in.len < sizeof(header) + header.length)
		return true;
	else
		process_deliver(p);
	return false;
}

/* Receives until the socket is empty or a message is whole. */
static void process_receive(struct files_process *p)
{
	for (;;) {
		size_t have = p->in.len, want = process_expects(p);
		struct err err;
		ssize_t n;

		want = want > have + RECEIVE_SIZE ? want - have : RECEIVE_SIZE;
		if (buf_resize(&p->in, have + want) < 0) {
			err_set(&err, ENOMEM, "out of memory");
			process_fail(p, &err);
			return;
		}
		do
			n = recv(p->fd, p->in.data + have, want, MSG_DONTWAIT);
		while (n < 0 && errno == EINTR);
		p->in.len = have + (n > 0 ? (size_t)n : 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			process_fail_ended(p);
			return;
		}
		if (!process_take(p))
			return;
	}
}

/* Sends as much as the socket takes. */
static void process_flush(struct files_process *p)
{
	while (p->out_sent < p->out.len) {
		ssize_t n = send(p->fd, p->out.data + p->out_sent, p->out.len - p->out_sent,
			MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return; /* the socket is full; or the process has ended, which the next
				   receive reports */
		p->out_sent += (size_t)n;
	}
	buf_finish(&p->out);
	p->out_sent = 0;
	loop_watch_start(p->watch, UV_READABLE);
}

static void process_ready(void *arg, int fd, int events)
{
	struct files_process *p = arg;

	(void)fd;
	if (events & UV_WRITABLE)
		process_flush(p);
	if (!(events & UV_WRITABLE) || events & UV_READABLE)
		process_receive(p);
}

int files_process_send(struct files_process *p, enum reader_type type, uint64_t id,
	const struct iovec *parts, int n_parts)
{
	struct reader_header header = {.type = (uint16_t)type, .version = READER_VERSION, .id = id};
	struct iovec iov[1 + FILES_SEND_PARTS_MAX];
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = (size_t)n_parts + 1};
	ssize_t sent = 0;
	int r = 0;

	iov[0] = (struct iovec){&header, sizeof(header)};
	for (int i = 0; i < n_parts; i++) {
		iov[i + 1] = parts[i];
		header.length += (uint32_t)parts[i].iov_len;
	}
	if (p->out.len == 0) {
		do
			sent = sendmsg(p->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		while (sent < 0 && errno == EINTR);
		if (sent < 0)
			sent = 0; /* nothing was sent: process_flush() sends the bytes later */
	}
	for (int i = 0; i <= n_parts && r == 0; i++) {
		size_t skip = (size_t)sent < iov[i].iov_len ? (size_t)sent : iov[i].iov_len;

		sent -= (ssize_t)skip;
		if (skip < iov[i].iov_len)
			r = buf_add(&p->out, (char *)iov[i].iov_base + skip, iov[i].iov_len - skip);
	}
	if (p->out.len && p->watch)
		loop_watch_start(p->watch, UV_READABLE | UV_WRITABLE);
	return r < 0 ? -ENOMEM : 0;
}
