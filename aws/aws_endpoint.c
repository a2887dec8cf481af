/* SPDX-License-Identifier: MIT */
/* An endpoint's URL in parts. */
#include "aws_endpoint.h"

#include <errno.h>
#include <string.h>

int aws_endpoint_find(const struct endpoint_config *config, const char *service, const char *region,
	struct aws_endpoint *out, struct err *err)
{
	const char *start;
	size_t offset, len;
	int r;

	*out = (struct aws_endpoint){0};
	r = endpoint_url(config, service, region, &out->url, err);
	if (r < 0)
		return r;
	start = strstr(buf_str(&out->url), "://");
	if (!start)
		return err_set(err, EINVAL, "no URL for %s in %s", service, region);
	offset = (size_t)(start + 3 - out->url.data);
	len = strcspn(out->url.data + offset, "/");
	if (!out->url.data[offset + len] && buf_putc(&out->url, '/') < 0)
		return err_set(err, ENOMEM, "out of memory");
	if (len >= sizeof(out->host))
		return err_set(err, EINVAL, "the name of the endpoint for %s is too long", service);
	memcpy(out->host, out->url.data + offset, len);
	out->path = out->url.data + offset + len;
	return 0;
}

void aws_endpoint_finish(struct aws_endpoint *endpoint)
{
	buf_finish(&endpoint->url);
}
