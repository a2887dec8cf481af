/* SPDX-License-Identifier: MIT */
/* EC2's record of a snapshot as JSON. */
#include "metadata.h"

#include <errno.h>
#include <string.h>

#include "encode.h"
#include "isotime.h"
#include "json.h"

static void metadata_date(const struct json *j, const char *name, int64_t ms)
{
	char stamp[ISOTIME_SIZE];

	if (ms)
		json_text(j, name, isotime_format_ms(ms, stamp));
}

/* The remaining fields of EC2's response are text; fields that are numbers in EC2's model are
 * written as numbers. */
static void metadata_field(const struct json *j, const struct ec2_field *f)
{
	static const char *const plain[] = {"CompletionDurationMinutes"};

	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		if (!strcmp(f->name, plain[i]) && *f->value &&
			strspn(f->value, "0123456789") == strlen(f->value)) {
			json_name(j, f->name);
			buf_puts(j->out, f->value);
			return;
		}
	}
	json_text(j, f->name, f->value);
}

int metadata_json(
	struct buf *out, const struct catalogue *c, catalogue_slot slot, enum metadata_form form)
{
	const char *tag_indent = form == METADATA_LINES ? "\n    " : "";
	const struct json j = {out, form == METADATA_LINES ? "\n  " : ""};
	struct catalogue_snapshot s;
	struct ec2_field f;
	struct ec2_tag tag;
	char note[EC2_FLAWS_TEXT_SIZE];

	if (!catalogue_get(c, slot, &s))
		return -ENOENT;
	buf_putc(out, '{');
	json_text(&j, "SnapshotId", s.id);
	json_text(&j, "VolumeId", s.volume_id);
	json_text(&j, "State", s.state_text);
	json_text(&j, "StateMessage", s.state_message);
	if (s.progress != EC2_PROGRESS_UNKNOWN) {
		json_name(&j, "Progress");
		buf_printf(out, "\"%d%%\"", s.progress);
	}
	metadata_date(&j, "StartTime", s.start_ms);
	metadata_date(&j, "CompletionTime", s.completion_ms);
	json_text(&j, "OwnerId", s.owner_id);
	json_name(&j, "Description");
	encode_json_string(out, s.description, strlen(s.description));
	if (s.volume_gib)
		json_number(&j, "VolumeSize", s.volume_gib);
	if (s.full_size >= 0)
		json_number(&j, "FullSnapshotSizeInBytes", s.full_size);
	if (s.encryption != EC2_ENCRYPTION_UNKNOWN) {
		json_name(&j, "Encrypted");
		buf_puts(out, s.encryption == EC2_ENCRYPTION_PRESENT ? "true" : "false");
	}
	json_text(&j, "KmsKeyId", s.kms_key_id);
	for (unsigned i = 0; catalogue_field(c, slot, i, &f); i++)
		metadata_field(&j, &f);
	if (s.flaws)
		json_text(&j, "ebsfs:note", ec2_flaws_text(s.flaws, note));
	json_name(&j, "Tags");
	buf_putc(out, '[');
	for (unsigned i = 0; catalogue_tag(c, slot, i, &tag); i++) {
		buf_puts(out, i ? "," : "");
		buf_puts(out, tag_indent);
		buf_puts(out, "{\"Key\": ");
		encode_json_string(out, tag.key, strlen(tag.key));
		buf_puts(out, ", \"Value\": ");
		encode_json_string(out, tag.value, strlen(tag.value));
		buf_putc(out, '}');
	}
	if (form == METADATA_LINE)
		return buf_puts(out, "]}\n");
	return buf_puts(out, s.n_tags ? "\n  ]\n}\n" : "]\n}\n");
}
