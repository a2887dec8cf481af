/* SPDX-License-Identifier: MIT */
/* The command ebsfs. */
#include <malloc.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "aws_advice.h"
#include "daemon.h"
#include "dead_mount.h"
#include "log.h"
#include "options.h"
#include "simulate.h"
#include "start.h"

static int complain(const struct err *err)
{
	const char *advice = aws_advice_for(err);
	char text[800];

	fprintf(stderr, "ebsfs: %s%s%s\n", err_text(err, text, sizeof(text)),
		advice ? ". Next: " : "", advice ? advice : "");
	return 1;
}

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/* Keys are in memory: no core dump, no ptrace by others. */
static void keep_secrets(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
#ifndef SANITIZED /* the leak checker traces its own process */
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* One thread does nearly all the work, and what a page of a listing took is to go back to the
 * system once it is in the catalogue. */
static void keep_small(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 64 << 10);
	mallopt(M_TRIM_THRESHOLD, 128 << 10);
}

static int run(struct options *o, struct err *err)
{
	struct simulate *simulate = NULL;
	struct mount *mount = NULL;
	int ready_fd = -1, r = 0;

	if (!o->foreground) {
		ready_fd = daemon_fork(o->mountpoint, err);
		if (ready_fd < 0)
			return ready_fd;
	}
	keep_secrets();
	if (o->simulate)
		r = simulate_start(o, &simulate, err);
	if (r == 0)
		r = start_mount(o, &mount, err);
	if (r == 0) {
		log_setup(o->debug ? LOG_DEBUG : LOG_INFO, !o->foreground);
		log_info("mounted on %s", o->mountpoint);
		daemon_ready(ready_fd);
		start_serve(mount);
		log_info("unmounted from %s", o->mountpoint);
	}
	start_finish(mount);
	simulate_end(simulate);
	return r;
}

int main(int argc, char **argv)
{
	struct options options;
	struct err err;
	int r;

	keep_small();
	/* Parsing and the journal's fsync run side by side. */
	setenv("UV_THREADPOOL_SIZE", "4", 1);
	r = options_parse(argc, argv, &options, &err);
	if (r == 0 && options.help) {
		_cleanup_buf_ struct buf text = BUF_INIT;

		options_help(&text);
		fputs(buf_str(&text), stdout);
	} else if (r == 0 && options.version) {
		puts("ebsfs " EBSFS_VERSION);
	} else if (r == 0 && options.clear) {
		r = dead_mount_clear(options.mountpoint, &err);
	} else if (r == 0) {
		/* To who asks for the mount: what it waits for, what is odd, and one clear line if
		 * it does not come to a mount. */
		log_setup(options.debug ? LOG_DEBUG : LOG_WARNING, false);
		r = run(&options, &err);
	}
	options_finish(&options);
	return r < 0 ? complain(&err) : 0;
}
