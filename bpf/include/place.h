/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Where addresses are: one stands for all that are in the same region and role, and on the same side. */
#pragma once

#include "flow.h"

struct place_key {
    __u32 prefix_length; /* of an IPv4 network 96 more: addresses are v4-mapped */
    ip_t network;
};

/* Networks, and the address that stands for their place. User space may change them at any time. */
struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(max_entries, 1048576);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct place_key);
    __type(value, ip_t);
} places SEC(".maps");

static __always_inline ip_t place_of(const ip_t *address) {
    struct place_key key = {.prefix_length = 128, .network = *address};
    ip_t *place = bpf_map_lookup_elem(&places, &key);
    ip_t nowhere = {};

    return place ? *place : nowhere;
}
