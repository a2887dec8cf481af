/* SPDX-License-Identifier: MIT */
/* The command line and the options after -o. */
#include "options.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>

#include "endpoint.h"
#include "num.h"
#include "spelling.h"

enum option_type {
	OPTION_FLAG,    /* bool */
	OPTION_TEXT,    /* char * */
	OPTION_PATH,    /* char *, made absolute */
	OPTION_SECONDS, /* int64_t milliseconds */
	OPTION_NUMBER,  /* double */
	OPTION_SIZE,    /* int64_t bytes, with K, M, G or T */
	OPTION_NONE,    /* bool; the only value is "none" */
	OPTION_REGIONS, /* char **, names separated by ':' */
	OPTION_SIGNATURE,
	OPTION_USER,  /* struct options_id, a name or a number */
	OPTION_GROUP, /* struct options_id, a name or a number */
	OPTION_UMASK, /* struct options_id, octal */
};

struct option {
	const char *name;
	enum option_type type;
	size_t offset;
	double min, max; /* for OPTION_SECONDS and OPTION_NUMBER */
	const char *value;
	const char *help;
};

/* The options after -o. The man page has one entry for each; a test compares the two. */
static const struct option option_table[] = {
	{"regions", OPTION_REGIONS, offsetof(struct options, regions), 0, 0, "R1:R2:…",
		"show only these regions (default: all that the account has enabled)"},
	{"profile", OPTION_TEXT, offsetof(struct options, profile), 0, 0, "NAME",
		"AWS profile (default: AWS_PROFILE, else \"default\")"},
	{"endpoint_url", OPTION_TEXT, offsetof(struct options, endpoint_url), 0, 0, "URL",
		"one endpoint for all regions (default: AWS_ENDPOINT_URL_EC2, AWS_ENDPOINT_URL, "
		"the profile's, Amazon's)"},
	{"signature", OPTION_SIGNATURE, offsetof(struct options, signature), 0, 0, "v4|v2",
		"v2: the signature and API of 2012, for EC2-compatible clouds; needs endpoint_url "
		"(default: v4)"},
	{"simulate", OPTION_FLAG, offsetof(struct options, simulate), 0, 0, NULL,
		"a simulated AWS on this machine: no account needed, nothing to pay"},
	{"ttl", OPTION_SECONDS, offsetof(struct options, ttl_ms), 0, 86400, "SECONDS",
		"how old a listing may be (default: 30)"},
	{"delete", OPTION_FLAG, offsetof(struct options, delete_), 0, 0, NULL,
		"permit deletion: rmdir of a snapshot, mv between regions, rm of a tag (default: "
		"off)"},
	{"ro", OPTION_FLAG, offsetof(struct options, read_only), 0, 0, NULL,
		"read-only (default: off)"},
	{"state_dir", OPTION_PATH, offsetof(struct options, state_dir), 0, 0, "DIR",
		"where the journal of copies and the last listings are kept (default: "
		"$XDG_STATE_HOME/ebsfs, else "
		"~/.local/state/ebsfs; "
		"/var/lib/ebsfs for root; in it one folder an account)"},
	{"budget", OPTION_NUMBER, offsetof(struct options, budget), 0, 1e6, "USD",
		"what reading disks may cost a day; 0 forbids it (default: 1, about 160 GiB)"},
	{"cache_dir", OPTION_PATH, offsetof(struct options, cache_dir), 0, 0, "DIR",
		"where blocks of disks are kept (default: $XDG_CACHE_HOME/ebsfs, else "
		"~/.cache/ebsfs; /var/cache/ebsfs for root)"},
	{"cache_size", OPTION_SIZE, offsetof(struct options, cache_size), 0, 0, "SIZE",
		"how much of them: bytes, or with K, M, G, T (default: 20G, or a tenth of the file "
		"system if that is less)"},
	{"cache", OPTION_NONE, offsetof(struct options, no_cache), 0, 0, "none",
		"none: keep no blocks of disks on this machine"},
	{"rw_size", OPTION_SIZE, offsetof(struct options, rw_size), 0, 0, "SIZE",
		"how much may be written into one disks/ID.rw, on this machine (default: 4G)"},
	{"notags", OPTION_FLAG, offsetof(struct options, no_tags), 0, 0, NULL,
		"copy without any tags, where the account forbids CreateTags; weaker: see "
		"ebsfs(1)"},
	{"on_end", OPTION_TEXT, offsetof(struct options, on_end), 0, 0, "COMMAND",
		"run by /bin/sh when a copy ends, with its facts in the environment"},
	{"poll", OPTION_SECONDS, offsetof(struct options, poll_ms), 0.05, 3600, "SECONDS",
		"shortest interval between two polls of a region's copies (default: 2)"},
	{"timeout", OPTION_SECONDS, offsetof(struct options, timeout_ms), 0.1, 3600, "SECONDS",
		"how long one request to AWS may take, with all its tries (default: 60)"},
	{"rate", OPTION_NUMBER, offsetof(struct options, rate), 0.01, 1000, "FACTOR",
		"keep to EC2's documented request rates times this, at any endpoint (default: 1 at "
		"Amazon's endpoints; at others only once they have throttled)"},
	{"answer", OPTION_SECONDS, offsetof(struct options, answer_ms), 0.1, 3600, "SECONDS",
		"how long cp waits to learn the outcome of a request without a response "
		"(default: 45)"},
	{"window", OPTION_SECONDS, offsetof(struct options, window_ms), 0.1, 3600, "SECONDS",
		"how long EC2 may take to show what it has done, before a lost request counts as "
		"not carried out (default: 150)"},
	{"wait", OPTION_SECONDS, offsetof(struct options, wait_ms), 0, 86400, "SECONDS",
		"at boot: how long to wait for the network, AWS and credentials before the "
		"mount is given up (default: 0)"},
	{"allow_other", OPTION_FLAG, offsetof(struct options, allow_other), 0, 0, NULL,
		"let other users in too, each as the modes of the files permit (default: only the "
		"mounting user)"},
	{"uid", OPTION_USER, offsetof(struct options, uid), 0, 0, "USER",
		"the owner that files show, by name or number (default: the mounting user)"},
	{"gid", OPTION_GROUP, offsetof(struct options, gid), 0, 0, "GROUP",
		"their group: with allow_other and umask=002 its members may copy too (default: "
		"the mounting user's)"},
	{"umask", OPTION_UMASK, offsetof(struct options, umask), 0, 0, "OCTAL",
		"which of the owner's permissions the group and others lack; others never write "
		"(default: 022)"},
	{"nonempty", OPTION_FLAG, offsetof(struct options, nonempty), 0, 0, NULL,
		"mount also on a directory that is not empty, and hide what is in it (default: "
		"refused)"},
};

