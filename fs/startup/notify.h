/* SPDX-License-Identifier: MIT */
/* Word to a service manager that waits for the mount, as sd_notify(3) gives it. */
#ifndef EBSFS_NOTIFY_H
#define EBSFS_NOTIFY_H

/* Sends assignments ("READY=1\nSTATUS=…", one a line) as one datagram to the socket that
 * NOTIFY_SOCKET names: a path, or an abstract name behind '@'. Without one, or if nobody listens
 * there, nothing happens: a mount does not depend on it. */
void notify_manager(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
