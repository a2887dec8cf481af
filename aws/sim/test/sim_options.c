/* SPDX-License-Identifier: MIT */
/* The simulator's command line. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "num.h"
#include "sim_options.h"

enum type { SECONDS, MILLISECONDS, WHOLE, SIZE, REAL, FLAG, PROGRESS, PAGES, AGE, SHIFT };

static const struct setting {
	const char *name;
	enum type type;
	size_t offset;
	const char *argument;
	const char *help;
} settings[] = {
#define AT(field) offsetof(struct sim_behaviour, field)
	{"copy-seconds", SECONDS, AT(copy_ms), "A[-B]", "how long a copy takes"},
	{"copy-rate", SIZE, AT(copy_mib_s), "MIB",
		"MiB per second; the data's size sets the time; 0: off"},
	{"progress", PROGRESS, AT(progress), "steps|jump|empty|bare|early",
		"how a pending copy's progress is written"},
	{"progress-step", WHOLE, AT(progress_step), "PERCENT", "its step"},
	{"volume-seconds", SECONDS, AT(volume_ms), "A[-B]",
		"how long a volume is creating, or an image pending"},
	{"client-token-s", WHOLE, AT(client_token_s), "N",
		"how long a client token is remembered; 0: for ever"},
	{"consistency-ms", MILLISECONDS, AT(consistency_ms), "A[-B]",
		"how long DescribeSnapshots does not show a change"},
	{"flicker", FLAG, AT(flicker), NULL, "meanwhile only some responses show the change"},
	{"latency-ms", MILLISECONDS, AT(latency_ms), "A[-B]", "before each response"},
	{"throttle", REAL, AT(throttle), "SCALE", "scales EC2's token buckets; 0: off"},
	{"pages", PAGES, AT(pages), "full|after|ragged",
		"filters applied before or after paging, or pages of random length"},
	{"api-2012", AGE, AT(age), "no|refuses|ignores",
		"an endpoint of that API, and its treatment of later parameters"},
	{"copy-limit", WHOLE, AT(copy_limit), "N", "pending copies per destination region"},
	{"late-source-errors", FLAG, AT(late_source_errors), NULL,
		"a copy of an unknown snapshot is accepted and fails later"},
	{"deleting-waits", FLAG, AT(deleting_waits), NULL,
		"deleting a pending copy takes effect when it ends"},
	{"block-token-seconds", WHOLE, AT(block_token_s), "N",
		"lifetime of EBS's block tokens; 0: 7 days"},
	{"page-token-seconds", WHOLE, AT(page_token_s), "N",
		"lifetime of EBS's page tokens; 0: an hour"},
	{"session-seconds", WHOLE, AT(session_s), "N",
		"lifetime of the keys of roles; 0: as requested"},
	{"clock-shift", SHIFT, AT(clock_shift_ms), "SECONDS",
		"the simulator's clock minus the machine's"},
#undef AT
};

static const struct setting *setting_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (!strcmp(settings[i].name, name))
			return &settings[i];
	return NULL;
}

static bool setting_exists(const char *name, bool *is_flag)
{
	const struct setting *s = setting_find(name);

	if (s)
		*is_flag = s->type == FLAG;
	return s != NULL;
}

/* Parses "A" or "A-B"; multiplies the numbers by scale. */
static int parse_range(const char *text, double scale, struct sim_range *out)
{
	_cleanup_free_ char *first = strdup(text);
	char *dash = first ? strchr(first, '-') : NULL;
	double a, b;

	if (!first)
		return -ENOMEM;
	if (dash)
		*dash = '\0';
	if (num_parse_double(first, 0, 1e7, &a) < 0 ||
		num_parse_double(dash ? dash + 1 : first, a, 1e7, &b) < 0)
		return -EINVAL;
	*out = (struct sim_range){(int64_t)(a * scale), (int64_t)(b * scale)};
	return 0;
}

static int parse_word(const char *text, const char *const *words, int n, void *out)
{
	for (int i = 0; i < n; i++) {
		if (strcmp(text, words[i]))
			continue;
		*(unsigned *)out = (unsigned)i;
		return 0;
	}
	return -EINVAL;
}

