/* SPDX-License-Identifier: MIT */
/* The simulator's HTTP server, over libmicrohttpd: one thread per connection. */
#ifndef EBSFS_SIM_HTTP_H
#define EBSFS_SIM_HTTP_H

#include "sim_service.h"

struct sim_http;

/* Listens on 127.0.0.1. *port: 0 for any free one; set to the port in use. Returns 0 or -errno
 * with *err. */
int sim_http_start(struct sim_server *s, uint16_t *port, struct sim_http **out, struct err *err);
/* Closes every connection and waits for their threads. NULL is permitted. */
void sim_http_stop(struct sim_http *h);

#endif
