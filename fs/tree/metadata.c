/* SPDX-License-Identifier: MIT */
/* metadata.json. */
#include "metadata.h"

#include <errno.h>
#include <string.h>

#include "encode.h"
#include "isotime.h"

static void name(struct buf *out, const char *key)
{
	buf_puts(out, out->len && out->data[out->len - 1] == '{' ? "\n  " : ",\n  ");
	encode_json_string(out, key, strlen(key));
	buf_puts(out, ": ");
}

static void text(struct buf *out, const char *key, const char *value)
{
	if (!*value)
		return;
	name(out, key);
	encode_json_string(out, value, strlen(value));
}

static void number(struct buf *out, const char *key, long long value)
{
	name(out, key);
	buf_printf(out, "%lld", value);
}

static void date(struct buf *out, const char *key, int64_t ms)
{
	char stamp[ISOTIME_SIZE];

	if (ms)
		text(out, key, isotime_format_ms(ms, stamp));
}

/* The other fields come as text; those that EC2's model has as numbers or truth values keep their
 * type. */
static void field(struct buf *out, const struct ec2_field *f)
{
	static const char *const plain[] = {"CompletionDurationMinutes"};

	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		if (!strcmp(f->name, plain[i]) && *f->value &&
			strspn(f->value, "0123456789") == strlen(f->value)) {
			name(out, f->name);
			buf_puts(out, f->value);
			return;
		}
	}
	text(out, f->name, f->value);
}

int metadata_format(struct buf *out, const struct catalogue *c, catalogue_slot slot)
{
	struct catalogue_snapshot s;
	struct ec2_field f;
	struct ec2_tag tag;
	char note[EC2_FLAWS_TEXT_SIZE];

	if (!catalogue_get(c, slot, &s))
		return -ENOENT;
	buf_putc(out, '{');
	text(out, "SnapshotId", s.id);
	text(out, "VolumeId", s.volume_id);
	text(out, "State", s.state_text);
	text(out, "StateMessage", s.state_message);
	if (s.progress != EC2_PROGRESS_UNKNOWN) {
		name(out, "Progress");
		buf_printf(out, "\"%d%%\"", s.progress);
	}
	date(out, "StartTime", s.start_ms);
	date(out, "CompletionTime", s.completion_ms);
	text(out, "OwnerId", s.owner_id);
	name(out, "Description");
	encode_json_string(out, s.description, strlen(s.description));
	if (s.volume_gib)
		number(out, "VolumeSize", s.volume_gib);
	if (s.full_size >= 0)
		number(out, "FullSnapshotSizeInBytes", s.full_size);
	if (s.encryption != EC2_ENCRYPTION_UNKNOWN) {
		name(out, "Encrypted");
		buf_puts(out, s.encryption == EC2_ENCRYPTION_PRESENT ? "true" : "false");
	}
	text(out, "KmsKeyId", s.kms_key_id);
	for (unsigned i = 0; catalogue_field(c, slot, i, &f); i++)
		field(out, &f);
	if (s.flaws)
		text(out, "ebsfs:note", ec2_flaws_text(s.flaws, note));
	name(out, "Tags");
	buf_putc(out, '[');
	for (unsigned i = 0; catalogue_tag(c, slot, i, &tag); i++) {
		buf_puts(out, i ? ",\n    {\"Key\": " : "\n    {\"Key\": ");
		encode_json_string(out, tag.key, strlen(tag.key));
		buf_puts(out, ", \"Value\": ");
		encode_json_string(out, tag.value, strlen(tag.value));
		buf_putc(out, '}');
	}
	return buf_puts(out, s.n_tags ? "\n  ]\n}\n" : "]\n}\n");
}
