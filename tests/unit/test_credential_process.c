/* SPDX-License-Identifier: MIT */
/* credential_process: a command's words, output and end. */
#include "fake_world.h"

#include <signal.h>

#define OUTPUT(key, rest)                                                                          \
	"echo '{\"Version\":1,\"AccessKeyId\":\"" key "\",\"SecretAccessKey\":\"" SECRET "\"" rest \
	"}'\n"

static struct got run_script(const char *script)
{
	char config[256];

	write_file("script", script);
	snprintf(config, sizeof(config), "[default]\ncredential_process = /bin/sh %s a'b c'\"d\"\n",
		world_path("script"));
	return fetch_once(config, "", NULL, NULL);
}

static void test_a_good_answer(void **state)
{
	static const struct {
		const char *script;
		const char *token;
		int64_t expires_ms;
	} table[] = {
		{OUTPUT("P", ""), NULL, 0},
		{OUTPUT("P",
			 ",\"SessionToken\":\"t\",\"Expiration\":\"2026-01-02T04:04:05+00:00\""),
			"t", START_MS + HOUR},
		{OUTPUT("P", ",\"SessionToken\":null,\"Expiration\":null"), NULL, 0},
		/* the words arrive as they were meant */
		{"[ $# = 1 ] && [ \"$1\" = 'ab cd' ] || exit 1\n" OUTPUT("P", ""), NULL, 0},
		/* complaints do no harm, and there is no input to wait for */
		{"read x; echo " SECRET " >&2\n" OUTPUT("P", ""), NULL, 0},
		/* nor is what it leaves behind waited for */
		{"sleep 20 &\n" OUTPUT("P", ""), NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int64_t before = virtual_ms;
		struct got got = run_script(table[i].script);

		print_message("%zu %s\n", i, got.err.message);
		assert_non_null(got.credentials);
		assert_string_equal(got.credentials->access_key, "P");
		assert_string_equal(got.credentials->secret_key, SECRET);
		assert_string_equal(got.credentials->source, "profile default");
		assert_int_equal(got.credentials->expires_ms, table[i].expires_ms);
		if (table[i].token)
			assert_string_equal(got.credentials->session_token, table[i].token);
		else
			assert_null(got.credentials->session_token);
		assert_true(virtual_ms - before < 15000);
		forget(&got);
	}
}

static void test_a_bad_answer(void **state)
{
	static const struct {
		const char *script;
		int errnum;
		const char *reason;
	} table[] = {
		{"echo " SECRET "; echo; echo 'log\tin first' >&2; echo more >&2; exit 3", EACCES,
			"/bin/sh exited with status 3: log in first"},
		{"kill -9 $$", EACCES, "ended by signal 9"},
		{"echo " SECRET, EACCES, "not a JSON object"},
		{"", EACCES, "not a JSON object"},
		{"echo '{\"Version\":2}'", EACCES, "Version is not 1"},
		{"echo '{\"Version\":\"1\"}'", EACCES, "Version is not 1"},
		{"echo '{\"Version\":1,\"AccessKeyId\":\"P\"}'", EACCES, "has no SecretAccessKey"},
		{OUTPUT("P", ",\"Expiration\":\"soon\""), EACCES, "not a date"},
		{OUTPUT("P", ",\"AccessKeyId\":\"Q\""), EACCES, "not a JSON object"},
		{OUTPUT("P Q", ""), EACCES, "characters that no key has"},
		{"head -c 70000 /dev/zero | tr '\\0' x; sleep 20", EACCES,
			"printed more than 65536 bytes"},
		{"head -c 70000 /dev/zero | tr '\\0' x >&2; exit 1", EACCES,
			"exited with status 1: xxx"},
	};
	struct got got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		int64_t before = virtual_ms;

		got = run_script(table[i].script);
		print_message("%zu %s\n", i, got.err.message);
		assert_null(got.credentials);
		assert_int_equal(got.err.errnum, table[i].errnum);
		assert_non_null(strstr(got.err.message, table[i].reason));
		assert_null(strstr(got.err.message, SECRET));
		assert_true(virtual_ms - before < 15000);
	}
	got = fetch_once("[default]\ncredential_process=/absent " SECRET "\n", "", NULL, NULL);
	assert_int_equal(got.err.errnum, EACCES);
	assert_non_null(strstr(got.err.message, "cannot run /absent"));
	assert_null(strstr(got.err.message, SECRET));
}

/* Waits until the process has ended: it is gone, or a zombie whose parent has not looked yet. */
static void assert_ends(int pid)
{
	for (int i = 0; kill(pid, 0) == 0; i++) {
		char name[64], line[128] = "";
		FILE *f;

		snprintf(name, sizeof(name), "/proc/%d/stat", pid);
		f = fopen(name, "r");
		if (f && !fgets(line, sizeof(line), f))
			line[0] = '\0';
		if (f)
			fclose(f);
		if (!line[0] || strstr(line, ") Z ") || strstr(line, ") X "))
			return;
		assert_true(i < 10000);
		usleep(1000);
	}
}

static int read_pid(void)
{
	int pid = 0;
	FILE *f;

	for (int i = 0; access(world_path("pid"), F_OK) < 0; i++) {
		assert_true(i < 30000);
		usleep(1000);
	}
	f = fopen(world_path("pid"), "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	unlink(world_path("pid"));
	return pid;
}

/* After a minute, or with its chain, the command is killed, and its children with it. */
static void test_a_command_that_does_not_end(void **state)
{
	char config[512];
	struct got got = {0};
	struct err err;

	(void)state;
	write_file("script", "sleep 1000 & echo $! > $1.new; mv $1.new $1; wait");
	snprintf(config, sizeof(config), "[default]\ncredential_process = /bin/sh %s %s\n",
		world_path("script"), world_path("pid"));
	write_file("config", config);
	for (int destroyed = 0; destroyed < 2; destroyed++) {
		struct credentials_chain *chain;
		int pid;

		assert_int_equal(open_chain(NULL, &chain, &err), 0);
		assert_non_null(credentials_get(chain, got_it, &got));
		pass(0);
		pid = read_pid();
		pass(59000);
		assert_int_equal(got.calls, 0);
		if (!destroyed) {
			pass(1000);
			assert_int_equal(got.calls, 1);
			assert_int_equal(got.err.errnum, ETIMEDOUT);
			assert_non_null(strstr(got.err.message, "did not end within a minute"));
			got.calls = 0;
		}
		close_chain(chain);
		assert_ends(pid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		TEST(test_a_good_answer),
		TEST(test_a_bad_answer),
		TEST(test_a_command_that_does_not_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
