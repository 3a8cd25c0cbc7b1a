/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* The kernel's clocks in one unit. */
#pragma once

#include "kernel.h"

/*
 * Timer interrupts a second (CONFIG_HZ), which no BPF program is told: from how far jiffies have come. They
 * start 300 s before their low 32 bits overflow (INITIAL_JIFFIES). Every HZ in use is a multiple of 50.
 */
static __always_inline __u64 jiffies_per_second(void) {
    const __u64 epoch_ms = 300000;
    __u64 ms = bpf_ktime_get_ns() / 1000000, jiffies = bpf_jiffies64(), zero = 1ULL << 32;
    __u64 jiffies_since = jiffies > zero ? jiffies - zero : zero - jiffies;
    __u64 ms_since = ms > epoch_ms ? ms - epoch_ms : epoch_ms - ms;

    if (!ms_since)
        return 1000;
    return (jiffies_since * 1000 / ms_since + 25) / 50 * 50;
}

static __always_inline __u64 jiffies_to_us(__u64 jiffies) {
    __u64 hz = jiffies_per_second();

    return hz ? jiffies * 1000000 / hz : 0;
}

/* TCP's stamps of 32 bits: ms, or µs from 6.7 on where the route asks for it (614e8316aa4c). */
static __always_inline __u64 tcp_tick_ns(const struct tcp_sock *tcp) {
    if (bpf_core_field_exists(tcp->tcp_usec_ts) && BPF_CORE_READ_BITFIELD_PROBED(tcp, tcp_usec_ts))
        return 1000;
    return 1000000;
}

/* When the first SYN left, from tcp_connect()'s retrans_stamp; of a socket in SYN_SENT. */
static __always_inline __u64 first_syn_ns(const struct tcp_sock *tcp, __u64 now) {
    __u64 tick_ns = tcp_tick_ns(tcp);
    __u32 stamp = BPF_CORE_READ(tcp, retrans_stamp);

    return now - (__u64)((__u32)(now / tick_ns) - stamp) * tick_ns;
}
