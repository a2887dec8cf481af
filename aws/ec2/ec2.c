/* SPDX-License-Identifier: MIT */
/* EC2's calls that list: DescribeSnapshots and DescribeRegions. */
#include "ec2.h"

#include <errno.h>
#include <stdlib.h>

#include "ec2_call.h"
#include "ec2_xml.h"
#include "form.h"
#include "log.h"
#include "utf8.h"

void ec2_form_start(struct buf *form, const struct aws *aws, const char *action)
{
	form_start(form, action,
		aws_signature(aws) == AWS_SIGNATURE_V2 ? EC2_VERSION_2012 : EC2_VERSION);
}

struct snapshots_call {
	struct ec2_page *page;
	void (*on_part)(void *arg, struct ec2_page *part);
	ec2_page_done *done;
	void *arg;
};

/* One answer on its way into a page. */
struct snapshots_reader {
	struct ec2_snapshots_reader *xml;
	struct ec2_page *page; /* NULL until the end */
};

static void *reader_create(void)
{
	struct snapshots_reader *r = calloc(1, sizeof(*r));

	if (r)
		r->xml = ec2_snapshots_reader_create(true);
	if (r && r->xml)
		return r;
	free(r);
	return NULL;
}

static void reader_destroy(void *reader)
{
	struct snapshots_reader *r = reader;

	ec2_snapshots_reader_destroy(r->xml);
	ec2_page_destroy(r->page);
	free(r);
}

static int reader_read(void *reader, const char *data, size_t len, bool last, struct err *err)
{
	struct snapshots_reader *r = reader;
	int result = ec2_snapshots_reader_read(r->xml, data, len, err);

	return result || !last ? result : ec2_snapshots_reader_end(r->xml, &r->page, err);
}

static void reader_took(void *arg, void *reader)
{
	struct snapshots_call *call = arg;
	struct snapshots_reader *r = reader;
	struct ec2_page *part = ec2_snapshots_reader_part(r->xml);

	call->page = steal(&r->page);
	if (part)
		call->on_part(call->arg, part);
}

static const struct aws_reader snapshots_reader = {
	reader_create, reader_read, reader_took, reader_destroy};

static int snapshots_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct snapshots_call *call = arg;

	return ec2_xml_snapshots(body, len, &call->page, err);
}

static void snapshots_done(void *arg, const struct err *err)
{
	struct snapshots_call *call = arg;

	call->done(call->arg, steal(&call->page), err);
}

static void snapshots_release(void *arg)
{
	struct snapshots_call *call = arg;

	ec2_page_destroy(call->page);
	free(call);
}

static void add_filter(struct buf *form, const struct ec2_filter *filter, size_t number)
{
	form_add(form, filter->name, "Filter.%zu.Name", number);
	for (size_t i = 0; i < filter->n_values; i++) {
		if (filter->patterns)
			form_add(form, filter->values[i], "Filter.%zu.Value.%zu", number, i + 1);
		else
			form_add_literal(
				form, filter->values[i], "Filter.%zu.Value.%zu", number, i + 1);
	}
}

struct aws_call *ec2_describe_snapshots(
	struct aws *aws, const struct ec2_describe_snapshots *in, ec2_page_done *done, void *arg)
{
	struct snapshots_call *call = calloc(1, sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = (struct snapshots_call){.on_part = in->on_part, .done = done, .arg = arg};
	ec2_form_start(&form, aws, "DescribeSnapshots");
	form_add(&form, in->owner, "Owner.1");
	for (size_t i = 0; i < in->n_filters; i++)
		add_filter(&form, &in->filters[i], i + 1);
	/* The API of 2012 knew no pages. */
	if (in->max_results && aws_signature(aws) == AWS_SIGNATURE_V4)
		form_add_number(&form, in->max_results, "MaxResults");
	form_add(&form, in->next_token, "NextToken");
	return aws_query(aws, &(struct aws_query){.region = in->region,
				      .service = "ec2",
				      .action = "DescribeSnapshots",
				      .effect = AWS_READS,
				      .form = &form,
				      .parse = in->on_part ? NULL : snapshots_parse,
				      .reader = in->on_part ? &snapshots_reader : NULL,
				      .done = snapshots_done,
				      .release = snapshots_release,
				      .arg = call});
}

struct regions_call {
	struct ec2_regions regions;
	ec2_regions_done *done;
	void *arg;
};

static int regions_parse(void *arg, const char *body, size_t len, struct err *err)
{
	struct regions_call *call = arg;

	return ec2_xml_regions(body, len, &call->regions, err);
}

static void warn_of_refused(struct ec2_regions *regions)
{
	utf8_make_line(regions->refused);
	if (regions->n_refused)
		log_warning(
			"DescribeRegions: %zu region%s left out, whose name cannot be a folder's: "
			"\"%s\"%s",
			regions->n_refused, regions->n_refused == 1 ? "" : "s", regions->refused,
			regions->n_refused == 1 ? "" : ", …");
}

static void explain_none(const struct ec2_regions *regions, struct err *err)
{
	if (regions->n_refused)
		err_set(err, ENODATA,
			"DescribeRegions: no region has a name that can be a folder's: \"%s\"%s",
			regions->refused, regions->n_refused == 1 ? "" : ", …");
	else if (regions->n_disabled)
		err_set(err, ENODATA,
			"DescribeRegions: of %zu regions none is enabled for the account",
			regions->n_disabled);
	else
		err_set(err, ENODATA,
			"DescribeRegions: the endpoint has named no region; name them with "
			"regions=");
}

static void regions_done(void *arg, const struct err *err)
{
	struct regions_call *call = arg;
	const char *names[EC2_XML_REGIONS_MAX];

	struct err none;

	if (!err)
		warn_of_refused(&call->regions);
	if (!err && !call->regions.n) {
		explain_none(&call->regions, &none);
		err = &none;
	}
	for (size_t i = 0; i < call->regions.n; i++)
		names[i] = call->regions.names[i];
	call->done(call->arg, err ? NULL : names, err ? 0 : call->regions.n, err);
}

static void regions_release(void *arg)
{
	struct regions_call *call = arg;

	ec2_regions_finish(&call->regions);
	free(call);
}

struct aws_call *ec2_describe_regions(
	struct aws *aws, const char *region, ec2_regions_done *done, void *arg)
{
	struct regions_call *call = calloc(1, sizeof(*call));
	struct buf form = BUF_INIT;

	if (!call)
		return NULL;
	*call = (struct regions_call){.done = done, .arg = arg};
	ec2_form_start(&form, aws, "DescribeRegions");
	return aws_query(aws, &(struct aws_query){.region = region,
				      .service = "ec2",
				      .action = "DescribeRegions",
				      .effect = AWS_READS,
				      .form = &form,
				      .parse = regions_parse,
				      .done = regions_done,
				      .release = regions_release,
				      .arg = call});
}
