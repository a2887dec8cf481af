/* SPDX-License-Identifier: MIT */
/* Builds the layers of a mount, serves the mount, and takes it down. */
#define FUSE_USE_VERSION 314
#include "mount.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "delete.h"
#include "digest.h"
#include "disk.h"
#include "files.h"
#include "filter_folders.h"
#include "inode_space.h"
#include "journal.h"
#include "last_error.h"
#include "libexec.h"
#include "log.h"
#include "notify.h"
#include "offline.h"
#include "ops.h"
#include "receipts.h"
#include "statedir.h"
#include "status.h"
#include "url.h"
#include "zones.h"

/* How long the end of the mount waits for requests, tags and rows that are in progress. */
#define SETTLE_MS 10000

/* --- the layers --- */

static int mount_build_client(struct mount *m, struct err *err)
{
	const struct options *o = m->fs.options;
	struct http_options http = {
		.user_agent = "ebsfs/" EBSFS_VERSION, .timeouts = &m->fs.timeouts};
	struct aws_options aws = {.loop = &m->loop, .deadline_ms = o->timeout_ms, .rate = o->rate};
	const char *profile;
	int r = profiles_load(&m->profiles, err);

	if (r < 0)
		return r;
	profile = profiles_selected(m->profiles, o->profile);
	snprintf(m->fs.profile, sizeof(m->fs.profile), "%s", profile);
	http.ca_bundle = profiles_setting(m->profiles, "AWS_CA_BUNDLE", profile, "ca_bundle");
	m->endpoints = (struct endpoint_config){
		.endpoint_url = o->endpoint_url, .profiles = m->profiles, .profile = m->fs.profile};
	r = http_create(&m->loop, &http, &m->http, err);
	if (r == 0)
		r = credentials_chain_create(
			&m->loop, m->http, m->profiles, o->profile, &m->chain, err);
	if (r < 0)
		return r;
	aws.http = m->http;
	aws.credentials = m->chain;
	aws.endpoints = &m->endpoints;
	aws.signature = o->signature;
	r = aws_create(&aws, &m->fs.aws, err);
	if (r < 0)
		return r;
	m->fs.regions = regions_create(&m->loop, m->fs.aws, o->ttl_ms);
	return m->fs.regions ? 0 : err_set(err, ENOMEM, "out of memory");
}

/* Keeps the catalogues on disk, so that the next mount shows them at once. Without the account's
 * number they are not kept: a catalogue without an owner could be shown to another account. */
static int mount_keep_catalogues(struct mount *m, struct err *err)
{
	_cleanup_buf_ struct buf whose = BUF_INIT, folder = BUF_INIT;
	_cleanup_close_ int fd = -1;
	int r = 0;

	if (m->fs.options->simulate || !*m->fs.account)
		return 0;
	/* Ignores other failures: the first listing that cannot be kept reports them. */
	buf_printf(&folder, "%s/catalogue", m->state_dir);
	fd = statedir_open(buf_str(&folder), false, err);
	if (fd == -EPERM)
		return fd;
	buf_printf(&whose, "%s ", m->fs.account);
	/* Adds the endpoint, because account numbers of other clouds are unique only per endpoint.
	 */
	if (endpoint_is_named(&m->endpoints, "ec2"))
		r = endpoint_url(&m->endpoints, "ec2", region_name(regions_at(m->fs.regions, 0)),
			&whose, err);
	if (r == 0 && regions_set_cache(m->fs.regions, m->state_dir, buf_str(&whose)) < 0)
		r = err_set(err, ENOMEM, "out of memory");
	return r;
}

/* A simulated account's state is kept in memory, unless the user names a folder. */
static int mount_find_state(struct mount *m, struct err *err)
{
	const struct options *o = m->fs.options;

	if (o->simulate && !o->state_dir)
		return 0;
	m->state_dir = options_state_dir(o, m->fs.account, err);
	return m->state_dir ? 0 : -err->errnum;
}