/* Options that are passed to libfuse and the kernel, and words of fstab and mount(8) that are
 * ignored. Every mount is nosuid and nodev, though mount.fuse3 adds "suid" and "dev" to each line
 * of fstab. */
static const char *const handed_on[] = {"default_permissions",
	"max_read=", "fsname=", "subtype=", "auto_unmount", "exec", "noexec", "atime", "noatime",
	"sync", "async", "dirsync"};
static const char *const passed_over[] = {"rw", "auto", "noauto", "user", "nouser", "users",
	"owner", "group", "defaults", "dev", "nodev", "suid", "nosuid", "_netdev", "nofail",
	"relatime", "norelatime", "strictatime", "diratime", "nodiratime", "lazytime", "x-*",
	"comment="};

static int options_in_list(const char *word, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(list[i]);

		if (list[i][len - 1] == '=' || list[i][len - 1] == '*') {
			if (!strncmp(word, list[i], list[i][len - 1] == '*' ? len - 1 : len))
				return 1;
		} else if (!strcmp(word, list[i])) {
			return 1;
		}
	}
	return 0;
}

/* Makes the path absolute, while the working directory is still the caller's. The path need not
 * exist. */
static char *options_absolute(const char *path)
{
	char cwd[PATH_MAX];
	char *full;

	if (path[0] == '/' || !getcwd(cwd, sizeof(cwd)))
		return strdup(path);
	return asprintf(&full, "%s/%s", cwd, path) < 0 ? NULL : full;
}

