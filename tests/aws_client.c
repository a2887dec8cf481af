/* SPDX-License-Identifier: MIT */
/* ebsfs's client of AWS in a small program of the tests. */
#include "aws_client.h"

#include <signal.h>

#include "credentials.h"
#include "http.h"
#include "log.h"
#include "loop.h"
#include "profile.h"

int aws_client_start(struct aws_client *client, const char *endpoint, struct err *err)
{
	int r;

	*client = (struct aws_client){0};
	signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_WARNING, false);
	r = loop_init(&client->loop);
	if (!r)
		r = profiles_load(&client->profiles, err);
	if (!r)
		r = http_create(&client->loop, &(struct http_options){.user_agent = "ebsfs-test"},
			&client->http, err);
	if (!r)
		r = credentials_chain_create(
			&client->loop, client->http, client->profiles, NULL, &client->chain, err);
	if (r)
		return r;
	client->endpoints = (struct endpoint_config){
		.endpoint_url = endpoint, .profiles = client->profiles, .profile = "default"};
	return aws_create(&(struct aws_options){.loop = &client->loop,
				  .http = client->http,
				  .credentials = client->chain,
				  .endpoints = &client->endpoints},
		&client->aws, err);
}

int aws_client_end(struct aws_client *client)
{
	aws_destroy(client->aws);
	credentials_chain_destroy(client->chain);
	http_destroy(client->http);
	profiles_destroy(client->profiles);
	uv_run(&client->loop, UV_RUN_DEFAULT);
	return uv_loop_close(&client->loop);
}
