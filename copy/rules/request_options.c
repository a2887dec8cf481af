/* SPDX-License-Identifier: MIT */
/* The options of a request's text. */
#include "request_options.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ec2.h"
#include "num.h"
#include "preflight.h"
#include "utf8.h"

/* A time-based copy: CompletionDurationMinutes, CopySnapshot's reference. */
#define MINUTES_MIN      15
#define MINUTES_MAX      2880
#define LABEL_MAX        128
#define LABEL_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
/* VolumeInitializationRate, CreateVolume's reference. */
#define RATE_MIN         100
#define RATE_MAX         300

#define COPY   (1u << REQUEST_COPY)
#define VOLUME (1u << REQUEST_VOLUME)
#define IMAGE  (1u << REQUEST_IMAGE)

static const char *const kinds[] = {"copy", "volume", "image"};

const char *request_options_kind(enum request_kind kind)
{
	return kinds[kind];
}

/* --- pieces of reading --- */

static int option_bad(struct request_reader *r, const char *key, const char *what)
{
	return err_set(r->err, EINVAL, "line %u: %s %s", r->line, key, what);
}

static int option_no_memory(struct request_reader *r)
{
	return err_set(r->err, ENOMEM, "out of memory");
}

static int option_keep(struct request_reader *r, char **field, const char *key, const char *value)
{
	if (!*value)
		return option_bad(r, key, "has no value");
	*field = strdup(value);
	return *field ? 0 : option_no_memory(r);
}

static int option_bool(struct request_reader *r, const char *key, const char *value, bool *out)
{
	if (!strcasecmp(value, "yes") || !strcasecmp(value, "true"))
		*out = true;
	else if (!strcasecmp(value, "no") || !strcasecmp(value, "false"))
		*out = false;
	else
		return option_bad(r, key, "must be yes or no");
	return 0;
}

static int option_add(char **lines, const char *name, const char *value)
{
	char *both;

	if (asprintf(&both, "%s%s: %s\n", *lines ? *lines : "", name, value) < 0)
		return -ENOMEM;
	free(*lines);
	*lines = both;
	return 0;
}

/* Keeps an option as a line: the key without its kind. */
static int option_line(struct request_reader *r, const char *key, const char *value)
{
	return option_add(&r->out->options, strchr(key, '.') + 1, value) < 0 ? option_no_memory(r)
									     : 0;
}

static int option_number(
	struct request_reader *r, const char *key, const char *value, uint64_t min, uint64_t max)
{
	char text[24], what[100];
	uint64_t n;

	snprintf(what, sizeof(what), "must be a number from %llu to %llu", (unsigned long long)min,
		(unsigned long long)max);
	if (num_parse_u64(value, strlen(value), min, max, &n) < 0)
		return option_bad(r, key, what);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	return option_line(r, key, text);
}

static int option_word(struct request_reader *r, const char *key, const char *value,
	const char *const *words, const char *what)
{
	for (; *words; words++)
		if (!strcmp(value, *words))
			return option_line(r, key, value);
	return option_bad(r, key, what);
}

/* --- one function an option --- */

typedef int option_fn(struct request_reader *r, const char *key, const char *value);

static int read_description(struct request_reader *r, const char *key, const char *value)
{
	if (utf8_count(value, strlen(value)) > EC2_DESCRIPTION_MAX)
		return err_set(r->err, EINVAL, "line %u: %s is longer than EC2's %d characters",
			r->line, key, EC2_DESCRIPTION_MAX);
	return option_keep(r, &r->out->description, key, value);
}

static int read_encrypted(struct request_reader *r, const char *key, const char *value)
{
	int result = option_bool(r, key, value, &r->out->encrypted);

	if (!result)
		r->encrypted = r->out->encrypted;
	return result;
}

static int read_key(struct request_reader *r, const char *key, const char *value)
{
	char region[ENDPOINT_REGION_SIZE];

	if (*value && preflight_key_parse(key, value, region, r->err) < 0)
		return err_context(r->err, "line %u", r->line);
	return option_keep(r, &r->out->kms_key_id, key, value);
}

