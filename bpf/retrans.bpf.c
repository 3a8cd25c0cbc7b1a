// SPDX-License-Identifier: MIT OR GPL-2.0
/* Segments that TCP sends again: why, whose, and for how long the flow had stood still. */
#include "include/cgroups.h"
#include "include/clock.h"
#include "include/cost.h"
#include "include/emit.h"
#include "include/filter.h"
#include "include/kind.h"
#include "include/meeting.h"
#include "include/owner.h"
#include "include/sums.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

struct retransmit {
    enum event_type type;
    enum kind kind;
    ns_t time_ns;
    struct flow;
    ns_t progress_ns; /* of what a timer sent again: when data was last acknowledged, or first sent after
                         idleness; 0 of the others */
    __u64 bytes_retrans;
    __s32 error; /* negative errno, or NET_XMIT_DROP (1): it did not leave this host; 0: it did */
    __u32 sequence;
    __u32 initial_sequence; /* if start_known */
    __u32 length;           /* bytes of data */
    __u32 segments;
    __u32 tries; /* how many times this sequence number was sent again, this one included */
    __u32 rto_us;
    __u32 srtt_us; /* 0 if there is no sample */
    __u32 min_rtt_us;
    __u32 cwnd; /* segments; 0 of a SYN-ACK */
    __u32 ssthresh;
    __u32 lost_out;
    __u32 sacked_out;
    __u32 retrans_out;
    __u32 segs_out;
    __u32 mss;
    __u8 state; /* enum tcp_state */
    __u8 ca_state;
    flag_t start_known; /* initial_sequence is right */
};

/* What a socket has sent so far: at its end, when a recovery is taken back, and (sample_sockets) when asked.
 */
struct socket_counts {
    enum event_type type;
    flag_t closed;
    flag_t undone; /* a recovery was taken back: what was sent again had arrived the first time */
    ns_t time_ns;
    struct flow;
    __u32 segs_out;
    __u32 dsack_dups;
    __u32 total_retrans;
};

/* The owner of a socket that had none when it sent again. */
struct owner_found {
    enum event_type type;
    __u32 pid;
    socket_t socket;
    ns_t since_ns; /* of its retransmissions from then */
    ns_t until_ns; /* until then; later ones know it */
    comm_t comm;
};

/* Retransmissions of each sequence number; an LRU, because most are never sent a third time. */
struct segment {
    socket_t socket;
    __u64 sequence;
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 65536);
    __type(key, struct segment);
    __type(value, __u32);
} tries SEC(".maps");

/* --kind and --state: a bit for each that is wanted; 0: all. */
const volatile __u32 wanted_kinds = 0;
const volatile __u32 wanted_states = 0;

/* Keeps the types in the object's BTF for the generator; never read. */
const struct retransmit *const retransmit_layout = 0;
const struct socket_counts *const socket_counts_layout = 0;
const struct owner_found *const owner_found_layout = 0;
const struct place_key *const place_key_layout = 0;
const enum counter *const counter_layout = 0;

static __always_inline bool wants(const struct retransmit *event) {
    if (wanted_kinds && !(wanted_kinds & 1U << event->kind))
        return false;
    if (wanted_states && !(wanted_states & 1U << event->state))
        return false;
    if (filter.min_latency_ns &&
        (!event->progress_ns || event->time_ns - event->progress_ns < filter.min_latency_ns))
        return false;
    return true;
}

/* What can be decided without the owner. */
static __always_inline bool wants_flow(const struct flow *flow, const struct sock *sk) {
    if (filter.uids_count && !LISTED(uids, flow->uid))
        return false;
    return wants_netns(flow->netns) && wants_cgroup(sk) &&
           wants_remote(&flow->remote_address, flow->remote_port) &&
           wants_local_address(&flow->local_address) && wants_local_port(flow->local_port);
}

/* An unknown owner may turn out to be the wanted one: user space decides. */
static __always_inline bool may_want_owner(const struct flow *flow) {
    return !flow->pid || wants_owner(flow->pid, flow->uid, flow->comm);
}

static __always_inline void report(void *ctx, struct retransmit *event, const struct sock *sk) {
    if (!wants(event) || !wants_flow(flow_of(event), sk))
        return;
    if (!event->error)
        add(COUNTER_SEGMENTS, event->segments);
    find_owner(flow_of(event), sk, event->time_ns);
    if (may_want_owner(flow_of(event)))
        emit(ctx, event, sizeof(*event));
}