static int mount_build_copies(struct mount *m, struct err *err)
{
	struct fs *fs = &m->fs;
	const struct options *o = fs->options;
	struct copies_options options = {
		.loop = &m->loop,
		.aws = fs->aws,
		.regions = fs->regions,
		.account = fs->account,
		.on_end = o->on_end,
		/* The API of 2012 cannot tag a copy in the same request. */
		.no_tags = o->no_tags || o->signature == AWS_SIGNATURE_V2,
		.poll_ms = o->poll_ms,
		.window_ms = o->window_ms,
		.answer_ms = o->answer_ms,
		/* A shorter window of polling needs shorter pauses between retries. */
		.retry_ms = o->window_ms && o->window_ms < 100000 ? o->window_ms / 100 + 1 : 0,
	};
	int r;

	regions_set_account(fs->regions, fs->account);
	r = journal_open(&m->loop, m->state_dir, fs->account, &fs->journal, err);
	if (r < 0)
		return r;
	r = mount_keep_catalogues(m, err);
	if (r < 0)
		return r;
	options.journal = fs->journal;
	fs->receipts = receipts_create(fs);
	fs->drafts = drafts_create();
	fs->zones = zones_create(fs);
	fs->filters = filter_folders_create(fs);
	fs->last_error = last_error_create();
	if (!fs->receipts || !fs->drafts || !fs->zones || !fs->filters || !fs->last_error)
		return err_set(err, ENOMEM, "out of memory");
	r = copies_create(&options, receipts_load, fs, &fs->copies, err);
	if (r < 0)
		return r;
	if (receipts_rename_all_reserved(fs) < 0)
		return err_set(err, ENOMEM, "out of memory");
	held_slots_watch(fs);
	return statuses_create(fs) ? 0 : err_set(err, ENOMEM, "out of memory");
}

/* --- disks --- */

/* Blocks of disks are kept for one account at one endpoint. They are not kept without the account's
 * number, nor for a simulated account, unless the user names a folder. The name contains the
 * endpoint's digest. */
static int disks_cache_scope(struct mount *m, struct buf *scope, struct err *err)
{
	const struct options *o = m->fs.options;
	_cleanup_buf_ struct buf url = BUF_INIT;
	char digest[DIGEST_SHA256_HEX];

	if (o->no_cache || !*m->fs.account || (o->simulate && !o->cache_dir))
		return 0;
	buf_puts(scope, m->fs.account);
	if (endpoint_is_amazons(&m->endpoints, "ebs"))
		return 0;
	if (endpoint_url(
		    &m->endpoints, "ebs", region_name(regions_at(m->fs.regions, 0)), &url, err) < 0)
		return -err->errnum;
	if (digest_sha256_hex(buf_str(&url), url.len, digest) < 0)
		return err_set(err, EIO, "OpenSSL refuses SHA-256");
	buf_printf(scope, "@%.16s", digest);
	return 0;
}

/* Returns the folder for data that are written into disks, which is in the cache's folder even if
 * no blocks are kept. A simulated account leaves no folder behind. */
static char *disks_overlay_dir(const struct options *o, struct err *err)
{
	char *dir = o->simulate && !o->cache_dir ? strdup("/var/tmp") : options_cache_dir(o, err);

	if (!dir)
		err_set(err, ENOMEM, "out of memory");
	return dir;
}

static void disks_budget_ready(void *arg)
{
	struct fs *fs = arg;

	disks_resume(fs->disks);
}

static int mount_build_files(struct mount *m)
{
	struct fs *fs = &m->fs;

	libexec_find("contents/" READER_PROGRAM, m->reader);
	fs->files = files_create(&(struct files_options){
		.loop = &m->loop, .disks = fs->disks, .program = m->reader});
	fs->inode_spaces = inode_spaces_create();
	return fs->files && fs->inode_spaces ? 0 : -ENOMEM;
}

static int mount_build_disks(struct mount *m, struct err *err)
{
	struct fs *fs = &m->fs;
	const struct options *o = fs->options;
	_cleanup_buf_ struct buf scope = BUF_INIT;
	struct budget_options budget = {.loop = &m->loop,
		.dir = m->state_dir,
		.dollars = o->budget,
		.ready = disks_budget_ready,
		.arg = fs};
	struct disks_options disks = {.loop = &m->loop, .cache_bytes = o->cache_size};

	if (disks_cache_scope(m, &scope, err) < 0)
		return -err->errnum;
	if (scope.len) {
		m->block_cache = options_cache_dir(o, err);
		m->block_scope = buf_steal(&scope);
		if (!m->block_cache || !m->block_scope)
			return err_set(err, ENOMEM, "out of memory");
	}
	m->overlay_dir = disks_overlay_dir(o, err);
	if (!m->overlay_dir || budget_create(&budget, &fs->budget, err) < 0)
		return -err->errnum;
	disks.overlay_dir = m->overlay_dir;
	disks.overlay_bytes = o->rw_size;
	disks.budget = fs->budget;
	disks.cache_dir = m->block_cache;
	disks.cache_scope = m->block_scope;
	disks.workers = m->workers = workers_create(&m->loop, 2);
	if (m->workers)
		disks.ebs = fs->ebs =
			ebs_create(&(struct ebs_options){.aws = fs->aws, .workers = m->workers});
	fs->disks = fs->ebs ? disks_create(&disks) : NULL;
	if (fs->disks && mount_build_files(m) == 0)
		return 0;
	return err_set(err, ENOMEM, "out of memory");
}

