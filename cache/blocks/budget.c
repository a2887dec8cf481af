/* SPDX-License-Identifier: MIT */
/* The daily limit of costs for reading disks. */
#include "budget.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "clock.h"
#include "isotime.h"
#include "log.h"
#include "loop.h"
#include "statedir.h"

/* The sum that is reserved on disk at once; more is reserved when half of it is left. So reads
 * rarely wait for the disk, and after a crash the recorded sum is at most $0.003 too high. */
#define STEP   (INT64_C(1000) * BUDGET_GET)
#define DAY_MS INT64_C(86400000)

/* The contents of the file. Reserved money counts as spent. */
struct budget_record {
	int64_t day; /* since 1970, UTC */
	int64_t reserved, limit;
};

struct budget_save;

struct budget {
	struct budget_options options;
	char *path; /* NULL: the record is kept in memory */
	int folder;
	int64_t daily;               /* the limit of a day */
	struct budget_record record; /* the record that the file will have when saving has ended */
	int64_t durable;             /* the reserved sum that the file has now */
	int64_t spent;
	uint64_t gets, lists;
	struct budget_save *saving; /* the save that runs in a thread */
	bool again;                 /* the record has changed since that save began */
	bool starved;               /* a caller got BUDGET_WAIT */
	struct err failed;          /* error of the last save, until a caller has got it */
};

/* --- the file --- */

struct budget_save {
	struct budget *budget; /* NULL: destroyed */
	struct budget_record record;
	int folder;
	char *path;
	struct err err;
};

static int budget_write(
	int folder, const char *path, const struct budget_record *r, struct err *err)
{
	_cleanup_close_ int fd = statedir_begin(folder, path, err);
	int result;

	if (fd < 0)
		return fd;
	if (dprintf(fd, "day %lld\nspent %lld\nlimit %lld\n", (long long)r->day,
		    (long long)r->reserved, (long long)r->limit) < 0)
		result = err_set(err, errno, "cannot write %s: %s", path, strerror(errno));
	else
		result = statedir_commit(folder, fd, path, err);
	if (result < 0)
		statedir_abandon(folder, path);
	return result;
}

static void budget_save_run(void *arg)
{
	struct budget_save *s = arg;

	s->err.errnum = 0;
	budget_write(s->folder, s->path, &s->record, &s->err);
}

static void budget_save_start(struct budget *b);

static void budget_save_free(struct budget_save *s)
{
	free(s->path);
	free(s);
}

static void budget_save_done(void *arg)
{
	struct budget_save *s = arg;
	struct budget *b = s->budget;
	bool starved;

	if (!b) {
		close(s->folder);
		budget_save_free(s);
		return;
	}
	b->saving = NULL;
	if (!s->err.errnum && s->record.day == b->record.day)
		b->durable = s->record.reserved;
	b->failed = s->err;
	if (s->err.errnum)
		b->record.reserved = b->durable;
	else if (b->again)
		budget_save_start(b);
	starved = b->starved;
	b->starved = false;
	budget_save_free(s);
	if (starved)
		b->options.ready(b->options.arg);
}

/* Saves the record in the background. On ENOMEM the next change saves it. */
static void budget_save_start(struct budget *b)
{
	struct budget_save *s;

	if (!b->path) {
		b->durable = b->record.reserved;
		return;
	}
	if (b->saving) {
		b->again = true;
		return;
	}
	b->again = false;
	s = calloc(1, sizeof(*s));
	if (!s)
		return;
	*s = (struct budget_save){
		.budget = b, .record = b->record, .folder = b->folder, .path = strdup(b->path)};
	if (!s->path || loop_work(b->options.loop, budget_save_run, budget_save_done, s) < 0) {
		budget_save_free(s);
		return;
	}
	b->saving = s;
}

/* Reads the file. A missing file leaves the record empty. Returns 0 or -errno; -EBADMSG: damaged.
 */
static int budget_read(struct budget *b, struct budget_record *out, struct err *err)
{
	_cleanup_close_ int fd = statedir_file(b->folder, b->path, O_RDONLY, err);
	long long day, spent, limit;
	char text[160];
	ssize_t n;
	int end = 0;

	*out = (struct budget_record){0};
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return err_set(err, errno, "cannot read %s: %s", b->path, strerror(errno));
	text[n] = '\0';
	if (sscanf(text, "day %lld\nspent %lld\nlimit %lld\n%n", &day, &spent, &limit, &end) != 3 ||
		end != n || day < 0 || spent < 0 || limit < 0)
		return -EBADMSG;
	*out = (struct budget_record){day, spent, limit};
	return 0;
}

static int budget_load(struct budget *b, int64_t now_ms, struct err *err)
{
	int r;

	if (asprintf(&b->path, "%s/budget", b->options.dir) < 0) {
		b->path = NULL;
		return err_set(err, ENOMEM, "out of memory");
	}
	b->folder = statedir_open(b->options.dir, true, err);
	if (b->folder < 0)
		return b->folder;
	r = budget_read(b, &b->record, err);
	if (r == -EBADMSG) {
		log_warning("%s is damaged: today's budget for reading disks counts as spent; echo "
			    "DOLLARS > .ebsfs/budget sets another limit",
			b->path);
		b->record = (struct budget_record){now_ms / DAY_MS, b->daily, b->daily};
		r = 0;
	}
	b->spent = b->durable = b->record.reserved;
	return r;
}

