// SPDX-License-Identifier: MIT OR GPL-2.0
/* Outgoing TCP handshakes: each attempt's start, end, outcome and owner. */
#include "include/cgroups.h"
#include "include/clock.h"
#include "include/cost.h"
#include "include/handshake.h"
#include "include/meeting.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct attempt {
    struct handshake handshake;
    __u32 retrans_before; /* total_retrans at the start: connect() again after a failure keeps it on some
                             kernels */
    struct following following;
};

/* Attempts in SYN_SENT, by the address of their sock. Each way out of SYN_SENT removes its entry. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, struct sock *);
    __type(value, struct attempt);
} in_flight SEC(".maps");

/* Keeps the types in the object's BTF for the generator; never read. */
const struct handshake *const handshake_layout = 0;
const struct sum_key *const sum_key_layout = 0;
const struct sum *const sum_layout = 0;
const struct tally *const tally_layout = 0;
const enum setting *const setting_layout = 0;
const struct run_cost *const run_cost_layout = 0;
const enum outcome *const outcome_layout = 0;
const struct place_key *const place_key_layout = 0;
const enum counter *const counter_layout = 0;

static __always_inline bool wants_start(const struct flow *flow, const struct sock *sk) {
    return wants_netns(flow->netns) && wants_cgroup(sk) &&
           wants_remote(&flow->remote_address, flow->remote_port) &&
           wants_local_address(&flow->local_address) && wants_owner(flow->pid, flow->uid, flow->comm);
}

/* False if it is not followed. */
static __always_inline bool follow(struct sock *sk, struct attempt *attempt) {
    count(COUNTER_STARTED);
    attempt->following.weight = sample_weight();
    if (!attempt->following.weight)
        return false;
    if (!bpf_map_update_elem(&in_flight, &sk, attempt, BPF_ANY))
        return true;
    count(COUNTER_UNTRACKED);
    return false;
}

/* --sync-errors: which connect(2) each thread is in; see below. */
const volatile bool sync_errors = false;

struct connect_call {
    ns_t start_ns;
    struct sock *sk;
    const void *address; /* the user's sockaddr */
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __type(key, __u64); /* thread */
    __type(value, struct connect_call);
} connect_calls SEC(".maps");

static __always_inline int start_attempt(struct sock *sk) {
    struct attempt attempt = {};
    struct handshake *handshake = &attempt.handshake;
    struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

    /* The same tracepoint tells of MPTCP, SCTP and DCCP. */
    if (!tcp)
        return 0;
    if (sync_errors) {
        __u64 thread = bpf_get_current_pid_tgid();
        bpf_map_delete_elem(&connect_calls, &thread);
    }
    handshake->type = EVENT_TYPE_HANDSHAKE;
    handshake->start_ns = bpf_ktime_get_ns();
    set_flow(flow_of(handshake), tcp);
    set_current_owner(flow_of(handshake));
    attempt.retrans_before = tcp->total_retrans;
    /* Should the end of an older attempt on this address have been missed, it must not take this one's end.
     */
    if (!wants_start(flow_of(handshake), sk) || !follow(sk, &attempt))
        bpf_map_delete_elem(&in_flight, &sk);
    return 0;
}

/* SYN_SENT or SYN_RECV -> CLOSE; the errors are those of tcp_reset, tcp_v4_err, tcp_v6_err, tcp_write_err,
 * tcp_abort. */
static __always_inline enum outcome failure(__u32 errno, __u32 segs_out) {
    switch (errno) {
    case 0:
        return segs_out ? OUTCOME_ABANDONED : OUTCOME_NO_PORT;
    case ECONNREFUSED:
        return OUTCOME_REFUSED;
    case ETIMEDOUT:
        return OUTCOME_TIMEOUT;
    case ECONNRESET:
    case ECONNABORTED:
        return OUTCOME_RESET;
    default:
        return OUTCOME_UNREACHABLE;
    }
}

/*
 * Why it failed, as the program will be told. Whoever polls may have taken a reset's error already: between
 * tcp_reset()'s setting it and tcp_done(). What the program closes itself is shut down before (tcp_close).
 */
static __always_inline __u32 error_of(const struct sock *sk, const struct tcp_sock *tcp) {
    if (!sk->sk_err && tcp->segs_in && sk->sk_shutdown != SHUTDOWN_MASK)
        return ECONNREFUSED;
    return sk->sk_err;
}

