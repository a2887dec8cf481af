/* SPDX-License-Identifier: MIT */
/* Enters ebsfs-reader's sandbox and then does what a reader that was taken over would try:
 *
 *     contents-forbidden ACT
 *
 * Ends with status 0 if the act was permitted, 3 if it failed; else a signal ends it. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "reader_protocol.h"
#include "sandbox.h"

static int act_open(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static int act_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static int act_execve(void)
{
	char *argv[] = {(char *)"true", NULL};

	return execve("/bin/true", argv, NULL);
}

static int act_fork(void)
{
	return fork();
}

static int act_kill(void)
{
	return kill(getppid(), 0);
}

static int act_other_descriptor(void)
{
	return (int)write(STDERR_FILENO, "x", 1);
}

static int act_executable_memory(void)
{
	void *p = mmap(
		NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : 0;
}

static int act_memory(void)
{
	char *p = malloc(READER_MEMORY);

	if (!p)
		return -1;
	memset(p, 1, READER_MEMORY);
	return p[READER_MEMORY / 2] == 1 ? 0 : -1;
}

static int act_cpu(void)
{
	volatile unsigned long n = 1;

	sandbox_limit_cpu(1);
	while (n)
		n |= 1;
	return 0;
}

static int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The system calls that a reader needs. */
static int act_none(void)
{
	static int numbers[100000];
	void *block = malloc(8 << 20);
	char byte = 1;

	if (!block)
		return -1;
	memset(block, 1, 8 << 20);
	for (int i = 0; i < 100000; i++)
		numbers[i] = 99999 - i;
	qsort(numbers, 100000, sizeof(*numbers), compare);
	block = realloc(block, 16 << 20);
	free(block);
	sandbox_limit_cpu(READER_CPU_SECONDS);
	return write(READER_FD, &byte, 1) == 1 && read(READER_FD, &byte, 1) == 1 ? numbers[0] : -1;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} acts[] = {
		{"none", act_none},
		{"open", act_open},
		{"socket", act_socket},
		{"execve", act_execve},
		{"fork", act_fork},
		{"kill", act_kill},
		{"other-descriptor", act_other_descriptor},
		{"executable-memory", act_executable_memory},
		{"memory", act_memory},
		{"cpu", act_cpu},
	};

	if (argc != 2 || sandbox_enter(READER_FD, READER_MEMORY))
		return 2;
	for (size_t i = 0; i < ARRAY_LEN(acts); i++)
		if (!strcmp(argv[1], acts[i].name))
			_exit(acts[i].run() < 0 ? 3 : 0);
	return 2;
}
