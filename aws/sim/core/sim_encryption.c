/* SPDX-License-Identifier: MIT */
/* Encryption by default. */
#include "sim_encryption.h"

int sim_get_encryption_by_default(struct sim_call *c)
{
	if (sim_call_dry_run(c) < 0)
		return -1;
	sim_call_begin(c);
	sim_xml_leaf(&c->xml, "ebsEncryptionByDefault",
		c->region->encrypts_by_default ? "true" : "false");
	return sim_call_end(c);
}

/* An alias as long as the account has chosen no key of its own. */
int sim_get_default_key(struct sim_call *c)
{
	if (sim_call_dry_run(c) < 0)
		return -1;
	sim_call_begin(c);
	sim_xml_leaf(&c->xml, "kmsKeyId",
		c->region->default_kms_arn ? c->region->default_kms_arn : "alias/aws/ebs");
	return sim_call_end(c);
}
