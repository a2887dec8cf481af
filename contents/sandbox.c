/* SPDX-License-Identifier: MIT */
/* Limits of resources, and a filter of system calls. */
#include "sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "cleanup.h"

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#endif

/* System calls that are permitted with any arguments: none of these can reach outside the process.
 * sysinfo: qsort() uses it to find the machine's memory. */
static const int permitted[] = {SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(madvise), SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(futex),
	SCMP_SYS(getrandom), SCMP_SYS(sysinfo), SCMP_SYS(setitimer), SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday), SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn)};

static int filter_fill(scmp_filter_ctx filter, int fd)
{
	static const int on_fd[] = {SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev)};
	struct scmp_arg_cmp is_fd = {.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)fd};
	struct scmp_arg_cmp memory[] = {
		{.arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0},
		{.arg = 3,
			.op = SCMP_CMP_MASKED_EQ,
			.datum_a = MAP_ANONYMOUS,
			.datum_b = MAP_ANONYMOUS}};
	int r = 0;

	for (size_t i = 0; !r && i < ARRAY_LEN(permitted); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, permitted[i], 0);
	for (size_t i = 0; !r && i < ARRAY_LEN(on_fd); i++)
		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, on_fd[i], 1, &is_fd);
	if (!r)
		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, memory);
	return r;
}

static int filter_load(int fd)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (!filter)
		return -ENOMEM;
	r = filter_fill(filter, fd);
	if (!r)
		r = seccomp_load(filter); /* also sets no_new_privs */
	seccomp_release(filter);
	return r;
}

static int descriptors_close(int fd)
{
	int first = fd + 1;

#ifdef SANITIZED
	first = STDERR_FILENO + 1;
#else
	if (fd > 0 && close_range(0, (unsigned)fd - 1, 0))
		return -errno;
#endif
	return close_range((unsigned)first, ~0u, 0) ? -errno : 0;
}

int sandbox_enter(int fd, size_t memory)
{
	struct rlimit space = {memory, memory}, none = {0, 0};
	struct sigaction normal = {.sa_handler = SIG_DFL};
	sigset_t signals;
	int r = descriptors_close(fd);

	if (r)
		return r;
	sigemptyset(&signals);
	sigaddset(&signals, SIGPROF);
	if (sigaction(SIGPROF, &normal, NULL) || sigprocmask(SIG_UNBLOCK, &signals, NULL) ||
		setrlimit(RLIMIT_CORE, &none) || prctl(PR_SET_DUMPABLE, 0))
		return -errno;
#ifdef SANITIZED
	(void)space;
	(void)filter_load;
	return 0;
#else
	if (setrlimit(RLIMIT_AS, &space))
		return -errno;
	return filter_load(fd);
#endif
}

void sandbox_limit_cpu(unsigned seconds)
{
	struct itimerval limit = {.it_value = {.tv_sec = (time_t)seconds}};

	setitimer(ITIMER_PROF, &limit, NULL);
}
