/* SPDX-License-Identifier: MIT */
/* The command line: the options after -o, from one table, and the exit status. */
#ifndef EBSFS_OPTIONS_H
#define EBSFS_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "aws.h"
#include "buf.h"
#include "err.h"

/* The command's exit status; ebsfs(1) has the same table. */
enum exit_status {
	EXIT_STATUS_DONE = 0,
	EXIT_STATUS_OTHER = 1,
	EXIT_STATUS_USAGE = 2,       /* a wrong option or value */
	EXIT_STATUS_CREDENTIALS = 3, /* no credentials, refused credentials, or a wrong AWS
				      * configuration */
	EXIT_STATUS_UNREACHABLE = 4, /* AWS, or a source of credentials, cannot be reached */
	EXIT_STATUS_MOUNT = 5,       /* this machine does not permit the user to mount there */
};

/* A value of uid=, gid= or umask=. */
struct options_id {
	bool given;
	uint32_t value;
};

struct options {
	char *mountpoint; /* as given; absolute once options_parse() has returned */
	char *source;   /* mount(8)'s first argument, shown as the file system's name; NULL: "ebsfs"
			 */
	char **regions; /* NULL-terminated; NULL: all enabled regions */
	char *profile;  /* NULL: the environment decides */
	char *endpoint_url;
	char *state_dir;    /* absolute; NULL: the default place */
	char *cache_dir;    /* absolute; NULL: the default place */
	int64_t cache_size; /* bytes; 0: the default */
	bool no_cache;
	double budget;   /* dollars a day for reading disks */
	int64_t rw_size; /* bytes that may be written into a disk */
	char *on_end;
	int64_t ttl_ms;
	int64_t wait_ms; /* how long the start waits for AWS and for credentials; 0: it does not
			    wait */
	int64_t poll_ms, window_ms, answer_ms, timeout_ms; /* 0: the default */
	double rate; /* factor on EC2's request rates; 0: the default */
	bool simulate, delete_, read_only, no_tags;
	bool allow_other, nonempty;
	struct options_id uid, gid, umask;
	enum aws_signature signature;
	bool foreground, debug;
	bool help, version, clear;
	struct buf fuse; /* options for libfuse and the kernel, joined by commas */
};

/* Reads argv. Returns 0, or -EINVAL with *err, which names the wrong argument and a right one. Call
 * options_finish() in every case. */
int options_parse(int argc, char **argv, struct options *o, struct err *err);
void options_finish(struct options *o);

/* Returns the folder for the journal and the catalogues: state_dir=, or the account's folder in the
 * user's state folder. The folder need not exist. The caller frees the path. NULL with *err: no
 * home folder, or no memory. */
char *options_state_dir(const struct options *o, const char *account, struct err *err);

/* Returns the folder for the blocks of disks: cache_dir=, or a folder for all accounts. Otherwise
 * as options_state_dir(). */
char *options_cache_dir(const struct options *o, struct err *err);

/* Appends the text of --help, which is made from the table of options. Results as buf_add. */
int options_help(struct buf *out);

#endif
