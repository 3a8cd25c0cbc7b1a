/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Sums by group, so that the cost of user space does not grow with the rate of events. A group has a cell for
 * each bucket of its histogram and for each other number that is counted; cells that nothing was counted in
 * do not exist.
 *
 * User space reads while the programs count: there are two maps of cells, and the one in `active_cells` is
 * counted in. User space puts the other one there, empties the first, and has what was counted in between.
 * The kernel returns from an update of a map of maps only after every program that may still have the old one
 * (maybe_wait_bpf_programs, kernel/bpf/syscall.c, 1ae80cf31938).
 */
#pragma once

#include "counters.h"
#include "flow.h"
#include "histogram.h"
#include "outcome.h"
#include "place.h"

/* More than any program has: the buckets of a histogram, and some. */
#define CELLS (HISTOGRAM_BUCKETS + 16)

/* What makes a group: compiled in, as the filter is. */
struct grouping {
    ip_t ipv4_mask; /* of the remote address */
    ip_t ipv6_mask;
    flag_t by_place; /* an address that stands for the remote address's place, in place of it */
    flag_t by_remote_port;
    flag_t by_pid;
    flag_t by_comm;
    flag_t by_netns;
    flag_t by_cgroup;
    flag_t by_outcome;
};

const volatile struct grouping grouping = {};

/* A cell of a group. What does not make groups is 0. No padding: the whole of it is compared. */
struct sum_key {
    ip_t remote_address;
    __u64 cgroup_id;
    __u32 netns;
    __u32 pid;
    comm_t comm;
    enum outcome outcome;
    __u16 remote_port;
    __u16 cell;
};

struct sum {
    __u64 count;
    ns_t min_ns;
    ns_t max_ns; /* of latencies; two CPUs at once may lose the greater of two in the same bucket */
};

struct cells {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, struct sum_key);
    __type(value, struct sum);
} cells_even SEC(".maps"), cells_odd SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct cells);
} active_cells SEC(".maps") = {.values = {&cells_even}};

/* The group `other`: what full cells had no room for, since the start. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, CELLS);
    __type(key, __u32);
    __type(value, struct sum);
} other_cells SEC(".maps");

static __always_inline ip_t masked(const ip_t *ip) {
    const volatile ip_t *mask = is_ipv4(ip) ? &grouping.ipv4_mask : &grouping.ipv6_mask;
    ip_t network = {{ip->words[0] & mask->words[0], ip->words[1] & mask->words[1],
                     ip->words[2] & mask->words[2], ip->words[3] & mask->words[3]}};

    return network;
}

static __always_inline struct sum_key group_of(const struct flow *flow, enum outcome outcome) {
    struct sum_key key = {};

    if (grouping.by_place)
        key.remote_address = place_of(&flow->remote_address);
    else
        key.remote_address = masked(&flow->remote_address);
    if (grouping.by_remote_port)
        key.remote_port = flow->remote_port;
    if (grouping.by_pid)
        key.pid = flow->pid;
    if (grouping.by_comm)
        __builtin_memcpy(key.comm, flow->comm, sizeof(key.comm));
    if (grouping.by_netns)
        key.netns = flow->netns;
    if (grouping.by_cgroup)
        key.cgroup_id = flow->cgroup_id;
    if (grouping.by_outcome)
        key.outcome = outcome;
    return key;
}

static __always_inline void add_to_sum(struct sum *sum, ns_t latency_ns, __u32 weight) {
    __sync_fetch_and_add(&sum->count, weight);
    if (latency_ns < sum->min_ns || !sum->min_ns)
        sum->min_ns = latency_ns;
    if (latency_ns > sum->max_ns)
        sum->max_ns = latency_ns;
}

/* The cell of the group, made if it is new; else, if there is no room, that of `other`. */
static __always_inline struct sum *cell_of(struct sum_key *key) {
    __u32 zero = 0, cell = key->cell;
    void *cells = bpf_map_lookup_elem(&active_cells, &zero);
    struct sum none = {};
    struct sum *sum;

    if (!cells)
        return NULL;
    sum = bpf_map_lookup_elem(cells, key);
    if (sum)
        return sum;
    bpf_map_update_elem(cells, key, &none, BPF_NOEXIST);
    sum = bpf_map_lookup_elem(cells, key);
    if (sum)
        return sum;
    count(COUNTER_OTHER);
    return bpf_map_lookup_elem(&other_cells, &cell);
}

static __always_inline void add_to_cell(struct sum_key *key, __u32 cell, ns_t latency_ns, __u32 weight) {
    struct sum *sum;

    key->cell = cell;
    sum = cell_of(key);
    if (sum)
        add_to_sum(sum, latency_ns, weight);
    count(COUNTER_SUMMED);
}