static __always_inline __u32 next_try(socket_t socket, __u32 sequence, bool sent) {
    struct segment segment = {socket, sequence};
    __u32 *known = bpf_map_lookup_elem(&tries, &segment);
    __u32 try = (known ? *known : 0) + 1;

    if (sent)
        bpf_map_update_elem(&tries, &segment, &try, BPF_ANY);
    return try;
}

static __always_inline bool fin_is_sent(const struct tcp_sock *tcp, __u32 state) {
    return (state == TCP_FIN_WAIT1 || state == TCP_CLOSING || state == TCP_LAST_ACK) &&
           tcp->snd_nxt == tcp->write_seq;
}

/*
 * The SYN's sequence number. bytes_acked counts from it in a socket that sent the SYN, and from the byte
 * behind it in one that answered. What was sent begins behind the SYN in both: that tells which of them this
 * is.
 */
static __always_inline void set_start(struct retransmit *event, const struct tcp_sock *tcp) {
    __u32 acked_from = tcp->snd_una - (__u32)tcp->bytes_acked;
    __u32 sent_from =
        tcp->snd_nxt - (__u32)(tcp->bytes_sent - tcp->bytes_retrans) - fin_is_sent(tcp, event->state);

    if (event->kind == KIND_SYN || event->kind == KIND_SYNACK) {
        event->initial_sequence = event->sequence;
        event->start_known = true;
    } else {
        event->initial_sequence = sent_from - 1;
        event->start_known = sent_from - acked_from <= 1;
    }
}

static __always_inline ns_t last_progress(const struct tcp_sock *tcp, enum kind kind, ns_t now) {
    switch (kind) {
    case KIND_SYN:
        return first_syn_ns(tcp, now);
    case KIND_RTO:
    case KIND_TLP:
        return tcp->delivered_mstamp * 1000;
    default:
        return 0;
    }
}

static __always_inline int send_again(void *ctx, struct sock *sk, const struct sk_buff *skb, int error) {
    const struct tcp_skb_cb *cb = (const struct tcp_skb_cb *)&skb->cb;
    struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
    struct inet_connection_sock *icsk = (struct inet_connection_sock *)tcp;
    struct retransmit event = {};

    if (!tcp)
        return 0;
    event.type = EVENT_TYPE_RETRANSMIT;
    event.time_ns = bpf_ktime_get_ns();
    set_flow(flow_of(&event), tcp);
    event.error = error;
    event.kind = kind_of(sk, tcp, skb);
    event.state = sk->__sk_common.skc_state;
    event.ca_state = BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state);
    event.progress_ns = last_progress(tcp, event.kind, event.time_ns);
    event.sequence = BPF_CORE_READ(cb, seq);
    event.segments = BPF_CORE_READ(cb, tcp_gso_segs);
    event.length = skb->len;
    set_start(&event, tcp);
    event.rto_us = jiffies_to_us(icsk->icsk_rto);
    event.srtt_us = tcp->srtt_us >> 3;
    event.min_rtt_us = tcp->rtt_min.s[0].v;
    event.cwnd = tcp->snd_cwnd;
    event.ssthresh = tcp->snd_ssthresh;
    event.lost_out = tcp->lost_out;
    event.sacked_out = tcp->sacked_out;
    event.retrans_out = tcp->retrans_out;
    event.segs_out = tcp->segs_out;
    event.bytes_retrans = tcp->bytes_retrans;
    event.mss = tcp->mss_cache;
    event.tries = next_try(event.socket, event.sequence, !error);
    report(ctx, &event, sk);
    return 0;
}

SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retransmit_skb, struct sock *sk, struct sk_buff *skb) {
    return RUN(send_again(ctx, sk, skb, 0));
}

/* From 6.17 on (ad892e912b84) the tracepoint also tells of segments that could not be sent. */
SEC("tp_btf/tcp_retransmit_skb")
int BPF_PROG(retransmit_skb_or_fail, struct sock *sk, struct sk_buff *skb, int error) {
    return RUN(send_again(ctx, sk, skb, error));
}

