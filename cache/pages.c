/* SPDX-License-Identifier: MIT */
/* Reads all pages of one DescribeSnapshots query. */
#include "pages.h"

#include <errno.h>
#include <string.h>

#include "cleanup.h"

struct pages {
	struct aws *aws;
	struct ec2_describe_snapshots query;
	pages_part *on_part;
	pages_done *done;
	void *arg;
	struct aws_call *call;
	unsigned n;
	unsigned mark_at; /* the number of pages at which the next token is kept */
	char *mark;       /* an earlier token; NULL: none yet */
	bool held;
	char *held_token; /* of the page that is not requested yet; NULL: none */
};

static void pages_free(struct pages *p)
{
	free(p->mark);
	free(p->held_token);
	free(p);
}

static void pages_end(struct pages *p, const struct err *err)
{
	pages_done *done = p->done;
	void *arg = p->arg;

	pages_free(p);
	done(arg, err);
}

/* Detects a cycle of tokens of any length: one token is kept and compared with all that follow,
 * then, after twice as many pages, another (Brent's algorithm). */
static int check_token(struct pages *p, const char *token, struct err *err)
{
	if (p->mark && strcmp(p->mark, token) == 0)
		return err_set(err, EIO,
			"DescribeSnapshots in %s: EC2 sent the same page token twice",
			p->query.region);
	if (p->n >= PAGES_MAX)
		return err_set(err, EIO, "DescribeSnapshots in %s: EC2 sent more than %d pages",
			p->query.region, PAGES_MAX);
	if (p->n < p->mark_at)
		return 0;
	free(p->mark);
	p->mark = strdup(token);
	p->mark_at = p->n * 2;
	return p->mark ? 0 : err_set(err, ENOMEM, "out of memory");
}

static void page_done(void *arg, struct ec2_page *page, const struct err *err);
static void part_arrived(void *arg, struct ec2_page *part);

static int next_page(struct pages *p, const char *token, struct err *err)
{
	p->query.next_token = token;
	p->query.on_part = part_arrived;
	p->call = ec2_describe_snapshots(p->aws, &p->query, page_done, p);
	p->query.next_token = NULL;
	return p->call ? 0 : err_set(err, ENOMEM, "out of memory");
}

/* Requests the page after this token, now or when the query is not held any more. */
static int go_on(struct pages *p, const char *token, struct err *err)
{
	if (!p->held)
		return next_page(p, token, err);
	p->held_token = strdup(token);
	return p->held_token ? 0 : err_set(err, ENOMEM, "out of memory");
}

int pages_hold(struct pages *p, bool held)
{
	struct err err;

	p->held = held;
	if (held || !p->held_token)
		return 0;
	if (next_page(p, p->held_token, &err) < 0) {
		p->held = true;
		return -ENOMEM;
	}
	free(steal(&p->held_token));
	return 0;
}

static void page_destroy(struct ec2_page **page)
{
	ec2_page_destroy(*page);
}

static void part_arrived(void *arg, struct ec2_page *received)
{
	_cleanup_(page_destroy) struct ec2_page *part = received;
	struct pages *p = arg;
	struct err mine = {0};

	if (p->on_part(p->arg, part, false, &mine) == 0)
		return;
	aws_cancel(steal(&p->call));
	pages_end(p, &mine);
}

static void page_done(void *arg, struct ec2_page *received, const struct err *err)
{
	_cleanup_(page_destroy) struct ec2_page *page = received;
	struct pages *p = arg;
	struct err mine = {0};
	bool more;

	p->call = NULL;
	if (err) {
		pages_end(p, err);
		return;
	}
	p->n++;
	if (p->on_part(p->arg, page, true, &mine) < 0) {
		pages_end(p, &mine);
		return;
	}
	/* AWS's own example ends with an empty token instead of none. */
	more = page->next_token && *page->next_token;
	if (!more)
		pages_end(p, NULL);
	else if (check_token(p, page->next_token, &mine) < 0 ||
		 go_on(p, page->next_token, &mine) < 0)
		pages_end(p, &mine);
}

struct pages *pages_start(struct aws *aws, const struct ec2_describe_snapshots *query,
	pages_part *on_part, pages_done *done, void *arg)
{
	struct pages *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	*p = (struct pages){.aws = aws,
		.query = *query,
		.on_part = on_part,
		.done = done,
		.arg = arg,
		.mark_at = 1};
	if (next_page(p, NULL, NULL) < 0) {
		pages_free(p);
		return NULL;
	}
	return p;
}

void pages_cancel(struct pages *p)
{
	if (!p)
		return;
	if (p->call)
		aws_cancel(p->call);
	pages_free(p);
}
