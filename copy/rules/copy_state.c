/* SPDX-License-Identifier: MIT */
/* The states of a copy, as words. */
#include "copies.h"

const char *copy_state_text(enum copy_state state)
{
	static const char *const texts[] = {
		"queued", "submitting", "pending", "completed", "error", "failed", "cancelled"};

	return texts[state];
}

bool copy_state_ended(enum copy_state state)
{
	return state > COPY_PENDING;
}
