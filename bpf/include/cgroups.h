/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Paths of the cgroups that are made while we run: a container may be gone before user space looks for the
 * folder of its cgroup. Those made before are found there.
 */
#pragma once

#include "types.h"

struct cgroup_path {
    char text[512];
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 1024);
    __type(key, __u64); /* cgroup id */
    __type(value, struct cgroup_path);
} cgroup_paths SEC(".maps");

/* A path is too long for the stack. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct cgroup_path);
} cgroup_path_buffer SEC(".maps");

/* The hierarchy of cgroup v2 is the first that the kernel makes (cgroup_init). */
#define CGROUP_V2_HIERARCHY 0

/* raw_tp and not tp_btf: Linux 5.10 takes no program on a tracepoint with a string among its arguments. */
SEC("raw_tp/cgroup_mkdir")
int make_cgroup(struct bpf_raw_tracepoint_args *ctx) {
    struct cgroup *cgroup = (struct cgroup *)ctx->args[0];
    const char *path = (const char *)ctx->args[1];
    __u64 id = BPF_CORE_READ(cgroup, kn, id);
    __u32 zero = 0;
    struct cgroup_path *buffer = bpf_map_lookup_elem(&cgroup_path_buffer, &zero);

    if (!buffer || BPF_CORE_READ(cgroup, root, hierarchy_id) != CGROUP_V2_HIERARCHY)
        return 0;
    if (bpf_probe_read_kernel_str(buffer->text, sizeof(buffer->text), path) > 0)
        bpf_map_update_elem(&cgroup_paths, &id, buffer, BPF_ANY);
    return 0;
}
