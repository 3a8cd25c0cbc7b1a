/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* One way out for events: a ring buffer, or a perf buffer where there is none. The reader polls; nothing
 * wakes it. */
#pragma once

#include "counters.h"

enum transport {
    TRANSPORT_RING,
    TRANSPORT_PERF,
};

/* Set before the load. The map of the transport not chosen is never made, and the verifier drops its branch.
 */
const volatile enum transport transport = TRANSPORT_RING;

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4 << 20); /* bytes; a second of events at 40,000/s */
} ring SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, sizeof(__u32));
} perf SEC(".maps");

static __always_inline void emit(void *ctx, void *event, __u64 size) {
    long error;

    if (transport == TRANSPORT_RING)
        error = bpf_ringbuf_output(&ring, event, size, BPF_RB_NO_WAKEUP);
    else
        error = bpf_perf_event_output(ctx, &perf, BPF_F_CURRENT_CPU, event, size);
    /* Neither buffer counts what it had no room for. */
    if (error)
        count(COUNTER_LOST);
}
