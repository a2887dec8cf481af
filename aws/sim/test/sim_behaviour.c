/* SPDX-License-Identifier: MIT */
/* The settings of struct sim_behaviour by name. */
#include "sim_behaviour.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "num.h"

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
		"by the data's size instead, MiB a second; 0: off"},
	{"progress", PROGRESS, AT(progress), "steps|jump|empty|bare|early",
		"how a pending copy's progress is written"},
	{"progress-step", WHOLE, AT(progress_step), "PERCENT", "its step"},
	{"consistency-ms", MILLISECONDS, AT(consistency_ms), "A[-B]",
		"how long DescribeSnapshots does not know of a change"},
	{"flicker", FLAG, AT(flicker), NULL, "meanwhile some answers know of it and some do not"},
	{"latency-ms", MILLISECONDS, AT(latency_ms), "A[-B]", "before each answer"},
	{"throttle", REAL, AT(throttle), "SCALE", "EC2's request buckets, times this; 0: off"},
	{"pages", PAGES, AT(pages), "full|after|ragged",
		"filters applied before or after paging, or pages of random length"},
	{"api-2012", AGE, AT(age), "no|refuses|ignores",
		"a cloud of that time, and what it does with later parameters"},
	{"copy-limit", WHOLE, AT(copy_limit), "N", "pending copies per destination region"},
	{"late-source-errors", FLAG, AT(late_source_errors), NULL,
		"a copy of an unknown snapshot is accepted and fails later"},
	{"deleting-waits", FLAG, AT(deleting_waits), NULL,
		"deleting a pending copy takes effect when it ends"},
	{"session-seconds", WHOLE, AT(session_s), "N",
		"how long the keys of roles last; 0: as long as was asked for"},
	{"clock-shift", SHIFT, AT(clock_shift_ms), "SECONDS",
		"the simulator's clock minus the machine's"},
#undef AT
};

static const struct setting *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++)
		if (!strcmp(settings[i].name, name))
			return &settings[i];
	return NULL;
}

bool sim_behaviour_has(const char *name, bool *is_flag)
{
	const struct setting *s = find(name);

	if (s)
		*is_flag = s->type == FLAG;
	return s != NULL;
}

/* "A" or "A-B", times scale. */
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

static int parse(const struct setting *s, const char *v, void *field)
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

int sim_behaviour_set(struct sim_behaviour *b, const char *name, const char *value, struct err *err)
{
	const struct setting *s = find(name);

	if (!s)
		return err_set(err, EINVAL, "no setting is called %s", name);
	if (parse(s, value, (char *)b + s->offset) < 0)
		return err_set(err, EINVAL, "%s: not %s: %s", name,
			s->argument ? s->argument : "true or false", value);
	return 0;
}

void sim_behaviour_help(FILE *out)
{
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s %s", settings[i].name,
			settings[i].argument ? settings[i].argument : "");
		fprintf(out, "  %-42s %s\n", left, settings[i].help);
	}
}