static int read_no_tags(struct request_reader *r, const char *key, const char *value)
{
	return option_bool(r, key, value, &r->out->no_tags);
}

static int read_dry_run(struct request_reader *r, const char *key, const char *value)
{
	return option_bool(r, key, value, &r->out->dry_run);
}

static int read_minutes(struct request_reader *r, const char *key, const char *value)
{
	uint64_t minutes;

	if (num_parse_u64(value, strlen(value), MINUTES_MIN, MINUTES_MAX, &minutes) < 0 ||
		minutes % 15)
		return option_bad(r, key, "must be a multiple of 15, from 15 to 2880");
	r->out->completion_minutes = (int)minutes;
	return 0;
}

static int read_again(struct request_reader *r, const char *key, const char *value)
{
	size_t len = strlen(value);

	if (!len || len > LABEL_MAX || strspn(value, LABEL_CHARACTERS) != len)
		return option_bad(
			r, key, "must be a label of 1 to 128 of the characters A-Z a-z 0-9 . _ -");
	return option_keep(r, &r->out->again, key, value);
}

static int read_type(struct request_reader *r, const char *key, const char *value)
{
	static const char *const words[] = {
		"gp3", "gp2", "io1", "io2", "st1", "sc1", "standard", NULL};

	return option_word(
		r, key, value, words, "must be gp3, gp2, io1, io2, st1, sc1 or standard");
}

/* "100", "100 GiB". The range depends on the type: request_volume_check(). */
static int read_size(struct request_reader *r, const char *key, const char *value)
{
	size_t digits = strspn(value, "0123456789");
	char text[24];

	if (!digits || digits > 9 || (value[digits] && strcmp(value + digits, " GiB")))
		return option_bad(r, key, "must be a number of GiB");
	snprintf(text, sizeof(text), "%.*s", (int)digits, value);
	return option_number(r, key, text, 1, 65536);
}

static int read_iops(struct request_reader *r, const char *key, const char *value)
{
	return option_number(r, key, value, 100, 256000);
}

static int read_throughput(struct request_reader *r, const char *key, const char *value)
{
	return option_number(r, key, value, 125, 2000);
}

static int read_rate(struct request_reader *r, const char *key, const char *value)
{
	return option_number(r, key, value, RATE_MIN, RATE_MAX);
}

static int read_architecture(struct request_reader *r, const char *key, const char *value)
{
	static const char *const words[] = {
		"x86_64", "arm64", "i386", "x86_64_mac", "arm64_mac", NULL};

	return option_word(
		r, key, value, words, "must be x86_64, arm64, i386, x86_64_mac or arm64_mac");
}

static int read_boot_mode(struct request_reader *r, const char *key, const char *value)
{
	static const char *const words[] = {"legacy-bios", "uefi", "uefi-preferred", NULL};

	return option_word(r, key, value, words, "must be legacy-bios, uefi or uefi-preferred");
}

static int read_version_2(struct request_reader *r, const char *key, const char *value)
{
	static const char *const words[] = {"v2.0", NULL};

	return option_word(r, key, value, words, "must be v2.0, the only version that EC2 has");
}

static bool option_is_device(const char *text)
{
	size_t n = strlen(text);

	return n > 2 && n < EC2_DEVICE_SIZE && strspn(text, LABEL_CHARACTERS "/") == n;
}

static int read_root_device(struct request_reader *r, const char *key, const char *value)
{
	if (!option_is_device(value))
		return option_bad(r, key, "must be a device's name, as /dev/xvda");
	return option_line(r, key, value);
}

/* image.disk.DEVICE: SNAPSHOT */
static int read_disk(struct request_reader *r, const char *key, const char *value)
{
	const char *device = key + strlen("image.disk.");
	char other[REQUEST_OPTION_SIZE];

	if (!option_is_device(device))
		return option_bad(
			r, key, "does not name a device: it has the form image.disk./dev/sdb");
	if (!ec2_is_snapshot_id(value))
		return option_bad(r, key,
			"must be a snapshot's id in this region, as snap-0a1b2c3d4e5f60718");
	if (*request_option(r->out->options, strchr(key, '.') + 1, other))
		return option_bad(r, key, "was given before");
	return option_line(r, key, value);
}