static __always_inline int end_attempt(void *ctx, struct sock *sk, int newstate) {
    struct sock *key = sk; /* 6.1 and 6.12 distrust a pointer once a helper has had its stack slot */
    struct attempt *attempt = bpf_map_lookup_elem(&in_flight, &key);
    struct handshake *handshake;
    struct tcp_sock *tcp;

    if (!attempt)
        return 0;
    tcp = bpf_skc_to_tcp_sock(sk);
    if (!tcp)
        return 0;
    handshake = &attempt->handshake;
    handshake->end_ns = bpf_ktime_get_ns();
    handshake->local_port = bpf_ntohs(((struct inet_sock *)tcp)->inet_sport);
    if (tcp->segs_out)
        handshake->syns = 1 + tcp->total_retrans - attempt->retrans_before;
    else
        count(COUNTER_UNSENT);
    if (newstate == TCP_ESTABLISHED) {
        handshake->outcome = OUTCOME_OK;
        handshake->wire_us = tcp->srtt_us >> 3;
    } else {
        handshake->errno = error_of(sk, tcp);
        handshake->outcome = failure(handshake->errno, tcp->segs_out);
        /* Given up, but the network had said why: a hint that the program may never have seen. */
        if (!handshake->errno)
            handshake->errno = sk->sk_err_soft;
    }
    /* ESTABLISHED without a SYN is a connection that TCP_REPAIR put back (CRIU): no handshake. */
    if (wants_local_port(handshake->local_port) && (tcp->segs_out || newstate != TCP_ESTABLISHED))
        report(ctx, handshake, attempt->following);
    bpf_map_delete_elem(&in_flight, &key);
    return 0;
}