/* --- endpoints --- */

/* Refuses Version 2 at endpoints that accept Version 4, because Version 2 protects less. */
static int endpoint_policy_check(const struct mount *m, struct err *err)
{
	_cleanup_buf_ struct buf url = BUF_INIT;
	int r;

	if (m->fs.options->signature != AWS_SIGNATURE_V2)
		return 0;
	r = endpoint_url(&m->endpoints, "ec2", discover_home_region(m), &url, err);
	if (r == 0 && endpoint_is_amazons(&m->endpoints, "ec2"))
		return err_set(err, EINVAL,
			"signature=v2 is for EC2-compatible clouds: name the cloud's endpoint_url; "
			"%s is Amazon's own, and takes Version 4",
			url.data);
	return r;
}

/* A request of Version 2 does not name its region, so an endpoint without {region} in its URL
 * serves only one region. */
static int endpoint_policy_bind_region(struct mount *m, struct err *err)
{
	size_t n = regions_shown(m->fs.regions);

	if (m->fs.options->signature != AWS_SIGNATURE_V2 ||
		!endpoint_is_shared(&m->endpoints, "ec2"))
		return 0;
	if (n != 1)
		return err_set(err, EINVAL,
			"with signature=v2 a request does not say which region it is meant for, "
			"and there are %zu: write {region} into endpoint_url where its name "
			"belongs, or name with regions= the one region whose endpoint that is",
			n);
	m->endpoints.only_region = region_name(regions_at(m->fs.regions, 0));
	return 0;
}

/* Warns about plain HTTP: requests are signed, so the secret key is not revealed, but others on the
 * network can read and change the rest. */
static void endpoint_policy_warn(const struct mount *m)
{
	_cleanup_buf_ struct buf url = BUF_INIT;

	if (endpoint_url(&m->endpoints, "ec2", discover_home_region(m), &url, NULL) == 0 &&
		!strncasecmp(url.data, "http:", 5) && url_host_in(url.data) != URL_HOST_LOCAL)
		log_warning("%s is not encrypted: anybody on the network path can read and change "
			    "requests and responses, and use session tokens; name an https URL",
			url.data);
}

/* --- start --- */

static void mount_on_signal(uv_signal_t *handle, int number)
{
	struct mount *m = handle->data;

	if (number == SIGHUP) {
		log_info("SIGHUP: reading the credentials anew");
		credentials_expire(m->chain, NULL);
		return;
	}
	m->ending = true;
	uv_stop(&m->loop);
}

static int mount_watch_signals(struct mount *m, struct err *err)
{
	static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
	int r = 0;

	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < SIGNALS && r == 0; i++) {
		r = uv_signal_init(&m->loop, &m->signals[i]);
		if (r < 0)
			break;
		m->n_signals++;
		m->signals[i].data = m;
		r = uv_signal_start(&m->signals[i], mount_on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&m->signals[i]);
	}
	return r < 0 ? err_set(err, -r, "cannot watch for signals: %s", uv_strerror(r)) : 0;
}

/* Returns the exit status of a start whose discovery failed. */
static enum exit_status discovery_exit_status(const struct err *err)
{
	switch (err->errnum) {
	case EACCES:
	case EPERM:
		return EXIT_STATUS_CREDENTIALS;
	case EINVAL: /* no response: a wrong endpoint, or regions that do not exist */
		return err->http_status ? EXIT_STATUS_OTHER : EXIT_STATUS_USAGE;
	case EHOSTUNREACH:
	case ETIMEDOUT:
	case EAGAIN:
		return EXIT_STATUS_UNREACHABLE;
	default:
		return err->retryable ? EXIT_STATUS_UNREACHABLE : EXIT_STATUS_OTHER;
	}
}

static int mount_build(struct mount *m, enum exit_status *status, struct err *err)
{
	*status = EXIT_STATUS_CREDENTIALS;
	if (mount_build_client(m, err) < 0)
		return -err->errnum;
	*status = EXIT_STATUS_USAGE;
	if (endpoint_policy_check(m, err) < 0)
		return -err->errnum;
	if (discover(m, err) < 0) {
		*status = discovery_exit_status(err);
		return -err->errnum;
	}
	if (endpoint_policy_bind_region(m, err) < 0)
		return -err->errnum;
	*status = EXIT_STATUS_OTHER;
	if (mount_find_state(m, err) < 0 || mount_build_copies(m, err) < 0 ||
		mount_build_disks(m, err) < 0)
		return -err->errnum;
	*status = EXIT_STATUS_MOUNT;
	return session_create(&m->fs, &m->session, err);
}

