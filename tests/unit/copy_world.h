/* SPDX-License-Identifier: MIT */
/* For the tests of the copy queue: virtual time, an EC2 with its limits, delays and
 * inconsistencies, and a disk that can fail or be pulled out. They stand in the place of
 * base/clock.c, base/loop.c, aws/ and cache/journal*.c at link time; the regions and catalogues are
 * the real ones. */
#ifndef EBSFS_COPY_WORLD_H
#define EBSFS_COPY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "copies.h"
#include "ec2_images.h"
#include "ec2_volumes.h"
#include "virtual_time.h"

/* What happens to one request. */
enum fault {
	FAULT_NONE,
	FAULT_UNSENT,      /* it certainly never left: EHOSTUNREACH */
	FAULT_LOST_BEFORE, /* no answer, and EC2 did nothing */
	FAULT_LOST_AFTER,  /* no answer, though EC2 did it */
	FAULT_THROTTLED,   /* refused for the rate, beyond all retries */
	FAULT_DENIED,      /* UnauthorizedOperation */
	FAULT_TAGS_DENIED, /* the same for ec2:CreateTags */
	FAULT_EXPIRED,     /* ExpiredToken */
	FAULT_INVALID,     /* InvalidParameterValue */
	FAULT_ECHO,        /* CopySnapshot: the response names the source as the copy */
};

struct world_snapshot {
	char region[32], id[32], source[72];
	char description[1200];
	struct ec2_tag tags[60];
	size_t n_tags;
	int64_t start_ms;  /* virtual */
	int64_t length_ms; /* pending for so long */
	int64_t visible_at, deleted_at;
	const char *failure; /* how it ends in state error; NULL: completes */
	const char *owner;
	bool is_copy;
	unsigned gib;
	bool no_progress;    /* EC2 gives no percent */
	const char *kms_key; /* NULL: not encrypted */
};

/* A volume or an image. */
struct world_made {
	bool image, gone;
	char id[32], region[32], snapshot[72];
	char token[140];      /* an image's name */
	char parameters[400]; /* zone, type, size, Name; an image's architecture */
	int64_t made_at;      /* virtual */
};

#define WORLD_ACCOUNT "123456789012"
#define EAST          "us-east-1"
#define WEST          "eu-west-1"
#define WORLD_MAX     5000

struct world {
	uint64_t seed;
	/* EC2 */
	unsigned limit;         /* copies at once into a region */
	bool silent_limit;      /* its refusal names no figure */
	int64_t latency_ms;     /* of an answer; the work is done half-way */
	int64_t lag_ms;         /* until a new snapshot is visible: up to that */
	int64_t copy_ms;        /* length of a copy, */
	int64_t copy_spread_ms; /* and up to so much more */
	unsigned page;          /* records a page; 0: all. With pages, the first is empty */
	bool amazons;           /* the user named no endpoint */
	bool ignores_dry_run;   /* a cloud that copies nevertheless */
	bool encrypts;          /* encryption by default is on */
	int64_t settings_ms;    /* how much longer than others an answer about that takes */
	enum fault (*fault)(
		const char *action, unsigned n); /* n: of this action, from 0; NULL: none */
	struct world_snapshot *snapshots[WORLD_MAX];
	size_t n_snapshots;
	struct world_made made[100];
	size_t n_made;
	int64_t making_ms;                           /* how long it takes */
	unsigned made_requests, made_described;      /* requests about them */
	unsigned copies, describes, deletes, tagged; /* requests that arrived */
	unsigned dry_runs;                           /* of the copies */
	unsigned settings;                           /* about encryption by default */
	unsigned refusals;                           /* for the limit */
	unsigned most;                               /* most copies at once in one region */
	int64_t describe_at[20000];                  /* times of all DescribeSnapshots */
	/* Their filters: the second letter of its name; 'k' tag-key, 'o' tag:ebsfs:source, 'l'
	 * none.
	 */
	char describe_what[20000];
	char last_owner[20];
	size_t left_out;   /* of each page: snapshots whose ids are not of EC2's form */
	bool no_tags_seen; /* a CopySnapshot came without tags */
	/* disk */
	int64_t commit_ms;
	int disk_error;          /* errno of every commit; 0: it works */
	unsigned failing_commit; /* the only one that fails, counted from 1; 0: none */
	unsigned commits;
	/* ebsfs */
	struct {
		char region[32], id[32];
		unsigned n;
	} asks[WORLD_MAX]; /* how often world_ask…() has asked for a source */
	uv_loop_t loop;
	struct regions *regions;
	struct copies *copies_;
	struct copies_options options;
};
extern struct world *world;
extern struct world_snapshot *source; /* in EAST, an hour old: what is copied into WEST */