int budget_create(const struct budget_options *options, struct budget **out, struct err *err)
{
	struct budget *b = calloc(1, sizeof(*b));
	int64_t now_ms = clock_wall_ms();
	int r;

	if (!b)
		return err_set(err, ENOMEM, "out of memory");
	b->options = *options;
	b->folder = -1;
	b->daily = (int64_t)(options->dollars * (double)BUDGET_DOLLAR);
	r = options->dir ? budget_load(b, now_ms, err) : 0;
	if (r < 0) {
		budget_destroy(b);
		return r;
	}
	*out = b;
	return 0;
}

void budget_destroy(struct budget *b)
{
	struct err err;

	if (!b)
		return;
	if (b->saving) {
		/* A save that still runs may replace this file later: its sum is too high, which is
		 * permitted. */
		b->saving->budget = NULL;
	} else if (b->folder >= 0) {
		b->record.reserved = b->spent;
		if (b->durable != b->spent &&
			budget_write(b->folder, b->path, &b->record, &err) < 0)
			log_warning("what reading disks has cost counts too much: %s", err.message);
		close(b->folder);
	}
	free(b->path);
	free(b);
}

/* --- spending --- */

/* An amount in dollars with at least two digits after the point, and no zeros after those. */
static const char *budget_dollars(int64_t units, char out[32])
{
	int n = snprintf(out, 32, "%.7f", (double)units / (double)BUDGET_DOLLAR);

	while (n > 0 && out[n - 1] == '0' && out[n - 3] != '.')
		out[--n] = '\0';
	return out;
}

/* Begins a new day. A clock that was set back does not begin one: that day was counted already. */
static void budget_turn(struct budget *b, int64_t now_ms)
{
	int64_t day = now_ms / DAY_MS;

	if (day <= b->record.day)
		return;
	b->record = (struct budget_record){.day = day, .limit = b->daily};
	b->spent = b->durable = 0;
}

/* Reserves the money for the next calls, up to the limit. */
static void budget_reserve(struct budget *b)
{
	int64_t reserved = b->spent + STEP;

	if (reserved > b->record.limit)
		reserved = b->record.limit;
	if (b->record.reserved - b->spent > STEP / 2 || reserved <= b->record.reserved)
		return;
	b->record.reserved = reserved;
	budget_save_start(b);
}

static void budget_count(struct budget *b, int price)
{
	b->spent += price;
	if (price == BUDGET_LIST)
		b->lists++;
	else
		b->gets++;
}

enum budget_result budget_take(struct budget *b, int price, int64_t now_ms, struct err *err)
{
	char limit[32], spent[32];

	budget_turn(b, now_ms);
	if (b->spent + price > b->record.limit) {
		err_set(err, EDQUOT,
			"reading more of a snapshot's contents would pass today's budget of $%s "
			"(spent: $%s); echo DOLLARS > .ebsfs/budget sets another limit until "
			"midnight UTC, -o budget= one for every day",
			budget_dollars(b->record.limit, limit), budget_dollars(b->spent, spent));
		return BUDGET_REFUSED;
	}
	budget_reserve(b);
	if (b->spent + price > b->durable) {
		if (b->failed.errnum) {
			*err = b->failed;
			b->failed.errnum = 0;
			err_context(err,
				"what reading disks costs cannot be noted, so nothing is bought");
			return BUDGET_REFUSED;
		}
		b->starved = true;
		if (!b->saving)
			budget_save_start(b);
		return BUDGET_WAIT;
	}
	budget_count(b, price);
	return BUDGET_TAKEN;
}

void budget_return(struct budget *b, int64_t taken_ms)
{
	if (taken_ms / DAY_MS != b->record.day || b->spent < BUDGET_GET)
		return;
	b->spent -= BUDGET_GET;
	b->gets--;
}

void budget_add(struct budget *b, int price, int64_t now_ms)
{
	budget_turn(b, now_ms);
	budget_count(b, price);
	if (b->spent > b->record.reserved) {
		b->record.reserved = b->spent;
		budget_save_start(b);
	}
}

void budget_set_limit(struct budget *b, double dollars, int64_t now_ms)
{
	budget_turn(b, now_ms);
	b->record.limit = (int64_t)(dollars * (double)BUDGET_DOLLAR + 0.5);
	if (b->record.reserved > b->record.limit)
		b->record.reserved = b->spent > b->record.limit ? b->spent : b->record.limit;
	budget_save_start(b);
}

struct budget_sums budget_sums(struct budget *b, int64_t now_ms)
{
	budget_turn(b, now_ms);
	return (struct budget_sums){b->spent, b->record.limit, b->gets, b->lists};
}

void budget_text(struct budget *b, int64_t now_ms, struct buf *out)
{
	char until[ISOTIME_SIZE], limit[32], spent[32];

	budget_turn(b, now_ms);
	buf_printf(out, "limit: %s USD until %s\n", budget_dollars(b->record.limit, limit),
		isotime_format((b->record.day + 1) * DAY_MS, until));
	buf_printf(out,
		"spent: %s USD (estimated, at AWS's example prices: $0.003 per 1,000 blocks, "
		"$0.0006 per 1,000 lists)\n",
		budget_dollars(b->spent, spent));
	buf_printf(out, "blocks: %llu bought in this mount\nlists: %llu\n",
		(unsigned long long)b->gets, (unsigned long long)b->lists);
}
