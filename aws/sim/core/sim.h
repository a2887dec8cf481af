/* SPDX-License-Identifier: MIT */
/* A simulated AWS on loopback: EC2's snapshot calls and STS, as strict and as awkward as the real
 * ones. Worlds from a file: sim_world_json.c. Fault plans: sim_faults.h. Control while it runs:
 * sim_control.h. */
#ifndef EBSFS_SIM_H
#define EBSFS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "err.h"

/* The account that every world has, and its permanent key pair, which opens nothing else. */
#define SIM_ACCOUNT    "123456789012"
#define SIM_ACCESS_KEY "AKIASIMULATED0000001"
#define SIM_SECRET_KEY "simulated/secret+key/that+opens+nothing0"

struct sim_range {
	int64_t min, max; /* both ends included; a value is drawn evenly */
};

/* How the progress of a pending copy is written. */
enum sim_progress {
	SIM_PROGRESS_STEPS, /* "0%", "5%", … */
	SIM_PROGRESS_JUMP,  /* "0%" until it ends */
	SIM_PROGRESS_EMPTY, /* an empty element */
	SIM_PROGRESS_BARE,  /* "35", without the sign */
	SIM_PROGRESS_EARLY, /* "100%" long before it ends */
};

/* What a page of DescribeSnapshots holds. */
enum sim_pages {
	SIM_PAGES_FULL,   /* as many as were asked for */
	SIM_PAGES_AFTER,  /* filters come after paging: short and empty pages with a token */
	SIM_PAGES_RAGGED, /* random lengths, also none; an empty token element at the end */
};

/* Whether it is a cloud that speaks EC2's API of 2012 only. */
enum sim_age {
	SIM_AGE_NOW,
	SIM_AGE_REFUSES, /* what came later is an unknown parameter */
	SIM_AGE_IGNORES, /* what came later is passed over in silence */
};

/* Everything here may also be changed while the simulator runs: POST /_sim/set. */
struct sim_behaviour {
	struct sim_range copy_ms; /* how long a copy takes */
	int64_t copy_mib_s;       /* not 0: by the data's size instead, but at least copy_ms.min */
	enum sim_progress progress;
	int progress_step;               /* percent */
	struct sim_range consistency_ms; /* how long DescribeSnapshots does not know of a change */
	bool flicker;                    /* meanwhile some answers know of it and some do not */
	struct sim_range latency_ms;     /* before each answer */
	double throttle;                 /* EC2's buckets times this; 0: no throttling */
	enum sim_pages pages;
	enum sim_age age;
	int copy_limit;          /* pending copies per destination region */
	bool late_source_errors; /* CopySnapshot of an unknown source is accepted and fails later */
	bool deleting_waits;     /* deleting a pending copy takes effect when it ends */
	int session_s;           /* life of the keys that STS hands out; 0: as asked for */
	int64_t clock_shift_ms;  /* the simulator's wall clock minus the machine's */
};

#define SIM_BULK_MAX 64

struct sim_options {
	uint16_t port; /* 0: any */
	pid_t parent;  /* not 0: end when this process, which must be the parent, has ended */
	bool demo;     /* the built-in account */
	const char *world_file;  /* JSON, see sim_world_json.c; NULL: none */
	const char *faults_file; /* JSON, see sim_faults.h; NULL: none */
	struct {
		uint64_t snapshots;
		const char *region;
	} bulk[SIM_BULK_MAX]; /* generated snapshots, by number */
	size_t n_bulk;
	int n_regions;     /* so many regions exist at least */
	uint64_t seed;     /* of everything random; 0: another one each time */
	const char *xmlns; /* the answers' namespace; NULL: that of the API version */
	bool trace;        /* one line to stderr for each request */
	struct sim_behaviour behaviour;
};

/* No snapshots, no delays, no throttling; copies take 2 s. */
void sim_options_init(struct sim_options *o);
/* What `ebsfs -o simulate` runs: the built-in account, copies of 20 to 40 s, some latency. */
void sim_options_demo(struct sim_options *o);

struct sim_hooks;

/* Listens on 127.0.0.1, writes "PORT\n" to ready_fd (-1: does not) and serves until SIGTERM, SIGINT
 * or the parent's end. To be run in a process of its own: it blocks these signals, ignores SIGPIPE,
 * and uses threads. Returns 0, or -errno with *err if it could not begin. PR_SET_PDEATHSIG counts
 * the thread that forked as the parent: fork from one that lives as long as the simulator shall. */
int sim_run(
	const struct sim_options *o, const struct sim_hooks *hooks, int ready_fd, struct err *err);

#endif
