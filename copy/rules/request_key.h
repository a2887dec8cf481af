/* SPDX-License-Identifier: MIT */
/* The key of a request: two requests with the same key ask for the same thing. */
#ifndef EBSFS_REQUEST_KEY_H
#define EBSFS_REQUEST_KEY_H

#include <stdbool.h>

#include "journal.h"

/* A copy's: source, destination, label. A volume's: snapshot, zone, label. An image's: region and
 * name. Writes it to out, cut to its size. Returns out. */
#define REQUEST_KEY_SIZE 640
const char *request_key(const struct journal_copy *row, char out[REQUEST_KEY_SIZE]);

/* Whether the row of an ended request has used up its generation: EC2 had made something under it.
 * A request that EC2 refused has not, so that a machine without this journal has the same token. */
bool request_key_is_spent(const struct journal_copy *row);
/* The error code of a request whose token EC2 knows, after the resource that it made was deleted.
 */
#define REQUEST_CODE_GONE "InvalidVolume.NotFound"

/* The client token of a request that EC2 carries out once for each token: a hash of its key and
 * generation, so that a second try, on whatever machine, has the same. Writes
 * REQUEST_KEY_TOKEN_SIZE bytes, hex. Returns out. */
#define REQUEST_KEY_TOKEN_SIZE 41
const char *request_key_token(const struct journal_copy *row, char out[REQUEST_KEY_TOKEN_SIZE]);

#endif
