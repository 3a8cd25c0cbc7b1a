/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Who owns a socket: the process that opened it, or else the one that has it open. What a retransmission or
 * any other softirq interrupts says nothing of that, so the owner is noted where the current task is known to
 * be it, and looked for among all open files where nobody has been seen.
 *
 * A program that uses this calls owner_set_state() from tp_btf/inet_sock_set_state and find_owner() for its
 * events; src/kernel/owners.ts runs the iterator `find_owners` for what stays unknown.
 */
#pragma once

#include "flow.h"

struct owner {
    ns_t since_ns;    /* younger events only: the address may have belonged to another socket before */
    __u64 session;    /* of the find_owners that found it; 0 if the current task was seen */
    __u64 started_ns; /* of the process, to choose between several */
    __u32 pid;        /* 0: somebody asked and nobody knows yet */
    __be16 port;      /* the remote port: with another one it is another socket, of the same address */
    flag_t asked;     /* user space waits for it: stays after the socket's end */
    comm_t comm;
};

/* A socket that an LRU forgets is found again by find_owners. */
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 65536);
    __type(key, socket_t);
    __type(value, struct owner);
} owners SEC(".maps");

const struct owner *const owner_layout = 0;

/* The process, not the thread: ps and the user know the group leader's name. */
static __always_inline void set_process(struct owner *owner, struct task_struct *task) {
    owner->pid = BPF_CORE_READ(task, tgid);
    owner->started_ns = BPF_CORE_READ(task, group_leader, start_boottime);
    BPF_CORE_READ_INTO(&owner->comm, task, group_leader, comm);
}

/* False if the current task is the kernel's own. */
static __always_inline bool set_current_process(struct owner *owner) {
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();

    if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
        return false;
    set_process(owner, task);
    return true;
}

/*
 * What is known of the socket. Where the kernel skipped a run of the program, the end of a socket or the
 * start of the next one at its address may have been missed; connections that a server takes differ in their
 * port.
 */
static __always_inline struct owner *known_owner(const struct sock *sk) {
    socket_t socket = (socket_t)sk;
    struct owner *known = bpf_map_lookup_elem(&owners, &socket);

    if (!known || known->port == sk->__sk_common.skc_dport)
        return known;
    bpf_map_delete_elem(&owners, &socket);
    return NULL;
}

static __always_inline void opener_owns(const struct sock *sk) {
    struct owner opener = {.since_ns = bpf_ktime_get_ns(), .port = sk->__sk_common.skc_dport};
    socket_t socket = (socket_t)sk;

    if (set_current_process(&opener))
        bpf_map_update_elem(&owners, &socket, &opener, BPF_ANY);
    else
        bpf_map_delete_elem(&owners, &socket); /* what is known is another socket's, of the same address */
}

/*
 * Whoever closes or shuts down a socket has it open: the last chance to know. find_owners may have come while
 * a server that forks had not forked yet; or it has seen the child, and the parent is late to close its copy.
 * True if somebody had asked for it.
 */
static __always_inline bool closer_owns(const struct sock *sk) {
    struct owner closer = {.since_ns = bpf_ktime_get_ns(), .port = sk->__sk_common.skc_dport};
    socket_t socket = (socket_t)sk;
    struct owner *known = known_owner(sk);

    if (known && known->pid && !known->session)
        return false;
    if (!set_current_process(&closer))
        return false;
    if (known) {
        if (known->pid && known->started_ns >= closer.started_ns)
            return false;
        closer.since_ns = known->since_ns;
        closer.asked = known->asked;
    }
    bpf_map_update_elem(&owners, &socket, &closer, BPF_ANY);
    return closer.asked;
}

static __always_inline void forget_owner(const struct sock *sk) {
    socket_t socket = (socket_t)sk;
    struct owner *known = bpf_map_lookup_elem(&owners, &socket);

    if (known && !known->asked)
        bpf_map_delete_elem(&owners, &socket);
}

/*
 * True where tcp_close() or tcp_shutdown() made this change: then the current task has the socket open. Out
 * of later states softirqs lead to TCP_CLOSE, with a socket that is shut down both ways and still open too.
 */
