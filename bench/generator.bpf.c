// SPDX-License-Identifier: MIT OR GPL-2.0
/* Handshakes that never were, told in the way of connlat, into the maps of a running one: bench/generate.ts.
 */
#include "../bpf/include/handshake.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define CGROUPS 16
#define COMMS 8
#define PORTS 8
#define PIDS 64
#define MOST_AT_ONCE 128

/* Where the handshakes are said to happen. */
const volatile __u32 remotes = 1000;
const volatile __u32 netns = 0;
const volatile __u64 cgroups[CGROUPS] = {};
const volatile __u32 pids[PIDS] = {};

static const comm_t comms[COMMS] = {"nginx", "puma",  "java",         "python3",
                                    "node",  "envoy", "redis-server", "curl"};
static const __u16 ports[PORTS] = {443, 443, 6379, 5432, 9092, 8080, 80, 3306};

/* Goes through all remotes, so that each is seen. */
__u32 next_remote = 0;

/* Of a thousand attempts. */
#define REFUSED 5
#define TIMEOUT 1
#define ABANDONED 2
#define LOST_SYN 4

#define SECOND 1000000000ULL

/* Half of them one after the other, and half skewed to the first ones, as the traffic of most hosts is. */
static __always_inline __u32 remote(__u32 random) {
    __u64 skewed = (__u64)bpf_get_prandom_u32() * bpf_get_prandom_u32() >> 32;

    return random & 1 ? skewed * remotes >> 32 : next_remote++ % remotes;
}

/*
 * Each remote has a distance of its own, from 50 us to 6.4 ms. Most handshakes take up to an eighth longer
 * than that; one in eight takes twice as long, of these again one in eight, and so on.
 */
static __always_inline ns_t latency(__u32 far) {
    __u32 random = bpf_get_prandom_u32();
    ns_t distance = (50000ULL << far % 7) * (64 + far / 7 % 64) / 64;
    ns_t ns = distance + distance * (random & 0xff) / (8 * 256);

    random >>= 8;
    for (__u32 doubled = 0; doubled < 6 && (random & 7) == 0; doubled++, random >>= 3)
        ns *= 2;
    return ns;
}

static __always_inline void end(struct handshake *handshake, __u32 far, __u32 of_thousand) {
    ns_t ns = latency(far);

    handshake->syns = 1;
    if (of_thousand < REFUSED) {
        handshake->outcome = OUTCOME_REFUSED;
        handshake->errno = ECONNREFUSED;
    } else if (of_thousand < REFUSED + TIMEOUT) {
        handshake->outcome = OUTCOME_TIMEOUT;
        handshake->errno = ETIMEDOUT;
        handshake->syns = 7;
        ns = 127 * SECOND;
    } else if (of_thousand < REFUSED + TIMEOUT + ABANDONED) {
        handshake->outcome = OUTCOME_ABANDONED;
        handshake->syns = 3;
        ns = 4 * SECOND;
    } else {
        handshake->outcome = OUTCOME_OK;
        handshake->wire_us = ns / 1000;
        if (of_thousand < REFUSED + TIMEOUT + ABANDONED + LOST_SYN) {
            handshake->syns = 2;
            ns += SECOND;
        }
    }
    handshake->end_ns = bpf_ktime_get_ns();
    handshake->start_ns = handshake->end_ns - ns;
}

/* Global, so that the verifier looks at it once, and not at each turn of the loop. */
__noinline int tell(struct bpf_raw_tracepoint_args *ctx) {
    const struct following following = {.weight = 1};
    struct handshake handshake = {.type = EVENT_TYPE_HANDSHAKE, .netns = netns, .uid = 1000};
    __u32 random = bpf_get_prandom_u32(), far = remote(random), owner = (random >> 1) % PIDS;

    handshake.socket = 0xffff888000000000ULL | (__u64)random << 6;
    handshake.local_address = from_ipv4(bpf_htonl(0x0a000001));
    handshake.remote_address = from_ipv4(bpf_htonl(0x0a010000 + far));
    handshake.local_port = 32768 + (random >> 12) % 28000;
    handshake.remote_port = ports[far % PORTS];
    handshake.pid = pids[owner];
    handshake.cgroup_id = cgroups[owner % CGROUPS];
    __builtin_memcpy(handshake.comm, comms[owner % COMMS], sizeof(handshake.comm));
    end(&handshake, far, (random >> 16) % 1000);
    report(ctx, &handshake, following);
    return 0;
}

static __always_inline __u64 lost_on_this_cpu(void) {
    __u32 lost = COUNTER_LOST;
    __u64 *count = bpf_map_lookup_elem(&counters, &lost);

    return count ? *count : 0;
}

/* Tells of as many handshakes as its argument says; returns how many of them had no room. */
SEC("raw_tp/sys_enter")
int generate(struct bpf_raw_tracepoint_args *ctx) {
    __u64 events = ctx->args[0], lost = lost_on_this_cpu();

    for (__u32 i = 0; i < MOST_AT_ONCE && i < events; i++)
        tell(ctx);
    return lost_on_this_cpu() - lost;
}