static int options_set_regions(struct options *o, const char *value, struct err *err)
{
	_cleanup_free_ char *copy = strdup(value);
	size_t n = 0, colons = 0;
	char *rest = copy;

	for (const char *p = value; *p; p++)
		colons += *p == ':';
	for (char **old = o->regions; old && *old; old++)
		free(*old);
	free(o->regions);
	o->regions = calloc(colons + 2, sizeof(char *));
	if (!copy || !o->regions)
		return err_set(err, ENOMEM, "out of memory");
	for (char *name; (name = strsep(&rest, ":"));) {
		if (!endpoint_is_region(name))
			return err_set(err, EINVAL,
				"option regions: '%.40s' is not a region's name; separate regions "
				"by "
				"colons: regions=us-east-1:eu-west-1",
				name);
		o->regions[n] = strdup(name);
		if (!o->regions[n++])
			return err_set(err, ENOMEM, "out of memory");
	}
	return 0;
}

static int options_set_size(
	int64_t *out, const struct option *option, const char *value, struct err *err)
{
	static const char units[] = "KMGT";
	size_t digits = strspn(value, "0123456789.");
	_cleanup_free_ char *number = strndup(value, digits);
	const char *unit = value[digits] ? strchr(units, value[digits]) : NULL;
	double size;

	if (!number)
		return err_set(err, ENOMEM, "out of memory");
	if (num_parse_double(number, 1, 1e15, &size) < 0 || (value[digits] && !unit) ||
		(unit && value[digits + 1]))
		return err_set(err, EINVAL,
			"option %s: '%.40s' is not a size; write bytes, or a number with K, M, G "
			"or T: %s=20G",
			option->name, value, option->name);
	for (; unit && unit >= units; unit--)
		size *= 1024;
	if (size > 1e18)
		return err_set(err, EINVAL, "option %s: '%.40s' is too large", option->name, value);
	*out = (int64_t)size;
	return 0;
}

static int options_set_id(
	struct options_id *out, const struct option *option, const char *value, struct err *err)
{
	const struct passwd *user;
	const struct group *group;
	uint64_t number;

	out->given = true;
	if (option->type == OPTION_UMASK) {
		out->value = (uint32_t)strtoul(value, NULL, 8);
		if (strspn(value, "01234567") == strlen(value) && strlen(value) <= 4 &&
			out->value <= 0777)
			return 0;
		return err_set(err, EINVAL,
			"option umask: '%.40s' is not an octal number up to 777: umask=002", value);
	}
	if (num_parse_u64(value, strlen(value), 0, UINT32_MAX - 1, &number) == 0) {
		out->value = (uint32_t)number;
		return 0;
	}
	if (option->type == OPTION_USER && (user = getpwnam(value)))
		out->value = user->pw_uid;
	else if (option->type == OPTION_GROUP && (group = getgrnam(value)))
		out->value = group->gr_gid;
	else
		return err_set(err, EINVAL, "option %s: this machine has no %s '%.40s'",
			option->name, option->type == OPTION_USER ? "user" : "group", value);
	return 0;
}

static int options_set(
	struct options *o, const struct option *option, const char *value, struct err *err)
{
	void *member = (char *)o + option->offset;
	double seconds;

