/* SPDX-License-Identifier: MIT */
/* Forks into the background. */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workdir.h"

static void daemon_wait_for_child(pid_t pid, int fd)
{
	char byte;
	ssize_t n;
	int status;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status))
		_exit(WEXITSTATUS(status));
	_exit(1);
}

int daemon_fork(const char *mountpoint, struct err *err)
{
	int fds[2], r;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, errno,
			"cannot go into the background: %s; try again, or use -f", strerror(errno));
	pid = fork();
	if (pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return err_set(err, errno,
			"cannot go into the background: %s; try again, or use -f", strerror(errno));
	}
	if (pid > 0) {
		close(fds[1]);
		daemon_wait_for_child(pid, fds[0]);
	}
	close(fds[0]);
	prctl(PR_SET_PDEATHSIG, SIGTERM); /* until daemon_ready(), ^C ends the child together with
					   * the parent */
	setsid();
	r = workdir_leave(mountpoint);
	if (r < 0)
		return err_set(err, -r, "cannot go to /: %s", strerror(-r));
	return fds[1];
}

void daemon_ready(int fd)
{
	if (fd >= 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		for (int i = 0; null >= 0 && i < 3; i++)
			dup2(null, i);
		if (null > 2)
			close(null);
		prctl(PR_SET_PDEATHSIG, 0);
		while (write(fd, "", 1) < 0 && errno == EINTR)
			;
		close(fd);
	}
}