/* Of the timer that has just run out: reqsk_timer_handler() counts it afterwards. */
static __always_inline __u64 synack_timeout_us(struct request_sock *req) {
    const __u64 initial_us = 1000000, longest_us = 120000000; /* TCP_TIMEOUT_INIT, TCP_RTO_MAX */
    __u64 first_us = bpf_core_field_exists(req->timeout) ? jiffies_to_us(req->timeout) : initial_us;
    __u64 us = first_us << BPF_CORE_READ_BITFIELD(req, num_timeout);

    return us < longest_us ? us : longest_us;
}

/* `sk` is the listener: until the handshake is over there is no other socket. */
static __always_inline int send_synack_again(void *ctx, struct sock *sk, struct request_sock *req) {
    struct tcp_request_sock *request = (struct tcp_request_sock *)req;
    struct sock *unborn = (struct sock *)req; /* both begin with a sock_common */
    struct retransmit event = {};
    struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

    if (!tcp)
        return 0;
    event.type = EVENT_TYPE_RETRANSMIT;
    event.time_ns = bpf_ktime_get_ns();
    set_flow(flow_of(&event), tcp);
    event.kind = KIND_SYNACK;
    event.local_address = local_address(unborn);
    event.remote_address = remote_address(unborn);
    event.local_port = req->__req_common.skc_num;
    event.remote_port = bpf_ntohs(req->__req_common.skc_dport);
    event.state = TCP_SYN_RECV;
    event.progress_ns = BPF_CORE_READ(request, snt_synack) * 1000;
    event.sequence = BPF_CORE_READ(request, snt_isn);
    event.initial_sequence = event.sequence;
    event.start_known = true;
    event.segments = 1;
    event.tries = req->num_retrans + 1;
    event.rto_us = synack_timeout_us(req);
    report(ctx, &event, sk);
    return 0;
}

SEC("tp_btf/tcp_retransmit_synack")
int BPF_PROG(retransmit_synack, struct sock *sk, struct request_sock *req) {
    return RUN(send_synack_again(ctx, sk, req));
}

/* Tables want to know what every socket has sent; rows do not. */
const volatile bool count_sockets = false;

/*
 * Most sockets come and go between two looks at all of them: of these the kernel sums up what they have sent.
 * Those that user space has been told of are marked, and it is told of their end.
 */
const volatile bool sum_sockets = false;

#define CELL_SENT 0
#define CELL_SPURIOUS 1

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 65536);
    __type(key, socket_t);
    __type(value, __u8);
} told_sockets SEC(".maps");

/* 1 once there was no room for a mark: from then on user space is told of every end. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} marks_missing SEC(".maps");

static __always_inline void mark_told(socket_t socket) {
    __u32 zero = 0, *missing;
    __u8 told = 1;

    if (!sum_sockets || !bpf_map_update_elem(&told_sockets, &socket, &told, BPF_ANY))
        return;
    missing = bpf_map_lookup_elem(&marks_missing, &zero);
    if (missing)
        *missing = 1;
}

static __always_inline bool was_told(socket_t socket) {
    __u32 zero = 0, *missing = bpf_map_lookup_elem(&marks_missing, &zero);

    return !bpf_map_delete_elem(&told_sockets, &socket) || !missing || *missing;
}

/* Reports of more than was sent again mean something else: tcp_dsack_seen() skips them too. */
static __always_inline void add_to_sums(const struct socket_counts *counts) {
    struct sum_key key = group_of(flow_of(counts), 0);

    add_to_cell(&key, CELL_SENT, 0, counts->segs_out);
    if (counts->dsack_dups && counts->dsack_dups <= counts->total_retrans)
        add_to_cell(&key, CELL_SPURIOUS, 0, counts->dsack_dups);
}

static __always_inline void report_counts(void *ctx, struct sock *sk, bool closed, bool undone) {
    struct socket_counts counts = {};
    struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

    if (!tcp)
        return;
    counts.type = EVENT_TYPE_SOCKET;
    counts.closed = closed;
    counts.undone = undone;
    counts.time_ns = bpf_ktime_get_ns();
    set_flow(flow_of(&counts), tcp);
    if (!wants_flow(flow_of(&counts), sk))
        return;
    look_up_owner(flow_of(&counts));
    counts.segs_out = tcp->segs_out;
    counts.dsack_dups = tcp->dsack_dups;
    counts.total_retrans = tcp->total_retrans;
    if (sum_sockets && closed && !was_told(counts.socket)) {
        if (wants_owner(counts.pid, counts.uid, counts.comm))
            add_to_sums(&counts);
        return;
    }
    if (!closed)
        mark_told(counts.socket);
    emit(ctx, &counts, sizeof(counts));
}

