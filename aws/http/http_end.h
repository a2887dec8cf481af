/* SPDX-License-Identifier: MIT */
/* How a request ended, as curl tells it: an answer, or a reason why there is none. */
#ifndef EBSFS_HTTP_END_H
#define EBSFS_HTTP_END_H

#include "http.h"

struct http_ended {
	void *easy;         /* curl's handle, whose transfer is over */
	int code;           /* curl's */
	const char *reason; /* curl's words; "" if none */
	const char *url;
	bool fresh_tls; /* nothing is sent before the handshake of this call's own connection */
	struct http_timeouts *timeouts; /* counted here; NULL: nowhere */
	int body_error;                 /* of the answer's buffer; 0: none */
};

/* Returns 0 with *answer filled, all but its body; or -errno with *err, as http_send() has it. */
int http_end(const struct http_ended *ended, struct http_answer *answer, struct err *err);

#endif