static int setting_parse(const struct setting *s, const char *v, void *field)
{
	static const char *const progress[] = {"steps", "jump", "empty", "bare", "early"};
	static const char *const ages[] = {"no", "refuses", "ignores"};
	static const char *const pages[] = {"full", "after", "ragged"};
	int64_t whole = 0;
	int r = 0;

	switch (s->type) {
	case SECONDS:
		return parse_range(v, 1000, field);
	case MILLISECONDS:
		return parse_range(v, 1, field);
	case WHOLE:
		r = num_parse_i64(v, strlen(v), 0, 1000000, &whole);
		if (r == 0)
			*(int *)field = (int)whole;
		return r;
	case SIZE:
		return num_parse_i64(v, strlen(v), 0, 1000000000, field);
	case REAL:
		return num_parse_double(v, 0, 1e6, field);
	case FLAG:
		*(bool *)field = !strcmp(v, "true");
		return *(bool *)field || !strcmp(v, "false") ? 0 : -EINVAL;
	case PROGRESS:
		return parse_word(v, progress, ARRAY_LEN(progress), field);
	case PAGES:
		return parse_word(v, pages, ARRAY_LEN(pages), field);
	case AGE:
		return parse_word(v, ages, ARRAY_LEN(ages), field);
	case SHIFT:
		r = num_parse_i64(v, strlen(v), -10000000000, 10000000000, &whole);
		if (r == 0)
			*(int64_t *)field = whole * 1000;
		return r;
	}
	return -EINVAL;
}

int sim_options_set_behaviour(
	struct sim_behaviour *b, const char *name, const char *value, struct err *err)
{
	const struct setting *s = setting_find(name);

	if (!s)
		return err_set(err, EINVAL, "no setting is called %s", name);
	if (setting_parse(s, value, (char *)b + s->offset) < 0)
		return err_set(err, EINVAL, "%s: not %s: %s", name,
			s->argument ? s->argument : "true or false", value);
	return 0;
}

static void print_behaviour_help(FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s %s", settings[i].name,
			settings[i].argument ? settings[i].argument : "");
		fprintf(out, "  %-42s %s\n", left, settings[i].help);
	}
}

/* --- the command line --- */

static void print_help(FILE *out)
{
	fprintf(out,
		"usage: ebsfs-sim [OPTION…]\n"
		"A simulated AWS on 127.0.0.1. Prints its port when it listens; SIGTERM ends "
		"it.\n\n"
		"  --port N                                   0: any free one (default)\n"
		"  --demo                                     the built-in account (default "
		"without a world)\n"
		"  --world FILE                               a world as JSON, see "
		"tests/sim/world-example.json\n"
		"  --snapshots N[,REGION…]                    N generated snapshots in each region "
		"(us-east-1)\n"
		"  --regions N                                the smallest number of regions\n"
		"  --disks DIR                                image files of snapshots: ID.img, or "
		"as the world names them\n"
		"  --faults FILE                              a fault plan as JSON\n"
		"  --seed N                                   of the random numbers; 0: a "
		"different one "
		"each time\n"
		"  --xmlns URL                                XML namespace of the responses\n"
		"  --die-with-parent                          end when the parent process ends\n"
		"  --trace                                    one line on stderr per request\n"
		"  --help\n\n"
		"These can also be changed while it runs (POST /_sim/set):\n");
	print_behaviour_help(out);
	fprintf(out,
		"\nCredentials: AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n"
		"Control: GET /_sim/counts, GET /_sim/snapshots?region=R, /_sim/volumes?region=R, "
		"/_sim/images?region=R, POST /_sim/reset-counts, "
		"/_sim/set, /_sim/faults\n",
		SIM_ACCESS_KEY, SIM_SECRET_KEY);
}

/* Parses "1000" or "1000,us-east-1,eu-west-1", which it cuts at the commas. */
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

/* Sets an option with a value. */
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
	} else if (!strcmp(name, "disks")) {
		o->disks = value;
	} else if (!strcmp(name, "faults")) {
		o->faults_file = value;
	} else if (!strcmp(name, "xmlns")) {
		o->xmlns = value;
	} else if (!strcmp(name, "snapshots")) {
		r = parse_bulk(o, value, err);
	} else {
		r = sim_options_set_behaviour(&o->behaviour, name, value, err);
	}
	return r;
}

/* Sets an option without a value. Returns 0, 1 after --help, -ENOENT for any other option. */
static int set_flag(struct sim_options *o, const char *name, struct err *err)
{
	bool is_flag;

	if (!strcmp(name, "help")) {
		print_help(stdout);
		return 1;
	}
	if (!strcmp(name, "demo"))
		o->demo = true;
	else if (!strcmp(name, "trace"))
		o->trace = true;
	else if (!strcmp(name, "die-with-parent"))
		o->parent = getppid();
	else if (setting_exists(name, &is_flag) && is_flag)
		return sim_options_set_behaviour(&o->behaviour, name, "true", err);
	else
		return -ENOENT;
	return 0;
}

int sim_options_parse(struct sim_options *o, int argc, char **argv, struct err *err)
{
	sim_options_init(o);
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