	if (option->type == OPTION_FLAG) {
		if (value)
			return err_set(err, EINVAL, "option %s takes no value", option->name);
		*(bool *)member = true;
		return 0;
	}
	if (!value || !*value)
		return err_set(err, EINVAL, "option %s needs a value: %s=%s", option->name,
			option->name, option->value);
	switch (option->type) {
	case OPTION_SECONDS:
		if (num_parse_double(value, option->min, option->max, &seconds) < 0)
			return err_set(err, EINVAL,
				"option %s: '%.40s' is not a number of seconds from %g to %g",
				option->name, value, option->min, option->max);
		*(int64_t *)member = (int64_t)(seconds * 1000);
		return 0;
	case OPTION_NUMBER:
		if (num_parse_double(value, option->min, option->max, member) < 0)
			return err_set(err, EINVAL,
				"option %s: '%.40s' is not a number from %g to %g", option->name,
				value, option->min, option->max);
		return 0;
	case OPTION_SIZE:
		return options_set_size(member, option, value, err);
	case OPTION_NONE:
		if (strcmp(value, "none") != 0)
			return err_set(err, EINVAL,
				"option %s: '%.40s' is not none, its only value; cache_dir= names "
				"a place",
				option->name, value);
		*(bool *)member = true;
		return 0;
	case OPTION_REGIONS:
		return options_set_regions(o, value, err);
	case OPTION_USER:
	case OPTION_GROUP:
	case OPTION_UMASK:
		return options_set_id(member, option, value, err);
	case OPTION_SIGNATURE:
		if (strcmp(value, "v4") != 0 && strcmp(value, "v2") != 0)
			return err_set(err, EINVAL,
				"option signature: '%.40s' is neither v4 nor v2", value);
		*(enum aws_signature *)member =
			value[1] == '2' ? AWS_SIGNATURE_V2 : AWS_SIGNATURE_V4;
		return 0;
	default:
		free(*(char **)member);
		*(char **)member =
			option->type == OPTION_PATH ? options_absolute(value) : strdup(value);
		return *(char **)member ? 0 : err_set(err, ENOMEM, "out of memory");
	}
}

/* Refuses an unknown option. may_be_region: the word has no value, so in a list after regions=… it
 * was probably meant as one more region. */
static int options_refuse(
	const struct options *o, const char *word, bool may_be_region, struct err *err)
{
	const char *names[ARRAY_LEN(option_table)];
	_cleanup_buf_ struct buf hint = BUF_INIT;

	for (size_t i = 0; i < ARRAY_LEN(option_table); i++)
		names[i] = option_table[i].name;
	if (spelling_nearest(names, ARRAY_LEN(names), word, &hint))
		return err_set(err, EINVAL, "unknown option '%.80s'; did you mean %s?", word,
			buf_str(&hint));
	if (!o->regions || !may_be_region || !endpoint_is_region(word))
		return err_set(
			err, EINVAL, "unknown option '%.80s'; 'ebsfs --help' lists them all", word);
	for (char **region = o->regions; *region; region++)
		buf_printf(&hint, "%s:", *region);
	return err_set(err, EINVAL,
		"unknown option '%.80s'; separate regions by colons: regions=%s%.80s", word,
		buf_str(&hint), word);
}

static int options_take(struct options *o, char *word, struct err *err)
{
	char *value;

	if (!*word || options_in_list(word, passed_over, ARRAY_LEN(passed_over)))
		return 0;
	if (options_in_list(word, handed_on, ARRAY_LEN(handed_on)))
		return buf_printf(&o->fuse, "%s%s", o->fuse.len ? "," : "", word) < 0
			       ? err_set(err, ENOMEM, "out of memory")
			       : 0;
	value = strchr(word, '=');
	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < ARRAY_LEN(option_table); i++)
		if (!strcmp(word, option_table[i].name))
			return options_set(o, &option_table[i], value, err);
	return options_refuse(o, word, !value, err);
}

/* Reads a list of options after -o. A comma that belongs to a value is written "\,", as for
 * mount(8) and libfuse. */
static int options_take_list(struct options *o, const char *list, struct err *err)
{
	_cleanup_buf_ struct buf word = BUF_INIT;

	for (const char *p = list;; p++) {
		if (*p && *p != ',') {
			if (*p == '\\' && (p[1] == ',' || p[1] == '\\'))
				p++;
			buf_putc(&word, *p);
			continue;
		}
		if (word.error)
			return err_set(err, ENOMEM, "out of memory");
		if (word.len && options_take(o, word.data, err) < 0)
			return -err->errnum;
		buf_clear(&word);
		if (!*p)
			return 0;
	}
}

/* Refuses an unknown switch: "--profile=x" and "--simulate" belong after -o; "--hlep" is mistyped.
 */
