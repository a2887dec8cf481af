/* SPDX-License-Identifier: MIT */
/* One volume, and the types of volumes. */
#include "sim_volume.h"

#include <stdlib.h>
#include <string.h>

#include "cleanup.h"

void sim_volume_finish(struct sim_volume *v)
{
	free(v->id);
	free(v->owner_id);
	free(v->zone);
	free(v->snapshot_id);
	free(v->kms_key_id);
	free(v->type);
	free(v->token);
	free(v->state);
	free(v->instance_id);
	free(v->device);
	free((void *)v->run.failure);
	sim_tags_finish(&v->tags);
	*v = (struct sim_volume){0};
}

const struct sim_volume_type *sim_volume_type(const char *name)
{
	static const struct sim_volume_type types[] = {
		{"gp3", 1, 65536, 3000, 80000, 500, 3000, false, 125, 2000, true},
		{"gp2", 1, 16384, 0, 0, 3, 100, false, 0, 0, true},
		{"io1", 4, 16384, 100, 64000, 50, 0, true, 0, 0, true},
		{"io2", 4, 65536, 100, 256000, 1000, 0, true, 0, 0, true},
		{"st1", 125, 16384, 0, 0, 0, 0, false, 0, 0, false},
		{"sc1", 125, 16384, 0, 0, 0, 0, false, 0, 0, false},
		{"standard", 1, 1024, 0, 0, 0, 0, false, 0, 0, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (!strcmp(types[i].name, name))
			return &types[i];
	return NULL;
}

int sim_volume_type_iops(const struct sim_volume_type *type, uint32_t gib)
{
	int64_t iops = (int64_t)gib * 3;

	if (strcmp(type->name, "gp2") != 0)
		return type->iops;
	return iops < 100 ? 100 : iops > 16000 ? 16000 : (int)iops;
}
