/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* An outgoing TCP handshake, and the two ways to tell of it: an event each, or sums by group. */
#pragma once

#include "control.h"
#include "emit.h"
#include "event.h"
#include "filter.h"
#include "outcome.h"
#include "sums.h"

struct handshake {
    enum event_type type;
    ns_t start_ns; /* CLOSE -> SYN_SENT; with the addresses it names the attempt, in pending and final events
                      alike */
    ns_t end_ns;   /* when the outcome was known; of a pending attempt: when it was looked at */
    struct flow;
    enum outcome outcome;
    __u32 errno;   /* positive; sk_err, else sk_err_soft, or what connect(2) returned; 0 if there is none */
    __u32 wire_us; /* the kernel's RTT sample of the answered SYN; 0 if it has none */
    __u32 syns;    /* SYNs sent, retransmissions included; 0 if none left this host */
};

/* Cells behind those of the histogram, which has the latencies of those that are ok. */
#define CELL_OUTCOME HISTOGRAM_BUCKETS
#define CELL_LOST_SYN (CELL_OUTCOME + OUTCOMES)

/* Attempts that ended, for the comparison with the counters that each namespace has. */
struct tally {
    __u64 opens; /* that began since we trace, and sent a SYN */
    __u64 fails; /* as AttemptFails counts them */
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, __u32);
    __type(value, struct tally);
} tallies SEC(".maps");

static __always_inline void add_to_tally(__u32 netns, bool opened, bool failed) {
    struct tally none = {};
    struct tally *tally = bpf_map_lookup_elem(&tallies, &netns);

    if (!tally) {
        bpf_map_update_elem(&tallies, &netns, &none, BPF_NOEXIST);
        tally = bpf_map_lookup_elem(&tallies, &netns);
    }
    if (!tally)
        return;
    if (opened)
        __sync_fetch_and_add(&tally->opens, 1);
    if (failed)
        __sync_fetch_and_add(&tally->fails, 1);
}

/* How an attempt is reported. */
struct following {
    __u32 weight; /* how many attempts this one stands for */
    bool found;   /* it was under way before we traced */
};

/* True of what goes through tcp_done(), which counts AttemptFails. */
static __always_inline bool counts_as_fail(enum outcome outcome) {
    return outcome == OUTCOME_REFUSED || outcome == OUTCOME_TIMEOUT || outcome == OUTCOME_UNREACHABLE ||
           outcome == OUTCOME_RESET;
}

static __always_inline void add_to_sums(const struct handshake *handshake, struct following following) {
    struct sum_key key = group_of(flow_of(handshake), handshake->outcome);
    ns_t latency_ns = handshake->end_ns - handshake->start_ns;

    if (handshake->outcome == OUTCOME_OK)
        add_to_cell(&key, histogram_bucket(latency_ns), latency_ns, following.weight);
    else if (handshake->outcome < OUTCOMES)
        add_to_cell(&key, CELL_OUTCOME + handshake->outcome, 0, following.weight);
    if (handshake->syns > 1)
        add_to_cell(&key, CELL_LOST_SYN, 0, following.weight);
    if (handshake->syns)
        add_to_tally(handshake->netns, !following.found, counts_as_fail(handshake->outcome));
}

static __always_inline void report(void *ctx, struct handshake *handshake, struct following following) {
    if (handshake->end_ns - handshake->start_ns < filter.min_latency_ns)
        return;
    if (wants_sums())
        add_to_sums(handshake, following);
    else
        emit(ctx, handshake, sizeof(*handshake));
}