static int options_refuse_switch(const char *arg, struct err *err)
{
	static const char *const switches[] = {"--help", "--version", "--clear"};
	_cleanup_buf_ struct buf hint = BUF_INIT;
	const char *name = arg + strspn(arg, "-");
	size_t len = strcspn(name, "=");

	for (size_t i = 0; i < ARRAY_LEN(option_table); i++) {
		const struct option *option = &option_table[i];

		if (strlen(option->name) == len && !strncmp(name, option->name, len))
			return err_set(err, EINVAL, "unknown switch '%.80s'; write: -o %s%s%s", arg,
				option->name, option->value ? "=" : "",
				option->value ? option->value : "");
	}
	if (spelling_nearest(switches, ARRAY_LEN(switches), arg, &hint))
		return err_set(err, EINVAL, "unknown switch '%.80s'; did you mean %s?", arg,
			buf_str(&hint));
	return err_set(err, EINVAL, "unknown switch '%.80s'; 'ebsfs --help' lists them all", arg);
}

static int options_take_switch(
	struct options *o, const char *arg, const char *next, int *used, struct err *err)
{
	*used = 1;
	if (!strcmp(arg, "--help") || !strcmp(arg, "-h"))
		o->help = true;
	else if (!strcmp(arg, "--version") || !strcmp(arg, "-V"))
		o->version = true;
	else if (!strcmp(arg, "--clear"))
		o->clear = true;
	else if (!strcmp(arg, "-f"))
		o->foreground = true;
	else if (!strcmp(arg, "-d"))
		o->debug = o->foreground = true;
	else if (!strncmp(arg, "-o", 2) && arg[2])
		return options_take_list(o, arg + 2, err);
	else if (!strcmp(arg, "-o")) {
		*used = 2;
		if (!next)
			return err_set(err, EINVAL, "-o needs a list of options behind it");
		return options_take_list(o, next, err);
	} else
		return options_refuse_switch(arg, err);
	return 0;
}

int options_parse(int argc, char **argv, struct options *o, struct err *err)
{
	const char *names[2];
	int n_names = 0, used;
	bool only_names = false;

	*o = (struct options){.ttl_ms = 30000, .budget = 1, .rw_size = (int64_t)4 << 30};
	for (int i = 1; i < argc; i += used) {
		used = 1;
		if (!only_names && !strcmp(argv[i], "--")) {
			only_names = true;
		} else if (!only_names && argv[i][0] == '-' && argv[i][1]) {
			if (options_take_switch(o, argv[i], argv[i + 1], &used, err) < 0)
				return -err->errnum;
		} else if (n_names == 2) {
			return err_set(err, EINVAL,
				"too many arguments: '%.80s'; name one mountpoint, and options "
				"after -o",
				argv[i]);
		} else {
			names[n_names++] = argv[i];
		}
	}
	if (o->help || o->version)
		return 0;
	if (!n_names)
		return err_set(err, EINVAL,
			"no mountpoint given; usage: ebsfs [-f] [-d] [-o OPTION[,OPTION…]] "
			"MOUNTPOINT");
	/* mount(8) passes the source as first argument to a file system's program. */
	if (n_names == 2 && !(o->source = strdup(names[0])))
		return err_set(err, ENOMEM, "out of memory");
	o->mountpoint = options_absolute(names[n_names - 1]);
	if (!o->mountpoint)
		return err_set(err, ENOMEM, "out of memory");
	if (o->endpoint_url && strncmp(o->endpoint_url, "http://", 7) != 0 &&
		strncmp(o->endpoint_url, "https://", 8) != 0)
		/* The message does not repeat the URL, because it may contain a password. */
		return err_set(err, EINVAL,
			"option endpoint_url is not a URL of the form "
			"http(s)://HOST[:PORT][/PATH]");
	if (!o->allow_other && ((o->uid.given && o->uid.value != getuid()) ||
				       (o->gid.given && o->gid.value != getgid())))
		return err_set(err, EINVAL,
			"option %s: without allow_other nobody but the mounting user gets in; add "
			"allow_other",
			o->gid.given ? "gid" : "uid");
	if (o->simulate && o->endpoint_url)
		return err_set(err, EINVAL, "options simulate and endpoint_url exclude each other");
	return 0;
}

