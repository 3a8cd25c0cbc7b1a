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