static __always_inline void report_owner(void *ctx, const struct sock *sk) {
    struct owner_found event = {};
    socket_t socket = (socket_t)sk;
    struct owner *owner = bpf_map_lookup_elem(&owners, &socket);

    if (!owner)
        return;
    event.type = EVENT_TYPE_OWNER;
    event.pid = owner->pid;
    event.socket = socket;
    event.since_ns = owner->since_ns;
    event.until_ns = bpf_ktime_get_ns();
    __builtin_memcpy(event.comm, owner->comm, sizeof(event.comm));
    emit(ctx, &event, sizeof(event));
}

static __always_inline int change_state(void *ctx, struct sock *sk, int oldstate, int newstate) {
    /* The same tracepoint tells of MPTCP, SCTP and DCCP. */
    if (!bpf_skc_to_tcp_sock(sk))
        return 0;
    if (count_sockets && newstate == TCP_CLOSE && oldstate != TCP_LISTEN)
        report_counts(ctx, sk, true, false);
    if (owner_set_state(sk, oldstate, newstate))
        report_owner(ctx, sk);
    if (meetings && newstate == TCP_ESTABLISHED)
        report_meeting(ctx, sk, oldstate == TCP_SYN_SENT ? ROLE_CLIENT : ROLE_SERVER);
    return 0;
}

SEC("tp_btf/inet_sock_set_state")
int BPF_PROG(set_state, struct sock *sk, int oldstate, int newstate) {
    return RUN(change_state(ctx, sk, oldstate, newstate));
}

/*
 * tcp_try_undo_recovery(), tcp_try_undo_loss(), tcp_try_undo_partial(): timestamps, F-RTO or DSACK showed
 * that nothing was lost. They clear undo_marker, which every recovery sets (tcp_init_undo), before they leave
 * it.
 */
SEC("tp_btf/tcp_cong_state_set")
int BPF_PROG(change_ca_state, struct sock *sk, __u8 newstate) {
    struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
    struct inet_connection_sock *icsk = (struct inet_connection_sock *)tcp;

    if (!tcp || tcp->undo_marker || newstate >= TCP_CA_Recovery)
        return 0;
    if (BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state) >= TCP_CA_Recovery)
        report_counts(ctx, sk, false, true);
    return 0;
}

/*
 * What all open sockets have sent, with their owners. By way of the files, because that is one pass over all
 * network namespaces, where iter/tcp would take one for each; a socket that no file holds tells its counts
 * when it ends.
 */
SEC("iter/task_file")
int sample_sockets(struct bpf_iter__task_file *ctx) {
    struct socket_counts counts = {};
    struct task_struct *task = ctx->task;
    struct file *file = ctx->file;
    struct socket *socket;
    struct sock *sk;
    __u32 state;

    if (!task || !file)
        return 0;
    socket = tcp_socket_of_file(file);
    if (!socket)
        return 0;
    sk = BPF_CORE_READ(socket, sk);
    state = BPF_CORE_READ(sk, __sk_common.skc_state);
    if (state == TCP_CLOSE || state == TCP_LISTEN)
        return 0;
    counts.type = EVENT_TYPE_SOCKET;
    probe_flow(flow_of(&counts), sk);
    if (!wants_flow(flow_of(&counts), sk))
        return 0;
    counts.time_ns = bpf_ktime_get_ns();
    look_up_owner(flow_of(&counts));
    if (!counts.pid) {
        counts.pid = BPF_CORE_READ(task, tgid);
        BPF_CORE_READ_INTO(&counts.comm, task, group_leader, comm);
    }
    mark_told(counts.socket);
    counts.segs_out = BPF_CORE_READ((struct tcp_sock *)sk, segs_out);
    counts.dsack_dups = BPF_CORE_READ((struct tcp_sock *)sk, dsack_dups);
    counts.total_retrans = BPF_CORE_READ((struct tcp_sock *)sk, total_retrans);
    bpf_seq_write(ctx->meta->seq, &counts, sizeof(counts));
    return 0;
}
