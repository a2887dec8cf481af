/* SPDX-License-Identifier: MIT */
/* Replies to ebsfs's requests. */
#ifndef EBSFS_READER_H
#define EBSFS_READER_H

/* Replies to the requests that arrive at a socket until EOF. Returns 0, or -errno after a message
 * that broke the protocol or a failure of the socket. */
int reader_serve(int fd);

#endif
