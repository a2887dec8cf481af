/* SPDX-License-Identifier: MIT */
/* Preloaded into an ebsfs that is built with -finstrument-functions: notes which function calls
 * which, each pair once, in the order of their first calls. scripts/walk reads it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAIRS_MAX 65536
#define DEPTH_MAX 4096
#define EXPORTED  __attribute__((visibility("default")))

struct pair {
	uint64_t caller, callee; /* offsets in the program; the caller is 0 at the bottom */
};

/* Shared with scripts/walk through a file. */
struct walk {
	uint64_t on; /* scripts/walk sets it to note calls, and n to 0 */
	uint64_t n;
	struct pair pairs[PAIRS_MAX];
};

static struct walk *walk;
static uintptr_t base;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread uintptr_t stack[DEPTH_MAX];
static __thread unsigned depth;

static int note_base(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	base = info->dlpi_addr; /* the program comes first */
	return 1;
}

static __attribute__((constructor)) void begin(void)
{
	const char *path = getenv("EBSFS_WALK");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *shared;

	dl_iterate_phdr(note_base, NULL);
	if (fd < 0)
		return;
	shared = mmap(NULL, sizeof(*walk), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared != MAP_FAILED)
		walk = shared;
	close(fd);
}

static void note(uintptr_t caller, uintptr_t callee)
{
	struct pair pair = {caller ? caller - base : 0, callee - base};

	pthread_mutex_lock(&lock);
	for (uint64_t i = 0; i < walk->n; i++)
		if (!memcmp(&walk->pairs[i], &pair, sizeof(pair)))
			goto out;
	if (walk->n < PAIRS_MAX)
		walk->pairs[walk->n++] = pair;
out:
	pthread_mutex_unlock(&lock);
}

EXPORTED void __cyg_profile_func_enter(void *function, void *site);
EXPORTED void __cyg_profile_func_exit(void *function, void *site);

void __cyg_profile_func_enter(void *function, void *site)
{
	(void)site;
	if (walk && __atomic_load_n(&walk->on, __ATOMIC_ACQUIRE))
		note(depth && depth <= DEPTH_MAX ? stack[depth - 1] : 0, (uintptr_t)function);
	if (depth < DEPTH_MAX)
		stack[depth] = (uintptr_t)function;
	depth++;
}

void __cyg_profile_func_exit(void *function, void *site)
{
	(void)function;
	(void)site;
	if (depth)
		depth--;
}