void options_finish(struct options *o)
{
	for (char **name = o->regions; name && *name; name++)
		free(*name);
	free(o->regions);
	free(o->mountpoint);
	free(o->source);
	free(o->profile);
	free(o->endpoint_url);
	free(o->state_dir);
	free(o->cache_dir);
	free(o->on_end);
	buf_finish(&o->fuse);
	*o = (struct options){0};
}

/* Returns the path A/B/ebsfs/ACCOUNT. NULL on ENOMEM. */
static char *state_dir_of(const char *a, const char *b, const char *account)
{
	char *path;

	return asprintf(&path, "%s%s/ebsfs/%s", a, b, *account ? account : "unknown-account") < 0
		       ? NULL
		       : path;
}

/* Returns the user's home folder; NULL: none. */
static const char *options_home(void)
{
	const char *home = getenv("HOME");
	const struct passwd *user;

	if (home && *home == '/')
		return home;
	user = getpwuid(getuid());
	return user ? user->pw_dir : NULL;
}

char *options_state_dir(const struct options *o, const char *account, struct err *err)
{
	const char *xdg = getenv("XDG_STATE_HOME"), *home = options_home();
	char *path;

	if (o->state_dir)
		path = strdup(o->state_dir);
	else if (getuid() == 0)
		path = state_dir_of("/var/lib", "", account);
	else if (xdg && *xdg == '/')
		path = state_dir_of(xdg, "", account);
	else if (home)
		path = state_dir_of(home, "/.local/state", account);
	else {
		err_set(err, ENOENT,
			"no home folder for the journal of copies: name a place with -o "
			"state_dir=DIR");
		return NULL;
	}
	if (!path) {
		err_set(err, ENOMEM, "out of memory");
		return NULL;
	}
	return path;
}

char *options_cache_dir(const struct options *o, struct err *err)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = options_home();
	char *path;

	if (o->cache_dir)
		path = strdup(o->cache_dir);
	else if (getuid() == 0)
		path = strdup("/var/cache/ebsfs");
	else if (asprintf(&path, "%s%s/ebsfs",
			 xdg && *xdg == '/' ? xdg
			 : home             ? home
					    : "",
			 xdg && *xdg == '/' ? "" : "/.cache") < 0)
		path = NULL;
	if (!path)
		err_set(err, ENOMEM, "out of memory");
	return path;
}

#define HELP_COLUMNS 80
#define HELP_INDENT  8

/* Appends the text, indented, in lines of at most HELP_COLUMNS. */
static void options_wrap(struct buf *out, const char *text)
{
	size_t column = HELP_COLUMNS;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column + 1 + len > HELP_COLUMNS) {
			buf_printf(out, "\n%*s", HELP_INDENT, "");
			column = HELP_INDENT;
		} else {
			buf_putc(out, ' ');
			column++;
		}
		buf_add(out, text, len);
		column += len;
		text += len;
		text += *text == ' ';
	}
	buf_putc(out, '\n');
}

int options_help(struct buf *out)
{
	buf_puts(out,
		"Usage: ebsfs [-f] [-d] [-o OPTION[,OPTION…]] MOUNTPOINT\n"
		"Mount an AWS account's EBS snapshots as files.\n"
		"End with: fusermount3 -u MOUNTPOINT\n\n"
		"  -f             stay in the foreground, log to stderr\n"
		"  -d             as -f, and log each request\n"
		"  --clear        only remove the dead mount of a killed ebsfs at MOUNTPOINT\n"
		"  -h, --help     print this and exit\n"
		"  -V, --version  print the version and exit\n\n"
		"Options after -o:\n");
	for (size_t i = 0; i < ARRAY_LEN(option_table); i++) {
		const struct option *option = &option_table[i];

		buf_printf(out, "  %s%s%s", option->name, option->value ? "=" : "",
			option->value ? option->value : "");
		options_wrap(out, option->help);
	}
	return buf_puts(out, "\nOptions of mount(8) (exec, noatime, fsname=, …) are handed on.\n"
			     "Try it without an account: ebsfs -o simulate MOUNTPOINT\n");
}