static __always_inline int change_state(void *ctx, struct sock *sk, int oldstate, int newstate) {
    if (newstate == TCP_SYN_SENT)
        return start_attempt(sk);
    /* SYN_SENT -> SYN_RECV is a simultaneous open: not the end. */
    if (oldstate == TCP_SYN_SENT)
        return newstate == TCP_SYN_RECV ? 0 : end_attempt(ctx, sk, newstate);
    /* Out of SYN_RECV come mostly incoming connections, which have no struct socket before accept(). */
    if (oldstate == TCP_SYN_RECV && sk->sk_socket)
        return end_attempt(ctx, sk, newstate);
    if (meetings && oldstate == TCP_SYN_RECV && newstate == TCP_ESTABLISHED)
        report_meeting(ctx, sk, ROLE_SERVER);
    return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(set_state, struct sock *sk, int oldstate, int newstate) {
    return RUN(change_state(ctx, sk, oldstate, newstate));
}

/* The tracepoint stores an attempt; its socket is in SYN_SENT only when all programs on it have run. */
#define SURELY_STARTED_NS 10000000000ULL

/*
 * Attempts that hang: run over in_flight. An entry whose socket is no longer opening missed its end (the
 * kernel does not run a tp_btf program inside itself on one CPU), or has not begun; the former is removed.
 */
SEC("iter/bpf_map_elem")
int pending(struct bpf_iter__bpf_map_elem *ctx) {
    struct seq_file *seq = ctx->meta->seq;
    struct sock **key = ctx->key, *sk;
    struct attempt *attempt = ctx->value;
    struct handshake handshake;
    __u32 state;

    if (!key || !attempt)
        return 0;
    sk = *key;
    handshake = attempt->handshake;
    handshake.end_ns = bpf_ktime_get_ns();
    state = BPF_CORE_READ(sk, __sk_common.skc_state);
    if (state != TCP_SYN_SENT && state != TCP_SYN_RECV) {
        if (handshake.end_ns - handshake.start_ns >= SURELY_STARTED_NS)
            bpf_map_delete_elem(&in_flight, &sk);
        return 0;
    }
    handshake.outcome = OUTCOME_PENDING;
    handshake.errno = 0;
    handshake.wire_us = 0;
    handshake.local_port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
    handshake.syns = 1 + BPF_CORE_READ((struct tcp_sock *)sk, total_retrans) - attempt->retrans_before;
    if (handshake.end_ns - handshake.start_ns >= filter.min_latency_ns &&
        wants_local_port(handshake.local_port))
        bpf_seq_write(seq, &handshake, sizeof(handshake));
    return 0;
}

/* Run once after attaching: attempts that were already in SYN_SENT, in every network namespace. */
SEC("iter/task_file")
int find_in_flight(struct bpf_iter__task_file *ctx) {
    struct attempt attempt = {};
    struct handshake *handshake = &attempt.handshake;
    struct task_struct *task = ctx->task;
    struct file *file = ctx->file;
    struct socket *socket;
    struct sock *sk;

    if (!task || !file)
        return 0;
    socket = tcp_socket_of_file(file);
    if (!socket)
        return 0;
    sk = BPF_CORE_READ(socket, sk);
    if (BPF_CORE_READ(sk, __sk_common.skc_state) != TCP_SYN_SENT)
        return 0;
    handshake->type = EVENT_TYPE_HANDSHAKE;
    handshake->start_ns = first_syn_ns((struct tcp_sock *)sk, bpf_ktime_get_ns());
    probe_flow(flow_of(handshake), sk);
    set_owner(flow_of(handshake), task);
    attempt.following = (struct following){.weight = 1, .found = true};
    if (wants_start(flow_of(handshake), sk) && !bpf_map_update_elem(&in_flight, &sk, &attempt, BPF_NOEXIST))
        bpf_seq_write(ctx->meta->seq, handshake, sizeof(*handshake));
    return 0;
}

/*
 * --sync-errors: a connect(2) that fails before SYN_SENT, most often for want of a route, shows in no TCP
 * tracepoint. Only a first connect() of a TCP socket counts: a later one on a socket that is connecting
 * merely asks how it went.
 */
SEC("tracepoint/syscalls/sys_enter_connect")
int enter_connect(struct trace_event_raw_sys_enter *ctx) {
    __u64 thread = bpf_get_current_pid_tgid();
    struct connect_call call = {.start_ns = bpf_ktime_get_ns(), .address = (const void *)ctx->args[1]};
    struct file *file = file_of_descriptor((__u32)ctx->args[0]);
    struct socket *socket = file ? tcp_socket_of_file(file) : NULL;

    if (!socket || BPF_CORE_READ(socket, state) != SS_UNCONNECTED)
        return 0;
    call.sk = BPF_CORE_READ(socket, sk);
    if (bpf_map_update_elem(&connect_calls, &thread, &call, BPF_ANY))
        count(COUNTER_UNTRACKED);
    return 0;
}

static __always_inline bool read_user_address(const void *address, struct handshake *handshake) {
    struct sockaddr_in6 ipv6 = {};
    struct sockaddr_in ipv4 = {};

    if (bpf_probe_read_user(&ipv4, sizeof(ipv4), address))
        return false;
    handshake->remote_port = bpf_ntohs(ipv4.sin_port);
    if (ipv4.sin_family == AF_INET) {
        handshake->remote_address = from_ipv4(ipv4.sin_addr);
        return true;
    }
    if (ipv4.sin_family != AF_INET6 || bpf_probe_read_user(&ipv6, sizeof(ipv6), address))
        return false;
    handshake->remote_address = from_ipv6(ipv6.sin6_addr);
    return true;
}

SEC("tracepoint/syscalls/sys_exit_connect")
int exit_connect(struct trace_event_raw_sys_exit *ctx) {
    __u64 thread = bpf_get_current_pid_tgid();
    struct connect_call *found = bpf_map_lookup_elem(&connect_calls, &thread);
    struct handshake handshake = {};
    const void *address;
    struct sock *sk;

    if (!found)
        return 0;
    handshake.type = EVENT_TYPE_HANDSHAKE;
    handshake.start_ns = found->start_ns;
    address = found->address;
    sk = found->sk;
    bpf_map_delete_elem(&connect_calls, &thread);
    if (ctx->ret >= 0 || ctx->ret == -EINPROGRESS)
        return 0;
    probe_flow(flow_of(&handshake), sk);
    if (!read_user_address(address, &handshake))
        return 0;
    handshake.end_ns = bpf_ktime_get_ns();
    handshake.errno = -ctx->ret;
    handshake.outcome = ctx->ret == -EADDRNOTAVAIL ? OUTCOME_NO_PORT : OUTCOME_UNREACHABLE;
    set_current_owner(flow_of(&handshake));
    if (wants_start(flow_of(&handshake), sk) && wants_local_port(handshake.local_port))
        report(ctx, &handshake, (struct following){.weight = 1});
    return 0;
}
