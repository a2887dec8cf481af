/* SPDX-License-Identifier: MIT */
/* Memory that runs out at a chosen moment. */
#include "fault_alloc.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static unsigned left; /* until one fails; 0: none will */
static size_t only;
static bool failed;

void fault_alloc_start(unsigned n, size_t size)
{
	left = n;
	only = size;
	failed = false;
}

bool fault_alloc_end(void)
{
	left = 0;
	return failed;
}

static bool fails(size_t size)
{
	if (!left || (only && size != only) || --left)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

/* The linker's names for the wrapped functions. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t s);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t s);
char *__wrap_strdup(const char *s);
char *__wrap_strndup(const char *s, size_t n);

void *__wrap_malloc(size_t size)
{
	return fails(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails(n * size) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails(size) ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return fails(n * size) ? NULL : __real_reallocarray(old, n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails(strlen(s) + 1) ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails(n + 1) ? NULL : __real_strndup(s, n);
}