int start_mount(const struct options *options, struct mount **out, enum exit_status *status,
	struct err *err)
{
	struct mount *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return err_set(err, ENOMEM, "out of memory");
	r = loop_init(&m->loop);
	if (r < 0) {
		free(m);
		return err_set(err, -r, "cannot start the event loop: %s", uv_strerror(r));
	}
	m->fs.loop = &m->loop;
	m->fs.options = options;
	m->fs.uid = getuid();
	m->fs.gid = getgid();
	m->fs.started_ms = clock_wall_ms();
	r = mount_watch_signals(m, err);
	if (r == 0)
		r = mount_build(m, status, err);
	if (r < 0) {
		start_finish(m);
		return r;
	}
	*out = m;
	return 0;
}

/* --- service and end --- */

static void mount_ended(struct fs *fs)
{
	struct mount *m = (struct mount *)fs; /* its first member */

	m->unmounted = true;
	uv_stop(fs->loop);
}

static void mount_settle_timeout(void *arg)
{
	*(bool *)arg = true;
}

/* Waits until the requests of the last closes are sent, and their rows and the catalogues are on
 * disk. Waits for SETTLE_MS at most: AWS may be unreachable. */
static void mount_settle(struct mount *m)
{
	bool late = false;
	struct loop_timer *timer = loop_timer_create(&m->loop, mount_settle_timeout, &late);

	if (!timer)
		return;
	ops_release_all(&m->fs, m->unmounted);
	regions_cache_flush(m->fs.regions);
	loop_timer_start(timer, SETTLE_MS);
	while (!late &&
		(receipts_asking(m->fs.receipts) || m->fs.taggings ||
			!journal_idle(m->fs.journal) || regions_cache_busy(m->fs.regions)) &&
		uv_run(&m->loop, UV_RUN_ONCE))
		;
	loop_timer_destroy(timer);
}

void start_serve(struct mount *m)
{
	size_t n = regions_shown(m->fs.regions);

	notify_manager("READY=1\nSTATUS=account %s, %zu region%s",
		*m->fs.account ? m->fs.account : "unknown", n, n == 1 ? "" : "s");
	endpoint_policy_warn(m);
	session_on_end(m->session, mount_ended);
	uv_run(&m->loop, UV_RUN_DEFAULT);
	notify_manager("STOPPING=1\nSTATUS=saving the requests under way");
}

void start_finish(struct mount *m)
{
	struct fs *fs;

	if (!m)
		return;
	fs = &m->fs;
	pending_replies_interrupt_all(fs);
	session_unmount(m->session);
	if (m->session)
		mount_settle(m);
	inode_spaces_destroy(fs->inode_spaces);
	files_destroy(fs->files);
	disks_destroy(fs->disks);
	ebs_destroy(fs->ebs);
	budget_destroy(fs->budget);
	copies_destroy(fs->copies);
	status_confirm_free_all(fs);
	journal_close(fs->journal);
	regions_destroy(fs->regions);
	filter_folders_destroy(fs->filters);
	offline_destroy(fs->offline);
	zones_destroy(fs->zones);
	aws_destroy(fs->aws);
	credentials_chain_destroy(m->chain);
	http_destroy(m->http);
	profiles_destroy(m->profiles);
	loop_timer_destroy(m->identity_timer);
	loop_timer_destroy(m->reach_timer);
	for (int i = 0; i < m->n_signals; i++)
		uv_close((uv_handle_t *)&m->signals[i], NULL);
	/* Runs the loop until all handles are closed and the work in the thread pool has ended. */
	uv_run(&m->loop, UV_RUN_DEFAULT);
	workers_destroy(m->workers);
	uv_run(&m->loop, UV_RUN_DEFAULT);
	free(m->state_dir);
	free(m->block_cache);
	free(m->block_scope);
	free(m->overlay_dir);
	statuses_destroy(fs->statuses);
	receipts_destroy(fs->receipts);
	drafts_destroy(fs->drafts);
	delete_forget_all(fs);
	tree_free_uncached_names(fs);
	kernel_refs_finish(&fs->kernel_refs);
	session_destroy(m->session);
	last_error_destroy(fs->last_error);
	account_cache_finish(&m->cached);
	free(m->cache_path);
	fs_keep_enabled(fs, NULL, 0);
	free(fs->enabled);
	if (uv_loop_close(&m->loop) < 0)
		log_warning("a handle was still open on the event loop at the end");
	free(m);
}
