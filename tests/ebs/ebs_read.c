/* SPDX-License-Identifier: MIT */
/* Reads all blocks of a snapshot into a file, by aws/ebs alone:
 *
 *     ebs_read ENDPOINT REGION SNAPSHOT FILE [SINCE]
 *
 * Keys come from the environment. With SINCE, an older snapshot, only blocks that differ are read.
 * Prints the numbers of blocks, of responses with data and of lists. A token that has ended is
 * replaced, once. Takes moto's lists, whose block size is wrong.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aws_client.h"
#include "aws_error.h"
#include "cleanup.h"
#include "ebs.h"

#define AT_ONCE 16

static struct {
	struct ebs *ebs;
	const char *region, *snapshot, *since;
	int fd;
	struct ebs_page *page;
	size_t next; /* in the page */
	unsigned in_flight;
	unsigned blocks, bought, lists;
	struct err err;
} job;

/* One block, with the index for its second token. */
struct block {
	uint32_t index;
	bool again;
};

static void page_listed(void *arg, struct ebs_page *page, const struct err *err);

static void job_fail(const struct err *err)
{
	if (!job.err.errnum)
		job.err = *err;
}

static void job_list(const char *page_token)
{
	job.lists++;
	job.in_flight++;
	ebs_list_blocks(job.ebs,
		&(struct ebs_list){.region = job.region,
			.snapshot = job.snapshot,
			.first = job.since,
			.page_token = page_token},
		page_listed, NULL);
}

static void block_got(void *arg, struct ebs_block *block, unsigned bought, const struct err *err);

static void block_get(struct block *b, const char *token)
{
	job.in_flight++;
	ebs_get_block(job.ebs, job.region, job.snapshot, b->index, token, block_got, b);
}

/* Starts what may run now: blocks of this page, then the next page. */
static void job_go_on(void)
{
	struct ebs_page *page = job.page;

	while (!job.err.errnum && page && job.next < page->n_blocks && job.in_flight < AT_ONCE) {
		const struct ebs_listed *listed = &page->blocks[job.next++];
		struct block *b = calloc(1, sizeof(*b));

		b->index = listed->index;
		if (listed->token)
			block_get(b, listed->token);
		else
			free(b);
	}
	if (job.in_flight || !page)
		return;
	job.page = NULL;
	if (page->next_token && !job.err.errnum)
		job_list(page->next_token);
	ebs_page_destroy(page);
}

static void page_listed(void *arg, struct ebs_page *page, const struct err *err)
{
	(void)arg;
	job.in_flight--;
	if (err)
		job_fail(err);
	job.page = page;
	job.next = 0;
	job_go_on();
}

static void token_listed(void *arg, struct ebs_page *page, const struct err *err)
{
	struct block *b = arg;

	job.in_flight--;
	b->again = true;
	if (err)
		job_fail(err);
	else if (page->n_blocks && page->blocks[0].index == b->index)
		block_get(b, page->blocks[0].token);
	ebs_page_destroy(page);
	job_go_on();
}

static void block_got(void *arg, struct ebs_block *block, unsigned bought, const struct err *err)
{
	struct block *b = arg;

	job.in_flight--;
	job.bought += bought;
	if (err && aws_error_is_token(err->code) && !b->again) {
		job.lists++;
		job.in_flight++;
		ebs_list_blocks(job.ebs,
			&(struct ebs_list){.region = job.region,
				.snapshot = job.snapshot,
				.start = b->index,
				.max_results = EBS_PAGE_MIN},
			token_listed, b);
		return;
	}
	if (err)
		job_fail(err);
	else if (pwrite(job.fd, block->data, EBS_BLOCK_SIZE,
			 (off_t)b->index * (off_t)EBS_BLOCK_SIZE) != (ssize_t)EBS_BLOCK_SIZE)
		err_set(&job.err, EIO, "cannot write");
	else
		job.blocks++;
	ebs_block_unref(block);
	free(b);
	job_go_on();
}

int main(int argc, char **argv)
{
	struct aws_client client;
	struct workers *workers;

	if (argc < 5)
		return 2;
	job.region = argv[2];
	job.snapshot = argv[3];
	job.since = argc > 5 ? argv[5] : NULL;
	job.fd = open(argv[4], O_RDWR | O_CREAT, 0600);
	if (job.fd < 0 || aws_client_start(&client, argv[1], &job.err) < 0)
		return 2;
	workers = workers_create(&client.loop, 1);
	job.ebs = ebs_create(
		&(struct ebs_options){.aws = client.aws, .workers = workers, .motos_lists = true});
	job_list(NULL);
	uv_run(&client.loop, UV_RUN_DEFAULT);
	if (job.err.errnum)
		printf("%s (%s)\n", job.err.message, job.err.code);
	else
		printf("%u blocks, %u bought, %u lists\n", job.blocks, job.bought, job.lists);
	ebs_destroy(job.ebs);
	workers_destroy(workers);
	close(job.fd);
	if (aws_client_end(&client) < 0)
		return 3;
	return job.err.errnum ? 1 : 0;
}
