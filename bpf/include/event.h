/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Every event begins with what it is. */
#pragma once

#include "types.h"

enum event_type {
    EVENT_TYPE_HANDSHAKE,
    EVENT_TYPE_RETRANSMIT,
    EVENT_TYPE_SOCKET,  /* struct socket_counts */
    EVENT_TYPE_OWNER,   /* struct owner_found */
    EVENT_TYPE_MEETING, /* struct meeting */
};
