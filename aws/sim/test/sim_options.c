/* SPDX-License-Identifier: MIT */
/* The simulator's command line. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "num.h"
#include "sim.h"
#include "sim_behaviour.h"

void sim_options_init(struct sim_options *o)
{
	memset(o, 0, sizeof(*o));
	o->behaviour.copy_ms = (struct sim_range){2000, 2000};
	o->behaviour.progress_step = 5;
	o->behaviour.copy_limit = 20;
}

void sim_options_demo(struct sim_options *o)
{
	sim_options_init(o);
	o->demo = true;
	o->behaviour.copy_ms = (struct sim_range){20000, 40000};
	o->behaviour.latency_ms = (struct sim_range){15, 45};
	o->behaviour.consistency_ms = (struct sim_range){0, 1500};
}

void sim_options_help(FILE *out)
{
	fprintf(out,
		"usage: ebsfs-sim [OPTION…]\n"
		"A simulated AWS on 127.0.0.1. Prints its port when it listens; ends with "
		"SIGTERM.\n\n"
		"  --port N                                   0: any free one (default)\n"
		"  --demo                                     the built-in account (default "
		"without a world)\n"
		"  --world FILE                               a world as JSON, see "
		"tests/sim/world-example.json\n"
		"  --snapshots N[,REGION…]                    N generated snapshots in each region "
		"(us-east-1)\n"
		"  --regions N                                so many regions exist at least\n"
		"  --faults FILE                              a fault plan as JSON\n"
		"  --seed N                                   of everything random; 0: another one "
		"each time\n"
		"  --xmlns URL                                the namespace of the answers\n"
		"  --die-with-parent                          end when the parent process ends\n"
		"  --trace                                    a line on stderr for each request\n"
		"  --help\n\n"
		"These can also be changed while it runs (POST /_sim/set):\n");
	sim_behaviour_help(out);
	fprintf(out,
		"\nCredentials: AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n"
		"Control: GET /_sim/counts, GET /_sim/snapshots?region=R, POST /_sim/reset-counts, "
		"/_sim/set, /_sim/faults\n",
		SIM_ACCESS_KEY, SIM_SECRET_KEY);
}

/* "1000" or "1000,us-east-1,eu-west-1" (which is cut at its commas). */
static int parse_bulk(struct sim_options *o, char *text, struct err *err)
{
	size_t len = strcspn(text, ",");
	bool named = text[len] == ',';
	uint64_t n;

	if (num_parse_u64(text, len, 0, 4000000000, &n) < 0)
		return err_set(err, EINVAL, "--snapshots: not N[,REGION…]: %s", text);
	text += len;
	while (!named || *text == ',') {
		if (o->n_bulk == SIM_BULK_MAX)
			return err_set(
				err, EINVAL, "--snapshots: more than %d regions", SIM_BULK_MAX);
		if (named)
			*text++ = '\0';
		o->bulk[o->n_bulk].snapshots = n;
		o->bulk[o->n_bulk++].region = named ? text : "us-east-1";
		if (!named)
			break;
		text += strcspn(text, ",");
	}
	return 0;
}

static int parse_number(
	const char *name, const char *text, uint64_t max, uint64_t *out, struct err *err)
{
	if (num_parse_u64(text, strlen(text), 0, max, out) < 0)
		return err_set(err, EINVAL, "--%s: not a number up to %llu: %s", name,
			(unsigned long long)max, text);
	return 0;
}

/* An option that has a value. */
static int set_value(struct sim_options *o, const char *name, char *value, struct err *err)
{
	uint64_t n = 0;
	int r = 0;

	if (!strcmp(name, "port")) {
		r = parse_number(name, value, 65535, &n, err);
		o->port = (uint16_t)n;
	} else if (!strcmp(name, "regions")) {
		r = parse_number(name, value, 1000, &n, err);
		o->n_regions = (int)n;
	} else if (!strcmp(name, "seed")) {
		r = parse_number(name, value, UINT64_MAX, &o->seed, err);
	} else if (!strcmp(name, "world")) {
		o->world_file = value;
	} else if (!strcmp(name, "faults")) {
		o->faults_file = value;
	} else if (!strcmp(name, "xmlns")) {
		o->xmlns = value;
	} else if (!strcmp(name, "snapshots")) {
		r = parse_bulk(o, value, err);
	} else {
		r = sim_behaviour_set(&o->behaviour, name, value, err);
	}
	return r;
}

/* An option without a value. Returns 0, 1 for --help, -ENOENT if it is none of these. */
static int set_flag(struct sim_options *o, const char *name, struct err *err)
{
	bool is_flag;

	if (!strcmp(name, "help")) {
		sim_options_help(stdout);
		return 1;
	}
	if (!strcmp(name, "demo"))
		o->demo = true;
	else if (!strcmp(name, "trace"))
		o->trace = true;
	else if (!strcmp(name, "die-with-parent"))
		o->parent = getppid();
	else if (sim_behaviour_has(name, &is_flag) && is_flag)
		return sim_behaviour_set(&o->behaviour, name, "true", err);
	else
		return -ENOENT;
	return 0;
}

int sim_options_parse(struct sim_options *o, int argc, char **argv, struct err *err)
{
	sim_options_init(o);
	o->control = true;
	for (int i = 1; i < argc; i++) {
		char *name = argv[i], *value;
		int r;

		if (strncmp(name, "--", 2))
			return err_set(err, EINVAL, "not an option: %s", name);
		name += 2;
		r = set_flag(o, name, err);
		if (r == -ENOENT) {
			value = strchr(name, '=');
			if (value)
				*value++ = '\0';
			else if (i + 1 < argc)
				value = argv[++i];
			else
				return err_set(err, EINVAL,
					"unknown, or its value is missing: --%s", name);
			r = set_value(o, name, value, err);
		}
		if (r)
			return r;
	}
	if (!o->world_file && !o->n_bulk && !o->n_regions)
		o->demo = true;
	return 0;
}