static int read_tag(struct request_reader *r, const char *key, const char *value)
{
	const char *tag = strstr(key, ".tag.") + strlen(".tag.");
	struct copy_request *out = r->out;
	ssize_t chars = utf8_count(tag, strlen(tag));
	struct request_tag *tags;
	const char *why = NULL;

	if (chars < 1 || chars > EC2_TAG_KEY_MAX)
		why = "a tag's key has 1 to 127 characters";
	else if (utf8_count(value, strlen(value)) > EC2_TAG_VALUE_MAX)
		why = "a tag's value has at most 255 characters";
	else if (!strncasecmp(tag, "aws:", 4))
		why = "tags that begin with aws: can only be set by AWS";
	else if (!strncmp(tag, "ebsfs:", 6))
		why = "tags that begin with ebsfs: are set by ebsfs itself";
	for (size_t i = 0; i < out->n_tags; i++)
		if (!strcmp(out->tags[i].key, tag))
			why = "this tag was given before";
	if (!why && out->kind == REQUEST_COPY && out->n_tags == REQUEST_TAGS_MAX)
		why = "more than 48 tags: EC2 takes 50, and ebsfs adds two of its own";
	else if (!why && out->n_tags == EC2_TAGS_MAX)
		why = "more than 50 tags, and EC2 takes no more";
	if (why)
		return err_set(r->err, EINVAL, "line %u: %s", r->line, why);
	tags = realloc(out->tags, (out->n_tags + 1) * sizeof(*tags));
	if (!tags)
		return option_no_memory(r);
	out->tags = tags;
	tags += out->n_tags++;
	*tags = (struct request_tag){strdup(tag), strdup(value)};
	return tags->key && tags->value ? 0 : option_no_memory(r);
}

/* --- the table --- */

/* A name that ends in '.' is a prefix, and may be given more than once. */
static const struct {
	const char *name;
	unsigned kinds;
	option_fn *read;
} options[] = {
	{"description", COPY | IMAGE, read_description},
	{"encrypted", COPY | VOLUME, read_encrypted},
	{"kms-key", COPY | VOLUME, read_key},
	{"tag.", COPY | VOLUME | IMAGE, read_tag},
	{"no-tags", COPY, read_no_tags},
	{"completion-minutes", COPY, read_minutes},
	{"type", VOLUME, read_type},
	{"size", VOLUME, read_size},
	{"iops", VOLUME, read_iops},
	{"throughput", VOLUME, read_throughput},
	{"initialization-rate", VOLUME, read_rate},
	{"architecture", IMAGE, read_architecture},
	{"boot-mode", IMAGE, read_boot_mode},
	{"root-device", IMAGE, read_root_device},
	{"disk.", IMAGE, read_disk},
	{"tpm", IMAGE, read_version_2},
	{"imds", IMAGE, read_version_2},
	{"dry-run", COPY | VOLUME | IMAGE, read_dry_run},
	{"again", COPY | VOLUME, read_again},
};

static bool option_is_prefix(const char *name)
{
	return name[strlen(name) - 1] == '.';
}

const char *request_options_names(enum request_kind kind, char out[REQUEST_OPTIONS_NAMES_SIZE])
{
	size_t n = 0;

	*out = '\0';
	for (size_t i = 0; i < ARRAY_LEN(options) && n < REQUEST_OPTIONS_NAMES_SIZE; i++)
		if (options[i].kinds & 1u << kind)
			n += (size_t)snprintf(out + n, REQUEST_OPTIONS_NAMES_SIZE - n, "%s%s.%s%s",
				n ? ", " : "", kinds[kind], options[i].name,
				!option_is_prefix(options[i].name) ? ""
				: options[i].read == read_disk     ? "DEVICE"
								   : "KEY");
	return out;
}

int request_options_once(struct request_reader *r, const char *key, unsigned bit)
{
	if (r->seen & 1u << bit)
		return option_bad(r, key, "was given before");
	r->seen |= 1u << bit;
	return 0;
}

