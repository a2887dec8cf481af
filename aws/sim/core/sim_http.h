/* SPDX-License-Identifier: MIT */
/* The simulator's HTTP side: requests in, answers out, in a thread for each connection. */
#ifndef EBSFS_SIM_HTTP_H
#define EBSFS_SIM_HTTP_H

#include "sim_server.h"

struct sim_http;

/* Listens on 127.0.0.1. *port: 0 for any; set to the one in use. Returns 0 or -errno with *err. */
int sim_http_start(struct sim_server *s, uint16_t *port, struct sim_http **out, struct err *err);
/* Ends every connection, and returns when all their threads have ended. NULL is permitted. */
void sim_http_stop(struct sim_http *h);

#endif
