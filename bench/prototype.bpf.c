// SPDX-License-Identifier: MIT OR GPL-2.0
/* What the commands are measured against: the least that a tracer of handshakes or of retransmissions can do,
 * and programs that do nothing. */
#include "../bpf/include/kernel.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct start {
    __u64 ns;
    __u32 pid;
    char comm[16];
};

struct record {
    __u64 start_ns;
    __u64 end_ns;
    __u32 pid;
    char comm[16];
    __u32 addresses[2];
    __u32 remote_port;
    __u32 outcome;
    __u8 rest[40]; /* as large as connlat's record: 96 bytes */
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, __u64);
    __type(value, struct start);
} starts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4 << 20);
} ring SEC(".maps");

/* Linux 6.1 takes a pointer that a helper has read from the stack for a number, so the key is one. */
static __always_inline __u64 key_of(struct sock *sk) {
    __u64 key = (__u64)sk;

    barrier_var(key);
    return key;
}

static __always_inline int begin(struct sock *sk) {
    __u64 key = key_of(sk);
    struct start start = {.ns = bpf_ktime_get_ns(), .pid = bpf_get_current_pid_tgid() >> 32};

    bpf_get_current_comm(start.comm, sizeof(start.comm));
    bpf_map_update_elem(&starts, &key, &start, BPF_ANY);
    return 0;
}

static __always_inline int end(struct sock *sk, int newstate) {
    __u64 key = key_of(sk);
    struct start *start = bpf_map_lookup_elem(&starts, &key);
    struct record record = {};

    if (!start)
        return 0;
    record.start_ns = start->ns;
    record.end_ns = bpf_ktime_get_ns();
    record.pid = start->pid;
    __builtin_memcpy(record.comm, start->comm, sizeof(record.comm));
    record.addresses[0] = sk->__sk_common.skc_rcv_saddr;
    record.addresses[1] = sk->__sk_common.skc_daddr;
    record.remote_port = sk->__sk_common.skc_dport;
    record.outcome = newstate;
    bpf_ringbuf_output(&ring, &record, sizeof(record), BPF_RB_NO_WAKEUP);
    bpf_map_delete_elem(&starts, &key);
    return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(prototype, struct sock *sk, int oldstate, int newstate) {
    (void)ctx;
    if (newstate == TCP_SYN_SENT)
        return begin(sk);
    if (oldstate == TCP_SYN_SENT)
        return end(sk, newstate);
    return 0;
}

/* The floor: what the kernel itself takes to call a program on this tracepoint, and to time it. */
SEC("tp_btf/inet_sock_set_state")
int empty(void *ctx) {
    (void)ctx;
    return 0;
}

struct segment {
    __u64 ns;
    __u32 addresses[2];
    __u32 ports;
    __u32 sequence;
    __u8 rest[160]; /* as large as the record of retrans: 184 bytes */
};

SEC("tp_btf/tcp_retransmit_skb")
int retransmit_prototype(__u64 *ctx) {
    const struct tcp_sock *tcp = bpf_skc_to_tcp_sock((struct sock *)ctx[0]);
    const struct sock *sk = (const struct sock *)tcp;
    struct segment segment = {};

    if (!tcp)
        return 0;
    segment.ns = bpf_ktime_get_ns();
    segment.addresses[0] = sk->__sk_common.skc_rcv_saddr;
    segment.addresses[1] = sk->__sk_common.skc_daddr;
    segment.ports = sk->__sk_common.skc_num << 16 | sk->__sk_common.skc_dport;
    segment.sequence = tcp->snd_una;
    bpf_ringbuf_output(&ring, &segment, sizeof(segment), BPF_RB_NO_WAKEUP);
    return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int retransmit_empty(void *ctx) {
    (void)ctx;
    return 0;
}
