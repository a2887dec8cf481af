/* SPDX-License-Identifier: MIT */
/* What can be said of one snapshot's record: the form of its id, and what of it is not shown. */
#include <stdio.h>
#include <string.h>

#include "ec2.h"

bool ec2_is_snapshot_id(const char *text)
{
	size_t digits;

	if (strncmp(text, "snap-", 5))
		return false;
	digits = strspn(text + 5, "0123456789abcdefABCDEF");
	return digits >= 8 && digits <= 59 && !text[5 + digits];
}

const char *ec2_flaws_text(unsigned flaws, char out[EC2_FLAWS_TEXT_SIZE])
{
	snprintf(out, EC2_FLAWS_TEXT_SIZE, "not shown as EC2 sent it:%s%s%s%s",
		flaws & EC2_FLAW_TEXT ? " texts were cut or characters replaced;" : "",
		flaws & EC2_FLAW_TAGS ? " tags are left out;" : "",
		flaws & EC2_FLAW_FIELDS ? " fields are left out;" : "",
		flaws & EC2_FLAW_VALUES ? " dates or numbers that are none are left out;" : "");
	out[strlen(out) - 1] = '\0';
	return out;
}
