/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What the user asked for, compiled in: user space sets `filter` before the load, the kernel freezes it, and
 * the verifier removes every test that this run does not need.
 */
#pragma once

#include "flow.h"

/* Longest list that one flag can carry. */
#define FILTER_LIST 32

struct cidr {
    ip_t network;
    ip_t mask;
    __u32 version; /* 4 or 6: ::/0 must not match v4-mapped addresses */
};

/* LIST_count is the length of LIST; the generator makes one TypeScript array of the two. */
struct filter {
    ns_t min_latency_ns;
    __u32 pids_count;
    __u32 comms_count;
    __u32 uids_count;
    __u32 netns_count;
    __u32 remote_ports_count;
    __u32 excluded_remote_ports_count;
    __u32 local_ports_count;
    __u32 remote_addresses_count;
    __u32 excluded_remote_addresses_count;
    __u32 local_addresses_count;
    __u32 cgroups_count;
    flag_t only_ipv4;
    flag_t only_ipv6;
    __u64 cgroups[FILTER_LIST]; /* each with all below it */
    __u32 pids[FILTER_LIST];
    __u32 uids[FILTER_LIST];
    __u32 netns[FILTER_LIST];
    __u16 remote_ports[FILTER_LIST];
    __u16 excluded_remote_ports[FILTER_LIST];
    __u16 local_ports[FILTER_LIST];
    comm_t comms[FILTER_LIST];
    struct cidr remote_addresses[FILTER_LIST];
    struct cidr excluded_remote_addresses[FILTER_LIST];
    struct cidr local_addresses[FILTER_LIST];
};

const volatile struct filter filter = {};

/* True if `value` is in the filter's list `list`. */
#define LISTED(list, value)                                                                                  \
    ({                                                                                                       \
        bool found = false;                                                                                  \
        for (__u32 i = 0; i < FILTER_LIST && i < filter.list##_count; i++) {                                 \
            if (filter.list[i] == (value)) {                                                                 \
                found = true;                                                                                \
                break;                                                                                       \
            }                                                                                                \
        }                                                                                                    \
        found;                                                                                               \
    })

static __always_inline bool in_cidr(const volatile struct cidr *cidr, const ip_t *ip, __u32 version) {
    return cidr->version == version && (ip->words[0] & cidr->mask.words[0]) == cidr->network.words[0] &&
           (ip->words[1] & cidr->mask.words[1]) == cidr->network.words[1] &&
           (ip->words[2] & cidr->mask.words[2]) == cidr->network.words[2] &&
           (ip->words[3] & cidr->mask.words[3]) == cidr->network.words[3];
}

static __always_inline bool in_any_cidr(const volatile struct cidr *list, __u32 count, const ip_t *ip) {
    __u32 version = is_ipv4(ip) ? 4 : 6;

    for (__u32 i = 0; i < FILTER_LIST && i < count; i++) {
        if (in_cidr(&list[i], ip, version))
            return true;
    }
    return false;
}

static __always_inline bool same_comm(const volatile char *wanted, const char *comm) {
    for (__u32 i = 0; i < sizeof(comm_t); i++) {
        if (wanted[i] != comm[i])
            return false;
        if (!comm[i])
            return true;
    }
    return true;
}

static __always_inline bool wants_comm(const char *comm) {
    if (!filter.comms_count)
        return true;
    for (__u32 i = 0; i < FILTER_LIST && i < filter.comms_count; i++) {
        if (same_comm(filter.comms[i], comm))
            return true;
    }
    return false;
}

static __always_inline bool wants_owner(__u32 pid, __u32 uid, const char *comm) {
    if (filter.pids_count && !LISTED(pids, pid))
        return false;
    if (filter.uids_count && !LISTED(uids, uid))
        return false;
    return wants_comm(comm);
}

static __always_inline bool wants_remote(const ip_t *address, __u16 port) {
    if (filter.only_ipv4 && !is_ipv4(address))
        return false;
    if (filter.only_ipv6 && is_ipv4(address))
        return false;
    if (filter.remote_ports_count && !LISTED(remote_ports, port))
        return false;
    if (filter.excluded_remote_ports_count && LISTED(excluded_remote_ports, port))
        return false;
    if (filter.remote_addresses_count &&
        !in_any_cidr(filter.remote_addresses, filter.remote_addresses_count, address))
        return false;
    if (filter.excluded_remote_addresses_count &&
        in_any_cidr(filter.excluded_remote_addresses, filter.excluded_remote_addresses_count, address))
        return false;
    return true;
}

static __always_inline bool wants_local_address(const ip_t *address) {
    return !filter.local_addresses_count ||
           in_any_cidr(filter.local_addresses, filter.local_addresses_count, address);
}

static __always_inline bool wants_local_port(__u16 port) {
    return !filter.local_ports_count || LISTED(local_ports, port);
}

static __always_inline bool wants_netns(__u32 netns) {
    return !filter.netns_count || LISTED(netns, netns);
}

static __always_inline __u64 cgroup_ancestor(struct cgroup *cgroup, __u32 level) {
    struct cgroup___ancestor_ids *older = (void *)cgroup;
    struct cgroup *ancestor = NULL;
    __u64 id = 0;

    if (bpf_core_field_exists(older->ancestor_ids)) {
        barrier_var(older); /* else the compiler works out both addresses, and one does not exist */
        bpf_probe_read_kernel(&id, sizeof(id),
                              __builtin_preserve_access_index(&older->ancestor_ids[0]) + level);
        return id;
    }
    barrier_var(cgroup);
    bpf_probe_read_kernel(&ancestor, sizeof(ancestor),
                          __builtin_preserve_access_index(&cgroup->ancestors[0]) + level);
    return BPF_CORE_READ(ancestor, kn, id);
}

/* The user names none below these: containers in containers are some ten folders deep. */
#define CGROUP_LEVELS 16

/* A function of its own, so that its counters stay in registers: 5.10 and 6.1 forget those on the stack. */
static __noinline bool is_below_listed(struct cgroup *cgroup) {
    __u32 deepest = BPF_CORE_READ(cgroup, level);

    for (__u32 level = 0; level < CGROUP_LEVELS && level <= deepest; level++) {
        __u64 id = cgroup_ancestor(cgroup, level);

        for (__u32 i = 0; i < FILTER_LIST && i < filter.cgroups_count; i++) {
            if (filter.cgroups[i] == id)
                return true;
        }
    }
    return false;
}

static __always_inline bool wants_cgroup(const struct sock *sk) {
    return !filter.cgroups_count || is_below_listed(probe_cgroup(sk));
}
