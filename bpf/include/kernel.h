/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * The kernel's types, cut down to the fields that our programs read. libbpf moves each access to where the
 * running kernel has the field (CO-RE), so order, size and neighbours do not matter here; names do.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define SOCK_STREAM 1
#define SOCKFS_MAGIC 0x534F434B

/* include/net/tcp_states.h: uapi of a kind, unchanged since Linux 2.6. */
enum tcp_state {
    TCP_ESTABLISHED = 1,
    TCP_SYN_SENT = 2,
    TCP_SYN_RECV = 3,
    TCP_FIN_WAIT1 = 4,
    TCP_CLOSE = 7,
    TCP_CLOSE_WAIT = 8,
    TCP_LAST_ACK = 9,
    TCP_LISTEN = 10,
    TCP_CLOSING = 11,
};

/* include/uapi/linux/tcp.h: what icsk_ca_state says of the sender. */
enum tcp_ca_state {
    TCP_CA_Open,
    TCP_CA_Disorder,
    TCP_CA_CWR,
    TCP_CA_Recovery,
    TCP_CA_Loss,
};

/* include/net/inet_connection_sock.h: what icsk_pending waits for; unchanged since Linux 3.10. */
#define ICSK_TIME_LOSS_PROBE 5

/* include/linux/sched.h */
#define PF_KTHREAD 0x00200000

/* include/net/sock.h */
#define SHUTDOWN_MASK 3

/* include/net/tcp.h: tcp_skb_cb.sacked of a segment that is taken for lost. */
#define TCPCB_LOST 0x04

/* include/uapi/linux/net.h; an enum, because CO-RE takes an int for another type. */
typedef enum { SS_FREE, SS_UNCONNECTED } socket_state;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
    unsigned int inum; /* the inode number of /proc/PID/ns/net */
};

struct net {
    struct ns_common ns;
};

typedef struct {
    struct net *net;
} possible_net_t;

struct kernfs_node {
    __u64 id; /* the inode number of the cgroup's folder */
};

struct cgroup_root {
    int hierarchy_id;
};

struct cgroup {
    struct cgroup_root *root;
    int level; /* of its folder: 0 is the root of the hierarchy */
    struct kernfs_node *kn;
    struct cgroup *ancestors[]; /* by level, itself the last */
};

/* Before Linux 6.1 (7f203bc89eb6). */
struct cgroup___ancestor_ids {
    __u64 ancestor_ids[];
};

struct sock_cgroup_data {
    struct cgroup *cgroup;
};

/* Before 5.15 (8520e224f547): a tagged pointer, or net_cls and net_prio numbers where bit 0 is set. */
struct sock_cgroup_data___tagged {
    __u64 val;
};

struct in6_addr {
    union {
        __be32 u6_addr32[4];
    } in6_u;
};

struct sock_common {
    __be32 skc_daddr;
    __be32 skc_rcv_saddr;
    __be16 skc_dport;
    __u16 skc_num; /* the local port in host order; 0 before binding and after TCP_CLOSE */
    unsigned short skc_family;
    volatile unsigned char skc_state;
    possible_net_t skc_net;
    struct in6_addr skc_v6_daddr;
    struct in6_addr skc_v6_rcv_saddr;
};

typedef struct {
    unsigned int val;
} kuid_t;

struct socket;

struct sock {
    struct sock_common __sk_common;
    int sk_err;               /* the errno that ended the connection */
    int sk_err_soft;          /* one that did not end it, such as an ICMP error while the socket was in use */
    kuid_t sk_uid;            /* who made the socket, in the host's user namespace */
    struct socket *sk_socket; /* NULL while nobody has accepted the connection, and after close() */
    __u16 sk_protocol;
    __u16 sk_type;
    __u8 sk_shutdown; /* SHUTDOWN_MASK from the first moment of tcp_close() */
    struct sock_cgroup_data sk_cgrp_data;
};

struct inet_sock {
    struct sock sk;
    __be16 inet_sport; /* the local port; unlike skc_num it outlives the change to TCP_CLOSE */
};

struct inet_connection_sock {
    struct inet_sock icsk_inet;
    __u8 icsk_ca_state : 5; /* enum tcp_ca_state; its width differs by kernel */
    __u8 icsk_pending;      /* what the retransmission timer waits for; 0 while its handler sends again */
    __u8 icsk_retransmits;  /* timeouts in a row without progress */
    __u32 icsk_rto;         /* jiffies */
};