/* Returns the kind that the key's prefix names, or -1. */
static int option_kind(const char *key)
{
	for (int kind = 0; kind < (int)ARRAY_LEN(kinds); kind++) {
		size_t len = strlen(kinds[kind]);

		if (!strncmp(key, kinds[kind], len) && key[len] == '.')
			return kind;
	}
	return -1;
}

int request_options_read(struct request_reader *r, const char *key, const char *value)
{
	enum request_kind wanted = r->out->kind;
	char names[REQUEST_OPTIONS_NAMES_SIZE];
	int kind = option_kind(key);
	const char *name;

	if (kind < 0)
		return 1;
	if (kind != (int)wanted)
		return 0; /* of requests of another kind */
	name = key + strlen(kinds[kind]) + 1;
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		bool prefix = option_is_prefix(options[i].name);

		if (!(options[i].kinds & 1u << kind) ||
			(prefix ? strncmp(name, options[i].name, strlen(options[i].name))
				: strcmp(name, options[i].name)))
			continue;
		if (!prefix && request_options_once(r, key, REQUEST_FACTS + (unsigned)i) < 0)
			return -EINVAL;
		return options[i].read(r, key, value);
	}
	err_set(r->err, EINVAL,
		"line %u: '%.60s' is not a key of a snapshot file (to ask for something: %s)",
		r->line, key, request_options_names(wanted, names));
	return -EINVAL;
}

static int option_check_image(struct request_reader *r)
{
	char value[REQUEST_OPTION_SIZE], disk[REQUEST_OPTION_SIZE + 8], root[REQUEST_OPTION_SIZE];
	const char *lines = r->out->options;

	if (!*request_option(lines, "architecture", value))
		return err_set(r->err, EINVAL,
			"image.architecture is missing, and no snapshot says it: add the "
			"line 'image.architecture: x86_64', or arm64");
	if (*request_option(lines, "tpm", value) &&
		strcmp(request_option(lines, "boot-mode", value), "uefi"))
		return err_set(r->err, EINVAL,
			"image.tpm needs the line 'image.boot-mode: uefi': an instance has a TPM "
			"only then");
	if (!*request_option(lines, "root-device", root))
		snprintf(root, sizeof(root), "%s", REQUEST_ROOT_DEVICE);
	snprintf(disk, sizeof(disk), "disk.%s", root);
	if (*request_option(lines, disk, value))
		return err_set(r->err, EINVAL,
			"image.%s is the root device, whose snapshot is the text's own: name "
			"another device",
			disk);
	return 0;
}

int request_options_check(struct request_reader *r, bool whole)
{
	struct copy_request *out = r->out;

	out->unencrypted = r->encrypted == 0;
	if (out->kms_key_id && out->unencrypted)
		return err_set(r->err, EINVAL, "%s.kms-key is given, but %s.encrypted is no",
			kinds[out->kind], kinds[out->kind]);
	if (out->kms_key_id)
		out->encrypted = true; /* EC2 takes a key only together with Encrypted=true */
	if (!whole)
		return 0;
	if (out->kind == REQUEST_VOLUME)
		return request_volume_check(out->options, 0, r->err);
	return out->kind == REQUEST_IMAGE ? option_check_image(r) : 0;
}

/* --- lines --- */

bool request_option_at(const char *lines, unsigned n, char *name, char *value)
{
	const char *at = lines, *colon, *end;

	for (; at && *at && n; n--) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	if (!at || !*at)
		return false;
	end = at + strcspn(at, "\n");
	colon = strstr(at, ": ");
	if (!colon || colon > end)
		return false;
	snprintf(name, REQUEST_OPTION_SIZE, "%.*s", (int)(colon - at), at);
	snprintf(value, REQUEST_OPTION_SIZE, "%.*s", (int)(end - colon - 2), colon + 2);
	return true;
}

const char *request_option(const char *lines, const char *name, char out[REQUEST_OPTION_SIZE])
{
	char is[REQUEST_OPTION_SIZE];

	for (unsigned n = 0; request_option_at(lines, n, is, out); n++)
		if (!strcmp(is, name))
			return out;
	*out = '\0';
	return out;
}

