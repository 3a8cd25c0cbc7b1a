/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Both ends of a connection see it become established, half a round trip apart. Recordings keep both sights,
 * so that those of several hosts can be laid on one clock.
 */
#pragma once

#include "emit.h"
#include "event.h"
#include "filter.h"

enum role {
    ROLE_CLIENT,
    ROLE_SERVER,
};

struct meeting {
    enum event_type type;
    enum role role; /* of the local end */
    ns_t time_ns;
    ip_t local_address;
    ip_t remote_address;
    __u16 local_port;
    __u16 remote_port;
    __u32 netns;
    __u32 rtt_us; /* of the SYN, or of the SYN-ACK; 0 if there is no sample */
};

const struct meeting *const meeting_layout = 0;

/* Set before the load where a recording is made. */
const volatile bool meetings = false;

static __always_inline void report_meeting(void *ctx, struct sock *sk, enum role role) {
    struct meeting event = {};
    struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

    if (!tcp)
        return;
    event.netns = sk->__sk_common.skc_net.net->ns.inum;
    if (!wants_netns(event.netns) || !wants_cgroup(sk))
        return;
    event.type = EVENT_TYPE_MEETING;
    event.role = role;
    event.time_ns = bpf_ktime_get_ns();
    event.local_address = local_address(sk);
    event.remote_address = remote_address(sk);
    event.local_port = bpf_ntohs(((struct inet_sock *)tcp)->inet_sport);
    event.remote_port = bpf_ntohs(sk->__sk_common.skc_dport);
    event.rtt_us = tcp->srtt_us >> 3;
    emit(ctx, &event, sizeof(event));
}
