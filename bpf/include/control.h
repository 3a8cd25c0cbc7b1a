/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* What the programs tell: events or sums, of all connections or of some. */
#pragma once

#include "types.h"

/* --by, --hist: sums by group, and no event leaves the kernel. */
const volatile bool aggregate = false;

/* --max-cpu: user space may choose anew at any time. */
const volatile bool adjustable = false;

enum setting {
    SETTING_SUMS,          /* 1: as `aggregate` */
    SETTING_SAMPLE_ONE_IN, /* attempts of which one is followed; 0 and 1: each */
};
#define SETTINGS 2

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, SETTINGS);
    __type(key, __u32);
    __type(value, __u32);
} settings SEC(".maps");

static __always_inline __u32 setting(__u32 which) {
    __u32 *value = bpf_map_lookup_elem(&settings, &which);

    return value ? *value : 0;
}

static __always_inline bool wants_sums(void) {
    return adjustable ? setting(SETTING_SUMS) : aggregate;
}

/* How many attempts this one stands for; 0: it is not among those that are followed. */
static __always_inline __u32 sample_weight(void) {
    __u32 one_in = adjustable ? setting(SETTING_SAMPLE_ONE_IN) : 1;

    if (one_in <= 1)
        return 1;
    return bpf_get_prandom_u32() % one_in ? 0 : one_in;
}
