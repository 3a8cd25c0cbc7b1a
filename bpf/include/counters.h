/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What the programs count beside the events, per CPU, so that nothing is lost silently. */
#pragma once

#include "types.h"

enum counter {
    COUNTER_LOST,      /* events without room in the buffer */
    COUNTER_UNTRACKED, /* starts that the full in-flight map could not take */
    COUNTER_STARTED,   /* starts that passed the filter */
    COUNTER_UNSENT,    /* of those: no packet left this host */
    COUNTER_SEGMENTS,  /* segments sent again that passed the filter */
    COUNTER_OTHER,     /* what was summed up in `other`, because the cells were full */
    COUNTER_SUMMED,    /* what was summed up */
};
#define COUNTERS 7

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, COUNTERS);
    __type(key, __u32);
    __type(value, __u64);
} counters SEC(".maps");

static __always_inline void add(__u32 counter, __u64 amount) {
    __u64 *value = bpf_map_lookup_elem(&counters, &counter);

    if (value)
        *value += amount;
}

static __always_inline void count(__u32 counter) {
    add(counter, 1);
}
