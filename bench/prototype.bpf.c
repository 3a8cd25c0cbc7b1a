// SPDX-License-Identifier: MIT OR GPL-2.0
/* What connlat is measured against: the least that a tracer of handshakes can do, and a program that does
 * nothing. */
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
    __type(key, struct sock *);
    __type(value, struct start);
} starts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 4 << 20);
} ring SEC(".maps");

static __always_inline int begin(struct sock *sk) {
    struct start start = {.ns = bpf_ktime_get_ns(), .pid = bpf_get_current_pid_tgid() >> 32};

    bpf_get_current_comm(start.comm, sizeof(start.comm));
    bpf_map_update_elem(&starts, &sk, &start, BPF_ANY);
    return 0;
}

static __always_inline int end(struct sock *sk, int newstate) {
    struct start *start = bpf_map_lookup_elem(&starts, &sk);
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
    bpf_map_delete_elem(&starts, &sk);
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
