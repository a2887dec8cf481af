/* SPDX-License-Identifier: MIT */
/* STS: who one is. */
#include "sim_sts.h"

int sim_sts_identity(struct sim_call *c)
{
	struct sim_xml x = {&c->reply->body, 1};

	buf_puts(x.out, "<GetCallerIdentityResponse "
			"xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n");
	sim_xml_open(&x, "GetCallerIdentityResult");
	sim_xml_leaf(&x, "Arn", c->key->arn);
	sim_xml_leaf(&x, "UserId",
		c->key->token ? "AROASIMULATED00000001:session" : "AIDASIMULATED00000001");
	sim_xml_leaf(&x, "Account", c->key->account);
	sim_xml_close(&x, "GetCallerIdentityResult");
	sim_xml_open(&x, "ResponseMetadata");
	sim_xml_leaf(&x, "RequestId", c->reply->request_id);
	sim_xml_close(&x, "ResponseMetadata");
	sim_xml_close(&x, "GetCallerIdentityResponse");
	return x.out->error ? sim_fail_memory(c) : 0;
}
