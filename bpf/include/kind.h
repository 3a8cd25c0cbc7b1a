/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Why a segment is sent again, from what the sender knows then: docs/retransmit-kinds.md has the proof. */
#pragma once

#include "kernel.h"

enum kind {
    KIND_SYN,    /* the handshake's SYN, by its timer */
    KIND_SYNACK, /* the answer to it, by its timer or because the SYN came again */
    KIND_FAST,   /* SACKs, duplicate ACKs or RACK's clock say that it is lost: recovery without waiting */
    KIND_RTO,    /* nothing was acknowledged for the whole retransmission timeout */
    KIND_LOSS,   /* after a timeout, clocked by the ACKs that come again; or the path's MTU fell */
    KIND_TLP,    /* tail loss probe: the last segment once more, to provoke an ACK before the timeout */
};

/* `sk` and `tcp` are the same socket. */
static __always_inline enum kind kind_of(const struct sock *sk, struct tcp_sock *tcp,
                                         const struct sk_buff *skb) {
    struct inet_connection_sock *icsk = (struct inet_connection_sock *)tcp;
    __u32 ca_state = BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state);

    if (sk->__sk_common.skc_state == TCP_SYN_SENT)
        return KIND_SYN;
    /* Simultaneous open: the SYN became a SYN-ACK. */
    if (sk->__sk_common.skc_state == TCP_SYN_RECV)
        return KIND_SYNACK;
    /* tcp_write_timer_handler() clears icsk_pending before tcp_retransmit_timer(), which enters Loss. Nothing
     * else sends with it cleared: while segments are on their way, some timer is pending. */
    if (ca_state == TCP_CA_Loss)
        return icsk->icsk_pending ? KIND_LOSS : KIND_RTO;
    /* The handler leaves icsk_pending for tcp_send_loss_probe(). The timer may also be waiting while an ACK
     * starts recovery; but recovery (tcp_xmit_retransmit_queue) sends only what is marked as lost. */
    if (icsk->icsk_pending == ICSK_TIME_LOSS_PROBE &&
        !(BPF_CORE_READ((const struct tcp_skb_cb *)&skb->cb, sacked) & TCPCB_LOST))
        return KIND_TLP;
    return KIND_FAST;
}