/* A world with the source in it; and one in which it is mounted. */
int world_setup(void **state);
int world_setup_mounted(void **state);
int world_teardown(void **state);
/* Mounts: regions and copies from the disk. Unmounts. */
enum unmount {
	UNMOUNT,  /* cleanly, or by kill -9: what was handed to the disk is written, though nobody
		     hears of it */
	POWER_OFF /* what was handed to the disk is lost */
};
void world_mount(void);
void world_unmount(enum unmount how);

void world_run(int64_t ms);
/* Lets time pass until it is true; fails after an hour. */
typedef bool world_condition(void *arg);
void world_until(world_condition *condition, void *arg);
int64_t world_wall_ms(void);
double world_random(void);

/* A snapshot that nobody copies; start and length as given, visible at once. */
struct world_snapshot *world_add(const char *region, const char *description, int64_t length_ms);
void world_tag(struct world_snapshot *s, const char *key, const char *value);
struct world_snapshot *world_find(const char *region, const char *id);
const char *world_tag_of(const struct world_snapshot *s, const char *key); /* NULL */
/* Copies in the region, whatever became of them, but for deleted ones. */
unsigned world_copies_in(const char *region);
struct world_snapshot *world_copy_in(const char *region, unsigned n);
/* Volumes (else images) in the region, whatever became of them. */
unsigned world_made_in(const char *region, bool image);
/* Another tool starts a copy: past ebsfs. NULL: refused for the limit. */
struct world_snapshot *world_foreign_copy(const char *region, int64_t length_ms);

/* A request, and its word. The same source asked for again by world_ask…() is asked for with
 * another label, for one more copy; world_ask_with() asks for what the request says. */
struct asked {
	int answers;
	bool failed;
	struct err err;
	int64_t row; /* 0: none */
	int64_t answered_at;
};
void world_ask(
	struct asked *asked, const char *region, const char *source_region, const char *source_id);
void world_ask_and_wait(struct asked *asked); /* the source, plainly */
void world_ask_to_move(struct asked *asked);  /* the same by mv */
struct copy_request world_request(void);      /* for the source, plainly */
void world_ask_with(
	struct asked *asked, const char *region, const struct copy_request *request, bool move);
/* For one more copy, whatever there is. */
void world_ask_again(
	struct asked *asked, const char *region, const struct copy_request *request, bool move);
bool world_answered(void *asked);
struct copy *world_copy(const struct asked *asked);
/* Until the copy is in the state. */
void world_until_state(const struct asked *asked, enum copy_state state);
const char *world_status(const struct asked *asked); /* until the next call */
#define assert_has(text, part)                                                                     \
	do {                                                                                       \
		if (!strstr(text, part))                                                           \
			fail_msg("no \"%s\" in:\n%s", part, text);                                 \
	} while (0)
#define assert_has_not(text, part)                                                                 \
	do {                                                                                       \
		if (strstr(text, part))                                                            \
			fail_msg("\"%s\" in:\n%s", part, text);                                    \
	} while (0)

/* The disk. */
size_t world_rows(void);
const struct journal_copy *world_row(int64_t id); /* NULL */
const struct journal_receipt *world_receipt(int64_t id);
/* Puts a row on the disk as an earlier mount would have. From the second on, a row without a label
 * gets one. Its strings are copied. Returns its id. */
int64_t world_put_row(const struct journal_copy *row);
/* A receipt for it. */
void world_put_receipt(int64_t copy);

#endif
