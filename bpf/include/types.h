/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Types whose names tell scripts/generate-events.mjs which TypeScript form a field takes. */
#pragma once

#include "kernel.h"

/* Nanoseconds of CLOCK_MONOTONIC, or a duration. */
typedef __u64 ns_t;

/* An address in network byte order, always as IPv6: IPv4 is ::ffff:a.b.c.d. */
typedef struct {
    __be32 words[4];
} ip_t;

/* A task's name, ended by a zero byte. */
typedef char comm_t[16];

/* A 0 or 1 that TypeScript sees as a boolean. */
typedef __u8 flag_t;

/*
 * The address of a struct sock, to tell sockets apart: the kernel uses it again, but not while the socket is
 * open. A number that JavaScript holds exactly.
 */
typedef __u64 socket_t;
