/* SPDX-License-Identifier: MIT */
/* The command ebsfs. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "aws_error.h"
#include "daemon.h"
#include "dead_mount.h"
#include "log.h"
#include "mount_check.h"
#include "options.h"
#include "simulate.h"
#include "start.h"

static void main_report(const struct err *err)
{
	const char *advice = aws_error_advice_for(err);
	char text[800];

	fprintf(stderr, "ebsfs: %s%s%s\n", err_text(err, text, sizeof(text)),
		advice ? ". Next: " : "", advice ? advice : "");
}

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/* Prevents core dumps, and ptrace by other processes: keys are in memory. */
static void main_protect_secrets(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
#ifndef SANITIZED /* the leak checker traces its own process */
	prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* Uses one malloc arena, because one thread does nearly all the work, and returns the memory of a
 * listing's page to the system once the page is in the catalogue. */
static void main_limit_memory(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 64 << 10);
	mallopt(M_TRIM_THRESHOLD, 128 << 10);
}

static enum exit_status main_run(struct options *o, struct err *err)
{
	struct simulate *simulate = NULL;
	struct mount *mount = NULL;
	enum exit_status status;
	int ready_fd = -1, r = 0;

	if (mount_check(o, &status, err) < 0)
		return status;
	if (!o->foreground) {
		ready_fd = daemon_fork(o->mountpoint, err);
		if (ready_fd < 0)
			return EXIT_STATUS_OTHER;
	}
	main_protect_secrets();
	status = EXIT_STATUS_OTHER;
	if (o->simulate)
		r = simulate_start(o, &simulate, err);
	if (r == 0)
		r = start_mount(o, &mount, &status, err);
	if (r == 0) {
		log_setup(o->debug ? LOG_DEBUG : LOG_INFO, !o->foreground);
		log_info("mounted on %s", o->mountpoint);
		daemon_ready(ready_fd);
		start_serve(mount);
		log_info("unmounted from %s", o->mountpoint);
	}
	start_finish(mount);
	simulate_end(simulate);
	return r < 0 ? status : EXIT_STATUS_DONE;
}

/* Implements --clear. Cleared mounts have been logged already. */
static enum exit_status main_clear(const char *mountpoint, struct err *err)
{
	int n_cleared, r = dead_mount_clear(mountpoint, &n_cleared, err);

	if (r < 0)
		return EXIT_STATUS_OTHER;
	if (r > 0)
		printf("%s: the ebsfs that is mounted there is alive, so it stays; end it with: "
		       "fusermount3 -u %s\n",
			mountpoint, mountpoint);
	else if (!n_cleared)
		printf("%s: no dead mount of an ebsfs is there; nothing to clear\n", mountpoint);
	return EXIT_STATUS_DONE;
}

/* As mount.ebsfs, the program that `mount -t ebsfs` runs: drops the arguments of mount(8) that
 * ebsfs does not need (-s: ignore unknown options, -n: no mtab, -v, -t TYPE). Returns false for a
 * dry run (-f), which must not mount. */
static bool main_take_words_of_mount(int *argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	int kept = 1;
	bool mounts = true;

	if (strcmp(slash ? slash + 1 : argv[0], "mount.ebsfs") != 0)
		return true;
	for (int i = 1; i < *argc; i++) {
		const char *word = argv[i];

		if (!strcmp(word, "-o")) {
			argv[kept++] = argv[i];
			argv[kept++] = argv[++i];
		} else if (!strcmp(word, "-t")) {
			i++;
		} else if (word[0] == '-' && word[1] && !word[1 + strspn(word + 1, "fnsv")]) {
			mounts = mounts && !strchr(word, 'f');
		} else {
			argv[kept++] = argv[i];
		}
	}
	*argc = kept < *argc ? kept : *argc;
	argv[*argc] = NULL;
	return mounts;
}

int main(int argc, char **argv)
{
	enum exit_status status = EXIT_STATUS_DONE;
	struct options options;
	struct err err;

	main_limit_memory();
	/* Four threads, because parsing and the journal's fsync run at the same time. */
	setenv("UV_THREADPOOL_SIZE", "4", 1);
	if (!main_take_words_of_mount(&argc, argv))
		return EXIT_STATUS_DONE;
	if (options_parse(argc, argv, &options, &err) < 0) {
		status = EXIT_STATUS_USAGE;
	} else if (options.help) {
		_cleanup_buf_ struct buf text = BUF_INIT;

		options_help(&text);
		fputs(buf_str(&text), stdout);
	} else if (options.version) {
		puts("ebsfs " EBSFS_VERSION);
	} else if (options.clear) {
		status = main_clear(options.mountpoint, &err);
	} else {
		/* Until the mount is ready, the user sees only warnings and, if the mount fails,
		 * one line. */
		log_setup(options.debug ? LOG_DEBUG : LOG_WARNING, false);
		status = main_run(&options, &err);
	}
	options_finish(&options);
	if (status != EXIT_STATUS_DONE)
		main_report(&err);
	return status;
}
