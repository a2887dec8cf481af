/* SPDX-License-Identifier: MIT */
/* Messages to the service manager: the protocol of sd_notify(3). */
#ifndef EBSFS_NOTIFY_H
#define EBSFS_NOTIFY_H

/* Sends assignments ("READY=1\nSTATUS=…", one a line) as one datagram to the socket that
 * NOTIFY_SOCKET names: a path, or an abstract name after '@'. Does nothing without such a socket,
 * and ignores failures. */
void notify_manager(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