static __always_inline bool is_closing(const struct sock *sk, int oldstate, int newstate) {
    if (newstate == TCP_FIN_WAIT1 || newstate == TCP_LAST_ACK)
        return true;
    /* Unread data or SO_LINGER 0: no FIN. */
    return newstate == TCP_CLOSE && (oldstate == TCP_ESTABLISHED || oldstate == TCP_CLOSE_WAIT) &&
           sk->sk_shutdown == SHUTDOWN_MASK;
}

/*
 * Follows a TCP socket from its first state to its last. True if it has got an owner that was asked for: user
 * space has to be told, since by the time it looks the address may be another socket's.
 */
static __always_inline bool owner_set_state(const struct sock *sk, int oldstate, int newstate) {
    socket_t socket = (socket_t)sk;
    bool answered = false;

    if (newstate == TCP_SYN_SENT || newstate == TCP_LISTEN)
        opener_owns(sk);
    else if (oldstate == TCP_LISTEN && newstate == TCP_SYN_RECV)
        bpf_map_delete_elem(&owners, &socket); /* a new socket, made by softirq */
    else if (is_closing(sk, oldstate, newstate))
        answered = closer_owns(sk);
    if (newstate == TCP_CLOSE)
        forget_owner(sk);
    return answered;
}

static __always_inline void fill_in(struct flow *flow, const struct owner *known) {
    if (!known || !known->pid)
        return;
    flow->pid = known->pid;
    __builtin_memcpy(flow->comm, known->comm, sizeof(flow->comm));
}

/* Fills in the owner of the flow's socket if it is known. */
static __always_inline void look_up_owner(struct flow *flow) {
    socket_t socket = flow->socket;
    struct owner *known = bpf_map_lookup_elem(&owners, &socket);

    if (known && known->port == bpf_htons(flow->remote_port))
        fill_in(flow, known);
}

/* The same at the time `now`, or leaves word that it is asked for. Of a SYN-ACK `sk` is the listener. */
static __always_inline void find_owner(struct flow *flow, const struct sock *sk, ns_t now) {
    struct owner asked = {.since_ns = now, .port = sk->__sk_common.skc_dport, .asked = true};
    socket_t socket = flow->socket;
    struct owner *known = known_owner(sk);

    if (known)
        fill_in(flow, known);
    else
        bpf_map_update_elem(&owners, &socket, &asked, BPF_NOEXIST);
}

/*
 * Of several processes that have a connection open, the youngest serves it (a server that forks for each
 * connection). A listening socket is shared for long, and the oldest made it.
 */
static __always_inline bool is_better_owner(const struct owner *known, const struct owner *found,
                                            bool listening) {
    if (known->session != found->session)
        return listening || !known->pid;
    return listening ? found->started_ns < known->started_ns : found->started_ns > known->started_ns;
}

/* Looks through the open files of all processes, in every namespace, for sockets that are asked for, and for
 * all that listen: their SYN-ACKs have no other socket. */
SEC("iter/task_file")
int find_owners(struct bpf_iter__task_file *ctx) {
    struct owner found = {.session = ctx->meta->session_id};
    struct task_struct *task = ctx->task;
    struct file *file = ctx->file;
    struct socket *socket;
    struct owner *known;
    struct sock *sk;
    bool listening;
    socket_t id;

    if (!task || !file)
        return 0;
    socket = tcp_socket_of_file(file);
    if (!socket)
        return 0;
    sk = BPF_CORE_READ(socket, sk);
    id = (socket_t)sk;
    listening = BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN;
    found.port = BPF_CORE_READ(sk, __sk_common.skc_dport);
    known = bpf_map_lookup_elem(&owners, &id);
    if (known && known->port != found.port)
        known = NULL;
    if (!known && !listening)
        return 0;
    set_process(&found, task);
    if (known && !is_better_owner(known, &found, listening))
        return 0;
    if (known) {
        found.since_ns = known->since_ns;
        found.asked = known->asked;
    }
    bpf_map_update_elem(&owners, &id, &found, BPF_ANY);
    return 0;
}
