/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Addresses of sockets, and the way from a file descriptor to its socket. */
#pragma once

#include "types.h"

static __always_inline ip_t from_ipv4(__be32 address) {
    ip_t ip = {{0, 0, bpf_htonl(0xffff), address}};
    return ip;
}

static __always_inline ip_t from_ipv6(const __be32 words[4]) {
    ip_t ip = {{words[0], words[1], words[2], words[3]}};
    return ip;
}

static __always_inline bool is_ipv4(const ip_t *ip) {
    return ip->words[0] == 0 && ip->words[1] == 0 && ip->words[2] == bpf_htonl(0xffff);
}

/*
 * Each question about a socket comes twice: for one that the verifier trusts (a tp_btf argument, plain loads)
 * and, as probe_…, for a bare pointer found by walking, where each load is a guarded copy.
 */
static __always_inline ip_t local_address(const struct sock *sk) {
    if (sk->__sk_common.skc_family == AF_INET)
        return from_ipv4(sk->__sk_common.skc_rcv_saddr);
    return from_ipv6(sk->__sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32);
}

static __always_inline ip_t remote_address(const struct sock *sk) {
    if (sk->__sk_common.skc_family == AF_INET)
        return from_ipv4(sk->__sk_common.skc_daddr);
    return from_ipv6(sk->__sk_common.skc_v6_daddr.in6_u.u6_addr32);
}

static __always_inline ip_t probe_local_address(const struct sock *sk) {
    ip_t ip;

    if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
        return from_ipv4(BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr));
    BPF_CORE_READ_INTO(&ip, sk, __sk_common.skc_v6_rcv_saddr.in6_u.u6_addr32);
    return ip;
}

static __always_inline ip_t probe_remote_address(const struct sock *sk) {
    ip_t ip;

    if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
        return from_ipv4(BPF_CORE_READ(sk, __sk_common.skc_daddr));
    BPF_CORE_READ_INTO(&ip, sk, __sk_common.skc_v6_daddr.in6_u.u6_addr32);
    return ip;
}

/* A TCP socket as events tell of it: which one, between whom, whose. Programs embed it without a name. */
struct flow {
    socket_t socket;
    ip_t local_address;
    ip_t remote_address;
    __u16 local_port;
    __u16 remote_port;
    __u32 netns; /* inode number of the socket's network namespace */
    __u64 cgroup_id;
    __u32 uid;
    __u32 pid; /* the owner's thread group, as the host numbers it; 0 if unknown */
    comm_t comm;
};

/* The flow that an event embeds. */
#define flow_of(event) ((struct flow *)&(event)->socket)

/* Linux 5.10 keeps the cgroup, or the marks of net_cls and net_prio in its place, in one tagged word. */
static __always_inline struct cgroup *tagged_cgroup(const struct sock_cgroup_data___tagged *tagged) {
    __u64 value = BPF_CORE_READ(tagged, val);

    return value & 1 ? NULL : (struct cgroup *)(value & ~3ULL);
}

static __always_inline bool has_tagged_cgroup(void) {
    return bpf_core_field_exists(((struct sock_cgroup_data___tagged *)0)->val);
}

static __always_inline struct cgroup *probe_cgroup(const struct sock *sk) {
    if (has_tagged_cgroup())
        return tagged_cgroup((void *)__builtin_preserve_access_index(&sk->sk_cgrp_data));
    return BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
}

static __always_inline __u64 cgroup_id(const struct sock *sk) {
    if (has_tagged_cgroup())
        return BPF_CORE_READ(probe_cgroup(sk), kn, id);
    return sk->sk_cgrp_data.cgroup->kn->id;
}

/* The owner: the process, not the thread, since ps and the user know the group leader's name. */
static __always_inline void set_owner(struct flow *flow, struct task_struct *task) {
    flow->pid = BPF_CORE_READ(task, tgid);
    BPF_CORE_READ_INTO(&flow->comm, task, group_leader, comm);
}

static __always_inline void set_current_owner(struct flow *flow) {
    __u64 ids = bpf_get_current_pid_tgid();
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();

    flow->pid = ids >> 32;
    if (flow->pid == (__u32)ids)
        bpf_get_current_comm(flow->comm, sizeof(flow->comm));
    else
        BPF_CORE_READ_INTO(&flow->comm, task, group_leader, comm);
}

/* All but the owner. */
static __always_inline void set_flow(struct flow *flow, const struct tcp_sock *tcp) {
    const struct sock *sk = (const struct sock *)tcp;

    flow->socket = (socket_t)sk;
    flow->local_address = local_address(sk);
    flow->remote_address = remote_address(sk);
    flow->local_port = bpf_ntohs(((const struct inet_sock *)tcp)->inet_sport);
    flow->remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
    flow->netns = sk->__sk_common.skc_net.net->ns.inum;
    flow->uid = sk->sk_uid.val;
    flow->cgroup_id = cgroup_id(sk);
}

static __always_inline void probe_flow(struct flow *flow, const struct sock *sk) {
    flow->socket = (socket_t)sk;
    flow->local_address = probe_local_address(sk);
    flow->remote_address = probe_remote_address(sk);
    flow->local_port = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
    flow->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
    flow->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
    flow->uid = BPF_CORE_READ(sk, sk_uid.val);
    flow->cgroup_id = BPF_CORE_READ(probe_cgroup(sk), kn, id);
}

/* The TCP socket behind a file, NULL if it is anything else. bpf_sock_from_file() is younger than 5.10. */
static __always_inline struct socket *tcp_socket_of_file(const struct file *file) {
    struct socket *socket;
    struct sock *sk;

    if (BPF_CORE_READ(file, f_inode, i_sb, s_magic) != SOCKFS_MAGIC)
        return NULL;
    socket = BPF_CORE_READ(file, private_data);
    sk = BPF_CORE_READ(socket, sk);
    if (!sk || BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP || BPF_CORE_READ(sk, sk_type) != SOCK_STREAM)
        return NULL;
    return socket;
}

static __always_inline struct file *file_of_descriptor(unsigned long descriptor) {
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    struct fdtable *table = BPF_CORE_READ(task, files, fdt);
    struct file **files, *file = NULL;

    if (descriptor >= BPF_CORE_READ(table, max_fds))
        return NULL;
    files = BPF_CORE_READ(table, fd);
    bpf_probe_read_kernel(&file, sizeof(file), files + descriptor);
    return file;
}
