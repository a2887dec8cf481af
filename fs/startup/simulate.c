/* SPDX-License-Identifier: MIT */
/* -o simulate: the simulator as a child process, and the environment that leads to it. */
#include "simulate.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libexec.h"
#include "num.h"
#include "sim.h"

#define SIMULATOR "ebsfs-simulate"

struct simulate {
	pid_t pid; /* process of the simulator; 0: none */
};

/* Runs the simulator; its standard output is the pipe. In the background it must not keep the
 * user's terminal open, nor a pipe whose reader waits for the end of the command. Returns 0 or an
 * errno. */
static int simulate_exec(const char *path, int ready_fd, bool foreground, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	char parent[16];
	char *const argv[] = {(char *)SIMULATOR, parent, NULL};
	int r;

	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	r = posix_spawn_file_actions_init(&actions);
	if (r)
		return r;
	r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!r)
		r = posix_spawn_file_actions_adddup2(&actions, ready_fd, STDOUT_FILENO);
	if (!r && !foreground)
		r = posix_spawn_file_actions_addopen(
			&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!r)
		r = posix_spawn(pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

/* Replaces the user's AWS configuration in the environment, so that no request can reach AWS. */
static int simulate_set_environment(void)
{
	static const char *const settings[][2] = {{"AWS_ACCESS_KEY_ID", SIM_ACCESS_KEY},
		{"AWS_SECRET_ACCESS_KEY", SIM_SECRET_KEY}, {"AWS_CONFIG_FILE", "/dev/null"},
		{"AWS_SHARED_CREDENTIALS_FILE", "/dev/null"}, {"AWS_REGION", "us-east-1"},
		{"NO_PROXY", "127.0.0.1"}, {"no_proxy", "127.0.0.1"}};
	static const char *const unwanted[] = {"AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
		"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CA_BUNDLE", "AWS_USE_FIPS_ENDPOINT",
		"AWS_USE_DUALSTACK_ENDPOINT", "AWS_CREDENTIAL_EXPIRATION"};

	for (size_t i = 0; i < ARRAY_LEN(unwanted); i++)
		unsetenv(unwanted[i]);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (setenv(settings[i][0], settings[i][1], 1) < 0)
			return -errno;
	return 0;
}

static int simulate_read_port(int fd, uint64_t *port)
{
	char line[16];
	size_t n = 0;

	while (n < sizeof(line)) {
		ssize_t r = read(fd, line + n, sizeof(line) - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return -EIO;
		n += (size_t)r;
		if (line[n - 1] == '\n')
			return num_parse_u64(line, n - 1, 1, 65535, port);
	}
	return -EIO;
}

static int simulate_spawn(struct options *o, struct simulate *s, struct err *err)
{
	char path[PATH_MAX];
	uint64_t port;
	int fds[2], r;

	libexec_find("aws/sim/" SIMULATOR, path);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, errno, "cannot start the simulator: %s", strerror(errno));
	r = simulate_exec(path, fds[1], o->foreground, &s->pid);
	close(fds[1]);
	if (r) {
		close(fds[0]);
		s->pid = 0;
		return err_set(err, r,
			"cannot start the simulator %s: %s; install ebsfs again, with that program",
			path, strerror(r));
	}
	r = simulate_read_port(fds[0], &port);
	close(fds[0]);
	if (r < 0)
		return err_set(err, -r,
			"cannot start the simulator: %s ended before it was ready; run it by "
			"itself "
			"to see its error",
			path);
	free(o->profile);
	o->profile = NULL;
	if (asprintf(&o->endpoint_url, "http://127.0.0.1:%u", (unsigned)port) < 0 ||
		simulate_set_environment() < 0)
		return err_set(err, ENOMEM, "out of memory");
	if (!o->poll_ms)
		o->poll_ms = 500; /* the simulator does not throttle */
	return 0;
}

int simulate_start(struct options *o, struct simulate **out, struct err *err)
{
	struct simulate *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return err_set(err, ENOMEM, "out of memory");
	r = simulate_spawn(o, s, err);
	if (r < 0) {
		simulate_end(s);
		return r;
	}
	*out = s;
	return 0;
}

void simulate_end(struct simulate *s)
{
	if (!s)
		return;
	if (s->pid > 0) {
		kill(s->pid, SIGKILL); /* SIGKILL ends a stopped process too; the simulator has
					  nothing to save */
		waitpid(s->pid, NULL, 0);
	}
	free(s);
}
