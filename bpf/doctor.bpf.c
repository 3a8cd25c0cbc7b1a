// SPDX-License-Identifier: MIT OR GPL-2.0
/* What `tcpscope doctor` tries: a little of everything that the commands' programs are made of. */
#include "include/emit.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* What one of the programs saw. */
struct reading {
    ns_t time_ns;
    ns_t clocks_ns; /* how long CLOCK_READINGS readings of the clock took; 0 if they were not made */
    __u32 pid;      /* of the current process, by the kernel's own number */
    __u32 port;     /* that a socket began to listen on; 0 from the iterator */
};

const struct reading *const reading_layout = 0;

/* Ports that somebody listens on, since the program runs. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, ns_t);
} ports SEC(".maps");

static __always_inline struct reading new_reading(__u32 port) {
    struct reading reading = {
        .time_ns = bpf_ktime_get_ns(),
        .pid = bpf_get_current_pid_tgid() >> 32,
        .port = port,
    };

    return reading;
}

SEC("tp_btf/inet_sock_set_state")
int see_listen(__u64 *ctx) {
    const struct sock *sk = (const struct sock *)ctx[0];
    struct reading reading;
    __u32 port;

    if ((int)ctx[2] != TCP_LISTEN)
        return 0;
    port = BPF_CORE_READ(sk, __sk_common.skc_num);
    reading = new_reading(port);
    bpf_map_update_elem(&ports, &port, &reading.time_ns, BPF_ANY);
    emit(ctx, &reading, sizeof(reading));
    return 0;
}

#define CLOCK_READINGS 64

/* Over `ports`, of which user space puts in one as number 0. */
SEC("iter/bpf_map_elem")
int read_clock(struct bpf_iter__bpf_map_elem *ctx) {
    __u32 *port = ctx->key;
    ns_t *value = ctx->value;
    struct reading reading;

    if (!port || !value || *port != 0)
        return 0;
    reading = new_reading(0);
    for (int i = 0; i < CLOCK_READINGS; i++)
        reading.clocks_ns = bpf_ktime_get_ns();
    reading.clocks_ns -= reading.time_ns;
    bpf_seq_write(ctx->meta->seq, &reading, sizeof(reading));
    return 0;
}