unsigned request_option_number(const char *lines, const char *name)
{
	char text[REQUEST_OPTION_SIZE];
	uint64_t n;

	request_option(lines, name, text);
	return num_parse_u64(text, strlen(text), 0, UINT32_MAX, &n) < 0 ? 0 : (unsigned)n;
}

int request_option_default(char **lines, const char *name, const char *value)
{
	char is[REQUEST_OPTION_SIZE];

	return *request_option(*lines, name, is) ? 0 : option_add(lines, name, value);
}

/* --- EC2's bounds --- */

/* CreateVolume's reference; iops and throughput of 0: the type has none to choose. */
static const struct volume_type {
	const char *name;
	unsigned size_min, size_max; /* GiB */
	unsigned iops_min, iops_max;
	bool needs_iops;
	unsigned throughput_min, throughput_max; /* MiB/s */
} volume_types[] = {
	{"gp3", 1, 65536, 3000, 80000, false, 125, 2000},
	{"gp2", 1, 16384, 0, 0, false, 0, 0},
	{"io1", 4, 16384, 100, 64000, true, 0, 0},
	{"io2", 4, 65536, 100, 256000, true, 0, 0},
	{"st1", 125, 16384, 0, 0, false, 0, 0},
	{"sc1", 125, 16384, 0, 0, false, 0, 0},
	{"standard", 1, 1024, 0, 0, false, 0, 0},
};

static int volume_check_size(
	const struct volume_type *type, unsigned size, unsigned snapshot_gib, struct err *err)
{
	unsigned effective = size ? size : snapshot_gib;

	if (size && size < snapshot_gib)
		return err_set(err, EINVAL,
			"volume.size is %u GiB, and the snapshot is of a volume of %u GiB: a "
			"volume made of it has %u to %u GiB as %s",
			size, snapshot_gib, snapshot_gib, type->size_max, type->name);
	if (effective && (effective < type->size_min || effective > type->size_max))
		return err_set(err, EINVAL,
			"a volume of the type %s has %u to %u GiB, and this one would have %u: "
			"%s, or name another volume.type",
			type->name, type->size_min, type->size_max, effective,
			size ? "change volume.size" : "add volume.size");
	return 0;
}

static int volume_check_number(const struct volume_type *type, const char *option, unsigned value,
	unsigned min, unsigned max, bool needed, struct err *err)
{
	if (!value && !needed)
		return 0;
	if (!max)
		return err_set(err, EINVAL,
			"volume.%s is not for the type %s, which has no choice of it: leave the "
			"line out, or name another volume.type",
			option, type->name);
	if (!value)
		return err_set(err, EINVAL,
			"a volume of the type %s needs the line 'volume.%s: N', from %u to %u",
			type->name, option, min, max);
	if (value < min || value > max)
		return err_set(err, EINVAL, "volume.%s of the type %s is from %u to %u, not %u",
			option, type->name, min, max, value);
	return 0;
}

int request_volume_check(const char *lines, unsigned snapshot_gib, struct err *err)
{
	const struct volume_type *type = volume_types;
	char name[REQUEST_OPTION_SIZE];
	int result;

	request_option(lines, "type", name);
	for (size_t i = 0; i < ARRAY_LEN(volume_types); i++)
		if (!strcmp(name, volume_types[i].name))
			type = &volume_types[i];
	result = volume_check_size(type, request_option_number(lines, "size"), snapshot_gib, err);
	if (result == 0)
		result = volume_check_number(type, "iops", request_option_number(lines, "iops"),
			type->iops_min, type->iops_max, type->needs_iops, err);
	if (result == 0)
		result = volume_check_number(type, "throughput",
			request_option_number(lines, "throughput"), type->throughput_min,
			type->throughput_max, false, err);
	return result;
}

int request_image_check_name(const char *name, struct err *err)
{
	static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789()[] ./-'@_";
	size_t n = strlen(name);

	if (n >= 3 && n <= 128 && strspn(name, characters) == n)
		return 0;
	return err_set(err, EINVAL,
		"'%.140s' cannot be an image's name: EC2 takes 3 to 128 letters, digits, blanks "
		"and ( ) [ ] . - ' @ _; give the file another name",
		name);
}