/* What TCP notes about a segment, in sk_buff.cb. */
struct tcp_skb_cb {
    __u32 seq;
    __u16 tcp_gso_segs; /* segments of at most one MSS that the sk_buff holds */
    __u8 sacked;        /* TCPCB_ flags; moved when tcp_flags grew (6.18) */
};

struct sk_buff {
    unsigned int len; /* in the retransmission queue: bytes of data, without headers */
    char cb[48];
};

/* A windowed minimum; s[0] is the smallest sample. */
struct minmax_sample {
    __u32 v;
};

struct minmax {
    struct minmax_sample s[3];
};

struct tcp_sock {
    __u32 srtt_us;         /* smoothed RTT, 8 times µs; after the handshake: its only sample */
    struct minmax rtt_min; /* µs; ~0 before the first sample */
    __u32 mss_cache;
    __u32 snd_cwnd;     /* segments */
    __u32 snd_ssthresh; /* segments; 0x7fffffff before the first loss */
    __u32 write_seq;    /* the next one that the program will write, or behind the FIN */
    __u32 lost_out;
    __u32 sacked_out;
    __u32 retrans_out;
    __u32 snd_una;          /* the oldest sequence number that is not acknowledged */
    __u32 snd_nxt;          /* the next one to be sent for the first time */
    __u64 bytes_sent;       /* data, retransmissions included */
    __u64 bytes_retrans;    /* data sent again */
    __u64 bytes_acked;      /* growth of snd_una; an active socket's begins with its SYN */
    __u64 delivered_mstamp; /* µs of CLOCK_MONOTONIC: the last ACK or SACK of new data, or sending after
                               idleness */
    __u32 dsack_dups;       /* segments that the other end reported to have got twice */
    __u32 undo_marker;      /* 0 once a recovery was taken back (tcp_undo_cwnd_reduction) */
    __u32 total_retrans;    /* segments sent again since the socket was made or disconnected */
    __u32 segs_out;         /* segments sent; 0 means that no SYN left */
    __u32 segs_in;
    __u32 retrans_stamp;  /* in SYN_SENT: the first SYN's time (tcp_connect), in ticks of tcp_clock */
    __u8 tcp_usec_ts : 1; /* from 6.7 (614e8316aa4c): those ticks are µs, not ms */
};

struct socket {
    socket_state state;
    struct sock *sk;
};

struct super_block {
    unsigned long s_magic;
};

struct inode {
    struct super_block *i_sb;
};

struct file {
    struct inode *f_inode;
    void *private_data; /* of a file on sockfs: its struct socket */
};

struct fdtable {
    unsigned int max_fds;
    struct file **fd;
};

struct files_struct {
    struct fdtable *fdt;
};

struct request_sock {
    struct sock_common __req_common;
    __u8 num_retrans; /* SYN-ACKs sent again; counted after the tracepoint */
    __u8 num_timeout : 7;
    __u32 timeout; /* jiffies, from 5.17 (5903123f662e); before: TCP_TIMEOUT_INIT */
};

struct inet_request_sock {
    struct request_sock req;
};

struct tcp_request_sock {
    struct inet_request_sock req;
    __u64 snt_synack; /* when the first SYN-ACK was sent, µs of CLOCK_MONOTONIC */
    __u32 snt_isn;
};

struct task_struct {
    unsigned int flags; /* PF_ */
    int tgid;
    __u64 start_boottime;
    struct task_struct *group_leader;
    char comm[16];
    struct files_struct *files;
};

struct seq_file;

struct bpf_iter_meta {
    struct seq_file *seq;
    __u64 session_id; /* a number for each reading of an iterator */
};

struct bpf_iter__task_file {
    struct bpf_iter_meta *meta;
    struct task_struct *task;
    struct file *file;
};

struct bpf_iter__bpf_map_elem {
    struct bpf_iter_meta *meta;
    void *key;
    void *value;
};

struct trace_event_raw_sys_enter {
    unsigned long args[6];
};

struct trace_event_raw_sys_exit {
    long ret;
};

#pragma clang attribute pop

/* uapi, read from user memory: no relocation. */
struct sockaddr_in {
    __u16 sin_family;
    __be16 sin_port;
    __be32 sin_addr;
};

struct sockaddr_in6 {
    __u16 sin6_family;
    __be16 sin6_port;
    __u32 sin6_flowinfo;
    __be32 sin6_addr[4];
};
