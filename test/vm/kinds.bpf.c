// SPDX-License-Identifier: MIT OR GPL-2.0
/* What kind_of() says of each retransmission, beside the kernel functions that it was really in. */
#include "../../bpf/include/kind.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Functions that send again, and those that tell how they came to be called; kinds.ts has the same bits. */
#define IN_TIMER 1   /* tcp_retransmit_timer */
#define IN_PROBE 2   /* tcp_send_loss_probe */
#define IN_QUEUE 4   /* tcp_xmit_retransmit_queue */
#define IN_MTU 8     /* tcp_simple_retransmit: the path takes smaller packets only */
#define IN_REVERT 16 /* tcp_ld_RTO_revert: an ICMP error makes the timer come early */
#define IN_RACK 32   /* tcp_rack_reo_timeout */
#define IN_TSQ 64 /* tcp_release_cb, tcp_tsq_write, tcp_tsq_handler: there is room for more on the device */

/* Not a function: the timer has sent again, and what was on its way then is not all acknowledged yet. */
#define AFTER_TIMEOUT 128

/* What a socket is in. Its lock is held all the while, so there is one writer, whichever CPU or context it
 * is. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __type(key, __u64); /* struct sock * */
    __type(value, __u32);
} inside SEC(".maps");

/* The socket of tcp_tsq_handler, which is called without the lock, but in a tasklet: one a CPU. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u64);
} handled SEC(".maps");

/* snd_nxt when the timer sent again. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __type(key, __u64); /* struct sock * */
    __type(value, __u32);
} timeouts SEC(".maps");

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct tcp_sock___sequence {
    __u32 snd_una;
    __u32 snd_nxt;
};

#pragma clang attribute pop

struct retransmission {
    __u8 inside;
    __u8 kind;
    __u8 state;
    __u8 ca_state;
    __u8 pending;
    __u8 sacked;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, struct retransmission);
    __type(value, __u64);
} seen SEC(".maps");

/* What found no room in a map. */
__u64 failures;

static __always_inline int enter(struct sock *sk, __u32 function) {
    __u64 key = (__u64)sk;
    __u32 *functions = bpf_map_lookup_elem(&inside, &key);

    if (functions)
        *functions |= function;
    else if (bpf_map_update_elem(&inside, &key, &function, BPF_ANY))
        __sync_fetch_and_add(&failures, 1);
    return 0;
}

static __always_inline int leave(struct sock *sk, __u32 function) {
    __u64 key = (__u64)sk;
    __u32 *functions = bpf_map_lookup_elem(&inside, &key);

    if (!functions)
        return 0;
    *functions &= ~function;
    if (!*functions)
        bpf_map_delete_elem(&inside, &key);
    return 0;
}

#define WATCH(function, bit)                                                                                 \
    SEC("fentry/" #function)                                                                                 \
    int BPF_PROG(enter_##function, struct sock *sk) {                                                        \
        (void)ctx;                                                                                           \
        return enter(sk, bit);                                                                               \
    }                                                                                                        \
    SEC("fexit/" #function)                                                                                  \
    int BPF_PROG(leave_##function, struct sock *sk) {                                                        \
        (void)ctx;                                                                                           \
        return leave(sk, bit);                                                                               \
    }

WATCH(tcp_retransmit_timer, IN_TIMER)
WATCH(tcp_send_loss_probe, IN_PROBE)
WATCH(tcp_xmit_retransmit_queue, IN_QUEUE)
WATCH(tcp_simple_retransmit, IN_MTU)
WATCH(tcp_ld_RTO_revert, IN_REVERT)
WATCH(tcp_rack_reo_timeout, IN_RACK)
/* These call a copy of tcp_xmit_retransmit_queue that the compiler made (.part.0), which fentry does not see.
 */
WATCH(tcp_release_cb, IN_TSQ)
WATCH(tcp_tsq_write, IN_TSQ)

static __always_inline int handle(__u64 sk) {
    __u32 zero = 0;
    __u64 *value = bpf_map_lookup_elem(&handled, &zero);

    if (value)
        *value = sk;
    return 0;
}

SEC("fentry/tcp_tsq_handler")
int BPF_PROG(enter_tcp_tsq_handler, struct sock *sk) {
    (void)ctx;
    return handle((__u64)sk);
}

SEC("fexit/tcp_tsq_handler")
int BPF_PROG(leave_tcp_tsq_handler) {
    (void)ctx;
    return handle(0);
}

SEC("tp_btf/tcp_destroy_sock")
int BPF_PROG(destroy, struct sock *sk) {
    __u64 key = (__u64)sk;

    (void)ctx;
    bpf_map_delete_elem(&timeouts, &key);
    return 0;
}

/* Whether a timeout is not over yet; notes it if it begins. */
static __always_inline __u32 after_timeout(__u64 sk, struct tcp_sock___sequence *tcp, __u32 functions) {
    __u32 *end = bpf_map_lookup_elem(&timeouts, &sk);
    __u32 unacknowledged = BPF_CORE_READ(tcp, snd_una), next = BPF_CORE_READ(tcp, snd_nxt);

    if (functions & IN_TIMER) {
        if (bpf_map_update_elem(&timeouts, &sk, &next, BPF_ANY))
            __sync_fetch_and_add(&failures, 1);
        return 0;
    }
    return end && (__s32)(unacknowledged - *end) < 0 ? AFTER_TIMEOUT : 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retransmit, struct sock *sk, struct sk_buff *skb) {
    __u64 key = (__u64)sk, *count, *tasklet;
    __u32 zero = 0;
    __u32 *functions = bpf_map_lookup_elem(&inside, &key);
    struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
    struct inet_connection_sock *icsk = (struct inet_connection_sock *)tcp;
    struct retransmission what = {};

    (void)ctx;
    if (!tcp)
        return 0;
    tasklet = bpf_map_lookup_elem(&handled, &zero);
    what.inside = functions ? *functions : 0;
    if (tasklet && *tasklet == (__u64)sk)
        what.inside |= IN_TSQ;
    what.inside |= after_timeout((__u64)sk, (struct tcp_sock___sequence *)tcp, what.inside);
    what.kind = kind_of(sk, tcp, skb);
    what.state = sk->__sk_common.skc_state;
    what.ca_state = BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state);
    what.pending = icsk->icsk_pending;
    what.sacked = BPF_CORE_READ((const struct tcp_skb_cb *)&skb->cb, sacked);
    bpf_map_update_elem(&seen, &what, &(__u64){0}, BPF_NOEXIST);
    count = bpf_map_lookup_elem(&seen, &what);
    if (count)
        __sync_fetch_and_add(count, 1);
    else
        __sync_fetch_and_add(&failures, 1);
    return 0;
}
