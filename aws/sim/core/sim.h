/* SPDX-License-Identifier: MIT */
/* A simulated AWS on loopback: EC2's calls for snapshots, images and volumes, EBS's direct APIs and
 * STS, as strict and as awkward as the real ones. Its "world" is the simulated content: regions,
 * snapshots, keys. The program ebsfs-sim adds worlds from a file (sim_world_json.c), fault
 * plans (sim_faults.h) and control of the running simulator (sim_control.h). */
#ifndef EBSFS_SIM_H
#define EBSFS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/* The account of every world, and its permanent access key, which is valid nowhere else. */
#define SIM_ACCOUNT    "123456789012"
#define SIM_ACCESS_KEY "AKIASIMULATED0000001"
#define SIM_SECRET_KEY "simulated/secret+key/that+opens+nothing0"

struct sim_range {
	int64_t min, max; /* inclusive; values are distributed evenly */
};

/* The progress text of a pending copy. */
enum sim_progress {
	SIM_PROGRESS_STEPS, /* "0%", "5%", … */
	SIM_PROGRESS_JUMP,  /* "0%" until the copy ends */
	SIM_PROGRESS_EMPTY, /* an empty element */
	SIM_PROGRESS_BARE,  /* "35", without the sign */
	SIM_PROGRESS_EARLY, /* "100%" long before the copy ends */
};

/* The pages of DescribeSnapshots. */
enum sim_pages {
	SIM_PAGES_FULL,   /* as many items as requested */
	SIM_PAGES_AFTER,  /* filters apply after paging: short and empty pages with a token */
	SIM_PAGES_RAGGED, /* random lengths, zero too; an empty token element at the end */
};

/* Whether the endpoint implements EC2's present API or that of 2012 only. */
enum sim_age {
	SIM_AGE_NOW,
	SIM_AGE_REFUSES, /* the API of 2012; a later parameter is an error */
	SIM_AGE_IGNORES, /* the API of 2012; later parameters are ignored */
};

/* POST /_sim/set changes these while the simulator runs. */
struct sim_behaviour {
	struct sim_range copy_ms;   /* how long a copy takes */
	int64_t copy_mib_s;         /* not 0: a copy takes as long as its data at this rate, and at
				       least copy_ms.min */
	struct sim_range volume_ms; /* how long a volume is "creating", or an image "pending" */
	int client_token_s;         /* how long a client token is remembered; 0: for ever */
	enum sim_progress progress;
	int progress_step;               /* percent */
	struct sim_range consistency_ms; /* how long DescribeSnapshots does not show a change */
	bool flicker;                    /* random responses show a change earlier */
	struct sim_range latency_ms;     /* before each response */
	double throttle;                 /* scales EC2's token buckets; 0: no throttling */
	enum sim_pages pages;
	enum sim_age age;
	int copy_limit;          /* pending copies per destination region */
	bool late_source_errors; /* a copy of an unknown source is accepted and fails later */
	bool deleting_waits;     /* deleting a pending copy takes effect when it ends */
	int block_token_s;       /* lifetime of EBS's block tokens; 0: 7 days */
	int page_token_s;        /* lifetime of EBS's page tokens; 0: an hour */
	int session_s;           /* lifetime of the keys from STS; 0: as requested */
	int64_t clock_shift_ms;  /* the simulator's wall clock minus the machine's */
};

#define SIM_BULK_MAX 64

struct sim_options {
	uint16_t port;           /* 0: any */
	pid_t parent;            /* not 0: the parent process; the simulator ends with it */
	bool demo;               /* the built-in account */
	const char *world_file;  /* JSON, see sim_world_json.c; NULL: none */
	const char *disks;       /* folder of image files, see sim_disk.h; NULL: none */
	const char *faults_file; /* JSON, see sim_faults.h; NULL: none */
	struct {
		uint64_t snapshots;
		const char *region;
	} bulk[SIM_BULK_MAX]; /* generated snapshots, by number */
	size_t n_bulk;
	int n_regions;     /* the least number of regions that the world has */
	uint64_t seed;     /* seed of the random numbers; 0: a different one each time */
	const char *xmlns; /* XML namespace of the responses; NULL: that of the API version */
	bool trace;        /* writes one line per request to stderr */
	struct sim_behaviour behaviour;
};

/* Sets the defaults: no snapshots, no delays, no throttling, copies that take 2 s. */
void sim_options_init(struct sim_options *o);
/* Sets the options of `ebsfs -o simulate`: the built-in account, copies that take 20 to 40 s, some
 * latency. */
void sim_options_demo(struct sim_options *o);

struct sim_hooks;

/* Listens on 127.0.0.1, writes "PORT\n" to ready_fd (unless it is -1) and serves until SIGTERM,
 * SIGINT or the parent's end. hooks: NULL, or the test part (sim_service.h). Needs a process of its
 * own: it blocks these signals, ignores SIGPIPE, and starts threads. Returns 0, or -errno with *err
 * if it could not start. It ends when the thread that forked it ends (PR_SET_PDEATHSIG watches this
 * thread, not the parent process), so that thread must live as long as the simulator. */
int sim_run(
	const struct sim_options *o, const struct sim_hooks *hooks, int ready_fd, struct err *err);

#endif
