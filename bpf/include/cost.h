/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * How long the programs take: the kernel tells it only to root, and only while it slows every BPF program of
 * the host for it (bpf_enable_stats). One run in some is timed here; a prime number, because the changes of
 * state of a connection come in a rhythm.
 */
#pragma once

#include "types.h"

#define RUNS_PER_TIMED 61

struct run_cost {
    __u64 runs;
    __u64 timed_runs;
    ns_t timed_ns;
    __u64 until_timed;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct run_cost);
} run_cost SEC(".maps");

/* The time, if this run is to be timed; else 0. */
static __always_inline ns_t begin_run(struct run_cost *cost) {
    if (!cost)
        return 0;
    cost->runs++;
    if (cost->until_timed) {
        cost->until_timed--;
        return 0;
    }
    cost->until_timed = RUNS_PER_TIMED - 1;
    return bpf_ktime_get_ns();
}

static __always_inline void end_run(struct run_cost *cost, ns_t start_ns) {
    if (!cost || !start_ns)
        return;
    cost->timed_runs++;
    cost->timed_ns += bpf_ktime_get_ns() - start_ns;
}

static __always_inline struct run_cost *cost_of_runs(void) {
    __u32 zero = 0;

    return bpf_map_lookup_elem(&run_cost, &zero);
}

/* A run of a program, timed or not. */
#define RUN(work)                                                                                            \
    ({                                                                                                       \
        struct run_cost *cost = cost_of_runs();                                                              \
        ns_t start_ns = begin_run(cost);                                                                     \
        work;                                                                                                \
        end_run(cost, start_ns);                                                                             \
        0;                                                                                                   \
    })
