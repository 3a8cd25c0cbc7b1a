// SPDX-License-Identifier: MIT OR GPL-2.0
/* What really happened in a network namespace, by hooks that tcpscope does not use: fentry, fexit, kprobes.
 */
#include "../../bpf/include/kernel.h"

#include <asm/ptrace.h>

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* The network namespace to watch, by its inode. */
const volatile __u32 netns;

/* Calls; truth.test.ts has the same order. */
enum counted {
    CONNECT_V4,     /* tcp_v4_connect */
    CONNECT,        /* tcp_connect: it sends a SYN */
    FINISH_CONNECT, /* tcp_finish_connect: the SYN-ACK has come */
    RETRANSMIT,     /* tcp_retransmit_skb, or what it calls, where it could send */
    RETRANSMIT_SYNACK,
    PROBED_CONNECT_V4, /* the same by kprobes */
    PROBED_CONNECT,
    PROBED_FINISH_CONNECT,
    COUNTED,
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, COUNTED);
    __type(key, __u32);
    __type(value, __u64);
} calls SEC(".maps");

/* When a handshake was at each place, by local port. */
struct moments {
    __u64 called;   /* tcp_v4_connect begins */
    __u64 sending;  /* tcp_connect begins: the socket is in SYN_SENT */
    __u64 answered; /* tcp_finish_connect begins: not ESTABLISHED yet */
    __u64 finished; /* tcp_finish_connect has ended */
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, __u64); /* struct sock * */
    __type(value, struct moments);
} handshakes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, __u32); /* local port */
    __type(value, struct moments);
} finished SEC(".maps");

/* Sockets inside of tcp_retransmit_skb. Compilers may put __tcp_retransmit_skb into it, as that of
 * Debian's 6.1 does. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4096);
    __type(key, __u64); /* struct sock * */
    __type(value, __u8);
} inside SEC(".maps");

static __always_inline bool wanted(const struct sock *sk) {
    return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) == netns;
}

static __always_inline int count(const struct sock *sk, enum counted what) {
    __u32 key = what;
    __u64 *number = wanted(sk) ? bpf_map_lookup_elem(&calls, &key) : NULL;

    if (number)
        __sync_fetch_and_add(number, 1);
    return 0;
}

SEC("fentry/tcp_v4_connect")
int BPF_PROG(called_connect, struct sock *sk) {
    __u64 key = (__u64)sk;
    struct moments at = {.called = bpf_ktime_get_ns()};

    (void)ctx;
    if (wanted(sk))
        bpf_map_update_elem(&handshakes, &key, &at, BPF_ANY);
    return count(sk, CONNECT_V4);
}

SEC("fentry/tcp_connect")
int BPF_PROG(sending_syn, struct sock *sk) {
    __u64 key = (__u64)sk;
    struct moments *at = bpf_map_lookup_elem(&handshakes, &key);

    (void)ctx;
    if (at)
        at->sending = bpf_ktime_get_ns();
    return count(sk, CONNECT);
}

SEC("fentry/tcp_finish_connect")
int BPF_PROG(answered, struct sock *sk) {
    __u64 key = (__u64)sk;
    struct moments *at = bpf_map_lookup_elem(&handshakes, &key);

    (void)ctx;
    if (at)
        at->answered = bpf_ktime_get_ns();
    return count(sk, FINISH_CONNECT);
}

SEC("fexit/tcp_finish_connect")
int BPF_PROG(has_finished, struct sock *sk) {
    __u64 key = (__u64)sk;
    __u32 port = BPF_CORE_READ(sk, __sk_common.skc_num);
    struct moments *at = bpf_map_lookup_elem(&handshakes, &key);

    (void)ctx;
    if (!at)
        return 0;
    at->finished = bpf_ktime_get_ns();
    bpf_map_update_elem(&finished, &port, at, BPF_ANY);
    bpf_map_delete_elem(&handshakes, &key);
    return 0;
}

SEC("fentry/tcp_retransmit_skb")
int BPF_PROG(retransmitting, struct sock *sk) {
    __u64 key = (__u64)sk;
    __u8 yes = 1;

    (void)ctx;
    if (wanted(sk))
        bpf_map_update_elem(&inside, &key, &yes, BPF_ANY);
    return 0;
}

SEC("fexit/tcp_retransmit_skb")
int BPF_PROG(has_retransmitted, struct sock *sk, struct sk_buff *skb, int segs, int result) {
    __u64 key = (__u64)sk;

    (void)ctx;
    (void)skb;
    (void)segs;
    bpf_map_delete_elem(&inside, &key);
    return result ? 0 : count(sk, RETRANSMIT);
}

/* Tail loss probes call it by themselves. */
SEC("fexit/__tcp_retransmit_skb")
int BPF_PROG(has_probed, struct sock *sk, struct sk_buff *skb, int segs, int result) {
    __u64 key = (__u64)sk;

    (void)ctx;
    (void)skb;
    (void)segs;
    if (bpf_map_lookup_elem(&inside, &key))
        return 0;
    return result ? 0 : count(sk, RETRANSMIT);
}

SEC("fexit/tcp_rtx_synack")
int BPF_PROG(has_retransmitted_synack, const struct sock *sk, struct request_sock *request, int result) {
    (void)ctx;
    (void)request;
    return result ? 0 : count(sk, RETRANSMIT_SYNACK);
}

SEC("kprobe/tcp_v4_connect")
int BPF_KPROBE(probed_connect, struct sock *sk) {
    (void)ctx;
    return count(sk, PROBED_CONNECT_V4);
}

SEC("kprobe/tcp_connect")
int BPF_KPROBE(probed_syn, struct sock *sk) {
    (void)ctx;
    return count(sk, PROBED_CONNECT);
}

SEC("kprobe/tcp_finish_connect")
int BPF_KPROBE(probed_answer, struct sock *sk) {
    (void)ctx;
    return count(sk, PROBED_FINISH_CONNECT);
}
