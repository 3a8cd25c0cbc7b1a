/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What the programs tell: events or sums, of all connections or of some. */
#pragma once

#include "types.h"

/* --by, --hist: sums by group, and no event leaves the kernel. */
const volatile bool aggregate = false;

/* --max-cpu: user space may choose anew at any time. */
const volatile bool adjustable = false;

struct control {
    __u32 sums;          /* 1: as `aggregate` */
    __u32 sample_one_in; /* attempts of which one is followed; 0 and 1: each */
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct control);
} control SEC(".maps");

static __always_inline bool wants_sums(void) {
    __u32 zero = 0;
    struct control *chosen = adjustable ? bpf_map_lookup_elem(&control, &zero) : NULL;

    return chosen ? chosen->sums : aggregate;
}

/* How many attempts this one stands for; 0: it is not among those that are followed. */
static __always_inline __u32 sample_weight(void) {
    __u32 zero = 0;
    struct control *chosen = adjustable ? bpf_map_lookup_elem(&control, &zero) : NULL;

    if (!chosen || chosen->sample_one_in <= 1)
        return 1;
    return bpf_get_prandom_u32() % chosen->sample_one_in ? 0 : chosen->sample_one_in;
}
