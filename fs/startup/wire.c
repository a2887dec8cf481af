/* SPDX-License-Identifier: MIT */
/* The way to the endpoint. */
#include "wire.h"

#include <errno.h>
#include <strings.h>

#include "log.h"
#include "url.h"

/* Version 2 comes with weaker promises, which nobody shall have by accident where Version 4 works.
 */
int wire_check(const struct options *options, const struct endpoint_config *endpoints,
	const char *region, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT;
	int r;

	if (options->signature != AWS_SIGNATURE_V2)
		return 0;
	r = endpoint_url(endpoints, "ec2", region, &url, err);
	if (r == 0 && endpoint_is_amazons(endpoints, "ec2"))
		return err_set(err, EINVAL,
			"signature=v2 is for EC2-compatible clouds: name the cloud's endpoint_url; "
			"%s is Amazon's own, and takes Version 4",
			url.data);
	return r;
}

int wire_bind_region(const struct options *options, const struct regions *regions,
	struct endpoint_config *endpoints, struct err *err)
{
	size_t n = regions_shown(regions);

	if (options->signature != AWS_SIGNATURE_V2 || !endpoint_is_shared(endpoints, "ec2"))
		return 0;
	if (n != 1)
		return err_set(err, EINVAL,
			"with signature=v2 a request does not say which region it is meant for, "
			"and "
			"there are %zu: write {region} into endpoint_url where its name belongs, "
			"or "
			"name with regions= the one region whose endpoint that is",
			n);
	endpoints->only_region = region_name(regions_at(regions, 0));
	return 0;
}

/* What is signed says who asks without giving the keys away; all else can be read on the way. */
void wire_warn(const struct endpoint_config *endpoints, const char *region)
{
	_cleanup_buf_ struct buf url = BUF_INIT;

	if (endpoint_url(endpoints, "ec2", region, &url, NULL) == 0 &&
		!strncasecmp(url.data, "http:", 5) && url_host_in(url.data) != URL_HOST_LOCAL)
		log_warning("%s is not encrypted: whoever is in between can read and change what "
			    "is asked and answered, and use session tokens",
			url.data);
}
